"""Record what companies owe by the month: 月額基本料 and options (I10); what an earlier run missed comes with the next."""

from app.extensions import db
from app.services import service_changes, usage


def due(now):
    """Ids of the companies of which something of this month is not recorded yet."""
    return usage.without_monthly(now)


def run_one(company_id, now):
    """Record what one company owes, by the plan and the options of today, also where their own job comes later."""
    service_changes.apply_due([company_id], now)
    usage.record_month(company_id, now)
    db.session.commit()
    return True
