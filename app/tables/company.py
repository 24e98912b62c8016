"""Plans and companies."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.plans import PlanKind
from app.tables.values import Utc, enum_column


class CompanyStatus(StrEnum):
    """企業の状態 (I1)."""

    applying = auto()
    active = auto()
    suspended = auto()
    terminated = auto()


class Plan(Model):
    """料金プラン (R101): one row a kind."""

    __tablename__ = "plan"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[PlanKind] = mapped_column(enum_column(PlanKind), unique=True)
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
    status: Mapped[CompanyStatus] = mapped_column(enum_column(CompanyStatus), default=CompanyStatus.active)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    requires_second_factor: Mapped[bool] = mapped_column(default=False)
    returns_inside: Mapped[bool] = mapped_column(default=False)  # 社内差戻
    signs_by_code: Mapped[bool] = mapped_column(default=False)  # a code for each document (S19)
    has_archive_extension: Mapped[bool] = mapped_column(default=False)  # 長期保管延長オプション (R98)
    extends_by_itself: Mapped[bool] = mapped_column(default=False)  # its archive is extended without being asked
    has_case_at_registration: Mapped[bool] = mapped_column(default=False)  # 案件管理オプション（案件登録時） (R96)
    has_case_at_receipt: Mapped[bool] = mapped_column(default=False)  # 案件管理オプション（案件受取時） (R97)
    has_bulk_signing: Mapped[bool] = mapped_column(default=False)  # 一括署名オプション (R99)
    ended_on: Mapped[dt.date | None] = mapped_column(Date)  # 解約日: its last day, in Japan

    plan: Mapped[Plan] = relationship(lazy="joined")
    users: Mapped[list["PortalUser"]] = relationship(back_populates="company")

    def __repr__(self):
        return f"{self.name}（{self.code}）"

    @property
    def is_active(self):
        return self.status is CompanyStatus.active
