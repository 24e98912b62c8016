"""The Flask extensions that rows and letters need; :func:`app.create_app` binds them.

SQLite gets WAL, foreign keys and, for every transaction that may write, BEGIN IMMEDIATE: a reading
transaction that turned into a writing one would fail at once with "database is locked".
"""

import sqlite3
from contextlib import contextmanager
from contextvars import ContextVar
from email import charset

from flask_appbuilder.models.sqla.base import SQLA
from flask_mail import Mail
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Engine, event

db = SQLA()
mail = Mail()
csrf = CSRFProtect()

# Flask-Mail sends long Japanese lines as raw 8-bit, which real servers refuse ("Line too long").
charset.add_charset("utf-8", charset.SHORTEST, charset.BASE64, "utf-8")

_writing = ContextVar("writing", default=False)
_client_address = ContextVar("client_address", default="")


def begin_request(may_write, client_address=""):
    """Say whether the transactions of the request that begins may write, and where it comes from."""
    _writing.set(may_write)
    _client_address.set(client_address)


def client_address():
    """The IP address that asks; empty in a job and on the command line."""
    return _client_address.get()


@contextmanager
def asked_from(address):
    """What happens inside was asked for from this IP address; for a job that does what somebody asked."""
    token = _client_address.set(address)
    try:
        yield
    finally:
        _client_address.reset(token)


@contextmanager
def writing():
    """Transactions begun inside take SQLite's write lock at once."""
    token = _writing.set(True)
    try:
        yield
    finally:
        _writing.reset(token)


@contextmanager
def reading():
    """Transactions begun inside only read, also where the surrounding ones may write."""
    token = _writing.set(False)
    try:
        yield
    finally:
        _writing.reset(token)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection, _record):
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None  # BEGIN is ours, below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=15000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection):
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")
