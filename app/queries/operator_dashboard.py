"""What the ダッシュボード of the operator counts: how many of what, and nothing of any contract's content."""

import datetime as dt
from dataclasses import dataclass, field

from sqlalchemy import func, literal, select, union_all

from app.extensions import db
from app.models import (
    Company,
    CompanyStatus,
    ContractDocument,
    JobRun,
    LogAnchor,
    Plan,
    Statement,
    UsageRecord,
)
from app.plans import PlanKind
from app.queries.dashboard import count_if
from app.queries.operator_rows import work_rows
from app.queries.periods import MONTHS, beginning, month_of, months_until
from app.workflow import Status


def companies_by_plan():
    """(plan, state) -> how many companies; every plan and state that there is has its place."""
    found = dict.fromkeys(((plan, state) for plan in PlanKind for state in CompanyStatus), 0)
    for plan, state, count in db.session.execute(
        select(Plan.kind, Company.status, func.count()).join(Plan, Plan.id == Company.plan_id)
        .group_by(Plan.kind, Company.status)
    ):  # fmt: skip
        found[plan, state] = count
    return found


def documents_by_status():
    found = dict(
        db.session.execute(select(ContractDocument.status, func.count()).group_by(ContractDocument.status)).all()
    )
    return {status: found.get(status, 0) for status in Status}


@dataclass
class Month:
    first: dt.date
    new_companies: int = 0
    concluded: int = 0


def growth(today):
    """New companies and concluded documents of the last twelve months, oldest first."""
    firsts = months_until(today)
    months = [Month(first) for first in firsts]
    borders = [beginning(first) for first in firsts]
    counted = {"new_companies": Company.created_at, "concluded": ContractDocument.concluded_at}
    placed = union_all(*(
        select(literal(what).label("what"), month_of(column, borders).label("month")).where(column >= borders[0])
        for what, column in counted.items()
    )).subquery()  # fmt: skip
    for what, place, count in db.session.execute(
        select(placed.c.what, placed.c.month, func.count()).group_by(placed.c.what, placed.c.month)
    ):
        setattr(months[place], what, count)
    return months


@dataclass(frozen=True)
class Work:
    """What waits for somebody, or went wrong; all are numbers of rows, but for the time of the last time stamp."""

    certificates_30: int
    certificates_90: int
    certificates_expired: int  # not revoked, and their end is past
    mails_unsent: int
    mails_retried: int  # of the unsent, those refused at least once
    mails_failed: int  # given up
    certificate_applications: int
    company_changes: int
    service_applications: int
    transfers_waiting: int
    transfers_late: int
    archive_failures: int
    archive_damaged: int
    renewals_due: int
    anchored_at: dt.datetime | None


def work(now, today, with_operator):
    """Everything that waits, asked in one statement.

    :param with_operator: the states of a 利用申請 in which the operator has it
    """
    counted = {name: _count(*rows) for name, rows in work_rows(now, today, with_operator).items()}
    counted["anchored_at"] = select(func.max(LogAnchor.at)).scalar_subquery()
    found = db.session.execute(select(*(column.label(name) for name, column in counted.items()))).one()
    return Work(**found._mapping)


def _count(table, *conditions):
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()


def last_runs():
    """The last run of each job by its name, and how many items failed in that run."""
    newest = select(func.max(JobRun.id)).group_by(JobRun.name)
    found = db.session.execute(
        select(JobRun.id, JobRun.name, JobRun.started_at, JobRun.done, JobRun.failed).where(JobRun.id.in_(newest))
    )
    return {run.name: run for run in found}


@dataclass
class Money:
    """What the companies use and pay, without consumption tax unless said."""

    open_companies: int = 0
    open_records: int = 0
    open_yen: int = 0
    has_samples: bool = False
    months: list = field(default_factory=list)  # (first day, statements, net_yen, tax_yen), the newest first


def money():
    """What stands in no 利用明細 yet, and the 利用明細 of the last twelve closed months: two statements."""
    record, made = UsageRecord, Money()
    made.open_companies, made.open_records, open_yen, samples = db.session.execute(
        select(
            func.count(record.company_id.distinct()), func.count(), func.coalesce(func.sum(record.yen), 0),
            count_if(record.is_sample),
        ).where(record.statement_id.is_(None))
    ).one()  # fmt: skip
    made.open_yen, made.has_samples = int(open_yen), samples > 0
    made.months = [
        (month, count, int(net), int(tax))
        for month, count, net, tax in db.session.execute(
            select(Statement.month, func.count(), func.sum(Statement.net_yen), func.sum(Statement.tax_yen))
            .group_by(Statement.month)
            .order_by(Statement.month.desc())
            .limit(MONTHS)
        )
    ]
    return made
