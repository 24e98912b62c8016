"""The worker: APScheduler in one process, which runs what is due."""

import fcntl
import logging
import signal
import threading
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from app.clock import JAPAN
from app.jobs import TIMETABLE, limit_waiting, run_job

log = logging.getLogger(__name__)


def scheduler_for(app):
    """A scheduler that runs every job by the timetable, and once at its start to catch up."""
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a tick skipped while its job still runs is no news
    scheduler = BackgroundScheduler(
        timezone=JAPAN, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
    )
    for name, fields in TIMETABLE.items():
        scheduler.add_job(_run, "cron", args=[app, name], id=name, **fields)
        scheduler.add_job(_run, "date", args=[app, name], id=f"{name} at start")
    return scheduler


def _run(app, name):
    with app.app_context():
        report = run_job(name)
    if report["due"]:
        log.info("%s: %s done, %s failed of %s", name, report["done"], report["failed"], report["due"])


def run_forever(app):
    """Run until told to stop; a second worker on the same machine is refused."""
    limit_waiting()
    lock_file = Path(app.config["WORKER_LOCK_FILE"])
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"Another worker is running; it holds {lock_file}.")
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        scheduler = scheduler_for(app)
        scheduler.start()
        stop.wait()
        scheduler.shutdown()
