"""Whether one signature holds, and whether a file just made is what it is meant to be.

While the certificates live, by EN 319 102-1 for signatures with time; after that, where document time stamps
follow, layer by layer (:mod:`app.signing.layers`).
"""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Sequence

from cryptography import x509
from pyhanko.sign import diff_analysis as diff
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import (
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import (
    NO_REVOCATION,
    REQUIRE_REVINFO,
    CertRevTrustPolicy,
    FreshnessReqType,
)
from pyhanko_certvalidator.registry import SimpleTrustManager

from app import clock
from app.signing import evidence, layers


def judge_signature(
    signature: EmbeddedPdfSignature,
    roots: Sequence[x509.Certificate],
    outside: evidence.OutsideRoots = evidence.NOBODY,
    peeled: layers.Layers | None = None,
    *,
    ends: layers.AlgorithmEnds = layers.FOR_EVER,
    stamp_roots: Sequence[x509.Certificate] = (),
    with_revocation: bool = True,
) -> ades.AdESBasicValidationResult:
    """The verdict of EN 319 102-1 on one signature: now, or at the time its time stamps prove.

    :param peeled: the document time stamps of the file, where it has some and they hold
    :param stamp_roots: trusted for time stamps, not for signers
    """
    evidence.look_at(signature)
    signer_root = outside.get(signature.signer_cert.dump())
    spec = _spec(signature.reader, roots, stamp_roots, signer_root, with_revocation)
    result = asyncio.run(
        ades.ades_with_time_validation(
            signature.signed_data,
            spec,
            raw_digest=signature.compute_digest(),
            extra_status_kwargs=signature.summarise_integrity_info(),
            status_cls=ades.PdfSignatureStatus,
        )
    )
    above, token = peeled and peeled.over(signature), evidence.signature_time_stamp(signature)
    if above and token is not None and result.ades_subindic.status is ades.AdESStatus.INDETERMINATE:
        problem = peeled.problem_of(signature, signer_root, with_revocation=with_revocation)
        result = dataclasses.replace(result, ades_subindic=problem or ades.AdESPassed.OK)
    elif with_revocation and token is not None and result.ades_subindic is ades.AdESPassed.OK:
        signer_roots = [*roots, signer_root] if signer_root else roots
        problem = layers.problem_of_signer(signature, evidence.time_of(token), signer_roots)
        result = dataclasses.replace(result, ades_subindic=problem or ades.AdESPassed.OK)
    if token is not None and result.ades_subindic is ades.AdESPassed.OK:
        made = (signature.signer_cert, evidence.time_of(token))
        stamped = (evidence.signer_certificate(token), above.at if above else clock.now())
        if any(layers.has_ended(*one, ends) for one in (made, stamped)):
            ended = ades.AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
            result = dataclasses.replace(result, ades_subindic=ended)
    return result


def _spec(reader, roots, stamp_roots, signer_root, with_revocation):
    """How pyHanko shall judge: trust these roots, know what the file's DSS holds, fetch nothing.

    An offline judge has no revocation answer newer than those in the file.  For it these count however old they
    are; that they were current at the time-stamped moment is looked at by :func:`layers.problem_of_signer`.
    """
    revocation = CertRevTrustPolicy(
        REQUIRE_REVINFO if with_revocation else NO_REVOCATION,
        freshness=dt.timedelta(days=366 * 50),
        freshness_req_type=FreshnessReqType.MAX_DIFF_REVOCATION_VALIDATION,
    )
    signer_roots = [*roots, signer_root] if signer_root else roots
    return SignatureValidationSpec(
        cert_validation_policy=_trusting(signer_roots, revocation),
        ts_cert_validation_policy=_trusting([*roots, *stamp_roots], revocation),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=evidence.knowledge(reader),
        key_usage_settings=layers.SIGNERS_KEY,
    )


def _trusting(roots, revocation):
    trust = SimpleTrustManager.build(trust_roots=[evidence.parsed(root) for root in roots])
    return CertValidationPolicySpec(trust, revocation)


def why_not_b_lt(
    pdf: bytes,
    field: str,
    roots: Sequence[x509.Certificate],
    outside: evidence.OutsideRoots = evidence.NOBODY,
    stamp_roots: Sequence[x509.Certificate] = (),
) -> str | None:
    """What `pdf`, just signed in `field`, lacks to be B-LT; None when it is."""
    reader = evidence.read(pdf)
    signature = reader.embedded_signatures[-1]
    if signature.field_name != field or signature.sig_object_type != "/Sig":
        return "the signature is not the last one in the file"
    if not evidence.covers_whole_file(signature, pdf):
        return "the signature does not cover the whole file"
    if not evidence.is_strong(signature):
        return "weak digest algorithm"
    if evidence.has_strange_certificates(reader, roots):
        return "the DSS lacks certificates"
    if evidence.signature_time_stamp(signature) is None:
        return "no time stamp"
    result = judge_signature(signature, roots, outside, stamp_roots=stamp_roots)
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
    pdf: bytes,
    roots: Sequence[x509.Certificate],
    outside: evidence.OutsideRoots = evidence.NOBODY,
    stamp_roots: Sequence[x509.Certificate] = (),
) -> str | None:
    """What `pdf`, just archived, lacks to stay provable while its last time stamp lasts, or None.

    Judged as it will be on that time stamp's last day, layer by layer: by then everything under it may have expired.
    """
    reader = evidence.read(pdf)
    last = reader.embedded_signatures[-1]
    if last.sig_object_type != "/DocTimeStamp":
        return "the last signature is not a document time stamp"
    if not evidence.covers_whole_file(last, pdf):
        return "the time stamp does not cover the whole file"
    if evidence.has_strange_certificates(reader, roots):
        return "the DSS lacks certificates"
    if evidence.time_of(last.signed_data) > clock.now() + layers.SKEW:
        return "the time stamp is from the future"
    last_day = evidence.signer_certificate(last.signed_data).not_valid_after - dt.timedelta(days=1)
    try:
        peeled = layers.peel(reader, roots, last_day, stamp_roots=stamp_roots)
    except layers.NotProven as failure:
        return f"time stamps: {failure}"
    for signature in reader.embedded_regular_signatures:
        evidence.look_at(signature)
        if isinstance(signature.diff_result, diff.SuspiciousModification):
            return f"{signature.field_name}: {signature.diff_result}"
        problem = peeled.problem_of(signature, outside.get(signature.signer_cert.dump()))
        if problem is not None:
            return f"{signature.field_name}, in the future: {problem}"
    return None
