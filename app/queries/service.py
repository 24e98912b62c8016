"""利用申請: invitations of a company, and what an operator compares an application with."""

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload

from app.errors import NotFound
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    Company,
    ServiceApplication,
    ServiceInvitation,
    ServiceKind,
    ServiceState,
)
from app.queries.typed import MOST_ID, page_of


def invitations_of(company_id, page=1, page_size=20):
    """取引先への利用申請案内 of one company, the newest first."""
    found = select(ServiceInvitation).where(ServiceInvitation.company_id == company_id)
    return page_of(
        found.order_by(ServiceInvitation.id.desc()), page, page_size,
        joinedload(ServiceInvitation.application).joinedload(ServiceApplication.company),
    )  # fmt: skip


def invitation_of(company_id, invitation_id):
    """One invitation of a company, or :class:`NotFound` for unknown and foreign alike."""
    found = db.session.get(ServiceInvitation, invitation_id) if invitation_id <= MOST_ID else None
    if company_id is None or found is None or found.company_id != company_id:
        raise NotFound
    return found


def unused_invitations_of(company_id):
    """Those not cancelled for which nobody has handed in an application."""
    return db.session.scalars(
        select(ServiceInvitation).where(
            ServiceInvitation.company_id == company_id,
            ServiceInvitation.used_at.is_(None),
            ServiceInvitation.cancelled_at.is_(None),
        )
    ).all()


def invitations_to(company_id, mail_address):
    """The company's own invitations to an address, but the cancelled ones, the newest first; of no other company."""
    return db.session.scalars(
        select(ServiceInvitation)
        .where(
            ServiceInvitation.company_id == company_id,
            func.lower(ServiceInvitation.mail_address) == mail_address.lower(),
            ServiceInvitation.cancelled_at.is_(None),
        )
        .order_by(ServiceInvitation.id.desc())
    ).all()


def earlier_application_to(invitation):
    """An undecided 利用申請 handed in by another invitation to the same address, or None.

    For whoever reads that mailbox; no inviting company may learn of it (S7).
    """
    return db.session.scalar(
        select(ServiceApplication)
        .join(ServiceInvitation, ServiceInvitation.id == ServiceApplication.invitation_id)
        .where(
            func.lower(ServiceInvitation.mail_address) == invitation.mail_address.lower(),
            ServiceInvitation.id != invitation.id, ServiceApplication.applied_at.is_not(None),
            ServiceApplication.state.in_((ServiceState.received, ServiceState.in_review, ServiceState.returned)),
        )
        .order_by(ServiceApplication.id)
        .limit(1)
    )  # fmt: skip


def count_invitation_mails(company_id, since):
    """How many mails 利用申請サイトのお知らせ a company has sent since a moment."""
    sent = (AccountAction.partner_invited, AccountAction.partner_invited_again)
    return db.session.scalar(
        select(func.count()).where(
            AccountEvent.company_id == company_id, AccountEvent.action.in_(sent), AccountEvent.at > since
        )
    )


def application_made_by(form_token):
    """The 申請 a form has made already, or None."""
    return db.session.scalar(select(ServiceApplication).where(ServiceApplication.form_token == form_token))


def companies_like(name, corporate_number):
    """Companies with this name or this 法人番号, by 企業ID."""
    is_same = [Company.name == name]
    if corporate_number:
        is_same.append(Company.corporate_number == corporate_number)
    return db.session.scalars(select(Company).where(or_(*is_same)).order_by(Company.code)).all()


def undecided_applications_like(application, states):
    """Other 利用申請 that wait, of the same name, 法人番号 or mail address."""
    wanted = application.wanted.get("company", {})
    number, addresses = wanted.get("corporate_number"), _addresses_of(application)
    others = db.session.scalars(
        select(ServiceApplication)
        .where(
            ServiceApplication.id != application.id,
            ServiceApplication.state.in_(states - {ServiceState.filling}),
            ServiceApplication.kind.in_((ServiceKind.partner, ServiceKind.paper)),
        )
        .order_by(ServiceApplication.id)
        .options(joinedload(ServiceApplication.invitation))
    )
    return [
        other
        for other in others
        if (of := other.wanted.get("company", {}))
        and (
            of.get("name") == wanted.get("name")
            or (number and of.get("corporate_number") == number)
            or addresses & _addresses_of(other)
        )
    ]


def _addresses_of(application):
    """Where it was invited, and where its administrator is reached."""
    invited = application.invitation.mail_address if application.invitation else ""
    return {one.lower() for one in (invited, application.wanted.get("admin", {}).get("mail_address")) if one}


def applications_merged_into(number):
    """The 利用申請 that were declined as duplicates of this one, by its 申請番号."""
    return db.session.scalars(
        select(ServiceApplication)
        .where(ServiceApplication.wanted["same_as"].as_string() == number)
        .order_by(ServiceApplication.id)
        .options(joinedload(ServiceApplication.invitation))
    ).all()


def application_merged_into(application):
    """The 利用申請 that one which was declined as its duplicate names; None of any other."""
    number = application.wanted.get("same_as")
    return db.session.scalar(select(ServiceApplication).where(ServiceApplication.number == number)) if number else None


def application_that_founded(company_id):
    """The approved 利用申請 by which a company came to the service, or None."""
    return db.session.scalar(
        select(ServiceApplication)
        .where(
            ServiceApplication.company_id == company_id,
            ServiceApplication.kind.in_((ServiceKind.partner, ServiceKind.paper)),
            ServiceApplication.state == ServiceState.approved,
        )
        .options(joinedload(ServiceApplication.invitation))
    )
