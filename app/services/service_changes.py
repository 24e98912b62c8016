"""プラン変更, オプション申請 and 解約 of a company that is there, from the 申請 to the day on which it counts (I9, I11).

An approved 申請 waits for its 適用日, the first day in Japan on which it counts.  On that day a job lets it take effect
within a minute.  Whoever acts before does so as well: :mod:`app.security` for the own company, and for all of them where
an operator acts, before it takes anything that is sent, and `steps.open_step` for all companies of a document, so that a document sent after midnight has the new
plan, and nobody acts for a company that has left, whether or not the job has run.  What was sent before keeps the plans
it was sent under.
"""

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy import select, update

from app import queries
from app.clock import japan_date
from app.errors import OutOfTurn, Refused
from app.extensions import asked_from, db
from app.labels import (
    CALLED_OFF,
    OPTION,
    PLAN,
    SERVICE_STATE,
    day,
    service_differences,
    service_facts,
    wish_of,
)
from app.models import (
    AccountAction,
    Company,
    CompanyOption,
    CompanyStatus,
    Letter,
    Plan,
    ServiceApplication,
    ServiceKind,
    ServiceState,
)
from app.plans import PlanKind
from app.services import companies, journal, outbox, service_review, usage

MOST_NOTE = 1000  # characters
MOST_DAYS_AHEAD = 366
OPTION_KINDS = (ServiceKind.option_start, ServiceKind.option_end)
CASE_OPTIONS = (CompanyOption.case_at_registration, CompanyOption.case_at_receipt)
ALREADY_SENT = "この申請はすでに受け付けています。申請の状況をご確認ください。"
ALREADY_OPEN = "同じ内容の申請が、審査中または適用待ちです。審査の結果または適用日をお待ちください。"
LEAVING = "解約の申請が審査中または適用待ちのため、申請できません。利用を続ける場合は、解約の申請を取り下げるか、お問い合わせ窓口までご連絡ください。"
ONLY_ONE_SIDE = "案件管理オプションは、片方課金プランの企業のみご利用いただけます。"


@dataclass(frozen=True)
class Wish:
    """What is to change, and from which day."""

    kind: ServiceKind
    wanted_on: dt.date | None = None  # 適用希望日, in Japan
    plan: PlanKind | None = None  # of a プラン変更
    option: CompanyOption | None = None  # of an オプション申請
    note: str = ""


# -- by the company's administrator ---------------------------------------------


def apply_for(company, actor, now, *, form_token, wish, keyed_in_by=None):
    """Hand in a 申請 (受付); the caller commits.

    :param actor: the administrator; None where an operator keys it in from paper, see :func:`key_in`
    :param keyed_in_by: that operator
    :raises OutOfTurn: the form was sent before
    :raises Refused: nothing that could be applied for now; the sentence says why
    """
    companies.hold(company.id)
    if db.session.scalar(select(ServiceApplication.id).where(ServiceApplication.form_token == form_token)):
        raise OutOfTurn(ALREADY_SENT)
    if actor is not None:
        companies.check_active(company)
    _check_day(wish.wanted_on, now)
    _check(company, wish, queries.service_changes_to_come(company.id))
    application = service_review.begin(
        wish.kind, now, form_token=form_token, actor=actor, company=company, plan=wish.plan, option=wish.option,
        wanted=_as_kept(wish),
    )  # fmt: skip
    service_review.move(application, ServiceState.received, now, actor=actor)
    db.session.flush()
    _note(AccountAction.service_change_applied, application, now, actor=actor or keyed_in_by)
    return application


def withdraw(application, actor, now):
    """取下げ, while it is 受付 or 差戻し.

    :raises OutOfTurn: an operator has taken it up or decided
    """
    _hold(application)
    if not service_review.may_withdraw(application):
        raise OutOfTurn("この申請は、運営者がすでに審査しています。申請の状況をご確認ください。")
    service_review.move(application, ServiceState.withdrawn, now, actor=actor)
    _note(AccountAction.service_change_withdrawn, application, now, actor=actor)


def resubmit(application, actor, now, *, wish):
    """Hand in again what an operator gave back (差戻し); what is applied for stays, day and note may change.

    :raises OutOfTurn: it is not with the applicant
    """
    _hold(application)
    if application.state not in service_review.FOR_APPLICANT:
        raise OutOfTurn(ALREADY_SENT)
    companies.check_active(application.company)
    _check_day(wish.wanted_on, now)
    others = [one for one in queries.service_changes_to_come(application.company_id) if one is not application]
    _check(application.company, wish, others)
    application.plan, application.wanted = wish.plan, _as_kept(wish)
    service_review.move(application, ServiceState.received, now, actor=actor)
    _note(AccountAction.service_change_applied, application, now, actor=actor)


def wish_again(application):
    """What a 申請 asks for, as its form holds it."""
    wanted_on = application.wanted.get("wanted_on")
    return Wish(
        application.kind, dt.date.fromisoformat(wanted_on) if wanted_on else None, application.plan, application.option,
        application.wanted.get("note", ""),
    )  # fmt: skip


def has(company, option):
    """Whether an option is in force for the company now."""
    return getattr(company, f"has_{option.value}")


def _as_kept(wish):
    return {"wanted_on": wish.wanted_on.isoformat() if wish.wanted_on else "", "note": wish.note.strip()[:MOST_NOTE]}


def _check_day(wanted_on, now):
    today = japan_date(now)
    if wanted_on is None or wanted_on < today:
        raise Refused("適用日には、本日以降の日付を入力してください。")
    if wanted_on > today + dt.timedelta(days=MOST_DAYS_AHEAD):
        raise Refused("適用日には、1年以内の日付を入力してください。")


def _check(company, wish, to_come):
    """Refuse what is so already, what waits already, and what the plan does not allow (R96, R97, I11)."""
    if company.status is CompanyStatus.terminated:
        raise Refused("解約済みの企業のため、申請できません。")
    if wish.kind is ServiceKind.termination:
        if any(one.kind is ServiceKind.termination for one in to_come):
            raise Refused(ALREADY_OPEN)
        return
    if any(one.kind is ServiceKind.termination for one in to_come):
        raise Refused(LEAVING)
    if wish.kind is ServiceKind.plan_change:
        if wish.plan is None:
            raise Refused("変更後のプランを選択してください。")
        if any(one.kind is ServiceKind.plan_change for one in to_come):
            raise Refused("プラン変更の申請が、審査中または適用待ちです。審査の結果または適用日をお待ちください。")
        if wish.plan is company.plan.kind:
            raise Refused(f"現在のプランと同じです（{PLAN[wish.plan]}）。別のプランを選択してください。")
        return
    if wish.option is None:
        raise Refused("オプションを選択してください。")
    if any(one.option is wish.option for one in to_come):
        raise Refused(ALREADY_OPEN)
    starts = wish.kind is ServiceKind.option_start
    if has(company, wish.option) is starts:
        raise Refused(f"{OPTION[wish.option]}は、{'すでに利用中' if starts else 'ご利用になっていない'}ため、申請できません。")
    if starts and wish.option in CASE_OPTIONS and plan_on(wish.wanted_on, company, to_come) is not PlanKind.one_side:
        raise Refused(ONLY_ONE_SIDE)


def plan_on(day_wanted, company, to_come):
    """The plan of a day to come, by the プラン変更 that waits; of any day where it is None."""
    for one in to_come:
        begins = one.effective_on or wish_again(one).wanted_on
        if one.kind is ServiceKind.plan_change and (day_wanted is None or begins <= day_wanted):
            return one.plan
    return company.plan.kind


# -- by the operator --------------------------------------------------------------


def key_in(company, operator, now, *, form_token, wish):
    """Register a change that came on paper, and approve it for its day: the same way, without an applicant (I9)."""
    apply_due([company.id], now)
    application = apply_for(company, None, now, form_token=form_token, wish=wish, keyed_in_by=operator)
    approved(application, operator, now, effective_on=wish.wanted_on)
    return application


def approved(application, operator, now, *, effective_on):
    """承認: the change counts from a day on, at once where that is today; the applicant is told by mail.

    :param effective_on: 適用日 in Japan, today or later
    :raises OutOfTurn: somebody else has decided
    :raises Refused: a day that is over, or what is no longer possible
    """
    companies.hold(application.company_id)
    apply_due([application.company_id], now)  # in the order of their days, also where no worker runs
    _hold(application)
    _check_day(effective_on, now)
    settled = [one for one in queries.service_changes_to_come(application.company_id) if one.state is ServiceState.approved]
    _check(application.company, replace(wish_again(application), wanted_on=effective_on), settled)
    service_review.move(application, ServiceState.approved, now, actor=operator)
    application.effective_on = effective_on
    _note(AccountAction.service_change_approved, application, now, actor=operator, said=f"（適用日：{day(effective_on)}）")
    _tell(application, now, f"適用日　　： {day(effective_on)}")
    if effective_on <= japan_date(now):
        take_effect(application, now)


def send_back(application, operator, now, *, reason):
    """差戻し: the applicant reads why, in the mail and on ［プラン・オプション申請］, and corrects it there."""
    _hold(application)
    service_review.send_back(application, operator, now, reason=reason)
    _note_and_tell(application, operator, now)


def reject(application, operator, now, *, reason):
    """却下: nothing changes, and the applicant reads why."""
    _hold(application)
    service_review.reject(application, operator, now, reason=reason)
    _note_and_tell(application, operator, now)


def may_call_off(application, now):
    """Whether an approved change still waits for its 適用日."""
    is_change = application.kind in _EFFECT and application.state is ServiceState.approved
    return is_change and application.took_effect_at is None and application.effective_on > japan_date(now)


def call_off(application, operator, now, *, reason):
    """取消 of an approval before its 適用日: nothing changes, and the applicant reads why.

    :raises OutOfTurn: its day has come, or somebody else has called it off
    """
    companies.hold(application.company_id)
    _hold(application)
    if not may_call_off(application, now):
        raise OutOfTurn("この申請は、すでに適用日になったか、他の利用者が処理しています。最新の状態をご確認ください。")
    _call_off(application, operator, now, reason)


def _call_off(application, operator, now, reason):
    service_review.call_off(application, operator, now, reason=reason)
    never, application.effective_on = day(application.effective_on), None
    _note(AccountAction.service_change_called_off, application, now, actor=operator, said=f"（適用日：{never}）")
    _tell(application, now, f"適用日　　： {never}\n理由　　　： {application.reason}", outcome=CALLED_OFF)


def _note_and_tell(application, operator, now):
    _note(AccountAction.service_change_refused, application, now, actor=operator, said=f"：{SERVICE_STATE[application.state]}")
    _tell(application, now, f"理由　　　： {application.reason}")


def _note(action, application, now, *, actor=None, said=None):
    """操作履歴, and with it the 監査ログ, of the company it is about: who, when, what was applied for and what is said of it.

    :param said: what follows the 申請; the 適用希望日 where it is not given
    """
    wanted_on = wish_again(application).wanted_on
    said = (f"（適用希望日：{day(wanted_on)}）" if wanted_on else "") if said is None else said
    journal.note(action, now, actor=actor, company=application.company, note=f"{application.number} {wish_of(application)}{said}")


def _hold(application):
    """The row as it is now, held until the commit; nobody decides or takes it back meanwhile."""
    db.session.flush()
    db.session.refresh(application, with_for_update={"of": ServiceApplication})


def _tell(application, now, said, *, outcome=None):
    """The result to the applicant; where that is nobody any more, to all administrators."""
    detail = f"申請番号　： {application.number}\n{said}"
    applicant = application.applicant
    has_left = applicant is None or not applicant.is_selectable
    for person in queries.administrators_of(application.company_id) if has_left else [applicant]:
        outbox.owe(
            Letter.application_decided, person, now, what=wish_of(application),
            outcome=outcome or SERVICE_STATE[application.state], detail=detail, path="/admin/service/",
        )  # fmt: skip


# -- on its day -------------------------------------------------------------------


def apply_due(company_ids, now):
    """Let take effect whatever of these companies is due, so that what follows goes by the rules of today.

    :param company_ids: None for all companies
    :returns: whether anything was due
    """
    due = queries.service_changes_due(japan_date(now), company_ids)
    for company_id in sorted({application.company_id for application in due}):  # in one order, whoever else does so
        companies.hold(company_id)
    for application in due:
        take_effect(application, now)
    if due:  # what this transaction had read of the companies before
        fresh = select(Company).where(Company.id.in_([application.company_id for application in due])).execution_options(populate_existing=True)
        db.session.scalars(fresh).unique().all()
    return bool(due)


def take_effect(application, now):
    """Carry out an approved 申請, once, however many try; False where it is done already.  The caller commits.

    The months before it are owed under what was before it, also where no worker has recorded them.
    """
    db.session.flush()
    with asked_from(""):  # its day does it: the address of whoever acts first on it is not the company's to read (S7)
        return _take_effect(application, now)


def _take_effect(application, now):
    companies.hold(application.company_id)
    claimed = db.session.execute(
        update(ServiceApplication)
        .where(
            ServiceApplication.id == application.id, ServiceApplication.took_effect_at.is_(None),
            ServiceApplication.state == ServiceState.approved, ServiceApplication.effective_on <= japan_date(now),
        )
        .values(took_effect_at=now)
        .execution_options(synchronize_session=False)
    ).rowcount  # fmt: skip
    db.session.refresh(application)
    if not claimed:
        return False
    company = application.company
    db.session.refresh(company)
    if _is_void(application, company):
        application.took_effect_at = None
        _call_off(application, None, now, ONLY_ONE_SIDE)
        return True
    usage.catch_up(company, _last_day_before(application), now)
    before = service_facts(company)
    _EFFECT[application.kind](application, company)
    usage.record_monthly(company, application.effective_on, now)  # of an option that begins; of a plan, from next month
    differences = service_differences(before, service_facts(company))  # of a plan, also the options that end with it
    _note(AccountAction.service_change_took_effect, application, now, said=f"（適用日：{day(application.effective_on)}）{differences}")
    return True


def _last_day_before(application):
    """The last day of what was before: the eve of the 適用日; of a 解約 decided on that very day, the day itself."""
    eve = application.effective_on - dt.timedelta(days=1)
    return max(eve, japan_date(application.decided_at)) if application.kind is ServiceKind.termination else eve


def _change_plan(application, company):
    """The plan of today; without 片方課金プラン 案件 are kept, but no longer added to (I11)."""
    company.plan = db.session.scalar(select(Plan).where(Plan.kind == application.plan))
    if application.plan is not PlanKind.one_side:
        for option in CASE_OPTIONS:
            setattr(company, f"has_{option.value}", False)


def _is_void(application, company):
    """Whether an approved 案件管理オプション can no longer begin: the plan has changed since."""
    is_case = application.kind is ServiceKind.option_start and application.option in CASE_OPTIONS
    return is_case and company.plan.kind is not PlanKind.one_side


def _switch_option(application, company):
    setattr(company, f"has_{application.option.value}", application.kind is ServiceKind.option_start)


def _end(application, company):
    """解約: from today on the company reads and does no more; its certificates are left as they are."""
    company.status = CompanyStatus.terminated
    company.ended_on = _last_day_before(application)


_EFFECT = {
    ServiceKind.plan_change: _change_plan,
    ServiceKind.option_start: _switch_option,
    ServiceKind.option_end: _switch_option,
    ServiceKind.termination: _end,
}
