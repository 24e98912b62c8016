"""Log-ins and what is noted of people: sessions, 操作履歴."""

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.clock import JAPAN, end_of_japan_day
from app.errors import NotFound
from app.extensions import db
from app.models import AccountAction, AccountEvent, Company, LoginSession, PortalUser
from app.queries.typed import MOST_ID, as_code, page_of


def person_of_session(user_id, login_session_id):
    """Whose cookie this is, while the log-in session it names goes on; else None (S10)."""
    asked = (
        select(PortalUser)
        .join(LoginSession, LoginSession.user_id == PortalUser.id)
        .where(PortalUser.id == user_id, LoginSession.id == login_session_id, LoginSession.ended_at.is_(None))
        .options(joinedload(PortalUser.roles), joinedload(PortalUser.deputyships))  # every page asks what they open
        .options(joinedload(PortalUser.company).undefer(Company.has_cases))  # and whether the menu has 案件管理
    )
    return db.session.scalars(asked).unique().one_or_none()


def person_half_way(stamp):
    """Who has given the password and owes the second factor; None where the log-in came to nothing since."""
    user = db.session.scalar(select(PortalUser).where(PortalUser.id == int(stamp.partition(":")[0])))
    is_current = user is not None and user.is_selectable and user.has_second_factor and user.log_in_stamp == stamp
    return user if is_current else None


def login_session_of(user, login_session_id):
    """One of the person's own sessions, or :class:`NotFound` for unknown and foreign alike."""
    found = None
    if login_session_id <= MOST_ID:
        found = db.session.scalar(
            select(LoginSession).where(LoginSession.id == login_session_id, LoginSession.user_id == user.id)
        )
    if found is None:
        raise NotFound
    return found


def open_sessions_of(user, since):
    """The person's sessions that began after `since` and were not ended, the newest first."""
    return db.session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None), LoginSession.started_at > since)
        .order_by(LoginSession.id.desc())
    ).all()


def log_ins_of(user, most=20):
    """The person's last log-ins and refused ones, the newest first."""
    return db.session.scalars(
        select(AccountEvent)
        .where(
            AccountEvent.user_id == user.id,
            AccountEvent.action.in_((AccountAction.log_in, AccountAction.log_in_refused)),
        )
        .order_by(AccountEvent.id.desc())
        .limit(most)
    ).all()


@dataclass(frozen=True)
class HistoryTerms:
    """Conditions of 操作履歴照会; None and empty mean that the condition is not set.  Days are Japan's."""

    user_code: str = ""
    action: AccountAction | None = None
    first: date | None = None
    last: date | None = None


def account_history(company_id, terms, page=1, page_size=50):
    """操作履歴 of one company, newest first (I19)."""
    found = select(AccountEvent).where(AccountEvent.company_id == company_id)
    if terms.user_code:
        named = PortalUser.username.contains(as_code(terms.user_code), autoescape=True)
        found = found.where(or_(AccountEvent.user.has(named), AccountEvent.actor.has(named)))
    if terms.action:
        found = found.where(AccountEvent.action == terms.action)
    if terms.first:
        found = found.where(AccountEvent.at >= datetime.combine(terms.first, time(), JAPAN))
    if terms.last:
        found = found.where(AccountEvent.at < end_of_japan_day(terms.last))
    with_people = (joinedload(AccountEvent.user), joinedload(AccountEvent.actor))
    return page_of(found.order_by(AccountEvent.id.desc()), page, page_size, *with_people)
