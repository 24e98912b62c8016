"""S2: sound files of others, and odd ones, are never called altered; what cannot be judged says so."""

import io

import pikepdf
import pytest
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from app.signing.fields import FieldSpec, place_fields
from app.signing.keys import KeyKind
from app.signing.verdict import Finding, Outcome
from app.signing.verify import verify
from tests import pdfs
from tests.signing.conftest import Portal, sample_pdf

ODD = {name: make for name, make in pdfs.GOOD.items() if name not in ("at the size limit", "hundred pages")}
UNREADABLE_OR_UNSIGNED = {name: make for name, (make, _) in pdfs.BAD.items() if "bomb" not in name and "size limit" not in name and "too many" not in name}
SIGNED = ("already signed", "signed, then rewritten")


@pytest.mark.requirement("S2")
@pytest.mark.parametrize("name", [*ODD, *UNREADABLE_OR_UNSIGNED])
def test_an_unsigned_or_broken_file_is_never_called_altered(portal, name):
    verdict = verify((ODD | UNREADABLE_OR_UNSIGNED)[name](), portal.roots)
    if name == "signed, then rewritten":
        assert verdict.finding is Finding.altered
    elif name == "already signed":
        assert verdict.finding is Finding.untrusted
    else:
        assert verdict.finding in (Finding.unsigned, Finding.unreadable)


class Stranger:
    """Somebody else's program: no time stamp, no evidence, kinds of signatures of its own."""

    def __init__(self, portal, signer):
        store = pkcs12.serialize_key_and_certificates(
            b"", signer.key, signer.certificate, [portal.authorities.signers_ca.certificate], NoEncryption()
        )
        self.signer = signers.SimpleSigner.load_pkcs12_data(store, other_certs=[])
        self.signer.prefer_pss = True

    def sign(self, pdf, field="Signature1", **how):
        tsa = how.pop("tsa", None)
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        if how.pop("encrypted", False):
            writer.encrypt("")
        meta = signers.PdfSignatureMetadata(field_name=field, **({"md_algorithm": "sha256"} | how))
        return signers.sign_pdf(writer, meta, self.signer, timestamper=tsa, bytes_reserved=32768).getvalue()


@pytest.fixture(scope="module")
def stranger(portal, sender):
    return Stranger(portal, sender)


def _encrypted(pdf):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        opened.save(out, encryption=pikepdf.Encryption(user="", owner="owner"))
    return out.getvalue()


KINDS = {
    "classic": {},
    "SHA-512": {"md_algorithm": "sha512"},
    "PAdES": {"subfilter": fields.SigSeedSubFilter.PADES},
    "with reason and place": {"reason": "承認", "location": "東京都"},
    "certifying": {"certify": True, "docmdp_permissions": fields.MDPPerm.FILL_FORMS},
    "certifying, nothing may follow": {"certify": True, "docmdp_permissions": fields.MDPPerm.NO_CHANGES},
}


def judgement_of_stamped(portal, pdf):
    """The verdict once a document time stamp lies over a signature that has none of its own."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    stamper = signers.PdfTimeStamper(portal.tsa, field_name="over")
    return verify(stamper.timestamp_pdf(writer, "sha256", bytes_reserved=32768).getvalue(), portal.roots)


@pytest.mark.requirement("S2", "L16")
@pytest.mark.parametrize("kind", KINDS)
def test_sound_signatures_of_other_programs_are_called_unchanged(portal, stranger, kind):
    """With a time stamp they are valid; without one nobody can say that the certificate was good at the time."""
    stamped = verify(stranger.sign(sample_pdf(), tsa=portal.tsa, **KINDS[kind]), portal.roots)
    assert (stamped.finding, stamped.level) == (Finding.intact, "B-T")
    assert stamped.signatures[0].signed_at is not None
    bare = verify(stranger.sign(sample_pdf(), **KINDS[kind]), portal.roots)
    assert bare.finding is Finding.untimed and bare.signatures[0].signed_at is None
    assert "タイムスタンプが付いていないため" in bare.signatures[0].sentence and "タイムスタンプのない" in bare.sentence
    abroad = verify(stranger.sign(sample_pdf(), tsa=portal.tsa, **KINDS[kind]), Portal(KeyKind.p_256).roots)
    assert abroad.finding is Finding.untrusted
    if "nothing may follow" not in kind:
        kept = judgement_of_stamped(portal, stranger.sign(sample_pdf(), **KINDS[kind]))
        assert kept.finding is Finding.untimed and kept.time_stamps[0].trusted
    bare_abroad = verify(stranger.sign(sample_pdf(), **KINDS[kind]), Portal(KeyKind.p_256).roots)
    assert [one.signatures[0].untimed for one in (stamped, bare, abroad, bare_abroad)] == [False, True, False, False]
    assert all(one.signatures[0].intact for one in (stamped, bare, abroad, bare_abroad))


SHAPES = {
    "object streams": lambda: sample_pdf(object_streams=True),
    "hybrid": pdfs.hybrid,
    "two revisions": pdfs.two_revisions,
    "direct links": pdfs.direct_links,
    "linearized": pdfs.object_streams_and_linearized,
    "version 1.3": pdfs.version_1_3,
    "scan": lambda: pdfs.sample("scan"),
    "form fields": lambda: pdfs.sample("form-fields"),
    "turned and cropped": lambda: pdfs.sample("turned-and-cropped"),
    "Word": pdfs.contract,
    "browser": lambda: pdfs.contract("purchase-order"),
}


@pytest.mark.requirement("S2")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_sound_signature_on_an_odd_file_is_never_called_altered(portal, stranger, shape):
    verdict = verify(stranger.sign(SHAPES[shape](), tsa=portal.tsa), portal.roots)
    assert verdict.finding in (Finding.intact, Finding.unreadable), verdict
    assert shape in ("hybrid", "scan") or verdict.finding is Finding.intact


@pytest.mark.requirement("S2")
def test_an_encrypted_file_with_a_signature_cannot_be_judged(portal, stranger):
    signed = stranger.sign(_encrypted(sample_pdf()), encrypted=True)
    verdict = verify(signed, portal.roots)
    assert verdict.outcome is Outcome.unjudged and "検証できません" in verdict.sentence


@pytest.mark.requirement("S2")
def test_a_text_about_byte_ranges_is_not_taken_for_a_signature(portal, sender):
    text = b"BT /F1 9 Tf 9 9 Td (/ByteRange [0 40 90 20]) Tj ET"
    with pikepdf.open(io.BytesIO(sample_pdf(1))) as pdf:
        pdf.pages[0].Contents = pdf.make_stream(text)
        out = io.BytesIO()
        pdf.save(out, compress_streams=False)
    assert verify(out.getvalue(), portal.roots).finding is Finding.unsigned
    placed = place_fields(out.getvalue(), [FieldSpec("sender")])
    signed = portal.desk.sign(placed, key=sender.key, certificate=sender.certificate, field="sender")
    assert verify(signed, portal.roots).finding is Finding.intact


@pytest.mark.requirement("S13", "S2")
def test_nothing_in_a_file_makes_the_verification_ask_anybody(portal, stranger, monkeypatch):
    """The certificates name addresses for OCSP and CRLs; the judge asks none of them."""
    import socket

    def refuse(*_):
        raise AssertionError("a connection was wanted")

    signed = stranger.sign(sample_pdf(), tsa=portal.tsa)
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert verify(signed, portal.roots).outcome is Outcome.valid
    assert verify(signed, Portal(KeyKind.p_256).roots).outcome is Outcome.unjudged
