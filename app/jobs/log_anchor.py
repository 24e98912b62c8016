"""Time-stamp the heads of the 監査ログ, once a day in Japan (I19)."""

from app.services import log_audit


def due(now):
    """[today], as a number, where no time stamp was made today and a chain has grown."""
    return log_audit.due_for_anchor(now)


def run_one(_today, now):
    """Make the time stamp; raises where no authority answers, and is due again."""
    if not log_audit.due_for_anchor(now):
        return False
    log_audit.anchor(now)
    return True
