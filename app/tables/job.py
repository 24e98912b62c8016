"""Letters that are owed, runs of jobs, and the series of numbers."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column


class Letter(StrEnum):
    """A mail of the mail matrix (requirements A12)."""

    user_issued = auto()
    initial_password = auto()
    certificate_pin = auto()
    receipt_request = auto()
    approval_request = auto()
    signature_request = auto()
    signing_password = auto()
    signing_password_reissued = auto()
    progress = auto()
    remanded = auto()
    withdrawn = auto()
    completed = auto()
    account_locked = auto()
    secret_locked = auto()
    account_unlocked = auto()
    password_changed = auto()
    password_forgotten = auto()
    second_factor_changed = auto()
    signing_code = auto()
    certificate_expiry = auto()
    certificate_revoked = auto()
    application_decided = auto()
    mail_address_changed = auto()
    turn_reassigned = auto()
    deputy_changed = auto()
    returned_inside = auto()
    deadline = auto()
    consent_requested = auto()
    consent_answered = auto()
    paper_requested = auto()
    paper_delivered = auto()
    term_end = auto()
    retention_ending = auto()
    archive_alert = auto()
    archive_recovered = auto()
    bulk_download = auto()
    log_broken = auto()
    service_invitation = auto()
    service_received = auto()
    service_returned = auto()
    service_rejected = auto()
    partner_approved = auto()
    statement = auto()
    company_standing = auto()
    storage_alert = auto()
    tsa_list_alert = auto()
    consent_on_paper = auto()


class OutboxMessage(Model):
    """A mail that is owed; written with the step that owes it, posted by a job."""

    __tablename__ = "outbox_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    letter: Mapped[Letter] = mapped_column(enum_column(Letter))
    to_address: Mapped[str] = mapped_column(String(320))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("contract_document.id"), index=True)
    facts: Mapped[dict] = mapped_column(JSON, default=dict)  # what the template needs, nothing secret
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # erased when sent or expired
    message_id: Mapped[str] = mapped_column(String(128), unique=True)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    due_at: Mapped[dt.datetime | None] = mapped_column(Utc, index=True)  # None: nothing left to do
    expires_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    failure: Mapped[str] = mapped_column(String(255), default="")

    user: Mapped[PortalUser | None] = relationship()


class JobRun(Model):
    """One run of a job over everything that was due."""

    __tablename__ = "job_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), index=True)
    started_at: Mapped[dt.datetime] = mapped_column(Utc)
    finished_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    done: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    report: Mapped[dict] = mapped_column(JSON, default=dict)


class NumberSeries(Model):
    """The last number given out of a series: 企業ID, 利用者ID, 文書管理番号, 証明書管理番号."""

    __tablename__ = "number_series"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)
