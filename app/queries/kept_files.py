"""Whether a file is one of ours, asked by its SHA-256 alone, for people who need not be logged in.

The answer names no document and no company: who has the very bytes learns only how far they had come.
"""

from enum import StrEnum, auto

from sqlalchemy import exists, select

from app.extensions import db
from app.models import ContractDocument, DocumentRevision
from app.workflow import CONCLUDED


class Kept(StrEnum):
    """How a file stands to those in our store."""

    concluded = auto()  # it is what is kept now of a concluded document
    earlier = auto()  # made here, but not the concluded document as it stands now
    unknown = auto()


def kept_as(sha256):
    """How the file with this SHA-256 stands to those in our store."""
    of_revision = select(DocumentRevision.document_id).where(DocumentRevision.sha256 == sha256)
    is_current = exists().where(
        ContractDocument.id.in_(of_revision), ContractDocument.pdf_sha256 == sha256, ContractDocument.status.in_(CONCLUDED)
    )
    if db.session.scalar(select(is_current)):
        return Kept.concluded
    return Kept.earlier if db.session.scalar(select(of_revision.exists())) else Kept.unknown
