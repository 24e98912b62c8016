"""People, their log-in sessions, and what happened to them."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User as FabUser
from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.company import Company
from app.tables.values import Utc, enum_column


class UserState(StrEnum):
    """利用者の状態 (I2)."""

    active = auto()
    locked = auto()
    deleted = auto()


class Lock(StrEnum):
    """What wrong tries at a secret have locked, and an administrator may unlock."""

    log_in = auto()
    pin = auto()
    signing = auto()


class AccountAction(StrEnum):
    """What is noted about people and their credentials (操作履歴)."""

    log_in = auto()
    log_in_refused = auto()
    log_out = auto()
    session_ended = auto()
    locked = auto()
    unlocked = auto()
    password_changed = auto()
    password_reset = auto()
    password_forgotten = auto()
    second_factor_on = auto()
    second_factor_off = auto()
    recovery_codes_made = auto()
    recovery_code_used = auto()
    user_enrolled = auto()
    user_changed = auto()
    user_deleted = auto()
    users_imported = auto()
    turns_reassigned = auto()
    deputy_named = auto()
    deputy_ended = auto()
    route_template_changed = auto()
    case_changed = auto()
    case_linked = auto()
    draft_deleted = auto()
    bulk_download_requested = auto()
    personal_data_exported = auto()
    personal_data_erased = auto()
    company_change_applied = auto()
    company_changed = auto()
    company_change_rejected = auto()
    company_options_changed = auto()
    certificate_applied = auto()
    certificate_rejected = auto()
    certificate_issued = auto()
    certificate_imported = auto()
    revocation_list_stored = auto()
    certificate_linked = auto()
    certificate_unlinked = auto()
    certificate_activated = auto()
    certificate_revoked = auto()
    pin_reissued = auto()
    signing_password_reissued = auto()
    signing_code_sent = auto()
    consent_requested = auto()
    consent_given = auto()
    consent_declined = auto()
    consent_withdrawn = auto()
    partner_invited = auto()
    partner_invited_again = auto()
    partner_invitation_cancelled = auto()
    company_founded = auto()
    service_application_decided = auto()
    fee_table_changed = auto()
    usage_corrected = auto()
    service_change_applied = auto()
    service_change_withdrawn = auto()
    service_change_approved = auto()
    service_change_took_effect = auto()
    service_change_refused = auto()
    service_change_called_off = auto()
    company_registered = auto()
    service_application_received = auto()
    service_review_started = auto()
    service_keyed_in = auto()
    company_suspended = auto()
    company_resumed = auto()
    company_export_requested = auto()
    consent_on_paper = auto()
    mail_resent = auto()


class PortalUser(FabUser):
    """利用者 (I2).

    Flask-AppBuilder's own table with our columns.  Its `username` is the 利用者ID; its `email` must be
    unique over everybody, so it holds a placeholder and the address that may serve several people
    is `mail_address`.
    """

    __tablename__ = "ab_user"
    __table_args__ = {"extend_existing": True}

    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)
    full_name: Mapped[str] = mapped_column(String(255), default="")
    kana: Mapped[str] = mapped_column(String(255), default="")
    department: Mapped[str] = mapped_column(String(255), default="")
    title: Mapped[str] = mapped_column(String(255), default="")
    mail_address: Mapped[str] = mapped_column(String(320), default="")
    must_change_password: Mapped[bool] = mapped_column(default=True)
    initial_password_until: Mapped[dt.datetime | None] = mapped_column(Utc)
    session_epoch: Mapped[int] = mapped_column(default=0)
    login_failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None] = mapped_column(Utc)
    signing_failures: Mapped[int] = mapped_column(default=0)
    deleted_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    enrolment_token: Mapped[str | None] = mapped_column(String(36), unique=True)  # of the form that made the row
    earlier_passwords: Mapped[list] = mapped_column(JSON, default=list)  # hashes, the newest first (I17)
    totp_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)  # the key of the authenticator app
    totp_step: Mapped[int | None] = mapped_column()  # of the last code taken; none is taken twice
    recovery_codes: Mapped[list] = mapped_column(JSON, default=list)  # hashes of those not used yet
    mailed_password_mac: Mapped[bytes | None] = mapped_column(LargeBinary)  # 再発行パスワード, good beside the own one
    mailed_password_until: Mapped[dt.datetime | None] = mapped_column(Utc)

    company: Mapped[Company | None] = relationship(back_populates="users", lazy="joined")
    activations: Mapped[list["CertificateActivation"]] = relationship(back_populates="user")
    delegations: Mapped[list["Delegation"]] = relationship(  # 代理 in the own place
        foreign_keys="Delegation.user_id", back_populates="user", order_by="Delegation.id"
    )
    deputyships: Mapped[list["Delegation"]] = relationship(  # and in others' places
        foreign_keys="Delegation.deputy_id", back_populates="deputy", order_by="Delegation.id"
    )

    def get_id(self):
        """What the session cookie holds; a raised epoch makes every earlier cookie worthless."""
        return f"{self.id}:{self.session_epoch}"

    def __repr__(self):
        return f"{self.full_name}（{self.user_code}）"

    @property
    def user_code(self):
        return self.username

    @property
    def is_operator(self):
        return any(role.name == "Operator" for role in self.roles)

    @property
    def is_company_admin(self):
        """True for a 管理用ID (R8)."""
        return any(role.name == "CompanyAdmin" for role in self.roles)

    @property
    def is_selectable(self):
        """False once deleted: such a person is on no new route and receives nothing (R53)."""
        return bool(self.active) and self.deleted_at is None

    @property
    def has_second_factor(self):
        return self.totp_sealed is not None

    @property
    def must_set_up_second_factor(self):
        """Whether the company demands a second factor that the person has not set up yet."""
        return bool(self.company and self.company.requires_second_factor and not self.has_second_factor)

    @property
    def log_in_stamp(self):
        """What a log-in that waits for its second factor hangs on: every log-in, new password and ended session
        changes it."""
        return f"{self.id}:{self.session_epoch}:{self.login_count or 0}"

    @property
    def last_seen(self):
        """The last log-in, aware; Flask-AppBuilder's column holds it as naive UTC."""
        return self.last_login.replace(tzinfo=dt.UTC) if self.last_login else None

    @property
    def shown_name(self):
        return self.full_name + ("（削除済）" if self.deleted_at else "")


class LoginSession(Model):
    """One log-in of a person in one browser, from log-in to log-out (S10)."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    started_at: Mapped[dt.datetime] = mapped_column(Utc)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    ip_address: Mapped[str] = mapped_column(String(45), default="")
    browser: Mapped[str] = mapped_column(String(255), default="")

    user: Mapped[PortalUser] = relationship()


class AccountEvent(Model):
    """One thing that happened to a person, a company or their credentials; added, never changed."""

    __tablename__ = "account_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[AccountAction] = mapped_column(enum_column(AccountAction))
    at: Mapped[dt.datetime] = mapped_column(Utc)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # about whom
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # None: nobody logged in, or a job
    ip_address: Mapped[str] = mapped_column(String(45), default="")
    note: Mapped[str] = mapped_column(String(255), default="")  # a number, a name; nothing secret

    company: Mapped[Company | None] = relationship()
    user: Mapped[PortalUser | None] = relationship(foreign_keys=user_id)
    actor: Mapped[PortalUser | None] = relationship(foreign_keys=actor_id)

    __table_args__ = (
        Index("ix_account_event_company", "company_id", "id"),
        Index("ix_account_event_user", "user_id", "id"),
    )
