"""Close the months that are over: one 利用明細 a company and month, told by mail (I10)."""

from app.extensions import db
from app.services import statements


def due(now):
    """Company and month of what is to be closed."""
    return statements.due(now)


def run_one(work, now):
    """Close one month of one company; False where it is closed already."""
    company_id, month = work
    closed = statements.close(company_id, month, now)
    db.session.commit()
    return closed is not None
