"""The jobs and their timetable.

A job is a module with `due(now)`, the ids it has to deal with, and `run_one(id, now)`, which deals with
one and is safe to run twice; True when it did something.  It may have `failed(id, error, now)`, which notes a failure
in the rows, and `afterwards(now)`, which ends the run.  A missed tick costs nothing: what is due is
read from the rows.
"""

import datetime as dt
import logging
import socket

from app.clock import now as clock_now
from app.extensions import db, writing
from app.jobs import (
    archive_check,
    archive_expiry,
    archive_extension,
    archive_transfer,
    bulk_download,
    bulk_operation,
    certificate_expiry,
    key_destruction,
    log_anchor,
    log_verify,
    object_lock,
    remind,
    seal_renewal,
    send_mail,
    service_changes,
    signing_password_expiry,
    term_end,
    tsa_crl,
    usage_closing,
    usage_monthly,
)
from app.models import JobRun

SOCKET_SECONDS = 30  # Flask-Mail gives its connections no limit of their own

log = logging.getLogger(__name__)

JOBS = {
    "archive-check": archive_check,
    "archive-expiry": archive_expiry,
    "archive-extension": archive_extension,
    "archive-transfer": archive_transfer,
    "bulk-download": bulk_download,
    "bulk-operation": bulk_operation,
    "certificate-expiry": certificate_expiry,
    "key-destruction": key_destruction,
    "log-anchor": log_anchor,
    "log-verify": log_verify,
    "object-lock": object_lock,
    "remind": remind,
    "seal-renewal": seal_renewal,
    "service-changes": service_changes,
    "signing-password-expiry": signing_password_expiry,
    "term-end": term_end,
    "tsa-crl": tsa_crl,
    "usage-closing": usage_closing,
    "usage-monthly": usage_monthly,
    "send-mail": send_mail,
}
# job name -> APScheduler cron fields, Japan time; each is run once at the worker's start as well
TIMETABLE = {
    "send-mail": {"second": "*/2"},
    "bulk-download": {"second": "*/5"},
    "bulk-operation": {"second": "*/2"},
    "archive-transfer": {"hour": "2-6", "minute": "*/15"},  # again and again, for whatever failed or was cut off
    "archive-extension": {"second": 20},  # somebody may be waiting for an extension
    "archive-check": {"hour": "0-5", "minute": 30},
    "archive-expiry": {"hour": 7, "minute": 10},
    "signing-password-expiry": {"hour": 0, "minute": 10},
    "certificate-expiry": {"hour": 7, "minute": 30},
    "key-destruction": {"minute": "*/5"},
    "log-anchor": {"hour": "1-6", "minute": 0},  # once a day, and again where no authority answered
    "log-verify": {"hour": "3-6", "minute": 30},
    "object-lock": {"minute": "*/10"},
    "remind": {"hour": 8, "minute": 0},
    "seal-renewal": {"hour": 1, "minute": 0},
    "service-changes": {"second": 10},  # every minute: a 適用日 begins at midnight in Japan
    "term-end": {"hour": 8, "minute": 15},
    "tsa-crl": {"minute": 35},
    "usage-closing": {"hour": "4-6", "minute": 10},
    "usage-monthly": {"minute": 5},
}
# leave a row only when they had something to do
QUIET = frozenset({
    "send-mail", "archive-extension", "bulk-download", "bulk-operation", "key-destruction", "object-lock", "service-changes",
    "tsa-crl", "usage-monthly",
})  # fmt: skip
LATE_HOURS = 25  # every other job has a run a day, and an hour to finish it


def is_late(name, last_started_at, now):
    """Whether a job has not run when it should have; what a quiet one did not have to do is no delay.

    :param last_started_at: of its last run; None where there is none
    """
    if name in QUIET:
        return False
    return last_started_at is None or now - last_started_at > dt.timedelta(hours=LATE_HOURS)


def limit_waiting():
    """Let no connection of this process wait for ever; for processes that run jobs."""
    socket.setdefaulttimeout(SOCKET_SECONDS)


def run_job(name, now=None):
    """Run one job over everything due, one item after the other.

    :param now: the moment to act at; the clock's, read for each item anew, when not given
    :returns: what was done: name, numbers of done and failed items, and the failures by item
    """
    job, started_at = JOBS[name], now or clock_now()
    ids = job.due(started_at)
    db.session.rollback()
    report = {"job": name, "due": len(ids), "done": 0, "failed": 0, "failures": {}}
    for item_id in ids:
        try:
            with writing():
                report["done"] += bool(job.run_one(item_id, now or clock_now()))
        except Exception as error:  # one bad item must not stop the others; it stays due
            log.exception("job %s failed on %s", name, item_id)
            db.session.rollback()
            report["failed"] += 1
            report["failures"][str(item_id)] = f"{type(error).__name__}: {error}"[:200]
            _call(job, "failed", item_id, error, now or clock_now())
    if ids or name not in QUIET:  # what a run that was cut off found is told as well, though nothing is due any more
        _call(job, "afterwards", now or clock_now())
    if ids or name not in QUIET:
        _record(report, started_at)
    return report


def _call(job, name, *args):
    """Call what a job may have; that it fails must not stop the run either."""
    if not hasattr(job, name):
        return
    try:
        with writing():
            getattr(job, name)(*args)
    except Exception:
        log.exception("%s of %s failed", name, job.__name__)
        db.session.rollback()


def _record(report, started_at):
    with writing():
        db.session.add(
            JobRun(
                name=report["job"], started_at=started_at, finished_at=clock_now(),
                done=report["done"], failed=report["failed"], report=report,
            )
        )  # fmt: skip
        db.session.commit()
