"""3社以上契約: the way of three companies, remands and withdrawals on it, and what is refused."""

import pytest

from app import queries
from app.clock import japan_date, now
from app.errors import OutOfTurn, PairNotAvailable, Refused
from app.extensions import db
from app.models import Letter, OutboxMessage, Plan
from app.plans import PARTNER_MUST_CHANGE
from app.services import delegations, documents, reassignment, recipients, registration, routes
from app.services.registration import Facts
from app.workflow import Role, SignatureMode, Status
from demo import actors

# the turns of three companies, with an approver of the first receiver; who has each
TURNS = [
    (Status.sender_signature, "signer"),
    (Status.receiver_receipt, "recipient"),
    (Status.receiver_approval, "receiver_approver"),
    (Status.receiver_signature, "receiver_signer"),
    (Status.receiver_receipt, "stranger"),
    (Status.receiver_signature, "stranger"),
]
REMINDED = "ご確認ください。"


@pytest.fixture
def plan(make_plan):
    return make_plan(receiver_approvers=1, third=True)


@pytest.fixture
def walked(make_document, plan):
    """`walked(3)`: a document of three companies that waits at that turn."""

    def make(turn):
        document = make_document(plan=plan)
        for _ in range(turn + 1):
            actors.step(document, plan)
        return document

    return make


def open_to(document):
    return [receiver.is_open for receiver in document.receivers]


def letters(kind, document):
    found = db.select(OutboxMessage).filter_by(letter=kind, document_id=document.id).order_by(OutboxMessage.id)
    return db.session.scalars(found).all()


@pytest.mark.requirement("I7", "I18", "T2", "T4", "T6", "T7", "T8", "T9")
def test_three_companies_sign_in_their_order(make_document, plan, person):
    document = make_document(plan=plan)
    assert [party.field_name for party in document.parties] == ["sender", "receiver-1", "receiver-2"]
    for status, who in TURNS:
        actors.step(document, plan)
        assert (document.status, document.holder) == (status, person(who))
        first, second = open_to(document)
        company_id = person(who).company_id
        assert first is (who != "signer") and second is (company_id == document.receivers[1].company_id)
    assert document.waiting_party is document.receivers[1]
    actors.step(document, plan)
    assert (document.status, document.holder, document.waiting_party) == (Status.completion_wait, None, None)
    assert [signature.field_name for signature in document.valid_signatures] == ["sender", "receiver-1", "receiver-2"]
    assert open_to(document) == [True, True]


@pytest.mark.requirement("I7", "I18", "T5", "T10", "T11", "R78")
@pytest.mark.parametrize("turn", [0, 2, 5])  # every turn: tests/test_state_machine.py
def test_a_remand_at_any_turn_voids_all_and_hides_it_from_every_receiver(walked, plan, person, turn):
    document = walked(turn)
    receipts = [party.people(Role.recipient)[0] for party in document.receivers]
    documents.remand(document, document.holder, now(), reason=REMINDED)
    db.session.commit()
    assert (document.status, document.holder) == (Status.remanded, plan.registrar)
    assert open_to(document) == [False, False] and document.valid_signatures == []
    for recipient in receipts:
        assert db.session.scalars(queries.documents_of(recipient)).all() == []

    facts = Facts(**{name: getattr(document, name) for name in Facts.__dataclass_fields__})
    registration.revise(
        document, plan.registrar, now(), facts, None, actors.recipients(plan), routes.Choice([], plan.signer)
    )
    db.session.commit()
    for status, who in TURNS:  # the second round starts over, for each receiver at its turn
        actors.step(document, plan)
        assert (document.status, document.holder) == (status, person(who))
        seen = [document in db.session.scalars(queries.documents_of(recipient)).all() for recipient in receipts]
        assert seen == open_to(document)
    actors.step(document, plan)
    assert [signature.revision for signature in document.valid_signatures] == [2, 2, 2]


@pytest.mark.requirement("T10", "I7", "I8")
def test_a_deputy_who_acted_for_another_receiver_hears_that_it_is_void(walked, plan, person):
    recipient, deputy = person("recipient"), person("receiver_colleague")
    delegations.name_deputy(recipient, deputy, japan_date(now()), japan_date(now()), recipient, now())
    document = walked(1)
    choice = routes.Choice([], person("receiver_signer"))
    documents.confirm_receipt(document, deputy, now(), choice=choice, fee_acknowledged=True)
    db.session.commit()
    actors.step(document, plan)
    documents.remand(document, person("stranger"), now(), reason=REMINDED)
    void = {row.user for row in letters(Letter.remanded, document) if row.facts.get("is_void")}
    assert void == {recipient, deputy, person("receiver_signer")}


@pytest.mark.requirement("T10", "I7", "I18", "R50")
def test_who_signed_before_hears_that_it_is_void_and_not_why(walked, plan, person, post_letters):
    document = walked(5)
    documents.remand(document, person("stranger"), now(), reason=REMINDED)
    db.session.commit()
    told = {row.user: row.facts for row in letters(Letter.remanded, document)}
    void = {person("recipient"), person("receiver_approver"), person("receiver_signer")}
    assert set(told) == void | {plan.registrar, plan.signer}
    assert {row for row in told if told[row].get("is_void")} == void
    bodies = [mail.body for mail in post_letters() if "差戻" in mail.subject]
    own = [body for body in bodies if REMINDED in body]
    others = [body for body in bodies if REMINDED not in body]
    assert len(own) == 2 and all("第三電工株式会社）より差し戻されました" in body for body in own)
    assert len(others) == 3 and all("無効となり" in body and "より差し戻" not in body and "/documents/" not in body for body in others)


@pytest.mark.requirement("I7", "R48", "R62", "T9", "D3")
def test_letters_name_the_companies_and_the_one_it_waits_for(walked, plan, post_letters):
    document = walked(5)
    actors.step(document, plan)
    progress = letters(Letter.progress, document)
    assert {row.user for row in progress} == {plan.registrar}
    assert [(row.facts["done"], row.facts["status_label"]) for row in progress] == [
        ("発出側（株式会社発出建設）の署名", "受領側受取待ち（受領設備株式会社）"),
        ("受領側（受領設備株式会社）の受取確認", "受領側承認待ち（受領設備株式会社）"),
        ("受領側（受領設備株式会社）の承認", "受領側署名待ち（受領設備株式会社）"),
        ("受領側（受領設備株式会社）の署名", "受領側受取待ち（第三電工株式会社）"),
        ("受領側（第三電工株式会社）の受取確認", "受領側署名待ち（第三電工株式会社）"),
        ("受領側（第三電工株式会社）の署名", "完了待ち"),
    ]
    completed = letters(Letter.completed, document)
    assert {row.user_id for row in completed} == {step.user_id for step in document.route}
    bodies = [mail.body for mail in post_letters() if "文書回覧完了" in "".join(mail.subject.split())]
    assert len(bodies) == len(completed)
    for body in bodies:
        assert "すべての企業が署名を完了し、契約締結となりました。" in body
        assert "受領側企業　： 受領設備株式会社、第三電工株式会社" in body and "双方署名（全社署名）" in body


@pytest.mark.requirement("T12", "I7")
@pytest.mark.parametrize("turn, told", [
    (0, {"signer"}), (3, {"signer", "recipient", "receiver_approver", "receiver_signer"}),
    (4, {"signer", "recipient", "receiver_approver", "receiver_signer", "stranger"}),
])  # fmt: skip
def test_a_withdrawal_reaches_every_company_that_was_told(walked, plan, person, turn, told):
    document = walked(turn)
    documents.withdraw(document, plan.registrar, now())
    db.session.commit()
    assert document.status is Status.withdrawn and open_to(document) == [False, False]
    assert {row.user for row in letters(Letter.withdrawn, document)} == {plan.registrar, *map(person, told)}


@pytest.mark.requirement("T17", "I7", "I18")
def test_a_receiver_whose_turn_is_to_come_may_change_who_will_receive(walked, person, app):
    document = walked(2)
    version = document.version
    with pytest.raises(OutOfTurn):  # of another receiver nothing moves
        reassignment.reassign(document, person("stranger"), person("receiver_approver"), person("stranger"), now())
    with pytest.raises(OutOfTurn):
        reassignment.reassign(document, person("receiver_admin"), person("stranger"), person("receiver_colleague"), now())
    reassignment.reassign(document, person("receiver_admin"), person("receiver_approver"), person("receiver_colleague"), now())
    db.session.commit()
    assert (document.holder, document.version) == (person("receiver_colleague"), version + 1)
    assert not document.receivers[1].is_open


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.requirement("R2", "I7")
@pytest.mark.parametrize("mode, sentence", [
    (SignatureMode.sender_only, "「3社以上契約」は、一方のみ署名契約はできません。"),
    (SignatureMode.receiver_only, "「3社以上契約」は、一方のみ署名契約はできません。"),
    (SignatureMode.no_signature, "「3社以上契約」は、署名なしの契約文書にはできません。"),
])  # fmt: skip
def test_three_companies_all_sign(make_document, plan, person, mode, sentence):
    with pytest.raises(Refused, match=sentence):
        make_document(mode=mode, plan=plan)
    db.session.rollback()
    document = make_document(plan=plan)
    facts = Facts(document.title, document.kind, mode)
    with pytest.raises(Refused, match=sentence):
        registration.revise(document, plan.registrar, now(), facts, None, actors.recipients(plan), routes.Choice())
    db.session.rollback()
    assert (document.mode, len(document.receivers)) == (SignatureMode.both_sides, 2)


@pytest.mark.requirement("I7")
def test_a_company_comes_once_and_ten_are_the_most(person):
    twice = [person("recipient"), person("stranger"), person("receiver_colleague")]
    with pytest.raises(Refused, match="「受領設備株式会社」が複数回指定"):
        recipients.check(twice, SignatureMode.both_sides)
    with pytest.raises(Refused, match="受信者は9社まで"):
        recipients.check([person("recipient")] * 10, SignatureMode.both_sides)


def set_plan(company, kind):
    company.plan_id = db.session.scalar(db.select(Plan.id).filter_by(kind=kind))
    db.session.commit()


@pytest.mark.requirement("D9", "R104", "I7", "T2")
def test_a_pair_that_may_not_deal_blocks_and_is_named(make_document, plan, person):
    document = make_document(plan=plan)
    set_plan(person("registrar").company, "both_sides")  # with a 取引先専用プラン it may not deal
    pair = "「受領設備株式会社」とのお取引："
    with pytest.raises(PairNotAvailable) as refusal:
        registration.send(document, plan.registrar, now())
    assert refusal.value.sentence == pair + PARTNER_MUST_CHANGE
    db.session.rollback()
    typed = [(one.company.code, one.user_code) for one in (person("stranger"), person("recipient"))]
    with pytest.raises(PairNotAvailable) as refusal:
        recipients.recipients_of(typed, person("registrar").company)
    assert refusal.value.sentence == f"受信者2：{pair}{PARTNER_MUST_CHANGE}"
    assert document.status is Status.draft


@pytest.mark.requirement("R60", "I7", "T6")
def test_the_fee_is_acknowledged_by_each_receiver_that_shares_it(make_document, plan, person):
    set_plan(person("stranger").company, "one_side")
    document = make_document(Status.receiver_receipt, plan=plan)
    first, second = (receiver.company_id for receiver in document.receivers)
    assert not documents.needs_fee_acknowledged(document, first)
    assert documents.needs_fee_acknowledged(document, second)
    documents.confirm_receipt(document, person("recipient"), now(), choice=routes.Choice([], plan.receiver_signer))
    actors.walk(document, plan, Status.receiver_signature)
    actors.step(document, plan)
    choice = routes.Choice([], person("stranger"))
    with pytest.raises(Refused, match="双方に利用料金が発生"):
        documents.confirm_receipt(document, person("stranger"), now(), choice=choice)
    documents.confirm_receipt(document, person("stranger"), now(), choice=choice, fee_acknowledged=True)
    assert document.status is Status.receiver_signature
