"""長期保管: concluded documents on their way into the archive (T14)."""

import datetime as dt

from flask import current_app
from sqlalchemy import or_, select, update

from app.clock import JAPAN, japan_date, years_later
from app.errors import OutOfTurn, PortalError
from app.extensions import db
from app.models import ArchiveRecord, ContractDocument
from app.services import files, steps
from app.workflow import Action, Status, find_step

ARCHIVE_LEASE = dt.timedelta(minutes=10)
RENEWAL_LEAD = dt.timedelta(days=365)  # a time stamp is renewed so long before it ends
RENEWAL_PAUSE = dt.timedelta(days=30)  # at the least, where an outside authority's own end is near


def waiting_for_archive(now):
    """Ids of the documents concluded before today in Japan (T14)."""
    midnight = dt.datetime.combine(japan_date(now), dt.time(), JAPAN)
    return db.session.scalars(
        select(ContractDocument.id)
        .where(ContractDocument.concluded_at < midnight, *_free_to_archive(now))
        .order_by(ContractDocument.concluded_at)
    ).all()


def _free_to_archive(now):
    """In 完了待ち, and not in anybody's hands."""
    attempted_at = ContractDocument.archive_attempted_at
    return (
        ContractDocument.status == Status.completion_wait,
        or_(attempted_at.is_(None), attempted_at <= now - ARCHIVE_LEASE),
    )


def claim_for_archive(document_id, now):
    """Take a concluded document for archiving, and commit; None when somebody else has it or it is done."""
    claimed = db.session.execute(
        update(ContractDocument)
        .where(ContractDocument.id == document_id, *_free_to_archive(now))
        .values(archive_attempted_at=now)
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.commit()
    return db.session.get(ContractDocument, document_id) if claimed else None


def archive(document, now, *, file):
    """定期処理: move a concluded document into 長期保管 for the base period (T14, I14)."""
    step = find_step(Action.archive, document.status)
    if step is None or file.made_from != document.pdf_sha256:
        raise OutOfTurn
    keep_stamped(document, file, now)
    document.archived_on = japan_date(now)
    document.retained_until = years_later(document.archived_on, current_app.config["ARCHIVE_YEARS"])
    return steps.take(step, document, None, now)


def keep_stamped(document, file, now):
    """Make a file with a new document time stamp the current one, and note how long it proves itself."""
    files.add_revision(document, file, now)
    record = document.archive_record
    if file.proof is not None:  # else 点検 reads it from the file
        keep_proof(record, file.proof, now)
    record.attempted_at, record.promised_sha256, record.lock_due_at = None, None, now
    if record.failure:
        record.failure, record.failure_told_on, record.has_news = "", None, True


def keep_proof(record, proof, now):
    """Note until when the current file proves itself, and when it must have a new time stamp."""
    record.provable_until, record.stamp_algorithm = proof.until, proof.algorithm
    record.renew_on = max(proof.until - RENEWAL_LEAD, japan_date(now) + RENEWAL_PAUSE)


def note_failure(document_id, error, now):
    """The archive's work on a document failed: the operator is told, once a day; it stays due.  Commits."""
    record = db.session.scalar(select(ArchiveRecord).where(ArchiveRecord.document_id == document_id))
    if record is None:
        return
    record.failure = _in_words(error)[:255]
    today = japan_date(now)
    if record.failure_told_on != today:
        record.failure_told_on, record.has_news = today, True
    db.session.commit()


def _in_words(error):
    """What an operator reads of a failure: of a refusal what happened, without what it asks the person at a page to do."""
    if isinstance(error, PortalError):
        said = error.sentence.partition("。")[0]
        cause = str(error.__cause__ or "").partition("\n")[0]  # a file store adds pages of details
        return f"{said}：{cause}" if cause else said
    return f"{type(error).__name__}: {error}"
