"""Tell registrars and administrators that a contract's term ends: PORTAL_TERM_NOTICE_DAYS before (I4)."""

from app.extensions import db
from app.services import terms


def due(now):
    """The notices that are owed of a document, in days before the end."""
    return terms.owed(now)


def run_one(notice, now):
    """Owe the letters of one notice about all its documents; False when they are owed already."""
    told = terms.tell(notice, now)
    db.session.commit()
    return told
