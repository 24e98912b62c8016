"""代理: who acts for whom, from when to when."""

import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.person import PortalUser
from app.tables.values import Utc


class Delegation(Model):
    """A person of one company lets a colleague act in the own place; days are Japan's, both inclusive."""

    __tablename__ = "delegation"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))  # who is away
    deputy_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    first_day: Mapped[dt.date] = mapped_column(Date)
    last_day: Mapped[dt.date] = mapped_column(Date)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))  # the person, or an administrator
    ended_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # before its time

    user: Mapped[PortalUser] = relationship(foreign_keys=user_id, back_populates="delegations")
    deputy: Mapped[PortalUser] = relationship(foreign_keys=deputy_id, back_populates="deputyships")

    __table_args__ = (
        Index("ix_delegation_user", "user_id", "last_day"),
        Index("ix_delegation_deputy", "deputy_id", "last_day"),
        CheckConstraint("user_id <> deputy_id", name="deputy_is_somebody_else"),
        CheckConstraint("first_day <= last_day", name="delegation_has_days"),
    )

    def is_running(self, today):
        return self.ended_at is None and self.first_day <= today <= self.last_day

    def is_over(self, today):
        return self.ended_at is not None or self.last_day < today
