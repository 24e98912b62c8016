"""The rounds of a document that a person's company was shown (T11, I18)."""

from sqlalchemy import select

from app.errors import NotFound
from app.extensions import db
from app.models import SentEdition
from app.workflow import TURN_ACTIONS, Side


def editions_of(user, document):
    """What was sent of a document that `user` may see, round by round, the oldest first.

    The sender knows all rounds; a receiver this one, and those in which somebody of it took a turn: an
    earlier round may have gone to another company, or come back before it was ever shown.
    """
    found = db.session.scalars(
        select(SentEdition).where(SentEdition.document_id == document.id).order_by(SentEdition.revision)
    ).all()
    if document.party_of(user.company_id).side is Side.sender:
        return found
    shown = {document.revision} | {
        event.revision
        for event in document.events
        if event.company_id == user.company_id and event.action in TURN_ACTIONS
    }
    return [edition for edition in found if edition.revision in shown]


def edition_of(user, document, number):
    """One of them, counted from 1; :class:`NotFound` where the company was not shown so many.

    They are counted as the company knows them: how often a document went elsewhere meanwhile is not said.
    """
    known = editions_of(user, document)
    if not 1 <= number <= len(known):
        raise NotFound
    return known[number - 1]
