"""一括署名, 一括承認 and 一括受取確認: what one person asked for, and how it went with each document (R99, I13)."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, backref, mapped_column, relationship

from app.tables.certificate import CertificateActivation
from app.tables.document import ContractDocument
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column
from app.workflow import Action


class ItemState(StrEnum):
    """How it went with one document."""

    waiting = auto()
    done = auto()
    failed = auto()


class BulkOperation(Model):
    """One 一括 operation; a job walks through its documents, each in its own transaction."""

    __tablename__ = "bulk_operation"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(36), unique=True)  # of the form that made it
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    action: Mapped[Action] = mapped_column(enum_column(Action))
    requested_at: Mapped[dt.datetime] = mapped_column(Utc)
    ip_address: Mapped[str] = mapped_column(String(45), default="")
    activation_id: Mapped[int | None] = mapped_column(ForeignKey("certificate_activation.id"))  # the certificate to sign with
    signing_password_id: Mapped[int | None] = mapped_column(ForeignKey("signing_password.id"))
    comment: Mapped[str | None] = mapped_column(Text)  # 自社内コメント; None leaves each document's own
    choice: Mapped[dict] = mapped_column(JSON, default=dict)  # of 一括受取確認: role -> ids of people; case -> [id]
    fee_acknowledged: Mapped[bool] = mapped_column(default=False)
    claimed_until: Mapped[dt.datetime | None] = mapped_column(Utc)  # while a worker walks through it
    finished_at: Mapped[dt.datetime | None] = mapped_column(Utc, index=True)

    user: Mapped[PortalUser] = relationship()
    # a link to a certificate that is taken away leaves its column empty, instead of being kept by what was signed with it
    activation: Mapped[CertificateActivation | None] = relationship(backref=backref("bulk_operations"))
    items: Mapped[list["BulkOperationItem"]] = relationship(
        back_populates="operation", order_by="BulkOperationItem.position", cascade="all, delete-orphan"
    )


class BulkOperationItem(Model):
    """One document of a 一括 operation, in the order of the list."""

    __tablename__ = "bulk_operation_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    operation_id: Mapped[int] = mapped_column(ForeignKey("bulk_operation.id"))
    position: Mapped[int] = mapped_column()
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"), index=True)
    version: Mapped[int] = mapped_column()  # of the document, as the person saw it
    pdf_sha256: Mapped[str] = mapped_column(String(64))  # and of its file
    state: Mapped[ItemState] = mapped_column(enum_column(ItemState), default=ItemState.waiting)
    failure: Mapped[str] = mapped_column(String(255), default="")  # what the person reads
    done_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    operation: Mapped[BulkOperation] = relationship(back_populates="items")
    document: Mapped[ContractDocument] = relationship()

    __table_args__ = (UniqueConstraint("operation_id", "position"), UniqueConstraint("operation_id", "document_id"))
