import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from app import clock
from app.signing import revocation

A_DAY = dt.timedelta(days=1)


def ocsp_request(certificate, issuer, algorithm):
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm)
    return (
        builder.add_extension(x509.OCSPNonce(b"0123456789abcdef"), critical=False)
        .build()
        .public_bytes(Encoding.DER)
    )


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256()])
@pytest.mark.parametrize("state", ["good", "revoked", "unknown"])
def test_ocsp_requests_are_answered(portal, sender, algorithm, state):
    made = portal.authorities
    revoked_at = clock.now().replace(microsecond=0)
    known = {"good": revocation.CertificateState(), "revoked": revocation.CertificateState(revoked_at), "unknown": None}

    def state_of(ca, serial_number):
        assert (ca, serial_number) == (made.signers_ca.certificate, sender.certificate.serial_number)
        return known[state]

    request = ocsp_request(sender.certificate, made.signers_ca.certificate, algorithm)
    der = revocation.answer_ocsp(request, [made.tsa_ca, made.signers_ca], state_of, clock.now(), A_DAY)
    answer = ocsp.load_der_ocsp_response(der)
    assert answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    assert answer.certificate_status.name.lower() == state
    assert answer.serial_number == sender.certificate.serial_number
    assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == b"0123456789abcdef"
    if state == "revoked":
        assert answer.revocation_time_utc == revoked_at


def test_ocsp_refuses_garbage_and_foreign_certificates(portal, sender):
    made = portal.authorities
    answer = revocation.answer_ocsp(b"garbage", [made.signers_ca], lambda *_: None, clock.now(), A_DAY)
    status = ocsp.load_der_ocsp_response(answer).response_status
    assert status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST
    request = ocsp_request(sender.certificate, made.root.certificate, hashes.SHA256())
    answer = revocation.answer_ocsp(request, [made.signers_ca], lambda *_: None, clock.now(), A_DAY)
    assert ocsp.load_der_ocsp_response(answer).response_status is ocsp.OCSPResponseStatus.UNAUTHORIZED


def test_a_crl_lists_what_was_revoked(portal):
    at = clock.now().replace(microsecond=0)
    der = revocation.crl(portal.authorities.root, [(4711, at)], clock.now(), 5, A_DAY)
    crl = x509.load_der_x509_crl(der)
    assert crl.is_signature_valid(portal.root.public_key())
    assert crl.get_revoked_certificate_by_serial_number(4711).revocation_date_utc == at
    assert crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 5
