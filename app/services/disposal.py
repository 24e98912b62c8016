"""廃棄: an operator deletes the files of an expired document after its grace period, on the record (T16, L10).

Its 添付・補足書類 go with it.  The row of the document stays, with who did it, when, and the SHA-256 of each file.  First the record, then, by a
job, the files: a stop in between leaves files that are due to be deleted, never a deletion without a record.
"""

import datetime as dt

from sqlalchemy import or_, select

from app.clock import japan_date
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import day
from app.models import (
    ArchiveRecord,
    CertificateApplication,
    Condition,
    ContractDocument,
    DocumentAttachment,
    DocumentRevision,
    PaperConsent,
    SentEdition,
    ServiceApplication,
)
from app.services import integrity, retention, steps
from app.services.strongroom import strongroom
from app.workflow import Action, find_step

LEFTOVER_AGE = dt.timedelta(days=1)  # no file takes that long to be written


def dispose(record, actor, now):
    """Record the 廃棄 of a document's files and have them deleted.

    :raises Refused: 保管期間 or the grace period has not ended
    :raises OutOfTurn: recorded already
    """
    document = db.session.get(ContractDocument, record.document_id, with_for_update=True, populate_existing=True)
    db.session.refresh(record)
    step = _open_step(record, document, now)
    record.disposed_at, record.disposed_by = now, actor
    left = [record.promised_sha256] if record.promised_sha256 else []  # by a renewal that was cut off, if at all
    record.disposed_files = [*integrity.files_of(document), *left]
    record.condition, record.findings, record.has_news = Condition.without_files, [], False
    record.check_due_at, record.lock_due_at, record.erase_due_at = None, None, now
    return steps.take(step, document, actor, now, "、".join(record.disposed_files))


def may_dispose(record, now):
    """Whether 廃棄 is to be had now: expired, after the grace period, not recorded yet."""
    try:
        return _open_step(record, record.document, now) is not None
    except (OutOfTurn, Refused):
        return False


def _open_step(record, document, now):
    """The step of a 廃棄 that may be taken now; raises what :func:`dispose` does."""
    if record.disposed_at is not None:
        raise OutOfTurn
    step = find_step(Action.dispose, document.status)
    if step is None:
        raise Refused("保管期間が満了していない契約文書は廃棄できません。")
    if japan_date(now) <= retention.grace_until(document):
        raise Refused(
            f"満了後の閲覧期間（{day(retention.grace_until(document))}まで）が終わっていないため、廃棄できません。"
        )
    return step


def due(now):
    """Ids of the documents whose files are to be deleted."""
    return db.session.scalars(
        select(ArchiveRecord.document_id).where(ArchiveRecord.erase_due_at <= now).order_by(ArchiveRecord.erase_due_at)
    ).all()


def erase(document_id, now):
    """Delete the recorded files of one document, but none that something else is kept by.

    Equal bytes are stored once: two documents may share the PDF they began with, and a contract may have gone out
    as an attachment to another one, or stand as the scanned paper of a consent.
    """
    record = db.session.scalar(select(ArchiveRecord).where(ArchiveRecord.document_id == document_id))
    if record.erase_due_at is None:
        return False
    for sha256 in record.disposed_files:
        if not _is_kept_otherwise(sha256, document_id):
            strongroom().store.erase(sha256)
    record.erase_due_at = None
    return True


def leftovers(now):
    """Names of what writers that were killed left in the store, a day ago or longer."""
    return strongroom().store.leftovers(now - LEFTOVER_AGE)


def sweep(name, _now):
    """Delete one of them: a part of a file, which no row can name."""
    strongroom().store.sweep(name)
    return True


def _is_kept_otherwise(sha256, document_id):
    others = (
        select(ContractDocument.id)
        .outerjoin(ArchiveRecord, ArchiveRecord.document_id == ContractDocument.id)
        .where(ContractDocument.id != document_id, ArchiveRecord.disposed_at.is_(None))
    )
    named = or_(ContractDocument.pdf_sha256 == sha256, ContractDocument.unsigned_sha256 == sha256)
    found = [others.where(named)]
    for column in (DocumentRevision.sha256, DocumentRevision.made_from, SentEdition.unsigned_sha256, DocumentAttachment.sha256):
        found.append(others.join(column.class_, column.class_.document_id == ContractDocument.id).where(column == sha256))
    for column in (PaperConsent.sha256, CertificateApplication.evidence_sha256, ServiceApplication.evidence_sha256):
        found.append(select(column.class_.id).where(column == sha256))
    return any(db.session.scalar(one.limit(1)) is not None for one in found)
