"""点検 of the archive: each concluded document's files are read and judged again at least every 30 days (Q10)."""

from app.extensions import db
from app.services import alerts, integrity


def due(now):
    """Ids of the documents whose turn it is."""
    return integrity.due(now)


def run_one(document_id, now):
    """Look at one document's files; False where they were deleted after 保管期間."""
    expected = integrity.expected_of(document_id, now)
    db.session.commit()  # nothing is held while files are read
    if expected is None:
        return False
    findings, proof = integrity.examine(expected)
    db.session.commit()
    integrity.record(document_id, findings, proof, now)
    db.session.commit()
    return True


def failed(document_id, error, now):
    """Tell the operator of a storage that does not answer; the document stays due."""
    alerts.tell_of_storage(error, now)
    db.session.commit()


def afterwards(now):
    """Tell the operator of what is damaged, and of what is well again."""
    alerts.tell_operators(now)
    db.session.commit()
