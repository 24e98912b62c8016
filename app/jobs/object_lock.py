"""Have the bucket itself hold the files of concluded documents, where it can."""

from app.extensions import db
from app.services import alerts, object_locks


def due(now):
    """Ids of the documents with files that are not held yet."""
    return object_locks.due(now)


def run_one(document_id, now):
    """Hold the files of one document; False where that was done meanwhile."""
    wanted = object_locks.wanted(document_id, now)
    db.session.commit()  # nothing is held while the storage is asked
    if wanted is None:
        return False
    due_at, until, files = wanted
    object_locks.hold(until, files)
    object_locks.keep(document_id, until, due_at)
    db.session.commit()
    return True


def failed(document_id, error, now):
    """Tell the operator; the document stays due."""
    alerts.tell_of_storage(error, now)
    db.session.commit()
