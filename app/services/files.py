"""The file of a document: its intake, its empty signature fields, its revisions."""

from dataclasses import dataclass

from flask import current_app

from app.models import DocumentRevision, Level
from app.services.strongroom import strongroom
from app.signing.contents import Proof
from app.signing.fields import FieldSpec, place_fields
from app.signing.intake import Limits, receive


@dataclass(frozen=True)
class Upload:
    """An accepted and normalised PDF, stored."""

    file_name: str
    sha256: str
    page_count: int


@dataclass(frozen=True)
class SignedFile:
    """A revision that signing or archiving produced outside any transaction, stored already."""

    sha256: str
    made_from: str
    size_bytes: int
    level: Level
    proof: Proof | None = None  # of a file with a document time stamp


def take_in(file_name, upload):
    """The intake: check and normalise an uploaded PDF and store it, before anybody sees it.

    :param upload: the file's bytes
    :raises app.errors.IntakeRefused: with the cause and the next step
    """
    config = current_app.config
    taken = receive(upload, Limits(size_bytes=config["MAX_UPLOAD_MB"] * 1024 * 1024, pages=config["MAX_PAGES"]))
    file_name = "".join(character for character in file_name if character.isprintable())[:255]
    return Upload(file_name, strongroom().store.put(taken.pdf), taken.page_count)


def lay_fields(document, now):
    """Everybody sees the file with its empty signature fields; re-sending starts here again (I5, S6)."""
    store = strongroom().store
    unsigned = store.get(document.unsigned_sha256)
    fields = [
        FieldSpec(party.field_name, *(party.place or ())) for party in document.parties if party.field_name
    ]
    pdf = place_fields(unsigned, fields) if fields else unsigned
    file = SignedFile(store.put(pdf), document.unsigned_sha256, len(pdf), Level.none)
    if file.sha256 != document.pdf_sha256:
        add_revision(document, file, now)


def add_revision(document, file, now):
    """Make a stored file the one that everybody sees; the earlier ones stay."""
    document.pdf_sha256 = file.sha256
    document.revisions.append(
        DocumentRevision(
            position=len(document.revisions) + 1, sha256=file.sha256, made_from=file.made_from,
            size_bytes=file.size_bytes, level=file.level, created_at=now,
        )
    )  # fmt: skip
