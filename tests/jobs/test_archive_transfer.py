"""定期処理: what was concluded before today in Japan goes into 長期保管, once."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app import queries
from app.errors import Refused, SigningFailed
from app.extensions import db
from app.jobs import JOBS, TIMETABLE, archive_transfer, run_job
from app.models import DocumentEvent, JobRun, Letter, Level, OutboxMessage
from app.queries import SearchTerms
from app.services import archive, documents
from app.services.strongroom import strongroom
from app.signing.verify import verify
from app.workflow import Action, SignatureMode, Status

JAPAN = ZoneInfo("Asia/Tokyo")
NAME = "archive-transfer"


@pytest.fixture
def clock():
    with time_machine.travel(dt.datetime(2027, 1, 14, 12, tzinfo=JAPAN), tick=False) as travelling:
        yield travelling


@pytest.mark.requirement("R83", "R87", "R93", "R94", "R95", "R3", "I14", "T14")
@pytest.mark.parametrize("mode, level", [("both_sides", Level.b_lta), ("no_signature", Level.timestamped)])
def test_a_concluded_document_moves_the_day_after(clock, make_document, client_of, mode, level):
    document = make_document(Status.completion_wait, mode=SignatureMode(mode))
    signed = strongroom().store.get(document.pdf_sha256)
    clock.move_to(dt.datetime(2027, 1, 14, 23, 59, 59, tzinfo=JAPAN))
    assert run_job(NAME)["due"] == 0
    clock.move_to(dt.datetime(2027, 1, 15, 0, 0, 1, tzinfo=JAPAN))
    report = run_job(NAME)
    assert (report["due"], report["done"], report["failed"]) == (1, 1, 0)
    db.session.refresh(document)
    assert document.status is Status.archived and document.holder_id is None
    assert (document.archived_on, document.retained_until) == (dt.date(2027, 1, 15), dt.date(2037, 1, 15))
    archived = strongroom().store.get(document.pdf_sha256)
    assert archived.startswith(signed) and len(archived) > len(signed)
    verdict = verify(archived, strongroom().roots)
    assert len(verdict.time_stamps) == 1 and len(verdict.signatures) == (2 if mode == "both_sides" else 0)
    assert all(item.intact and item.trusted for item in [*verdict.time_stamps, *verdict.signatures])
    assert queries.current_revision(document).level is level
    record = document.archive_record
    assert record.provable_until == verdict.provable_until and record.stamp_algorithm == "p_256"
    event = db.session.query(DocumentEvent).order_by(DocumentEvent.id.desc()).first()
    assert (event.action, event.actor_id, event.new_status) == (Action.archive, None, Status.archived)
    client = client_of("recipient")
    assert document.number not in client.get("/documents/").text
    assert document.number in client.get("/archive/").text
    page = client.get(f"/documents/{document.id}").text
    assert "<h1>長期保管文書照会</h1>" in page and "2027/01/15" in page and "2037/01/15" in page
    assert record.provable_until.strftime("%Y/%m/%d") in page
    assert client.get(f"/documents/{document.id}/pdf").data == archived


@pytest.mark.requirement("I14", "R93")
def test_running_twice_does_it_once(clock, make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    clock.shift(dt.timedelta(days=1))
    assert run_job(NAME)["done"] == 1
    db.session.refresh(document)
    file, events = document.pdf_sha256, db.session.query(DocumentEvent).count()
    assert run_job(NAME)["due"] == 0
    assert archive_transfer.run_one(document.id, dt.datetime.now(dt.UTC)) is False
    db.session.refresh(document)
    assert (document.pdf_sha256, db.session.query(DocumentEvent).count()) == (file, events)


@pytest.mark.requirement("I14")
def test_two_runners_do_not_take_the_same_document(clock, make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    clock.shift(dt.timedelta(days=1))
    moment = dt.datetime.now(dt.UTC)
    assert archive.claim_for_archive(document.id, moment) is not None
    assert archive_transfer.run_one(document.id, moment) is False


@pytest.mark.requirement("I14")
def test_without_a_time_stamp_the_document_waits_and_the_run_says_so(clock, make_document, monkeypatch):
    failing = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    clock.shift(dt.timedelta(days=1))

    def away(*args, **kwargs):
        raise SigningFailed("応答がありません。しばらくしてから、もう一度お試しください。") from OSError("refused\n\nDebug source: …")

    monkeypatch.setattr(type(strongroom().desk), "archive", away)
    report = run_job(NAME)
    assert (report["due"], report["done"], report["failed"]) == (1, 0, 1)
    assert "SigningFailed" in report["failures"][str(failing.id)]
    db.session.refresh(failing)
    assert failing.status is Status.completion_wait and failing.archived_on is None
    run = db.session.query(JobRun).one()
    assert (run.name, run.failed, run.report["failures"]) == (NAME, 1, report["failures"])
    clock.shift(dt.timedelta(minutes=15))
    assert run_job(NAME)["failed"] == 1
    letters = db.session.query(OutboxMessage).filter_by(letter=Letter.archive_alert)
    assert [letter.to_address for letter in letters] == ["operator@portal.example"]  # told once a day
    assert letters[0].facts["listed"][0]["what"] == "処理に失敗しました（応答がありません：refused）"
    monkeypatch.undo()
    clock.shift(dt.timedelta(days=1))
    assert run_job(NAME)["done"] == 1
    well = db.session.query(OutboxMessage).filter_by(letter=Letter.archive_recovered)
    assert (letters.count(), well.count()) == (1, 1) and failing.archive_record.failure == ""


@pytest.mark.requirement("I14")
def test_one_failure_stops_no_other(clock, make_document):
    broken = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    whole = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    broken.pdf_sha256 = "0" * 64  # its file is gone
    db.session.commit()
    clock.shift(dt.timedelta(days=1))
    report = run_job(NAME)
    assert (report["due"], report["done"], report["failed"]) == (2, 1, 1)
    db.session.refresh(whole)
    db.session.refresh(broken)
    assert (whole.status, broken.status) == (Status.archived, Status.completion_wait)


@pytest.mark.requirement("R57", "R93")
def test_in_the_archive_the_comment_is_read_only_and_nothing_moves(clock, make_document, person, client_of):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature, comment="前のまま")
    clock.shift(dt.timedelta(days=1))
    run_job(NAME)
    db.session.refresh(document)
    for who in ("registrar", "recipient"):
        client = client_of(who)
        assert "コメントを保存" not in client.get(f"/documents/{document.id}").text
        reply = client.post(
            f"/documents/{document.id}/comment", {"version": str(document.version), "comment": "新"}
        )
        assert reply.status_code == 422 and "長期保管文書の自社内コメントは編集できません。" in reply.text
        for action in ("send", "approve", "confirm_receipt", "sign", "remand", "edit"):
            assert (
                client.post(
                    f"/documents/{document.id}/{action}", {"version": str(document.version)}
                ).status_code
                == 409
            )
    with pytest.raises(Refused):
        documents.write_comment(document, person("registrar"), "新")
    db.session.expire_all()
    assert document.sender.comment == "前のまま"


@pytest.mark.requirement("R91", "R94")
def test_the_two_lists_share_no_document(clock, make_document, person):
    for _ in range(2):
        make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    clock.shift(dt.timedelta(days=1))
    archive_transfer.run_one(
        archive.waiting_for_archive(dt.datetime.now(dt.UTC))[0], dt.datetime.now(dt.UTC)
    )
    lists = [
        queries.search(person("registrar"), SearchTerms(), archived=archived).rows
        for archived in (False, True)
    ]
    assert [len(found) for found in lists] == [1, 1] and lists[0] != lists[1]


@pytest.mark.requirement("I14", "I4")
def test_the_typed_date_of_conclusion_stays_and_an_empty_one_is_the_day_in_japan(make_document):
    with time_machine.travel(dt.datetime(2027, 1, 14, 23, 30, tzinfo=dt.UTC), tick=False):
        typed = make_document(
            Status.completion_wait, mode=SignatureMode.no_signature, conclusion_date=dt.date(2026, 12, 1)
        )
        empty = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    assert (typed.conclusion_date, empty.conclusion_date) == (dt.date(2026, 12, 1), dt.date(2027, 1, 15))


def test_29_february_is_kept_for_ten_years_to_the_28th():
    from app.clock import years_later

    assert years_later(dt.date(2028, 2, 29), 10) == dt.date(2038, 2, 28)
    assert years_later(dt.date(2028, 2, 29), 4) == dt.date(2032, 2, 29)


def test_every_job_has_a_timetable():
    assert set(JOBS) == set(TIMETABLE)
    assert TIMETABLE[NAME] == {"hour": "2-6", "minute": "*/15"}  # nightly, and again for what failed
