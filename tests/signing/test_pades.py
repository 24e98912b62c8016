import datetime as dt
import io
import threading
import zlib

import pikepdf
import pytest
import time_machine
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

from app import clock
from app.errors import SigningFailed
from app.signing import evidence
from app.signing.fields import FieldSpec, place_fields
from app.signing.keys import KeyKind
from app.signing.stamps import Stamp
from app.signing.verify import Outcome, verify
from tests.independent import independently_valid, signed_parts
from tests.signing.conftest import Portal, sample_pdf

FIELDS = [FieldSpec("sender"), FieldSpec("receiver-1")]

SHAPES = {
    "classic": {},
    "object-streams": {"object_streams": True},
    "hyperlink": {"link": True},
    "turned": {"rotate": 90, "pages": 1},
    "offset": {"origin": (100, 50), "pages": 3},
}


def pem(portal):
    return portal.root.public_bytes(Encoding.PEM)


@pytest.mark.requirement("L1", "L16", "L17", "R3", "R81")
def test_sender_receiver_and_archive_with_the_default_keys(rsa_portal):
    """RSA-3072, the product's default: every stage verifies here, in poppler and in OpenSSL."""
    pdf = place_fields(sample_pdf(), FIELDS)
    first, second = rsa_portal.signer(), rsa_portal.signer("株" * 255, "JC-00000002")
    stamp = Stamp("発出", "株式会社みなと建設", "港 太郎", clock.now())
    for signer, field, level in (
        (first, "sender", "B-LT"),
        (second, "receiver-1", "B-LT"),
        (None, None, "B-LTA"),
    ):
        before = pdf
        if signer is None:
            pdf = rsa_portal.desk.archive(pdf)
        else:
            pdf = rsa_portal.desk.sign(
                pdf,
                key=signer.key,
                certificate=signer.certificate,
                field=field,
                stamp=stamp,
                reason="契約の締結",
            )
        assert pdf.startswith(before), "only an incremental update may be added"
        verdict = verify(pdf, rsa_portal.roots)
        assert (verdict.outcome, verdict.level) == (Outcome.valid, level), verdict
        independently_valid(pdf, pem(rsa_portal))
    assert [one.company for one in verdict.signatures] == ["株式会社みなと建設", "株" * 255]
    assert [one.certificate_no for one in verdict.signatures] == ["JC-00000001", "JC-00000002"]


@pytest.mark.requirement("L16", "L17", "R81")
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_pdf_verifies_after_each_stage(portal, sender, receiver, shape):
    pdf = place_fields(sample_pdf(**SHAPES[shape]), FIELDS)
    for signer, field in ((sender, "sender"), (receiver, "receiver-1")):
        pdf = portal.desk.sign(pdf, key=signer.key, certificate=signer.certificate, field=field)
        assert verify(pdf, portal.roots).outcome is Outcome.valid
    pdf = portal.desk.archive(pdf)
    assert verify(pdf, portal.roots).level == "B-LTA"
    independently_valid(pdf, pem(portal))


@pytest.mark.requirement("I7")
def test_ten_companies_sign_one_after_another(portal, sender):
    pdf = place_fields(sample_pdf(), [FieldSpec(f"party-{number}") for number in range(10)])
    for number in range(10):
        pdf = portal.desk.sign(pdf, key=sender.key, certificate=sender.certificate, field=f"party-{number}")
    verdict = verify(pdf, portal.roots)
    assert verdict.outcome is Outcome.valid and len(verdict.signatures) == 10
    independently_valid(pdf, pem(portal))


@pytest.mark.requirement("R83", "I14")
def test_a_document_without_signature_is_archived_by_a_time_stamp_alone(portal, contract):
    archived = portal.desk.archive(contract)
    verdict = verify(archived, portal.roots)
    assert verdict.outcome is Outcome.valid and verdict.level is None and not verdict.signatures
    assert len(verdict.time_stamps) == 1 and "電子署名はありません" in verdict.sentence
    independently_valid(archived, pem(portal))


@pytest.mark.requirement("L16")
def test_the_signature_is_an_approval_signature_with_time_stamp_and_evidence_in_one_revision(
    portal, signed_once
):
    reader = PdfFileReader(io.BytesIO(signed_once))
    signature = reader.embedded_signatures[0]
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert "/Perms" not in reader.root
    assert signature.signed_revision == reader.xrefs.total_revisions - 1
    known = evidence.knowledge(reader)
    assert portal.root.public_bytes(Encoding.DER) in {c.dump() for c in known.known_certs}
    assert len(known.known_ocsps) == 2 and len(known.known_crls) == 1
    (reference,) = signature.sig_object["/Reference"]
    assert reference["/TransformMethod"] == "/FieldMDP"
    assert list(reference["/TransformParams"]["/Fields"]) == ["sender"]


def test_a_field_signs_only_once_and_only_where_it_is(portal, sender, signed_once):
    key = {"key": sender.key, "certificate": sender.certificate}
    with pytest.raises(SigningFailed, match="すでに署名"):
        portal.desk.sign(signed_once, **key, field="sender")
    with pytest.raises(SigningFailed, match="署名欄が見つからない"):
        portal.desk.sign(signed_once, **key, field="receiver-9")


def test_a_foreign_key_signs_nothing(portal, sender, receiver, contract):
    with pytest.raises(SigningFailed):
        portal.desk.sign(contract, key=receiver.key, certificate=sender.certificate, field="sender")


@pytest.mark.requirement("I16")
def test_a_revoked_or_expired_certificate_signs_nothing(portal, contract):
    signer = portal.signer()
    arguments = {"key": signer.key, "certificate": signer.certificate, "field": "sender"}
    portal.desk.sign(contract, **arguments)
    portal.revoked[signer.certificate.serial_number] = clock.now() - dt.timedelta(seconds=1)
    with pytest.raises(SigningFailed):
        portal.desk.sign(contract, **arguments)
    del portal.revoked[signer.certificate.serial_number]
    with time_machine.travel(clock.now() + dt.timedelta(days=740)), pytest.raises(SigningFailed):
        portal.desk.sign(contract, **arguments)


def test_a_certificate_of_another_portal_signs_nothing(portal, contract):
    stranger = Portal(KeyKind.p_256).signer()
    with pytest.raises(SigningFailed):
        portal.desk.sign(contract, key=stranger.key, certificate=stranger.certificate, field="sender")


@pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7 no more", b"x" * 1000])
def test_what_is_no_pdf_is_a_signing_failure(portal, sender, pdf):
    with pytest.raises(SigningFailed):
        portal.desk.sign(pdf, key=sender.key, certificate=sender.certificate, field="sender")
    with pytest.raises(SigningFailed):
        portal.desk.archive(pdf)


@pytest.mark.requirement("L17")
def test_a_certificate_revoked_after_signing_does_not_hurt_the_signature(portal, contract):
    signer = portal.signer()
    signed = portal.desk.sign(contract, key=signer.key, certificate=signer.certificate, field="sender")
    with time_machine.travel(clock.now() + dt.timedelta(days=1)):
        portal.revoked[signer.certificate.serial_number] = clock.now() - dt.timedelta(hours=1)
        archived = portal.desk.archive(signed)
        assert verify(archived, portal.roots).outcome is Outcome.valid


def test_threads_share_a_desk(portal, sender, contract):
    results = []

    def work():
        for _ in range(3):
            signed = portal.desk.sign(
                contract, key=sender.key, certificate=sender.certificate, field="sender"
            )
            results.append(len(signed))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 12


def test_the_stamp_is_text_that_can_be_copied(portal, sender, contract):
    stamp = Stamp("発出", "株式会社みなと建設", "髙﨑 太郎", clock.now())
    signed = portal.desk.sign(
        contract, key=sender.key, certificate=sender.certificate, field="sender", stamp=stamp
    )
    with pikepdf.open(io.BytesIO(signed)) as pdf:
        (field,) = [one for one in pdf.Root.AcroForm.Fields if one.T == "sender"]
        form = field.AP.N
        to_unicode = bytes(form.Resources.Font.F1.ToUnicode.read_bytes())
        assert "髙".encode("utf-16-be").hex().upper().encode() in to_unicode
        assert b"Tj" in form.read_bytes()
    assert len(signed) - len(contract) < 80_000


def test_signatures_lie_one_in_another(signed_twice, archived):
    assert [part.is_time_stamp for part in signed_parts(archived)] == [False, False, True]
    assert archived.startswith(signed_twice)
    assert zlib.crc32(signed_parts(archived)[1].contents) == zlib.crc32(
        signed_parts(signed_twice)[1].contents
    )
