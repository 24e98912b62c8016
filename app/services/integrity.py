"""点検: every stored file of every concluded document, its 添付・補足書類 too, read again at least every 30 days.

The contract's file is judged again as well.  What must lie in the store and what must be in the file comes from the
rows, never from the file: its SHA-256, who signed it with which certificate, how many time stamps it has.  The rows
check one another as well, since whoever can put an old file back may also try to name it as the newest one.
"""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import exists, or_, select, update

from app.clock import japan_date
from app.extensions import db
from app.models import (
    ArchiveRecord,
    Condition,
    ContractDocument,
    Damage,
    DocumentAttachment,
    DocumentRevision,
    Level,
)
from app.services import archive
from app.services.strongroom import outside_roots, strongroom
from app.signing.contents import Contents, contents_of, proof_of
from app.signing.verify import Outcome, verify
from app.workflow import Action, find_step

MOST_DAYS, LEAST_DAYS = 28, 14  # to the next 点検; drawn by lot, which spreads them over the nights
AGAIN = dt.timedelta(hours=20)  # a damaged one is looked at the next night
STAMPED = frozenset({Level.b_lta, Level.timestamped})


@dataclass(frozen=True)
class Expected:
    """What the rows say of a document's files; plain values, so that nothing is held while files are read."""

    current: str
    files: tuple[str, ...]
    contents: Contents
    newest: frozenset[str]  # what revisions and events each call the newest file
    attachments: frozenset[str]  # those of the files that are 添付・補足書類 and nothing else
    is_attached_as_told: bool  # the last event names the same 添付・補足書類 as the rows
    has_lapsed: bool  # its last time stamp has ended after 保管期間, as it must: nobody renews it any more


def due(now):
    """Ids of the documents whose 点検 is due, the longest waiting first."""
    return db.session.scalars(
        select(ArchiveRecord.document_id).where(ArchiveRecord.check_due_at <= now).order_by(ArchiveRecord.check_due_at)
    ).all()


def hasten(number, now):
    """Have the next run look at a document's files: somebody could not read one."""
    document_id = select(ContractDocument.id).where(ContractDocument.number == number).scalar_subquery()
    db.session.execute(
        update(ArchiveRecord)
        .where(ArchiveRecord.document_id == document_id, ArchiveRecord.check_due_at > now)
        .values(check_due_at=now)
        .execution_options(synchronize_session=False)
    )


def expected_of(document_id, now):
    """What must be in the store for this document; None where its files were deleted after 保管期間."""
    document = db.session.get(ContractDocument, document_id)
    record = document.archive_record
    if record.disposed_at is not None:
        return None
    is_over = find_step(Action.renew, document.status) is None
    revisions, last = document.revisions, document.events[-1]
    signatures = {
        (one.field_name, hashlib.sha256(one.certificate.certificate_der).hexdigest())
        for one in document.valid_signatures
    }
    return Expected(
        current=document.pdf_sha256,
        files=files_of(document),
        contents=Contents(frozenset(signatures), sum(one.level in STAMPED for one in revisions)),
        newest=frozenset([revisions[-1].sha256, last.pdf_sha256] if revisions else []),
        attachments=frozenset(_attached_to(document)) - set(_revisions_of(document)),
        is_attached_as_told={row.sha256 for row in document.attachments} == set(last.attachments_sha256),
        has_lapsed=is_over and record.provable_until is not None and record.provable_until < japan_date(now),
    )


def files_of(document):
    """The SHA-256 of every stored file of a document and of all that was ever attached to it, each once.

    The current file is the first.
    """
    return tuple(dict.fromkeys([*_revisions_of(document), *_attached_to(document)]))


def _revisions_of(document):
    """The contract's own files: with what each was made from, which the rounds before began with."""
    made = [name for one in document.revisions for name in (one.sha256, one.made_from) if name]
    return [document.pdf_sha256, document.unsigned_sha256, *made]


def _attached_to(document):
    return [row.sha256 for row in document.attachment_rows]


def examine(expected):
    """Read all files of a document and judge the current one.

    :returns: what was found, as rows of :class:`ArchiveRecord`, nothing where all is well; and how long the
        current file proves itself, where it is well and has a time stamp
    :raises app.errors.StorageFailed: the storage does not answer; nothing can be said
    """
    found, proof = [], None
    if expected.newest - {expected.current}:
        found.append((Damage.put_back, expected.current))
    if not expected.is_attached_as_told:
        found.append((Damage.attachment_set, expected.current))
    for sha256 in expected.files:
        stored = strongroom().store.raw(sha256)
        if stored is None:
            found.append((Damage.missing, sha256))
        elif (lies_there := hashlib.sha256(stored).hexdigest()) != sha256:
            found.append((_of_other_bytes(stored, lies_there, sha256, expected), sha256))
        elif sha256 == expected.current:
            found += [(finding, sha256) for finding in _of_contents(stored, expected)]
            if not found and expected.contents.time_stamps:
                proof = proof_of(stored, current_app.config["ALGORITHM_ENDS"])
    return [_row(finding, sha256, expected) for finding, sha256 in found], proof


def _row(finding, sha256, expected):
    kind = {"is_attachment": True} if sha256 in expected.attachments else {}
    return {"finding": finding.value, "sha256": sha256} | kind


def _of_other_bytes(stored, lies_there, sha256, expected):
    """What happened to a file whose bytes are not those that its name tells."""
    if sha256 in expected.attachments:
        return Damage.swapped if lies_there in expected.files or _is_ours(lies_there) else Damage.altered
    if lies_there in set(expected.files) - expected.attachments:
        return Damage.put_back
    if lies_there in expected.attachments or _is_ours(lies_there):
        return Damage.swapped
    return Damage.swapped if _judged(stored).outcome is Outcome.valid else Damage.altered


def _is_ours(sha256):
    """Whether a document, any one, has this file or is accompanied by it."""
    named = (exists().where(column == sha256) for column in (DocumentRevision.sha256, DocumentAttachment.sha256))
    return db.session.scalar(select(or_(*named)))


def _of_contents(stored, expected):
    if contents_of(stored) != expected.contents:
        yield Damage.signature_set
    if not expected.contents.signatures and not expected.contents.time_stamps:
        return  # 署名なし, before its transfer: nothing but its SHA-256 can be checked
    outcome = _judged(stored).outcome
    if outcome is Outcome.invalid:
        yield Damage.invalid
    elif outcome is Outcome.unjudged and not expected.has_lapsed:
        yield Damage.unprovable


def _judged(stored):
    ends = current_app.config["ALGORITHM_ENDS"]
    strong = strongroom()
    return verify(stored, strong.roots, outside_roots(stored), ends=ends, stamp_roots=strong.stamp_roots)


def record(document_id, findings, proof, now):
    """Keep the outcome of a 点検; the operator is told of what is new, and of what is well again."""
    kept = db.session.scalar(select(ArchiveRecord).where(ArchiveRecord.document_id == document_id))
    if kept.disposed_at is not None:
        return
    if findings != kept.findings:
        kept.findings, kept.has_news = findings, True
    kept.condition = Condition.damaged if findings else Condition.sound
    kept.checked_at = now
    if kept.provable_until is None and proof is not None:  # archived before this was recorded
        archive.keep_proof(kept, proof, now)
    hours = LEAST_DAYS * 24 + secrets.randbelow((MOST_DAYS - LEAST_DAYS) * 24)
    kept.check_due_at = now + (AGAIN if findings else dt.timedelta(hours=hours))
