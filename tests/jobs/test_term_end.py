"""契約期間: notices before a concluded contract's term ends, each once, to who may see the document."""

import datetime as dt
import re

import pytest

from app.clock import JAPAN, japan_date, now
from app.extensions import db
from app.jobs import run_job
from app.labels import day
from app.models import CompanyStatus, Letter, OutboxMessage
from app.services import gathered
from app.workflow import SignatureMode, Status

NAME = "term-end"
DAYS = 100  # from today to the end


@pytest.fixture
def make_ending(make_document):
    def make(status=Status.completion_wait, days=DAYS, **more):
        return make_document(
            status, mode=SignatureMode.no_signature, term_to=japan_date(now()) + dt.timedelta(days=days), **more
        )

    return make


def morning(left, days=DAYS):
    """0:00 in Japan, so many days before the end: the day is Japan's, not UTC's."""
    today = now().astimezone(JAPAN).replace(hour=0, minute=0, second=1, microsecond=0)
    return today + dt.timedelta(days=days - left)


def told():
    rows = db.session.query(OutboxMessage).filter_by(letter=Letter.term_end).order_by(OutboxMessage.id)
    return [(row.to_address.split("@")[0], row.to_address.split("@")[1].split(".")[0], row.facts["days_left"]) for row in rows]


@pytest.mark.requirement("I4")
def test_each_notice_goes_once_to_the_registrar_and_both_sides_administrators(make_ending, post_letters):
    document = make_ending()
    version = document.version
    days = [91, 90, 90, 60, 31, 30, 12, 0, -1, -40]
    assert [run_job(NAME, morning(left))["done"] for left in days] == [0, 1, 0, 0, 0, 1, 0, 0, 0, 0]
    everybody = [("registrar", "sender"), ("admin", "sender"), ("admin", "receiver")]
    mails = [("receiver_admin" if company == "receiver" else who, company) for who, company in everybody]
    assert told() == [(*mail, left) for left in (90, 30) for mail in mails]
    db.session.refresh(document)
    assert document.version == version
    bodies = [mail.body for mail in post_letters() if "契約期間の終了" in mail.subject]
    assert all("自動更新は「なし」" in body and document.number in body for body in bodies) and len(bodies) == 6


@pytest.mark.requirement("I4")
def test_a_contract_that_renews_itself_is_told_of_in_other_words(make_ending, post_letters):
    make_ending(renews_itself=True)
    run_job(NAME, morning(30))
    body = post_letters()[-1].body
    assert "契約を継続しない場合や" in body and "自動更新　　： あり" in body and "新しい契約文書" not in body


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("status", [Status.receiver_receipt, Status.remanded])
def test_what_is_not_concluded_has_no_term_yet(make_ending, status):
    make_ending(status)
    assert run_job(NAME, morning(30))["due"] == 0


@pytest.mark.parametrize(
    "days, left, notice", [(100, 50, 90), (100, 3, 30), (60, 60, None), (60, 20, 30), (20, 19, None), (100, -1, None)]
)
def test_a_late_run_tells_once_and_nothing_is_told_whose_day_was_before_the_conclusion(make_ending, days, left, notice):
    document = make_ending(days=days)
    assert run_job(NAME, morning(left, days))["done"] == int(notice is not None)
    db.session.refresh(document)
    assert document.term_told_days == notice


def test_nobody_of_a_suspended_company_is_told_and_none_where_the_setting_says_never(
    make_ending, person, application, monkeypatch
):
    make_ending()
    person("receiver_admin").company.status = CompanyStatus.suspended
    db.session.commit()
    monkeypatch.setitem(application.config, "TERM_NOTICE_DAYS", ())
    assert run_job(NAME, morning(30))["due"] == 0
    monkeypatch.setitem(application.config, "TERM_NOTICE_DAYS", (30,))
    run_job(NAME, morning(30))
    assert {who for who, *_ in told()} == {"registrar", "admin"}


@pytest.mark.requirement("I4", "Q5")
def test_contracts_that_end_on_one_day_are_one_mail_for_each_person(make_ending, person, post_letters, client_of, monkeypatch):
    monkeypatch.setattr(gathered, "MOST_LISTED", 2)
    yearly = [make_ending(renews_itself=renews) for renews in (True, False, False)]
    assert run_job("archive-transfer", now() + dt.timedelta(days=1))["done"] == 3
    new = make_ending()  # not in the archive before tomorrow
    with monkeypatch.context() as patched:
        patched.setattr(gathered, "MOST_LISTED", None)  # fails at the first mail about several
        assert run_job(NAME, morning(90))["failed"] == 1
    assert told() == []
    assert [run_job(NAME, morning(90))["done"] for _ in range(2)] == [1, 0]
    everybody = [("registrar", "sender"), ("admin", "sender"), ("receiver_admin", "receiver")]
    assert told() == [(*who, 90) for who in everybody for _ in ("together", "the new one")]
    mails = [mail.body for mail in post_letters() if "契約期間の終了" in mail.subject]
    (together, *_), (alone, *_) = mails[::2], mails[1::2]
    lines, end = together.splitlines(), day(yearly[0].term_to)
    for line in (f"{yearly[0].number}　資材注文書（{end}、自動更新）", f"{yearly[1].number}　資材注文書（{end}）", "ほか 1件",
                 "契約文書　　： 3件", f"契約期間の終了日： {end}（残り90日）"):  # fmt: skip
        assert line in lines, together
    assert f"/documents/{new.id}" in alone and new.number not in together
    (address,) = re.findall(r"http://[^/]+(/archive/\S+)", together)
    for who in ("registrar", "receiver_admin"):
        page = client_of(who).get(address).text
        assert all(document.number in page for document in yearly) and new.number not in page
