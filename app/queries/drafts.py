"""What a person has typed and not saved: only ever asked for that person."""

from sqlalchemy import select

from app.extensions import db
from app.models import RegistrationDraft


def draft_of(user, about_id):
    """The person's own draft about a document, or about a new one (0); None where there is none."""
    return db.session.scalar(
        select(RegistrationDraft).where(
            RegistrationDraft.user_id == user.id, RegistrationDraft.about_id == about_id
        )
    )
