"""An authority that is not the portal's: root, CA, certificates as PKCS#12 files, and revocation lists."""

import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12

from app.clock import now
from app.signing import authorities as pki
from app.signing import revocation
from app.signing.keys import KeyKind, new_key

FILE_PASSWORD = "p12-Passwort"
URLS = pki.PkiUrls.under("https://outside.invalid/pki")


@dataclass
class OutsideCa:
    name: str = "外部認証"

    def __post_init__(self):
        self.root = pki.new_root(self.name, now(), KeyKind.p_256)
        self.ca = pki.new_signers_ca(self.root, self.name, now(), URLS, KeyKind.p_256)
        self.chain = [self.ca.certificate, self.root.certificate]

    def issue(
        self, key=None, *, company="Hasshutsu Kensetsu K.K.", days=(-1, 700), usage="content_commitment", serial=None,
        issuer=None, digest=None,
    ):
        """A certificate and its key; `days` from now it begins and ends."""
        key, issuer = key or new_key(KeyKind.p_256), issuer or self.ca
        subject = x509.Name([
            x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, company),
            x509.NameAttribute(x509.NameOID.COMMON_NAME, "署名 三郎"),
        ])  # fmt: skip
        uses = dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
        )  # fmt: skip
        begin, end = (now() + dt.timedelta(days=one) for one in days)
        made = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.certificate.subject)
            .public_key(key.public_key()).serial_number(serial or x509.random_serial_number())
            .not_valid_before(begin).not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**uses | {usage: True}), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False)
        )  # fmt: skip
        return made.sign(issuer.key, digest or hashes.SHA256()), key

    def lists(self, *, revoked=(), valid_for=dt.timedelta(days=7), at=None, number=1):
        """The CA's revocation list and the root's, DER."""
        at = at or now() - dt.timedelta(minutes=1)
        gone = [(certificate.serial_number, at) for certificate in revoked]
        return [
            revocation.crl(self.ca, gone, at, number, valid_for),
            revocation.crl(self.root, gone, at, number, dt.timedelta(days=365)),
        ]

    def file(self, certificate, key, chain=None, password=FILE_PASSWORD):
        return p12(certificate, key, self.chain if chain is None else chain, password)


def p12(certificate, key, chain=(), password=FILE_PASSWORD):
    return pkcs12.serialize_key_and_certificates(
        b"signer", key, certificate, chain or None, BestAvailableEncryption(password.encode())
    )


def self_signed(key=None):
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "自分")])
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(now() - dt.timedelta(days=1)).not_valid_after(now() + dt.timedelta(days=9))
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
    )  # fmt: skip
    return made.sign(key, hashes.SHA256()), key


def pem(der):
    return x509.load_der_x509_crl(der).public_bytes(Encoding.PEM)
