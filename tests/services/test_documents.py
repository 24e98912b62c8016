"""The verbs: every mode walked to its end, remands at every turn, and refusals that leave nothing behind."""

import pytest

from app import queries
from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import DocumentEvent, Letter, OutboxMessage
from app.services import documents, routes
from app.workflow import Action, Role, SignatureMode, Status
from demo import actors

WAYS = {
    SignatureMode.both_sides: ["sender_signature", "receiver_receipt", "receiver_signature"],
    SignatureMode.sender_only: ["sender_signature", "receiver_receipt"],
    SignatureMode.receiver_only: ["receiver_receipt", "receiver_signature"],
    SignatureMode.no_signature: ["receiver_receipt"],
}


def way(mode, approvers, receiver_approvers):
    turns = list(WAYS[mode])
    turns[:0] = ["sender_approval"] * approvers
    after_receipt = turns.index("receiver_receipt") + 1
    turns[after_receipt:after_receipt] = ["receiver_approval"] * receiver_approvers
    return [*turns, "completion_wait"]


@pytest.mark.requirement("R45", "R46", "R59", "R64", "R65", "R83", "R86", "R87", "I6", "I8", "T2", "T3", "T4", "T6", "T7", "T8", "T9", "D2", "D4")
@pytest.mark.parametrize("approvers", [0, 2])
@pytest.mark.parametrize("receiver_approvers", [0, 1])
@pytest.mark.parametrize("mode", SignatureMode)
def test_each_mode_walks_its_way(make_document, make_plan, mode, approvers, receiver_approvers):
    plan = make_plan(approvers, receiver_approvers)
    document = make_document(mode=mode, plan=plan)
    gone = []
    while document.status is not Status.completion_wait:
        actors.step(document, plan)
        gone.append(document.status.value)
        assert (document.holder is None) == (document.status is Status.completion_wait)
    assert gone == way(mode, approvers, receiver_approvers)
    assert document.concluded_at is not None and document.conclusion_date is not None


@pytest.mark.requirement("T5", "T10", "T11", "R50", "R78")
@pytest.mark.parametrize("status", [
    Status.sender_approval, Status.sender_signature, Status.receiver_receipt,
    Status.receiver_approval, Status.receiver_signature,
])  # fmt: skip
def test_a_remand_at_any_turn_goes_to_the_registrar_and_voids_everything(make_document, make_plan, status):
    plan = make_plan(approvers=1, receiver_approvers=1)
    document = make_document(status, plan=plan)
    documents.remand(document, document.holder, now(), reason="金額をご確認ください。")
    db.session.commit()
    assert document.status is Status.remanded
    assert document.holder is plan.registrar
    assert not any(receiver.is_open for receiver in document.receivers)

    facts = documents.Facts(**{name: getattr(document, name) for name in documents.Facts.__dataclass_fields__})
    choice = routes.Choice(plan.approvers, plan.signer)
    documents.revise(document, plan.registrar, now(), facts, None, plan.recipient, choice)
    db.session.commit()
    assert queries.current_revision(document).made_from == document.unsigned_sha256  # no signature came along
    actors.walk(document, plan, Status.completion_wait)
    assert document.revision == 2
    assert [s.revision for s in document.signatures].count(2) == 2


@pytest.mark.parametrize("action", ["approve", "confirm_receipt", "sign", "remand"])
def test_refusal_leaves_no_event_and_no_letter(make_document, person, action):
    document = make_document(Status.receiver_receipt)
    before = (db.session.query(DocumentEvent).count(), db.session.query(OutboxMessage).count())
    with pytest.raises(OutOfTurn):
        documents.check_turn(Action(action), document, person("receiver_signer"))
    db.session.rollback()
    assert before == (db.session.query(DocumentEvent).count(), db.session.query(OutboxMessage).count())


@pytest.mark.requirement("R52", "R67")
def test_route_must_fit_the_mode(make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.sender_only)
    with pytest.raises(Refused, match="署名しません"):
        routes.choose(
            document.receivers[0].company_id, document.receivers[0].side, document.mode,
            signer=[person("receiver_signer").user_code],
        )  # fmt: skip
    with pytest.raises(Refused, match="署名者を指定"):
        routes.choose(document.receivers[0].company_id, document.receivers[0].side, SignatureMode.receiver_only)


@pytest.mark.requirement("R48", "R62", "R81", "R87")
def test_the_registrar_hears_of_every_step_and_everyone_of_the_end(make_document, make_plan):
    plan = make_plan(approvers=1, receiver_approvers=1, viewers=True)
    document = make_document(Status.completion_wait, plan=plan)
    letters = db.session.query(OutboxMessage).filter_by(document_id=document.id).all()
    progress = [letter for letter in letters if letter.letter is Letter.progress]
    assert [letter.user_id for letter in progress] == [plan.registrar.id] * 5
    told = {letter.user_id for letter in letters if letter.letter is Letter.completed}
    assert told == {step.user_id for step in document.route}


@pytest.mark.requirement("T10", "T11", "R78")
def test_a_remanded_document_sent_again_as_it_is_can_be_signed_again(make_document, make_plan, person):
    plan = make_plan(receiver_approvers=1, viewers=True)
    document = make_document(Status.receiver_approval, plan=plan)
    documents.remand(document, document.holder, now())
    db.session.commit()
    assert document.valid_signatures == []
    assert queries.current_revision(document).made_from == document.unsigned_sha256
    person("receiver_approver").deleted_at = now()  # no concern of the sender's
    actors.step(document, plan)
    assert [step.role for step in document.receivers[0].steps] == [Role.recipient]
    plan.receiver_approvers = []
    actors.walk(document, plan, Status.completion_wait)
    assert [signature.field_name for signature in document.valid_signatures] == ["sender", "receiver-1"]


def test_a_turn_is_not_passed_to_somebody_deleted(make_document, make_plan, person):
    document = make_document(Status.sender_approval)
    person("signer").deleted_at = now()
    db.session.commit()
    letters = db.session.query(OutboxMessage).count()
    with pytest.raises(Refused, match="次の担当者"):
        documents.approve(document, document.holder, now())
    db.session.rollback()
    assert document.status is Status.sender_approval
    assert db.session.query(OutboxMessage).count() == letters


@pytest.mark.requirement("R55")
def test_a_form_drawn_before_a_comment_does_not_wipe_it(make_document, client_of, person):
    document = make_document(Status.receiver_approval)
    old = {"version": str(document.version)}
    client = client_of("recipient")
    reply = client.post(f"/documents/{document.id}/comment", old | {"comment": "現場に確認済みです。"})
    assert reply.status_code == 302
    reply = client_of("receiver_approver").post(f"/documents/{document.id}/approve", old | {"comment": ""})
    assert reply.status_code == 409
    db.session.refresh(document.receivers[0])
    assert document.receivers[0].comment == "現場に確認済みです。"
