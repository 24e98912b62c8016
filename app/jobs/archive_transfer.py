"""定期処理: move what was concluded before today in Japan into 長期保管 (R93, I14)."""

from app.extensions import db
from app.services import alerts, archive, stamping


def due(now):
    """Ids of the documents in 完了待ち that were concluded before today in Japan."""
    return archive.waiting_for_archive(now)


def run_one(document_id, now):
    """Time-stamp, verify and archive one document; False when somebody else has it or it is done."""
    document = archive.claim_for_archive(document_id, now)
    if document is None:
        return False
    pdf_sha256, is_signed = document.pdf_sha256, document.mode.is_signed
    db.session.commit()  # nothing is held while the time stamp is made
    file = stamping.stamp(document_id, pdf_sha256, is_signed)
    archive.archive(db.session.get(type(document), document_id), now, file=file)
    db.session.commit()
    return True


failed = archive.note_failure


def afterwards(now):
    """Tell the operator of what failed, and of what works again."""
    alerts.tell_operators(now)
    db.session.commit()
