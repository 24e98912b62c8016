"""署名期限: notices 3 days and 1 day before and on the day after, each once, to holder and registrar."""

import datetime as dt

import pytest

from app.clock import JAPAN, japan_date, now
from app.errors import Refused
from app.extensions import db
from app.jobs import run_job
from app.models import CompanyStatus, Letter, OutboxMessage
from app.services import deadlines, documents, registration, routes
from app.workflow import OPEN, SignatureMode, Status

NAME = "remind"
DAYS = 10  # from today to the 署名期限


@pytest.fixture(autouse=True)
def no_other_reminders(application, monkeypatch):
    monkeypatch.setitem(application.config, "REMIND_DAYS", 0)


@pytest.fixture
def make_due(make_document):
    """A document with a 署名期限 in ten days."""

    def make(status=Status.receiver_receipt, **more):
        deadline = japan_date(now()) + dt.timedelta(days=DAYS)
        return make_document(status, mode=SignatureMode.no_signature, deadline=deadline, **more)

    return make


def morning(left):
    """8:00 in Japan, so many days before the 署名期限."""
    today = now().astimezone(JAPAN).replace(hour=8, minute=0, second=0, microsecond=0)
    return today + dt.timedelta(days=DAYS - left)


def told():
    rows = db.session.query(OutboxMessage).filter_by(letter=Letter.deadline).order_by(OutboxMessage.id)
    return [(row.to_address.split("@")[0], row.facts["days_left"]) for row in rows]


@pytest.mark.requirement("T18")
def test_each_notice_goes_out_once_to_who_has_the_turn_and_to_the_registrar(make_due):
    document = make_due()
    version = document.version
    days = [9, 4, 3, 3, 2, 1, 0, -1, -1, -2, -20]
    assert [run_job(NAME, morning(left))["done"] for left in days] == [0, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0]
    assert told() == [(who, left) for left in (3, 1, -1) for who in ("recipient", "registrar")]
    db.session.refresh(document)
    assert document.version == version  # the recipient's open page stays good


@pytest.mark.requirement("T18")
@pytest.mark.parametrize("left, notice", [(2, 3), (0, 1), (-5, -1)])
def test_a_late_run_sends_the_one_that_fits_and_no_earlier_one(make_due, left, notice):
    document = make_due()
    assert [run_job(NAME, morning(left))["done"] for _ in range(2)] == [1, 0]
    assert told() == [("recipient", left), ("registrar", left)]
    db.session.refresh(document)
    assert document.deadline_told_days == notice


@pytest.mark.requirement("T18")
def test_two_workers_tell_once(make_due):
    document = make_due()
    assert [deadlines.tell(document.id, morning(3)) for _ in range(2)] == [True, False]


@pytest.mark.requirement("T18")
@pytest.mark.parametrize("status, who", [
    (Status.draft, ["registrar"]), (Status.remanded, ["registrar"]), (Status.sender_approval, ["approver", "registrar"]),
    (Status.receiver_approval, ["receiver_approver", "registrar"]), (Status.completion_wait, []),
])  # fmt: skip
def test_it_is_a_matter_of_whoever_has_the_document(make_due, status, who):
    document = make_due(status)
    run_job(NAME, morning(1))
    assert [name for name, _ in told()] == who
    assert document.is_overdue(japan_date(morning(-1))) is (status in OPEN)
    assert not document.is_overdue(japan_date(morning(0)))


@pytest.mark.requirement("T18", "T12", "B5")
def test_what_is_over_or_may_not_go_on_is_left_alone(make_due, person):
    document = make_due()
    document.receivers[0].company.status = CompanyStatus.suspended
    db.session.commit()
    assert run_job(NAME, morning(3))["done"] == 0
    documents.withdraw(document, person("registrar"), now())
    db.session.commit()
    assert run_job(NAME, morning(3))["due"] == 0
    assert deadlines.tell(document.id, morning(3)) is False
    assert told() == []


@pytest.mark.requirement("T18", "I18", "R48")
def test_the_letters_say_the_day_and_name_nobody_of_the_other_company(make_due, post_letters):
    document = make_due(Status.receiver_approval)
    day = document.deadline.strftime("%Y/%m/%d")
    requests = [mail for mail in post_letters() if "依頼" in mail.subject]
    assert requests and all(f"署名期限　　： {day}" in mail.body for mail in requests)
    for left in (3, 0, -1):
        run_job(NAME, morning(left))
    notices = [mail for mail in post_letters() if "署名期限" in mail.subject]
    words = ("近づいております（残り3日）", "署名期限は、本日です", "署名期限を過ぎております")
    for word, holder, registrar in zip(words, notices[::2], notices[1::2], strict=True):
        assert holder.recipients == ["receiver_approver@receiver.example"]
        assert registrar.recipients == ["registrar@sender.example"]
        for mail in (holder, registrar):
            assert word in mail.body and day in mail.body and f"/documents/{document.id}" in mail.body
        assert "受領側承認待ち" in registrar.body and "受領側承認待ち" not in holder.body
        assert "承認 七海" not in registrar.body and "登録 花子" not in holder.body


@pytest.mark.requirement("T18", "T11")
def test_a_new_day_is_told_anew_and_a_past_one_is_neither_registered_nor_sent(make_due, make_plan, person):
    document = make_due(Status.remanded)
    run_job(NAME, morning(1))
    db.session.refresh(document)
    plan, registrar = make_plan(), person("registrar")

    def revise(deadline, moment):
        facts = registration.Facts(document.title, document.kind, document.mode, deadline=deadline)
        registration.revise(document, registrar, moment, facts, None, [plan.recipient], routes.Choice())

    with pytest.raises(Refused, match="署名期限を過ぎています"):
        registration.send(document, registrar, morning(-1))
    with pytest.raises(Refused, match="署名期限を過ぎています"):
        revise(document.deadline, morning(-1))
    db.session.rollback()
    revise(document.deadline, morning(0))
    assert document.deadline_told_days == 1
    revise(document.deadline + dt.timedelta(days=30), morning(-1))
    assert document.deadline_told_days is None
    registration.send(document, registrar, morning(-1))
    assert document.status is Status.receiver_receipt
