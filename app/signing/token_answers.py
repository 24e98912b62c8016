"""What a time-stamp authority answers, checked by our own rules before it counts.

pyHanko compares the nonce alone, and would store a token whose clock is a year off.

Source: RFC 3161, 2.4.2; RFC 5816
"""

import datetime as dt
import hashlib
from collections.abc import Sequence

from asn1crypto import crl as asn1_crl
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.sign.general import NonexistentAttributeError, find_unique_cms_attribute
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError

CLOCK_TOLERANCE = dt.timedelta(seconds=60)
IMPRINT_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}


class TokenRefused(Exception):
    """The answer of a time-stamp authority does not hold; counts as that authority's failure."""


class TokenUnproven(TokenRefused):
    """Nobody can tell from the revocation lists at hand that the authority's certificates are good."""


def check_answer(
    answer: bytes,
    message_digest: bytes,
    md_algorithm: str,
    nonce: int,
    roots: Sequence[x509.Certificate],
    now: dt.datetime,
    between: Sequence[x509.Certificate] = (),
    lists: Sequence[bytes] | None = None,
) -> tuple[bytes, tuple[bytes, ...]]:
    """The token in a time-stamp answer, and the certificates in it, the signer's first; all DER.

    :param nonce: the number we sent
    :param roots: where given, the token's certificate must lead to one of them
    :param between: CAs that the token need not bring
    :param lists: where given, revocation lists (DER) that must tell of every certificate that it is not revoked
    :raises TokenUnproven: nothing else is wrong with it, but the lists do not tell that
    :raises TokenRefused: whatever is wrong with it
    """
    try:
        return _check_answer(answer, message_digest, md_algorithm, nonce, roots, now, between, lists)
    except TokenRefused:
        raise
    except Exception as failure:  # a stranger's bytes: parsers raise nearly anything
        raise TokenRefused(f"unreadable answer: {failure!r}") from failure


def _check_answer(answer, message_digest, md_algorithm, nonce, roots, now, between, lists):
    response = tsp.TimeStampResp.load(answer, strict=True)
    if response["status"]["status"].native not in ("granted", "granted_with_mods"):
        raise TokenRefused(f"refused: {response['status'].native}")
    token = response["time_stamp_token"]
    signed_data = token["content"]
    if signed_data["encap_content_info"]["content_type"].native != "tst_info":
        raise TokenRefused("not a time-stamp token")
    info = signed_data["encap_content_info"]["content"].parsed
    imprint = info["message_imprint"]
    if (
        imprint["hash_algorithm"]["algorithm"].native != md_algorithm
        or imprint["hashed_message"].native != message_digest
    ):
        raise TokenRefused("stamps something else")
    if info["nonce"].native != nonce:
        raise TokenRefused("wrong nonce")
    if abs(info["gen_time"].native - now) > CLOCK_TOLERANCE:
        raise TokenRefused(f"its clock says {info['gen_time'].native}")
    (signer_info,) = signed_data["signer_infos"]
    if signer_info["digest_algorithm"]["algorithm"].native not in IMPRINT_BYTES:
        raise TokenRefused("weak digest algorithm")
    certificates = [choice.chosen for choice in signed_data["certificates"]]
    leaf = _signer_of(signer_info, certificates)
    usage = leaf.extended_key_usage_value
    if (
        usage is None
        or usage.native != ["time_stamping"]
        or "extended_key_usage" not in leaf.critical_extensions
    ):
        raise TokenRefused("certificate is not for time stamping")
    _check_certificate_attribute(signer_info, leaf)
    known = [*certificates, *map(_parsed, between)]
    _check_signature(signed_data, message_digest, roots, known, now)
    if lists is not None:
        _check_revocation(leaf, roots, known, lists, now)
    others = [c.dump() for c in known if c is not leaf]
    return token.dump(), (leaf.dump(), *others)


def _signer_of(signer_info, certificates):
    sid = signer_info["sid"]
    for certificate in certificates:
        if sid.name == "issuer_and_serial_number":
            named = sid.chosen
            if (
                certificate.issuer == named["issuer"]
                and certificate.serial_number == named["serial_number"].native
            ):
                return certificate
        elif certificate.key_identifier == sid.chosen.native:
            return certificate
    raise TokenRefused("the signer's certificate is missing")


def _check_certificate_attribute(signer_info, leaf):
    """The signed attribute must name this very certificate (RFC 3161, 2.4.2; RFC 5816)."""
    try:
        attribute = find_unique_cms_attribute(signer_info["signed_attrs"], "signing_certificate_v2")
        named = attribute["certs"][0]
        fits = named["cert_hash"].native == _hash(named["hash_algorithm"]["algorithm"].native, leaf.dump())
    except NonexistentAttributeError:
        attribute = find_unique_cms_attribute(signer_info["signed_attrs"], "signing_certificate")
        fits = attribute["certs"][0]["cert_hash"].native == leaf.sha1
    if not fits:
        raise TokenRefused("names another certificate")


def _check_signature(signed_data, message_digest, roots, certificates, now):
    context = ValidationContext(
        trust_roots=list(map(_parsed, roots)),
        other_certs=certificates,
        moment=now,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    status = finish(validate_tst_signed_data(signed_data, context, lambda _: message_digest))
    if not (status["intact"] and status["valid"]):
        raise TokenRefused("its signature does not hold")
    if roots and status.get("trust_problem_indic") is not None:
        raise TokenRefused(f"not trusted: {status['trust_problem_indic']}")


def _check_revocation(leaf, roots, certificates, lists, now):
    """Without this a token would be paid for that no signature can be proven by."""
    context = ValidationContext(
        trust_roots=list(map(_parsed, roots)),
        crls=[asn1_crl.CertificateList.load(der) for der in lists],
        moment=now,
        allow_fetching=False,
        revocation_mode="require",
    )
    validator = CertificateValidator(leaf, certificates, validation_context=context)
    try:
        finish(validator.async_validate_usage(set(), {"time_stamping"}))
    except (PathBuildingError, PathValidationError) as failure:
        raise TokenUnproven(f"revocation: {failure}") from failure


def _parsed(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def finish(coroutine):
    """The result of a coroutine that never waits: asyncio.run would refuse inside pyHanko's running loop."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise TokenRefused("validation wanted to wait for something")


def _hash(algorithm, message):
    return hashlib.new(algorithm, message).digest()
