"""利用申請: how companies come to the service, change plan and options, and leave (R100, R101, I9, I11)."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import JSON, Date, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.plans import PlanKind
from app.tables.company import Company
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column


class CompanyOption(StrEnum):
    """オプション (R96-R99); each has its column `has_...` in Company: whether it is in force today."""

    case_at_registration = auto()  # № 1 案件管理オプション（案件登録時）
    case_at_receipt = auto()  # № 2 案件管理オプション（案件受取時）
    archive_extension = auto()  # № 3 長期保管延長オプション
    bulk_signing = auto()  # № 4 一括署名オプション


class ServiceKind(StrEnum):
    """What is applied for."""

    partner = auto()  # 取引先専用プランの利用申請, after an invitation
    paper = auto()  # 片方課金プラン or 双方課金プラン, keyed in by an operator from paper
    plan_change = auto()
    option_start = auto()
    option_end = auto()
    termination = auto()  # 解約


class ServiceState(StrEnum):
    """利用申請の状態 (I9)."""

    filling = auto()  # 入力中: kept, so that the link leads back to it
    received = auto()  # 受付
    in_review = auto()  # 審査中
    returned = auto()  # 差戻し: to be corrected by the applicant
    approved = auto()  # 承認
    rejected = auto()  # 却下
    withdrawn = auto()  # 取下げ, by the applicant


class InvitationState(StrEnum):
    """How an invitation stands, as the inviting company sees it: nothing of what the partner types."""

    invited = auto()
    filling = auto()
    expired = auto()
    applied = auto()
    returned = auto()
    approved = auto()
    rejected = auto()
    cancelled = auto()


class ServiceInvitation(Model):
    """利用申請サイトのお知らせ: a 片方課金 company asks a partner to use the service (R101)."""

    __tablename__ = "service_invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    inviter_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    partner_name: Mapped[str] = mapped_column(String(255))  # 取引先企業名
    contact_name: Mapped[str] = mapped_column(String(255), default="")  # ご担当者名
    mail_address: Mapped[str] = mapped_column(String(320))
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)  # of the token in the mailed address
    invited_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    used_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # an application was handed in
    cancelled_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    company: Mapped[Company] = relationship()
    inviter: Mapped[PortalUser] = relationship()
    application: Mapped["ServiceApplication | None"] = relationship(back_populates="invitation")


class ServiceApplication(Model):
    """One 申請 and, once approved, the day from which it counts."""

    __tablename__ = "service_application"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)  # 申請番号
    form_token: Mapped[str] = mapped_column(String(36), unique=True)  # of the form that made it
    kind: Mapped[ServiceKind] = mapped_column(enum_column(ServiceKind))
    state: Mapped[ServiceState] = mapped_column(enum_column(ServiceState))
    version: Mapped[int] = mapped_column(default=1)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)  # None: not founded yet
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("service_invitation.id"), unique=True)
    applicant_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    plan: Mapped[PlanKind | None] = mapped_column(enum_column(PlanKind))  # the wanted one
    option: Mapped[CompanyOption | None] = mapped_column(enum_column(CompanyOption))
    wanted: Mapped[dict] = mapped_column(JSON, default=dict)  # the fields of the form
    evidence_name: Mapped[str] = mapped_column(String(255), default="")  # 印鑑証明書, or the scanned paper
    evidence_sha256: Mapped[str] = mapped_column(String(64), default="")
    terms_version: Mapped[str] = mapped_column(String(16), default="")  # of the 利用規約 agreed to
    agreed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    applied_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reason: Mapped[str] = mapped_column(Text, default="")  # of a 差戻し or 却下
    effective_on: Mapped[dt.date | None] = mapped_column(Date)  # 適用日, in Japan
    took_effect_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # None while it is still to come

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (Index("ix_service_application_due", "state", "took_effect_at", "effective_on"),)

    company: Mapped[Company | None] = relationship(lazy="joined")  # lists name it
    invitation: Mapped[ServiceInvitation | None] = relationship(back_populates="application")
    applicant: Mapped[PortalUser | None] = relationship(foreign_keys=applicant_id)
    decided_by: Mapped[PortalUser | None] = relationship(foreign_keys=decided_by_id)
    events: Mapped[list["ServiceEvent"]] = relationship(back_populates="application", order_by="ServiceEvent.id")

    @property
    def applicant_name(self):
        """The company it is about, founded or not."""
        return self.company.name if self.company else self.wanted.get("company", {}).get("name", "")


class ServiceEvent(Model):
    """One thing that happened to a 申請; added, never changed."""

    __tablename__ = "service_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("service_application.id"), index=True)
    state: Mapped[ServiceState] = mapped_column(enum_column(ServiceState))  # the new one
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # None: the applicant without 利用者ID, or a job
    at: Mapped[dt.datetime] = mapped_column(Utc)
    note: Mapped[str] = mapped_column(Text, default="")
    ip_address: Mapped[str] = mapped_column(String(45), default="")

    application: Mapped[ServiceApplication] = relationship(back_populates="events")
    actor: Mapped[PortalUser | None] = relationship()
