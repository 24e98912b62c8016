"""署名期限: notices to who has the turn and to the registrar, 3 days and 1 day before and on the day after."""

import datetime as dt

from sqlalchemy import or_, select, update

from app.clock import japan_date
from app.extensions import db
from app.models import ContractDocument
from app.services import outbox
from app.workflow import OPEN

NOTICE_DAYS = (3, 1, -1)  # before the day; the last one after it


def due(now):
    """Ids of the documents of whose 署名期限 a notice is owed."""
    today = japan_date(now)
    found = db.session.execute(
        select(ContractDocument.id, ContractDocument.deadline, ContractDocument.deadline_told_days)
        .where(
            ContractDocument.status.in_(OPEN),
            ContractDocument.deadline <= today + dt.timedelta(days=max(NOTICE_DAYS)),
        )
        .order_by(ContractDocument.id)
    )
    return [
        document_id for document_id, deadline, told in found
        if told is None or told > _notice(deadline, today)
    ]  # fmt: skip


def tell(document_id, now):
    """Owe the notice that fits the days left, once; False where it is owed already, or the document has gone on.

    No version is counted: the page that the holder has open stays good.
    """
    document = db.session.get(ContractDocument, document_id)
    if document.status not in OPEN or not all(party.company.is_active for party in document.parties):
        return False
    today = japan_date(now)
    notice = _notice(document.deadline, today)
    claimed = db.session.execute(
        update(ContractDocument)
        .where(
            ContractDocument.id == document_id,
            ContractDocument.version == document.version,
            or_(ContractDocument.deadline_told_days.is_(None), ContractDocument.deadline_told_days > notice),
        )
        .values(deadline_told_days=notice)
        .execution_options(synchronize_session=False)
    ).rowcount
    if claimed:
        outbox.tell_deadline(document, (document.deadline - today).days, now)
    return bool(claimed)


def _notice(deadline, today):
    days_left = (deadline - today).days
    return min((days for days in NOTICE_DAYS if days >= days_left), default=NOTICE_DAYS[-1])
