"""添付・補足書類 of concluded documents are looked after like the contract's file: 点検, 削除禁止, 廃棄."""

import datetime as dt

import pytest

from app.clock import now, years_later
from app.errors import Refused
from app.extensions import db
from app.jobs import run_job
from app.models import Condition, Letter, OutboxMessage
from app.services import attachments, disposal, documents, files, integrity
from app.services.strongroom import strongroom
from app.workflow import SignatureMode, Status
from demo import actors
from demo import drill as drills
from tests.conftest import kept_file
from tests.jobs.conftest import path
from tests.pdfs import contract

NO_SIGNATURE = SignatureMode.no_signature
DAY = dt.timedelta(days=1)


def kept(name):
    return kept_file(f"{name}.pdf", f"%PDF-1.7 {name}".encode())


@pytest.fixture
def archived(clock, make_document, make_plan):
    """In 長期保管, after a first round with another contract file and another attachment."""
    plan = make_plan()
    document = make_document(Status.receiver_receipt, NO_SIGNATURE, plan=plan, attached=[kept("旧仕様書")])
    documents.remand(document, document.holder, now())
    attachments.lay(document, [kept("仕様書"), kept("図面")], now())
    db.session.commit()
    actors.correct(document, files.take_in("訂正版.pdf", contract()))
    actors.walk(document, plan, Status.completion_wait)
    clock.shift(DAY)
    assert run_job("archive-transfer")["done"] == 1
    db.session.refresh(document)
    return document


def check(document):
    """What the next run finds: pairs of the finding's name and the file, attachments alone without a further mark."""
    document.archive_record.check_due_at = now()
    db.session.commit()
    assert run_job("archive-check")["failed"] == 0
    db.session.refresh(document.archive_record)
    return [(row["finding"], row["sha256"]) for row in document.archive_record.findings]


def told():
    of_the_archive = OutboxMessage.letter.in_([Letter.archive_alert, Letter.archive_recovered])
    rows = db.session.query(OutboxMessage).filter(of_the_archive).order_by(OutboxMessage.id)
    return [row.facts["listed"][0]["what"] for row in rows]


@pytest.mark.requirement("I14", "I4", "L8", "L10")
@pytest.mark.parametrize("damage", ["missing", "altered", "exchanged", "foreign", "of_the_first_round"])
def test_each_damage_of_an_attachment_is_found_told_shown_and_its_recovery_noticed(archived, application, make_document, client_of, damage):
    assert check(archived) == [] and archived.archive_record.condition is Condition.sound
    other = make_document(Status.sender_approval)
    first, drawing, specification = (  # in the order in which they came
        next(row for row in archived.attachment_rows if row.file_name == f"{name}.pdf") for name in ("旧仕様書", "図面", "仕様書")
    )
    row = first if damage == "of_the_first_round" else specification
    file = path(application, row.sha256)
    whole = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes({
            "altered": lambda: whole[:-1] + b"X", "of_the_first_round": lambda: whole + b" ",
            "exchanged": lambda: strongroom().store.get(drawing.sha256), "foreign": lambda: strongroom().store.get(other.pdf_sha256),
        }[damage]())  # fmt: skip
    try:
        expected = {"exchanged": "swapped", "foreign": "swapped", "of_the_first_round": "altered"}.get(damage, damage)
        for _ in range(2):
            assert check(archived) == [(expected, row.sha256)]
        assert len(told()) == 1 and f"添付・補足書類、SHA-256：{row.sha256}" in told()[0]
        client = client_of("registrar")
        assert "添付・補足書類の保管ファイルが、記録されている内容と一致しない" in client.get(f"/documents/{archived.id}").text
        assert client.get(f"/documents/{archived.id}/pdf").status_code == 200
        if row is specification:
            assert client.get(f"/documents/{archived.id}/attachments/{row.id}").status_code == 503
    finally:
        file.unlink(missing_ok=True)
        file.write_bytes(whole)
    assert check(archived) == [] and "異常はありません" in told()[-1]


@pytest.mark.requirement("I14", "I4", "L8")
def test_rows_that_name_other_attachments_than_the_history_are_found(archived):
    specification = archived.attachments[0]
    other = kept("すり替え").sha256
    db.session.execute(
        db.text("UPDATE document_attachment SET sha256 = :other WHERE id = :id"), {"other": other, "id": specification.id}
    )
    db.session.commit()
    db.session.expire_all()
    assert check(archived) == [("attachment_set", archived.pdf_sha256)]
    assert "履歴に記録されている添付・補足書類と一致しません" in told()[-1]


@pytest.mark.requirement("T16", "I4", "L10")
def test_a_disposal_deletes_what_was_attached_in_any_round_but_not_what_another_document_has(archived, person, clock, make_document):
    record, store = archived.archive_record, strongroom().store
    names = {row.file_name: row.sha256 for row in archived.attachment_rows}
    assert set(names) == {"旧仕様書.pdf", "仕様書.pdf", "図面.pdf"}
    first, second = archived.revisions[0].made_from, archived.unsigned_sha256
    assert first != second and first in integrity.files_of(archived)
    make_document(Status.sender_approval, NO_SIGNATURE, attached=[kept("図面")])  # begins with the file of the first round
    end = archived.retained_until
    clock.move_to(dt.datetime.combine(end + DAY, dt.time(3), dt.UTC))
    assert run_job("archive-expiry")["done"] == 1
    clock.move_to(dt.datetime.combine(years_later(end, 1) + 2 * DAY, dt.time(3), dt.UTC))
    db.session.expire_all()
    event = disposal.dispose(record, person("operator"), now())
    db.session.commit()
    assert set(names.values()) | {first, second, archived.pdf_sha256} <= set(record.disposed_files)
    assert all(sha256 in event.reason for sha256 in names.values())
    taken = [attachments.KeptFile("旧仕様書.pdf", attachments.AttachmentKind.pdf, names["旧仕様書.pdf"], 1)]  # by an open form
    assert run_job("archive-expiry")["done"] == 1
    assert {name for name, sha256 in names.items() if store.has(sha256)} == {"図面.pdf"}
    assert store.has(first) and not store.has(second) and not store.has(archived.pdf_sha256)

    draft = make_document(Status.draft, NO_SIGNATURE)
    with pytest.raises(Refused, match="「旧仕様書.pdf」.*選択し直し"):
        attachments.lay(draft, taken, now())


@pytest.mark.requirement("I14", "I4", "L1")
def test_the_drill_hits_an_attachment_too(archived):
    said = []
    assert drills.bit_flip(said.append)
    lines = "\n".join(said)
    assert "添付・補足書類「旧仕様書.pdf」の1ビット" in lines and "（添付・補足書類、SHA-256" in lines
