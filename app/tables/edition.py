"""What was sent of a document, round by round."""

import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.document import ContractDocument
from app.tables.values import Utc


class SentEdition(Model):
    """The facts and the file of a document as they were at one 発信; added, never changed (T11)."""

    __tablename__ = "sent_edition"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    revision: Mapped[int] = mapped_column()  # of the document: its first 発信 is 1
    facts: Mapped[list] = mapped_column(JSON)  # [name, text] as both companies read them, in the page's order
    unsigned_sha256: Mapped[str] = mapped_column(String(64))  # the file before any signature field
    page_count: Mapped[int] = mapped_column()
    sent_at: Mapped[dt.datetime] = mapped_column(Utc)

    document: Mapped[ContractDocument] = relationship()

    __table_args__ = (UniqueConstraint("document_id", "revision"),)
