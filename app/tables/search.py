"""What people keep of their searches."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.person import PortalUser
from app.tables.values import Utc


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
    deadline = auto()
    partner_number = auto()
    case = auto()  # 案件 of the own company


class ListLayout(Model):
    """The columns that one person wants to see in one of the two lists (I20)."""

    __tablename__ = "list_layout"

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), primary_key=True)
    in_archive: Mapped[bool] = mapped_column(primary_key=True)
    columns: Mapped[list] = mapped_column(JSON)  # values of ListColumn; the list says in which order


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
