"""How a certificate of the portal's own authorities is told revoked: OCSP for the leaves, the CAs' lists for the rest.

That split is not a matter of taste: once a signer certificate has expired, a validator that goes back in time
cannot use a CRL of the issuing CA as evidence about it.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from app.signing.authorities import Credential


@dataclass(frozen=True)
class CertificateState:
    """What is known about an issued certificate; `revoked_at` is None while it is good."""

    revoked_at: dt.datetime | None = None


def ocsp_response(
    ca: Credential,
    certificate: x509.Certificate,
    revoked_at: dt.datetime | None,
    now: dt.datetime,
    valid_for: dt.timedelta,
) -> bytes:
    """The CA's word, as DER, on one certificate it issued: good, or revoked at `revoked_at`."""
    now = now.replace(microsecond=0)
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=ca.certificate,
        algorithm=hashes.SHA256(),
        cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else ocsp.OCSPCertStatus.GOOD,
        this_update=now,
        next_update=now + valid_for,
        revocation_time=revoked_at,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, ca.certificate)
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def answer_ocsp(
    request_der: bytes,
    cas: Sequence[Credential],
    state_of: Callable[[x509.Certificate, int], CertificateState | None],
    now: dt.datetime,
    valid_for: dt.timedelta,
) -> bytes:
    """The answer, as DER, to an OCSP request as it came in over HTTP.

    :param cas: the CAs whose leaves are answered for
    :param state_of: called with the CA's certificate and the serial number; None means: never issued
    """
    try:
        request = ocsp.load_der_ocsp_request(request_der)
        asked = (request.issuer_key_hash, request.issuer_name_hash, request.hash_algorithm)
        serial_number = request.serial_number
    except (ValueError, NotImplementedError):
        return _ocsp_refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    ca = next((ca for ca in cas if _is_issuer(ca.certificate, *asked)), None)
    if ca is None:
        return _ocsp_refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    now = now.replace(microsecond=0)
    state = state_of(ca.certificate, serial_number)
    if state is None:
        status, revoked_at = ocsp.OCSPCertStatus.UNKNOWN, None
    elif state.revoked_at:
        status, revoked_at = ocsp.OCSPCertStatus.REVOKED, state.revoked_at
    else:
        status, revoked_at = ocsp.OCSPCertStatus.GOOD, None
    builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
        issuer_name_hash=request.issuer_name_hash,
        issuer_key_hash=request.issuer_key_hash,
        serial_number=serial_number,
        algorithm=request.hash_algorithm,
        cert_status=status,
        this_update=now,
        next_update=now + valid_for,
        revocation_time=revoked_at,
        revocation_reason=None,
    )
    builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, ca.certificate)
    try:
        nonce = request.extensions.get_extension_for_class(x509.OCSPNonce).value
        builder = builder.add_extension(nonce, critical=False)
    except (x509.ExtensionNotFound, ValueError):
        pass  # no nonce asked for, so none answered
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def crl(
    ca: Credential,
    revoked: Sequence[tuple[int, dt.datetime]],
    now: dt.datetime,
    number: int,
    valid_for: dt.timedelta,
) -> bytes:
    """The CA's list of revoked certificates, as DER.

    :param revoked: serial number and time of revocation of each
    :param number: grows with every list of this CA
    """
    now = now.replace(microsecond=0)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(ca.certificate.subject)
        .last_update(now)
        .next_update(now + valid_for)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.certificate.public_key()), critical=False
        )
    )
    for serial_number, at in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(at).build()
        builder = builder.add_revoked_certificate(entry)
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _is_issuer(certificate, key_hash, name_hash, algorithm):
    digest = hashlib.new(algorithm.name, usedforsecurity=False)
    by_name = digest.copy()
    by_name.update(certificate.subject.public_bytes())
    digest.update(_public_key_bits(certificate))
    return digest.digest() == key_hash and by_name.digest() == name_hash


def _public_key_bits(certificate):
    """The subject's key as OCSP hashes it: the BIT STRING's content without its first byte (RFC 6960)."""
    key = certificate.public_key()
    if hasattr(key, "curve"):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def _ocsp_refusal(status):
    refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(status)
    return refusal.public_bytes(serialization.Encoding.DER)
