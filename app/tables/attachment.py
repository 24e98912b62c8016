"""添付・補足書類: files that go along with the contract's PDF."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.document import ContractDocument
from app.tables.values import Utc, enum_column


class AttachmentKind(StrEnum):
    """What a file was found to be; its name ends accordingly."""

    pdf = auto()
    jpg = auto()
    png = auto()
    docx = auto()
    xlsx = auto()


class DocumentAttachment(Model):
    """One file beside the contract's PDF, named by its SHA-256 and never changed.

    It went out with every sending from `first_revision` to `last_revision`; a registrar who takes it off
    after a 差戻 closes the row, so that it can still be told what the receiver had before him then.
    """

    __tablename__ = "document_attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    position: Mapped[int] = mapped_column()  # among all the document ever had
    file_name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[AttachmentKind] = mapped_column(enum_column(AttachmentKind))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column()
    first_revision: Mapped[int] = mapped_column()  # of the document: which sending was, or will be, its first
    last_revision: Mapped[int | None] = mapped_column()  # None: it still goes along
    created_at: Mapped[dt.datetime] = mapped_column(Utc)

    document: Mapped[ContractDocument] = relationship(back_populates="attachment_rows")

    __table_args__ = (UniqueConstraint("document_id", "position"),)
