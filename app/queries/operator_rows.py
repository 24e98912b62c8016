"""The rows behind each number of the operator's ダッシュボード: what counts them there lists them on the page it leads to."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import select

from app.labels import COMPANY_STATUS, PLAN, STATUS, month
from app.labels.operator import CONCLUDED_IN, FOUNDED_IN, OF_PLAN, OF_PLAN_AND_STATE, OF_STATUS, WORK
from app.models import (
    ApplicationState,
    ArchiveRecord,
    Certificate,
    CertificateApplication,
    Company,
    CompanyChange,
    CompanyStatus,
    Condition,
    ContractDocument,
    OutboxMessage,
    Plan,
    ServiceApplication,
)
from app.plans import PlanKind
from app.queries.periods import beginning, last_day, months_until
from app.workflow import Status

LATE_HOURS = 24  # a concluded document that has waited longer for its transfer than one night


@dataclass(frozen=True)
class Narrowing:
    """Some rows of one of the operator's lists, and what they are in words."""

    table: type
    conditions: tuple
    words: str


def work_rows(now, today, with_operator):
    """Name of what waits for somebody or went wrong -> its table and conditions.

    :param with_operator: the states of a 利用申請 in which the operator has it
    """
    usable = Certificate.revoked_at.is_(None)
    unsent, is_due = OutboxMessage.sent_at.is_(None), OutboxMessage.due_at.is_not(None)
    waits = ContractDocument.status == Status.completion_wait

    def ends_within(days):
        return Certificate, usable, Certificate.not_after > now, Certificate.not_after <= now + dt.timedelta(days=days)

    return {
        "certificates_30": ends_within(30),
        "certificates_90": ends_within(90),
        "certificates_expired": (Certificate, usable, Certificate.not_after <= now),
        "mails_unsent": (OutboxMessage, unsent, is_due),
        "mails_retried": (OutboxMessage, unsent, is_due, OutboxMessage.attempts > 0, OutboxMessage.failure != ""),
        "mails_failed": (OutboxMessage, unsent, OutboxMessage.due_at.is_(None), OutboxMessage.failure != ""),
        "certificate_applications": (CertificateApplication, CertificateApplication.state == ApplicationState.received),
        "company_changes": (CompanyChange, CompanyChange.state == ApplicationState.received),
        "service_applications": (ServiceApplication, ServiceApplication.state.in_(with_operator)),
        "transfers_waiting": (ContractDocument, waits),
        "transfers_late": (ContractDocument, waits, ContractDocument.concluded_at < now - dt.timedelta(hours=LATE_HOURS)),
        "archive_failures": (ArchiveRecord, ArchiveRecord.failure != ""),
        "archive_damaged": (ArchiveRecord, ArchiveRecord.condition == Condition.damaged),
        "renewals_due": (ArchiveRecord, ArchiveRecord.renew_on <= today),
    }


def narrowing(name, now, today, with_operator):
    """The :class:`Narrowing` of that name, or None where there is none.

    :param name: one of :func:`work_rows`, or ``companies.one_side``, ``companies.one_side.active``,
        ``documents.draft``, ``founded.2026-04``, ``concluded.2026-04`` and the like
    """
    rows = work_rows(now, today, with_operator).get(name)
    if rows:
        return Narrowing(rows[0], rows[1:], WORK[name])
    what, *of = name.split(".")
    if what in _OF_MONTH and len(of) == 1:
        return _of_month(what, of[0], today)
    try:
        if what == "companies" and len(of) in (1, 2):
            return _companies(PlanKind(of[0]), *map(CompanyStatus, of[1:]))
        if what == "documents" and len(of) == 1:
            status = Status(of[0])
            return Narrowing(ContractDocument, (ContractDocument.status == status,), OF_STATUS.format(STATUS[status]))
    except ValueError:
        pass  # no such plan or status
    return None


def _companies(plan, state=None):
    of_plan = Company.plan_id.in_(select(Plan.id).where(Plan.kind == plan))
    if state is None:
        return Narrowing(Company, (of_plan,), OF_PLAN.format(PLAN[plan]))
    return Narrowing(Company, (of_plan, Company.status == state), OF_PLAN_AND_STATE.format(PLAN[plan], COMPANY_STATUS[state]))


_OF_MONTH = {
    "founded": (Company, Company.created_at, FOUNDED_IN),
    "concluded": (ContractDocument, ContractDocument.concluded_at, CONCLUDED_IN),
}


def _of_month(what, typed, today):
    table, column, words = _OF_MONTH[what]
    for first in months_until(today):
        if f"{first:%Y-%m}" == typed:
            following = beginning(last_day(first) + dt.timedelta(days=1))
            return Narrowing(table, (column >= beginning(first), column < following), words.format(month(first)))
    return None
