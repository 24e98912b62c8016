"""Contract documents, their parties, routes, files, signatures and events."""

import datetime as dt
import enum
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.plans import PlanKind
from app.tables.case import ContractCase
from app.tables.certificate import Certificate
from app.tables.company import Company
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column
from app.workflow import OPEN, UNSIGNED, WITH_REGISTRAR, Action, Role, Side, SignatureMode, Status


class DocumentKind(StrEnum):
    """文書種別 (I4)."""

    contract = auto()
    order = auto()
    order_acceptance = auto()
    change_contract = auto()
    memorandum = auto()
    other = auto()


AMENDING = frozenset({DocumentKind.change_contract, DocumentKind.memorandum})  # each belongs to an 原契約 (L24)


class Level(enum.Enum):
    """What was verified in a revision's bytes; never what was hoped for."""

    none = "none"
    b_lt = "b_lt"
    b_lta = "b_lta"
    timestamped = "timestamped"  # 署名なし: a document time stamp and no signature


class ContractDocument(Model):
    """契約文書: its facts, its status and who has the turn."""

    __tablename__ = "contract_document"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)  # 文書管理番号
    title: Mapped[str] = mapped_column(String(255))
    kind: Mapped[DocumentKind] = mapped_column(enum_column(DocumentKind))
    mode: Mapped[SignatureMode] = mapped_column(enum_column(SignatureMode))
    status: Mapped[Status] = mapped_column(enum_column(Status), default=Status.draft)
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
    term_told_days: Mapped[int | None] = mapped_column()  # the last notice: so many days before term_to
    original_id: Mapped[int | None] = mapped_column(ForeignKey("contract_document.id"), index=True)  # 原契約
    deadline: Mapped[dt.date | None] = mapped_column(Date)  # 署名期限, in Japan, inclusive
    deadline_told_days: Mapped[int | None] = mapped_column()  # the last notice: so many days before it; -1 after it
    partner_number: Mapped[str] = mapped_column(String(64), default="")  # 取引先管理番号
    message: Mapped[str] = mapped_column(Text, default="")  # to the receiver, seen by both
    is_construction: Mapped[bool] = mapped_column(default=False)  # 建設工事の請負契約 (建設業法第19条): needs a consent (L14)
    is_disclosure: Mapped[bool] = mapped_column(default=False)  # 取適法第4条の明示, フリーランス法 included (L19, L20)
    article_19: Mapped[list] = mapped_column(JSON, default=list)  # ticked 記載事項, own company only (L15)

    file_name: Mapped[str] = mapped_column(String(255))
    unsigned_sha256: Mapped[str] = mapped_column(String(64))  # after the intake, before any field
    pdf_sha256: Mapped[str] = mapped_column(String(64))  # what everybody sees now
    page_count: Mapped[int] = mapped_column()

    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    sent_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    archived_on: Mapped[dt.date | None] = mapped_column(Date)  # 保管開始日
    retained_until: Mapped[dt.date | None] = mapped_column(Date)  # 保管満了日
    archive_attempted_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    original: Mapped["ContractDocument | None"] = relationship(remote_side=id)  # not for everybody: app.queries.originals
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
    attachment_rows: Mapped[list["DocumentAttachment"]] = relationship(
        back_populates="document", order_by="DocumentAttachment.position", cascade="all, delete-orphan"
    )
    events: Mapped[list["DocumentEvent"]] = relationship(
        back_populates="document", order_by="DocumentEvent.id"
    )
    signatures: Mapped[list["DocumentSignature"]] = relationship(
        back_populates="document", order_by="DocumentSignature.id"
    )
    archive_record: Mapped["ArchiveRecord | None"] = relationship(back_populates="document")  # noqa: F821
    extensions: Mapped[list["ArchiveExtension"]] = relationship(  # noqa: F821
        back_populates="document", order_by="ArchiveExtension.id"
    )

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (
        Index("ix_contract_document_holder", "holder_id", "status"),
        Index("ix_contract_document_status", "status", "concluded_at"),
        Index("ix_contract_document_retained", "status", "retained_until"),
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
    def is_amendment(self):
        """変更契約 rather than 原契約: by its 文書種別, or because it names an 原契約."""
        return self.kind in AMENDING or self.original_id is not None

    @property
    def is_disposed(self):
        """Whether its files were given up for deletion after its 保管期間."""
        return self.archive_record is not None and self.archive_record.disposed_at is not None

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

    @property
    def is_multilateral(self):
        """3社以上契約 (I7)."""
        return len(self.parties) > 2

    @property
    def waiting_party(self):
        """The company that has the document now; None after the end."""
        return self.party_of(self.holder.company_id) if self.holder is not None else None

    @property
    def attachments(self):
        """添付・補足書類 that go along now, in order."""
        return [row for row in self.attachment_rows if row.last_revision is None]

    def registered_at(self, company_id):
        """登録日時 as a company may know it: a receiver learns of a document when it is sent (I18)."""
        return self.created_at if self.sender.company_id == company_id else self.sent_at

    def party_of(self, company_id):
        """The party of a company in this document, or None."""
        return next((party for party in self.parties if party.company_id == company_id), None)

    @property
    def valid_signatures(self):
        """Those of the current round; a 差戻 or 取下げ makes all of them void (T10, T12)."""
        if self.status in UNSIGNED or not self.mode.is_signed:
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
    side: Mapped[Side] = mapped_column(enum_column(Side))
    plan_at_sending: Mapped[PlanKind | None] = mapped_column(enum_column(PlanKind))
    comment: Mapped[str] = mapped_column(Text, default="")  # 自社内コメント, own company only (R54)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("contract_case.id"), index=True)  # 案件, own company only (I12)
    is_open: Mapped[bool] = mapped_column(default=False)  # may this company see the document now?
    field_name: Mapped[str | None] = mapped_column(String(32))  # its signature field in the PDF
    # 署名位置, as the registrar placed it: points of the page as it is shown; none is the default place
    box_page: Mapped[int | None] = mapped_column()  # from 0
    box_left: Mapped[float | None] = mapped_column()
    box_bottom: Mapped[float | None] = mapped_column()
    box_right: Mapped[float | None] = mapped_column()
    box_top: Mapped[float | None] = mapped_column()

    document: Mapped[ContractDocument] = relationship(back_populates="parties")
    company: Mapped[Company] = relationship(lazy="joined")
    case: Mapped[ContractCase | None] = relationship()

    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        UniqueConstraint("document_id", "company_id"),
        Index("ix_document_party_company", "company_id", "is_open"),
    )

    @property
    def place(self):
        """Page and box of 署名位置 as the registrar placed it; None where it has its default place."""
        if self.box_page is None:
            return None
        return self.box_page, (self.box_left, self.box_bottom, self.box_right, self.box_top)

    @place.setter
    def place(self, place):
        self.box_page, box = place or (None, (None,) * 4)
        self.box_left, self.box_bottom, self.box_right, self.box_top = box

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
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # who took the turn in the person's place
    role: Mapped[Role] = mapped_column(enum_column(Role))
    status: Mapped[Status | None] = mapped_column(enum_column(Status))  # the document's, while it waits here
    position: Mapped[int] = mapped_column()
    closed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    outcome: Mapped[Action | None] = mapped_column(enum_column(Action))  # what the person did at their turn
    is_reassigned: Mapped[bool] = mapped_column(default=False)  # 担当者変更 put this person in another's place

    document: Mapped[ContractDocument] = relationship(back_populates="route")
    party: Mapped[DocumentParty] = relationship()
    user: Mapped[PortalUser] = relationship(foreign_keys=user_id, lazy="joined")
    deputy: Mapped[PortalUser | None] = relationship(foreign_keys=deputy_id)

    __table_args__ = (
        UniqueConstraint("document_id", "position"),
        Index("ix_route_step_user", "user_id", "document_id"),
        Index(
            "ix_route_step_deputy", "deputy_id", "document_id",
            sqlite_where=text("deputy_id IS NOT NULL"), postgresql_where=text("deputy_id IS NOT NULL"),
        ),
    )  # fmt: skip

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
    level: Mapped[Level] = mapped_column(enum_column(Level))
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

    on_behalf_of_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # whose deputy signed (代理)

    document: Mapped[ContractDocument] = relationship(back_populates="signatures")
    user: Mapped[PortalUser] = relationship(foreign_keys=user_id)
    on_behalf_of: Mapped[PortalUser | None] = relationship(foreign_keys=on_behalf_of_id)
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
    action: Mapped[Action] = mapped_column(enum_column(Action))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # None: a job
    on_behalf_of_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # whose deputy acted (代理)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    side: Mapped[Side | None] = mapped_column(enum_column(Side))
    at: Mapped[dt.datetime] = mapped_column(Utc)
    reason: Mapped[str] = mapped_column(Text, default="")
    revision: Mapped[int] = mapped_column()
    old_status: Mapped[Status | None] = mapped_column(enum_column(Status))
    new_status: Mapped[Status] = mapped_column(enum_column(Status))
    pdf_sha256: Mapped[str] = mapped_column(String(64))
    attachments_sha256: Mapped[list] = mapped_column(JSON, default=list)  # of what lay beside the PDF, in order

    document: Mapped[ContractDocument] = relationship(back_populates="events")
    actor: Mapped[PortalUser | None] = relationship(foreign_keys=actor_id, lazy="joined")  # may be on no route now
    on_behalf_of: Mapped[PortalUser | None] = relationship(foreign_keys=on_behalf_of_id)
    company: Mapped[Company | None] = relationship()
