"""一括ダウンロード: what one person asked for, and which documents the ZIP file holds."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import JSON, BigInteger, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column


class DownloadState(StrEnum):
    """How far a 一括ダウンロード is."""

    waiting = auto()
    building = auto()
    ready = auto()
    failed = auto()


IN_WORK = frozenset({DownloadState.waiting, DownloadState.building})


class BulkDownload(Model):
    """All that a search found, on its way into one ZIP file for the person who searched (L7)."""

    __tablename__ = "bulk_download"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    in_archive: Mapped[bool] = mapped_column()  # of which of the two lists
    is_of_company: Mapped[bool] = mapped_column(default=False)  # all that the company owns, for its administrator
    conditions: Mapped[dict] = mapped_column(JSON)  # field of the form -> value, as they stand in an address
    state: Mapped[DownloadState] = mapped_column(enum_column(DownloadState), default=DownloadState.waiting)
    requested_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc, index=True)  # from then on it is deleted
    claimed_until: Mapped[dt.datetime | None] = mapped_column(Utc)  # while a worker builds it
    attempts: Mapped[int] = mapped_column(default=0)
    token: Mapped[str | None] = mapped_column(String(36))  # the name of the file in the store, of the last attempt
    total: Mapped[int] = mapped_column()  # documents found
    done: Mapped[int] = mapped_column(default=0)  # of those, looked at so far
    included: Mapped[int] = mapped_column(default=0)  # of those, in the ZIP file
    size_bytes: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))  # of the ZIP file
    failure: Mapped[str] = mapped_column(String(255), default="")  # what the person reads

    user: Mapped[PortalUser] = relationship()

    @property
    def is_in_work(self):
        return self.state in IN_WORK

    @property
    def is_ready(self):
        return self.state is DownloadState.ready

    @property
    def left_out(self):
        """Documents found whose PDF the person may not open, or no longer."""
        return self.total - self.included


class BulkDownloadItem(Model):
    """One document of a 一括ダウンロード, in the order found; without number once the document is deleted."""

    __tablename__ = "bulk_download_item"

    download_id: Mapped[int] = mapped_column(ForeignKey("bulk_download.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    document_id: Mapped[int | None] = mapped_column(
        ForeignKey("contract_document.id", ondelete="SET NULL"), index=True
    )
