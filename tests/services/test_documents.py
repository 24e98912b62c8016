"""The verbs: every mode walked to its end, remands at every turn, and refusals that leave nothing behind."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app import queries
from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db, writing
from app.models import (
    AccountAction,
    AccountEvent,
    ContractDocument,
    DocumentEvent,
    Letter,
    OutboxMessage,
    PortalUser,
)
from app.services import certificates, documents, reassignment, registration, routes
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

    facts = registration.Facts(**{name: getattr(document, name) for name in registration.Facts.__dataclass_fields__})
    choice = routes.Choice(plan.approvers, plan.signer)
    registration.revise(document, plan.registrar, now(), facts, None, [plan.recipient], choice)
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


# -- 担当者変更 ------------------------------------------------------------------

# (status, who is replaced, the roles that move, whether it is their turn)
REASSIGNMENTS = [
    (Status.draft, "registrar", {Role.registrar}, True),
    (Status.draft, "signer", {Role.signer}, False),
    (Status.sender_approval, "registrar", {Role.registrar}, False),
    (Status.sender_approval, "approver", {Role.approver}, True),
    (Status.sender_approval, "signer", {Role.signer}, False),
    (Status.sender_approval, "viewer", {Role.viewer}, False),
    (Status.sender_approval, "recipient", {Role.recipient}, False),
    (Status.sender_signature, "signer", {Role.signer}, True),
    (Status.sender_signature, "recipient", {Role.recipient}, False),
    (Status.receiver_receipt, "registrar", {Role.registrar}, False),
    (Status.receiver_receipt, "recipient", {Role.recipient}, True),
    (Status.receiver_approval, "receiver_approver", {Role.approver}, True),
    (Status.receiver_approval, "receiver_signer", {Role.signer}, False),
    (Status.receiver_signature, "receiver_signer", {Role.signer}, True),
    (Status.receiver_signature, "receiver_viewer", {Role.viewer}, False),
    (Status.remanded, "registrar", {Role.registrar}, True),
    (Status.remanded, "signer", {Role.signer}, False),
]
REQUEST_AT = {
    Status.sender_approval: [Letter.approval_request],
    Status.sender_signature: [Letter.signature_request, Letter.signing_password],
    Status.receiver_receipt: [Letter.receipt_request],
    Status.receiver_approval: [Letter.approval_request],
    Status.receiver_signature: [Letter.signature_request, Letter.signing_password],
}
COLLEAGUE = {"sender": "colleague", "receiver": "receiver_colleague"}
ADMIN = {"sender": "admin", "receiver": "receiver_admin"}


def side_of(who):
    return "receiver" if who.startswith("rec") else "sender"


@pytest.fixture
def with_certificate(person):
    """A person who may sign from now on."""

    def give(who):
        user = person(who)
        certificates.issue(user.company, [user], user, now())
        db.session.commit()
        actors.activate(user, actors.secret_mailed(user, Letter.certificate_pin), "Test-1234")
        db.session.execute(db.delete(OutboxMessage))
        db.session.commit()
        return user

    return give


def letters_to(user):
    rows = db.session.scalars(db.select(OutboxMessage).filter_by(user_id=user.id).order_by(OutboxMessage.id))
    return [row.letter for row in rows]


@pytest.mark.requirement("T17", "I3")
@pytest.mark.parametrize("status, who, roles, has_turn", REASSIGNMENTS)
def test_what_is_not_done_moves_to_a_colleague(
    make_document, person, with_certificate, status, who, roles, has_turn
):
    document, replaced = make_document(status), person(who)
    side = side_of(who)
    colleague = with_certificate(COLLEAGUE[side])
    version, holder = document.version, document.holder
    event = reassignment.reassign(document, person(ADMIN[side]), replaced, colleague, now())
    db.session.commit()

    counted = document.party_of(colleague.company_id).is_open  # else the sender's open page stays good
    assert document.status is status and document.version == version + counted
    assert document.holder is (colleague if has_turn else holder)
    assert {step.role for step in document.route if step.user is colleague} == roles
    assert not any(step.user is replaced and step.closed_at is None for step in document.route)
    assert (document.registrar is colleague) is (Role.registrar in roles)
    assert (event.action, event.old_status, event.new_status) == (Action.reassign, status, status)
    assert event.company is colleague.company
    assert event.reason.endswith(f"：{replaced.full_name} → {colleague.full_name}")

    new_letters = REQUEST_AT.get(status, []) if has_turn else []
    if Role.registrar in roles:
        new_letters = [*new_letters, Letter.turn_reassigned]
    assert letters_to(colleague) == new_letters
    assert letters_to(replaced) == [Letter.turn_reassigned]
    noted = db.session.query(AccountEvent).filter_by(action=AccountAction.turns_reassigned).one()
    assert (noted.user, noted.actor) == (replaced, person(ADMIN[side]))
    assert noted.company_id == colleague.company_id


@pytest.mark.requirement("T17", "I18")
def test_of_a_document_on_its_way_the_receivers_history_tells_no_number(make_document, person):
    document = make_document(Status.sender_signature)
    reassignment.reassign(document, person("receiver_admin"), person("recipient"), person("receiver_colleague"), now())
    db.session.commit()
    noted = db.session.query(AccountEvent).filter_by(action=AccountAction.turns_reassigned).one()
    assert document.number not in noted.note and "受取前" in noted.note
    assert db.session.scalars(queries.documents_of(person("receiver_admin"))).all() == []


@pytest.mark.requirement("T17")
def test_the_walk_goes_on_with_the_new_people_and_progress_goes_to_the_new_registrar(
    make_document, make_plan, person, with_certificate
):
    plan = make_plan(approvers=1)
    colleague = with_certificate("colleague")
    document = make_document(Status.sender_approval, plan=plan)
    for who in ("registrar", "approver", "signer"):
        reassignment.reassign(document, person("admin"), person(who), colleague, now())
        db.session.commit()
    with pytest.raises(OutOfTurn):
        documents.approve(document, person("approver"), now())
    actors.walk(document, plan, Status.completion_wait)
    assert [s.user for s in document.signatures] == [colleague, person("receiver_signer")]
    progress = db.session.query(OutboxMessage).filter_by(letter=Letter.progress)
    assert {row.user for row in progress} == {colleague}
    assert document not in db.session.scalars(queries.documents_of(person("registrar"))).all()


@pytest.mark.requirement("T17")
def test_nothing_moves_once_a_document_is_concluded(make_document, person):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    with pytest.raises(OutOfTurn):
        reassignment.reassign(document, person("admin"), person("registrar"), person("colleague"), now())


@pytest.mark.requirement("T17")
@pytest.mark.parametrize("actor, replaced, replacement, sentence", [
    ("admin", "signer", "colleague", "電子証明書"),
    ("admin", "approver", "receiver_colleague", "自社の有効な利用者ID"),
    ("admin", "approver", "stranger", "自社の有効な利用者ID"),
    ("admin", "approver", "approver", "同じ利用者"),
    ("registrar", "approver", "colleague", "管理者"),
])  # fmt: skip
def test_who_cannot_take_over_is_refused_with_the_reason(make_document, person, actor, replaced, replacement, sentence):
    document = make_document(Status.sender_approval)
    with pytest.raises(Refused, match=sentence):
        reassignment.reassign(document, person(actor), person(replaced), person(replacement), now())
    db.session.rollback()
    assert document.holder is person("approver")


@pytest.mark.requirement("T17")
def test_a_deleted_colleague_takes_nothing_over(make_document, person):
    document, colleague = make_document(Status.sender_approval), person("colleague")
    colleague.active, colleague.deleted_at = False, now()
    db.session.commit()
    with pytest.raises(Refused, match="有効な利用者ID"):
        reassignment.reassign(document, person("admin"), person("approver"), colleague, now())


@pytest.mark.requirement("T17", "I18")
@pytest.mark.parametrize("actor, replaced", [
    ("receiver_admin", "approver"),  # of the other company
    ("stranger", "approver"),  # of a third
    ("admin", "signer"),  # has signed
    ("admin", "colleague"),  # has no part
])  # fmt: skip
def test_only_what_the_own_company_still_has_to_do_moves(make_document, person, actor, replaced):
    document = make_document(Status.receiver_receipt)
    with pytest.raises(OutOfTurn):
        reassignment.reassign(document, person(actor), person(replaced), person("colleague"), now())


@pytest.mark.requirement("T17", "Q4")
def test_a_hand_over_and_an_approval_at_once_have_one_effect(make_document, person):
    document = make_document(Status.sender_approval)
    documents.approve(document, person("approver"), now())
    db.session.commit()
    with pytest.raises(OutOfTurn):
        reassignment.reassign(document, person("admin"), person("approver"), person("colleague"), now())


@pytest.mark.requirement("T17", "I18", "Q4")
def test_the_senders_page_stays_good_while_the_receiver_changes_who_will_receive(make_document, person):
    document = make_document(Status.sender_signature)
    version = document.version
    reassignment.reassign(document, person("receiver_admin"), person("recipient"), person("receiver_colleague"), now())
    db.session.commit()
    assert document.version == version
    actors.sign(document, person("signer"))
    db.session.commit()
    assert document.holder is person("receiver_colleague")


@pytest.mark.requirement("T17", "Q4")
@pytest.mark.parametrize("is_reassigned_first", [True, False])
def test_of_a_hand_over_and_a_hand_on_at_the_same_moment_the_second_is_told_so(
    make_document, person, application, is_reassigned_first
):
    """The second has read the document before the first commits."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("SQLite holds the whole database from the beginning of every writing request")
    document = make_document(Status.sender_approval, mode=SignatureMode.no_signature)
    names = ("approver", "receiver_admin", "recipient", "receiver_colleague")
    document_id, ids = document.id, [person(name).id for name in names]

    def read():
        row = db.session.get(ContractDocument, document_id)
        assert row.parties and all(step.user.full_name for step in row.route)
        return row, *(db.session.get(PortalUser, user_id) for user_id in ids)

    def approve(row, approver, *_others):
        documents.approve(row, approver, now())
        db.session.commit()

    def reassign(row, _approver, admin, recipient, colleague):
        reassignment.reassign(row, admin, recipient, colleague, now())
        db.session.commit()

    def elsewhere(act):
        with application.app_context(), writing():
            act(*read())
            db.session.remove()

    first, second = (reassign, approve) if is_reassigned_first else (approve, reassign)
    known = read()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(elsewhere, first).result()
    with pytest.raises(OutOfTurn):
        second(*known)
    db.session.rollback()
    second(*read())
    assert document.holder is person("receiver_colleague")
    assert document.receivers[0].people(Role.recipient) == [document.holder]


@pytest.mark.requirement("T17", "I6")
def test_nobody_becomes_approver_twice(make_document, make_plan, person):
    document = make_document(Status.sender_approval, plan=make_plan(approvers=2))
    first, second = person("approver"), person("second_approver")
    for replaced, replacement in ((first, second), (second, first)):
        with pytest.raises(Refused, match="すでにこの契約文書の承認者です"):
            reassignment.reassign(document, person("admin"), replaced, replacement, now())
        db.session.rollback()
    documents.approve(document, first, now())
    db.session.commit()
    reassignment.reassign(document, person("admin"), second, first, now())  # whose own turn is over
    assert document.holder is first
