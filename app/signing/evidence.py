"""What a signed PDF proves by itself: from its bytes and the trusted roots, asking nobody.

Both sides stand on this: signing claims a level only when it is found here, verification judges by it.
"""

import asyncio
import dataclasses
import datetime as dt
import hashlib
import io
import logging
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from asn1crypto import cms
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.decode_limits import DecodeLimits, StreamDecodeLimits
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import diff_analysis as diff
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.generic_cms import (
    extract_certificate_info,
    extract_tst_data_iter,
    validate_tst_signed_data,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec, ValidationContext
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    FreshnessReqType,
    NonRevokedStatusAssertion,
)
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from app import clock

log = logging.getLogger(__name__)

# Its warnings repeat, with certificate names and stack traces, what ends up in the verdict or the exception.
for _name in ("pyhanko.sign.validation", "pyhanko.sign.diff_analysis", "pyhanko.sign.signers.pdf_signer"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# Outside authorities are not trusted as such: each root only for the very certificates (DER) that an
# administrator brought from it, so that nobody can put a name of his choice under a root of his own.
OutsideRoots = Mapping[bytes, x509.Certificate]
NOBODY: OutsideRoots = MappingProxyType({})

DECODE_LIMITS = DecodeLimits(per_stream=StreamDecodeLimits(max_output_size=64 * 1024 * 1024))
STRONG_DIGESTS = {"sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512"}

# After a signature only signing may go on: signature fields, evidence, time stamps.  pyHanko's own default
# also lets text fields change, by which a contract can be made to show other words.
SIGNING_ONLY = diff.StandardDiffPolicy(
    global_rules=[
        diff.CatalogModificationRule(),
        diff.DocInfoRule().as_qualified(diff.ModificationLevel.LTA_UPDATES),
        diff.XrefStreamRule().as_qualified(diff.ModificationLevel.LTA_UPDATES),
        diff.ObjectStreamRule().as_qualified(diff.ModificationLevel.LTA_UPDATES),
        diff.DSSCompareRule().as_qualified(diff.ModificationLevel.LTA_UPDATES),
        diff.MetadataUpdateRule().as_qualified(diff.ModificationLevel.LTA_UPDATES),
    ],
    form_rule=diff.FormUpdatingRule(
        field_rules=[diff.SigFieldCreationRule(), diff.SigFieldModificationRule()]
    ),
)


def read(pdf: bytes) -> PdfFileReader:
    """A reader over `pdf` with bounds on what its streams may unpack to."""
    return PdfFileReader(io.BytesIO(pdf), decode_limits=DECODE_LIMITS)


def validation_spec(
    reader: PdfFileReader,
    roots: Sequence[x509.Certificate],
    *,
    at: dt.datetime | None = None,
    long_term: bool = False,
    with_revocation: bool = True,
    signer_root: x509.Certificate | None = None,
) -> PdfSignatureValidationSpec:
    """How pyHanko shall judge: trust `roots`, know what the file's DSS holds, fetch nothing.

    An offline judge has no revocation answer newer than those in the file.  For a signature without
    document time stamps these count however old they are: they are about the time-stamped moment.  With
    document time stamps (`long_term`) old answers must count as old, since by their age pyHanko goes back
    in time; there, authorities that the file's own answers call good, and that have not expired, are taken
    as good still.

    :param at: the moment of judging, default now
    :param signer_root: trusted for the signer, not for time stamps
    """
    rule = REQUIRE_REVINFO if with_revocation else NO_REVOCATION
    if long_term:
        revocation = CertRevTrustPolicy(rule)
    else:
        revocation = CertRevTrustPolicy(
            rule,
            freshness=dt.timedelta(days=366 * 50),
            freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
        )
    signer_roots = [*roots, signer_root] if signer_root else roots
    known = knowledge(reader)
    if long_term:
        assertions = _authorities_still_good(reader, known, at or clock.now())
        known = dataclasses.replace(known, nonrevoked_assertions=assertions)
    return PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=_trusting(signer_roots, revocation),
            ts_cert_validation_policy=_trusting(roots, revocation),
            revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
            local_knowledge=known,
            key_usage_settings=KeyUsageConstraints(
                key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
            ),
        ),
        diff_policy=SIGNING_ONLY,
    )


def _trusting(roots, revocation):
    parsed = [asn1_x509.Certificate.load(root.public_bytes(Encoding.DER)) for root in roots]
    return CertValidationPolicySpec(SimpleTrustManager.build(trust_roots=parsed), revocation)


def _authorities_still_good(reader, known, at):
    """Assertions about CAs and TSAs of the file that have evidence in it, none of it saying "revoked"."""
    revoked = set()
    for crl in known.known_crls:
        entries = crl.crl_data["tbs_cert_list"]["revoked_certificates"]
        revoked |= {entry["user_certificate"].native for entry in entries}
    for container in known.known_ocsps:
        answer = container.extract_single_response()
        if answer is not None and answer["cert_status"].name != "good":
            revoked.add(answer["cert_id"]["serial_number"].native)
    tsas = [signature.signer_cert for signature in reader.embedded_timestamp_signatures]
    tokens = [signature_time_stamp(one) for one in reader.embedded_regular_signatures]
    tsas += [signer_certificate(token) for token in tokens if token is not None]
    authorities = [*tsas, *(certificate for certificate in known.known_certs if certificate.ca)]
    until = at + dt.timedelta(hours=1)  # the validator looks at the clock a little after we did
    return [
        NonRevokedStatusAssertion(certificate.sha256, at=until)
        for certificate in {one.sha256: one for one in authorities}.values()
        if certificate.serial_number not in revoked and certificate.not_valid_after > at
    ]


def knowledge(reader: PdfFileReader) -> LocalKnowledge:
    """Certificates, OCSP answers and CRLs in the file's document security store; nothing if it has none."""
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


def judge_signature(
    signature: EmbeddedPdfSignature,
    roots: Sequence[x509.Certificate],
    outside: OutsideRoots = NOBODY,
    *,
    with_revocation: bool = True,
) -> ades.AdESBasicValidationResult:
    """The verdict of EN 319 102-1 on one signature: now, or at the time its time stamps prove.

    While the certificates live, by the algorithm for signatures with time; after that, where document time
    stamps follow, by the one for long-term signatures.
    """
    reader = signature.reader
    signature.compute_integrity_info(diff_policy=SIGNING_ONLY)
    trust = {"with_revocation": with_revocation, "signer_root": outside.get(signature.signer_cert.dump())}
    spec = validation_spec(reader, roots, **trust)
    result = asyncio.run(
        ades.ades_with_time_validation(
            signature.signed_data,
            spec.signature_validation_spec,
            raw_digest=signature.compute_digest(),
            extra_status_kwargs=signature.summarise_integrity_info(),
            status_cls=ades.PdfSignatureStatus,
        )
    )
    later = [s for s in reader.embedded_timestamp_signatures if s.signed_revision > signature.signed_revision]
    if later and result.ades_subindic.status is ades.AdESStatus.INDETERMINATE:
        spec = validation_spec(reader, roots, long_term=True, **trust)
        result = asyncio.run(ades.ades_lta_validation(signature, spec))
    return result


def judge_time_stamp_chain(reader: PdfFileReader, roots: Sequence[x509.Certificate]) -> None:
    """Check the document time stamps, each at the time that the next one proves, the last one now.

    :raises pyhanko.sign.validation.errors.SignatureValidationError: the chain does not hold
    """
    spec = validation_spec(reader, roots, long_term=True)
    # pyHanko has no public door to this for files without signatures; its version is pinned
    proofs = ades._build_prima_facie_poe_index_from_pdf_timestamps(
        reader, include_content_ts=False, diff_policy=spec.diff_policy
    )
    if len(proofs) != len(reader.embedded_timestamp_signatures):
        raise ades.errors.SignatureValidationError("a time stamp does not cover its whole revision")
    asyncio.run(ades._validate_prima_facie_poe(proofs, spec.signature_validation_spec))


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


def why_not_b_lt(
    pdf: bytes, field: str, roots: Sequence[x509.Certificate], outside: OutsideRoots = NOBODY
) -> str | None:
    """What `pdf`, just signed in `field`, lacks to be B-LT; None when it is."""
    reader = read(pdf)
    signature = reader.embedded_signatures[-1]
    if signature.field_name != field or signature.sig_object_type != "/Sig":
        return "the signature is not the last one in the file"
    if not covers_whole_file(signature, pdf):
        return "the signature does not cover the whole file"
    if not is_strong(signature):
        return "weak digest algorithm"
    if has_strange_certificates(reader, roots):
        return "the DSS lacks certificates"
    if signature_time_stamp(signature) is None:
        return "no time stamp"
    result = judge_signature(signature, roots, outside)
    if result.ades_subindic is not ades.AdESPassed.OK:
        return f"{result.ades_subindic}: {result.failure_msg}"
    status = result.api_status
    stamp = status.timestamp_validity
    if stamp is None or not (stamp.valid and stamp.intact and stamp.trusted):
        return "the time stamp does not hold"
    if not (status.valid and status.intact and status.coverage is SignatureCoverageLevel.ENTIRE_FILE):
        return "the signature does not hold"
    return None


def why_not_b_lta(
    pdf: bytes, roots: Sequence[x509.Certificate], outside: OutsideRoots = NOBODY
) -> str | None:
    """What `pdf`, just archived, lacks to stay provable while its last time stamp lasts, or None.

    For a signer of an outside authority the simulation of the future would want the authorities' lists of
    today; what is in the file is as old as the signature, and enough for the judgement, then as now.
    """
    reader = read(pdf)
    last = reader.embedded_signatures[-1]
    if last.sig_object_type != "/DocTimeStamp":
        return "the last signature is not a document time stamp"
    if not covers_whole_file(last, pdf):
        return "the time stamp does not cover the whole file"
    if has_strange_certificates(reader, roots):
        return "the DSS lacks certificates"
    try:
        judge_time_stamp_chain(reader, roots)
    except ades.errors.SignatureValidationError as failure:
        return f"time stamps: {failure.failure_message}"
    future = signer_certificate(last.signed_data).not_valid_after - dt.timedelta(days=1)
    spec = validation_spec(reader, roots, at=future, long_term=True)
    for signature in reader.embedded_regular_signatures:
        signature.compute_integrity_info(diff_policy=SIGNING_ONLY)
        if isinstance(signature.diff_result, diff.SuspiciousModification):
            return f"{signature.field_name}: {signature.diff_result}"
        is_outside = signature.signer_cert.dump() in outside
        if signature.signer_cert.not_valid_after > clock.now() and not is_outside:
            result = asyncio.run(ades.simulate_future_ades_lta_validation(signature, spec, future))
        else:  # the simulation knows proofs of existence from today on only: too late for this certificate
            result = judge_signature(signature, roots, outside)
        if result.ades_subindic is not ades.AdESPassed.OK:
            return f"{signature.field_name}, in the future: {result.ades_subindic}: {result.failure_msg}"
    return None
