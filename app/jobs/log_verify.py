"""Check each chain of the 監査ログ as a whole, once a day in Japan, and tell the operators of what was found (I19)."""

from app.extensions import db
from app.services import log_audit


def due(now):
    """The chains not yet checked today: a company's number each, and 0."""
    return log_audit.due_for_check(now)


def run_one(chain, now):
    """Check one chain and keep the result."""
    log_audit.check(chain, now)
    db.session.commit()
    return True
