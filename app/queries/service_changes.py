"""プラン変更, オプション申請 and 解約 of the companies that are there, and what stands in the way of leaving."""

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload, selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import (
    CompanyStatus,
    ContractDocument,
    DocumentParty,
    ServiceApplication,
    ServiceKind,
    ServiceState,
)
from app.queries.typed import MOST_ID
from app.workflow import DELETABLE, OPEN, Side

CHANGES = (ServiceKind.plan_change, ServiceKind.option_start, ServiceKind.option_end, ServiceKind.termination)
UNDECIDED = (ServiceState.filling, ServiceState.received, ServiceState.in_review, ServiceState.returned)
MOST_SHOWN = 100
LEFT_OPEN = tuple(OPEN - DELETABLE)  # has been sent, and is neither concluded nor withdrawn


def service_changes_of(company_id):
    """The company's own 申請, the newest first."""
    return db.session.scalars(
        select(ServiceApplication)
        .where(ServiceApplication.company_id == company_id, ServiceApplication.kind.in_(CHANGES))
        .order_by(ServiceApplication.id.desc())
        .limit(MOST_SHOWN)
        .options(joinedload(ServiceApplication.applicant))
    ).all()


def service_change_of(company_id, application_id):
    """One of the company's own, or :class:`NotFound` for unknown and foreign alike."""
    found = db.session.get(ServiceApplication, application_id) if application_id <= MOST_ID else None
    if company_id is None or found is None or found.company_id != company_id or found.kind not in CHANGES:
        raise NotFound
    return found


def service_changes_to_come(company_id):
    """The company's 申請 that are undecided, or approved for a day that has not come; the oldest first."""
    waits = and_(ServiceApplication.state == ServiceState.approved, ServiceApplication.took_effect_at.is_(None))
    return db.session.scalars(
        select(ServiceApplication)
        .where(
            ServiceApplication.company_id == company_id, ServiceApplication.kind.in_(CHANGES),
            ServiceApplication.state.in_(UNDECIDED) | waits,
        )
        .order_by(ServiceApplication.id)
    ).all()  # fmt: skip


def service_changes_due(today, company_ids=None):
    """Those whose 適用日 has come and that have not taken effect, in the order of their days.

    :param company_ids: of these companies only
    """
    found = select(ServiceApplication).where(
        ServiceApplication.state == ServiceState.approved, ServiceApplication.took_effect_at.is_(None),
        ServiceApplication.effective_on <= today, ServiceApplication.kind.in_(CHANGES),
    )  # fmt: skip
    if company_ids is not None:
        found = found.where(ServiceApplication.company_id.in_(company_ids))
    plans_first = ServiceApplication.kind != ServiceKind.plan_change  # an option may begin with the plan that allows it
    return db.session.scalars(found.order_by(ServiceApplication.effective_on, plans_first, ServiceApplication.id)).all()


def documents_under_way(company_id):
    """What the company has sent and what waits at it or goes on around it, neither concluded nor withdrawn."""
    return db.session.scalars(
        select(ContractDocument)
        .join(DocumentParty, DocumentParty.document_id == ContractDocument.id)
        .where(
            DocumentParty.company_id == company_id, DocumentParty.is_open,
            ContractDocument.sent_at.is_not(None), ContractDocument.status.in_(LEFT_OPEN),
        )
        .order_by(ContractDocument.id)
        .options(selectinload(ContractDocument.parties).joinedload(DocumentParty.company))
    ).all()  # fmt: skip


def documents_left_behind():
    """Ids of what companies that have left had sent, and what nobody can conclude any more."""
    sender = and_(DocumentParty.document_id == ContractDocument.id, DocumentParty.side == Side.sender)
    return db.session.scalars(
        select(ContractDocument.id)
        .join(DocumentParty, sender)
        .where(
            ContractDocument.status.in_(LEFT_OPEN),
            DocumentParty.company.has(status=CompanyStatus.terminated),
        )
        .order_by(ContractDocument.id)
    ).all()
