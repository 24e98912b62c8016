"""Ask again who has had the turn for PORTAL_REMIND_DAYS days, and tell of every 署名期限 that comes (T18)."""

from app.extensions import db
from app.services import deadlines, reminders

KINDS = {"turn": (reminders.waiting_long, reminders.remind_of_waiting), "deadline": (deadlines.due, deadlines.tell)}


def due(now):
    """Kind of letter and id of the documents that owe one."""
    return [(kind, document_id) for kind, (waiting, _) in KINDS.items() for document_id in waiting(now)]


def run_one(owed, now):
    """Owe one document's letters; False when somebody acted or reminded meanwhile."""
    kind, document_id = owed
    told = KINDS[kind][1](document_id, now)
    db.session.commit()
    return told
