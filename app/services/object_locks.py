"""The storage's own lock on the files of concluded documents, where the bucket has one (object lock of S3).

Held are all files of a document and its 添付・補足書類 until its 保管満了日 and the grace period are over; an extension or a new file holds
anew.  Records that wait are taken up whenever such a bucket comes into use.
"""

from flask import current_app
from sqlalchemy import func, select, update

from app.clock import end_of_japan_day, japan_date, years_later
from app.errors import StorageFailed
from app.extensions import db
from app.models import ArchiveRecord, ContractDocument
from app.services import integrity, retention
from app.services.strongroom import strongroom
from app.signing.bucket import LockMode

MOST_A_RUN = 1000  # the others follow ten minutes later


def due(now):
    """Ids of the documents whose files are to be held; none where the storage holds nothing.

    Of a storage that does not answer one is tried all the same, so that the failure is told.
    """
    waiting = select(ArchiveRecord.document_id).where(ArchiveRecord.lock_due_at <= now).order_by(ArchiveRecord.lock_due_at)
    first = db.session.scalars(waiting.limit(1)).all()
    db.session.commit()  # nothing is held while the storage is asked
    try:
        if not (first and is_in_use()):  # without a lock all documents wait for ever: they are not even read
            return []
    except StorageFailed:
        return first
    return db.session.scalars(waiting.limit(MOST_A_RUN)).all()


def is_in_use():
    return current_app.config["OBJECT_LOCK"] != "off" and strongroom().store.protection().has_lock


def wanted(document_id, now):
    """(moment of asking, the last day, files) of one document; None where it is held already, or was for long enough.

    No storage takes a retention that is over: such a document waits no more, for an operator may delete its files.
    """
    document = db.session.get(ContractDocument, document_id)
    record = document.archive_record
    if record.lock_due_at is None:
        return None
    until = last_day(document)
    if until < japan_date(now):
        record.lock_due_at = None
        return None
    return record.lock_due_at, until, integrity.files_of(document)


def last_day(document):
    """The last day, in Japan, on which the files are kept for sure; before its transfer, by the day of conclusion."""
    if document.retained_until is not None:
        return retention.grace_until(document)
    config = current_app.config
    return years_later(japan_date(document.concluded_at), config["ARCHIVE_YEARS"]) + retention.grace()


def hold(until, files):
    """Have the storage hold these files to the end of a day; outside any transaction.

    :raises app.errors.StorageFailed: a file is missing or altered, or the storage refuses
    """
    mode = LockMode(current_app.config["OBJECT_LOCK"])
    for sha256 in files:
        strongroom().store.hold(sha256, end_of_japan_day(until), mode)


def keep(document_id, until, due_at):
    """Note what is held; a document that got a new file meanwhile, or was extended, stays due."""
    db.session.execute(
        update(ArchiveRecord)
        .where(ArchiveRecord.document_id == document_id, ArchiveRecord.lock_due_at == due_at)
        .values(locked_until=until, lock_due_at=None)
        .execution_options(synchronize_session=False)
    )


def report():
    """What the storage does for the files, for the command line: ``versions``, ``object_lock``, how many are held.

    How many wait is said only where something will hold them: without a lock all do, which is no backlog.

    :raises app.errors.StorageFailed: it does not answer
    """
    found, mode = strongroom().store.protection(), current_app.config["OBJECT_LOCK"]
    strongroom().store.has("0" * 64)  # whatever it says: it answers
    held, waiting = (
        db.session.scalar(select(func.count()).where(column.is_not(None)))
        for column in (ArchiveRecord.locked_until, ArchiveRecord.lock_due_at)
    )
    said = {
        "answers": True, "versions": found.has_versions, "object_lock": found.has_lock,
        "default_retention": found.default_retention, "mode": mode, "documents_held": held,
    }  # fmt: skip
    return said | ({"documents_waiting": waiting} if found.has_lock and mode != "off" else {})
