"""契約期間: notices some days before a concluded contract's term ends (PORTAL_TERM_NOTICE_DAYS)."""

import datetime as dt

from flask import current_app
from sqlalchemy import or_, select, update

from app.clock import japan_date
from app.extensions import db
from app.models import ContractDocument
from app.services import outbox
from app.workflow import CONCLUDED


def due(now):
    """Ids of the concluded documents of whose term's end a notice is owed."""
    days, today = current_app.config["TERM_NOTICE_DAYS"], japan_date(now)
    if not days:
        return []
    found = db.session.scalars(
        select(ContractDocument)
        .where(
            ContractDocument.status.in_(CONCLUDED),
            ContractDocument.term_to.between(today, today + dt.timedelta(days=max(days))),
        )
        .order_by(ContractDocument.id)
    )
    return [document.id for document in found if _is_owed(document, today)]


def tell(document_id, now):
    """Owe the notice that fits the days left, once; False where it is owed already.

    Told are the registrar and the administrators of all the document's companies: an administrator sees
    every document of the own company (I18).  No version is counted.
    """
    document, today = db.session.get(ContractDocument, document_id), japan_date(now)
    if not _is_owed(document, today):
        return False
    notice = _notice(document, today)
    claimed = db.session.execute(
        update(ContractDocument)
        .where(
            ContractDocument.id == document_id,
            or_(ContractDocument.term_told_days.is_(None), ContractDocument.term_told_days > notice),
        )
        .values(term_told_days=notice)
        .execution_options(synchronize_session=False)
    ).rowcount
    if claimed:
        outbox.tell_term_end(document, (document.term_to - today).days, now)
    return bool(claimed)


def _is_owed(document, today):
    notice = _notice(document, today)
    return notice is not None and (document.term_told_days is None or document.term_told_days > notice)


def _notice(document, today):
    """So many days before the end the newest notice is; None while none has come, and after the end.

    A notice whose day was before the conclusion is never owed: a works contract of three weeks would else
    be told of on the day after it was signed.
    """
    days_left = (document.term_to - today).days
    longest = (document.term_to - japan_date(document.concluded_at)).days
    came = [days for days in current_app.config["TERM_NOTICE_DAYS"] if days_left <= days <= longest]
    return min(came, default=None) if days_left >= 0 else None
