"""電子契約の承諾 and 書面の交付."""

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import Company, ContractDocument, DocumentParty, ElectronicConsent, PaperRequest, PortalUser
from app.queries.typed import MOST_ID
from app.workflow import OPEN, Side


def consents_of(giver_id, partner_id):
    """Everything said of one direction of a pair, the newest first."""
    return db.session.scalars(
        select(ElectronicConsent)
        .where(ElectronicConsent.giver_id == giver_id, ElectronicConsent.partner_id == partner_id)
        .order_by(ElectronicConsent.position.desc())
        .options(joinedload(ElectronicConsent.actor), joinedload(ElectronicConsent.paper))
    ).all()


def consents_towards(partner_id, giver_ids):
    """giver -> everything said by these companies, or asked of them, towards one partner, the newest first."""
    said = {giver_id: [] for giver_id in giver_ids}
    for row in db.session.scalars(
        select(ElectronicConsent)
        .where(ElectronicConsent.partner_id == partner_id, ElectronicConsent.giver_id.in_(giver_ids))
        .order_by(ElectronicConsent.position.desc())
    ):
        said[row.giver_id].append(row)
    return said


def newest_consent(giver_id, partner_id):
    """How one direction of a pair stands; None where nobody has said anything."""
    return db.session.scalar(
        select(ElectronicConsent)
        .where(ElectronicConsent.giver_id == giver_id, ElectronicConsent.partner_id == partner_id)
        .order_by(ElectronicConsent.position.desc())
        .limit(1)
    )


def newest_consents_about(company_id):
    """How every pair of a company stands, given and received, the newest first."""
    later = aliased(ElectronicConsent)
    is_newest = ~(
        select(later.id)
        .where(
            later.giver_id == ElectronicConsent.giver_id,
            later.partner_id == ElectronicConsent.partner_id,
            later.position > ElectronicConsent.position,
        )
        .exists()
    )
    return db.session.scalars(
        select(ElectronicConsent)
        .where(
            is_newest, or_(ElectronicConsent.giver_id == company_id, ElectronicConsent.partner_id == company_id)
        )
        .order_by(ElectronicConsent.at.desc(), ElectronicConsent.id.desc())
    ).all()


def consent_partner_of(company_id, partner_id):
    """The company with which `company_id` has spoken of consent, or :class:`NotFound` for unknown and foreign alike."""
    known = None
    if partner_id <= MOST_ID:
        pairs = ((company_id, partner_id), (partner_id, company_id))
        known = any(newest_consent(giver, partner) for giver, partner in pairs)
    if not known:
        raise NotFound
    return db.session.get(Company, partner_id)


def registrars_concerned(giver_id, partner_id):
    """The people of `partner` with an open contract for construction work with `giver`, each once."""
    concerned = (
        select(ContractDocument.registrar_id)
        .join(DocumentParty, DocumentParty.document_id == ContractDocument.id)
        .where(
            ContractDocument.is_construction, ContractDocument.status.in_(OPEN),
            DocumentParty.company_id == giver_id, DocumentParty.side == Side.receiver,
        )
    )  # fmt: skip
    found = select(PortalUser).where(PortalUser.id.in_(concerned), PortalUser.company_id == partner_id)
    return [person for person in db.session.scalars(found.order_by(PortalUser.id)).unique() if person.is_selectable]


def paper_requests_of(document, company_id):
    """The 書面交付請求 of a document that a company may see: the sender all, a receiver its own; the oldest first."""
    found = select(PaperRequest).where(PaperRequest.document_id == document.id)
    if document.sender.company_id != company_id:
        found = found.where(PaperRequest.company_id == company_id)
    return db.session.scalars(
        found.order_by(PaperRequest.id).options(selectinload(PaperRequest.deliveries), joinedload(PaperRequest.company))
    ).all()
