"""電子契約の承諾: what one company said about contracts with another that are made electronically (L14)."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.construction_law import CONSENT_VERSION
from app.tables.company import Company
from app.tables.person import PortalUser
from app.tables.values import Utc, enum_column


class ConsentAct(StrEnum):
    """What was said; the newest of a pair is how things stand."""

    requested = auto()  # by the partner
    given = auto()
    declined = auto()
    withdrawn = auto()


class ConsentMethod(StrEnum):
    """How a consent was given: by 電磁的方法, or by 書面."""

    on_request = auto()
    beforehand = auto()
    on_paper = auto()  # recorded by the partner who received it


class ElectronicConsent(Model):
    """One act of a pair of companies and the text it was about; added, never changed.

    The two directions are separate: `giver` is asked, `partner` may then send contracts for construction work.
    """

    __tablename__ = "electronic_consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    giver_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    partner_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    position: Mapped[int] = mapped_column()  # in the pair, from 1; of two acts at once the second is refused
    act: Mapped[ConsentAct] = mapped_column(enum_column(ConsentAct))
    method: Mapped[ConsentMethod | None] = mapped_column(enum_column(ConsentMethod))  # of a consent
    actor_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[dt.datetime] = mapped_column(Utc)
    text_version: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)  # 種類及び内容, word for word as shown

    giver: Mapped[Company] = relationship(foreign_keys=giver_id, lazy="joined")
    partner: Mapped[Company] = relationship(foreign_keys=partner_id, lazy="joined")
    actor: Mapped[PortalUser] = relationship()
    paper: Mapped["PaperConsent | None"] = relationship()

    __table_args__ = (
        UniqueConstraint("giver_id", "partner_id", "position"),
        Index("ix_electronic_consent_partner", "partner_id"),
    )

    @property
    def counts(self):
        """Whether, being the newest of its pair, it lets the partner send: given, and to the text of today."""
        return self.act is ConsentAct.given and self.text_version == CONSENT_VERSION

    @property
    def is_outdated(self):
        """Given, but to an earlier text."""
        return self.act is ConsentAct.given and self.text_version != CONSENT_VERSION


class PaperConsent(Model):
    """The paper by which a consent was given, as the partner who received it recorded it."""

    __tablename__ = "paper_consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    consent_id: Mapped[int] = mapped_column(ForeignKey("electronic_consent.id"), unique=True)
    received_on: Mapped[dt.date] = mapped_column(Date)
    file_name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))  # of the scanned paper, in the file store
    note: Mapped[str] = mapped_column(Text, default="")  # the recording company's own
