"""The archive's documents for ［長期保管延長］, and who looks after the archive."""

from sqlalchemy.orm import selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import ContractDocument, DocumentParty
from app.queries.documents import documents_of
from app.queries.typed import MOST_ID


def documents_named(user, document_ids):
    """These documents, in the order given, all of which the person must be able to see.

    :raises NotFound: one of them is unknown or foreign, which look alike
    """
    known = [number for number in document_ids if number <= MOST_ID]
    found = db.session.scalars(
        documents_of(user)
        .where(ContractDocument.id.in_(known))
        .options(
            selectinload(ContractDocument.parties).joinedload(DocumentParty.company),
            selectinload(ContractDocument.extensions),
        )
    ).all()
    by_id = {document.id: document for document in found}
    if not document_ids or set(by_id) != set(document_ids):
        raise NotFound
    return [by_id[number] for number in dict.fromkeys(document_ids)]
