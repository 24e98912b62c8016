"""利用明細: a company's month is closed once, with its consumption tax, and never changes afterwards (I10).

Tax is reckoned once an invoice for its one rate, on the net sum, and rounded down: not line by line.  Whatever is
recorded for a month that is closed goes into the next one that is not.
"""

import datetime as dt
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, select

from app import queries
from app.clock import japan_date, month_of, next_month
from app.extensions import db
from app.labels import month as month_label
from app.models import Company, Letter, Statement, UsageRecord
from app.services import companies, outbox, service_changes, usage
from app.services.numbers import next_number


def tax_of(net_yen, percent):
    """Consumption tax on a net sum: rounded towards zero, so that taking a charge back takes its tax back."""
    tax = abs(net_yen) * percent // 100
    return tax if net_yen >= 0 else -tax


@dataclass(frozen=True)
class Sums:
    """What a month that is not closed yet would come to now."""

    net_yen: int
    tax_percent: int
    tax_yen: int

    @property
    def total_yen(self):
        return self.net_yen + self.tax_yen


def preview(sums):
    """
    :param sums: of the items, see :func:`app.queries.usage_sums`
    """
    net, percent = sum(each.yen for each in sums), current_app.config["TAX_PERCENT"]
    return Sums(net, percent, tax_of(net, percent))


def due(now):
    """Company and month of everything that is over in Japan and not closed yet, the earliest month first."""
    return _due(now, select(UsageRecord), select(Statement))


def _due(now, records, statements):
    this_month = month_of(japan_date(now))
    records, statements = records.subquery(), statements.subquery()
    closed = dict(
        db.session.execute(
            select(statements.c.company_id, func.max(statements.c.month)).group_by(statements.c.company_id)
        ).all()
    )
    waiting = db.session.execute(
        select(records.c.company_id, records.c.used_on)
        .where(records.c.statement_id.is_(None), records.c.used_on < this_month)
        .distinct()
    )
    found = {
        (max(month_of(used_on), next_month(closed[company_id])) if company_id in closed else month_of(used_on), company_id)
        for company_id, used_on in waiting
    }
    return [(company_id, month) for month, company_id in sorted(found) if month < this_month]


def close(company_id, month, now):
    """締め: everything of the company up to the end of `month` that stands in no 利用明細 yet becomes one.

    Monthly fees that no worker has recorded yet come first, so that a month is not closed without its 月額基本料.

    :returns: the new row; None where somebody else has closed it, or an earlier month comes first
    """
    companies.hold(company_id)
    service_changes.apply_due([company_id], now)
    usage.catch_up(db.session.get(Company, company_id), next_month(month) - dt.timedelta(days=1), now)
    own = _due(
        now,
        select(UsageRecord).where(UsageRecord.company_id == company_id),
        select(Statement).where(Statement.company_id == company_id),
    )
    if own[:1] != [(company_id, month)]:
        return None
    records = db.session.scalars(
        select(UsageRecord)
        .where(
            UsageRecord.company_id == company_id, UsageRecord.statement_id.is_(None),
            UsageRecord.used_on < next_month(month),
        )
        .order_by(UsageRecord.used_on, UsageRecord.id)
    ).all()  # fmt: skip
    config, company = current_app.config, db.session.get(Company, company_id)
    net, percent = sum(record.yen for record in records), config["TAX_PERCENT"]
    statement = Statement(
        number=next_number("statement"), company=company, month=month, closed_at=now, net_yen=net, tax_percent=percent,
        tax_yen=tax_of(net, percent), issuer_name=config["OPERATOR_NAME"], issuer_number=config["INVOICE_NUMBER"],
        company_name=company.name, company_address=company.address,
    )  # fmt: skip
    db.session.add(statement)
    db.session.flush()
    for record in records:
        record.statement = statement
    is_news = any(record.yen for record in records)  # 取引先専用プラン may cost nothing, month after month
    for person in queries.administrators_of(company_id) if is_news else []:
        outbox.owe(
            Letter.statement, person, now, month=month_label(month), statement_no=statement.number,
            statement_id=statement.id,
        )  # fmt: skip
    return statement
