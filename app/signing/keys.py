"""Custody of private keys and short secrets: what the database keeps is sealed here, and only here.

A sealed value is ``version (1) | KEK version (4) | nonce (12) | AES-256-GCM ciphertext``.  The context
(which row it belongs to: company, user, certificate) is authenticated but not stored, so a sealed value
copied into another row does not open.  A value under a PIN has a second, inner envelope: the PIN is of no use
without the key-encryption key (KEK), nor the KEK without the PIN, and the KEK can be replaced without PINs.
"""

import hmac
import os
import struct
from collections.abc import Mapping
from enum import StrEnum, auto
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from app.errors import HardwareFailed, SecretRefused

if TYPE_CHECKING:
    from app.signing.hardware import Token

KEK_BYTES = 32
REFERENCE = b"portal-pkcs11\x00"  # what is sealed begins so where the key itself lies in a token
SCRYPT_COST = (15, 8, 1)  # log2(n), r, p: about 0.1 s and 32 MiB per try

_OUTER = struct.Struct(">BI12s")
_INNER = struct.Struct(">BBBB16s12s")
_OUTER_VERSION = 1
_INNER_VERSION = 0x51

# The interface of a signing key is that of `cryptography`: ``sign`` and ``public_key``.  A key inside an
# HSM joins by subclassing one of the two (app/signing/hardware.py); nothing below asks for more.
SigningKey: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class KeyRefused(SecretRefused):
    """A sealed value did not open: wrong PIN, wrong row, wrong KEK or damaged bytes; it is not said which."""

    sentence = "鍵を開くことができませんでした。入力内容をご確認のうえ、もう一度お試しください。"


class KeyKind(StrEnum):
    """The kinds of key the portal makes.  RSA-3072 opens in every PDF reader; P-256 signs 35 times faster."""

    rsa_3072 = auto()
    p_256 = auto()


class Keyring:
    """The key-encryption keys of the portal, by version; the highest one seals, all of them open."""

    def __init__(self, keks: Mapping[int, bytes]):
        if not keks:
            raise ValueError("a keyring needs at least one key-encryption key")
        for version, kek in keks.items():
            if not 0 < version < 2**32 or len(kek) != KEK_BYTES:
                raise ValueError(f"key-encryption key {version}: needs a version >= 1 and {KEK_BYTES} bytes")
        self.current = max(keks)
        self._seal_keys = {version: _derive(kek, b"portal seal v1") for version, kek in keks.items()}
        self._mac_keys = {version: _derive(kek, b"portal mac v1") for version, kek in keks.items()}

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """Encrypt `plain` so that it opens only with this keyring and the same `context`."""
        header = _OUTER.pack(_OUTER_VERSION, self.current, os.urandom(12))
        return header + AESGCM(self._seal_keys[self.current]).encrypt(header[5:], plain, header[:5] + context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """The plain bytes of :meth:`seal`.

        :raises KeyRefused: another context, an unknown KEK, or damaged bytes
        """
        try:
            version, kek_version, nonce = _OUTER.unpack_from(sealed)
            if version != _OUTER_VERSION:
                raise KeyRefused
            return AESGCM(self._seal_keys[kek_version]).decrypt(
                nonce, sealed[_OUTER.size :], sealed[:5] + context
            )
        except (struct.error, KeyError, InvalidTag, ValueError):
            raise KeyRefused from None

    def rewrap(self, sealed: bytes, context: bytes) -> bytes:
        """`sealed` under the current KEK; works for values under a PIN as well, without the PIN."""
        return self.seal(self.open(sealed, context), context)

    def is_current(self, sealed: bytes) -> bool:
        """Whether `sealed` is under the newest KEK, that is, needs no :meth:`rewrap`."""
        return sealed[1:5] == self.mark

    @property
    def mark(self) -> bytes:
        """The newest KEK's version as it stands in bytes 1 to 4 of a sealed value, and 0 to 3 of a mac."""
        return struct.pack(">I", self.current)

    def mac(self, message: bytes, context: bytes) -> bytes:
        """A keyed fingerprint of a secret too short to be hashed (the 6-digit 署名用パスワード).

        :returns: KEK version (4 bytes) and HMAC-SHA256; compare with :meth:`mac_matches`
        """
        return struct.pack(">I", self.current) + self._tag(self.current, message, context)

    def mac_matches(self, mac: bytes, message: bytes, context: bytes) -> bool:
        """Whether `mac` was made from `message` in `context`, under any KEK of the ring; in constant time."""
        version = int.from_bytes(mac[:4], "big")
        if version not in self._mac_keys:
            return False
        return hmac.compare_digest(mac[4:], self._tag(version, message, context))

    def _tag(self, version, message, context):
        framed = struct.pack(">I", len(context)) + context + message
        return hmac.digest(self._mac_keys[version], framed, "sha256")


def seal_with_pin(
    keyring: Keyring, plain: bytes, pin: str, context: bytes, *, cost: tuple[int, int, int] = SCRYPT_COST
) -> bytes:
    """Encrypt `plain` (a private key) so that it opens only with `pin`, the keyring and the same `context`.

    :param cost: scrypt's log2(n), r and p; kept in the envelope, so that it can be raised later
    """
    header = _INNER.pack(_INNER_VERSION, *cost, os.urandom(16), os.urandom(12))
    key = _key_from_pin(pin, header[4:20], cost)
    inner = header + AESGCM(key).encrypt(header[20:], plain, header[:20] + context)
    return keyring.seal(inner, context)


def open_with_pin(keyring: Keyring, sealed: bytes, pin: str, context: bytes) -> bytes:
    """The plain bytes of :func:`seal_with_pin`.  Costs about 0.1 s, also when the PIN is wrong.

    :raises KeyRefused: wrong PIN, another row's value, another KEK, or damaged bytes
    """
    inner = keyring.open(sealed, context)
    try:
        version, log_n, r, p, salt, nonce = _INNER.unpack_from(inner)
        if version != _INNER_VERSION:
            raise KeyRefused
        key = _key_from_pin(pin, salt, (log_n, r, p))
        return AESGCM(key).decrypt(nonce, inner[_INNER.size :], inner[:20] + context)
    except (struct.error, InvalidTag, ValueError):
        raise KeyRefused from None


def new_key(kind: KeyKind, token: "Token | None" = None) -> SigningKey:
    """A fresh private key: made in the token where there is one, else from the system's random source."""
    if token is not None:
        return token.new_key(kind)
    if kind is KeyKind.rsa_3072:
        return rsa.generate_private_key(public_exponent=65537, key_size=3072)
    return ec.generate_private_key(ec.SECP256R1())


def key_to_der(key: SigningKey) -> bytes:
    """The key as unencrypted PKCS#8, or the reference to a key in a token.

    Only ever handed to :meth:`Keyring.seal` or :func:`seal_with_pin`.
    """
    if key_id(key) is not None:
        return key.reference
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def key_id(key: SigningKey) -> bytes | None:
    """CKA_ID of a key in a token; None for any other."""
    return getattr(key, "key_id", None)


def load_key(der: bytes, token: "Token | None" = None) -> SigningKey:
    """A key from :func:`key_to_der`.

    Skips the arithmetic check of RSA keys (0.1 s each time): these bytes come out of an authenticated
    envelope and were made by :func:`new_key`.  Never use it for a key from outside.

    :raises KeyRefused: not a key of a kind the portal makes
    :raises app.errors.HardwareFailed: a reference, and no token is set up
    """
    if der.startswith(REFERENCE):
        if token is None:
            raise HardwareFailed
        return token.key(der)
    try:
        key = serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        raise KeyRefused from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyRefused
    return key


def sign_sha256(key: SigningKey, message: bytes) -> bytes:
    """Sign `message`: RSASSA-PKCS1-v1_5 or ECDSA (DER), each with SHA-256."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


def signature_bytes(key: SigningKey) -> int:
    """The greatest length of a signature made by :func:`sign_sha256`, in bytes."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.key_size // 8
    return 2 * ((key.key_size + 7) // 8) + 9


def _derive(secret: bytes, use: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=use).derive(secret)


def _key_from_pin(pin: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    log_n, r, p = cost
    if not (10 <= log_n <= 20 and 1 <= r <= 16 and 1 <= p <= 4):
        raise ValueError("scrypt cost out of bounds")
    stretched = Scrypt(salt, length=32, n=1 << log_n, r=r, p=p).derive(pin.encode())
    return _derive(stretched, b"portal pin v1")
