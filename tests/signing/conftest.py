"""A throw-away PKI, signers and sample contracts; everything real but the companies."""

import datetime as dt
import io
from dataclasses import dataclass

import pikepdf
import pytest
from cryptography import x509

from app import clock
from app.signing import authorities as pki
from app.signing import revocation
from app.signing.fields import FieldSpec, place_fields
from app.signing.keys import KeyKind, new_key
from app.signing.pades import SigningDesk
from app.signing.timestamps import EmbeddedTsa

URLS = pki.PkiUrls.under("https://portal.example/pki")
A_WEEK = dt.timedelta(days=7)


@dataclass
class Signer:
    """A company's certificate with its key."""

    key: object
    certificate: x509.Certificate


class Portal:
    """The authorities of one portal and its signing desk."""

    def __init__(self, kind: KeyKind, service_name="契約ポータル", token=None):
        self.kind, self.token = kind, token
        self.authorities = made = pki.new_authorities(service_name, clock.now(), URLS, kind, token)
        self.cas = {ca.certificate.subject: ca for ca in (made.signers_ca, made.tsa_ca)}
        self.revoked = {}
        self.crl_number = 0
        self.tsa = EmbeddedTsa(made.tsa, [made.tsa_ca.certificate])
        self.desk = self.desk_with(self.tsa)

    def desk_with(self, tsa):
        made = self.authorities
        return SigningDesk(
            made.root.certificate,
            made.signers_ca,
            tsa,
            [ca.certificate for ca in self.cas.values()],
            self.ca_crls,
            self.leaf_ocsp,
        )

    @property
    def root(self):
        return self.authorities.root.certificate

    @property
    def roots(self):
        return [self.root]

    def ca_crls(self):
        self.crl_number += 1
        return [revocation.crl(self.authorities.root, [], clock.now(), self.crl_number, A_WEEK)]

    def leaf_ocsp(self, certificate):
        revoked_at = self.revoked.get(certificate.serial_number)
        return revocation.ocsp_response(self.cas[certificate.issuer], certificate, revoked_at, clock.now(), A_WEEK)

    def signer(self, company_name="株式会社みなと建設", certificate_no="JC-00000001", **subject):
        key = new_key(self.kind, self.token)
        subject = pki.Subject(company_name, certificate_no, **subject)
        made = pki.issue_signer(self.authorities.signers_ca, key.public_key(), subject, clock.now(), URLS)
        return Signer(key, made)

    def next_tsa(self, generation):
        """Start a further TSA generation, with a CA of its own."""
        root = self.authorities.root
        ca = pki.new_tsa_ca(root, "契約ポータル", clock.now(), URLS, self.kind, generation=generation)
        tsa = pki.new_tsa(ca, "契約ポータル", clock.now(), URLS, self.kind, generation=generation)
        self.cas[ca.certificate.subject] = ca
        return EmbeddedTsa(tsa, [ca.certificate])


@pytest.fixture(scope="session")
def portal():
    """P-256 throughout: quick."""
    return Portal(KeyKind.p_256)


@pytest.fixture(scope="session")
def rsa_portal():
    """RSA-3072 throughout: the default of the product."""
    return Portal(KeyKind.rsa_3072)


@pytest.fixture(scope="session")
def sender(portal):
    return portal.signer(department="工事部", title="部長")


@pytest.fixture(scope="session")
def receiver(portal):
    return portal.signer("有限会社やまと設備", "JC-00000002")


@pytest.fixture(scope="session")
def contract():
    """Two pages A4, with empty signature fields for a sender and a receiver."""
    return place_fields(sample_pdf(), [FieldSpec("sender"), FieldSpec("receiver-1")])


@pytest.fixture(scope="session")
def signed_once(portal, sender, contract):
    return portal.desk.sign(contract, key=sender.key, certificate=sender.certificate, field="sender")


@pytest.fixture(scope="session")
def signed_twice(portal, receiver, signed_once):
    return portal.desk.sign(
        signed_once, key=receiver.key, certificate=receiver.certificate, field="receiver-1"
    )


@pytest.fixture(scope="session")
def archived(portal, signed_twice):
    return portal.desk.archive(signed_twice)


def sample_pdf(pages=2, *, size=(595, 842), rotate=0, origin=(0, 0), object_streams=False, link=False):
    """A small unsigned contract with a little text on each page.

    :param origin: lower left corner of the media box; the crop box leaves a further 20 points off each side
    """
    pdf = pikepdf.new()
    font = pdf.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica
        )
    )
    x, y = origin
    for number in range(pages):
        pdf.add_blank_page(page_size=size)
        page = pdf.pages[-1]
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        text = f"BT /F1 18 Tf {x + 72} {y + size[1] - 120} Td (Contract, page {number + 1}) Tj ET"
        page.Contents = pdf.make_stream(text.encode())
        page.MediaBox = [x, y, x + size[0], y + size[1]]
        if origin != (0, 0):
            page.CropBox = [x + 20, y + 20, x + size[0] - 20, y + size[1] - 20]
        if rotate:
            page.Rotate = rotate
        if link:
            annotation = pikepdf.Dictionary(
                Type=pikepdf.Name.Annot,
                Subtype=pikepdf.Name.Link,
                Rect=[72, 700, 200, 720],
                Border=[0, 0, 0],
                A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI="https://portal.example/"),
            )
            page.Annots = pdf.make_indirect(pikepdf.Array([pdf.make_indirect(annotation)]))
    out = io.BytesIO()
    mode = "generate" if object_streams else "disable"
    pdf.save(out, object_stream_mode=getattr(pikepdf.ObjectStreamMode, mode))
    return out.getvalue()
