import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from app import clock
from app.signing import authorities as pki

A_DAY = dt.timedelta(days=1)


def in_name(certificate, oid):
    return [attribute.value for attribute in certificate.subject.get_attributes_for_oid(oid)]


@pytest.mark.requirement("L1", "I16")
def test_a_signer_certificate_names_company_department_title_and_number(portal):
    certificate = portal.signer(
        "株式会社みなと建設", "JC-00000123", department="工事部", title="部長"
    ).certificate
    assert in_name(certificate, NameOID.COUNTRY_NAME) == ["JP"]
    assert in_name(certificate, NameOID.ORGANIZATION_NAME) == ["株式会社みなと建設"]
    assert in_name(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME) == ["工事部"]
    assert in_name(certificate, NameOID.TITLE) == ["部長"]
    assert in_name(certificate, NameOID.SERIAL_NUMBER) == ["JC-00000123"]
    assert in_name(certificate, NameOID.COMMON_NAME) == ["株式会社みなと建設　工事部　部長"]


def test_a_signer_certificate_says_what_it_is_for_and_where_its_state_is_answered(portal, sender):
    extensions = sender.certificate.extensions
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature and usage.value.content_commitment
    assert not usage.value.key_cert_sign
    extended = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(extended) == {pki.DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION}
    access = extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    assert {one.access_method for one in access} == {
        AuthorityInformationAccessOID.OCSP,
        AuthorityInformationAccessOID.CA_ISSUERS,
    }
    assert extensions.get_extension_for_class(x509.CRLDistributionPoints)
    sender.certificate.verify_directly_issued_by(portal.authorities.signers_ca.certificate)


@pytest.mark.parametrize("length", [21, 22, 64, 65, 255])
def test_long_company_names_are_kept_whole_and_shown_shortened(portal, length):
    name = ("株式会社" + "建設" * 130)[:length]
    certificate = portal.signer(name, "JC-00000001", department="部" * 100, title="長" * 100).certificate
    again = x509.load_der_x509_certificate(certificate.public_bytes(Encoding.DER))
    assert in_name(again, NameOID.ORGANIZATION_NAME) == [name]
    (common_name,) = in_name(again, NameOID.COMMON_NAME)
    assert len(common_name.encode()) <= 64
    assert common_name == name or (common_name.endswith("…") and name.startswith(common_name[:-1]))


def test_the_tsa_certificate_is_for_time_stamps_alone_and_outlives_ten_years(portal):
    certificate = portal.authorities.tsa.certificate
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    tsa_ca, root = portal.authorities.tsa_ca.certificate, portal.root
    assert certificate.not_valid_after_utc > clock.now() + dt.timedelta(days=365.25 * 10.9)
    assert root.not_valid_after_utc > tsa_ca.not_valid_after_utc > certificate.not_valid_after_utc
    assert root.not_valid_after_utc > clock.now() + dt.timedelta(days=365 * 20)
