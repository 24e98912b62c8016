"""The end of 保管期間: notices 180, 90 and 30 days before 保管満了日, then 保管期間満了 (T16).

What was concluded in one month ends in one month: an administrator gets one mail a notice and night, however many
documents it is about.  Each document keeps which notice it had, written in one transaction with the mails.
"""

import datetime as dt
from collections import defaultdict

from flask import current_app
from sqlalchemy import exists, select, true, update

from app import queries
from app.clock import japan_date
from app.extensions import db
from app.models import ArchiveExtension, ArchiveRecord, Company, ContractDocument, DocumentParty, Letter
from app.services import gathered, steps
from app.workflow import Action, Status, find_step

NOTICE_DAYS = (180, 90, 30)
EVERY = true()


def owed(now):
    """Which of the notices, in days before 保管満了日, are owed of a document, the nearest end first."""
    today = japan_date(now)
    return sorted({_notice(row.retained_until, today) for row in _untold(today)})


def _untold(today, *, locked=False):
    """Number, title, 保管満了日 and record of the archived documents of whose end a notice is owed, the nearest first.

    :param locked: whether nobody else is to extend or tell of them until the transaction ends
    """
    ending = (
        select(
            ContractDocument.id, ContractDocument.number, ContractDocument.title, ContractDocument.retained_until,
            ArchiveRecord.id.label("record_id"), ArchiveRecord.end_told_days,
        )
        .join(ArchiveRecord, ArchiveRecord.document_id == ContractDocument.id)
        .where(_is_ending(today, today + dt.timedelta(days=max(NOTICE_DAYS))))
        .order_by(ContractDocument.retained_until, ContractDocument.id)
    )  # fmt: skip
    if locked:
        ending = ending.with_for_update(of=(ContractDocument, ArchiveRecord))
    return [
        row for row in db.session.execute(ending)
        if row.end_told_days is None or row.end_told_days > _notice(row.retained_until, today)
    ]  # fmt: skip


def _is_ending(first, last):
    return (ContractDocument.status == Status.archived) & ContractDocument.retained_until.between(first, last)


def _notice(retained_until, today):
    days_left = (retained_until - today).days
    return min(days for days in NOTICE_DAYS if days >= days_left)


def tell_of_end(notice, now):
    """Owe one letter to each administrator of each company about all documents of which this notice is owed.

    False where none is left: told already, or extended meanwhile.
    """
    today = japan_date(now)
    ending = [row for row in _untold(today, locked=True) if _notice(row.retained_until, today) == notice]
    if not ending:
        return False
    db.session.execute(update(ArchiveRecord), [{"id": row.record_id, "end_told_days": notice} for row in ending])
    for company, documents in _by_company(ending):
        for person in queries.administrators_of(company.id):
            gathered.owe(
                Letter.retention_ending, person, now, documents, "retained_until",
                has_option=company.has_archive_extension, grace_days=current_app.config["ARCHIVE_GRACE_DAYS"],
            )  # fmt: skip
    return True


def _by_company(ending):
    """Each active company with those of the documents that are its own, the nearest end first."""
    parties = (
        select(DocumentParty.company_id, DocumentParty.document_id)
        .join(ContractDocument, ContractDocument.id == DocumentParty.document_id)
        .where(_is_ending(ending[0].retained_until, ending[-1].retained_until))
        .order_by(ContractDocument.retained_until, ContractDocument.id, DocumentParty.position)
    )
    rows, theirs = {row.id: row for row in ending}, defaultdict(list)
    for company_id, document_id in db.session.execute(parties):
        if document_id in rows:
            theirs[company_id].append(rows[document_id])
    companies = ((db.session.get(Company, company_id), documents) for company_id, documents in theirs.items())
    return [(company, documents) for company, documents in companies if company.is_active]


def ended(now, only=EVERY):
    """Ids of the documents after their 保管満了日; those with an ordered extension wait for it."""
    is_ordered = exists().where(
        ArchiveExtension.document_id == ContractDocument.id, ArchiveExtension.done_at.is_(None)
    )
    return db.session.scalars(
        select(ContractDocument.id)
        .where(
            ContractDocument.status == Status.archived, ContractDocument.retained_until < japan_date(now), ~is_ordered,
            only,
        )
        .order_by(ContractDocument.retained_until)
    ).all()


def expire(document_id, now):
    """保管期間満了: read only from now on, without extension or renewal (T16); False where it is not due."""
    document = db.session.get(ContractDocument, document_id, with_for_update=True, populate_existing=True)
    if not ended(now, ContractDocument.id == document_id):
        return False
    document.archive_record.renew_on = None
    steps.take(find_step(Action.expire, document.status), document, None, now)
    return True


def grace_until(document):
    """The last day, in Japan, on which an expired document's files are kept for sure."""
    return document.retained_until + grace()


def grace():
    """How long files are kept after 保管満了日."""
    return dt.timedelta(days=current_app.config["ARCHIVE_GRACE_DAYS"])
