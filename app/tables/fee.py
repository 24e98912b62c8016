"""料金: the fee table, what was used, and the 利用明細 of each closed month (I10)."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    event,
)
from sqlalchemy.orm import Mapped, Session, attributes, mapped_column, relationship

from app.errors import AlreadyClosed
from app.plans import PlanKind
from app.tables.company import Company
from app.tables.document import ContractDocument
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column

RIGHT = ":new"  # ends the key of what is right, beside the record that takes back


class FeeItem(StrEnum):
    """料金の項目 (I10)."""

    monthly_base = auto()  # 月額基本料
    document = auto()  # 契約文書1件
    certificate_issue = auto()  # 電子証明書発行
    certificate_renewal = auto()  # 電子証明書更新
    additional_user = auto()  # 利用者ID追加
    case_monthly = auto()  # 案件管理月額
    bulk_signing_monthly = auto()  # 一括署名月額
    archive_extension = auto()  # 長期保管延長, per document


class Fee(Model):
    """One price of the fee table, from a day on; the newest that has begun counts."""

    __tablename__ = "fee"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[FeeItem] = mapped_column(enum_column(FeeItem))
    plan: Mapped[PlanKind] = mapped_column(enum_column(PlanKind))
    effective_on: Mapped[dt.date] = mapped_column(Date)  # in Japan
    yen: Mapped[int] = mapped_column()  # without consumption tax
    is_sample: Mapped[bool] = mapped_column(default=False)  # サンプル: shown as such wherever it is read

    __table_args__ = (
        UniqueConstraint("item", "plan", "effective_on"),
        CheckConstraint("yen >= 0", name="fee_not_negative"),
    )


class Statement(Model):
    """利用明細: the closed month of a company; never changed."""

    __tablename__ = "statement"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    month: Mapped[dt.date] = mapped_column(Date)  # its first day
    closed_at: Mapped[dt.datetime] = mapped_column(Utc)
    net_yen: Mapped[int] = mapped_column(BigInteger)
    tax_percent: Mapped[int] = mapped_column()
    tax_yen: Mapped[int] = mapped_column(BigInteger)
    issuer_name: Mapped[str] = mapped_column(String(255))
    issuer_number: Mapped[str] = mapped_column(String(14), default="")  # 適格請求書発行事業者の登録番号
    company_name: Mapped[str] = mapped_column(String(255))  # as it was at the closing
    company_address: Mapped[str] = mapped_column(String(255), default="")

    company: Mapped[Company] = relationship()
    records: Mapped[list["UsageRecord"]] = relationship(back_populates="statement", order_by="UsageRecord.id")

    __table_args__ = (UniqueConstraint("company_id", "month"),)

    @property
    def total_yen(self):
        return self.net_yen + self.tax_yen


class UsageRecord(Model):
    """利用実績: one thing a company pays for, at the price of its day; added, never changed but for its statement.

    A correction is a further record that takes back another one (赤黒).
    """

    __tablename__ = "usage_record"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)  # what is charged for: nothing is charged twice
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    item: Mapped[FeeItem] = mapped_column(enum_column(FeeItem))
    used_on: Mapped[dt.date] = mapped_column(Date)  # in Japan
    yen: Mapped[int] = mapped_column(BigInteger)  # without consumption tax; negative where it takes back
    is_sample: Mapped[bool] = mapped_column(default=False)  # the price was a サンプル
    document_id: Mapped[int | None] = mapped_column(ForeignKey("contract_document.id"), index=True)
    subject: Mapped[str] = mapped_column(String(255), default="")  # 文書管理番号, 証明書管理番号, 利用者ID ...
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("usage_record.id"))
    reason: Mapped[str] = mapped_column(Text, default="")  # of a correction, or that there was no price
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # the operator who corrected
    recorded_at: Mapped[dt.datetime] = mapped_column(Utc)
    statement_id: Mapped[int | None] = mapped_column(  # None: not closed yet
        ForeignKey("statement.id"), index=True, active_history=True
    )

    company: Mapped[Company] = relationship()
    document: Mapped[ContractDocument | None] = relationship()
    corrects: Mapped["UsageRecord | None"] = relationship(remote_side=id, back_populates="corrections")
    corrections: Mapped[list["UsageRecord"]] = relationship(back_populates="corrects", order_by="UsageRecord.id")
    actor: Mapped[PortalUser | None] = relationship()
    statement: Mapped[Statement | None] = relationship(back_populates="records")

    __table_args__ = (Index("ix_usage_record_company", "company_id", "statement_id", "used_on"),)

    @property
    def takes_back(self):
        """Whether it is the 取消 of another record, and not the right one beside it."""
        return self.corrects_id is not None and not self.key.endswith(RIGHT)

    @property
    def may_be_corrected(self):
        return not self.takes_back and not self.corrections


# -- what is recorded and what is closed stays as it is ----------------------------


@event.listens_for(UsageRecord, "before_update")
def _only_get_a_statement(_mapper, _connection, record):
    """A record may get its statement, once; anything else is a correction by a further record."""
    changes = {
        column.key: history
        for column in UsageRecord.__mapper__.column_attrs
        if (history := attributes.get_history(record, column.key)).has_changes()
    }
    closing = changes.pop("statement_id", None)
    if changes or (closing is not None and any(closing.deleted)):
        raise AlreadyClosed


@event.listens_for(Statement, "before_update")
def _never_changes(mapper, _connection, statement):
    if any(attributes.get_history(statement, column.key).has_changes() for column in mapper.column_attrs):
        raise AlreadyClosed


@event.listens_for(UsageRecord, "before_delete")
@event.listens_for(Statement, "before_delete")
def _never_goes(_mapper, _connection, _row):
    raise AlreadyClosed


@event.listens_for(Session, "do_orm_execute")
def _not_in_bulk_either(asked):
    if (asked.is_update or asked.is_delete) and asked.bind_mapper is not None:
        if asked.bind_mapper.class_ in (UsageRecord, Statement):
            raise AlreadyClosed
