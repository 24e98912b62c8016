"""社内差戻: back to the own 受取担当者, unseen by the other company."""

import pytest

from app import queries
from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import DocumentEvent, Letter, OutboxMessage
from app.services import documents, reminders
from app.services.routes import Choice
from app.views import timeline
from app.workflow import Action, Role, SignatureMode, Status
from demo import actors

REASON = "先に経理部の確認が必要です"
WHO = {Status.receiver_approval: "receiver_approver", Status.receiver_signature: "receiver_signer"}


@pytest.fixture
def returned(make_document, make_plan, person):
    """A document that its approver or signer has just returned inside."""

    def make(status):
        person("recipient").company.returns_inside = True
        plan = make_plan(receiver_approvers=1, viewers=True)
        document = make_document(status, mode=SignatureMode.receiver_only, plan=plan)
        documents.return_inside(document, person(WHO[status]), now(), reason=REASON)
        db.session.commit()
        return document, plan

    return make


@pytest.mark.requirement("T10", "T17", "I8")
@pytest.mark.parametrize("status", WHO)
def test_the_recipient_sets_the_route_anew_and_all_turns_are_taken_again(returned, person, status):
    document, plan = returned(status)
    assert document.status is Status.receiver_receipt and document.holder is person("recipient")
    assert document.revision == 1 and document.receivers[0].is_open
    assert not any(step.outcome for step in document.receivers[0].steps)
    version = document.version
    with pytest.raises(OutOfTurn):
        documents.approve(document, person("receiver_approver"), now())
    assert document.version == version
    choice = Choice([person("receiver_second_approver")], person("receiver_signer"))
    documents.confirm_receipt(document, person("recipient"), now(), choice=choice, comment="二度目", fee_acknowledged=True)
    db.session.commit()
    assert document.status is Status.receiver_approval and document.holder is person("receiver_second_approver")
    assert document.receivers[0].people(Role.approver) == [person("receiver_second_approver")]
    actors.walk(document, plan, Status.completion_wait)
    assert len(document.valid_signatures) == 1
    assert not queries.visible_of(person("receiver_approver"), [document])


@pytest.mark.requirement("I18", "T10")
def test_the_sender_learns_only_that_it_waits_for_its_receipt(returned, person, post_letters):
    document, _ = returned(Status.receiver_signature)
    event = db.session.query(DocumentEvent).filter_by(action=Action.return_inside).one()
    assert (event.reason, event.company_id) == (REASON, person("recipient").company_id)
    sender, receiver = document.sender.company_id, person("recipient").company_id
    shown = str(timeline.history_of(document, sender)) + str(timeline.way_of(document, sender))
    assert "社内差戻" not in shown and REASON not in shown and "差戻" not in shown
    assert timeline.return_of(document, sender) is None
    assert timeline.return_of(document, receiver) is event
    assert any(entry["reason"] == REASON for entry in timeline.history_of(document, receiver))
    letters = db.session.query(OutboxMessage).filter_by(letter=Letter.returned_inside).all()
    assert [letter.to_address for letter in letters] == ["recipient@receiver.example"]
    (mail,) = [mail for mail in post_letters() if "社内差戻" in mail.subject]
    assert REASON in mail.body and "署名 九美様より" in mail.body
    assert not [mail for mail in post_letters() if "@sender." in mail.recipients[0] and "社内" in mail.body]
    reminders.remind(document, person("registrar"), now())  # goes to the recipient like any request
    asked = db.session.query(OutboxMessage).filter_by(letter=Letter.receipt_request).all()
    assert [letter.facts.get("is_reminder") for letter in asked] == [None, True]


@pytest.mark.requirement("T10", "S7")
def test_without_the_option_or_a_reason_or_in_another_turn_it_is_refused(make_document, make_plan, person):
    plan = make_plan(receiver_approvers=1)
    document = make_document(Status.receiver_approval, mode=SignatureMode.no_signature, plan=plan)
    approver, version = person("receiver_approver"), document.version
    assert Action.return_inside not in documents.actions_of(document, approver)
    with pytest.raises(Refused, match="設定になっていません"):
        documents.return_inside(document, approver, now(), reason=REASON)
    approver.company.returns_inside = True
    db.session.commit()
    assert Action.return_inside in documents.actions_of(document, approver)
    with pytest.raises(Refused, match="理由を入力"):
        documents.return_inside(document, approver, now(), reason="")
    for who in ("recipient", "registrar", "receiver_colleague"):
        with pytest.raises(OutOfTurn):
            documents.return_inside(document, person(who), now(), reason=REASON)
    assert (document.version, document.status) == (version, Status.receiver_approval)
    early = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    with pytest.raises(OutOfTurn):
        documents.return_inside(early, person("recipient"), now(), reason=REASON)


@pytest.mark.requirement("T5", "T10")
@pytest.mark.parametrize("end", ["remand", "withdraw"])
def test_after_a_return_the_document_ends_like_any_other(returned, person, end):
    document, _ = returned(Status.receiver_approval)
    if end == "remand":
        documents.remand(document, person("recipient"), now(), reason="")
    else:
        documents.withdraw(document, person("registrar"), now())
    db.session.commit()
    assert document.status is (Status.remanded if end == "remand" else Status.withdrawn)
    assert not document.receivers[0].is_open and timeline.return_of(document, person("recipient").company_id) is None
