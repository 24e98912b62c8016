"""添付・補足書類: which go out with which sending, how that is proved, and what a form of many files costs."""

import time

import pytest

from app.clock import now
from app.errors import IntakeRefused, NotFound, Refused
from app.extensions import db
from app.jobs import archive_transfer
from app.models import DocumentAttachment
from app.services import attachments, documents, registration
from app.signing import intake
from app.workflow import Action, SignatureMode, Status
from tests import office_files
from tests.conftest import kept_file

NOBODY = SignatureMode.no_signature


def names(document):
    return [row.file_name for row in document.attachments]


@pytest.mark.requirement("I4", "T11")
def test_the_second_round_goes_out_without_what_was_taken_off_and_the_first_stays_on_record(make_document, make_plan):
    first, second, third = kept_file("一.pdf", b"1"), kept_file("二.pdf", b"2"), kept_file("三.pdf", b"3")
    plan = make_plan()
    document = make_document(Status.receiver_receipt, mode=NOBODY, plan=plan, attached=[first, second])
    gone = document.attachments[0]
    documents.remand(document, document.holder, now())
    attachments.lay(document, [second, third], now())
    attachments.lay(document, [second, third], now())  # saved twice: nothing doubles
    registration.send(document, document.registrar, now())
    db.session.commit()

    assert names(document) == ["二.pdf", "三.pdf"] and document.revision == 2
    with pytest.raises(NotFound):
        attachments.find(document, gone.id)
    rows = {row.file_name: (row.first_revision, row.last_revision) for row in document.attachment_rows}
    assert rows == {"一.pdf": (1, 1), "二.pdf": (1, None), "三.pdf": (2, None)}
    sent = [event.attachments_sha256 for event in document.events if event.action is Action.send]
    assert sent == [[first.sha256, second.sha256], [second.sha256, third.sha256]]


@pytest.mark.requirement("I4")
def test_what_never_went_out_leaves_no_row_and_nothing_keeps_a_draft_from_being_deleted(make_document):
    document = make_document(mode=NOBODY, attached=[kept_file("一.pdf", b"1"), kept_file("二.pdf", b"2")])
    attachments.lay(document, attachments.kept_of(document)[1:], now())
    db.session.commit()
    assert [row.file_name for row in db.session.query(DocumentAttachment)] == ["二.pdf"]
    registration.delete(document, document.registrar, now())
    db.session.commit()
    assert db.session.query(DocumentAttachment).count() == 0


@pytest.mark.requirement("I4", "T14")
def test_attachments_go_along_into_the_archive(make_document):
    kept = kept_file("仕様書.pdf")
    document = make_document(Status.completion_wait, mode=NOBODY, attached=[kept])
    archive_transfer.run_one(document.id, now())
    db.session.refresh(document)
    assert document.status is Status.archived and names(document) == ["仕様書.pdf"]
    assert document.events[-1].attachments_sha256 == [kept.sha256]
    assert attachments.content_of(document.attachments[0]) == b"%PDF-1.7 as accepted"


def uploads(*contents):
    return [(f"{number}.png", lambda content=content: content) for number, content in enumerate(contents, start=1)]


@pytest.mark.requirement("I4", "S5")
def test_what_was_accepted_before_a_refusal_is_kept_and_the_same_file_counts_once(app):
    kept, good = [], office_files.picture()
    with pytest.raises(IntakeRefused, match="「3.png」"):
        attachments.take_in(kept, uploads(good, good, b"MZ"), time.monotonic())
    assert [file.file_name for file in kept] == ["1.png"]


@pytest.mark.requirement("I4", "S5")
def test_a_sixth_file_and_a_byte_too_many_are_refused(app, monkeypatch):
    good = office_files.picture()
    with pytest.raises(Refused, match="5つまで"):
        attachments.take_in([], uploads(*[good] * 6), time.monotonic())
    monkeypatch.setitem(app.config, "MAX_ATTACHMENTS_MB", 1)
    large = attachments.KeptFile("大.png", attachments.AttachmentKind.png, "0" * 64, 1024 * 1024 - len(good))
    attachments.take_in([large], uploads(good), time.monotonic())
    with pytest.raises(Refused, match="上限の1MB"):
        attachments.take_in([large], uploads(good + b"x"), time.monotonic())


@pytest.mark.requirement("S4")
def test_files_that_take_long_share_the_time_of_one_answer(app, monkeypatch, tmp_path):
    kept, slow = [], uploads(office_files.picture())
    program = tmp_path / "slow.py"
    program.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setitem(intake.run_child.__kwdefaults__, "program", program)
    began = time.monotonic()
    with pytest.raises(IntakeRefused, match="時間がかかりすぎる"):
        attachments.take_in(kept, slow, began - attachments.ANSWER_SECONDS + 1.9)
    monkeypatch.undo()
    with pytest.raises(Refused, match="途中で止めました"):
        attachments.take_in(kept, uploads(office_files.picture()), began - attachments.ANSWER_SECONDS)
    assert time.monotonic() - began < 40 and kept == []  # the program would have taken a minute
