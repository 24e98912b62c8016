"""Drills: damage a demo on purpose, and show that the portal notices."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app

from app.clock import now
from app.extensions import db, writing
from app.jobs import archive_check
from app.models import ArchiveRecord, ContractDocument
from app.services import alerts
from app.signing.store import path_of
from app.workflow import IN_ARCHIVE


def bit_flip(say):
    """Flip one bit of an archived file in the store's folder, let 点検 find it, put it back, let 点検 see that.

    :param say: prints one line
    :returns: whether the damage was found and the recovery noticed
    """
    record = db.session.scalars(
        db.select(ArchiveRecord)
        .join(ContractDocument, ArchiveRecord.document_id == ContractDocument.id)
        .where(ContractDocument.status.in_(IN_ARCHIVE), ArchiveRecord.disposed_at.is_(None))
        .order_by(ArchiveRecord.id)
    ).first()
    if record is None:
        say("長期保管文書がありません。")
        return False
    file = _file_of(record.document.pdf_sha256)
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    say(f"{record.document.number}のファイルの1ビットを反転します：{file}")
    try:
        file.write_bytes(damaged)
        is_found = _check(record, say)
    finally:
        file.write_bytes(whole)
    say("ファイルを元に戻しました。")
    return is_found and not _check(record, say)


def _file_of(sha256):
    return Path(unquote(urlsplit(current_app.config["STORAGE_URL"]).path)) / path_of(sha256)


def _check(record, say):
    """Run 点検 on one document, as the job does; whether it is called damaged."""
    with writing():
        archive_check.run_one(record.document_id, now())
        archive_check.afterwards(now())
    db.session.refresh(record)
    say(f"点検の結果：{alerts.what_of(record)}")
    return record.is_damaged
