"""点検: whatever happens to a stored file is found, named, told, and its recovery noticed (Q10)."""

import datetime as dt

import pytest
import time_machine

from app.clock import now
from app.errors import StorageFailed
from app.extensions import db
from app.jobs import run_job
from app.models import ArchiveRecord, Condition, Letter, OutboxMessage
from app.services import integrity
from app.services.strongroom import strongroom
from app.workflow import SignatureMode, Status
from demo import drill
from tests.conftest import kept_file
from tests.jobs.conftest import path

NAME = "archive-check"
DAY = dt.timedelta(days=1)


@pytest.fixture
def archived(make_document):
    """One archived document with a signature, and the clock on the day after its conclusion."""
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        document = make_document(Status.completion_wait, mode=SignatureMode.sender_only, attached=[kept_file("内訳書.pdf")])
        clock.shift(DAY)
        assert run_job("archive-transfer")["done"] == 1
        db.session.refresh(document)
        yield document


def check(document, moment=None):
    """What the next run finds: the findings, by name."""
    document.archive_record.check_due_at = now()
    db.session.commit()
    assert run_job(NAME, moment)["failed"] == 0
    db.session.refresh(document.archive_record)
    return [row["finding"] for row in document.archive_record.findings]


def told():
    of_the_archive = OutboxMessage.letter.in_([Letter.archive_alert, Letter.archive_recovered])
    rows = db.session.query(OutboxMessage).filter(of_the_archive).order_by(OutboxMessage.id)
    return [row.facts["listed"][0]["what"] for row in rows]


def flipped(pdf):
    changed = bytearray(pdf)
    changed[len(pdf) // 3] ^= 4
    return bytes(changed)


@pytest.mark.requirement("I14", "L8", "L10")
@pytest.mark.parametrize("damage", ["flipped", "missing", "swapped", "foreign", "put_back", "former", "attachment"])
def test_each_damage_is_found_told_shown_and_its_recovery_noticed(archived, application, make_document, client_of, damage):
    assert check(archived) == [] and told() == []
    earlier = archived.revisions[-2].sha256
    other = make_document(Status.sender_signature)
    sha256 = {"former": earlier, "attachment": archived.attachments[0].sha256}.get(damage, archived.pdf_sha256)
    file = path(application, sha256)
    whole = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes({
            "flipped": lambda: flipped(whole), "former": lambda: flipped(whole), "attachment": lambda: flipped(whole),
            "put_back": lambda: strongroom().store.get(earlier),
            "swapped": lambda: strongroom().store.get(other.pdf_sha256),
            "foreign": lambda: strongroom().desk.archive(whole),  # valid, and known to no row
        }[damage]())  # fmt: skip
    try:
        expected = {"flipped": "altered", "former": "altered", "attachment": "altered", "foreign": "swapped"}.get(damage, damage)
        assert check(archived) == [expected]
        assert check(archived) == [expected] and len(told()) == 1  # told once
        assert sha256 in told()[0]
        assert archived.archive_record.findings[0]["sha256"] == sha256
        page = client_of("registrar").get(f"/documents/{archived.id}").text
        assert "保管しているファイルを確認しています" in page
        if damage not in ("former", "attachment"):
            assert client_of("registrar").get(f"/documents/{archived.id}/pdf").status_code == 503
        assert "異常あり" in client_of("operator").get("/operator/archive/list/").text
    finally:
        file.unlink(missing_ok=True)
        file.write_bytes(whole)
    assert check(archived) == [] and "異常はありません" in told()[-1]
    assert "確認しています" not in client_of("registrar").get(f"/documents/{archived.id}").text


@pytest.mark.requirement("I14", "L8")
def test_a_row_that_names_an_older_file_is_found(archived):
    db.session.execute(
        db.text("UPDATE contract_document SET pdf_sha256 = :old WHERE id = :id"),
        {"old": archived.revisions[-2].sha256, "id": archived.id},
    )
    db.session.commit()
    db.session.refresh(archived)
    assert check(archived) == ["put_back", "signature_set"]


@pytest.mark.requirement("I14")
def test_every_file_is_looked_at_at_least_every_thirty_days_and_not_all_in_one_night(archived):
    record = archived.archive_record
    days = set()
    for _ in range(40):
        integrity.record(archived.id, [], None, now())
        wait = record.check_due_at - now()
        assert 14 * DAY <= wait <= 28 * DAY  # and the nightly run follows within a day
        days.add(wait.days)
    assert len(days) > 5
    db.session.commit()
    assert run_job(NAME)["due"] == 0
    assert run_job(NAME, now() + 29 * DAY)["due"] == 1


@pytest.mark.requirement("I14")
def test_a_storage_that_does_not_answer_is_told_and_is_no_damage(archived, monkeypatch):
    assert check(archived) == []
    archived.archive_record.check_due_at = now()
    db.session.commit()

    def away(sha256):
        raise StorageFailed

    monkeypatch.setattr(strongroom().store, "raw", away)
    report = run_job(NAME)
    assert (report["done"], report["failed"]) == (0, 1)
    db.session.refresh(archived.archive_record)
    assert archived.archive_record.condition is Condition.sound and told() == []
    run_job(NAME, now() + dt.timedelta(hours=1))
    alerts = db.session.query(OutboxMessage).filter_by(letter=Letter.storage_alert).all()
    assert [one.to_address for one in alerts] == ["operator@portal.example"]  # once a night
    run_job(NAME, now() + DAY)
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.storage_alert).count() == 2


@pytest.mark.requirement("I14")
def test_what_waits_for_its_transfer_is_looked_at_too(make_document, application):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    assert check(document) == []
    file = path(application, document.pdf_sha256)
    whole = file.read_bytes()
    file.write_bytes(flipped(whole))
    try:
        assert check(document) == ["altered"]
    finally:
        file.write_bytes(whole)


def test_a_document_of_before_gets_its_end_of_proof_from_its_file(archived):
    record = archived.archive_record
    before = record.provable_until, record.stamp_algorithm, record.renew_on
    record.provable_until, record.renew_on, record.stamp_algorithm = None, None, ""
    assert check(archived) == []
    assert (record.provable_until, record.stamp_algorithm, record.renew_on) == before


@pytest.mark.requirement("I14", "L10")
def test_an_open_document_has_no_record_and_a_concluded_one_has_one(make_document):
    make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    assert db.session.query(ArchiveRecord).count() == 0
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    assert db.session.query(ArchiveRecord).one().document_id == document.id


@pytest.mark.requirement("I14", "L1")
def test_the_drill_flips_a_bit_sees_it_found_and_puts_it_back(archived):
    said = []
    assert drill.bit_flip(said.append)
    assert any("変わっています" in line for line in said) and told() is not None
