"""The morning's reminders: after so many days without a step, and again after as many."""

import datetime as dt

import pytest

from app.clock import JAPAN, now
from app.extensions import db
from app.jobs import TIMETABLE, run_job
from app.models import CompanyStatus, DocumentEvent, Letter, OutboxMessage
from app.services import documents, reassignment, registration, reminders
from app.workflow import Action, SignatureMode, Status

NAME = "remind"


def morning(days):
    """8:00 in Japan, so many days after today."""
    today = now().astimezone(JAPAN).replace(hour=8, minute=0, second=0, microsecond=0)
    return today + dt.timedelta(days=days)


@pytest.fixture
def waiting(make_document):
    """A document that has waited for its recipient since today."""
    return make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)


def reminded():
    rows = db.session.query(OutboxMessage).order_by(OutboxMessage.id)
    return [(row.to_address.split("@")[0], row.letter) for row in rows if row.facts.get("is_reminder")]


@pytest.mark.requirement("T18")
def test_after_three_days_and_every_third_day_from_then_on(waiting):
    version = waiting.version
    done = [run_job(NAME, morning(day))["done"] for day in range(10)]
    assert done == [0, 0, 0, 1, 0, 0, 1, 0, 0, 1]
    assert reminded() == [("recipient", Letter.receipt_request)] * 3
    events = db.session.query(DocumentEvent).filter_by(action=Action.remind).all()
    assert [(event.actor, event.company, event.new_status) for event in events] == [(None, None, waiting.status)] * 3
    db.session.refresh(waiting)
    assert waiting.version == version  # the recipient's open page stays good


@pytest.mark.requirement("T18")
def test_run_twice_it_reminds_once(waiting):
    assert [run_job(NAME, morning(3))["done"] for _ in range(2)] == [1, 0]
    assert [reminders.remind_of_waiting(waiting.id, morning(6)) for _ in range(2)] == [True, False]
    assert len(reminded()) == 2


@pytest.mark.requirement("T18")
def test_a_step_or_a_reminder_by_hand_counts_anew_and_a_change_of_hands_does_not(waiting, person):
    reminders.remind(waiting, person("registrar"), morning(2))
    reassignment.reassign(waiting, person("receiver_admin"), person("recipient"), person("receiver_colleague"), morning(4))
    db.session.commit()
    assert [run_job(NAME, morning(day))["done"] for day in (3, 4, 5)] == [0, 0, 1]
    assert reminded() == [("recipient", Letter.receipt_request), ("receiver_colleague", Letter.receipt_request)]
    documents.remand(waiting, waiting.holder, morning(7))
    db.session.commit()
    registration.send(waiting, waiting.holder, morning(7))
    db.session.commit()
    assert [run_job(NAME, morning(day))["done"] for day in (8, 9, 10)] == [0, 0, 1]


@pytest.mark.requirement("T18")
@pytest.mark.parametrize("status", [Status.draft, Status.remanded, Status.completion_wait])
def test_what_waits_for_nobody_or_the_registrar_is_left_alone(make_document, status):
    make_document(status, mode=SignatureMode.no_signature)
    assert run_job(NAME, morning(30))["due"] == 0


@pytest.mark.requirement("T18", "T12")
def test_what_was_withdrawn_is_over(waiting, person):
    documents.withdraw(waiting, person("registrar"), now())
    db.session.commit()
    assert run_job(NAME, morning(30))["due"] == 0


@pytest.mark.requirement("T18", "B5")
def test_a_suspended_company_is_not_bothered(waiting):
    waiting.receivers[0].company.status = CompanyStatus.suspended
    db.session.commit()
    assert run_job(NAME, morning(3))["done"] == 0
    assert reminded() == []


@pytest.mark.requirement("T18")
@pytest.mark.parametrize("days, done", [(0, [0, 0, 0]), (1, [1, 0, 1]), (5, [0, 0, 1])])
def test_the_days_are_a_setting_and_none_is_never(waiting, application, monkeypatch, days, done):
    monkeypatch.setitem(application.config, "REMIND_DAYS", days)
    moments = (morning(1), morning(1), morning(5))
    assert [run_job(NAME, moment)["done"] for moment in moments] == done


def test_the_job_runs_each_morning_in_japan():
    assert TIMETABLE[NAME] == {"hour": 8, "minute": 0}
