"""取下げ ends a document before its conclusion, 削除 takes a draft away; who hears of it and who never does."""

import pytest

from app import queries
from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    CompanyStatus,
    ContractDocument,
    DocumentEvent,
    DocumentParty,
    DocumentRevision,
    Letter,
    OutboxMessage,
    RouteStep,
)
from app.services import documents, reassignment, registration, routes
from app.services.strongroom import strongroom
from app.workflow import OPEN, Action, SignatureMode, Status
from demo import actors

SENT = {"registrar", "viewer"}  # of the sender, as soon as the document is sent
TOLD = {  # who had a turn or has it now; of a draft nobody
    Status.draft: set(),
    Status.sender_approval: SENT | {"approver"},
    Status.sender_signature: SENT | {"signer"},
    Status.receiver_receipt: SENT | {"signer", "recipient"},
    Status.receiver_approval: SENT | {"signer", "recipient", "receiver_approver"},
    Status.receiver_signature: SENT | {"signer", "recipient", "receiver_signer"},
    Status.remanded: SENT | {"signer", "recipient"},
}


def told():
    rows = db.session.query(OutboxMessage).filter_by(letter=Letter.withdrawn)
    return {row.to_address.split("@")[0] for row in rows}


def seen_by(person):
    return db.session.scalars(queries.documents_of(person)).all()


@pytest.mark.requirement("T12", "I3", "I18", "B6")
@pytest.mark.parametrize("status", TOLD)
def test_it_ends_at_any_turn_and_tells_those_who_knew(make_document, person, status):
    assert set(TOLD) == OPEN
    document = make_document(status)
    actor = person("registrar" if status is Status.draft else "admin")
    event = documents.withdraw(document, actor, now(), reason="計画が変わりました。\r\n")
    db.session.commit()

    assert (document.status, document.holder, document.turn) == (Status.withdrawn, None, None)
    assert (event.action, event.actor, event.old_status, event.new_status) == (
        Action.withdraw, actor, status, Status.withdrawn,
    )  # fmt: skip
    assert event.reason == "計画が変わりました。\n" and event.company is document.sender.company
    assert document.valid_signatures == []
    assert queries.current_revision(document).made_from == document.unsigned_sha256  # the file is unsigned again
    assert document.concluded_at is None
    assert told() == TOLD[status]
    for who in ("recipient", "receiver_approver", "receiver_signer", "receiver_viewer", "receiver_admin", "stranger"):
        assert seen_by(person(who)) == []
    assert seen_by(person("registrar")) == [document]
    assert seen_by(person("viewer")) == ([] if status is Status.draft else [document])
    assert seen_by(person("admin")) == ([] if status is Status.draft else [document])


@pytest.mark.requirement("T12", "B5")
@pytest.mark.parametrize("status", [Status.completion_wait, Status.withdrawn])
@pytest.mark.parametrize("who", ["registrar", "admin"])
def test_what_is_over_cannot_be_withdrawn(make_document, person, status, who):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    if status is Status.withdrawn:
        document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
        documents.withdraw(document, person("registrar"), now())
        db.session.commit()
    before = db.session.query(OutboxMessage).count()
    assert Action.withdraw not in documents.actions_of(document, person(who))
    with pytest.raises(OutOfTurn):
        documents.withdraw(document, person(who), now())
    assert document.status is status and db.session.query(OutboxMessage).count() == before


@pytest.mark.requirement("T12", "S7")
@pytest.mark.parametrize("who", ["viewer", "approver", "colleague", "recipient", "receiver_admin", "stranger", "operator"])
def test_nobody_else_withdraws(make_document, person, who):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    assert Action.withdraw not in documents.actions_of(document, person(who))
    with pytest.raises(OutOfTurn):
        documents.withdraw(document, person(who), now())
    assert document.status is Status.receiver_receipt


@pytest.mark.requirement("T12", "B5")
def test_a_suspended_receiver_keeps_no_sender_from_it_but_an_own_suspension_does(make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    document.sender.company.status = CompanyStatus.suspended
    with pytest.raises(Refused, match="停止"):
        documents.withdraw(document, person("registrar"), now())
    db.session.rollback()
    document.receivers[0].company.status = CompanyStatus.suspended
    documents.withdraw(document, person("registrar"), now())
    assert document.status is Status.withdrawn


@pytest.mark.requirement("T12", "T17")
def test_who_was_replaced_or_left_hears_nothing(make_document, person):
    document = make_document(Status.sender_approval)
    reassignment.reassign(document, person("admin"), person("approver"), person("colleague"), now())
    person("viewer").deleted_at = now()
    documents.withdraw(document, person("registrar"), now())
    assert told() == {"registrar", "colleague"}


@pytest.mark.requirement("T12", "T11", "I18", "S7")
def test_after_a_remand_the_former_receiver_hears_of_nothing_new_and_the_next_one_of_nothing(
    make_document, person, post_letters
):
    document = make_document(Status.remanded, title="資材注文書")
    facts = registration.Facts("極秘の別件", document.kind, document.mode)
    choice = routes.Choice([person("approver")], person("signer"))
    registration.revise(document, person("registrar"), now(), facts, None, [person("stranger")], choice)
    db.session.commit()
    documents.withdraw(document, person("registrar"), now(), reason="中止します。")
    db.session.commit()
    assert told() == {"registrar", "signer", "recipient"}  # not the new approver, not the third company
    mails = {mail.recipients[0].split("@")[0]: mail.body for mail in post_letters() if "取下げ" in mail.subject}
    assert "資材注文書" in mails["recipient"] and "受領設備株式会社" in mails["recipient"]
    for secret in ("極秘の別件", "第三電工", "登録 花子", "/documents/"):
        assert secret not in mails["recipient"]
    assert "極秘の別件" in mails["registrar"] and f"/documents/{document.id}" in mails["registrar"]
    for body in mails.values():
        assert "発出側（株式会社発出建設）より取り下げられました" in body and "中止します。" in body


@pytest.mark.requirement("T12", "Q3")
def test_a_signature_made_meanwhile_comes_too_late(make_document, person):
    document = make_document(Status.sender_signature)
    documents.withdraw(document, person("registrar"), now())
    db.session.commit()
    for action in (Action.sign, Action.remand, Action.send, Action.approve, Action.confirm_receipt):
        with pytest.raises(OutOfTurn):
            documents.check_turn(action, document, person("signer"))
    with pytest.raises(OutOfTurn):
        reassignment.reassign(document, person("admin"), person("signer"), person("colleague"), now())


# -- 削除 ------------------------------------------------------------------------


@pytest.mark.requirement("T13")
def test_a_deleted_draft_leaves_its_file_and_a_line_in_the_history_and_its_number_is_not_reused(make_document, person):
    draft = make_document(comment="控え")
    number, file = draft.number, draft.pdf_sha256
    registration.delete(draft, person("registrar"), now())
    db.session.commit()
    for table in (ContractDocument, DocumentParty, RouteStep, DocumentRevision, DocumentEvent):
        assert db.session.query(table).count() == 0, table
    assert strongroom().store.get(file)
    noted = db.session.query(AccountEvent).filter_by(action=AccountAction.draft_deleted).one()
    assert (noted.actor, noted.note, noted.company) == (person("registrar"), number, person("registrar").company)
    assert make_document().number > number


@pytest.mark.requirement("T13", "T17")
def test_letters_of_a_deleted_draft_are_not_posted_any_more(make_document, person):
    draft = make_document()
    reassignment.reassign(draft, person("admin"), person("viewer"), person("colleague"), now())
    db.session.commit()
    posted = db.session.query(OutboxMessage).one()
    posted.due_at, posted.sent_at = None, now()
    reassignment.reassign(draft, person("admin"), person("colleague"), person("viewer"), now())
    db.session.commit()
    registration.delete(draft, person("registrar"), now())
    db.session.commit()
    assert [(row.id, row.document_id) for row in db.session.query(OutboxMessage)] == [(posted.id, None)]


@pytest.mark.requirement("T13")
@pytest.mark.parametrize("status", [status for status in TOLD if status is not Status.draft] + [Status.completion_wait])
def test_what_was_sent_once_is_never_deleted(make_document, person, status):
    document = make_document(status)
    assert not registration.may_delete(document, person("registrar"))
    with pytest.raises(OutOfTurn):
        registration.delete(document, person("registrar"), now())
    assert db.session.query(ContractDocument).count() == 1


@pytest.mark.requirement("T13", "S7")
@pytest.mark.parametrize("who", ["admin", "approver", "signer", "recipient", "stranger"])
def test_only_the_registrar_deletes_a_draft(make_document, person, who):
    document = make_document()
    assert not registration.may_delete(document, person(who))
    with pytest.raises(OutOfTurn):
        registration.delete(document, person(who), now())


@pytest.mark.requirement("T13")
def test_a_draft_beside_others_goes_alone(make_document, make_plan, person):
    other = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    registration.delete(make_document(), person("registrar"), now())
    db.session.commit()
    assert db.session.query(ContractDocument).one() is other
    actors.walk(other, make_plan(), Status.completion_wait)
