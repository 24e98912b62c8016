"""The portal's own public-key infrastructure: who vouches for whom.  :mod:`app.signing.revocation` takes it back.

``root -> signers' CA -> signer``  and  ``root -> TSA CA (one per generation) -> TSA``: a TSA CA that served two
generations would spoil the evidence of the first.
"""

import datetime as dt
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from app.signing.keys import KeyKind, SigningKey, new_key

COUNTRY = "JP"
DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
SEAL_NO = "SEAL"  # where a company's certificate has its 管理番号
COMMON_NAME_MAX_BYTES = 64  # what `cryptography` accepts; the X.520 bound counts characters

ROOT_YEARS = 60
# Ours goes back in time past an expired CA, other people's validators past an expired leaf only: so CAs, which
# stop issuing long before, stay valid through all the extensions a contract may get.
CA_YEARS = 59
TSA_YEARS = 11
SIGNER_YEARS = 2
SEAL_YEARS = 10
BACKDATED = dt.timedelta(
    minutes=5
)  # an outside TSA whose clock is a little behind must not predate the certificate

_GENERAL_KEY_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


@dataclass(frozen=True)
class Credential:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: SigningKey = field(repr=False)


@dataclass(frozen=True)
class Subject:
    """Whom a signer certificate names (L1: 企業名, 部署名, 役職名).

    :param certificate_no: the 管理番号, such as ``JC-00000001``
    """

    company_name: str
    certificate_no: str
    department: str = ""
    title: str = ""
    person: str = ""

    def name(self) -> x509.Name:
        """The distinguished name: O, OU, title and serialNumber complete, CN as much as fits.

        Organisation names are kept whole up to 255 characters, beyond the 64 that RFC 5280 foresees: a
        name cut short would name somebody else, and readers do not enforce the bound.
        """
        attributes = [
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, self.company_name),
        ]
        if self.department:
            attributes.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, self.department))
        if self.title:
            attributes.append(x509.NameAttribute(NameOID.TITLE, self.title))
        attributes.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, self.certificate_no))
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, self.common_name()))
        return x509.Name(attributes)

    def common_name(self) -> str:
        """Company, department, title, person; only the company where that is too long, cut if need be."""
        whole = "　".join(
            part for part in (self.company_name, self.department, self.title, self.person) if part
        )
        for candidate in (whole, self.company_name):
            if len(candidate.encode()) <= COMMON_NAME_MAX_BYTES:
                return candidate
        room = COMMON_NAME_MAX_BYTES - len("…".encode())
        return self.company_name.encode()[:room].decode(errors="ignore").rstrip() + "…"


@dataclass(frozen=True)
class PkiUrls:
    """Where the portal publishes the PKI; written into the certificates, so they must stay reachable."""

    ocsp: str
    root_certificate: str
    root_crl: str
    signers_ca_certificate: str
    signers_ca_crl: str
    tsa_ca_certificate: str
    tsa_ca_crl: str

    @classmethod
    def under(cls, base: str, tsa_generation: int = 1) -> "PkiUrls":
        """The usual addresses below `base`, such as ``https://portal.example/pki``."""
        base = base.rstrip("/")
        tsa = f"{base}/tsa-ca-{tsa_generation}"
        return cls(
            ocsp=f"{base}/ocsp",
            root_certificate=f"{base}/root.cer",
            root_crl=f"{base}/root.crl",
            signers_ca_certificate=f"{base}/signers-ca.cer",
            signers_ca_crl=f"{base}/signers-ca.crl",
            tsa_ca_certificate=f"{tsa}.cer",
            tsa_ca_crl=f"{tsa}.crl",
        )


@dataclass(frozen=True)
class Authorities:
    """Everything a new portal needs to issue certificates and time stamps."""

    root: Credential
    signers_ca: Credential
    tsa_ca: Credential
    tsa: Credential


def new_authorities(
    service_name: str, now: dt.datetime, urls: PkiUrls, key_kind: KeyKind, token=None
) -> Authorities:
    """The root, both CAs and the first TSA of a new portal, with fresh keys; in the token where there is one."""
    root = new_root(service_name, now, key_kind, token)
    signers_ca = new_signers_ca(root, service_name, now, urls, key_kind, token)
    tsa_ca = new_tsa_ca(root, service_name, now, urls, key_kind, token=token)
    tsa = new_tsa(tsa_ca, service_name, now, urls, key_kind, token=token)
    return Authorities(root, signers_ca, tsa_ca, tsa)


def new_root(service_name: str, now: dt.datetime, key_kind: KeyKind, token=None) -> Credential:
    """The self-signed root, to be handed to whoever verifies signatures without the portal."""
    key = new_key(key_kind, token)
    name = _authority_name(service_name, "Root CA")
    builder = _authority(name, name, key, key, now, ROOT_YEARS, path_length=1)
    return Credential(builder.sign(key, hashes.SHA256()), key)


def new_signers_ca(
    root: Credential, service_name: str, now: dt.datetime, urls: PkiUrls, key_kind: KeyKind, token=None
) -> Credential:
    """The CA under `root` that issues the companies' signer certificates."""
    key = new_key(key_kind, token)
    name = _authority_name(service_name, "Signing CA")
    return _subordinate(root, name, key, now, CA_YEARS, urls)


def new_tsa_ca(
    root: Credential,
    service_name: str,
    now: dt.datetime,
    urls: PkiUrls,
    key_kind: KeyKind,
    *,
    generation: int = 1,
    token=None,
) -> Credential:
    """The CA of one TSA generation; the next TSA certificate gets a CA of its own."""
    key = new_key(key_kind, token)
    name = _authority_name(service_name, f"Time Stamping CA G{generation}")
    return _subordinate(root, name, key, now, CA_YEARS, urls)


def new_tsa(
    tsa_ca: Credential,
    service_name: str,
    now: dt.datetime,
    urls: PkiUrls,
    key_kind: KeyKind,
    *,
    generation: int = 1,
    token=None,
) -> Credential:
    """The time-stamping certificate: it outlives the ten years that an archived contract is kept."""
    key = new_key(key_kind, token)
    name = _authority_name(service_name, f"Time Stamping Authority G{generation}")
    builder = (
        _leaf(tsa_ca, name, key.public_key(), now, _years_later(now, TSA_YEARS))
        .add_extension(_key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .add_extension(_access(urls.tsa_ca_certificate, urls.ocsp), critical=False)
        .add_extension(_crl_at(urls.tsa_ca_crl), critical=False)
    )
    return Credential(builder.sign(tsa_ca.key, hashes.SHA256()), key)


def issue_signer(
    signers_ca: Credential,
    public_key,
    subject: Subject,
    now: dt.datetime,
    urls: PkiUrls,
    *,
    expires_at: dt.datetime | None = None,
) -> x509.Certificate:
    """A company's signer certificate for `public_key`.

    documentSigning says what it is for; emailProtection is added because NSS-based readers trust a document
    signature only then.

    :param expires_at: default: two years from `now`
    """
    builder = (
        _leaf(signers_ca, subject.name(), public_key, now, expires_at or _years_later(now, SIGNER_YEARS))
        .add_extension(_key_usage("digital_signature", "content_commitment"), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(_access(urls.signers_ca_certificate, urls.ocsp), critical=False)
        .add_extension(_crl_at(urls.signers_ca_crl), critical=False)
    )
    return builder.sign(signers_ca.key, hashes.SHA256())


def new_seal(
    signers_ca: Credential, service_name: str, operator_name: str, now: dt.datetime, urls: PkiUrls, key_kind: KeyKind
) -> Credential:
    """The service's own seal, for what the portal itself certifies: a signer that is no company of the portal.

    :param operator_name: who runs the portal, the organisation that the certificate names
    """
    key = new_key(key_kind)
    subject = Subject(operator_name, SEAL_NO, title=f"{service_name} 証明用")
    expires_at = _years_later(now, SEAL_YEARS)
    return Credential(issue_signer(signers_ca, key.public_key(), subject, now, urls, expires_at=expires_at), key)


def _authority_name(service_name, role):
    room = COMMON_NAME_MAX_BYTES - len(role) - 1
    shown = service_name.encode()[:room].decode(errors="ignore").rstrip()
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, COUNTRY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, service_name),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{shown} {role}".strip()),
        ]
    )


def _subordinate(root, name, key, now, years, urls):
    expires_at = root.certificate.not_valid_after_utc
    builder = (
        _authority(
            name, root.certificate.subject, key, root.key, now, years, path_length=0, no_later_than=expires_at
        )
        .add_extension(_access(urls.root_certificate), critical=False)
        .add_extension(_crl_at(urls.root_crl), critical=False)
    )
    return Credential(builder.sign(root.key, hashes.SHA256()), key)


def _authority(name, issuer, key, issuer_key, now, years, *, path_length, no_later_than=None):
    expires_at = _years_later(now, years)
    if no_later_than:
        expires_at = min(expires_at, no_later_than)
    return (
        _certificate(name, issuer, key.public_key(), issuer_key.public_key(), now, expires_at)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign", "digital_signature"), critical=True)
    )


def _leaf(ca, name, public_key, now, expires_at):
    expires_at = min(expires_at, ca.certificate.not_valid_after_utc)
    return _certificate(
        name, ca.certificate.subject, public_key, ca.certificate.public_key(), now, expires_at
    ).add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)


def _certificate(name, issuer, public_key, issuer_public_key, now, expires_at):
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before((now - BACKDATED).replace(microsecond=0))
        .not_valid_after(expires_at.replace(microsecond=0))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public_key), critical=False)
    )


def _key_usage(*uses):
    return x509.KeyUsage(**(_GENERAL_KEY_USAGE | dict.fromkeys(uses, True)))


def _access(issuer_url, ocsp_url=None):
    entries = [(AuthorityInformationAccessOID.CA_ISSUERS, issuer_url)]
    if ocsp_url:
        entries.insert(0, (AuthorityInformationAccessOID.OCSP, ocsp_url))
    return x509.AuthorityInformationAccess(
        [x509.AccessDescription(method, x509.UniformResourceIdentifier(url)) for method, url in entries]
    )


def _crl_at(url):
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
    return x509.CRLDistributionPoints([point])


def _years_later(moment, years):
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, day=28)
