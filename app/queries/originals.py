"""原契約 and 変更契約 of a document, as far as the person may see them."""

from sqlalchemy import or_

from app.extensions import db
from app.models import ContractDocument
from app.queries.documents import documents_of
from app.queries.typed import as_code
from app.workflow import CONCLUDED


def concluded_by_number(user, typed):
    """The concluded document of this 文書管理番号; None for unknown, foreign and not concluded alike."""
    return db.session.scalar(
        documents_of(user).where(
            ContractDocument.number == as_code(typed), ContractDocument.status.in_(CONCLUDED)
        )
    )


def linked_with(user, document, represented=None):
    """The 原契約 that `user` may see, or None, and the 変更契約 made of the document that `user` may see.

    :param represented: as in :func:`app.queries.documents_of`
    """
    if document.original_id is None and document.status not in CONCLUDED:
        return None, []  # only what is concluded can be amended
    found = db.session.scalars(
        documents_of(user, represented)
        .where(or_(ContractDocument.id == document.original_id, ContractDocument.original_id == document.id))
        .order_by(ContractDocument.id)
    ).all()
    original = next((one for one in found if one.id == document.original_id), None)
    return original, [one for one in found if one is not original]


def original_of(user, document):
    """The 原契約, or None also where the person may not see it."""
    return linked_with(user, document)[0]
