"""代理: who may act for whom today.  No chains: whoever stands in for a deputy is nobody's deputy by that."""

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.clock import japan_date, now
from app.errors import NotFound
from app.extensions import db
from app.models import Delegation
from app.queries.typed import MOST_ID
from app.workflow import WAITING


def represented_by(user):
    """The ids of the people in whose place `user` may act today."""
    today = japan_date(now())
    return [delegation.user_id for delegation in user.deputyships if delegation.is_running(today)]


def deputy_of(person):
    """Who may act in a person's place today, or None; nobody's place (None) is taken by none."""
    today = japan_date(now())
    running = (one.deputy for one in person.delegations if one.is_running(today)) if person is not None else ()
    return next((deputy for deputy in running if deputy.is_selectable), None)


def acts_as_deputy(user, document):
    """Whether the document waits for somebody in whose place `user` may act; registering is nobody else's."""
    is_others = document.status in WAITING and document.holder_id != user.id
    return is_others and document.holder_id in represented_by(user)


def delegations_of(person):
    """The person's own 代理 that run or are to come, by their days."""
    return _with_people(Delegation.user_id == person.id)


def delegations_to(person):
    """The 代理 that run or are to come in which the person is the deputy, by their days."""
    return _with_people(Delegation.deputy_id == person.id)


def delegations_with(person):
    """The 代理 that run or are to come in which the person has either part."""
    return _with_people(or_(Delegation.user_id == person.id, Delegation.deputy_id == person.id))


def all_delegations_with(person):
    """All 代理 in which the person had or has either part, by number."""
    with_person = or_(Delegation.user_id == person.id, Delegation.deputy_id == person.id)
    return db.session.scalars(select(Delegation).where(with_person).order_by(Delegation.id)).all()


def delegation_of(person, delegation_id):
    """One of the person's own, also one that is over, or :class:`NotFound` for unknown and foreign alike."""
    found = db.session.get(Delegation, delegation_id) if delegation_id <= MOST_ID else None
    if found is None or found.user_id != person.id:
        raise NotFound
    return found


def _with_people(whose):
    return db.session.scalars(
        select(Delegation)
        .where(whose, Delegation.ended_at.is_(None), Delegation.last_day >= japan_date(now()))
        .order_by(Delegation.first_day, Delegation.id)
        .options(joinedload(Delegation.user), joinedload(Delegation.deputy))
    ).all()
