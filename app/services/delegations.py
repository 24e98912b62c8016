"""代理: a person lets a colleague act in the own place for some days, or an administrator does so for them.

What the deputy then does is the deputy's own doing, with the own certificate; the record says in whose place
(:func:`app.services.steps.take`).  The person may still act too: whoever comes second is told so.
"""

import datetime as dt

from sqlalchemy import select

from app import queries
from app.clock import japan_date
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import day
from app.models import AccountAction, Delegation, Letter, PortalUser
from app.services import companies, journal, outbox

MOST_DAYS = 366
DEPUTY_DELETED = "代理者の利用者IDが削除されたため、自動的に終了しました。必要な場合は、別の代理者を指定してください。"


def name_deputy(person, deputy, first_day, last_day, actor, now):
    """代理者の指定, from `first_day` to `last_day`, both inclusive, in Japan.

    :param actor: the person, or an administrator of the company
    :raises Refused: the days or the deputy do not do; the sentence says why
    """
    companies.check_active(person.company)
    _hold(person, deputy)
    _check_days(first_day, last_day, japan_date(now))
    _check_people(person, deputy, actor, now)
    for other in queries.delegations_of(person):
        if other.first_day <= last_day and first_day <= other.last_day:
            raise Refused(
                f"この期間には、すでに「{other.deputy.full_name}」様が代理者に指定されています"
                f"（{day(other.first_day)}から{day(other.last_day)}まで）。期間が重ならないように指定してください。"
            )
    delegation = Delegation(
        user=person, deputy=deputy, first_day=first_day, last_day=last_day, created_at=now, created_by_id=actor.id
    )
    db.session.add(delegation)
    journal.note(AccountAction.deputy_named, now, user=person, actor=actor, note=_words(delegation))
    _tell(delegation, actor, now)
    return delegation


def end(delegation, actor, now):
    """End a 代理 before its time; the deputy can do nothing more from this moment on.

    :raises OutOfTurn: it is over already
    """
    _hold(delegation.user, delegation.deputy)
    db.session.refresh(delegation)
    if delegation.is_over(japan_date(now)):
        raise OutOfTurn("この代理者の指定は、すでに終了しています。")
    _end(delegation, actor, now)


def end_all_with(person, actor, now):
    """利用者削除: the person neither needs nor is a deputy any more."""
    for delegation in queries.delegations_with(person):
        _end(delegation, actor, now, reason=DEPUTY_DELETED if delegation.deputy is person else "")


def _end(delegation, actor, now, reason=""):
    delegation.ended_at = now
    journal.note(AccountAction.deputy_ended, now, user=delegation.user, actor=actor, note=_words(delegation))
    _tell(delegation, actor, now, is_ended=True, reason=reason)


def _hold(*people):
    """Read the people again and let nobody delete them or name deputies for them until the commit."""
    db.session.scalars(
        select(PortalUser)
        .where(PortalUser.id.in_([person.id for person in people]))
        .order_by(PortalUser.id)
        .with_for_update(of=PortalUser)
        .execution_options(populate_existing=True)
    ).unique().all()


def _check_days(first_day, last_day, today):
    if first_day < today:
        raise Refused("開始日には、本日以降の日付を指定してください。")
    if last_day < first_day:
        raise Refused("終了日には、開始日以降の日付を指定してください。")
    if last_day - first_day >= dt.timedelta(days=MOST_DAYS):
        raise Refused("代理の期間は、1年以内で指定してください。")


def _check_people(person, deputy, actor, now):
    if actor.id != person.id and not (actor.is_company_admin and actor.company_id == person.company_id):
        raise Refused("ほかの方の代理者を指定できるのは、自社の管理者です。")
    if not person.is_selectable:
        raise Refused("削除済みの利用者には、代理者を指定できません。")
    if deputy.id == person.id:
        raise Refused("ご本人を代理者に指定することはできません。ほかの利用者を指定してください。")
    if deputy.company_id != person.company_id or not deputy.is_selectable:
        raise Refused("代理者には、自社の有効な利用者IDを指定してください。［参照］から選択し直してください。")
    if deputy.locked_until is not None and now < deputy.locked_until:
        raise Refused(
            f"「{deputy.full_name}」様のログインは、現在ロックされています。ロックの解除後に指定し直すか、ほかの利用者を指定してください。"
        )


def _words(delegation):
    days = f"{day(delegation.first_day)}から{day(delegation.last_day)}まで"
    return f"{delegation.user.full_name} → {delegation.deputy.full_name}（{days}）"


def _tell(delegation, actor, now, *, is_ended=False, reason=""):
    """Both hear of it, but not who did it."""
    for person in (delegation.deputy, delegation.user):
        if person.is_selectable and person is not actor:
            outbox.owe(
                Letter.deputy_changed, person, now, is_ended=is_ended, is_deputy=person is delegation.deputy,
                absent=delegation.user.full_name, deputy=delegation.deputy.full_name, reason=reason,
                signs_by_code=person.company.signs_by_code,
                first_day=day(delegation.first_day), last_day=day(delegation.last_day),
                by=actor.full_name if actor is not delegation.user else "",
            )  # fmt: skip
