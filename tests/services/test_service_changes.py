"""プラン変更, オプション申請 and 解約: what may be applied for, and what takes effect when."""

import datetime as dt
import uuid

import pytest

from app import queries
from app.clock import JAPAN, japan_date, now
from app.errors import OutOfTurn, PairNotAvailable, Refused
from app.extensions import db
from app.jobs import run_job
from app.models import (
    AccountAction,
    AccountEvent,
    CompanyOption,
    CompanyStatus,
    Letter,
    OutboxMessage,
    Plan,
    ServiceKind,
    ServiceState,
)
from app.plans import PlanKind
from app.services import documents, recipients, registration, service_changes, service_review, standing
from app.services.routes import Choice
from app.services.service_changes import Wish
from app.workflow import SignatureMode, Status

NO_SIGNATURE = SignatureMode.no_signature
BULK, CASE = CompanyOption.bulk_signing, CompanyOption.case_at_registration
OWN_MUST_CHANGE = "ご利用いただけません 片方課金プランもしくは双方課金プランへの変更が必要です お取引前に弊社宛にご連絡ください"


def in_days(days):
    return japan_date(now()) + dt.timedelta(days=days)


def midnight(day):
    """The first moment of a day in Japan."""
    return dt.datetime.combine(day, dt.time(), JAPAN).astimezone(dt.UTC)


@pytest.fixture
def apply(person):
    """`apply("receiver_admin", plan=...)`: handed in by that administrator."""

    def hand_in(who="admin", kind=None, days=0, **wanted):
        kind = kind or (ServiceKind.plan_change if "plan" in wanted else ServiceKind.option_start)
        admin = person(who)
        application = service_changes.apply_for(
            admin.company, admin, now(), form_token=str(uuid.uuid4()), wish=Wish(kind, in_days(days), **wanted)
        )
        db.session.commit()
        return application

    return hand_in


@pytest.fixture
def approve(person):
    def decide(application, days=0):
        service_changes.approved(application, person("operator"), now(), effective_on=in_days(days))
        db.session.commit()
        return application

    return decide


@pytest.fixture
def company(person):
    return person("admin").company


def notes():
    rows = db.session.query(AccountEvent).order_by(AccountEvent.id).all()
    return [row.action for row in rows if row.action.name.startswith(("service", "company_s", "company_r"))]


@pytest.mark.requirement("I11", "R99", "R100")
def test_an_option_is_applied_for_approved_and_in_force_at_once_where_that_is_today(apply, approve, person, company):
    application = apply(option=BULK)
    assert (application.state, application.number[0], company.has_bulk_signing) == (ServiceState.received, "A", False)
    service_review.start_review(application, person("operator"), now())
    db.session.execute(db.delete(OutboxMessage))
    approve(application)
    assert company.has_bulk_signing and not company.has_case_at_receipt and application.took_effect_at
    letter = db.session.query(OutboxMessage).one()
    assert (letter.letter, letter.user_id) == (Letter.application_decided, person("admin").id)
    assert letter.facts["outcome"] == "承認" and "一括署名オプション" in letter.facts["what"]
    assert notes() == [
        AccountAction.service_change_applied, AccountAction.service_review_started, AccountAction.service_change_approved,
        AccountAction.service_change_took_effect,
    ]
    assert [event.state for event in application.events] == ["filling", "received", "in_review", "approved"]
    approve(apply(option=BULK, kind=ServiceKind.option_end))
    assert not company.has_bulk_signing
    assert not person("receiver_admin").company.has_bulk_signing


@pytest.mark.requirement("I11", "I12", "R96", "R97", "R100")
@pytest.mark.parametrize("who, wanted, sentence", [
    ("admin", {"option": BULK, "kind": ServiceKind.option_end}, "ご利用になっていない"),
    ("receiver_admin", {"option": CASE}, "片方課金プランの企業のみ"),
    ("stranger", {"option": CompanyOption.case_at_receipt}, "片方課金プランの企業のみ"),
    ("admin", {"plan": PlanKind.one_side}, "現在のプランと同じ"),
    ("admin", {"kind": ServiceKind.plan_change}, "プランを選択"),
    ("admin", {"kind": ServiceKind.option_start}, "オプションを選択"),
    ("admin", {"option": BULK, "days": -1}, "本日以降"),
    ("admin", {"option": BULK, "days": 400}, "1年以内"),
])  # fmt: skip
def test_what_cannot_be_applied_for_says_why(apply, who, wanted, sentence):
    with pytest.raises(Refused, match=sentence):
        apply(who, **wanted)


@pytest.mark.requirement("I11", "Q3")
def test_one_open_application_for_each_thing_and_a_form_counts_once(apply, approve, person, company):
    first = apply(option=BULK)
    with pytest.raises(Refused, match="審査中または適用待ち"):
        apply(option=BULK)
    db.session.rollback()
    again = Wish(ServiceKind.option_start, in_days(0), option=CompanyOption.archive_extension)
    with pytest.raises(OutOfTurn, match="すでに受け付けています"):
        service_changes.apply_for(company, person("admin"), now(), form_token=first.form_token, wish=again)
    db.session.rollback()
    approve(first, days=3)  # waits for its day, and is no less applied for
    with pytest.raises(Refused, match="審査中または適用待ち"):
        apply(option=BULK)
    db.session.rollback()
    apply(plan=PlanKind.both_sides)
    with pytest.raises(Refused, match="プラン変更の申請が"):
        apply(plan=PlanKind.partner)
    db.session.rollback()
    apply("receiver_admin", option=BULK)  # another company's is another company's
    company.has_archive_extension = True
    with pytest.raises(Refused, match="すでに利用中"):
        apply(option=CompanyOption.archive_extension)


@pytest.mark.requirement("I9", "I11")
def test_the_way_back_and_the_way_out(apply, person):
    application = apply(option=BULK)
    with pytest.raises(Refused, match="理由"):
        service_changes.send_back(application, person("operator"), now(), reason=" ")
    db.session.rollback()
    service_changes.send_back(application, person("operator"), now(), reason="適用日をご確認ください。")
    db.session.commit()
    letter = db.session.query(OutboxMessage).one()
    assert (letter.user_id, letter.facts["outcome"]) == (person("admin").id, "差戻し")
    assert "適用日をご確認ください。" in letter.facts["detail"]
    wish = Wish(ServiceKind.option_start, in_days(5), option=BULK, note="ご確認をお願いします。")
    service_changes.resubmit(application, person("admin"), now(), wish=wish)
    db.session.commit()
    assert (application.state, application.reason) == (ServiceState.received, "")
    assert service_changes.wish_again(application) == wish
    service_changes.withdraw(application, person("admin"), now())
    assert application.state is ServiceState.withdrawn
    for again in (
        lambda: service_changes.withdraw(application, person("admin"), now()),
        lambda: service_changes.resubmit(application, person("admin"), now(), wish=wish),
        lambda: service_changes.approved(application, person("operator"), now(), effective_on=in_days(0)),
    ):
        db.session.commit()
        with pytest.raises((OutOfTurn, Refused)):
            again()
    assert not person("admin").company.has_bulk_signing


@pytest.mark.requirement("I9", "Q3")
def test_of_two_operators_the_second_is_told(apply, approve, person, company):
    application = apply(plan=PlanKind.both_sides)
    approve(application, days=2)
    with pytest.raises((OutOfTurn, Refused)):
        approve(application, days=0)
    db.session.rollback()
    with pytest.raises(OutOfTurn):
        service_changes.reject(application, person("operator"), now(), reason="重複のため")
    db.session.rollback()
    assert application.effective_on == in_days(2) and company.plan.kind is PlanKind.one_side
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.application_decided).count() == 1


@pytest.mark.requirement("I9", "I11", "Q3")
def test_an_approval_is_called_off_until_its_day_has_come_and_not_by_the_applicant(apply, approve, person, company):
    application, operator = approve(apply(kind=ServiceKind.termination), days=2), person("operator")
    assert not service_review.may_withdraw(application)
    db.session.execute(db.delete(OutboxMessage))
    day = midnight(in_days(2))
    for refused, moment, act in (
        (OutOfTurn, now(), lambda at: service_changes.withdraw(application, person("admin"), at)),
        (Refused, now(), lambda at: service_changes.call_off(application, operator, at, reason=" ")),
        (OutOfTurn, day, lambda at: service_changes.call_off(application, operator, at, reason="撤回のため")),
    ):
        db.session.commit()
        with pytest.raises(refused):
            act(moment)
        db.session.rollback()
    service_changes.call_off(application, operator, day - dt.timedelta(seconds=1), reason="撤回のお申し出のため")
    db.session.commit()
    assert (application.state, application.effective_on) == (ServiceState.withdrawn, None)
    letter = db.session.query(OutboxMessage).one()
    assert letter.user_id == person("admin").id and letter.facts["outcome"].startswith("承認の取消")
    assert "撤回のお申し出のため" in letter.facts["detail"]
    with pytest.raises(OutOfTurn):
        service_changes.call_off(application, operator, now(), reason="もう一度")
    db.session.rollback()
    assert notes()[-1] is AccountAction.service_change_called_off
    assert run_job("service-changes", day)["due"] == 0 and company.is_active
    in_force = approve(apply(option=BULK))  # nothing keeps the company from going on
    with pytest.raises(OutOfTurn):
        service_changes.call_off(in_force, operator, now(), reason="適用済み")


@pytest.mark.requirement("I9", "I11")
def test_a_rejection_changes_nothing_and_says_why(apply, person, company):
    application = apply(option=BULK)
    service_changes.reject(application, person("operator"), now(), reason="お申込書をお送りください。")
    db.session.commit()
    letter = db.session.query(OutboxMessage).one()
    assert (letter.facts["outcome"], letter.facts["path"]) == ("却下", "/admin/service/")
    assert "お申込書を" in letter.facts["detail"] and not company.has_bulk_signing
    assert apply(option=BULK).state is ServiceState.received  # it may be tried again


@pytest.mark.requirement("I9", "I11", "I12")
def test_a_plan_counts_from_the_first_moment_of_its_day_and_ends_the_case_options(apply, approve, company):
    company.has_case_at_registration = company.has_case_at_receipt = company.has_bulk_signing = True
    application = approve(apply(plan=PlanKind.both_sides), days=2)
    day = midnight(in_days(2))
    assert run_job("service-changes", day - dt.timedelta(seconds=1))["due"] == 0
    assert company.plan.kind is PlanKind.one_side
    assert run_job("service-changes", day)["done"] == 1
    assert run_job("service-changes", day)["due"] == 0
    assert service_changes.take_effect(application, day) is False  # another worker had it in hand
    db.session.expire_all()
    assert company.plan.kind is PlanKind.both_sides and company.has_bulk_signing
    assert not (company.has_case_at_registration or company.has_case_at_receipt)
    assert notes().count(AccountAction.service_change_took_effect) == 1


@pytest.mark.requirement("I11", "I12")
def test_a_case_option_approved_before_the_plan_changed_stays_off(apply, approve, company):
    option = approve(apply(option=CASE), days=3)
    approve(apply(plan=PlanKind.both_sides), days=2)
    db.session.execute(db.delete(OutboxMessage))
    db.session.commit()
    assert run_job("service-changes", midnight(in_days(4)))["done"] == 2
    db.session.expire_all()
    assert company.plan.kind is PlanKind.both_sides and not company.has_case_at_registration
    assert (option.state, option.took_effect_at) == (ServiceState.withdrawn, None)  # and nobody is told that it is in force
    letter = db.session.query(OutboxMessage).one()
    assert letter.facts["outcome"].startswith("承認の取消") and "片方課金プランの企業のみ" in letter.facts["detail"]
    assert notes()[-1] is AccountAction.service_change_called_off
    assert run_job("service-changes", midnight(in_days(4)))["due"] == 0


@pytest.mark.requirement("I11", "I12", "R96")
def test_a_case_option_may_begin_with_the_plan_that_allows_it(apply, approve, person):
    plan = apply("stranger", plan=PlanKind.one_side, days=2)
    with pytest.raises(Refused, match="片方課金プランの企業のみ"):
        apply("stranger", option=CASE, days=1)
    db.session.rollback()
    option = apply("stranger", option=CASE, days=2)
    with pytest.raises(Refused, match="片方課金プランの企業のみ"):
        approve(option, days=2)  # the plan first
    db.session.rollback()
    approve(plan, days=3)
    with pytest.raises(Refused, match="片方課金プランの企業のみ"):
        approve(option, days=2)
    db.session.rollback()
    approve(option, days=3)
    assert run_job("service-changes", midnight(in_days(3)))["done"] == 2
    db.session.expire_all()
    assert person("stranger").company.has_case_at_registration


@pytest.mark.requirement("I9", "R102", "R104")
@pytest.mark.parametrize("job_ran", [True, False])
def test_what_is_sent_after_midnight_has_the_new_plan_with_or_without_the_job(make_document, apply, approve, person, job_ran):
    draft = make_document(Status.draft, NO_SIGNATURE)
    before = make_document(Status.receiver_receipt, NO_SIGNATURE)
    approve(apply("receiver_admin", plan=PlanKind.one_side), days=1)
    after = midnight(in_days(1))
    if job_ran:
        run_job("service-changes", after)
        db.session.expire_all()
    registration.send(draft, person("registrar"), after)
    db.session.commit()
    assert [party.plan_at_sending for party in draft.parties] == [PlanKind.one_side, PlanKind.one_side]
    assert documents.needs_fee_acknowledged(draft, person("recipient").company_id)
    # what was sent before keeps what it was sent under
    assert [party.plan_at_sending for party in before.parties] == [PlanKind.one_side, PlanKind.partner]
    documents.confirm_receipt(before, person("recipient"), after, choice=Choice())
    assert before.status is Status.completion_wait


@pytest.mark.requirement("R104", "D11", "I9")
def test_receipt_goes_by_the_plans_of_today(make_document, apply, approve, person, company):
    """片方課金 → 双方課金 between 発信 and 受取確認: the pair is no longer available, until the partner changes too."""
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    approve(apply(plan=PlanKind.both_sides), days=1)
    after = midnight(in_days(1))
    for _ in range(2):  # also when asked again
        with pytest.raises(PairNotAvailable) as refusal:
            documents.confirm_receipt(document, person("recipient"), after, choice=Choice())
        assert refusal.value.sentence == OWN_MUST_CHANGE
        db.session.rollback()
    assert document.status is Status.receiver_receipt
    run_job("service-changes", after)
    db.session.expire_all()
    receiver = person("receiver_admin").company
    for plan, may in ((PlanKind.both_sides, True), (PlanKind.partner, False), (PlanKind.one_side, True)):
        receiver.plan = db.session.query(Plan).filter_by(kind=plan).one()
        if may:
            documents.check_receipt(document, person("recipient"))
        else:
            with pytest.raises(PairNotAvailable):
                documents.check_receipt(document, person("recipient"))
    assert document.party_of(receiver.id).plan_at_sending is PlanKind.partner


@pytest.mark.requirement("D9", "D11", "R104")
def test_the_message_of_the_manual_after_ones_own_change(apply, approve, person):
    """取引先専用 towards 双方課金: stays unavailable after a change to 双方課金 of the wrong side, and opens after one's own."""
    receiver, third = person("receiver_admin").company, person("stranger").company
    with pytest.raises(PairNotAvailable, match=OWN_MUST_CHANGE):
        recipients.charge_of(receiver, third)
    approve(apply("receiver_admin", plan=PlanKind.both_sides))
    db.session.expire_all()
    assert recipients.charge_of(receiver, third).own
    approve(apply("receiver_admin", plan=PlanKind.partner))
    approve(apply("stranger", plan=PlanKind.partner))
    with pytest.raises(PairNotAvailable, match=OWN_MUST_CHANGE):
        recipients.charge_of(receiver, third)
    approve(apply("stranger", plan=PlanKind.both_sides))
    with pytest.raises(PairNotAvailable, match=OWN_MUST_CHANGE):  # the partner's change to 双方課金 does not help (D11)
        recipients.charge_of(receiver, third)
    approve(apply("receiver_admin", plan=PlanKind.one_side))
    assert recipients.charge_of(receiver, third).own


@pytest.mark.requirement("B5", "I11")
def test_leaving_ends_what_was_sent_and_leaves_the_rest_to_its_sender(make_document, apply, approve, person):
    own = make_document(Status.receiver_receipt, NO_SIGNATURE)
    draft, done = make_document(Status.draft, NO_SIGNATURE), make_document(Status.completion_wait, NO_SIGNATURE)
    assert queries.documents_under_way(own.sender.company_id) == [own]
    application = approve(apply(kind=ServiceKind.termination), days=2)
    with pytest.raises(Refused, match="解約の申請が"):
        apply(option=BULK)
    db.session.rollback()
    db.session.execute(db.delete(OutboxMessage))
    day = midnight(in_days(2))
    assert run_job("service-changes", day)["done"] == 1 and run_job("service-changes", day)["done"] == 1
    db.session.expire_all()
    company = own.sender.company
    assert (company.status, company.ended_on, application.took_effect_at) == (CompanyStatus.terminated, in_days(1), day)
    assert (own.status, draft.status, done.status) == (Status.withdrawn, Status.draft, Status.completion_wait)
    assert "解約" in own.events[-1].reason and own.events[-1].actor_id is None
    told = {row.user_id for row in db.session.query(OutboxMessage).filter_by(letter=Letter.withdrawn)}
    assert person("recipient").id in told
    assert run_job("service-changes", day)["due"] == 0
    run_job("archive-transfer", day)  # what was concluded is kept all the same
    db.session.expire_all()
    assert done.status is Status.archived and queries.document_of(person("registrar"), done.id) is done
    for act in (
        lambda: registration.send(draft, person("registrar"), day),
        lambda: apply(option=BULK),
        lambda: service_changes.key_in(
            company, person("operator"), day, form_token="x", wish=Wish(ServiceKind.option_start, in_days(3), option=BULK)
        ),
        lambda: standing.resume(company, person("operator"), day),
    ):
        with pytest.raises((Refused, OutOfTurn)):
            act()
        db.session.rollback()
    with pytest.raises(Refused, match="企業IDまたは利用者ID"):
        recipients.recipient_of(company.code, person("registrar").user_code, person("receiver_admin").company)


@pytest.mark.requirement("B5")
def test_a_leaving_receiver_keeps_no_sender_from_withdrawing(make_document, apply, approve, person):
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    approve(apply("receiver_admin", kind=ServiceKind.termination))
    db.session.expire_all()
    assert document.receivers[0].company.ended_on == in_days(0)
    with pytest.raises(Refused, match="停止"):
        documents.confirm_receipt(document, person("recipient"), now(), choice=Choice())
    db.session.rollback()
    assert run_job("service-changes")["due"] == 0 and document.status is Status.receiver_receipt
    documents.withdraw(document, person("registrar"), now())
    assert document.status is Status.withdrawn


@pytest.mark.requirement("I9")
def test_an_operator_keys_in_a_change_from_paper(person, company):
    wish = Wish(ServiceKind.plan_change, in_days(0), plan=PlanKind.partner)
    application = service_changes.key_in(company, person("operator"), now(), form_token="x", wish=wish)
    db.session.commit()
    assert (application.applicant, application.decided_by) == (None, person("operator"))
    assert company.plan.kind is PlanKind.partner
    letter = db.session.query(OutboxMessage).one()
    assert (letter.letter, letter.user_id) == (Letter.application_decided, person("admin").id)


@pytest.mark.requirement("B5", "I1")
def test_stopping_and_going_on_are_told_and_recorded(person, company):
    standing.suspend(company, person("operator"), now())
    db.session.commit()
    with pytest.raises(OutOfTurn, match="停止"):
        standing.suspend(company, person("operator"), now())
    db.session.rollback()
    standing.resume(company, person("operator"), now())
    db.session.commit()
    assert company.is_active
    assert notes() == [AccountAction.company_suspended, AccountAction.company_resumed]
    letters = db.session.query(OutboxMessage).order_by(OutboxMessage.id).all()
    assert [(row.user_id, row.facts["is_resumed"]) for row in letters] == [(person("admin").id, False), (person("admin").id, True)]
