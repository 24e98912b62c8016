"""一括ダウンロード: all that a search found, in one ZIP file for the person who searched (L7).

A request is written down; a job builds the file and tells the person.  Who asked may have lost a document since:
what may be opened is asked when the request is made, when the file is built, and at each download.
"""

import datetime as dt
import uuid

from flask import current_app
from sqlalchemy import delete, insert, or_, select, update

from app import queries
from app.errors import Refused
from app.extensions import db, writing
from app.labels import jst
from app.models import (
    IN_WORK,
    AccountAction,
    BulkDownload,
    BulkDownloadItem,
    DownloadState,
    Letter,
    PortalUser,
)
from app.services import journal, listing, outbox
from app.services.strongroom import strongroom

LEASE = dt.timedelta(minutes=10)  # how long a claimed request is left alone; each batch of documents renews it
MOST_ATTEMPTS = 3  # a worker that was killed tries again, but a file that kills workers is given up
MOST_KEPT = 5  # of one person
IDS_AT_ONCE = 1000
NOTHING = "検索結果に、PDFを開くことができる契約文書がありません。検索条件を変えて、もう一度お試しください。"
TOO_MANY = (
    f"検索結果が{listing.MOST_LINES:,}件を超えているため、一括ダウンロードできません。"
    "登録日や契約締結年月日の範囲を分けて、もう一度お試しください。"
)
ALREADY = (
    "一括ダウンロードのファイルを作成中です。同時に作成できるのは、お一人につき1つまでです。"
    "作成が終わってから、もう一度お試しください。"
)
TOO_MANY_KEPT = (
    f"保存できる一括ダウンロードのファイルは、お一人につき{MOST_KEPT}つまでです。"
    "［一括ダウンロード］の画面で不要なファイルを削除してから、もう一度お試しください。"
)
ONLY_ADMINISTRATORS = "データの一括出力は、管理者のみご利用いただけます。貴社の管理者にご確認ください。"
LOST = (
    "{order}の後に、差戻し、取下げなどで閲覧できなくなった契約文書が{count}件含まれているため、このファイルはダウンロードできません。"
    "［作り直す］を押すと、現在閲覧できる契約文書のみで、もう一度作成します。"
)
STILL_MADE = "ファイルを作成中です。作成が終わってから、もう一度お試しください。"
NOT_READY = "ファイルはまだ準備できていません。準備ができてから、もう一度ダウンロードしてください。"
CUT_OFF = "ファイルの作成が途中で止まったため、作成できませんでした。範囲を分けて、もう一度お試しください。"


def request(user, now, *, ids, in_archive, conditions):
    """Write down that the person wants these documents, which a search of theirs found.

    :param ids: in the order found; one more than :data:`app.services.listing.MOST_LINES` says that there are too many
    :raises Refused: none that may be opened, too many, or the person has enough requests
    """
    if len(ids) > listing.MOST_LINES:
        raise Refused(TOO_MANY)
    wanted = _openable(user, ids)
    if not wanted:
        raise Refused(NOTHING)
    download = _write_down(user, now, wanted, in_archive=in_archive, conditions=conditions, total=len(ids))
    journal.note(AccountAction.bulk_download_requested, now, user=user, actor=user, note=f"{len(wanted)}件")
    return download


def request_all(user, now):
    """データの一括出力: write down that an administrator wants all that the company owns, as many documents as there are.

    :raises Refused: no administrator, or the person has enough requests
    """
    if not user.is_company_admin:
        raise Refused(ONLY_ADMINISTRATORS)
    ids = queries.ids_to_export(user)
    download = _write_down(user, now, ids, in_archive=False, conditions={}, total=len(ids), is_of_company=True)
    journal.note(AccountAction.company_export_requested, now, user=user, actor=user, note=f"契約文書{len(ids)}件")
    return download


def _write_down(user, now, wanted, **facts):
    db.session.execute(select(PortalUser.id).where(PortalUser.id == user.id).with_for_update())  # one at a time
    kept = queries.bulk_downloads_of(user, now)
    if any(download.is_in_work for download in kept):
        raise Refused(ALREADY)
    if len(kept) >= MOST_KEPT:
        raise Refused(TOO_MANY_KEPT)
    download = BulkDownload(user_id=user.id, requested_at=now, expires_at=now + _life(), **facts)
    db.session.add(download)
    db.session.flush()
    rows = [
        {"download_id": download.id, "position": position, "document_id": document_id}
        for position, document_id in enumerate(wanted, start=1)
    ]
    if rows:
        db.session.execute(insert(BulkDownloadItem), rows)
    return download


def _openable(user, ids):
    opens = current_app.config["ADMIN_OPENS_PDF"]
    may = set()
    for start in range(0, len(ids), IDS_AT_ONCE):
        may |= queries.openable_ids(user, ids[start : start + IDS_AT_ONCE], opens)
    return [document_id for document_id in ids if document_id in may]


def _life():
    return dt.timedelta(days=current_app.config["DOWNLOAD_DAYS"])


def opens(is_of_company):
    """Whether an administrator gets the PDF of documents on whose route they are not: by the setting, and where the
    company takes along what it owns."""
    return is_of_company or current_app.config["ADMIN_OPENS_PDF"]


def why_lost(user, download):
    """What the person reads of a file that holds documents they may no longer open; None where they may open all."""
    count = queries.count_lost(user, download, opens(download.is_of_company))
    return LOST.format(order=_called(download), count=count) if count else None


def open_file(user, download):
    """The ZIP file, to be read in pieces, where the person may still open everything in it.

    :raises Refused: not ready, or something in it is no longer this person's to open
    :raises app.errors.StorageFailed: missing in the store
    """
    if download.is_of_company and not user.is_company_admin:
        raise Refused(ONLY_ADMINISTRATORS)
    if not download.is_ready:
        raise Refused(NOT_READY)
    if sentence := why_lost(user, download):
        raise Refused(sentence)
    return strongroom().parcels.open(download.token, download.size_bytes)


def discard(download, now):
    """The person needs it no more: nobody sees it from now on, and the job deletes it."""
    download.expires_at = now


def remake(user, download, now):
    """［作り直す］: ask for the same again, with what the person may open now; the former file goes.

    Of a search those documents that it found then, of a company all that it owns now.

    :raises Refused: the file is still being made, or nothing of it may be opened any more
    """
    if download.is_in_work:
        raise Refused(STILL_MADE)
    discard(download, now)
    if download.is_of_company:
        return request_all(user, now)
    return request(
        user, now, ids=queries.items_of(download.id), in_archive=download.in_archive, conditions=download.conditions
    )  # fmt: skip


def _called(download):
    return "データの一括出力" if download.is_of_company else "一括ダウンロード"


# -- what the job does ----------------------------------------------------------


def claim(download_id, now):
    """Take a request for building, and commit.

    :returns: the token of this attempt, the name of its file; None when somebody else has the request or it is over
    """
    with writing():
        claimed = db.session.execute(
            update(BulkDownload)
            .where(
                BulkDownload.id == download_id, BulkDownload.state.in_(IN_WORK), BulkDownload.expires_at > now,
                or_(BulkDownload.claimed_until.is_(None), BulkDownload.claimed_until <= now),
            )
            .values(
                state=DownloadState.building, claimed_until=now + LEASE, attempts=BulkDownload.attempts + 1, done=0
            )
            .execution_options(synchronize_session=False)
        ).rowcount  # fmt: skip
        db.session.commit()
        if not claimed:
            return None
        download = db.session.get(BulkDownload, download_id, populate_existing=True)
        if download.token:
            strongroom().parcels.remove(download.token)  # of the attempt that was cut off
        token = download.token = str(uuid.uuid4())
        if download.attempts > MOST_ATTEMPTS:
            fail(download_id, token, CUT_OFF, now)
            return None
        db.session.commit()
    return token


def advance(download_id, token, done, lost, now):
    """One more batch is in the file; commits.

    :param done: how many documents have been looked at
    :param lost: ids of those of the batch that the person may no longer open
    :returns: False where the person has discarded the request, or another worker has it
    """
    renewed = db.session.execute(
        update(BulkDownload)
        .where(*_is_mine(download_id, token), BulkDownload.expires_at > now)
        .values(done=done, claimed_until=now + LEASE)
        .execution_options(synchronize_session=False)
    ).rowcount
    if renewed and lost:
        _drop(download_id, BulkDownloadItem.document_id.in_(lost))
    db.session.commit()
    return bool(renewed)


def finish(download_id, token, parcel, now):
    """The file is there: it may be fetched for some days, and the person is told.  Commits.

    :returns: False where nobody waits for it any more
    """
    _drop(download_id, BulkDownloadItem.document_id.is_(None))
    included = queries.count_items(download_id)
    return _close(
        download_id, token, now, state=DownloadState.ready, included=included, expires_at=now + _life(),
        size_bytes=parcel.size_bytes, sha256=parcel.sha256,
    )  # fmt: skip


def fail(download_id, token, sentence, now):
    """No file: the person reads why.  Commits."""
    return _close(download_id, token, now, state=DownloadState.failed, failure=sentence[:255])


def _close(download_id, token, now, **values):
    closed = db.session.execute(
        update(BulkDownload)
        .where(*_is_mine(download_id, token), BulkDownload.expires_at > now)
        .values(claimed_until=None, **values)
        .execution_options(synchronize_session=False)
    ).rowcount
    if not closed:
        db.session.rollback()
        return False
    download = db.session.get(BulkDownload, download_id, populate_existing=True)
    if download.user.is_selectable:
        outbox.owe(
            Letter.bulk_download, download.user, now, download_id=download.id, failure=download.failure,
            included=download.included, left_out=download.left_out, until=jst(download.expires_at),
            order=_called(download),
        )  # fmt: skip
    db.session.commit()
    return True


def _is_mine(download_id, token):
    return (
        BulkDownload.id == download_id, BulkDownload.token == token, BulkDownload.state == DownloadState.building
    )  # fmt: skip


def _drop(download_id, which):
    db.session.execute(
        delete(BulkDownloadItem)
        .where(BulkDownloadItem.download_id == download_id, which)
        .execution_options(synchronize_session=False)
    )


def forget(download_id):
    """Delete a file and its row; False when it is gone already.  Commits.

    :raises app.errors.StorageFailed: not deleted; the row stays, so that it is tried again
    """
    download = db.session.get(BulkDownload, download_id)
    if download is None:
        return False
    if download.token:
        strongroom().parcels.remove(download.token)
    _drop(download_id, True)
    db.session.delete(download)
    db.session.commit()
    return True
