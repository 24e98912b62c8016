"""回覧ルート雛形 that a person may use: the company's, and the own ones."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import RouteTemplate
from app.queries.typed import MOST_ID
from app.workflow import Side


def route_templates_of(user):
    """The company's by name, then the person's own by name."""
    return db.session.scalars(
        _usable(user)
        .order_by(RouteTemplate.owner_id.is_not(None), RouteTemplate.name, RouteTemplate.id)
        .options(selectinload(RouteTemplate.steps))
    ).all()


def route_template_of(user, template_id):
    """One that the person may use, or :class:`NotFound` for unknown and foreign alike."""
    found = None
    if template_id <= MOST_ID:
        found = db.session.scalar(_usable(user).where(RouteTemplate.id == template_id))
    if found is None:
        raise NotFound
    return found


def default_route_template(company_id, side):
    """What new forms of the company begin with: 既定 for 登録 or for 受取; None where none is."""
    column = RouteTemplate.is_registration_default if side is Side.sender else RouteTemplate.is_receipt_default
    return db.session.scalar(select(RouteTemplate).where(RouteTemplate.company_id == company_id, column))


def route_templates_named(company_id, owner_id, name):
    """The templates of one owner, or of the whole company (None), that are called so."""
    return db.session.scalars(
        select(RouteTemplate).where(
            RouteTemplate.company_id == company_id, RouteTemplate.owner_id.is_not_distinct_from(owner_id),
            RouteTemplate.name == name,
        )
    ).all()  # fmt: skip


def count_route_templates(company_id, owner_id):
    """How many one owner, or the whole company (None), has."""
    return db.session.scalar(
        select(func.count()).where(
            RouteTemplate.company_id == company_id, RouteTemplate.owner_id.is_not_distinct_from(owner_id)
        )
    )


def _usable(user):
    return select(RouteTemplate).where(
        RouteTemplate.company_id == user.company_id,
        or_(RouteTemplate.owner_id.is_(None), RouteTemplate.owner_id == user.id),
    )
