"""What is kept of a concluded document besides the document: its proof, its 点検, its 延長, its 廃棄."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import JSON, Date, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.company import Company
from app.tables.document import ContractDocument
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column


class Condition(StrEnum):
    """What the last 点検 said of the files of a document."""

    waiting = auto()  # not looked at yet
    sound = auto()
    damaged = auto()
    without_files = auto()  # 廃棄; sorts last, after what still has to be looked at


class Damage(StrEnum):
    """What 点検 can find in a stored file."""

    missing = auto()
    altered = auto()
    swapped = auto()  # another valid file in its place, or another attachment
    put_back = auto()  # an older revision of the same document in its place
    attachment_set = auto()  # other 添付・補足書類 than the last event says
    signature_set = auto()  # other signatures or time stamps than the rows say
    invalid = auto()
    unprovable = auto()  # nothing altered, yet the evidence does not suffice any more


class ArchiveRecord(Model):
    """The state of one concluded document's files; the jobs of the archive find their work by it."""

    __tablename__ = "archive_record"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"), unique=True)

    provable_until: Mapped[dt.date | None] = mapped_column(Date)  # the last time stamp's end, in Japan
    stamp_algorithm: Mapped[str] = mapped_column(String(32), default="", index=True)
    renew_on: Mapped[dt.date | None] = mapped_column(Date, index=True)  # a new time stamp is due; None: never
    attempted_at: Mapped[dt.datetime | None] = mapped_column(Utc)  # lease of whoever stamps it
    promised_sha256: Mapped[str | None] = mapped_column(String(64))  # of the file that whoever stamps is about to store
    failure: Mapped[str] = mapped_column(String(255), default="")  # of the last transfer, extension or renewal
    failure_told_on: Mapped[dt.date | None] = mapped_column(Date)

    condition: Mapped[Condition] = mapped_column(enum_column(Condition), default=Condition.waiting)
    findings: Mapped[list] = mapped_column(JSON, default=list)  # of {"finding": Damage, "sha256": of which file, "is_attachment"?}
    checked_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    check_due_at: Mapped[dt.datetime | None] = mapped_column(Utc, index=True)  # None: nothing left to check
    lock_due_at: Mapped[dt.datetime | None] = mapped_column(Utc, index=True)  # where the storage can hold files
    locked_until: Mapped[dt.date | None] = mapped_column(Date)  # the last day, in Japan, on which it refuses to delete them
    has_news: Mapped[bool] = mapped_column(default=False, index=True)  # the operator has not been told yet

    end_told_days: Mapped[int | None] = mapped_column()  # the last notice: so many days before 保管満了日
    disposed_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    disposed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    disposed_files: Mapped[list] = mapped_column(JSON, default=list)  # SHA-256 of each deleted file
    erase_due_at: Mapped[dt.datetime | None] = mapped_column(Utc, index=True)  # None: nothing left to delete

    document: Mapped[ContractDocument] = relationship(back_populates="archive_record")
    disposed_by: Mapped[PortalUser | None] = relationship()

    @property
    def is_damaged(self):
        return self.condition is Condition.damaged


class ArchiveExtension(Model):
    """One 長期保管延長: ordered in one moment, done by the job in another."""

    __tablename__ = "archive_extension"

    id: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))  # whose option it uses
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))  # None: by itself
    asked_at: Mapped[dt.datetime] = mapped_column(Utc)
    old_until: Mapped[dt.date] = mapped_column(Date)
    new_until: Mapped[dt.date] = mapped_column(Date)
    done_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    result_sha256: Mapped[str] = mapped_column(String(64), default="")  # the file with the new time stamp

    document: Mapped[ContractDocument] = relationship(back_populates="extensions")
    company: Mapped[Company] = relationship(lazy="joined")
    asked_by: Mapped[PortalUser | None] = relationship()

    __table_args__ = (
        UniqueConstraint("document_id", "old_until"),  # two clicks, two administrators: one extension
        Index("ix_archive_extension_done", "done_at"),
    )
