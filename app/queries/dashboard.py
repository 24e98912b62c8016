"""What the ダッシュボード of a company counts: always of the documents its administrator may see."""

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import and_, case, extract, func, or_, select

from app.extensions import db
from app.models import Certificate, ContractDocument, DocumentEvent, PortalUser, Statement, UsageRecord
from app.queries.documents import documents_of
from app.queries.periods import MONTHS, last_day, month_of, months_until
from app.workflow import CONCLUDED, IN_ARCHIVE, OPEN, TURN_ACTIONS, UNFINISHED, WAITING, Action, Status

DUE_SOON_DAYS = 7
RECENT_DAYS = 90
TERM_DAYS = (30, 90)
RETENTION_DAYS = (90, 180)
CERTIFICATE_DAYS = (30, 90)
MOST_ENDING = 10  # contracts named one by one
DAY_SECONDS = 24 * 60 * 60


def days_ahead(column, today, days):
    """Whether a day lies from today to `days` later."""
    return column.between(today, today + dt.timedelta(days=days))


def count_if(*conditions):
    return func.coalesce(func.sum(case((and_(*conditions), 1), else_=0)), 0)


@dataclass
class Waiting:
    """How many documents wait: altogether, after their 署名期限, and with it in the next days."""

    total: int = 0
    overdue: int = 0
    due_soon: int = 0

    def add(self, row):
        self.total += row.total
        self.overdue += row.overdue
        self.due_soon += row.due_soon


@dataclass
class Holder(Waiting):
    """What waits for one person of the own company."""

    code: str = ""
    name: str = ""


@dataclass
class Desk:
    """The documents that are under way, by status and by the own company's people."""

    all: Waiting = field(default_factory=Waiting)
    statuses: dict[Status, Waiting] = field(default_factory=dict)
    holders: list[Holder] = field(default_factory=list)


def desk_of(user, today):
    """What is under way; who of another company has a document is not asked."""
    seen = (
        documents_of(user)
        .outerjoin(PortalUser, PortalUser.id == ContractDocument.holder_id)
        .where(ContractDocument.status.in_(UNFINISHED))
        .with_only_columns(
            ContractDocument.status, ContractDocument.deadline,
            case((PortalUser.company_id == user.company_id, PortalUser.id)).label("holder_id"),
        )
        .subquery()
    )  # fmt: skip
    is_open = seen.c.status.in_(OPEN)
    rows = db.session.execute(
        select(
            seen.c.status, PortalUser.id, PortalUser.username, PortalUser.full_name, func.count().label("total"),
            count_if(is_open, seen.c.deadline < today).label("overdue"),
            count_if(is_open, days_ahead(seen.c.deadline, today, DUE_SOON_DAYS)).label("due_soon"),
        )
        .select_from(seen)
        .outerjoin(PortalUser, PortalUser.id == seen.c.holder_id)
        .group_by(seen.c.status, PortalUser.id, PortalUser.username, PortalUser.full_name)
    )  # fmt: skip
    desk, holders = Desk(statuses={status: Waiting() for status in Status if status in UNFINISHED}), {}
    for row in rows:
        desk.all.add(row)
        desk.statuses[row.status].add(row)
        if row.id is not None:
            holders.setdefault(row.id, Holder(code=row.username, name=row.full_name)).add(row)
    desk.holders = sorted(holders.values(), key=lambda one: (-one.total, one.code))
    return desk


@dataclass(frozen=True)
class StepTime:
    """How long the own people took for one step, from its coming to them until they acted, in days."""

    status: Status
    times: int
    days: float
    recent_times: int  # in the last RECENT_DAYS
    recent_days: float | None


def step_times_of(user, now):
    """The own company's steps of the last twelve months; what the partners took is nobody's here (I18)."""
    since, recent = now - dt.timedelta(days=365), now - dt.timedelta(days=RECENT_DAYS)
    event = DocumentEvent
    seen = documents_of(user).where(
        or_(ContractDocument.concluded_at.is_(None), ContractDocument.concluded_at >= since)
    )
    came = func.lag(event.at).over(partition_by=event.document_id, order_by=event.id)
    moves = (
        select(event.old_status, event.company_id, event.at, came.label("came"))
        .where(
            event.document_id.in_(seen.with_only_columns(ContractDocument.id)),
            event.action.in_({Action.send, *TURN_ACTIONS}),
        )
        .subquery()
    )  # fmt: skip
    is_recent, seconds = moves.c.at >= recent, extract("epoch", moves.c.at) - extract("epoch", moves.c.came)
    rows = db.session.execute(
        select(
            moves.c.old_status, func.count(), func.sum(seconds),
            count_if(is_recent), func.sum(case((is_recent, seconds))),
        )
        .where(moves.c.company_id == user.company_id, moves.c.old_status.in_(WAITING), moves.c.at >= since)
        .group_by(moves.c.old_status)
    )  # fmt: skip
    found = {status: StepTime(status, times, _days(total, times), recently, _days(lately, recently))
             for status, times, total, recently, lately in rows}  # fmt: skip
    return [found[status] for status in Status if status in found]


def _days(seconds, times):
    return float(seconds) / times / DAY_SECONDS if times else None


@dataclass
class Month:
    """What was concluded in one month, by 契約締結年月日."""

    first: dt.date
    count: int = 0
    amount_yen: int = 0
    in_archive: int = 0  # the rest still waits for the nightly transfer

    @property
    def last(self):
        return last_day(self.first)


def concluded_by_month(user, today):
    """The last twelve months, oldest first."""
    firsts = months_until(today)
    seen = (
        documents_of(user)
        .where(
            ContractDocument.status.in_(CONCLUDED),
            ContractDocument.conclusion_date.between(firsts[0], last_day(firsts[-1])),
        )
        .with_only_columns(
            month_of(ContractDocument.conclusion_date, firsts).label("month"), ContractDocument.status,
            ContractDocument.amount_yen,
        )
        .subquery()
    )  # fmt: skip
    months = [Month(first) for first in firsts]
    for place, count, amount, in_archive in db.session.execute(
        select(
            seen.c.month, func.count(), func.coalesce(func.sum(seen.c.amount_yen), 0),
            count_if(seen.c.status.in_(IN_ARCHIVE)),
        ).group_by(seen.c.month)
    ):  # fmt: skip
        month = months[place]
        month.count, month.amount_yen, month.in_archive = count, int(amount), int(in_archive)
    return months


@dataclass(frozen=True)
class Endings:
    """What ends soon: days -> how many."""

    terms: dict[int, int]  # 契約期間
    retentions: dict[int, int]  # 長期保管
    certificates: dict[int, int]


def endings_of(user, now, today):
    document = ContractDocument
    terms = [
        count_if(document.status.in_(CONCLUDED), days_ahead(document.term_to, today, days)) for days in TERM_DAYS
    ]
    retentions = [
        count_if(document.status == Status.archived, days_ahead(document.retained_until, today, days))
        for days in RETENTION_DAYS
    ]
    certificates = [_certificates_ending(user.company_id, now, days) for days in CERTIFICATE_DAYS]
    found = db.session.execute(
        documents_of(user).where(document.status.in_(CONCLUDED)).with_only_columns(*terms, *retentions, *certificates)
    ).one()
    counts = [int(count) for count in found]
    return Endings(
        dict(zip(TERM_DAYS, counts[:2], strict=True)),
        dict(zip(RETENTION_DAYS, counts[2:4], strict=True)),
        dict(zip(CERTIFICATE_DAYS, counts[4:], strict=True)),
    )


def _certificates_ending(company_id, now, days):
    return (
        select(func.count())
        .select_from(Certificate)
        .where(
            Certificate.company_id == company_id, Certificate.revoked_at.is_(None), Certificate.not_after > now,
            Certificate.not_after <= now + dt.timedelta(days=days),
        )
        .scalar_subquery()
    )  # fmt: skip


def contracts_ending(user, today):
    """The next concluded contracts whose 契約期間 ends, the soonest first, and no more than a few."""
    document = ContractDocument
    return db.session.execute(
        documents_of(user)
        .where(document.status.in_(CONCLUDED), days_ahead(document.term_to, today, TERM_DAYS[-1]))
        .with_only_columns(document.id, document.number, document.title, document.term_to, document.renews_itself)
        .order_by(document.term_to, document.id)
        .limit(MOST_ENDING)
    ).all()


@dataclass(frozen=True)
class Usage:
    """What was used and stands in no 利用明細 yet."""

    count: int
    net_yen: int
    has_samples: bool  # some prices are サンプル


def open_usage_of(user):
    count, net, samples = db.session.execute(
        select(func.count(), func.coalesce(func.sum(UsageRecord.yen), 0), count_if(UsageRecord.is_sample))
        .where(UsageRecord.company_id == user.company_id, UsageRecord.statement_id.is_(None))
    ).one()  # fmt: skip
    return Usage(count, int(net), samples > 0)


def statements_of(user):
    """The last twelve 利用明細 of the own company, the newest first."""
    return db.session.execute(
        select(Statement.month, Statement.net_yen, Statement.tax_yen)
        .where(Statement.company_id == user.company_id)
        .order_by(Statement.month.desc())
        .limit(MONTHS)
    ).all()
