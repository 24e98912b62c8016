"""リマインド by hand: the request again to who has the turn, once an hour, without a step."""

import datetime as dt

import pytest

from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import CompanyStatus, DocumentEvent, Letter, OutboxMessage
from app.services import reassignment, reminders
from app.workflow import REMINDABLE, Action, SignatureMode, Status

REQUESTED = {  # who is asked again, by which letter
    Status.sender_approval: ("approver", Letter.approval_request),
    Status.sender_signature: ("signer", Letter.signature_request),
    Status.receiver_receipt: ("recipient", Letter.receipt_request),
    Status.receiver_approval: ("receiver_approver", Letter.approval_request),
    Status.receiver_signature: ("receiver_signer", Letter.signature_request),
}
HOUR = dt.timedelta(hours=1)


def new_letters(before):
    rows = db.session.query(OutboxMessage).filter(OutboxMessage.id > before).order_by(OutboxMessage.id)
    return [(row.to_address.split("@")[0], row.letter) for row in rows]


def last_letter():
    return db.session.query(db.func.max(OutboxMessage.id)).scalar()


@pytest.mark.requirement("T18")
@pytest.mark.parametrize("status", REQUESTED)
def test_the_request_goes_again_to_who_has_the_turn_and_nothing_else_changes(make_document, person, post_letters, status):
    assert set(REQUESTED) == REMINDABLE
    document, last = make_document(status, message="至急です。"), last_letter()
    version, holder = document.version, document.holder
    event = reminders.remind(document, person("registrar"), now())
    db.session.commit()
    assert new_letters(last) == [REQUESTED[status]]  # no second signing password today (R74)
    mail = post_letters()[-1]
    assert "【再度のお知らせ】" in mail.body and f"/documents/{document.id}" in mail.body
    assert (document.status, document.version, document.holder) == (status, version, holder)
    assert (event.action, event.old_status, event.new_status) == (Action.remind, status, status)
    assert event.actor is person("registrar")


@pytest.mark.requirement("T18", "R74", "D7")
def test_on_another_day_a_signing_password_comes_along(make_document, person):
    document, last = make_document(Status.sender_signature), last_letter()
    tomorrow = now() + dt.timedelta(days=1)
    reminders.remind(document, person("registrar"), tomorrow)
    db.session.flush()
    assert new_letters(last) == [("signer", Letter.signature_request), ("signer", Letter.signing_password)]


@pytest.mark.requirement("T18", "Q3")
def test_once_an_hour_whoever_reminded_last(make_document, person):
    document, first = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature), now()
    reminders.remind(document, person("registrar"), first)
    db.session.commit()
    last = last_letter()
    with pytest.raises(Refused, match="1時間に1回"):
        reminders.remind(document, person("registrar"), first + HOUR - dt.timedelta(seconds=1))
    db.session.rollback()
    assert new_letters(last) == []
    reminders.remind(document, person("registrar"), first + HOUR)
    db.session.commit()
    assert new_letters(last) == [("recipient", Letter.receipt_request)]
    assert db.session.query(DocumentEvent).filter_by(action=Action.remind).count() == 2


@pytest.mark.requirement("T18", "T17")
def test_after_a_change_of_hands_the_new_one_is_asked(make_document, person):
    document = make_document(Status.sender_approval)
    reassignment.reassign(document, person("admin"), person("approver"), person("colleague"), now())
    db.session.commit()
    last = last_letter()
    reminders.remind(document, person("registrar"), now())
    db.session.flush()
    assert new_letters(last) == [("colleague", Letter.approval_request)]


@pytest.mark.requirement("T18", "S7")
@pytest.mark.parametrize("status, who", [
    *[(Status.receiver_receipt, who) for who in ("viewer", "signer", "admin", "colleague", "recipient", "receiver_admin", "stranger")],
    *[(status, "registrar") for status in (Status.draft, Status.remanded, Status.completion_wait)],
])  # fmt: skip
def test_nobody_else_reminds_and_nobody_of_what_waits_for_nobody_else(make_document, person, status, who):
    document, last = make_document(status), last_letter() or 0
    assert not reminders.may_remind(document, person(who))
    with pytest.raises(OutOfTurn):
        reminders.remind(document, person(who), now())
    assert new_letters(last) == []


@pytest.mark.requirement("T18")
def test_who_has_the_turn_does_not_remind_the_own_self(make_document, make_plan, person):
    document = make_document(Status.sender_signature, plan=make_plan(single_id=True))
    assert document.holder is document.registrar
    with pytest.raises(OutOfTurn):
        reminders.remind(document, document.registrar, now())


@pytest.mark.requirement("T18", "B5")
def test_nobody_is_reminded_of_what_a_suspended_company_may_not_do(make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    document.receivers[0].company.status = CompanyStatus.suspended
    with pytest.raises(Refused, match="停止"):
        reminders.remind(document, person("registrar"), now())
