"""Tell registrars and administrators that a contract's term ends: PORTAL_TERM_NOTICE_DAYS before (I4)."""

from app.extensions import db
from app.services import terms


def due(now):
    """Ids of the documents of which a notice is owed."""
    return terms.due(now)


def run_one(document_id, now):
    """Owe the letters of one document; False when they are owed already."""
    told = terms.tell(document_id, now)
    db.session.commit()
    return told
