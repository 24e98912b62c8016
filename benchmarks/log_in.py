"""S9: whether the time of an answer tells which 利用者IDs exist: `python -m benchmarks.log_in [--database postgresql]`.

On a fresh portal in a temporary folder, with the slow hash of production.  The ways to be refused are asked in turn,
round after round, so that whatever else the machine does meets all alike.  Printed is the median of each, and the
median of how much longer it took than an unknown 利用者ID in the same round, by the clock (goal: 15 ms at most, on a
machine that does nothing else) and by the CPU time of this process, which other programs disturb less.
"""

import argparse
import base64
import datetime as dt
import os
import re
import secrets
import statistics
import tempfile
import time
from pathlib import Path

import config
from app import create_app, schema
from app.clock import now
from app.extensions import db, writing
from app.models import PortalUser
from app.plans import PlanKind
from app.queries import role_rows
from app.services import companies, logbook, seals, strongroom
from demo import actors

ROUNDS, WARM = 40, 3
PASSWORD, WRONG, UNKNOWN = "Right-1234", "Wrong-1234", "U99999999"  # noqa: S105  a throw-away portal's
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Unlimited(config.Production):
    RATELIMIT_ENABLED = False


def portal(database_url, folder):
    """A portal with the people who are asked for: one of each state."""
    app = create_app(Unlimited({
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(48), "PORTAL_KEK": base64.b64encode(os.urandom(32)).decode(),
        "PORTAL_DATABASE_URL": database_url, "PORTAL_STORAGE_URL": (folder / "files").as_uri(), "PORTAL_KEY_KIND": "p_256",
    }))  # fmt: skip
    with app.app_context():
        schema.upgrade()
        with writing():
            strongroom.found(now())
            logbook.begin(now())
            db.session.commit()
            seals.found(now())
            company = companies.found_company("株式会社計測", PlanKind.both_sides, now())
            db.session.commit()
            roles, people = role_rows("Member"), {}
            for name in ("known", "deleted", "locked"):
                user = PortalUser(full_name=name, company=company, mail_address=f"{len(people)}@portal.example")
                companies.enrol(user, now(), roles=roles)
                actors.choose_password(user, PASSWORD)
                people[name] = user.user_code, user.mail_address
            db.session.commit()
        _set_back(people)
    return app, people


def _set_back(people):
    """Everybody as before the last round: tries are counted, and the fifth would lock."""
    with writing():
        for name, (code, _) in people.items():
            user = db.session.scalar(db.select(PortalUser).where(PortalUser.username == code))
            user.login_failures, user.locked_until = 0, None
            if name == "deleted":
                user.deleted_at = now()
            elif name == "locked":
                user.login_failures, user.locked_until = 5, now() + dt.timedelta(days=1)
        db.session.commit()
    db.session.remove()


def measure(app, people, page, fields, rounds):
    """kind of refusal -> a pair of lists of milliseconds, by the clock and by the CPU, one of each round.

    :param fields: (code, address) -> what is typed
    """
    kinds = {"unknown": (UNKNOWN, "nobody@portal.example")} | people
    taken = {kind: ([], []) for kind in kinds}
    for number in range(WARM + rounds):
        with app.app_context():
            _set_back(people)
        for kind, (code, address) in kinds.items():
            client = app.test_client()
            token = TOKEN.search(client.get(page).text).group(1)
            began = time.perf_counter(), time.process_time()
            client.post(page, data={"csrf_token": token} | fields(code, address))
            ended = time.perf_counter(), time.process_time()
            if number >= WARM:
                for times, first, last in zip(taken[kind], began, ended, strict=True):
                    times.append((last - first) * 1000)
    return taken


def show(database, page, taken):
    for kind, clocks in taken.items():
        pairs = zip(clocks, taken["unknown"], strict=True)
        gaps = [statistics.median(own - other for own, other in zip(*pair, strict=True)) for pair in pairs]
        wall, cpu = (statistics.median(times) for times in clocks)
        print(f"{database} {page} {kind}: {wall:.1f} ms, {gaps[0]:+.1f} ms; CPU {cpu:.1f} ms, {gaps[1]:+.1f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    given = parser.parse_args()
    kind = given.database
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = None
        if kind == "postgresql":
            from tests import databases

            server = databases.start(kind, None)
        try:
            app, people = portal(server.url if server else f"sqlite:///{folder / 'portal.db'}", folder)
            pages = {
                "/login/": lambda code, _address: {"username": code, "password": WRONG},
                "/login/forgotten": lambda code, address: {"username": code, "address": address},
            }
            for page, fields in pages.items():
                show(kind, page, measure(app, people, page, fields, given.rounds))
        finally:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()
            if server:
                server.stop()


if __name__ == "__main__":
    main()
