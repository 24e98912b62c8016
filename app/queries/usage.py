"""利用実績 and 利用明細: of one company for its administrator, of all of them for the operator (I10)."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import joinedload, selectinload

from app.clock import month_of
from app.errors import NotFound
from app.extensions import db
from app.models import Company, FeeItem, Statement, UsageRecord
from app.queries.typed import MOST_ID, as_code, page_of

LINES_A_PAGE = 50
STATEMENTS_A_PAGE = 20
_WITH_ALL = (
    joinedload(UsageRecord.document), selectinload(UsageRecord.corrections),
    selectinload(UsageRecord.corrects, recursion_depth=2),  # what a correction goes back to; further ones are rare
)  # fmt: skip


@dataclass(frozen=True)
class ItemSum:
    """What one 項目 comes to since the day of its first record, and what its corrections come to, each by itself.

    `has_samples`: some of its prices are サンプル.
    """

    item: FeeItem
    is_correction: bool
    count: int
    yen: int
    has_samples: bool
    first_on: dt.date


def _records(company_id, statement_id):
    """The records of a 利用明細; those of the company that are not closed yet where it is None."""
    of_it = UsageRecord.statement_id.is_(None) if statement_id is None else UsageRecord.statement_id == statement_id
    return select(UsageRecord).where(UsageRecord.company_id == company_id, of_it)


def usage_lines(company_id, statement_id=None, page=1):
    """One page of the lines, in the order of their days."""
    found = _records(company_id, statement_id).order_by(UsageRecord.used_on, UsageRecord.id)
    return page_of(found, page, LINES_A_PAGE, *_WITH_ALL)


def all_usage_lines(company_id, statement_id=None):
    """All lines, for a file."""
    found = _records(company_id, statement_id).order_by(UsageRecord.used_on, UsageRecord.id)
    return db.session.scalars(found.options(*_WITH_ALL)).all()


def usage_sums(company_id, statement_id=None):
    """The sum of each 項目 that was used, in the table's order, each followed by that of its corrections."""
    records = _records(company_id, statement_id).subquery()
    corrects = case((records.c.corrects_id.is_(None), 0), else_=1)
    samples = func.sum(case((records.c.is_sample, 1), else_=0))
    found = db.session.execute(
        select(records.c.item, corrects, func.count(), func.sum(records.c.yen), samples, func.min(records.c.used_on))
        .group_by(records.c.item, corrects)
    )  # fmt: skip
    rows = [ItemSum(item, bool(is_of), int(count), int(yen), bool(some), first) for item, is_of, count, yen, some, first in found]
    order = list(FeeItem)
    return sorted(rows, key=lambda row: (order.index(row.item), row.is_correction))


def statements_of(company_id, page=1):
    """The 利用明細 of one company, the newest first."""
    found = select(Statement).where(Statement.company_id == company_id).order_by(Statement.month.desc())
    return page_of(found, page, STATEMENTS_A_PAGE)


def statement_of(company_id, statement_id):
    """One 利用明細 of the company, or :class:`NotFound` for unknown and foreign alike."""
    found = statement_named(statement_id)
    if found.company_id != company_id:
        raise NotFound
    return found


# -- for the operator ------------------------------------------------------------


def statement_named(statement_id):
    found = db.session.get(Statement, statement_id) if statement_id <= MOST_ID else None
    if found is None:
        raise NotFound
    return found


def company_named(company_id):
    """A company by its id, or :class:`NotFound`."""
    found = db.session.get(Company, company_id) if company_id <= MOST_ID else None
    if found is None:
        raise NotFound
    return found


def usage_record_named(record_id):
    found = db.session.get(UsageRecord, record_id) if record_id <= MOST_ID else None
    if found is None:
        raise NotFound
    return found


def statements(*, month: dt.date | None = None, company_code="", page=1):
    """The 利用明細 of all companies, the newest month first."""
    found = _statements(month, company_code).order_by(Statement.month.desc(), Statement.number.desc())
    return page_of(found, page, STATEMENTS_A_PAGE, joinedload(Statement.company))


def sums_of_statements(*, month: dt.date | None = None, company_code=""):
    """How many there are, and their net sum, tax and total."""
    wanted = _statements(month, company_code).subquery()
    count, net, tax = db.session.execute(
        select(func.count(), func.coalesce(func.sum(wanted.c.net_yen), 0), func.coalesce(func.sum(wanted.c.tax_yen), 0))
        .select_from(wanted)
    ).one()  # fmt: skip
    return count, int(net), int(tax), int(net) + int(tax)


def _statements(month, company_code):
    found = select(Statement)
    if month is not None:
        found = found.where(Statement.month == month_of(month))
    if company_code:
        found = found.where(Statement.company.has(Company.code == as_code(company_code)))
    return found


def statements_of_month(month: dt.date):
    """All 利用明細 of a month by their number, for a file."""
    found = _statements(month, "").order_by(Statement.number).options(joinedload(Statement.company))
    return db.session.scalars(found).all()


def sums_by_statement(month: dt.date):
    """The sum of each 項目 of each 利用明細 of a month: (statement id, 項目) -> yen."""
    found = db.session.execute(
        select(UsageRecord.statement_id, UsageRecord.item, func.sum(UsageRecord.yen))
        .join(Statement, Statement.id == UsageRecord.statement_id)
        .where(Statement.month == month_of(month))
        .group_by(UsageRecord.statement_id, UsageRecord.item)
    )
    return {(statement_id, item): int(yen) for statement_id, item, yen in found}


def statements_with_samples(month: dt.date):
    """Ids of the 利用明細 of a month in which some price is a サンプル."""
    found = select(UsageRecord.statement_id).join(Statement, Statement.id == UsageRecord.statement_id)
    return set(db.session.scalars(found.where(Statement.month == month_of(month), UsageRecord.is_sample).distinct()))


def open_usage(page=1):
    """Companies with what is not closed yet, by their 企業ID: rows of company, number of records, net sum."""
    sums = (
        select(UsageRecord.company_id, func.count().label("count"), func.sum(UsageRecord.yen).label("yen"))
        .where(UsageRecord.statement_id.is_(None))
        .group_by(UsageRecord.company_id)
        .subquery()
    )
    found = select(Company).join(sums, sums.c.company_id == Company.id).order_by(Company.code)
    companies = page_of(found, page, STATEMENTS_A_PAGE)
    on_page = [company.id for company in companies.rows]
    rows = db.session.execute(select(sums).where(sums.c.company_id.in_(on_page)))
    return companies, {company_id: (count, int(yen)) for company_id, count, yen in rows}
