"""Ask again who has had the turn for PORTAL_REMIND_DAYS days (T18)."""

from app.extensions import db
from app.services import documents


def due(now):
    """Ids of the documents that have waited so long."""
    return documents.waiting_long(now)


def run_one(document_id, now):
    """Owe one reminder; False when somebody acted or reminded meanwhile."""
    reminded = documents.remind_of_waiting(document_id, now)
    db.session.commit()
    return reminded
