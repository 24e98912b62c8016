import io
import json
import random

import pikepdf
import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from app.signing.keys import KeyKind
from app.signing.verify import Outcome, verify
from tests.signing.conftest import Portal, sample_pdf


@pytest.mark.requirement("L12", "L16")
def test_the_verdict_says_who_when_and_until_when(portal, archived):
    verdict = verify(archived, portal.roots)
    assert verdict.outcome is Outcome.valid and verdict.exit_code == 0 and verdict.level == "B-LTA"
    assert [one.field for one in verdict.signatures] == ["sender", "receiver-1"]
    first = verdict.signatures[0]
    assert (first.company, first.certificate_no) == ("株式会社みなと建設", "JC-00000001")
    assert first.signed_at is not None and "署名は有効です" in first.sentence
    assert verdict.provable_until == verdict.time_stamps[-1].provable_until
    as_json = json.loads(json.dumps(verdict.as_dict(), ensure_ascii=False))
    assert as_json["outcome"] == "valid" and as_json["signatures"][0]["company"] == "株式会社みなと建設"
    assert len(as_json["sha256"]) == 64


@pytest.mark.requirement("L1")
@pytest.mark.parametrize("stage", ["signed_once", "signed_twice", "archived"])
def test_one_flipped_byte_is_never_valid(portal, stage, request):
    pdf = request.getfixturevalue(stage)
    chance = random.Random(stage)
    seen = []
    for place in [chance.randrange(len(pdf)) for _ in range(12)] + [10, len(pdf) // 2, len(pdf) - 3]:
        flipped = bytearray(pdf)
        flipped[place] ^= 1 << chance.randrange(8)
        verdict = verify(bytes(flipped), portal.roots)
        assert verdict.outcome is not Outcome.valid, place
        seen.append(verdict.outcome)
    assert seen.count(Outcome.invalid) >= 13


@pytest.mark.requirement("L1")
def test_a_flipped_byte_of_the_contract_is_called_altered(portal, archived):
    place = archived.index(b"/MediaBox") + 12
    flipped = archived[:place] + bytes([archived[place] ^ 1]) + archived[place + 1 :]
    verdict = verify(flipped, portal.roots)
    assert verdict.outcome is Outcome.invalid and verdict.exit_code == 1
    assert "変更されています" in verdict.sentence


@pytest.mark.parametrize(
    "tail", [b"\n", b"\x00", b"x", b"\n%%EOF\n", b"startxref\n0\n%%EOF\n", b"PK\x03\x04" * 50]
)
@pytest.mark.parametrize("stage", ["signed_twice", "archived"])
def test_appended_bytes_are_an_alteration(portal, stage, tail, request):
    verdict = verify(request.getfixturevalue(stage) + tail, portal.roots)
    assert verdict.outcome is Outcome.invalid
    assert "変更されています" in verdict.sentence


def test_a_cut_file_is_an_alteration(portal, archived):
    for length in (len(archived) - 1, len(archived) - 200, len(archived) // 2):
        assert verify(archived[:length], portal.roots).outcome is Outcome.invalid


@pytest.mark.parametrize("change", ["page", "annotation", "text-field", "signature-removed"])
def test_an_incremental_update_after_signing_is_an_alteration(portal, signed_twice, change):
    writer = IncrementalPdfFileWriter(io.BytesIO(signed_twice))
    root = writer.root
    page = root["/Pages"]["/Kids"][0]
    from pyhanko.pdf_utils import generic

    if change == "page":
        page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
        writer.update_container(page)
    elif change == "annotation":
        note = generic.DictionaryObject(
            {
                generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
                generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
                generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 300, 300))),
            }
        )
        page["/Annots"] = generic.ArrayObject([writer.add_object(note)])
        writer.update_container(page)
    elif change == "text-field":
        field = generic.DictionaryObject(
            {
                generic.pdf_name("/FT"): generic.pdf_name("/Tx"),
                generic.pdf_name("/T"): generic.pdf_string("amount"),
                generic.pdf_name("/V"): generic.pdf_string("1"),
            }
        )
        root["/AcroForm"]["/Fields"].append(writer.add_object(field))
        writer.update_container(root["/AcroForm"]["/Fields"])
    else:
        root["/AcroForm"]["/Fields"] = generic.ArrayObject()
        writer.update_container(root["/AcroForm"])
    writer.write_in_place()
    assert verify(writer.prev.stream.getvalue(), portal.roots).outcome is Outcome.invalid


def test_a_change_that_is_signed_over_is_still_an_alteration(portal, receiver, signed_once):
    """The receiver's own signature covers the whole file, yet the sender signed another page."""
    from pyhanko.pdf_utils import generic

    writer = IncrementalPdfFileWriter(io.BytesIO(signed_once))
    page = writer.root["/Pages"]["/Kids"][0]
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)
    writer.write_in_place()
    altered = writer.prev.stream.getvalue()
    signed = portal.desk.sign(altered, key=receiver.key, certificate=receiver.certificate, field="receiver-1")
    verdict = verify(signed, portal.roots)
    assert verdict.outcome is Outcome.invalid
    assert [one.intact for one in verdict.signatures] == [False, True]


def test_an_unsigned_file_says_so(portal, contract):
    for pdf in (contract, sample_pdf()):
        verdict = verify(pdf, portal.roots)
        assert verdict.outcome is Outcome.invalid and verdict.exit_code == 1
        assert "電子署名がありません" in verdict.sentence


@pytest.mark.parametrize("pdf", [b"", b"hello", b"%PDF-1.7\n", bytes(5000)])
def test_what_is_no_pdf_cannot_be_judged(portal, pdf):
    verdict = verify(pdf, portal.roots)
    assert verdict.outcome is Outcome.unjudged and verdict.exit_code == 2
    assert "検証できません" in verdict.sentence


def test_a_strangers_signature_is_not_called_altered(portal, archived, signed_twice):
    stranger = Portal(KeyKind.p_256)
    for pdf in (signed_twice, archived):
        verdict = verify(pdf, stranger.roots)
        assert verdict.outcome is Outcome.unjudged
        assert all(one.intact and not one.trusted for one in verdict.signatures)
        assert "変更は見つかりませんでした" in verdict.sentence


def test_a_rewritten_file_is_not_valid(portal, signed_twice):
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(signed_twice)) as pdf:
        pdf.save(out)
    assert verify(out.getvalue(), portal.roots).outcome is Outcome.invalid
