"""Record what companies owe by the month: 月額基本料 and options (I10); what an earlier run missed comes with the next."""

from app.extensions import db
from app.services import usage


def due(now):
    """Ids of the companies of which something of this month is not recorded yet."""
    return usage.without_monthly(now)


def run_one(company_id, now):
    usage.record_month(company_id, now)
    db.session.commit()
    return True
