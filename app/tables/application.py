"""What administrators apply for with the operator."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.certificate import Certificate
from app.tables.company import Company
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column


class ApplicationState(StrEnum):
    """申請の状態 (I9)."""

    received = auto()
    approved = auto()
    rejected = auto()


class ApplicationKind(StrEnum):
    """What an administrator applies for with the operator."""

    additional = auto()  # 追加発行
    renewal = auto()  # 更新: a new certificate in place of an ending one
    pin_reissue = auto()  # PIN再発行: a new key and certificate, the earlier one revoked


class CompanyChange(Model):
    """企業情報の変更申請: what an administrator wants changed, until an operator decides (I3)."""

    __tablename__ = "company_change"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    applicant_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    wanted: Mapped[dict] = mapped_column(JSON)  # column of Company -> new value
    state: Mapped[ApplicationState] = mapped_column(enum_column(ApplicationState), default=ApplicationState.received)
    applied_at: Mapped[dt.datetime] = mapped_column(Utc)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reason: Mapped[str] = mapped_column(Text, default="")  # of a 却下

    company: Mapped[Company] = relationship()
    applicant: Mapped[PortalUser] = relationship(foreign_keys=applicant_id)
    decided_by: Mapped[PortalUser | None] = relationship(foreign_keys=decided_by_id)


class CertificateApplication(Model):
    """電子証明書の追加発行・更新・PIN再発行の申請, with what proves who applied (L3)."""

    __tablename__ = "certificate_application"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(36), unique=True)  # of the form that made it
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    applicant_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    kind: Mapped[ApplicationKind] = mapped_column(enum_column(ApplicationKind))
    department: Mapped[str] = mapped_column(String(255), default="")
    title: Mapped[str] = mapped_column(String(255), default="")
    pin_mail_address: Mapped[str] = mapped_column(String(320))
    user_ids: Mapped[list] = mapped_column(JSON)  # who is to use the certificate
    replaced_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"))
    evidence_name: Mapped[str] = mapped_column(String(255), default="")  # 印鑑証明書
    evidence_sha256: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[ApplicationState] = mapped_column(enum_column(ApplicationState), default=ApplicationState.received)
    applied_at: Mapped[dt.datetime] = mapped_column(Utc)
    decided_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reason: Mapped[str] = mapped_column(Text, default="")  # of a 却下
    issued_id: Mapped[int | None] = mapped_column(ForeignKey("certificate.id"))

    company: Mapped[Company] = relationship()
    applicant: Mapped[PortalUser] = relationship(foreign_keys=applicant_id)
    decided_by: Mapped[PortalUser | None] = relationship(foreign_keys=decided_by_id)
    replaced: Mapped[Certificate | None] = relationship(foreign_keys=replaced_id)
    issued: Mapped[Certificate | None] = relationship(foreign_keys=issued_id)

    def __repr__(self):
        return f"{self.company} {self.applied_at:%Y/%m/%d}"
