"""The time stamps of the archive, each made once even where the process is killed in the middle (I14, I15).

The file is named in its document's record before it is stored.  What was stored and never recorded is so found by the
next attempt, which goes on with it: no authority is asked twice, and no copy of a contract stays that no row names.
"""

import hashlib

from flask import current_app
from sqlalchemy import select, update

from app.extensions import db
from app.models import ArchiveRecord, Level
from app.services.files import SignedFile
from app.services.strongroom import outside_roots, strongroom
from app.signing.contents import proof_of


def stamp(document_id, pdf_sha256, is_signed):
    """Add the document time stamp with which a file goes into 長期保管, or a further one; stored.  Commits.

    :param pdf_sha256: the document's current file
    :raises app.errors.SigningFailed: no time stamp; nothing was changed
    :raises app.errors.StorageFailed: not read or not stored
    """
    pdf = strongroom().store.get(pdf_sha256)
    stamped = _left_behind(document_id, pdf) or _made_anew(document_id, pdf)
    return SignedFile(
        hashlib.sha256(stamped).hexdigest(), pdf_sha256, len(stamped), Level.b_lta if is_signed else Level.timestamped,
        proof_of(stamped, current_app.config["ALGORITHM_ENDS"]),
    )  # fmt: skip


def _left_behind(document_id, pdf):
    """The stored file of an attempt that was cut off before it was recorded; None where there is none of this file."""
    promised = db.session.scalar(select(ArchiveRecord.promised_sha256).where(ArchiveRecord.document_id == document_id))
    db.session.commit()  # nothing is held while files are read
    stored = strongroom().store.raw(promised) if promised else None
    if stored is None or hashlib.sha256(stored).hexdigest() != promised:
        return None
    return stored if len(stored) > len(pdf) and stored.startswith(pdf) else None


def _made_anew(document_id, pdf):
    strong = strongroom()
    stamped = strong.desk.archive(pdf, outside_roots(pdf))
    db.session.execute(
        update(ArchiveRecord)
        .where(ArchiveRecord.document_id == document_id)
        .values(promised_sha256=hashlib.sha256(stamped).hexdigest())
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return strong.store.get(strong.store.put(stamped))  # what lies there, not what was sent there, is what counts
