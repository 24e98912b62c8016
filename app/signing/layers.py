"""Going back in time through a file: each layer is judged at the moment that the next one proves.

The outermost document time stamp is judged now.  It proves that everything under it existed when it was made; so the
time stamp below is judged at that moment, by the evidence that lay in the file then, and proves an earlier
moment in turn; and so on inward.  What counts is that a chain of certificates was good while it was needed: whether
it has expired since, or was revoked later, makes no difference.  What was revoked before counts whenever it
became known.

pyHanko has an algorithm for this, too.  It needs every CA above a time stamp to be alive still, and knows no revocation
lists of a CA about the certificates it issued; here its parts are used, and only the walk is ours.

Source: ETSI EN 319 102-1 (validation with proofs of existence); ETSI EN 319 142-1, baseline level B-LTA
"""

import asyncio
import datetime as dt
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate, AdESSubIndic
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import (
    cms_basic_validation,
    message_imprint_checker,
    validate_tst_signed_data,
)
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.policy_decl import LocalKnowledge
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.policy_decl import NO_REVOCATION, REQUIRE_REVINFO, CertRevTrustPolicy

from app import clock
from app.signing import evidence
from app.signing.contents import algorithm_of

log = logging.getLogger(__name__)

# a key may be good for content commitment alone, or for signatures alone
SIGNERS_KEY = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
SKEW = dt.timedelta(seconds=60)  # between the clocks of two time-stamp authorities

AlgorithmEnds = Mapping[str, dt.date]  # kind of key -> the last day, in Japan, on which it is relied on
FOR_EVER: AlgorithmEnds = MappingProxyType({})


class NotProven(Exception):
    """A layer does not hold at the moment at which it has to."""

    def __init__(self, reason: str, indication: AdESSubIndic = AdESIndeterminate.NO_POE):
        super().__init__(reason)
        self.indication = indication


@dataclass(frozen=True)
class Proof:
    """What one document time stamp proves.

    :param at: when everything under it existed
    :param revision: it covers the file up to this one
    :param known: certificates and evidence about them that it covers
    """

    at: dt.datetime
    revision: int
    known: LocalKnowledge


@dataclass(frozen=True)
class Layers:
    """A file whose document time stamps hold, one after the other.

    :param proofs: of the time stamps, newest first
    :param roots: trusted for signers and time stamps
    :param stamp_roots: trusted for time stamps alone
    """

    proofs: Sequence[Proof]
    roots: Sequence[asn1_x509.Certificate]
    stamp_roots: Sequence[asn1_x509.Certificate]
    ends: AlgorithmEnds
    everything: LocalKnowledge = field(repr=False)

    def over(self, signature: EmbeddedPdfSignature) -> Proof | None:
        """The oldest proof that a signature existed."""
        return next((one for one in reversed(self.proofs) if one.revision > signature.signed_revision), None)

    def problem_of(
        self, signature: EmbeddedPdfSignature, signer_root: x509.Certificate | None = None, *, with_revocation: bool = True
    ) -> AdESSubIndic | None:
        """Why a signature is not proven by its own time stamp, and this by the layer above; None when it is.

        :param signer_root: trusted for the signer, not for time stamps
        """
        try:
            self._prove(signature, signer_root, with_revocation)
        except NotProven as failure:
            log.info("%s not proven: %s", signature.field_name, failure)
            return failure.indication
        return None

    def _prove(self, signature, signer_root, with_revocation):
        above, token = self.over(signature), evidence.signature_time_stamp(signature)
        if above is None or token is None:
            raise NotProven("no time stamp")
        rule = REQUIRE_REVINFO if with_revocation else NO_REVOCATION
        context = _context(above, above.at, [*self.roots, *self.stamp_roots], rule)
        imprint = message_imprint_checker(signature.signer_info)
        _require(_run(validate_tst_signed_data(token, context, imprint)), above.at, self.everything, self.ends)
        _require_order(token, above.at)
        at = evidence.time_of(token)
        roots = self.roots if signer_root is None else [*self.roots, evidence.parsed(signer_root)]
        checking = cms_basic_validation(
            signature.signed_data,
            raw_digest=signature.compute_digest(),
            validation_context=_context(above, at, roots, rule),
            key_usage_settings=SIGNERS_KEY,
        )
        _require(_run(checking), at, self.everything, self.ends, if_revoked=AdESFailure.REVOKED)


def problem_of_signer(
    signature: EmbeddedPdfSignature, at: dt.datetime, roots: Sequence[x509.Certificate]
) -> AdESSubIndic | None:
    """Why nothing in the file shows that the signer's certificate was good at `at`; None when something does.

    An answer or list from before says nothing once its next one was due: whoever stole a key has the old ones, too.
    """
    known = evidence.knowledge(signature.reader)
    checking = cms_basic_validation(
        signature.signed_data,
        raw_digest=signature.compute_digest(),
        validation_context=_made(known, at, [evidence.parsed(root) for root in roots], REQUIRE_REVINFO),
        key_usage_settings=SIGNERS_KEY,
    )
    try:
        _require(_run(checking), at, known, FOR_EVER, if_revoked=AdESFailure.REVOKED)
    except NotProven as failure:
        log.info("%s: no current evidence: %s", signature.field_name, failure)
        return failure.indication
    return None


def peel(
    reader: PdfFileReader,
    roots: Sequence[x509.Certificate],
    now: dt.datetime,
    ends: AlgorithmEnds = FOR_EVER,
    stamp_roots: Sequence[x509.Certificate] = (),
) -> Layers:
    """Judge the document time stamps from the outermost one inward.

    Nobody can ask here how things stand today: about the outermost time stamp counts what the file says of it, however
    old.  For all others the evidence must have been current at the moment at which they are judged.

    :param now: the moment at which the outermost one must hold
    :param stamp_roots: trusted for time stamps, not for signers
    :raises NotProven: one of them does not hold
    """
    everything, signers_roots = evidence.knowledge(reader), [evidence.parsed(root) for root in roots]
    only_stamps = [evidence.parsed(root) for root in stamp_roots]
    trusted = [*signers_roots, *only_stamps]
    proofs, above = [], None
    for stamp in reversed(reader.embedded_timestamp_signatures):
        evidence.look_at(stamp)
        if stamp.coverage < SignatureCoverageLevel.ENTIRE_REVISION:
            raise NotProven("a time stamp does not cover its whole revision")
        moment = above.at if above else now
        context = _context(above, moment, trusted) if above else _made(everything, moment, trusted, NO_REVOCATION)
        checked = _run(validate_tst_signed_data(stamp.signed_data, context, _imprint_of(stamp)))
        _require(checked, moment, everything, ends)
        _require_order(stamp.signed_data, moment)
        known = evidence.knowledge(reader.get_historical_resolver(stamp.signed_revision))
        above = Proof(evidence.time_of(stamp.signed_data), stamp.signed_revision, known)
        proofs.append(above)
    return Layers(proofs, signers_roots, only_stamps, ends, everything)


def has_ended(certificate: asn1_x509.Certificate, moment: dt.datetime, ends: AlgorithmEnds) -> bool:
    """Whether what this key made is no longer to be relied on at `moment`."""
    end = ends.get(algorithm_of(certificate))
    return end is not None and clock.japan_date(moment) > end


def _run(checking):
    """What pyHanko found; where it gave up, why."""
    try:
        return asyncio.run(checking)
    except SignatureValidationError as failure:
        indication = failure.ades_subindication or AdESIndeterminate.GENERIC
        raise NotProven(str(failure.failure_message), indication) from failure


def _imprint_of(stamp):
    digest = stamp.compute_digest()
    return lambda name: digest if name == stamp.external_md_algorithm else b""


def _context(above, moment, roots, rule=REQUIRE_REVINFO):
    """Judge at `moment`, by what the layer above covers."""
    return _made(above.known, moment, roots, rule)


def _made(known, moment, roots, rule):
    # evidence that the layer above covers existed by then: it may well be newer than the moment it is asked about
    return ValidationContext(
        trust_roots=roots,
        other_certs=known.known_certs,
        crls=[one.crl_data for one in known.known_crls],
        ocsps=[one.ocsp_response_data for one in known.known_ocsps],
        moment=moment,
        allow_fetching=False,
        revinfo_policy=CertRevTrustPolicy(rule, retroactive_revinfo=True),
    )


def _require(checked, moment, everything, ends, if_revoked=AdESIndeterminate.REVOKED_NO_POE):
    """Whether mathematics, algorithm, chain and revocation hold.

    :param checked: what pyHanko found
    :param if_revoked: what it means that the certificate had been revoked at `moment`
    :raises NotProven: they do not
    """
    if not (checked["intact"] and checked["valid"]):
        raise NotProven("its signature does not hold", AdESFailure.SIG_CRYPTO_FAILURE)
    if has_ended(checked["signing_cert"], moment, ends):
        raise NotProven("its algorithm has ended", AdESIndeterminate.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)
    problem, path = checked["trust_problem_indic"], checked["validation_path"]
    if problem is AdESIndeterminate.REVOKED_NO_POE:
        raise NotProven("revoked", if_revoked)
    if problem is not None or path is None:
        raise NotProven("its chain does not hold", problem or AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND)
    for certificate in path.iter_certs(include_root=False):
        revoked_at = revoked_since(certificate, everything)  # also by what became known later
        if revoked_at is not None and revoked_at <= moment:
            raise NotProven(f"revoked: {certificate.subject.human_friendly}", AdESIndeterminate.REVOKED_NO_POE)


def _require_order(token, moment):
    """A time stamp cannot be newer than what proves it, nor older than its certificate."""
    stated, certificate = evidence.time_of(token), evidence.signer_certificate(token)
    if not certificate.not_valid_before - SKEW <= stated <= moment + SKEW:
        raise NotProven("the times do not follow each other", AdESIndeterminate.TIMESTAMP_ORDER_FAILURE)


def revoked_since(certificate: asn1_x509.Certificate, known: LocalKnowledge) -> dt.datetime | None:
    """The moment from which any list or answer in a file calls a certificate revoked; None if none does.

    Where a list tells since when the key was no longer safe (RFC 5280, invalidityDate), that day counts.
    """
    found = []
    for crl in known.known_crls:
        listed = crl.crl_data["tbs_cert_list"]
        if listed["issuer"] != certificate.issuer:
            continue
        for entry in listed["revoked_certificates"]:
            if entry["user_certificate"].native == certificate.serial_number:
                found.append(entry["revocation_date"].native)
                found.extend([entry.invalidity_date_value.native] if entry.invalidity_date_value else [])
    for container in known.known_ocsps:
        answer = container.extract_single_response()
        if answer is not None and answer["cert_status"].name == "revoked" and _is_about(answer["cert_id"], certificate):
            found.append(answer["cert_status"].chosen["revocation_time"].native)
    return min(found, default=None)


def _is_about(named, certificate):
    algorithm = named["hash_algorithm"]["algorithm"].native
    return (
        named["serial_number"].native == certificate.serial_number
        and named["issuer_name_hash"].native
        == hashlib.new(algorithm, certificate.issuer.dump(), usedforsecurity=False).digest()
    )
