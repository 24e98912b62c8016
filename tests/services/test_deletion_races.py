"""利用者削除 at the same moment as a colleague's click: no document is handed to who was just deleted."""

import threading

import pytest

from app.clock import japan_date, now
from app.errors import PortalError
from app.extensions import db, writing
from app.models import ContractDocument, Delegation, DocumentKind, PortalUser
from app.services import delegations, documents, people, reassignment, registration
from app.services.registration import Facts
from app.services.routes import Choice
from app.workflow import Role, SignatureMode, Status

SECONDS = 10


@pytest.fixture
def at_once(application, app):
    """`at_once(read, delete, act)`: what was read is acted on after somebody else's deletion was committed."""

    def run(read, delete, act):
        deleted, outcome = threading.Event(), []

        def other():
            with application.app_context(), writing():
                try:
                    delete()
                    db.session.commit()
                finally:
                    db.session.remove()
                    deleted.set()

        db.session.commit()
        known = read()
        if db.engine.dialect.name == "sqlite":
            db.session.commit()  # a writer holds the whole database: the deletion comes before or after
        thread = threading.Thread(target=other)
        thread.start()
        deleted.wait(SECONDS)
        try:
            act(*known)
            db.session.commit()
        except PortalError as refusal:
            db.session.rollback()
            outcome.append(refusal.sentence)
        thread.join(SECONDS)
        db.session.expire_all()
        return outcome

    return run


def loaded(document, *others):
    """As a request has them in its hands after its checks."""
    assert document.parties and all(step.user.full_name for step in document.route)
    assert all(user.is_selectable for user in others)
    return document, *others


@pytest.mark.requirement("B5", "Q4", "I2")
def test_nobody_is_chosen_while_they_are_deleted(make_document, person, at_once):
    document = make_document(Status.receiver_receipt)
    document_id, ids = document.id, {name: person(name).id for name in ("recipient", "receiver_signer", "receiver_admin")}

    def get(name):
        return db.session.get(PortalUser, ids[name])

    refused = at_once(
        lambda: loaded(db.session.get(ContractDocument, document_id), get("recipient"), get("receiver_signer")),
        lambda: people.delete(get("receiver_signer"), get("receiver_admin"), now()),
        lambda document, actor, signer: documents.confirm_receipt(
            document, actor, now(), choice=Choice(signer=signer), fee_acknowledged=True
        ),
    )
    assert refused == ["指定された利用者「署名 九美」は利用できなくなりました。［参照］から選択し直してください。"]
    assert document.status is Status.receiver_receipt and document.holder is person("recipient")
    assert person("receiver_signer").deleted_at is not None


@pytest.mark.requirement("B5", "Q4", "I2")
def test_nothing_is_sent_to_a_recipient_who_is_being_deleted(make_document, person, at_once):
    document = make_document(Status.draft, mode=SignatureMode.no_signature)
    document_id, ids = document.id, {name: person(name).id for name in ("registrar", "recipient", "receiver_admin")}

    def get(name):
        return db.session.get(PortalUser, ids[name])

    refused = at_once(
        lambda: loaded(db.session.get(ContractDocument, document_id), get("registrar"), get("recipient")),
        lambda: people.delete(get("recipient"), get("receiver_admin"), now()),
        lambda document, actor, _recipient: registration.send(document, actor, now()),
    )
    assert refused == [registration.WRONG_RECIPIENT]
    assert document.status is Status.draft and document.holder is person("registrar")


@pytest.mark.requirement("B5", "Q4", "I2")
def test_nobody_registers_a_document_while_they_are_deleted(make_plan, upload, person, at_once):
    ids, count = {name: person(name).id for name in ("registrar", "recipient", "admin")}, db.session.query(ContractDocument).count()
    facts = Facts("安全書類送付状", DocumentKind.other, SignatureMode.no_signature)
    file = upload()

    def get(name):
        return db.session.get(PortalUser, ids[name])

    refused = at_once(
        lambda: (get("registrar"), get("recipient")),
        lambda: people.delete(get("registrar"), get("admin"), now()),
        lambda registrar, recipient: registration.register(registrar, now(), facts, file, [recipient], Choice()),
    )
    assert len(refused) == 1 and "利用者IDは削除されたため" in refused[0]
    assert db.session.query(ContractDocument).count() == count


@pytest.mark.requirement("B5", "Q4", "T17")
def test_a_part_is_not_given_to_a_colleague_who_is_being_deleted(make_document, person, at_once):
    document = make_document(Status.receiver_receipt)
    document_id, ids = document.id, {n: person(n).id for n in ("recipient", "receiver_colleague", "receiver_admin")}

    def get(name):
        return db.session.get(PortalUser, ids[name])

    refused = at_once(
        lambda: loaded(
            db.session.get(ContractDocument, document_id), get("receiver_admin"), get("recipient"), get("receiver_colleague")
        ),
        lambda: people.delete(get("receiver_colleague"), get("receiver_admin"), now()),
        lambda document, admin, replaced, colleague: reassignment.reassign(document, admin, replaced, colleague, now()),
    )
    assert refused == ["新しい担当者には、自社の有効な利用者IDを指定してください。"]
    assert document.party_of(person("recipient").company_id).people(Role.recipient) == [person("recipient")]


@pytest.mark.requirement("B5", "Q4", "I2")
def test_a_deletion_waits_for_who_puts_the_person_on_a_route(application, make_document, person):
    """The document that was just handed to them is seen by the deletion, which is refused."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite holds the whole database from the beginning of every writing request")
    document, recipient, signer = make_document(Status.receiver_receipt), person("recipient"), person("receiver_signer")
    signer_id, admin_id = signer.id, person("receiver_admin").id
    db.session.commit()
    documents.confirm_receipt(document, recipient, now(), choice=Choice(signer=signer), fee_acknowledged=True)
    db.session.flush()
    refused = []

    def delete():
        with application.app_context(), writing():
            try:
                people.delete(db.session.get(PortalUser, signer_id), db.session.get(PortalUser, admin_id), now())
                db.session.commit()
            except PortalError as refusal:
                refused.append(refusal.sentence)
            finally:
                db.session.remove()

    thread = threading.Thread(target=delete)
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()  # waits for the commit
    db.session.commit()
    thread.join(SECONDS)
    assert len(refused) == 1 and "処理中の契約文書が1件" in refused[0]
    db.session.expire_all()
    assert document.holder is signer and signer.deleted_at is None


@pytest.mark.requirement("B5", "I2", "I8")
def test_nobody_becomes_a_deputy_while_being_deleted(person, at_once):
    ids = {name: person(name).id for name in ("approver", "colleague", "admin")}

    def get(name):
        return db.session.get(PortalUser, ids[name])

    def name_deputy(absent, deputy):
        today = japan_date(now())
        delegations.name_deputy(absent, deputy, today, today, absent, now())

    refused = at_once(
        lambda: (get("approver"), get("colleague")),
        lambda: people.delete(get("colleague"), get("admin"), now()),
        name_deputy,
    )
    assert refused == ["代理者には、自社の有効な利用者IDを指定してください。［参照］から選択し直してください。"]
    assert db.session.query(Delegation).count() == 0
