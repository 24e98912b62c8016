"""Time stamps (RFC 3161): from the embedded authority, or from outside ones in a fixed order.

An answer is worth nothing until it passed our own checks (:mod:`app.signing.token_answers`).  The server's clock
never stands in for a time stamp: no token, no signature.
"""

import hashlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app import clock
from app.errors import SigningFailed
from app.signing import outgoing
from app.signing.authorities import Credential
from app.signing.keys import sign_sha256
from app.signing.token_answers import IMPRINT_BYTES, TokenRefused, TokenUnproven, check_answer, finish

log = logging.getLogger(__name__)

# the embedded authority's, from the arc of UUIDs (ITU-T X.667); an operator with an arc of his own passes it
DEFAULT_POLICY = "2.25.9040597915687801333784349854005717917"
TIMEOUT_SECONDS = 5
TOTAL_SECONDS = 9  # over the whole list: the person who signs has an answer within ten
ANSWER_MAX_BYTES = 1024 * 1024
REST_SECONDS = 60  # an authority that failed is asked last for so long

_TSA_DOWN = (
    "タイムスタンプを取得できなかったため、署名を完了できませんでした。契約文書の状態は変わっていません。"
    "しばらくしてから、もう一度お試しください。"
)
_TSA_UNPROVEN = (
    "時刻認証局の証明書が失効していないことを確認できないため、署名を完了できませんでした。契約文書の状態は変わっていません。"
    "お手数ですが、お問い合わせ窓口までご連絡ください。"
)


class CertifiedTimeStamper(TimeStamper):
    """What signing needs beyond pyHanko's interface: whose time stamps these are, without a trial request.

    pyHanko otherwise learns an authority's certificates from one extra, possibly billed time stamp.
    """

    #: roots that time stamps of this authority lead to, besides the portal's own
    roots: Sequence[x509.Certificate] = ()

    def __init__(self):
        super().__init__(include_nonce=True)
        self._of_thread = threading.local()

    def certificate_chains(self) -> list[tuple[bytes, ...]]:
        """DER certificates of each authority that may answer: its own one first, then its CAs."""
        raise NotImplementedError

    async def validation_paths(self, validation_context):
        """The paths of the authorities that may answer, for the DSS; see pyHanko's method of this name."""
        for leaf, *others in self._parsed_chains():
            store = SimpleCertificateStore.from_certs(others)
            validator = CertificateValidator(
                leaf, intermediate_certs=store, validation_context=validation_context
            )
            yield await validator.async_validate_usage(set(), {"time_stamping"})

    def token_over(self, digest: bytes) -> bytes:
        """One token, DER, over a SHA-256 hash.

        :raises SigningFailed: no authority answered
        """
        return finish(self.async_timestamp(digest, "sha256")).dump()

    async def async_dummy_response(self, md_algorithm):
        """Never asked for: every caller reserves a fixed size."""
        raise NotImplementedError("pass bytes_reserved")

    def _parsed_chains(self):
        # asn1crypto parses lazily, so its objects must not be shared between threads
        chains = self.certificate_chains()
        cached = getattr(self._of_thread, "chains", None)
        if cached is None or cached[0] != chains:
            parsed = [[asn1_x509.Certificate.load(der) for der in chain] for chain in chains]
            cached = self._of_thread.chains = (chains, parsed)
        return cached[1]


class EmbeddedTsa(CertifiedTimeStamper):
    """The portal's own time-stamp authority: RFC 3161 tokens, made in this process.

    :param credential: the TSA certificate and key
    :param chain: the CA certificates between it and the root; they go into each token
    :param policy: object identifier of the time-stamp policy
    """

    def __init__(
        self,
        credential: Credential,
        chain: Sequence[x509.Certificate] = (),
        *,
        policy: str = DEFAULT_POLICY,
    ):
        super().__init__()
        certificate = credential.certificate
        self._key = credential.key
        self._chain = tuple(c.public_bytes(Encoding.DER) for c in (certificate, *chain))
        self._policy = core.ObjectIdentifier(policy).dump()
        issuer = certificate.issuer.public_bytes()
        serial_number = _integer(certificate.serial_number)
        self._signer_id = _der(0x30, issuer, serial_number)
        self._tsa_name = _der(0xA0, _der(0xA4, certificate.subject.public_bytes()))
        identified = _der(
            0x30,
            _der(0x04, _sha256(self._chain[0])),
            _der(0x30, _der(0x30, _der(0xA4, issuer)), serial_number),
        )
        self._certificate_attribute = _attribute("signing_certificate_v2", _der(0x30, _der(0x30, identified)))
        self._certificates = _der(0xA0, *sorted(self._chain))
        is_rsa = isinstance(credential.key, rsa.RSAPrivateKey)
        self._signature_algorithm = _RSA_SHA256 if is_rsa else _ECDSA_SHA256

    def certificate_chains(self):
        return [self._chain]

    async def async_timestamp(self, message_digest, md_algorithm):
        imprint = tsp.MessageImprint(
            {"hash_algorithm": {"algorithm": md_algorithm}, "hashed_message": message_digest}
        )
        return cms.ContentInfo.load(self.token(imprint.dump()))

    def answer(self, request_der: bytes) -> bytes:
        """The DER answer to a DER request, for those who ask over HTTP."""
        try:
            request = tsp.TimeStampReq.load(request_der, strict=True)
            imprint = request["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            nonce = request["nonce"].native
            if len(imprint["hashed_message"].native) != IMPRINT_BYTES.get(algorithm):
                return _der(0x30, _der(0x30, _integer(2), _der(0x03, b"\x07\x80")))  # rejection, badAlg
        except (ValueError, TypeError, KeyError):
            return _der(0x30, _der(0x30, _integer(2), _der(0x03, b"\x02\x04")))  # rejection, badDataFormat
        return _der(0x30, _der(0x30, _integer(0)), self.token(imprint.dump(), nonce))

    def token(self, imprint: bytes, nonce: int | None = None) -> bytes:
        """A time-stamp token over `imprint`, both DER.

        Written out by hand since everything but five fields is the same each time.

        Source: RFC 3161, 2.4.2; RFC 5652, 5; RFC 5816 (the certificate is named by SHA-256)
        """
        at = clock.now().strftime("%Y%m%d%H%M%SZ").encode()
        content = _der(
            0x30,
            _integer(1),
            self._policy,
            imprint,
            _integer(secrets.randbits(127) | 1 << 127),
            _der(0x18, at),
            _der(0x30, _integer(1)),  # accurate to the second
            *([] if nonce is None else [_integer(nonce)]),
            self._tsa_name,
        )
        attributes = b"".join(
            sorted(
                (
                    _attribute("content_type", _TST_INFO),
                    self._certificate_attribute,
                    _attribute("message_digest", _der(0x04, _sha256(content))),
                )
            )
        )
        signer_info = _der(
            0x30,
            _integer(1),
            self._signer_id,
            _SHA256,
            _der(0xA0, attributes),
            self._signature_algorithm,
            _der(0x04, sign_sha256(self._key, _der(0x31, attributes))),
        )
        signed_data = _der(
            0x30,
            _integer(3),
            _der(0x31, _SHA256),
            _der(0x30, _TST_INFO, _der(0xA0, _der(0x04, content))),
            self._certificates,
            _der(0x31, signer_info),
        )
        return _der(0x30, _SIGNED_DATA, _der(0xA0, signed_data))


class HttpTsa:
    """One outside time-stamp authority.

    :param url: ``https://`` or ``http://`` address; ``user:password@`` in it becomes Basic authentication
    :param roots: where given, tokens must lead to one of these
    :param certificates: the authority's certificate and its CAs, where known beforehand
    :param between: CAs that a token need not bring itself
    :param lists: returns the current revocation lists (DER); where given, a token counts only when they tell that
        its certificates are not revoked
    """

    def __init__(
        self,
        url: str,
        roots: Sequence[x509.Certificate] = (),
        certificates: Sequence[x509.Certificate] = (),
        between: Sequence[x509.Certificate] = (),
        lists: Callable[[], Sequence[bytes]] | None = None,
    ):
        self._parts = outgoing.split(url)
        self.name = outgoing.name_of(self._parts)
        self.roots = tuple(roots)
        self._between, self._lists = tuple(between), lists
        self.chain = tuple(c.public_bytes(Encoding.DER) for c in certificates)
        self.rests_until = 0.0

    def time_stamp(self, message_digest: bytes, md_algorithm: str, seconds: float) -> bytes:
        """Ask for one token, as DER.

        :param seconds: at most so long
        :raises TokenRefused: no answer, or one that does not hold
        """
        lists = self._lists and self._lists()
        if lists is not None and not lists:  # nothing would prove a token that may have to be paid for
            raise TokenUnproven("no current revocation list is at hand")
        nonce = secrets.randbits(63) | 1 << 62
        request = tsp.TimeStampReq(
            {
                "version": 1,
                "message_imprint": {
                    "hash_algorithm": {"algorithm": md_algorithm},
                    "hashed_message": message_digest,
                },
                "nonce": nonce,
                "cert_req": True,
            }
        )
        try:
            answer = outgoing.call(
                self._parts, seconds, ANSWER_MAX_BYTES, body=request.dump(),
                headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
            )  # fmt: skip
        except outgoing.NoAnswer as failure:
            raise TokenRefused(str(failure)) from failure
        token, chain = check_answer(
            answer, message_digest, md_algorithm, nonce, self.roots, clock.now(), self._between, lists
        )
        self.chain = chain
        return token


class TimeStampAuthorities(CertifiedTimeStamper):
    """Outside authorities, asked in order until one gives a token that holds.

    One that failed is asked last for a minute, so that an outage costs one person's patience and not
    everybody's. Certificates not given beforehand are learned from the authority's first token.
    """

    def __init__(self, authorities: Sequence[HttpTsa]):
        super().__init__()
        if not authorities:
            raise ValueError("at least one time-stamp authority is needed")
        self.authorities = tuple(authorities)
        self.roots = tuple(root for authority in authorities for root in authority.roots)

    def certificate_chains(self):
        first = next(self._in_turn())
        if not first.chain:
            self._first_token(bytes(32), "sha256")
        return [authority.chain for authority in self.authorities if authority.chain]

    async def validation_paths(self, validation_context):
        found, failure = False, None
        for leaf, *others in self._parsed_chains():
            validator = CertificateValidator(
                leaf,
                intermediate_certs=SimpleCertificateStore.from_certs(others),
                validation_context=validation_context,
            )
            try:
                yield await validator.async_validate_usage(set(), {"time_stamping"})
                found = True
            except (PathBuildingError, PathValidationError) as refused:
                failure = refused  # one of several authorities may be unknown here; not all of them
        if not found:
            log.error("no time-stamp authority can be relied on: %s", failure)
            raise SigningFailed(_TSA_UNPROVEN) from failure

    async def async_timestamp(self, message_digest, md_algorithm):
        return cms.ContentInfo.load(self._first_token(message_digest, md_algorithm))

    def _first_token(self, message_digest, md_algorithm):
        deadline, sentence = time.monotonic() + TOTAL_SECONDS, _TSA_DOWN
        for authority in self._in_turn():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                token = authority.time_stamp(message_digest, md_algorithm, min(TIMEOUT_SECONDS, left))
            except TokenRefused as refused:
                log.warning("time-stamp authority %s failed: %s", authority.name, refused)
                authority.rests_until = time.monotonic() + REST_SECONDS
                if isinstance(refused, TokenUnproven):
                    sentence = _TSA_UNPROVEN
                continue
            authority.rests_until = 0.0
            return token
        raise SigningFailed(sentence)

    def _in_turn(self) -> Iterator[HttpTsa]:
        moment = time.monotonic()
        return iter(sorted(self.authorities, key=lambda authority: authority.rests_until > moment))


def _sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def _der(tag: int, *parts: bytes) -> bytes:
    """One DER element around `parts`."""
    content = b"".join(parts)
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content


def _integer(value: int) -> bytes:
    return _der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _attribute(name: str, value: bytes) -> bytes:
    return _der(0x30, cms.CMSAttributeType(name).dump(), _der(0x31, value))


_SHA256 = bytes.fromhex("300d06096086480165030402010500")
_RSA_SHA256 = bytes.fromhex("300d06092a864886f70d01010b0500")
_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
