"""Certificates and revocation lists of outside authorities that no authority should have made (L4, S4)."""

import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from app.errors import Refused
from app.services import certificate_import
from tests.outside_ca import FILE_PASSWORD, OutsideCa


@pytest.fixture(scope="module")
def outside_ca():
    return OutsideCa()


def resigned(made, part, key):
    """The structure with its altered part signed by whoever issued it."""
    made["signature"] = key.sign(made[part].dump(force=True), ec.ECDSA(hashes.SHA256()))
    return made.dump(force=True)


def with_extension_twice(certificate, key):
    made = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    extensions = made["tbs_certificate"]["extensions"]
    extensions.append(extensions[1].copy())
    made["signature_value"] = key.sign(made["tbs_certificate"].dump(force=True), ec.ECDSA(hashes.SHA256()))
    return x509.load_der_x509_certificate(made.dump(force=True))


def with_broken_usage(certificate, key):
    """Its key usage is a number where bits belong."""
    bits, number = bytes.fromhex("04040302"), bytes.fromhex("04040202")
    made = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER).replace(bits, number))
    made["signature_value"] = key.sign(certificate.tbs_certificate_bytes.replace(bits, number), ec.ECDSA(hashes.SHA256()))
    return x509.load_der_x509_certificate(made.dump())


def list_with_extension_twice(der, key):
    made = asn1_crl.CertificateList.load(der)
    extensions = made["tbs_cert_list"]["crl_extensions"]
    extensions.append(extensions[0].copy())
    return resigned(made, "tbs_cert_list", key)


@pytest.mark.requirement("L4", "S4")
@pytest.mark.parametrize("spoil", [with_extension_twice, with_broken_usage])
def test_a_malformed_certificate_is_refused_in_words(app, outside_ca, spoil):
    certificate, key = outside_ca.issue()
    file = outside_ca.file(spoil(certificate, outside_ca.ca.key), key)
    with pytest.raises(Refused, match="取り扱えない形式"):
        certificate_import.read(file, FILE_PASSWORD, [])


@pytest.mark.requirement("L4", "S4")
def test_a_malformed_revocation_list_is_refused_in_words(app, outside_ca):
    lists = [list_with_extension_twice(outside_ca.lists()[0], outside_ca.ca.key)]
    with pytest.raises(Refused, match="失効リスト"):
        certificate_import.read(outside_ca.file(*outside_ca.issue()), FILE_PASSWORD, lists)
