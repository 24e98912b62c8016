"""The files of a 一括ダウンロード: PDFs, 添付・補足書類 and the index, streamed from the file store into the ZIP file.

The file is made while it is written, so nothing of it is held.  Each batch of documents is read in a context and a
short transaction of its own, which leave out what the person may no longer open; none is held while files are copied.
"""

import datetime as dt
import logging
import tempfile
import time
from dataclasses import dataclass

from app import queries
from app.errors import PortalError, StorageFailed
from app.extensions import db, reading, writing
from app.labels import LIST_COLUMN
from app.models import ListColumn, PortalUser
from app.services import bulk_downloads, company_files, integrity, listing, zip_file
from app.services.strongroom import strongroom

log = logging.getLogger(__name__)

DOCUMENTS_AT_ONCE = 20
SPOOL_BYTES = 1024 * 1024  # of the index; what is longer waits on the disk
INDEX_NAME = "index.csv"
CONTRACT, ATTACHMENT = "契約文書", "添付"
DISPOSED, DAMAGED = "（保管期間の満了後に廃棄済み）", "（保管ファイルの確認中のため、含まれていません）"
# 取引年月日, 取引金額, 取引先 first: by these the books are searched (L5)
FIRST = (ListColumn.conclusion_date, ListColumn.amount, ListColumn.partner, ListColumn.number, ListColumn.title)
REST = tuple(column for column in ListColumn if column not in (*FIRST, ListColumn.sha256))
HEADER = [
    f"取引年月日（{LIST_COLUMN[ListColumn.conclusion_date]}）", *(LIST_COLUMN[column] for column in FIRST[1:]),
    "文書の区分", "ファイル名", LIST_COLUMN[ListColumn.sha256], *(LIST_COLUMN[column] for column in REST),
]  # fmt: skip


class Abandoned(Exception):
    """Nobody waits for the file any more: it was discarded, or another worker has it."""


@dataclass(frozen=True)
class Entry:
    """One file of the ZIP file, and its line in the index; what is kept no more, or not whole, has a line alone."""

    name: str
    number: str
    sha256: str
    line: list


def build(app, download_id, token, now):
    """Build the file of a claimed request.

    :returns: False where it was not built; the person reads why, unless nobody waits for it
    """
    parcels, store, started = strongroom().parcels, strongroom().store, time.monotonic()

    def moment():
        return now + dt.timedelta(seconds=time.monotonic() - started)

    try:
        parcel = parcels.put(token, zip_file.pieces(_contents(app, store, download_id, token, moment), now))
    except Abandoned:
        return False
    except PortalError as failure:
        log.warning("bulk download %s was not built", download_id, exc_info=True)
        bulk_downloads.fail(download_id, token, failure.sentence, moment())
        return False
    if bulk_downloads.finish(download_id, token, parcel, moment()):
        return True
    parcels.remove(token)
    return False


def _contents(app, store, download_id, token, moment):
    """Names and pieces of all files: documents, the index, and for a company what else it owns."""
    with app.app_context(), reading():
        ids = queries.items_of(download_id)
        user_id, is_of_company = queries.user_of_download(download_id)
    found = 0
    with tempfile.SpooledTemporaryFile(SPOOL_BYTES, "w+b") as index:
        index.write(("\ufeff" + listing.csv_of([HEADER])).encode())
        for start in range(0, len(ids), DOCUMENTS_AT_ONCE):
            some = ids[start : start + DOCUMENTS_AT_ONCE]
            entries, lost = _batch(app, download_id, some)
            for entry in entries:
                if entry.name:
                    yield entry.name, _pieces(app, store, entry, moment)
            index.write(listing.csv_of([entry.line for entry in entries]).encode())
            found += len(some) - len(lost)
            with app.app_context(), writing():
                if not bulk_downloads.advance(download_id, token, start + len(some), lost, moment()):
                    raise Abandoned
        if not (found or is_of_company):
            raise PortalError(bulk_downloads.NOTHING)
        index.seek(0)
        yield INDEX_NAME, iter(lambda: index.read(zip_file.PIECE_BYTES), b"")
    if is_of_company:
        for name, pieces in company_files.files(app, user_id, ids):
            yield name, _renewing(app, download_id, token, len(ids), pieces, moment)


def _pieces(app, store, entry, moment):
    """The bytes of one file, as the store streams them; a failure names the document, at which 点検 looks next."""
    try:
        yield from store.stream(entry.sha256)
    except StorageFailed as failure:
        with app.app_context(), writing():
            integrity.hasten(entry.number, moment())
            db.session.commit()
        raise StorageFailed(
            f"契約文書 {entry.number} のファイルを読み込めませんでした。お手数ですが、文書管理番号を添えて、お問い合わせ窓口までご連絡ください。"
        ) from failure


def _renewing(app, download_id, token, done, pieces, moment):
    """The pieces of a file, while the request stays this worker's."""
    for piece in pieces:
        yield piece
        with app.app_context(), writing():
            if not bulk_downloads.advance(download_id, token, done, (), moment()):
                raise Abandoned


def _batch(app, download_id, ids):
    """The files of some documents, and the ids of those without one: the person may no longer open it, or it is not whole."""
    with app.app_context(), reading():
        user_id, is_of_company = queries.user_of_download(download_id)
        user = db.session.get(PortalUser, user_id) if user_id else None
        if user is None or not user.is_selectable or (is_of_company and not user.is_company_admin):
            raise Abandoned
        documents = queries.openable_documents(user, ids, bulk_downloads.opens(is_of_company))
        entries = [entry for document in documents for entry in _entries(document, user.company_id)]
        return entries, set(ids) - {document.id for document in documents if _missing(document) is None}


def _missing(document):
    """Why there is no file of a document, or None."""
    if document.is_disposed:
        return DISPOSED
    return DAMAGED if document.pdf_sha256 in _damaged(document) else None


def _damaged(document):
    """The SHA-256 of the files of a document that are not whole, as the last 点検 found."""
    record = document.archive_record
    return {row["sha256"] for row in record.findings} if record is not None else set()


def _entries(document, company_id):
    cells = listing.cells_of(document, company_id)
    first, rest = ([cells[column] for column in columns] for columns in (FIRST, REST))
    missing = _missing(document)
    if missing is not None:
        yield Entry("", document.number, "", [*first, CONTRACT + missing, "", document.pdf_sha256, *rest])
        return
    files = [(CONTRACT, document.title, "pdf", document.pdf_sha256)]
    files += [
        (f"{ATTACHMENT}{place}", row.file_name, row.kind.value, row.sha256)
        for place, row in enumerate(document.attachments, start=1)
    ]
    damaged = _damaged(document)
    for part, called, ending, sha256 in files:
        is_whole = sha256 not in damaged
        name = zip_file.safe_name(document.number, part, called, ending) if is_whole else ""
        yield Entry(name, document.number, sha256, [*first, part if is_whole else part + DAMAGED, name, sha256, *rest])
