"""What a signed PDF proves by itself: from its bytes and the trusted roots, asking nobody.

Both sides stand on this: signing claims a level only when it is found here, verification judges by it.
"""

import asyncio
import datetime as dt
import hashlib
import io
import logging
import re
import weakref
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from asn1crypto import cms
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.decode_limits import DecodeLimits, StreamDecodeLimits
from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.generic_cms import (
    extract_certificate_info,
    extract_tst_data_iter,
    validate_tst_signed_data,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import LocalKnowledge
from pyhanko_certvalidator.context import ValidationContext
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from app.signing import hex_strings
from app.signing.changes import SIGNING_ONLY

log = logging.getLogger(__name__)
hex_strings.install()

# Its warnings repeat, with certificate names and stack traces, what ends up in the verdict or the exception.
for _name in ("pyhanko.sign.validation", "pyhanko.sign.diff_analysis", "pyhanko.sign.signers.pdf_signer"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# Outside authorities are not trusted as such: each root only for the very certificates (DER) that an
# administrator brought from it, so that nobody can put a name of his choice under a root of his own.
OutsideRoots = Mapping[bytes, x509.Certificate]
NOBODY: OutsideRoots = MappingProxyType({})

_known = weakref.WeakKeyDictionary()

DECODE_LIMITS = DecodeLimits(per_stream=StreamDecodeLimits(max_output_size=64 * 1024 * 1024))
STRONG_DIGESTS = {"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"}


def read(pdf: bytes) -> PdfFileReader:
    """A reader over `pdf` with bounds on what its streams may unpack to."""
    return PdfFileReader(io.BytesIO(pdf), decode_limits=DECODE_LIMITS)


def look_at(signature: EmbeddedPdfSignature) -> None:
    """Have pyHanko find what a signature covers and what changed after it; once, since it is much work."""
    if signature.coverage is None:
        signature.compute_integrity_info(diff_policy=SIGNING_ONLY)


def parsed(certificate: x509.Certificate) -> asn1_x509.Certificate:
    """A certificate in the types that pyHanko understands."""
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def knowledge(reader: PdfFileReader | HistoricalResolver) -> LocalKnowledge:
    """Certificates, OCSP answers and CRLs in the file's document security store; nothing if it has none.

    Of a file, or of one of its earlier revisions.  Read once for each reader: whoever judges asks many times.
    """
    if reader not in _known:
        _known[reader] = _read_knowledge(reader)
    return _known[reader]


def _read_knowledge(reader):
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return LocalKnowledge()
    ocsps = [asn1_ocsp.OCSPResponse.load(stream.get_object().data) for stream in store.ocsps]
    crls = [asn1_crl.CertificateList.load(stream.get_object().data) for stream in store.crls]
    return LocalKnowledge(
        known_ocsps=[one for answer in ocsps for one in OCSPContainer.load_multi(answer)],
        known_crls=[CRLContainer(crl) for crl in crls],
        known_certs=list(store.load_certs()),
    )


def signature_time_stamp(signature: EmbeddedPdfSignature) -> cms.SignedData | None:
    """The time-stamp token inside a signature, if it has one."""
    return next(iter(extract_tst_data_iter(signature.signer_info, signed=False)), None)


def time_of(token: cms.SignedData) -> dt.datetime:
    """The moment a time-stamp token states, in UTC."""
    return token["encap_content_info"]["content"].parsed["gen_time"].native.astimezone(dt.UTC)


def signer_certificate(token: cms.SignedData) -> asn1_x509.Certificate:
    """The certificate that signed a CMS structure."""
    return extract_certificate_info(token).signer_cert


def signers_of(pdf: bytes) -> set[bytes]:
    """The certificates (DER) of those who signed `pdf`; none where it cannot be read."""
    try:
        return {one.signer_cert.dump() for one in read(pdf).embedded_regular_signatures}
    except Exception as failure:  # a stranger's bytes: parsers raise nearly anything
        log.info("signers not readable: %r", failure)
        return set()


def is_strong(signature: EmbeddedPdfSignature) -> bool:
    """Whether only digest algorithms without known collisions are used (no SHA-1), time stamp included."""
    signer_infos = [signature.signer_info]
    token = signature_time_stamp(signature)
    if token is not None:
        signer_infos.append(token["signer_infos"][0])
    names = {info["digest_algorithm"]["algorithm"].native for info in signer_infos}
    for info in signer_infos:
        algorithm = info["signature_algorithm"]
        if algorithm.signature_algo not in ("ed25519", "ed448", "rsassa_pkcs1v15"):
            names.add(algorithm.hash_algo)
        elif algorithm["algorithm"].native.endswith("_rsa"):
            names.add(algorithm.hash_algo)
    return names | {signature.external_md_algorithm} <= STRONG_DIGESTS


def covers_whole_file(signature: EmbeddedPdfSignature, pdf: bytes) -> bool:
    """Whether nothing but the signature's own hexadecimal digits lies outside its /ByteRange."""
    first, length, second, rest = (int(number) for number in signature.byte_range)
    return first == 0 and second + rest == len(pdf) and is_plain_container(pdf[length:second])


def is_plain_container(gap: bytes) -> bool:
    """Whether the bytes that a signature leaves out are one CMS structure in hexadecimal, then zeros."""
    if len(gap) % 2 or re.fullmatch(rb"<(?:[0-9A-F]+|[0-9a-f]+)>", gap) is None:
        return False
    contents = bytes.fromhex(gap[1:-1].decode())
    try:
        return not any(contents[_der_end(contents, 0, len(contents)) :])
    except ValueError:
        return False


def is_consistent(signature: EmbeddedPdfSignature, pdf: bytes) -> bool:
    """Whether the parts of a signature that no signature protects are what they were made as.

    A CMS structure carries certificates and algorithm names outside its signed attributes; a changed one does
    no harm to a careful validator, but it is a change all the same.
    """
    _, length, second, _ = (int(number) for number in signature.byte_range)
    if not is_plain_container(pdf[length:second]):
        return False
    token = signature_time_stamp(signature)
    if token is None:
        return _names_its_own(signature.signed_data)
    signed = signature.signer_info["signature"].native
    nobody = ValidationContext(trust_roots=[], allow_fetching=False)  # trust is judged elsewhere
    status = asyncio.run(
        validate_tst_signed_data(token, nobody, lambda name: hashlib.new(name, signed).digest())
    )
    return (
        _names_its_own(signature.signed_data)
        and _names_its_own(token)
        and status["intact"]
        and status["valid"]
    )


def has_strange_certificates(reader: PdfFileReader, roots: Sequence[x509.Certificate]) -> bool:
    """Whether a file of ours carries, in a signature, a certificate that its DSS does not hold.

    Ours never does: whoever altered a certificate inside a signature shows by this.  Files of others may.
    """
    in_store = {certificate.dump() for certificate in knowledge(reader).known_certs}
    if not any(root.public_bytes(Encoding.DER) in in_store for root in roots):
        return False
    tokens = [signature_time_stamp(one) for one in reader.embedded_regular_signatures]
    return any(
        choice.chosen.dump() not in in_store
        for one in (*(signature.signed_data for signature in reader.embedded_signatures), *tokens)
        if one is not None
        for choice in one["certificates"]
    )


def _names_its_own(signed_data):
    """Whether a CMS structure agrees with its signed attributes about certificate and algorithm."""
    (info,) = signed_data["signer_infos"]
    algorithms = [one["algorithm"].native for one in signed_data["digest_algorithms"]]
    if algorithms != [info["digest_algorithm"]["algorithm"].native]:
        return False
    for attribute in info["signed_attrs"]:
        if attribute["type"].native == "signing_certificate_v2":
            named = attribute["values"][0]["certs"][0]
            algorithm = named["hash_algorithm"]["algorithm"].native
            certificate = signer_certificate(signed_data).dump()
            return hashlib.new(algorithm, certificate).digest() == named["cert_hash"].native
    return True


def _der_end(der: bytes, start: int, limit: int) -> int:
    """Where the DER element at `start` ends, after checking that the lengths inside it add up.

    :raises ValueError: they do not
    """
    if start + 2 > limit:
        raise ValueError("cut off")
    tag, length, at = der[start], der[start + 1], start + 2
    if tag & 0x1F == 0x1F or length == 0x80:
        raise ValueError("not DER as CMS uses it")
    if length & 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(der[at : at + size], "big"), at + size
    end = at + length
    if end > limit:
        raise ValueError("too long")
    if tag & 0x20:
        while at < end:
            at = _der_end(der, at, end)
    return end
