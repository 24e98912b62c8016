"""監査ログ: the chains of entries, their heads, the time stamps over the heads, and what the checks found.

No foreign keys: an entry outlives what it speaks of, and writing one locks nothing but the head of its chain.
"""

import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.tables.values import Utc


class LogHead(Model):
    """Where a chain ends now: one chain a company, numbered like it; 0 for what belongs to none."""

    __tablename__ = "log_head"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(default=0)  # of the last entry; the first is 1
    sha256: Mapped[str] = mapped_column(String(64))
    anchored_sequence: Mapped[int] = mapped_column(default=0)  # of the last entry under a time stamp


class LogEntry(Model):
    """One thing that happened (I19); what is hashed, and how, says :mod:`app.signing.log_chain`."""

    __tablename__ = "log_entry"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[dt.datetime] = mapped_column(Utc)
    kind: Mapped[str] = mapped_column(String(64))
    actor_id: Mapped[int | None] = mapped_column()
    user_id: Mapped[int | None] = mapped_column()  # about whom
    document_id: Mapped[int | None] = mapped_column()
    details: Mapped[dict] = mapped_column(JSON, default=dict)  # nothing personal, nothing secret
    source: Mapped[str] = mapped_column(String(32), default="")  # the table of the row it covers, if any
    source_id: Mapped[int | None] = mapped_column()
    source_sha256: Mapped[str] = mapped_column(String(64), default="")
    source_commitment: Mapped[str] = mapped_column(String(64), default="")
    source_salt: Mapped[str] = mapped_column(String(32), default="")  # empty once 個人データの消去 was done
    ip_address: Mapped[str] = mapped_column(String(45), default="")
    ip_commitment: Mapped[str] = mapped_column(String(64), default="")
    ip_salt: Mapped[str] = mapped_column(String(32), default="")
    previous: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_log_entry_source", "source", "source_id"),
        Index("ix_log_entry_actor", "actor_id"),
        Index("ix_log_entry_user", "user_id"),
    )


class LogAnchor(Model):
    """A time stamp over the heads of all chains that had grown since the one before."""

    __tablename__ = "log_anchor"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime] = mapped_column(Utc)  # the portal's clock; the token has its own time
    token: Mapped[bytes] = mapped_column(LargeBinary)  # RFC 3161, DER


class LogAnchorHead(Model):
    """One of the heads under a time stamp."""

    __tablename__ = "log_anchor_head"

    anchor_id: Mapped[int] = mapped_column(ForeignKey("log_anchor.id"), primary_key=True)
    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, index=True)
    sequence: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(String(64))


class LogCheck(Model):
    """What one verification of a chain found; rows are added."""

    __tablename__ = "log_check"

    id: Mapped[int] = mapped_column(primary_key=True)
    chain: Mapped[int] = mapped_column()
    at: Mapped[dt.datetime] = mapped_column(Utc)
    first_sequence: Mapped[int] = mapped_column()  # 1: the whole chain
    last_sequence: Mapped[int] = mapped_column()
    found: Mapped[int] = mapped_column(default=0)  # how many findings
    findings: Mapped[list] = mapped_column(JSON, default=list)  # the first hundred of them

    __table_args__ = (Index("ix_log_check_chain", "chain", "id"),)

    @property
    def is_whole(self):
        return self.first_sequence == 1
