"""The end of 保管期間: notices before it, 保管期間満了 after it, and the deletion that an operator recorded (T16).

And the deletion of what writers that were killed left on the disk.
"""

from app.extensions import db
from app.services import alerts, disposal, retention

KINDS = {
    "notice": (retention.owed, retention.tell_of_end),
    "expiry": (retention.ended, retention.expire),
    "erasure": (disposal.due, disposal.erase),
    "leftover": (disposal.leftovers, disposal.sweep),
}


def due(now):
    """Kind of work, and what it is about: which notice, the id of a document, the name of a file."""
    return [(kind, subject) for kind, (waiting, _) in KINDS.items() for subject in waiting(now)]


def run_one(work, now):
    """Do one piece; False where it is done already."""
    kind, subject = work
    done = KINDS[kind][1](subject, now)
    db.session.commit()
    return done


def failed(work, error, now):
    """Tell the operator of a storage that does not answer or does not delete; the work stays due."""
    alerts.tell_of_storage(error, now)
    db.session.commit()
