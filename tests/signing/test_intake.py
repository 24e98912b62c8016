"""Intake: ordinary files come out whole and plain, the others are refused with the cause and the next step.

Source: I5; S4, S5, S6, S13 (quality.md).
"""

import hashlib
import io
import os
import random
import re
import resource
import subprocess
import sys
import time
from functools import cache

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops, ImageStat

from app.errors import IntakeRefused, NotFound, StorageFailed
from app.signing import intake
from tests import pdfs

pytestmark = pytest.mark.requirement("I5")

SLOWEST_ANSWER_SECONDS = 10
NEXT_STEP = re.compile(r"(ください|お選びください)。$")


@cache
def accepted(name):
    """A good file and what intake made of it."""
    upload = pdfs.GOOD[name]()
    return upload, intake.receive(upload)


def picture_of(pdf, index, *, forms=False):
    document = pypdfium2.PdfDocument(pdf)
    if forms:
        document.init_forms()
    picture = document[index].render(scale=0.6).to_pil().convert("L")
    document.close()
    return picture


def difference(one, other):
    """Mean difference of two pictures, 0 to 255."""
    assert one.size == other.size
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


@pytest.mark.parametrize("name", pdfs.GOOD)
def test_ordinary_file_is_accepted_in_one_plain_revision(name, tmp_path):
    upload, taken = accepted(name)
    assert taken.sha256 == hashlib.sha256(taken.pdf).hexdigest()
    assert taken.pdf.startswith(b"%PDF-1.") and taken.pdf[7:8] >= b"4"
    assert taken.pdf.rstrip(b"\n").endswith(b"%%EOF")
    assert taken.pdf.count(b"\nstartxref\n") == taken.pdf.count(b"\nxref\n") == 1
    assert not any(word in taken.pdf for word in (b"/ObjStm", b"/XRefStm", b"/Type /XRef", b"/Prev "))
    (tmp_path / "taken.pdf").write_bytes(taken.pdf)
    check = subprocess.run(["qpdf", "--check", tmp_path / "taken.pdf"], capture_output=True, text=True)
    assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("name", pdfs.GOOD)
def test_accepted_file_keeps_nothing_that_acts_or_can_be_filled_in(name):
    _, taken = accepted(name)
    with pikepdf.open(io.BytesIO(taken.pdf)) as pdf:
        assert len(pdf.pages) == taken.page_count
        assert not {"/AcroForm", "/OpenAction", "/AA", "/Perms", "/AF", "/Collection"} & set(pdf.Root.keys())
        for value in pdf.objects:
            if not isinstance(value, pikepdf.Dictionary | pikepdf.Stream):
                continue
            assert "/JS" not in value and "/ByteRange" not in value and "/EF" not in value
        for page in pdf.pages:
            if "/Annots" in page.obj:
                assert page.obj.Annots.is_indirect
                assert all(note.is_indirect and "/AA" not in note for note in page.obj.Annots)
                assert all(note.Subtype not in ("/Widget", "/Popup") for note in page.obj.Annots)


@pytest.mark.parametrize("name", pdfs.GOOD)
def test_accepted_file_looks_as_before(name):
    upload, taken = accepted(name)
    before = upload[upload.find(b"%PDF-") :] if "counted" not in name else upload
    assert len(pypdfium2.PdfDocument(before)) == taken.page_count
    for index in range(0, taken.page_count, 33 if taken.page_count > 10 else 1):
        old = picture_of(before, index, forms=name == "form fields")
        limit = 3 if name == "form fields" else 0.2  # LibreOffice's fields are drawn by us, in our way
        assert difference(old, picture_of(taken.pdf, index)) < limit


def test_comparison_of_looks_would_notice_a_missing_stamp():
    upload, taken = accepted("stamped")
    assert difference(picture_of(taken.pdf, 0), picture_of(accepted("estimate (Excel)")[1].pdf, 0)) > 0.2


def test_form_values_become_part_of_the_page():
    _, taken = accepted("form fields")
    text = pypdfium2.PdfDocument(taken.pdf)[0].get_textpage().get_text_range()
    assert "PO-2026-1182" in text and "2027-02-26" in text


def test_link_to_the_web_survives():
    _, taken = accepted("construction contract (Word)")
    assert b"laws.e-gov.go.jp" in taken.pdf


def test_old_revision_and_hidden_objects_are_gone():
    _, taken = accepted("two revisions")
    with pikepdf.open(io.BytesIO(taken.pdf)) as pdf:
        catalogues = [
            v for v in pdf.objects if isinstance(v, pikepdf.Dictionary) and v.get("/Type") == "/Catalog"
        ]
        assert len(catalogues) == 1
        assert pdf.Root.Lang == "ja"


def test_removed_field_is_not_kept_by_the_structure_tree():
    _, taken = accepted("form fields")
    assert b"/FT" not in taken.pdf and b"/Widget" not in taken.pdf


@pytest.mark.parametrize("name", ["construction contract (Word)", "form fields", "two revisions", "stamped"])
def test_same_upload_gives_the_same_bytes(name):
    upload, taken = accepted(name)
    assert intake.receive(upload) == taken


@pytest.mark.parametrize("name", ["construction contract (Word)", "scan", "turned and cropped"])
def test_kept_file_may_be_uploaded_again(name):
    _, taken = accepted(name)
    assert intake.receive(taken.pdf).page_count == taken.page_count


@pytest.mark.parametrize("name", pdfs.BAD)
def test_other_file_is_refused_with_cause_and_next_step(name):
    build, words = pdfs.BAD[name]
    upload = build()
    started = time.monotonic()
    with pytest.raises(IntakeRefused) as refusal:
        intake.receive(upload)
    assert time.monotonic() - started < SLOWEST_ANSWER_SECONDS
    assert words in refusal.value.sentence
    assert NEXT_STEP.search(refusal.value.sentence)
    assert refusal.value.status == 422


def test_every_sentence_names_a_next_step():
    for sentence in intake.SENTENCES.values():
        assert NEXT_STEP.search(sentence)
        assert sentence.count("。") >= 2


def test_sentence_names_the_limits_that_are_set():
    limits = intake.Limits(size_bytes=1024 * 1024, pages=3)
    with pytest.raises(IntakeRefused, match="1MBを超え"):
        intake.receive(b"%PDF-" + b"0" * 1024 * 1024, limits)
    with pytest.raises(IntakeRefused, match="上限の3ページを超え"):
        intake.receive(pdfs.contract(), limits)


@pytest.mark.parametrize("seed", range(6))
def test_random_damage_is_answered(seed):
    """Accepted or refused, but never anything else; what is accepted has all its pages."""
    chance = random.Random(seed)
    data = bytearray(pdfs.contract("estimate-breakdown"))
    for _ in range(chance.choice((1, 5, 50))):
        data[chance.randrange(20, len(data))] = chance.randrange(256)
    try:
        assert intake.receive(bytes(data)).page_count == 1
    except IntakeRefused as refusal:
        assert NEXT_STEP.search(refusal.sentence)


def test_memory_of_the_portal_hardly_grows():
    """The bomb goes off elsewhere.  S4 allows 600 MiB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for build in (pdfs.stream_bomb, pdfs.object_stream_bomb):
        with pytest.raises(IntakeRefused):
            intake.receive(build())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_file_that_takes_too_long_is_refused_in_time():
    limits = intake.Limits(cpu_seconds=1, wall_seconds=2)
    started = time.monotonic()
    with pytest.raises(IntakeRefused, match="確認を完了できませんでした"):
        intake.receive(pdfs.many_bombs(), limits)
    assert time.monotonic() - started < 10


@pytest.mark.requirement("S13")
def test_file_is_opened_without_the_secrets_of_the_portal(monkeypatch):
    """The program that opens uploads gets no environment, no portal code and no file to write."""
    given = {}
    run = subprocess.run

    def watch(command, **options):
        given.update(command=command, **options)
        return run(command, **options)

    monkeypatch.setenv("PORTAL_SECRET_KEY", "do not tell")
    monkeypatch.setattr(intake.subprocess, "run", watch)
    intake.receive(pdfs.contract("estimate-breakdown"))
    assert given["env"] == {"LANG": "C.UTF-8"}
    assert given["command"][:2] == [sys.executable, "-I"]
    assert "do not tell" not in " ".join(given["command"])
    rooms = {room.stem: room.read_text(encoding="utf-8") for room in intake.CHILD.parent.glob("*.py")}
    imports = set(re.findall(r"^\s*(?:import|from) (\w+)", "\n".join(rooms.values()), re.MULTILINE))
    assert imports - set(sys.stdlib_module_names) - set(rooms) == {"pikepdf", "pypdfium2", "PIL"}


def test_program_that_cannot_start_is_not_blamed_on_the_upload(monkeypatch, tmp_path):
    run = intake.run_child
    monkeypatch.setattr(intake, "run_child", lambda *args, **more: run(*args, program=tmp_path / "missing.py", **more))
    with pytest.raises(RuntimeError):
        intake.receive(pdfs.contract("estimate-breakdown"))


def test_page_is_drawn_at_the_width_asked_for():
    _, taken = accepted("construction contract (Word)")
    picture = Image.open(io.BytesIO(intake.render_page(taken.pdf, 3, 600)))
    assert picture.format == "PNG" and abs(picture.width - 600) <= 1 and 845 <= picture.height <= 852
    assert ImageStat.Stat(picture.convert("L")).stddev[0] > 5


def test_turned_page_is_measured_and_drawn_as_shown():
    _, taken = accepted("turned and cropped")
    ((width, height),) = intake.page_sizes(taken.pdf)
    assert width > height and abs(width - 842) < 2
    picture = Image.open(io.BytesIO(intake.render_page(taken.pdf, 0, 500)))
    assert picture.width > picture.height


def test_unknown_page_is_not_found():
    with pytest.raises(NotFound):
        intake.render_page(pdfs.contract(), 99, 600)


def test_unreadable_file_in_the_store_is_reported():
    with pytest.raises(StorageFailed):
        intake.render_page(b"not a PDF", 0, 600)
    with pytest.raises(StorageFailed):
        intake.page_sizes(b"not a PDF")


@pytest.mark.requirement("S4")
def test_ordinary_contract_is_answered_quickly():
    """CPU time of the program, so that a busy machine does not matter much."""
    upload = pdfs.contract()
    before = os.times()
    intake.receive(upload)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert used < 1
