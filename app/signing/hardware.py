"""Keys that are made and kept in a PKCS#11 token (an HSM) and never leave it.

Where ``PORTAL_PKCS11_MODULE`` is set, new keys are made here.  What their row seals is then no private key but a
reference to one: the bytes :data:`REFERENCE` and the public key (SubjectPublicKeyInfo, DER).  It is sealed as a
key is, under the PIN and the KEK or for one person, and :func:`app.signing.keys.load_key` gives back an object
with the same interface as any other key.  In the token a key lies under CKA_ID = SHA-256 of its public key.

A process has one session, logged in once, and one call at a time: two threads in SoftHSM2 hang even with a
session each, and other modules allow it only where they were told so at C_Initialize.  A forked child opens
the module anew; nobody forks in the midst of a call.

Source: PKCS#11 Base Specification 3.0, 4.9 (private keys), 5.4 (C_Initialize and forks)
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from app.errors import HardwareFailed
from app.signing.keys import REFERENCE, KeyKind, KeyRefused

LABEL = "portal"  # CKA_LABEL of every key made here
P_256_OID = "1.2.840.10045.3.1.7"

log = logging.getLogger(__name__)


class _OneAtATime:
    """The lock of the process around the module, which knows how often the process was forked."""

    def __init__(self):
        self.lock = threading.RLock()
        self.forks = 0
        os.register_at_fork(
            before=self.lock.acquire, after_in_parent=self.lock.release, after_in_child=self._after_fork
        )

    def _after_fork(self):
        self.lock.release()
        self.forks += 1


_PROCESS = _OneAtATime()


class Token:
    """One token of one PKCS#11 module; opened at its first use, so that a start does not need it.

    :param module: path of the vendor's library
    :param label: of the token
    :param pin: of the token's user; a wrong one is tried once, for tokens lock themselves
    """

    def __init__(self, module: str, label: str, pin: str):
        import pkcs11  # needed by nobody without the setting

        self._pkcs11 = pkcs11
        self._module, self._label, self._pin = module, label, pin
        self._pin_was_refused = False
        self._forks = 0
        self._before_fork = []  # a parent's session, kept: closed here, it might be closed for the parent as well
        self._session = None
        self._handles = {}  # CKA_ID -> the private key's object, for this session

    def new_key(self, kind: KeyKind) -> "TokenRsaKey | TokenEcKey":
        """A fresh key, made in the token: sensitive, not extractable, for signing alone."""
        return self.key(self._use(lambda session: self._make(session, kind)))

    def key(self, reference: bytes) -> "TokenRsaKey | TokenEcKey":
        """The key that `reference` names.  Asks the token nothing: whether the key is there shows when it signs.

        :raises KeyRefused: not a reference to a kind of key the portal makes
        """
        try:
            public_key = load_der_public_key(reference.removeprefix(REFERENCE))
        except ValueError:
            raise KeyRefused from None
        if isinstance(public_key, rsa.RSAPublicKey):
            return TokenRsaKey(self, public_key)
        if isinstance(public_key, ec.EllipticCurvePublicKey):
            return TokenEcKey(self, public_key)
        raise KeyRefused

    def sign(self, key_id: bytes, message: bytes, mechanism: str) -> bytes:
        """The token's signature over `message`; ECDSA's as the two numbers one behind the other."""
        chosen = self._pkcs11.Mechanism[mechanism]
        return self._use(lambda session: self._handle(session, key_id).sign(message, mechanism=chosen))

    def destroy(self, key_id: bytes) -> bool:
        """Destroy a key for ever; False where there is none."""

        def work(session):
            self._handles.pop(key_id, None)
            found = list(session.get_objects({self._pkcs11.Attribute.ID: key_id}))
            for one in found:
                one.destroy()
            return bool(found)

        return self._use(work)

    def check(self):
        """
        :raises HardwareFailed: the token does not answer
        """
        self._use(lambda session: list(session.get_objects({self._pkcs11.Attribute.ID: b"nobody's"})))

    # -- in the token ----------------------------------------------------------

    def _make(self, session, kind):
        """Make a key pair; only its private half stays in the token.  Returns the reference."""
        p11 = self._pkcs11
        of_public = {p11.Attribute.TOKEN: False}
        of_private = {
            p11.Attribute.TOKEN: True, p11.Attribute.PRIVATE: True, p11.Attribute.SENSITIVE: True,
            p11.Attribute.EXTRACTABLE: False,
        }  # fmt: skip
        given = {"label": LABEL, "store": True, "private_template": of_private,
                 "capabilities": p11.MechanismFlag.SIGN | p11.MechanismFlag.VERIFY}  # fmt: skip
        if kind is KeyKind.rsa_3072:
            of_public[p11.Attribute.PUBLIC_EXPONENT] = b"\x01\x00\x01"
            public, private = session.generate_keypair(p11.KeyType.RSA, 3072, public_template=of_public, **given)
        else:
            curve = {p11.Attribute.EC_PARAMS: p11.util.ec.encode_named_curve_parameters(P_256_OID)}
            parameters = session.create_domain_parameters(p11.KeyType.EC, curve, local=True)
            public, private = parameters.generate_keypair(public_template=of_public, **given)
        spki = self._public_key(public, kind).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if private[p11.Attribute.EXTRACTABLE] or not private[p11.Attribute.SENSITIVE]:
            private.destroy()
            raise p11.exceptions.AttributeValueInvalid("the token made a key that could leave it")
        private[p11.Attribute.ID] = _id_of(spki)
        return REFERENCE + spki

    def _public_key(self, public, kind):
        p11 = self._pkcs11
        if kind is KeyKind.rsa_3072:
            numbers = [int.from_bytes(public[name], "big") for name in (p11.Attribute.PUBLIC_EXPONENT, p11.Attribute.MODULUS)]
            return rsa.RSAPublicNumbers(*numbers).public_key()
        return load_der_public_key(p11.util.ec.encode_ec_public_key(public))

    def _handle(self, session, key_id):
        if key_id not in self._handles:
            wanted = {self._pkcs11.Attribute.CLASS: self._pkcs11.ObjectClass.PRIVATE_KEY, self._pkcs11.Attribute.ID: key_id}
            found = list(session.get_objects(wanted))
            if not found:
                raise self._pkcs11.NoSuchKey(key_id.hex())
            self._handles[key_id] = found[0]
        return self._handles[key_id]

    # -- the session -----------------------------------------------------------

    def _use(self, work: Callable[[Any], Any]):
        """`work(session)`; once more with the module opened anew where the token was lost meanwhile.

        :raises HardwareFailed: the token does not answer, refuses its PIN, or does not hold the key
        """
        with _PROCESS.lock:
            for is_last in (False, True):
                try:
                    return work(self._open_session())
                except self._pkcs11.PKCS11Error as failure:
                    self._session, self._handles = None, {}
                    name = type(failure).__name__
                    if is_last or self._pin_was_refused:
                        log.error("the token %s refused: %s %s", self._label, name, failure)
                        raise HardwareFailed from failure
                    log.warning("the token %s is opened anew: %s %s", self._label, name, failure)
                    self._reopen_module()

    def _open_session(self):
        if self._forks != _PROCESS.forks:
            self._forks = _PROCESS.forks
            self._before_fork.append((self._session, self._handles))
            self._session, self._handles = None, {}
            self._reopen_module()
        if self._session is None:
            self._session = self._log_in(self._pkcs11.lib(self._module).get_token(token_label=self._label))
        return self._session

    def _log_in(self, token):
        p11 = self._pkcs11
        if self._pin_was_refused:
            raise p11.PinIncorrect("not tried again before the next start")
        try:
            return token.open(rw=True, user_pin=self._pin)
        except p11.UserAlreadyLoggedIn:  # by another session of this process
            return token.open(rw=True)
        except (p11.PinIncorrect, p11.PinInvalid, p11.PinLenRange, p11.PinLocked, p11.PinExpired):
            self._pin_was_refused = True
            raise

    def _reopen_module(self):
        """C_Finalize and C_Initialize: what the specification asks of a forked child, and what ends a lost session."""
        p11 = self._pkcs11
        try:
            module = p11.lib(self._module)
        except p11.PKCS11Error:
            return  # the next try says why
        try:
            module.finalize()
        except p11.PKCS11Error:
            log.info("the PKCS#11 module did not finalize")


class _TokenKey:
    """What both kinds of key share: a public key, and a token that signs."""

    def __init__(self, token, public_key):
        self._token, self._public_key = token, public_key
        spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.reference = REFERENCE + spki
        self.key_id = _id_of(spki)

    @property
    def key_size(self):
        return self._public_key.key_size

    def public_key(self):
        return self._public_key

    def private_numbers(self):
        raise TypeError("the key does not leave its token")

    def private_bytes(self, *_how):
        raise TypeError("the key does not leave its token")

    def __copy__(self):
        return self

    def __deepcopy__(self, _memo):
        return self


class TokenRsaKey(_TokenKey, rsa.RSAPrivateKey):
    """An RSA key in the token: RSASSA-PKCS1-v1_5 with SHA-256."""

    def sign(self, data, padding_scheme, algorithm):
        if not isinstance(padding_scheme, padding.PKCS1v15) or not isinstance(algorithm, hashes.SHA256):
            raise TypeError("the portal signs with RSASSA-PKCS1-v1_5 and SHA-256")
        return self._token.sign(self.key_id, data, "SHA256_RSA_PKCS")

    def decrypt(self, ciphertext, padding):
        raise TypeError("the key is for signing alone")


class TokenEcKey(_TokenKey, ec.EllipticCurvePrivateKey):
    """A P-256 key in the token: ECDSA with SHA-256, DER."""

    @property
    def curve(self):
        return self._public_key.curve

    def sign(self, data, signature_algorithm):
        if not isinstance(signature_algorithm, ec.ECDSA) or not isinstance(signature_algorithm.algorithm, hashes.SHA256):
            raise TypeError("the portal signs with ECDSA and SHA-256")
        pair = self._token.sign(self.key_id, hashlib.sha256(data).digest(), "ECDSA")
        half = len(pair) // 2
        return encode_dss_signature(int.from_bytes(pair[:half], "big"), int.from_bytes(pair[half:], "big"))

    def exchange(self, algorithm, peer_public_key):
        raise TypeError("the key is for signing alone")


def _id_of(spki):
    return hashlib.sha256(spki).digest()
