"""代理: who may act in whose place, when, and what the record says of it."""

import datetime as dt

import pytest

from app import queries
from app.clock import japan_date, now
from app.errors import NotFound, OutOfTurn, Refused
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    Delegation,
    DocumentEvent,
    DocumentSignature,
    Letter,
    OutboxMessage,
    SigningPassword,
)
from app.queries import SearchTerms
from app.services import (
    certificates,
    delegations,
    documents,
    people,
    personal_data,
    reassignment,
    registration,
    reminders,
)
from app.services.routes import Choice
from app.views import timeline
from app.workflow import Action, SignatureMode, Status
from demo import actors
from tests.conftest import PASSWORD

DAY = dt.timedelta(days=1)
QUICK = SignatureMode.no_signature


def today():
    return japan_date(now())


@pytest.fixture
def delegate(person):
    """`delegate("approver", "colleague")`: from today on, for three days."""

    def name_deputy(absent, deputy, first=0, last=2, actor=None):
        absent = person(absent)
        actor = person(actor) if actor else absent
        made = delegations.name_deputy(absent, person(deputy), today() + first * DAY, today() + last * DAY, actor, now())
        db.session.commit()
        return made

    return name_deputy


def letters_to(user, *kinds):
    return [
        row for row in db.session.query(OutboxMessage).filter_by(user_id=user.id).order_by(OutboxMessage.id)
        if row.letter in kinds
    ]  # fmt: skip


def sees(user, document):
    return document.id in queries.visible_of(user, [document])


TURNS = [
    (Status.sender_approval, "approver", "colleague", Letter.approval_request),
    (Status.receiver_receipt, "recipient", "receiver_colleague", Letter.receipt_request),
    (Status.receiver_approval, "receiver_approver", "receiver_colleague", Letter.approval_request),
]


def act(document, actor):
    if document.status is Status.receiver_receipt:
        documents.confirm_receipt(document, actor, now(), choice=Choice(), fee_acknowledged=True)
    else:
        documents.approve(document, actor, now())
    db.session.commit()


@pytest.mark.requirement("I8", "T3", "T6", "T7")
@pytest.mark.parametrize("status, absent, deputy, request_letter", TURNS)
def test_a_deputy_acts_at_each_turn_and_the_record_says_for_whom(
    make_document, delegate, person, status, absent, deputy, request_letter
):
    delegate(absent, deputy)
    document = make_document(status, mode=QUICK)
    absent, deputy = person(absent), person(deputy)
    assert queries.my_list(deputy).rows == queries.my_list(absent).rows == [document]
    assert queries.document_of(deputy, document.id) is document and queries.may_open_pdf(deputy, document, False)
    (own,), (theirs,) = letters_to(absent, request_letter), letters_to(deputy, request_letter)
    assert (own.facts.get("on_behalf_of"), theirs.facts["on_behalf_of"]) == (None, absent.full_name)
    act(document, deputy)
    event = document.events[-1]
    assert (event.actor, event.on_behalf_of) == (deputy, absent)
    step = next(step for step in document.route if step.user is absent)
    assert step.deputy is deputy
    assert sees(deputy, document) and queries.may_open_pdf(deputy, document, False)  # what was done stays in sight
    assert queries.my_list(deputy).rows == []
    with pytest.raises(OutOfTurn):  # the person themself comes second
        documents.approve(document, absent, now())


@pytest.mark.requirement("I8", "I18", "I20")
def test_a_search_finds_who_acted_and_in_whose_place(make_document, delegate, person):
    delegate("recipient", "receiver_colleague")
    document = make_document(Status.receiver_receipt, mode=QUICK)
    absent, deputy = person("recipient"), person("receiver_colleague")

    def found(who, typed):
        return queries.search(person(who), SearchTerms(person=typed), archived=False).rows

    assert found("receiver_admin", deputy.full_name) == []  # may act, has not yet
    act(document, deputy)
    for typed in (deputy.full_name, deputy.user_code, absent.full_name, absent.user_code):
        assert found("receiver_admin", typed) == found("receiver_colleague", typed) == [document]
        assert found("admin", typed) == found("registrar", typed) == []  # the other company's people
    assert found("receiver_admin", person("receiver_approver").full_name) == []


@pytest.mark.requirement("I8", "T3")
def test_two_approvers_stay_two_people_where_one_is_the_others_deputy(make_document, make_plan, delegate, person):
    delegate("approver", "second_approver")
    document = make_document(Status.sender_approval, mode=QUICK, plan=make_plan(approvers=2))
    with pytest.raises(Refused, match="ご自身もこの契約文書の承認者"):
        documents.approve(document, person("second_approver"), now())
    db.session.rollback()
    act(document, person("approver"))
    act(document, person("second_approver"))
    assert document.status is Status.receiver_receipt


@pytest.mark.requirement("I8", "T5", "T10")
def test_a_deputy_remands_and_who_acted_for_somebody_hears_of_it(make_document, delegate, person):
    delegate("approver", "colleague")
    document = make_document(Status.sender_approval, mode=QUICK)
    documents.approve(document, person("colleague"), now())
    delegate("recipient", "receiver_colleague")
    documents.remand(document, person("receiver_colleague"), now(), reason="日付")
    db.session.commit()
    assert document.status is Status.remanded and document.events[-1].on_behalf_of is person("recipient")
    assert not sees(person("receiver_colleague"), document) and not sees(person("recipient"), document)
    told = {row.user_id for row in db.session.query(OutboxMessage).filter_by(letter=Letter.remanded)}
    assert told == {person(who).id for who in ("registrar", "approver", "colleague")}


@pytest.mark.requirement("I8", "T12")
def test_a_deputy_who_was_asked_hears_of_a_withdrawal(make_document, delegate, person):
    delegate("recipient", "receiver_colleague")
    document = make_document(Status.receiver_receipt, mode=QUICK)
    documents.withdraw(document, person("registrar"), now())
    (letter,) = letters_to(person("receiver_colleague"), Letter.withdrawn)
    assert (letter.facts["sees"], letter.facts["title"]) == (False, document.title)


@pytest.mark.requirement("I8", "T12", "L23")
def test_a_withdrawal_reaches_a_deputy_when_the_person_who_was_asked_is_erased(
    make_document, delegate, person, post_letters
):
    document = make_document(Status.receiver_receipt, mode=QUICK)
    delegate("recipient", "receiver_colleague")  # too late for a request of their own
    documents.remand(document, person("receiver_colleague"), now())
    person("recipient").deleted_at = now()
    personal_data.erase(person("recipient"), person("receiver_admin"), now())
    documents.withdraw(document, person("registrar"), now())
    db.session.commit()
    assert letters_to(person("receiver_colleague"), Letter.withdrawn)
    bodies = [mail.body for mail in post_letters() if "receiver_colleague" in mail.recipients[0] and "取下げ" in mail.subject]
    assert len(bodies) == 1 and document.number in bodies[0] and document.title not in bodies[0]


@pytest.mark.requirement("I8", "T3", "T11", "S17")
def test_a_turn_taken_again_by_the_person_names_no_deputy(make_document, delegate, person):
    delegate("approver", "colleague")
    document = make_document(Status.sender_approval, mode=QUICK)
    act(document, person("colleague"))
    documents.remand(document, document.holder, now())
    registration.send(document, person("registrar"), now())
    act(document, person("approver"))
    step = next(step for step in document.route if step.user is person("approver"))
    assert (step.outcome, step.deputy) == (Action.approve, None)
    assert "代理" not in str(timeline.way_of(document, document.sender.company_id))
    assert [event.actor for event in document.events if event.action is Action.approve] == [
        person("colleague"), person("approver"),
    ]  # fmt: skip


@pytest.mark.requirement("T11", "T17")
def test_who_takes_over_after_a_remand_has_not_done_what_was_done_before(make_document, person):
    document = make_document(Status.sender_approval, mode=QUICK)
    act(document, person("approver"))
    documents.remand(document, document.holder, now())
    reassignment.reassign(document, person("admin"), person("approver"), person("colleague"), now())
    db.session.commit()
    way = timeline.way_of(document, document.sender.company_id)
    assert next(stage for stage in way if "同僚" in str(stage.get("person")))["state"] == "ahead"
    assert person("approver") in [event.actor for event in document.events if event.action is Action.approve]


@pytest.mark.requirement("I8", "T6", "S17")
def test_a_receipt_confirmed_again_after_a_return_inside_names_no_deputy(make_document, make_plan, delegate, person):
    person("recipient").company.returns_inside = True
    delegate("recipient", "receiver_colleague")
    document = make_document(Status.receiver_receipt, mode=QUICK)
    choice = Choice([person("receiver_approver")])
    documents.confirm_receipt(document, person("receiver_colleague"), now(), choice=choice, fee_acknowledged=True)
    documents.return_inside(document, person("receiver_approver"), now(), reason="経理部の確認が先です。")
    act(document, person("recipient"))
    assert "代理" not in str(timeline.way_of(document, person("recipient").company_id))


@pytest.mark.requirement("I8", "T4", "T8", "R107", "D7")
def test_a_deputy_signs_with_the_own_certificate_and_the_own_password(make_document, delegate, person):
    deputy = person("receiver_approver")
    certificates.issue(deputy.company, [deputy], person("receiver_admin"), now())
    db.session.commit()
    actors.activate(deputy, actors.secret_mailed(person("receiver_admin"), Letter.certificate_pin), PASSWORD)
    delegate("receiver_signer", "receiver_approver")
    document = make_document(Status.receiver_signature, mode=SignatureMode.receiver_only)
    second = make_document(Status.receiver_signature, mode=SignatureMode.receiver_only)
    (password,) = letters_to(deputy, Letter.signing_password)  # one a day, the deputy's own
    assert len(letters_to(person("receiver_signer"), Letter.signing_password)) == 1
    assert {row.user_id for row in db.session.query(SigningPassword)} == {deputy.id, person("receiver_signer").id}
    actors.sign(document, deputy)
    db.session.commit()
    signature = db.session.query(DocumentSignature).filter_by(document_id=document.id).one()
    assert (signature.user, signature.on_behalf_of) == (deputy, person("receiver_signer"))
    assert signature.certificate.people == [deputy]
    assert document.status is Status.completion_wait
    completed = {row.user_id for row in db.session.query(OutboxMessage).filter_by(letter=Letter.completed)}
    assert {deputy.id, person("receiver_signer").id} <= completed
    actors.sign(second, person("receiver_signer"))  # who is represented may still act
    assert second.events[-1].on_behalf_of is None and second.signatures[0].on_behalf_of is None


@pytest.mark.requirement("I8", "R19")
def test_a_deputy_without_certificate_gets_the_request_but_no_password_and_cannot_sign(make_document, delegate, person):
    delegate("signer", "colleague")
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    assert letters_to(person("colleague"), Letter.signature_request) and not letters_to(
        person("colleague"), Letter.signing_password
    )
    documents.check_turn(Action.sign, document, person("colleague"))
    assert not queries.activations_of(person("colleague"), now())
    documents.remand(document, person("colleague"), now(), reason="")
    assert document.status is Status.remanded


@pytest.mark.requirement("I18", "T3", "T18")
def test_a_deputy_gets_the_reminder_and_nothing_that_is_not_the_persons_turn(make_document, delegate, person):
    delegate("second_approver", "colleague")
    delegate("registrar", "viewer")
    document = make_document(Status.sender_approval, mode=QUICK)  # waits for the first approver
    draft = make_document(Status.draft, mode=QUICK)
    assert not sees(person("colleague"), document) and not sees(person("viewer"), draft)  # no deputy registers
    assert queries.my_list(person("viewer")).rows == []
    with pytest.raises(OutOfTurn):
        documents.approve(document, person("colleague"), now())
    delegate("approver", "colleague")
    assert sees(person("colleague"), document)
    reminders.remind(document, person("registrar"), now())
    (reminder,) = letters_to(person("colleague"), Letter.approval_request)
    assert reminder.facts["is_reminder"] and reminder.facts["on_behalf_of"] == "承認 一郎"


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("first, last, may", [(-2, -1, False), (-1, 0, True), (0, 0, True), (0, 9, True), (1, 9, False)])
def test_the_days_are_japans_and_both_count(make_document, person, first, last, may):
    absent, deputy = person("approver"), person("colleague")
    document = make_document(Status.sender_approval, mode=QUICK)
    db.session.add(Delegation(
        user=absent, deputy=deputy, first_day=today() + first * DAY, last_day=today() + last * DAY, created_at=now(),
        created_by_id=absent.id,
    ))  # fmt: skip
    db.session.commit()
    assert (sees(deputy, document), queries.acts_as_deputy(deputy, document)) == (may, may)
    assert (queries.deputy_of(absent) is deputy) is may


@pytest.mark.requirement("I8", "I18")
def test_a_deputys_deputy_is_nobodys_deputy(make_document, delegate, person):
    delegate("approver", "colleague")
    delegate("colleague", "viewer")
    document = make_document(Status.sender_approval, mode=QUICK)
    assert queries.my_list(person("viewer")).rows == [] and letters_to(person("viewer"), Letter.approval_request) == []
    with pytest.raises(OutOfTurn):
        documents.approve(document, person("viewer"), now())


@pytest.mark.requirement("I8", "R53")
@pytest.mark.parametrize("change, sentence", [
    ({"deputy": "approver"}, "ご本人"),
    ({"deputy": "recipient"}, "自社の有効な利用者ID"),
    ({"deputy": "second_approver"}, "自社の有効な利用者ID"),  # deleted
    ({"deputy": "viewer"}, "ロックされています"),
    ({"first": -1}, "本日以降"),
    ({"first": 3, "last": 2}, "開始日以降"),
    ({"last": 366}, "1年以内"),
    ({"actor": "colleague"}, "自社の管理者"),
    ({"actor": "receiver_admin"}, "自社の管理者"),
])  # fmt: skip
def test_what_no_deputy_can_be_named_by(person, delegate, change, sentence):
    people.delete(person("second_approver"), person("admin"), now())
    person("viewer").locked_until = now() + DAY
    db.session.commit()
    noted = db.session.query(AccountEvent).count()
    with pytest.raises(Refused, match=sentence):
        delegate(**{"absent": "approver", "deputy": "colleague"} | change)
    db.session.rollback()
    assert db.session.query(Delegation).count() == 0 and db.session.query(AccountEvent).count() == noted
    assert letters_to(person("colleague"), Letter.deputy_changed) == []


@pytest.mark.requirement("I8")
@pytest.mark.parametrize("first, last, is_free", [(0, 0, True), (0, 1, False), (2, 2, False), (4, 5, False), (5, 6, True)])
def test_one_deputy_at_a_time(delegate, first, last, is_free):
    delegate("approver", "colleague", 1, 4)
    if is_free:
        delegate("approver", "viewer", first, last)
    else:
        with pytest.raises(Refused, match="重ならない"):
            delegate("approver", "viewer", first, last)


@pytest.mark.requirement("I8", "I19")
def test_an_administrator_names_and_ends_for_who_is_away_and_both_are_noted_and_told(make_document, delegate, person):
    made = delegate("approver", "colleague", actor="admin")
    document = make_document(Status.sender_approval, mode=QUICK)
    delegations.end(made, person("admin"), now())
    db.session.commit()
    assert not sees(person("colleague"), document)
    with pytest.raises(OutOfTurn):
        documents.approve(document, person("colleague"), now())
    with pytest.raises(OutOfTurn, match="すでに終了"):
        delegations.end(made, person("approver"), now())
    noted = db.session.query(AccountEvent).order_by(AccountEvent.id).all()
    assert [(event.action, event.user, event.actor) for event in noted] == [
        (AccountAction.deputy_named, person("approver"), person("admin")),
        (AccountAction.deputy_ended, person("approver"), person("admin")),
    ]
    for who in ("approver", "colleague"):
        first, last = letters_to(person(who), Letter.deputy_changed)
        assert first.facts["by"] == "管理 六郎" and not first.facts["is_ended"] and last.facts["is_ended"]
    delegate("approver", "colleague")  # the days are free again


@pytest.mark.requirement("I8", "S19")
def test_a_deputy_is_told_by_which_secret_the_company_signs(delegate, person, post_letters):
    for by_code, (absent, deputy) in ((False, ("approver", "colleague")), (True, ("signer", "viewer"))):
        person(absent).company.signs_by_code = by_code
        delegate(absent, deputy)
        (mail,) = [mail for mail in post_letters() if mail.recipients == [person(deputy).mail_address]]
        assert ("ご自身の電子証明書と署名用コードを" in mail.body) is by_code
        assert ("ご自身の電子証明書と署名用パスワードを" in mail.body) is not by_code


@pytest.mark.requirement("I8", "B5")
def test_deleting_either_of_the_two_ends_it(delegate, person):
    first, second = delegate("approver", "colleague"), delegate("colleague", "viewer")
    people.delete(person("colleague"), person("admin"), now())
    db.session.commit()
    assert first.ended_at and second.ended_at
    (told,) = [row for row in letters_to(person("approver"), Letter.deputy_changed) if row.facts["is_ended"]]
    assert "代理者の利用者IDが削除された" in told.facts["reason"]


@pytest.mark.requirement("T17")
def test_after_a_reassignment_the_new_persons_deputy_has_the_turn_and_the_old_ones_no_more(
    make_document, delegate, person
):
    delegate("approver", "colleague")
    delegate("second_approver", "viewer")
    document = make_document(Status.sender_approval, mode=QUICK)
    reassignment.reassign(document, person("admin"), person("approver"), person("second_approver"), now())
    db.session.commit()
    assert not sees(person("colleague"), document)
    with pytest.raises(OutOfTurn):
        documents.approve(document, person("colleague"), now())
    assert letters_to(person("viewer"), Letter.approval_request)
    documents.approve(document, person("viewer"), now())
    assert document.events[-1].on_behalf_of is person("second_approver")


@pytest.mark.requirement("T12")
def test_a_withdrawal_is_told_to_the_deputy_who_acted_too(make_document, delegate, person):
    document = make_document(Status.receiver_receipt, mode=QUICK)
    delegate("recipient", "receiver_colleague")  # after the request went out
    documents.confirm_receipt(
        document, person("receiver_colleague"), now(), choice=Choice([person("receiver_approver")]), fee_acknowledged=True
    )
    documents.withdraw(document, person("registrar"), now())
    db.session.commit()
    (told,) = letters_to(person("receiver_colleague"), Letter.withdrawn)
    assert told.facts["title"] == document.title and not told.facts["sees"]
    assert letters_to(person("recipient"), Letter.withdrawn)


@pytest.mark.requirement("L23")
def test_the_own_data_tell_of_delegations_without_the_other_persons_name(delegate, person):
    delegate("approver", "colleague")
    for who, part in (("approver", "代理される方"), ("colleague", "代理者")):
        (row,) = personal_data.export(person(who), now())["代理"]
        assert row["役割"] == part and row["開始日"] == today().isoformat()
        assert "同僚" not in str(row) and "承認" not in str(row)


def test_a_delegation_of_somebody_else_is_not_found(delegate, person):
    made = delegate("approver", "colleague")
    for who, number in (("colleague", made.id), ("recipient", made.id), ("approver", 10**12)):
        with pytest.raises(NotFound):
            queries.delegation_of(person(who), number)
    assert queries.delegation_of(person("approver"), made.id) is made


def test_events_without_a_deputy_name_nobody(make_document):
    make_document(Status.completion_wait, mode=QUICK)
    assert {event.on_behalf_of_id for event in db.session.query(DocumentEvent)} == {None}
