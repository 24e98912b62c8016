"""Whether a file is one of ours, asked by its SHA-256 alone, for people who need not be logged in.

The answer names no document and no company: who has the very bytes learns only how far they had come.
"""

from enum import StrEnum, auto

from sqlalchemy import exists, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import ContractDocument, DocumentRevision, Level
from app.workflow import CONCLUDED


class Kept(StrEnum):
    """How a file stands to those in our store."""

    concluded = auto()  # it is what is kept now of a concluded document
    superseded = auto()  # the whole concluded document too, before time stamps of the archive were added to it
    earlier = auto()  # made here, but not a concluded document
    unknown = auto()


def kept_as(sha256):
    """How the file with this SHA-256 stands to those in our store."""
    later = aliased(DocumentRevision, name="later")
    is_whole = ~exists().where(
        later.document_id == DocumentRevision.document_id,
        later.position > DocumentRevision.position,
        later.level.in_((Level.none, Level.b_lt)),
    )
    found = db.session.execute(
        select(ContractDocument.status.in_(CONCLUDED) & is_whole, ContractDocument.pdf_sha256 == sha256)
        .join(DocumentRevision, DocumentRevision.document_id == ContractDocument.id)
        .where(DocumentRevision.sha256 == sha256)
    ).all()
    if not found:
        return Kept.unknown
    whole = [is_current for is_concluded, is_current in found if is_concluded]
    if not whole:
        return Kept.earlier
    return Kept.concluded if any(whole) else Kept.superseded
