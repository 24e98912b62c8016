"""書面の交付: that a receiver asked for paper after a 明示 by electronic means, and what the sender did (L19)."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.company import Company
from app.tables.document import ContractDocument
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column


class DeliveryMethod(StrEnum):
    """交付の方法."""

    post = auto()
    by_hand = auto()
    other = auto()


class PaperRequest(Model):
    """書面交付請求: one company asks the sender for a document on paper; added, never changed."""

    __tablename__ = "paper_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    position: Mapped[int] = mapped_column()  # of this company's requests for the document, from 1
    actor_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[dt.datetime] = mapped_column(Utc)
    note: Mapped[str] = mapped_column(Text, default="")  # seen by both

    document: Mapped[ContractDocument] = relationship()
    company: Mapped[Company] = relationship()
    actor: Mapped[PortalUser] = relationship()
    deliveries: Mapped[list["PaperDelivery"]] = relationship(
        back_populates="request", order_by="PaperDelivery.position"
    )

    __table_args__ = (UniqueConstraint("document_id", "company_id", "position"),)


class PaperDelivery(Model):
    """What the sender recorded about a request; a correction is a row of its own."""

    __tablename__ = "paper_delivery"

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("paper_request.id"))
    position: Mapped[int] = mapped_column()  # from 1
    delivered_on: Mapped[dt.date] = mapped_column(Date)  # 交付日, in Japan
    method: Mapped[DeliveryMethod] = mapped_column(enum_column(DeliveryMethod))
    note: Mapped[str] = mapped_column(Text, default="")  # seen by both
    actor_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[dt.datetime] = mapped_column(Utc)

    request: Mapped[PaperRequest] = relationship(back_populates="deliveries")
    actor: Mapped[PortalUser] = relationship()

    __table_args__ = (UniqueConstraint("request_id", "position"),)
