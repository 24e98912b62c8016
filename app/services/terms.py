"""契約期間: notices some days before a concluded contract's term ends (PORTAL_TERM_NOTICE_DAYS).

Most contracts of a year end on the same day: each person gets one mail a notice and day about all that are in the
archive.  Each document keeps which notice it had, written in one transaction with the mails.
"""

import datetime as dt

from flask import current_app
from sqlalchemy import or_, select, update
from sqlalchemy.orm import selectinload

from app.clock import japan_date
from app.extensions import db
from app.labels import term
from app.models import ContractDocument, Letter
from app.queries import administrators_of
from app.services import gathered
from app.workflow import CONCLUDED, IN_ARCHIVE


def owed(now):
    """Which of the notices, in days before the end, are owed of a document."""
    today = japan_date(now)
    return sorted({_notice(document, today) for document in _untold(today)})


def tell(notice, now):
    """Owe the letters about all documents of which this notice is owed, once; False where none is left.

    Told are the registrar and the administrators of all a document's companies: an administrator sees every
    document of the own company (I18).  No version is counted.
    """
    today = japan_date(now)
    fitting = [document for document in _untold(today) if _notice(document, today) == notice]
    documents = [document for document in fitting if _claim(document, notice)]
    for person, theirs in _by_person(documents):
        together = [document for document in theirs if document.status in IN_ARCHIVE]
        apart = [[document] for document in theirs if document.status not in IN_ARCHIVE]  # of these no one list tells all
        for some in filter(None, [together, *apart]):
            alone = {"term": term(some[0]), "renews_itself": some[0].renews_itself} if len(some) == 1 else {}
            gathered.owe(Letter.term_end, person, now, some, "term_to", listing=["renews_itself"], **alone)
    return bool(documents)


def _untold(today):
    """The concluded documents of whose term's end a notice is owed, the nearest end first."""
    days = current_app.config["TERM_NOTICE_DAYS"]
    if not days:
        return []
    found = db.session.scalars(
        select(ContractDocument)
        .where(
            ContractDocument.status.in_(CONCLUDED),
            ContractDocument.term_to.between(today, today + dt.timedelta(days=max(days))),
        )
        .order_by(ContractDocument.term_to, ContractDocument.id)
        .options(selectinload(ContractDocument.parties), selectinload(ContractDocument.registrar))
    )
    return [document for document in found if _is_owed(document, today)]


def _claim(document, notice):
    """Note the notice with the document; False where another worker did meanwhile."""
    return db.session.execute(
        update(ContractDocument)
        .where(
            ContractDocument.id == document.id,
            or_(ContractDocument.term_told_days.is_(None), ContractDocument.term_told_days > notice),
        )
        .values(term_told_days=notice)
        .execution_options(synchronize_session=False)
    ).rowcount


def _by_person(documents):
    """Everybody who is told, each with the documents they are told of."""
    administrators, told = {}, {}
    for document in documents:
        for company_id in (party.company_id for party in document.parties):
            if company_id not in administrators:
                administrators[company_id] = administrators_of(company_id)
        concerned = [document.registrar, *(one for party in document.parties for one in administrators[party.company_id])]
        for person in dict.fromkeys(concerned):
            if person.is_selectable and person.company.is_active:
                told.setdefault(person, []).append(document)
    return told.items()


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
