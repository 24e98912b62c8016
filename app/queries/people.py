"""People and companies."""

from flask_appbuilder.security.sqla.models import Role as FabRole
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import ApplicationState, Company, CompanyChange, PortalUser
from app.queries.typed import MOST_ID, as_code, page_of


def colleagues(company_id, user_code=""):
    """利用者選択: the selectable people of one company, all or those whose 利用者ID holds `user_code` (R68)."""
    found = _selectable(company_id)
    if user_code:
        found = found.where(PortalUser.username.contains(as_code(user_code), autoescape=True))
    return db.session.scalars(found.order_by(PortalUser.username)).unique().all()


def people_by_code(company_id, user_codes):
    """The selectable people of one company by 利用者ID (upper case); whoever is missing is not one."""
    people = db.session.scalars(_selectable(company_id).where(PortalUser.username.in_(user_codes))).unique()
    return {person.user_code: person for person in people}


def people_of(company_id, *, code="", name="", condition=None, page=1, page_size=20):
    """利用者情報照会: the people of one company by 利用者ID, those deleted only when asked for (R26).

    :param condition: what else must hold of a :class:`PortalUser`; None leaves out the deleted
    """
    found = select(PortalUser).where(PortalUser.company_id == company_id)
    found = found.where(PortalUser.deleted_at.is_(None) if condition is None else condition)
    if code:
        found = found.where(PortalUser.username.contains(as_code(code), autoescape=True))
    if name:
        found = found.where(
            or_(column.icontains(name.strip(), autoescape=True) for column in (PortalUser.full_name, PortalUser.kana))
        )
    return page_of(found.order_by(PortalUser.username), page, page_size, selectinload(PortalUser.activations))


def person_of(company_id, user_id):
    """One person of a company, deleted or not, or :class:`NotFound` for unknown and foreign alike."""
    person = db.session.get(PortalUser, user_id) if user_id <= MOST_ID else None
    if company_id is None or person is None or person.company_id != company_id:
        raise NotFound
    return person


def administrators_of(company_id):
    """The active 管理用ID of one company (R8)."""
    found = _selectable(company_id).where(PortalUser.roles.any(name="CompanyAdmin"))
    return db.session.scalars(found.order_by(PortalUser.username)).unique().all()


def operators():
    """The active 運営者, who are told what goes wrong."""
    found = select(PortalUser).where(PortalUser.active.is_(True), PortalUser.deleted_at.is_(None))
    return db.session.scalars(found.where(PortalUser.roles.any(name="Operator")).order_by(PortalUser.username)).unique().all()


def role_rows(*names):
    """Flask-AppBuilder's rows of these roles."""
    return db.session.scalars(select(FabRole).where(FabRole.name.in_(names))).all()


def _selectable(company_id):
    return select(PortalUser).where(
        PortalUser.company_id == company_id, PortalUser.active.is_(True), PortalUser.deleted_at.is_(None)
    )


def company_by_code(company_code):
    return db.session.scalar(select(Company).where(Company.code == as_code(company_code)))


def people_by_id(company_id, user_ids):
    """The selectable people of one company among these ids, by 利用者ID."""
    found = _selectable(company_id).where(PortalUser.id.in_(user_ids)).order_by(PortalUser.username)
    return db.session.scalars(found).unique().all()


def open_change_of(company_id):
    """The 変更申請 of a company that waits for the operator, or None."""
    return db.session.scalar(
        select(CompanyChange).where(
            CompanyChange.company_id == company_id, CompanyChange.state == ApplicationState.received
        )
    )


def names_by_address():
    """Company and name of everybody, by mail address; for the demo's page of mails."""
    people = db.session.scalars(select(PortalUser).order_by(PortalUser.username)).unique()
    return {
        person.mail_address: " ".join(filter(None, [person.company and person.company.name, person.full_name]))
        for person in people
    }
