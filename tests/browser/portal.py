"""A whole portal for the browser tests: the demo in processes of its own, its mails and its people."""

import datetime as dt
import email
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from email import policy
from functools import cached_property
from pathlib import Path

RUN_PY = Path(__file__).parents[2] / "run.py"
START_SECONDS = 180  # a first start plants companies and signs their documents
STOP_SECONDS = 30
MAIL_SECONDS = 20  # the worker posts every two seconds; the tests rarely wait for it
LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Mail:
    number: int
    to: str
    subject: str
    body: str

    @property
    def link(self):
        """The address a person would click on."""
        return LINK.search(self.body).group()

    def secret(self, name):
        """The password or PIN that stands behind `name` in the letter."""
        return re.search(rf"^{name}： (\S+)$", self.body, re.MULTILINE).group(1)

    @classmethod
    def read(cls, path):
        message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        body = message.get_body(("plain",)).get_content()
        return cls(int(path.stem), str(message["To"]), str(message["Subject"]), body)


class Portal:
    """`run.py demo` on a free port, with its data in a folder of its own."""

    def __init__(self, data, database_url=None):
        self.data = Path(data)
        self.database_url = database_url
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self._mails = {}

    # -- starting and stopping ---------------------------------------------------

    def start(self, *options):
        self.__dict__.pop("app", None)
        self.log = (self.data.parent / f"{self.data.name}.log").open("w+")
        command = [sys.executable, str(RUN_PY), "demo", "--data", str(self.data), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, *options], env=self._environ(), stdout=self.log, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        give_up = time.monotonic() + START_SECONDS
        while not self._is_well():
            if self.process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"the demo did not start:\n{self.said()}")
            time.sleep(0.2)
        accounts = json.loads((self.data / "accounts.json").read_text("utf-8"))
        self.accounts = {account["name"]: account for account in accounts}

    def stop(self):
        """Ctrl+C, as a terminal sends it: to every process of the demo."""
        os.killpg(self.process.pid, signal.SIGINT)
        exit_code = self.process.wait(STOP_SECONDS)
        self.log.close()
        self._close_connections()
        return exit_code

    def _close_connections(self):
        """Those of :attr:`app`; left to the garbage collector, they fail whichever test runs then."""
        app = self.__dict__.pop("app", None)
        if app is not None:
            from app.extensions import db

            with app.app_context():
                db.session.remove()
                db.engine.dispose()

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def processes(self):
        """Ids of the demo's processes that still run."""
        listed = subprocess.run(["ps", "-eo", "pid=,sid=,stat="], capture_output=True, text=True, check=True)
        rows = [line.split() for line in listed.stdout.splitlines()]
        return [int(pid) for pid, sid, state in rows if int(sid) == self.process.pid and "Z" not in state]

    def _environ(self):
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        return environ | ({"PORTAL_DATABASE_URL": self.database_url} if self.database_url else {})

    def _is_well(self):
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False

    # -- what an operator would do beside it ----------------------------------------

    def run(self, *command):
        return subprocess.run(
            [sys.executable, str(RUN_PY), *map(str, command)],
            env=self._environ(), capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    def job(self, name):
        """`run.py job NAME --data DIR`; what it says it did."""
        done = self.run("job", name, "--data", self.data)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    @cached_property
    def app(self):
        """The same portal inside this process, to post letters without waiting for the worker."""
        import config
        from app import create_app

        lines = (self.data / "settings.env").read_text("utf-8").splitlines()
        return create_app(config.current(dict(line.split("=", 1) for line in lines)))

    def post_letters(self):
        from app.jobs import run_job

        with self.app.app_context():
            run_job("send-mail")

    def let_a_day_pass(self, number):
        """Make a document one concluded yesterday: nobody wants to wait for midnight in Japan."""
        if self.database_url:
            import psycopg

            with psycopg.connect(self.database_url) as connection:
                connection.execute(
                    "UPDATE contract_document SET concluded_at = concluded_at - interval '1 day' "
                    "WHERE number = %s", (number,)
                )  # fmt: skip
            return
        with sqlite3.connect(self.data / "portal.db", timeout=15) as connection:
            (text,) = connection.execute(
                "SELECT concluded_at FROM contract_document WHERE number = ?", (number,)
            ).fetchone()
            earlier = dt.datetime.fromisoformat(text) - dt.timedelta(days=1)
            connection.execute(
                "UPDATE contract_document SET concluded_at = ? WHERE number = ?",
                (earlier.isoformat(sep=" ", timespec="microseconds"), number),
            )
        connection.close()

    @property
    def root_pem(self):
        return (self.data / "pki" / "root.pem").read_bytes()

    # -- mails -----------------------------------------------------------------------

    def mails_to(self, address, subject="", about=""):
        """Mails that arrived so far, oldest first; blanks in a subject do not count (D6)."""
        for path in self.data.glob("mail/*.eml"):
            if path.name not in self._mails:
                self._mails[path.name] = Mail.read(path)
        wanted = "".join(subject.split())
        return [
            mail
            for _, mail in sorted(self._mails.items())
            if mail.to == address and wanted in "".join(mail.subject.split()) and about in mail.body
        ]

    def mail(self, address, subject, about="", at_least=1):
        """The newest of at least so many mails; those still owed are posted first."""
        give_up = time.monotonic() + MAIL_SECONDS
        while len(found := self.mails_to(address, subject, about)) < at_least:
            assert time.monotonic() < give_up, f"no mail 「{subject}」 to {address} about 「{about}」"
            self.post_letters()
            time.sleep(0.1)
        return found[-1]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
