"""案件: what one company gathers its documents under (R96, R97, I12)."""

import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, String, Text, UniqueConstraint, exists
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app.tables.company import Company
from app.tables.person import PortalUser
from app.tables.values import Utc


class ContractCase(Model):
    """案件, internal to one company."""

    __tablename__ = "contract_case"

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    number: Mapped[str] = mapped_column(String(64))  # 案件番号, the company's own
    name: Mapped[str] = mapped_column(String(255))  # 案件名
    work_name: Mapped[str] = mapped_column(String(255), default="")  # 工事名
    place: Mapped[str] = mapped_column(String(255), default="")  # 工事場所
    term_from: Mapped[dt.date | None] = mapped_column(Date)
    term_to: Mapped[dt.date | None] = mapped_column(Date)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # 担当
    note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    closed_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # 終了: no longer offered for new documents
    version: Mapped[int] = mapped_column(default=1)

    company: Mapped[Company] = relationship()
    person: Mapped[PortalUser | None] = relationship()

    __mapper_args__ = {"version_id_col": version}
    __table_args__ = (UniqueConstraint("company_id", "number"),)

    def __repr__(self):
        return f"{self.number} {self.name}"

    @property
    def is_closed(self):
        return self.closed_at is not None


# whether the company has 案件, also from before its option ended; read with the person of a session, for the menu
Company.has_cases = column_property(
    exists().where(ContractCase.company_id == Company.id).correlate_except(ContractCase), deferred=True
)
