"""The end of 保管期間: notices 180, 90 and 30 days before 保管満了日, then 保管期間満了 (T16)."""

import datetime as dt

from flask import current_app
from sqlalchemy import exists, select, true

from app import queries
from app.clock import japan_date
from app.extensions import db
from app.labels import day
from app.models import ArchiveExtension, ArchiveRecord, ContractDocument, Letter
from app.services import outbox, steps
from app.workflow import Action, Status, find_step

NOTICE_DAYS = (180, 90, 30)
EVERY = true()


def ending(now, only=EVERY):
    """Ids of the archived documents of whose 保管満了日 a notice is owed, the nearest first.

    :param only: a condition that leaves some out
    """
    today = japan_date(now)
    found = db.session.execute(
        select(ContractDocument.id, ContractDocument.retained_until, ArchiveRecord.end_told_days)
        .join(ArchiveRecord, ArchiveRecord.document_id == ContractDocument.id)
        .where(
            ContractDocument.status == Status.archived,
            ContractDocument.retained_until.between(today, today + dt.timedelta(days=max(NOTICE_DAYS))),
            only,
        )
        .order_by(ContractDocument.retained_until, ContractDocument.id)
    )
    return [found_id for found_id, until, told in found if told is None or told > _notice(until, today)]


def _notice(retained_until, today):
    days_left = (retained_until - today).days
    return min(days for days in NOTICE_DAYS if days >= days_left)


def tell_of_end(document_id, now):
    """Owe the notice that fits the days left to the administrators of each company, once.

    False where it is owed already, or the document was extended meanwhile.
    """
    document = db.session.get(ContractDocument, document_id, with_for_update=True, populate_existing=True)
    db.session.refresh(document.archive_record)
    if not ending(now, ContractDocument.id == document_id):
        return False
    today = japan_date(now)
    document.archive_record.end_told_days = _notice(document.retained_until, today)
    for party in document.parties:
        for person in queries.administrators_of(party.company_id) if party.company.is_active else ():
            outbox.owe(
                Letter.retention_ending, person, now, document=document,
                days_left=(document.retained_until - today).days, until=day(document.retained_until),
                has_option=party.company.has_archive_extension, grace_days=current_app.config["ARCHIVE_GRACE_DAYS"],
                sender=document.sender.company.name,
                receivers=[receiver.company.name for receiver in document.receivers],
            )  # fmt: skip
    return True


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
