"""The tables.  A row answers questions about itself and declares its constraints; it does not act."""

import datetime as dt
import enum
from enum import StrEnum, auto

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User as FabUser
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import end_of_japan_day
from app.plans import PlanKind
from app.workflow import (
    OPEN,
    UNSIGNED,
    WITH_REGISTRAR,
    Action,
    Role,
    Side,
    SignatureMode,
    Status,
)

# -- value types --------------------------------------------------------------


class Utc(TypeDecorator):
    """An aware time; kept as UTC, and refused when it is naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value, dialect):
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class CompanyStatus(StrEnum):
    """企業の状態 (I1)."""

    applying = auto()
    active = auto()
    suspended = auto()
    terminated = auto()


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


class DocumentKind(StrEnum):
    """文書種別 (I4)."""

    contract = auto()
    order = auto()
    order_acceptance = auto()
    change_contract = auto()
    memorandum = auto()
    other = auto()


class ListColumn(StrEnum):
    """The columns of 検索結果, in the order of its CSV file (I20, L7)."""

    number = auto()
    title = auto()
    kind = auto()
    mode = auto()
    status = auto()
    partner = auto()
    conclusion_date = auto()
    amount = auto()
    archived_on = auto()
    retained_until = auto()
    registered_on = auto()
    sha256 = auto()


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
    draft_deleted = auto()
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


class Validity(StrEnum):
    """Whether a certificate may be used at some moment."""

    valid = auto()
    not_yet = auto()
    expired = auto()
    revoked = auto()


class ApplicationKind(StrEnum):
    """What an administrator applies for with the operator."""

    additional = auto()  # 追加発行
    renewal = auto()  # 更新: a new certificate in place of an ending one
    pin_reissue = auto()  # PIN再発行: a new key and certificate, the earlier one revoked


class ApplicationState(StrEnum):
    """申請の状態 (I9)."""

    received = auto()
    approved = auto()
    rejected = auto()


class Level(enum.Enum):
    """What was verified in a revision's bytes; never what was hoped for."""

    none = "none"
    b_lt = "b_lt"
    b_lta = "b_lta"
    timestamped = "timestamped"  # 署名なし: a document time stamp and no signature


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
    deadline = auto()


def _enum(of):
    return EnumColumn(of, native_enum=False, length=32, create_constraint=False, validate_strings=True)


# -- companies and people -----------------------------------------------------


class Plan(Model):
    """料金プラン (R101): one row a kind."""

    __tablename__ = "plan"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PlanKind] = mapped_column(_enum(PlanKind), unique=True)
    name: Mapped[str] = mapped_column(String(64))
    note: Mapped[str] = mapped_column(Text, default="")

    def __repr__(self):
        return self.name


class Company(Model):
    """企業 (I1)."""

    __tablename__ = "company"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(16), unique=True)  # 企業ID: C and eight digits
    name: Mapped[str] = mapped_column(String(255))
    kana: Mapped[str] = mapped_column(String(255), default="")
    corporate_number: Mapped[str] = mapped_column(String(13), default="")
    address: Mapped[str] = mapped_column(String(255), default="")
    phone: Mapped[str] = mapped_column(String(32), default="")
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    status: Mapped[CompanyStatus] = mapped_column(_enum(CompanyStatus), default=CompanyStatus.active)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    requires_second_factor: Mapped[bool] = mapped_column(default=False)
    signs_by_code: Mapped[bool] = mapped_column(default=False)  # a code for each document (S19)

    plan: Mapped[Plan] = relationship(lazy="joined")
    users: Mapped[list["PortalUser"]] = relationship(back_populates="company")

    def __repr__(self):
        return f"{self.name}（{self.code}）"

    @property
    def is_active(self):
        return self.status is CompanyStatus.active


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
    action: Mapped[AccountAction] = mapped_column(_enum(AccountAction))
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


class CompanyChange(Model):
    """企業情報の変更申請: what an administrator wants changed, until an operator decides (I3)."""

    __tablename__ = "company_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    applicant_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    wanted: Mapped[dict] = mapped_column(JSON)  # column of Company -> new value
    state: Mapped[ApplicationState] = mapped_column(_enum(ApplicationState), default=ApplicationState.received)
    applied_at: Mapped[dt.datetime] = mapped_column(Utc)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    company: Mapped[Company] = relationship()
    applicant: Mapped[PortalUser] = relationship(foreign_keys=applicant_id)
    decided_by: Mapped[PortalUser | None] = relationship(foreign_keys=decided_by_id)


# -- certificates and secrets -------------------------------------------------


class Authority(Model):
    """One certificate authority or time-stamp unit of the portal's own PKI."""

    __tablename__ = "authority"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))  # root, signers_ca, tsa_ca, tsa
    generation: Mapped[int] = mapped_column(default=1)
    certificate_der: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)

    __table_args__ = (UniqueConstraint("name", "generation"),)


class Certificate(Model):
    """電子証明書 of a company (I16); several people may use one."""

    __tablename__ = "certificate"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)  # 管理番号: JC- and eight digits
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    certificate_der: Mapped[bytes] = mapped_column(LargeBinary)
    serial: Mapped[str] = mapped_column(String(64))
    authority: Mapped[str] = mapped_column(String(64), default="")  # SHA-256 of an outside issuer's name
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # erased when revoked
    pin_mail_address: Mapped[str] = mapped_column(String(320))
    subject_name: Mapped[str] = mapped_column(String(255))
    not_before: Mapped[dt.datetime] = mapped_column(Utc)
    not_after: Mapped[dt.datetime] = mapped_column(Utc)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    is_imported: Mapped[bool] = mapped_column(default=False)  # of an outside authority (L4)
    chain_pem: Mapped[str] = mapped_column(Text, default="")  # the outside authorities' certificates
    crl_pem: Mapped[str] = mapped_column(Text, default="")  # their revocation lists
    expiry_told_days: Mapped[int | None] = mapped_column()  # the last notice went out so many days before the end

    company: Mapped[Company] = relationship()
    activations: Mapped[list["CertificateActivation"]] = relationship(back_populates="certificate")

    __table_args__ = (UniqueConstraint("authority", "serial", name="uq_certificate_authority_serial"),)

    def __repr__(self):
        return f"{self.number} {self.subject_name}"

    def validity(self, moment):
        if self.revoked_at is not None:
            return Validity.revoked
        if moment >= self.not_after:
            return Validity.expired
        return Validity.valid if moment >= self.not_before else Validity.not_yet

    def is_usable(self, moment):
        return self.validity(moment) is Validity.valid

    @property
    def people(self):
        """Who may use it (署名用ID), by 利用者ID."""
        return sorted((link.user for link in self.activations), key=lambda user: user.user_code)


class CertificateActivation(Model):
    """That a person may use a certificate, and, once 証明書有効性確認 is done, the key for that person (R36)."""

    __tablename__ = "certificate_activation"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"))
    activated_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    pin_failures: Mapped[int] = mapped_column(default=0)

    user: Mapped[PortalUser] = relationship(back_populates="activations")
    certificate: Mapped[Certificate] = relationship(back_populates="activations", lazy="joined")

    __table_args__ = (UniqueConstraint("user_id", "certificate_id"),)


class CertificateApplication(Model):
    """電子証明書の追加発行・更新・PIN再発行の申請, with what proves who applied (L3)."""

    __tablename__ = "certificate_application"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(36), unique=True)  # of the form that made it
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    applicant_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    kind: Mapped[ApplicationKind] = mapped_column(_enum(ApplicationKind))
    department: Mapped[str] = mapped_column(String(255), default="")
    title: Mapped[str] = mapped_column(String(255), default="")
    pin_mail_address: Mapped[str] = mapped_column(String(320))
    user_ids: Mapped[list] = mapped_column(JSON)  # who is to use the certificate
    replaced_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"))
    evidence_name: Mapped[str] = mapped_column(String(255), default="")  # 印鑑証明書
    evidence_sha256: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[ApplicationState] = mapped_column(_enum(ApplicationState), default=ApplicationState.received)
    applied_at: Mapped[dt.datetime] = mapped_column(Utc)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    issued_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"))

    company: Mapped[Company] = relationship()
    applicant: Mapped[PortalUser] = relationship(foreign_keys=applicant_id)
    decided_by: Mapped[PortalUser | None] = relationship(foreign_keys=decided_by_id)
    replaced: Mapped[Certificate | None] = relationship(foreign_keys=replaced_id)
    issued: Mapped[Certificate | None] = relationship(foreign_keys=issued_id)

    def __repr__(self):
        return f"{self.company} {self.applied_at:%Y/%m/%d}"


class SigningCode(Model):
    """A code that signs one revision of one document once, for companies that chose it (S19)."""

    __tablename__ = "signing_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    pdf_sha256: Mapped[str] = mapped_column(String(64))  # the bytes that it may sign
    mac: Mapped[bytes | None] = mapped_column(LargeBinary)  # erased when used, replaced or expired
    issued_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    used_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    def is_valid_for(self, document, moment):
        """Whether it signs these bytes of this document at `moment`."""
        signs = (self.document_id, self.pdf_sha256) == (document.id, document.pdf_sha256)
        return signs and self.mac is not None and moment < self.expires_at


class SigningPassword(Model):
    """One issue of a 署名用パスワード; until its last day it signs every document (R75)."""

    __tablename__ = "signing_password"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    mac: Mapped[bytes | None] = mapped_column(LargeBinary)  # erased when it expires
    issued_at: Mapped[dt.datetime] = mapped_column(Utc)
    issued_on: Mapped[dt.date] = mapped_column(Date)  # in Japan
    is_automatic: Mapped[bool] = mapped_column()
    last_day: Mapped[dt.date] = mapped_column(Date)  # in Japan, inclusive
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    __table_args__ = (
        Index("ix_signing_password_user_day", "user_id", "last_day"),
        Index(
            "uq_signing_password_automatic", "user_id", "issued_on", unique=True,
            sqlite_where=text("is_automatic"), postgresql_where=text("is_automatic"),
        ),
    )  # fmt: skip

    def is_valid(self, moment):
        return self.revoked_at is None and self.mac is not None and moment < end_of_japan_day(self.last_day)


# -- documents and routes -----------------------------------------------------


class ContractDocument(Model):
    """契約文書: its facts, its status and who has the turn."""

    __tablename__ = "contract_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)  # 文書管理番号
    title: Mapped[str] = mapped_column(String(255))
    kind: Mapped[DocumentKind] = mapped_column(_enum(DocumentKind))
    mode: Mapped[SignatureMode] = mapped_column(_enum(SignatureMode))
    status: Mapped[Status] = mapped_column(_enum(Status), default=Status.draft)
    version: Mapped[int] = mapped_column(default=1)
    revision: Mapped[int] = mapped_column(default=0)  # how often it was sent
    registration_token: Mapped[str] = mapped_column(String(36), unique=True)  # of the form that made it
    registrar_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    conclusion_date: Mapped[dt.date | None] = mapped_column(Date)  # 契約締結年月日; typed, or set at conclusion
    concluded_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    amount_yen: Mapped[int | None] = mapped_column(BigInteger)  # 契約金額(税込); None is 金額なし
    term_from: Mapped[dt.date | None] = mapped_column(Date)
    term_to: Mapped[dt.date | None] = mapped_column(Date)
    renews_itself: Mapped[bool] = mapped_column(default=False)
    deadline: Mapped[dt.date | None] = mapped_column(Date)  # 署名期限, in Japan, inclusive
    deadline_told_days: Mapped[int | None] = mapped_column()  # the last notice: so many days before it; -1 after it
    partner_number: Mapped[str] = mapped_column(String(64), default="")  # 取引先管理番号
    message: Mapped[str] = mapped_column(Text, default="")  # to the receiver, seen by both

    file_name: Mapped[str] = mapped_column(String(255))
    unsigned_sha256: Mapped[str] = mapped_column(String(64))  # after the intake, before any field
    pdf_sha256: Mapped[str] = mapped_column(String(64))  # what everybody sees now
    page_count: Mapped[int] = mapped_column()

    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    sent_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    archived_on: Mapped[dt.date | None] = mapped_column(Date)  # 保管開始日
    retained_until: Mapped[dt.date | None] = mapped_column(Date)  # 保管満了日
    archive_attempted_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    registrar: Mapped[PortalUser] = relationship(foreign_keys=registrar_id)
    holder: Mapped[PortalUser | None] = relationship(foreign_keys=holder_id)
    parties: Mapped[list["DocumentParty"]] = relationship(
        back_populates="document", order_by="DocumentParty.position", cascade="all, delete-orphan"
    )
    route: Mapped[list["RouteStep"]] = relationship(
        back_populates="document", order_by="RouteStep.position", cascade="all, delete-orphan"
    )
    revisions: Mapped[list["DocumentRevision"]] = relationship(
        back_populates="document", order_by="DocumentRevision.position"
    )
    events: Mapped[list["DocumentEvent"]] = relationship(
        back_populates="document", order_by="DocumentEvent.id"
    )
    signatures: Mapped[list["DocumentSignature"]] = relationship(
        back_populates="document", order_by="DocumentSignature.id"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index("ix_contract_document_holder", "holder_id", "status"),
        Index("ix_contract_document_status", "status", "concluded_at"),
        CheckConstraint("amount_yen IS NULL OR amount_yen >= 0", name="amount_not_negative"),
        CheckConstraint(
            "(status IN ('completion_wait', 'archived', 'archive_expired', 'withdrawn'))"
            " = (holder_id IS NULL)",
            name="one_holder_while_open",
        ),
    )

    def __repr__(self):
        return f"{self.number} {self.title}"

    @property
    def open_turns(self):
        """The turns still to be taken, in order."""
        steps = sorted(self.route, key=lambda step: step.position)
        return [step for step in steps if step.is_turn and step.closed_at is None]

    @property
    def turn(self):
        """The step the document waits on now; None while the registrar has it and after the end."""
        return None if self.status in WITH_REGISTRAR else next(iter(self.open_turns), None)

    @property
    def sender(self):
        return self.parties[0]

    @property
    def receivers(self):
        return self.parties[1:]

    def registered_at(self, company_id):
        """登録日時 as a company may know it: a receiver learns of a document when it is sent (I18)."""
        return self.created_at if self.sender.company_id == company_id else self.sent_at

    def party_of(self, company_id):
        """The party of a company in this document, or None."""
        return next((party for party in self.parties if party.company_id == company_id), None)

    @property
    def valid_signatures(self):
        """Those of the current round; a 差戻 or 取下げ makes all of them void (T10, T12)."""
        if self.status in UNSIGNED:
            return []
        return [signature for signature in self.signatures if signature.revision == self.revision]

    def is_overdue(self, today):
        """Whether it still waits for somebody after its 署名期限; `today` is Japan's."""
        return self.status in OPEN and self.deadline is not None and self.deadline < today

    def partners_of(self, company_id):
        """The parties other than this company's own."""
        return [party for party in self.parties if party.company_id != company_id]


class DocumentParty(Model):
    """One company in a document: the sender first, then the receivers in order."""

    __tablename__ = "document_party"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    position: Mapped[int] = mapped_column()
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    side: Mapped[Side] = mapped_column(_enum(Side))
    plan_at_sending: Mapped[PlanKind | None] = mapped_column(_enum(PlanKind))
    comment: Mapped[str] = mapped_column(Text, default="")  # 自社内コメント, own company only (R54)
    is_open: Mapped[bool] = mapped_column(default=False)  # may this company see the document now?
    field_name: Mapped[str | None] = mapped_column(String(32))  # its signature field in the PDF

    document: Mapped[ContractDocument] = relationship(back_populates="parties")
    company: Mapped[Company] = relationship(lazy="joined")

    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        UniqueConstraint("document_id", "company_id"),
        Index("ix_document_party_company", "company_id", "is_open"),
    )

    @property
    def steps(self):
        """This company's part of the route, in order."""
        own = [step for step in self.document.route if step.party is self]
        return sorted(own, key=lambda step: step.position)

    def people(self, role):
        """Who has `role`, which templates give by its name, in this company for this document, in order."""
        return [step.user for step in self.steps if step.role == role]


class RouteStep(Model):
    """One person on the route of a document; a turn where the document waits on them."""

    __tablename__ = "route_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    party_id: Mapped[int] = mapped_column(ForeignKey("document_party.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    role: Mapped[Role] = mapped_column(_enum(Role))
    status: Mapped[Status | None] = mapped_column(_enum(Status))  # the document's, while it waits here
    position: Mapped[int] = mapped_column()
    closed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    outcome: Mapped[Action | None] = mapped_column(_enum(Action))  # what the person did at their turn
    is_reassigned: Mapped[bool] = mapped_column(default=False)  # 担当者変更 put this person in another's place

    document: Mapped[ContractDocument] = relationship(back_populates="route")
    party: Mapped[DocumentParty] = relationship()
    user: Mapped[PortalUser] = relationship(lazy="joined")

    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        Index("ix_route_step_user", "user_id", "document_id"),
    )

    @property
    def is_turn(self):
        return self.status is not None


class DocumentRevision(Model):
    """One stored file of a document, named by its SHA-256 and never changed."""

    __tablename__ = "document_revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    position: Mapped[int] = mapped_column()
    sha256: Mapped[str] = mapped_column(String(64))
    made_from: Mapped[str | None] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column()
    level: Mapped[Level] = mapped_column(_enum(Level))
    created_at: Mapped[dt.datetime] = mapped_column(Utc)

    document: Mapped[ContractDocument] = relationship(back_populates="revisions")

    __table_args__ = (UniqueConstraint("document_id", "position"), Index("ix_revision_sha256", "sha256"))


class DocumentSignature(Model):
    """Who signed which bytes with what (S17)."""

    __tablename__ = "document_signature"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"), index=True)
    revision: Mapped[int] = mapped_column()  # of the document; a remanded round's signatures are void
    field_name: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"))
    signing_password_id: Mapped[int | None] = mapped_column(ForeignKey("signing_password.id"))
    signing_code_id: Mapped[int | None] = mapped_column(ForeignKey("signing_code.id"))
    signed_sha256: Mapped[str] = mapped_column(String(64))
    result_sha256: Mapped[str] = mapped_column(String(64))
    at: Mapped[dt.datetime] = mapped_column(Utc)
    ip_address: Mapped[str] = mapped_column(String(45), default="")

    document: Mapped[ContractDocument] = relationship(back_populates="signatures")
    user: Mapped[PortalUser] = relationship()
    certificate: Mapped[Certificate] = relationship(lazy="joined")

    __table_args__ = (
        UniqueConstraint("document_id", "revision", "field_name"),
        CheckConstraint("(signing_password_id IS NULL) <> (signing_code_id IS NULL)", name="password_or_code"),
    )


class DocumentEvent(Model):
    """One thing that happened to a document; added, never changed."""

    __tablename__ = "document_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"), index=True)
    action: Mapped[Action] = mapped_column(_enum(Action))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # None: a job
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    side: Mapped[Side | None] = mapped_column(_enum(Side))
    at: Mapped[dt.datetime] = mapped_column(Utc)
    reason: Mapped[str] = mapped_column(Text, default="")
    revision: Mapped[int] = mapped_column()
    old_status: Mapped[Status | None] = mapped_column(_enum(Status))
    new_status: Mapped[Status] = mapped_column(_enum(Status))
    pdf_sha256: Mapped[str] = mapped_column(String(64))

    document: Mapped[ContractDocument] = relationship(back_populates="events")
    actor: Mapped[PortalUser | None] = relationship()
    company: Mapped[Company | None] = relationship()


class SavedSearch(Model):
    """検索条件の保存: what one person keeps of a search form, under a name (I20)."""

    __tablename__ = "saved_search"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    in_archive: Mapped[bool] = mapped_column()  # of which of the two lists
    name: Mapped[str] = mapped_column(String(64))
    conditions: Mapped[dict] = mapped_column(JSON)  # field of the form -> value, as they stand in an address
    created_at: Mapped[dt.datetime] = mapped_column(Utc)

    user: Mapped[PortalUser] = relationship()

    __table_args__ = (UniqueConstraint("user_id", "in_archive", "name"),)


# -- outbox and jobs ----------------------------------------------------------


class OutboxMessage(Model):
    """A mail that is owed; written with the step that owes it, posted by a job."""

    __tablename__ = "outbox_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    letter: Mapped[Letter] = mapped_column(_enum(Letter))
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
