"""What operators are told of the archive by mail: one letter a run of each kind, however many documents it is about."""

import datetime as dt

from sqlalchemy import func, or_, select, update

from app import queries
from app.errors import StorageFailed
from app.extensions import db
from app.labels import CONDITION, finding, jst
from app.models import ArchiveRecord, Condition, Letter, OutboxMessage
from app.services import outbox

MOST_LISTED = 20
STORAGE_PAUSE = dt.timedelta(hours=20)  # once a night, however many files could not be read


def tell_operators(now):
    """Owe a letter about all records with something wrong that is news, and one about those that are well again.

    False where there are none or nobody is there to be told: the rows keep their news until an operator exists.
    """
    operators = queries.operators()
    if not operators:
        return False
    is_wrong = or_(ArchiveRecord.condition == Condition.damaged, ArchiveRecord.failure != "")
    told = [
        _tell(operators, letter, (ArchiveRecord.has_news.is_(True), concerned), now)
        for letter, concerned in ((Letter.archive_alert, is_wrong), (Letter.archive_recovered, ~is_wrong))
    ]
    return any(told)


def _tell(operators, letter, concerned, now):
    records = db.session.scalars(select(ArchiveRecord).where(*concerned).order_by(ArchiveRecord.id).limit(MOST_LISTED)).all()
    if not records:
        return False
    total = db.session.scalar(select(func.count()).select_from(ArchiveRecord).where(*concerned))
    listed = [{"number": record.document.number, "what": what_of(record)} for record in records]
    for operator in operators:
        outbox.owe(letter, operator, now, listed=listed, others=total - len(listed))
    db.session.execute(
        update(ArchiveRecord).where(*concerned).values(has_news=False).execution_options(synchronize_session=False)
    )
    return True


def tell_of_storage(error, now):
    """Owe a letter where a job could not read or hold files, whatever their number; nothing where it was told tonight.

    :param error: what stopped the job; only that of a storage is told here
    """
    if not isinstance(error, StorageFailed):
        return
    lately = select(OutboxMessage.id).where(
        OutboxMessage.letter == Letter.storage_alert, OutboxMessage.created_at > now - STORAGE_PAUSE
    )
    if db.session.scalar(lately.limit(1)) is None:
        for operator in queries.operators():
            outbox.owe(Letter.storage_alert, operator, now, at=jst(now))


def what_of(record):
    """The state of one record in words: what was found, what failed, or that all is well again."""
    said = [finding(row) for row in record.findings]
    if record.failure:
        said.append(f"処理に失敗しました（{record.failure}）")
    return "、".join(said) or f"{CONDITION[record.condition]}（異常はありません）"
