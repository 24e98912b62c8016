"""The end of 保管期間: notices, 保管期間満了, and 廃棄 by an operator on the record (T16)."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.jobs import run_job
from app.models import (
    CompanyStatus,
    Condition,
    ConsentAct,
    ConsentMethod,
    ElectronicConsent,
    Letter,
    OutboxMessage,
    PaperConsent,
)
from app.services import disposal, gathered, integrity, object_locks, outbox, renewal
from app.services.strongroom import strongroom
from app.workflow import Action, SignatureMode, Status
from tests.conftest import kept_file

JAPAN = ZoneInfo("Asia/Tokyo")
NAME = "archive-expiry"
END = dt.date(2037, 1, 15)
GRACE_END = dt.date(2038, 1, 15)


def at(day, hour=8):
    return dt.datetime(day.year, day.month, day.day, hour, tzinfo=JAPAN)


@pytest.fixture
def clock(app):
    with time_machine.travel(at(dt.date(2027, 1, 14)), tick=False) as travelling:
        yield travelling


@pytest.fixture
def archived(clock, make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature, attached=[kept_file("内訳書.pdf")])
    clock.move_to(at(dt.date(2027, 1, 15)))
    assert run_job("archive-transfer")["done"] == 1
    db.session.refresh(document)
    return document


def told():
    rows = db.session.query(OutboxMessage).filter_by(letter=Letter.retention_ending).order_by(OutboxMessage.id)
    return [(row.to_address.split("@")[0], row.facts["days_left"]) for row in rows]


@pytest.mark.requirement("R98", "T16")
def test_each_notice_goes_out_once_to_the_administrators_of_both_companies(archived, post_letters, person):
    person("admin").company.has_archive_extension = True
    db.session.commit()
    days = [181, 180, 179, 91, 90, 60, 31, 30, 1, 0]
    done = [run_job(NAME, at(END - dt.timedelta(days=left), 0))["done"] for left in days]
    assert done == [0, 1, 0, 0, 1, 0, 0, 1, 0, 0]
    assert told() == [(who, left) for left in (180, 90, 30) for who in ("admin", "receiver_admin")]
    mails = {mail.recipients[0].split("@")[0]: mail for mail in post_letters() if "長期保管期間満了" in mail.subject}
    for mail in mails.values():
        assert "残り30日" in mail.body and "2037/01/15" in mail.body and f"/documents/{archived.id}" in mail.body
    assert "［長期保管延長］" in mails["admin"].body and "お申し込み" in mails["receiver_admin"].body


@pytest.mark.requirement("R98", "T16")
def test_a_late_run_tells_what_fits_and_an_extension_begins_anew(archived, person, clock):
    archived.receivers[0].company.status = CompanyStatus.suspended
    person("admin").company.has_archive_extension = True
    db.session.commit()
    clock.move_to(at(END - dt.timedelta(days=40)))
    for _ in range(2):
        run_job(NAME)
    assert told() == [("admin", 40)]
    renewal.order(archived, person("admin"), now(), END)
    db.session.commit()
    clock.move_to(at(END - dt.timedelta(days=39)))
    run_job("archive-extension")
    strongroom().forget()
    assert run_job(NAME, at(END - dt.timedelta(days=20)))["due"] == 0
    assert run_job(NAME, at(dt.date(2046, 7, 25)))["done"] == 1


@pytest.fixture
def month_of_contracts(archived, make_document):
    """Three more documents whose 保管期間 ends on the day of the first one, and one that ends a month later."""
    ends = [END, END, END, dt.date(2037, 2, 15)]
    documents = [make_document(Status.completion_wait, mode=SignatureMode.no_signature) for _ in ends]
    assert run_job("archive-transfer", now() + dt.timedelta(days=1))["done"] == 4
    for document, end in zip(documents, ends, strict=True):
        db.session.refresh(document)
        document.retained_until = end
    db.session.commit()
    return [archived, *documents]


def mails_of_the_end(post_letters):
    return {mail.recipients[0].split("@")[0]: mail for mail in post_letters() if "長期保管期間満了" in mail.subject}


@pytest.mark.requirement("R98", "I15", "T16", "Q5")
def test_many_documents_that_end_on_one_day_are_one_mail_that_leads_to_all_of_them(
    month_of_contracts, person, post_letters, client_of, monkeypatch
):
    monkeypatch.setattr(gathered, "MOST_LISTED", 3)
    person("admin").company.has_archive_extension = True
    db.session.commit()
    evening = at(END - dt.timedelta(days=180))
    assert [run_job(NAME, evening)["done"] for _ in range(2)] == [1, 0]
    assert told() == [("admin", 180), ("receiver_admin", 180)]
    mails = mails_of_the_end(post_letters)
    for mail in mails.values():
        lines = mail.body.splitlines()
        assert "契約文書　　： 4件" in lines and "保管満了日　： 2037/01/15（残り180日）" in lines and "ほか 1件" in lines
        assert [f"{one.number}　資材注文書（2037/01/15）" in lines for one in month_of_contracts] == [True] * 3 + [False] * 2
    assert "検索結果で契約文書を選択し" in mails["admin"].body and "お申し込み" in mails["receiver_admin"].body
    (address,) = re.findall(r"http://[^/]+(/archive/\S+)", mails["admin"].body)
    for who in ("admin", "receiver_admin"):
        page = client_of(who).get(address).text
        assert [one.number in page for one in month_of_contracts] == [True] * 4 + [False]
    assert [one.archive_record.end_told_days for one in month_of_contracts] == [180] * 4 + [None]


@pytest.mark.requirement("T16", "Q5")
def test_a_run_that_is_killed_midway_or_late_tells_of_each_document_once(month_of_contracts, person, post_letters, monkeypatch):
    late = at(dt.date(2037, 2, 15) - dt.timedelta(days=90))  # four have 59 days left, one has 90
    with monkeypatch.context() as patched:
        owe = outbox.owe
        patched.setattr(outbox, "owe", lambda *args, **facts: owe(*args, **facts) if person("admin") in args else 1 / 0)
        assert run_job(NAME, late)["failed"] == 1
    assert told() == [] and {one.archive_record.end_told_days for one in month_of_contracts} == {None}
    month_of_contracts[0].retained_until = dt.date(2047, 1, 15)  # extended meanwhile
    db.session.commit()
    assert [run_job(NAME, late)["done"] for _ in range(2)] == [1, 0]
    assert told() == [("admin", 59), ("receiver_admin", 59)]
    body = mails_of_the_end(post_letters)["admin"].body
    assert "契約文書　　： 4件" in body and "保管満了日　： 2037/01/15 ～ 2037/02/15" in body
    assert month_of_contracts[0].number not in body
    assert "/archive/?retained_from=2037-01-15&retained_to=2037-02-15" in body


@pytest.mark.requirement("T16", "L10")
def test_what_else_is_kept_by_the_same_bytes_survives_a_disposal(archived, person, clock, make_document):
    """A contract may be an attachment of another one, and the scanned paper of a consent may be one of its files."""
    contents = [strongroom().store.get(one) for one in (archived.pdf_sha256, archived.unsigned_sha256)]
    assert contents[0] != contents[1]
    amended = make_document(Status.draft, SignatureMode.no_signature, attached=[kept_file("基本契約.pdf", contents[0])])
    amended.unsigned_sha256 = amended.pdf_sha256 = strongroom().store.put(b"%PDF-1.7 another contract")
    consent = ElectronicConsent(
        giver_id=person("recipient").company_id, partner_id=person("registrar").company_id, act=ConsentAct.given,
        method=ConsentMethod.on_paper, at=now(), position=1, actor=person("registrar"), text_version="1", text="",
    )  # fmt: skip
    consent.paper = PaperConsent(received_on=END, file_name="承諾.pdf", sha256=archived.unsigned_sha256, note="")
    db.session.add(consent)
    record = archived.archive_record
    record.disposed_at, record.disposed_files, record.erase_due_at = now(), list(integrity.files_of(archived)), now()
    db.session.commit()
    assert run_job(NAME)["done"] == 1
    assert [strongroom().store.get(one) for one in record.disposed_files[:2]] == contents


@pytest.mark.requirement("L8", "T16")
def test_nothing_is_held_after_its_grace_nor_forgotten_when_it_got_a_new_file(archived, clock):
    record = archived.archive_record
    due_at, until, _ = object_locks.wanted(archived.id, now())
    assert until == GRACE_END
    record.lock_due_at = now() + dt.timedelta(seconds=1)  # an extension in between
    db.session.commit()
    object_locks.keep(archived.id, until, due_at)
    db.session.refresh(record)
    assert record.lock_due_at is not None and record.locked_until is None
    clock.move_to(at(GRACE_END + dt.timedelta(days=1)))
    assert object_locks.wanted(archived.id, now()) is None and record.lock_due_at is None


@pytest.mark.requirement("T16", "I15", "L10")
def test_after_its_end_a_document_is_read_only_and_disposed_of_only_after_its_grace(archived, person, clock, client_of, make_document):
    record, operator = archived.archive_record, person("operator")
    files = [archived.pdf_sha256, archived.unsigned_sha256, archived.attachments[0].sha256]
    with pytest.raises(Refused, match="保管期間が満了していない"):
        disposal.dispose(record, operator, now())
    clock.move_to(at(END, 23))
    run_job(NAME)
    assert archived.status is Status.archived
    clock.move_to(at(END + dt.timedelta(days=1), 0))
    assert run_job(NAME)["done"] == 1 and run_job(NAME)["due"] == 0
    db.session.refresh(archived)
    assert archived.status is Status.archive_expired and record.renew_on is None
    assert archived.events[-1].action is Action.expire
    client = client_of("registrar")
    page = client.get(f"/documents/{archived.id}").text
    assert "保管期間が満了しています" in page and 'action="/archive/extension/confirmation"' not in page
    assert client.get(f"/documents/{archived.id}/pdf").status_code == 200

    clock.move_to(at(GRACE_END, 23))
    with pytest.raises(Refused, match="2038/01/15"):
        disposal.dispose(record, operator, now())
    db.session.rollback()
    of_record = f"/operator/archive/show/{record.id}"
    assert "2037/01/15" in (page := client_of("operator").get(of_record).text) and "action/dispose" not in page
    assert client_of("operator").post(f"/operator/archive/action/dispose/{record.id}").status_code == 302
    db.session.refresh(record)
    assert record.disposed_at is None
    clock.move_to(at(dt.date(2040, 1, 1)))
    assert record.provable_until < dt.date(2040, 1, 1)
    assert run_job("archive-check")["done"] == 1
    db.session.refresh(record)
    assert record.condition is Condition.sound  # that nobody renews its time stamp any more is no damage
    clock.move_to(at(GRACE_END + dt.timedelta(days=1), 0))
    other = make_document(Status.draft, mode=SignatureMode.no_signature)  # begins with the same bytes
    assert other.unsigned_sha256 == archived.unsigned_sha256
    assert "action/dispose" in client_of("operator").get(of_record).text
    assert client_of("operator").post(f"/operator/archive/action/dispose/{record.id}").status_code == 302
    db.session.refresh(record)
    assert (record.disposed_at, record.disposed_by_id) == (now(), operator.id)
    assert "廃棄済み" in client_of("operator").get("/operator/archive/list/").text
    assert set(files) <= set(record.disposed_files)
    assert strongroom().store.has(files[0])  # first the record, then the file
    with pytest.raises(OutOfTurn):
        disposal.dispose(record, operator, now())
    db.session.rollback()
    assert run_job(NAME)["done"] == 1 and run_job(NAME)["due"] == 0
    assert not strongroom().store.has(files[0])
    assert not strongroom().store.has(files[2])  # 添付・補足書類 go with their contract
    assert strongroom().store.has(files[1])  # the other document is kept by it
    assert run_job("archive-check", at(dt.date(2040, 1, 1)))["failed"] == 0

    for url in ("pdf", "pages/1.png"):
        reply = client_of("registrar").get(f"/documents/{archived.id}/{url}")
        assert reply.status_code == 410 and "廃棄されました" in reply.text
    page = client_of("registrar").get(f"/documents/{archived.id}").text
    for word in ("data-viewer", "この契約文書を検証する", "印刷用の写しを表示"):  # what would end in a refusal
        assert word not in page, word
    assert files[0] in page and "運営者" in page and operator.full_name not in page
    shown = client_of("operator").get(of_record).text
    assert files[0] in shown and "2038/01/16" in shown and "action/dispose" not in shown
