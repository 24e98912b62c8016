"""Authorities, certificates, and the secrets one signs with."""

import datetime as dt
from enum import StrEnum, auto

from flask_appbuilder import Model
from sqlalchemy import Date, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.clock import end_of_japan_day
from app.tables.company import Company
from app.tables.person import PortalUser
from app.tables.values import Utc


class Validity(StrEnum):
    """Whether a certificate may be used at some moment."""

    valid = auto()
    not_yet = auto()
    expired = auto()
    revoked = auto()


class Authority(Model):
    """One certificate authority or time-stamp unit of the portal's own PKI."""

    __tablename__ = "authority"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32))  # root, signers_ca, tsa_ca, tsa
    generation: Mapped[int] = mapped_column(default=1)
    certificate_der: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(Utc)

    __table_args__ = (UniqueConstraint("name", "generation"),)


class Certificate(Model):
    """電子証明書 of a company (I16); several people may use one."""

    __tablename__ = "certificate"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(16), unique=True)  # 管理番号: JC- and eight digits
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    certificate_der: Mapped[bytes] = mapped_column(LargeBinary)
    serial: Mapped[str] = mapped_column(String(64))
    authority: Mapped[str] = mapped_column(String(64), default="")  # SHA-256 of an outside issuer's name
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)  # erased when revoked
    token_key: Mapped[str | None] = mapped_column(String(64))  # CKA_ID, hex, of a key in a token; until destroyed there
    pin_mail_address: Mapped[str] = mapped_column(String(320))
    subject_name: Mapped[str] = mapped_column(String(255))
    not_before: Mapped[dt.datetime] = mapped_column(Utc)
    not_after: Mapped[dt.datetime] = mapped_column(Utc)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    is_imported: Mapped[bool] = mapped_column(default=False)  # of an outside authority (L4)
    chain_pem: Mapped[str] = mapped_column(Text, default="")  # the outside authorities' certificates
    crl_pem: Mapped[str] = mapped_column(Text, default="")  # their revocation lists
    expiry_told_days: Mapped[int | None] = mapped_column()  # the last notice went out so many days before the end

    company: Mapped[Company] = relationship()
    activations: Mapped[list["CertificateActivation"]] = relationship(back_populates="certificate")

    __table_args__ = (UniqueConstraint("authority", "serial", name="uq_certificate_authority_serial"),)

    def __repr__(self):
        return f"{self.number} {self.subject_name}"

    def validity(self, moment):
        if self.revoked_at is not None:
            return Validity.revoked
        if moment >= self.not_after:
            return Validity.expired
        return Validity.valid if moment >= self.not_before else Validity.not_yet

    def is_usable(self, moment):
        return self.validity(moment) is Validity.valid

    @property
    def people(self):
        """Who may use it (署名用ID), by 利用者ID."""
        return sorted((link.user for link in self.activations), key=lambda user: user.user_code)


class CertificateActivation(Model):
    """That a person may use a certificate, and, once 証明書有効性確認 is done, the key for that person (R36)."""

    __tablename__ = "certificate_activation"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    certificate_id: Mapped[int] = mapped_column(ForeignKey("certificate.id"))
    activated_at: Mapped[dt.datetime | None] = mapped_column(Utc)
    sealed_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    pin_failures: Mapped[int] = mapped_column(default=0)

    user: Mapped[PortalUser] = relationship(back_populates="activations")
    certificate: Mapped[Certificate] = relationship(back_populates="activations", lazy="joined")

    __table_args__ = (UniqueConstraint("user_id", "certificate_id"),)


class TsaRevocationList(Model):
    """The newest revocation list (CRL) of one authority above the outside time-stamp authorities."""

    __tablename__ = "tsa_revocation_list"

    id: Mapped[int] = mapped_column(primary_key=True)
    authority_sha256: Mapped[str] = mapped_column(String(64), unique=True)  # of the certificate of who issued it
    der: Mapped[bytes] = mapped_column(LargeBinary)
    last_update: Mapped[dt.datetime] = mapped_column(Utc)
    next_update: Mapped[dt.datetime] = mapped_column(Utc)
    stored_at: Mapped[dt.datetime] = mapped_column(Utc)


class SigningCode(Model):
    """A code that signs one revision of one document once, for companies that chose it (S19)."""

    __tablename__ = "signing_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("contract_document.id"))
    pdf_sha256: Mapped[str] = mapped_column(String(64))  # the bytes that it may sign
    mac: Mapped[bytes | None] = mapped_column(LargeBinary)  # erased when used, replaced or expired
    issued_at: Mapped[dt.datetime] = mapped_column(Utc)
    expires_at: Mapped[dt.datetime] = mapped_column(Utc)
    used_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    def is_valid_for(self, document, moment):
        """Whether it signs these bytes of this document at `moment`."""
        signs = (self.document_id, self.pdf_sha256) == (document.id, document.pdf_sha256)
        return signs and self.mac is not None and moment < self.expires_at


class SigningPassword(Model):
    """One issue of a 署名用パスワード; until its last day it signs every document (R75)."""

    __tablename__ = "signing_password"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    mac: Mapped[bytes | None] = mapped_column(LargeBinary)  # erased when it expires
    issued_at: Mapped[dt.datetime] = mapped_column(Utc)
    issued_on: Mapped[dt.date] = mapped_column(Date)  # in Japan
    is_automatic: Mapped[bool] = mapped_column()
    last_day: Mapped[dt.date] = mapped_column(Date)  # in Japan, inclusive
    revoked_at: Mapped[dt.datetime | None] = mapped_column(Utc)

    __table_args__ = (
        Index("ix_signing_password_user_day", "user_id", "last_day"),
        Index(
            "uq_signing_password_automatic", "user_id", "issued_on", unique=True,
            sqlite_where=text("is_automatic"), postgresql_where=text("is_automatic"),
        ),
    )  # fmt: skip

    def is_valid(self, moment):
        return self.revoked_at is None and self.mac is not None and moment < end_of_japan_day(self.last_day)
