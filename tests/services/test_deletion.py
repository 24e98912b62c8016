"""利用者削除: who may be deleted, what becomes of their documents, and what stays of them."""

import pytest

from app import queries
from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import AccountAction, AccountEvent, DocumentEvent, Letter, OutboxMessage
from app.services import certificates, companies, people, recipients
from app.views.operator import role_rows
from app.workflow import Action, SignatureMode, Status
from demo import actors


def delete(user, actor, replacement=None):
    people.delete(user, actor, now(), replacement=replacement)
    db.session.commit()


@pytest.mark.requirement("I2", "I3", "B5")
def test_a_deleted_person_can_do_nothing_and_keeps_the_name(person, browser, client_of):
    user, client = person("signer"), client_of("signer")
    epoch = user.session_epoch
    delete(user, person("admin"))
    assert user.shown_name == "署名 三郎（削除済）" and not user.is_selectable
    assert user.session_epoch == epoch + 1
    assert [(link.sealed_key, link.activated_at) for link in user.activations] == [(None, None)]
    assert client.get("/").status_code == 302
    assert browser().log_in(user.user_code).status_code == 422
    assert user not in queries.colleagues(user.company_id)
    event = db.session.query(AccountEvent).filter_by(action=AccountAction.user_deleted).one()
    assert (event.user, event.actor, event.company_id) == (user, person("admin"), user.company_id)


@pytest.mark.requirement("B5")
def test_a_deleted_person_and_an_unknown_one_are_refused_alike_as_recipient(person):
    user = person("receiver_colleague")
    delete(user, person("receiver_admin"))
    sentences = set()
    for code in (user.user_code, "U99999999"):
        with pytest.raises(Refused) as refusal:
            recipients.recipient_of(user.company.code, code, person("registrar").company)
        sentences.add(refusal.value.sentence)
    assert sentences == {recipients.WRONG_RECIPIENT}


@pytest.mark.requirement("I2", "I3")
def test_the_last_administrator_stays(person):
    admin, colleague = person("admin"), person("colleague")
    with pytest.raises(Refused, match="管理者がいなくなる"):
        companies.keep_an_administrator(admin)
    with pytest.raises(Refused, match="管理者がいなくなる"):
        people.delete(admin, colleague, now())
    colleague.roles = role_rows("Member", "CompanyAdmin")
    db.session.commit()
    companies.keep_an_administrator(admin)
    delete(admin, colleague)
    with pytest.raises(Refused, match="管理者がいなくなる"):
        companies.keep_an_administrator(colleague)
    companies.keep_an_administrator(person("registrar"))  # who is none may always go


@pytest.mark.requirement("I2")
def test_nobody_deletes_themselves_and_nobody_is_deleted_twice(person):
    admin, other = person("admin"), person("colleague")
    other.roles = role_rows("Member", "CompanyAdmin")
    db.session.commit()
    with pytest.raises(Refused, match="ご自身"):
        people.delete(admin, admin, now())
    delete(other, admin)
    with pytest.raises(OutOfTurn, match="すでに削除"):
        people.delete(other, admin, now())
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.user_deleted).count() == 1


# (status of the document, who, whether the person holds or will hold it)
HOLDING = [
    (Status.draft, "registrar", True),
    (Status.draft, "signer", True),
    (Status.draft, "recipient", False),  # not on its way: the sending will be refused
    (Status.draft, "viewer", False),
    (Status.sender_approval, "approver", True),
    (Status.sender_approval, "signer", True),
    (Status.sender_approval, "recipient", True),  # on its way, and still hidden from the receiver
    (Status.sender_approval, "colleague", False),
    (Status.sender_signature, "signer", True),
    (Status.receiver_receipt, "signer", False),  # has signed
    (Status.receiver_receipt, "recipient", True),
    (Status.receiver_receipt, "registrar", True),
    (Status.receiver_receipt, "receiver_signer", False),  # nobody has named them yet
    (Status.receiver_approval, "recipient", False),
    (Status.receiver_approval, "receiver_approver", True),
    (Status.receiver_approval, "receiver_signer", True),
    (Status.receiver_approval, "receiver_viewer", False),
    (Status.remanded, "registrar", True),
    (Status.remanded, "signer", True),  # signs again after the re-sending
    (Status.remanded, "recipient", False),
    (Status.completion_wait, "registrar", False),
    (Status.completion_wait, "receiver_signer", False),
]


@pytest.mark.requirement("B5", "I3")
@pytest.mark.parametrize("status, who, holds", HOLDING)
def test_who_holds_or_will_hold_an_open_document_is_not_deleted(make_document, person, status, who, holds):
    document, user = make_document(status), person(who)
    admin = person("admin" if user.company is person("admin").company else "receiver_admin")
    assert queries.documents_held_by(user) == [document] * holds
    if not holds:
        delete(user, admin)
        assert user.deleted_at
        return
    with pytest.raises(Refused, match="処理中の契約文書が1件"):
        people.delete(user, admin, now())
    db.session.rollback()
    assert user.deleted_at is None and user.active


@pytest.mark.requirement("B5", "T17")
def test_with_a_replacement_every_document_moves_and_the_walk_goes_on(make_document, make_plan, person):
    certificates.issue(person("admin").company, [person("colleague")], person("colleague"), now())
    db.session.commit()
    actors.activate(person("colleague"), actors.secret_mailed(person("colleague"), Letter.certificate_pin), "Test-1234")
    waiting, ahead = make_document(Status.sender_signature), make_document(Status.draft)
    signer, colleague = person("signer"), person("colleague")
    delete(signer, person("admin"), colleague)
    assert queries.documents_held_by(signer) == []
    assert set(queries.documents_held_by(colleague)) == {waiting, ahead}
    assert waiting.holder is colleague
    plan = make_plan(viewers=True)
    for document in (waiting, ahead):
        actors.walk(document, plan, Status.completion_wait)
        assert document.signatures[0].user is colleague


@pytest.mark.requirement("B5")
def test_one_document_that_cannot_move_keeps_all_as_they_were(make_document, person):
    """The registrar's part could go to the colleague, the signer's part cannot."""
    first = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    second = make_document(Status.sender_signature)
    registrar = person("registrar")
    for step in second.route:
        if step.user is person("signer"):
            step.user = registrar
    second.holder = registrar
    db.session.commit()
    letters = db.session.query(OutboxMessage).count()
    with pytest.raises(Refused, match="電子証明書"):
        people.delete(registrar, person("admin"), now(), replacement=person("colleague"))
    db.session.rollback()
    assert first.registrar is second.registrar is registrar and registrar.deleted_at is None
    assert db.session.query(OutboxMessage).count() == letters
    assert db.session.query(DocumentEvent).filter_by(action=Action.reassign).count() == 0


@pytest.mark.requirement("B5", "R53")
def test_the_deleted_receive_no_letter_and_cannot_take_over_from_themselves(make_document, person):
    make_document(Status.receiver_receipt)
    recipient, admin = person("recipient"), person("receiver_admin")
    before = db.session.query(OutboxMessage).filter_by(user_id=recipient.id).count()
    with pytest.raises(Refused):
        people.delete(recipient, admin, now(), replacement=recipient)
    db.session.rollback()
    delete(recipient, admin, person("receiver_colleague"))
    assert db.session.query(OutboxMessage).filter_by(user_id=recipient.id).count() == before
    letter = db.session.query(OutboxMessage).filter_by(user_id=person("receiver_colleague").id).one()
    assert letter.letter is Letter.receipt_request
