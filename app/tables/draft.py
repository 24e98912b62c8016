"""What a person has typed into ［契約文書登録］ and not saved yet."""

import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.tables.person import PortalUser
from app.tables.values import Utc


class RegistrationDraft(Model):
    """自動保存: one form half filled in, of one person, for a new document or for one of the own."""

    __tablename__ = "registration_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    about_id: Mapped[int] = mapped_column()  # the document's id; 0 for one that is not registered yet
    token: Mapped[str] = mapped_column(String(36))  # of the form it was typed into
    sealed_fields: Mapped[bytes] = mapped_column(LargeBinary)  # JSON: name of a field -> what was typed
    saved_at: Mapped[dt.datetime] = mapped_column(Utc)

    user: Mapped[PortalUser] = relationship()

    __table_args__ = (UniqueConstraint("user_id", "about_id"),)
