"""Letters about the end of many documents: one to each person, with how many they are and the first few by name.

A nightly job may have hundreds of documents to tell one person about: what was concluded in one month ends in one
month, and many contracts end with the fiscal year.  About a single document the letter leads to it, about several
(``mail/_documents.txt``) to the list, searched by the days on which they end.
"""

from app.clock import japan_date
from app.extensions import db
from app.labels import day
from app.models import ContractDocument
from app.services import outbox

MOST_LISTED = 10


def owe(letter, person, now, documents, column, *, listing=(), **facts):
    """Add one letter about one document or more; the caller commits.

    :param documents: rows with ``id``, ``number`` and ``title``, the nearest end first
    :param column: the name of their date that the letter is about
    :param listing: names of further columns that the letter lists of several documents
    """
    ends = [getattr(document, column) for document in documents]
    facts |= {"days_left": (ends[0] - japan_date(now)).days, "until": day(ends[0])}
    if len(documents) == 1:
        document = db.session.get(ContractDocument, documents[0].id)
        receivers = [receiver.company.name for receiver in document.receivers]
        return outbox.owe(
            letter, person, now, document=document, sender=document.sender.company.name, receivers=receivers, **facts
        )
    return outbox.owe(
        letter, person, now, **facts, count=len(documents), until_last=day(ends[-1]),
        listed=[
            {"number": one.number, "title": one.title, "until": day(end)} | {name: getattr(one, name) for name in listing}
            for one, end in zip(documents[:MOST_LISTED], ends, strict=False)
        ],
        others=max(len(documents) - MOST_LISTED, 0), from_date=ends[0].isoformat(), to_date=ends[-1].isoformat(),
    )  # fmt: skip
