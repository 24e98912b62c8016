"""リマインド: whoever has the turn is asked once more, by hand and by the job (T18)."""

import datetime as dt

from flask import current_app
from sqlalchemy import exists, select

from app.clock import end_of_japan_day, japan_date
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import jst
from app.models import ContractDocument, DocumentEvent
from app.services import outbox, steps
from app.workflow import REMINDABLE, Action

REMINDER_PAUSE = dt.timedelta(hours=1)


def may_remind(document, actor):
    """Whether the person may have who has the turn asked again: the registrar, while it is somebody else."""
    return (
        document.status in REMINDABLE and actor.id == document.registrar_id and document.holder_id != actor.id
    )


def remind(document, actor, now):
    """リマインド: ask who has the turn once more, at most once an hour (T18).

    No version is counted: the page that the holder has open stays good.
    """
    version = document.version
    db.session.refresh(document, ["version"], with_for_update=True)  # one reminder at a time
    if document.version != version or not may_remind(document, actor):
        raise OutOfTurn
    for party in document.parties:
        steps.check_active(party.company)
    last = max((event.at for event in document.events if event.action is Action.remind), default=None)
    if last is not None and now - last < REMINDER_PAUSE:
        raise Refused(
            f"リマインドは、1つの契約文書につき1時間に1回まで送信できます。前回は{jst(last)}に送信しました。"
            "時間をおいてから、もう一度お試しください。"
        )
    return _remind(document, actor, now)


def waiting_long(now):
    """Ids of the documents that nobody has dealt with or been reminded of for `PORTAL_REMIND_DAYS` days (T18).

    Days are Japan's: what came on Monday is due on Thursday morning, and every third day from then on.
    """
    return db.session.scalars(select(ContractDocument.id).where(*_waits_long(now)).order_by(ContractDocument.id)).all()


def _waits_long(now):
    days = current_app.config["REMIND_DAYS"]
    recent = exists().where(
        DocumentEvent.document_id == ContractDocument.id,
        DocumentEvent.action != Action.reassign,
        DocumentEvent.at >= end_of_japan_day(japan_date(now) - dt.timedelta(days=days)),
    )
    return days > 0, ContractDocument.status.in_(REMINDABLE), ~recent


def remind_of_waiting(document_id, now):
    """Ask who has the turn once more; False where somebody dealt with it meanwhile or nobody may act."""
    document = db.session.get(ContractDocument, document_id, with_for_update=True, populate_existing=True)
    waits = db.session.scalar(select(ContractDocument.id).where(ContractDocument.id == document_id, *_waits_long(now)))
    if not waits or not all(party.company.is_active for party in document.parties):
        return False
    _remind(document, None, now)
    return True


def _remind(document, actor, now):
    outbox.tell_again(document, now)
    return steps.record(Action.remind, document, actor, now, old_status=document.status)
