"""Drills: damage a demo on purpose, and show that the portal notices."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from flask import current_app

from app.clock import now
from app.extensions import db, writing
from app.jobs import archive_check
from app.models import ArchiveRecord, ContractDocument, DocumentEvent
from app.services import alerts, log_audit
from app.signing import log_chain
from app.signing.store import path_of
from app.workflow import IN_ARCHIVE


def bit_flip(say):
    """Flip one bit of an archived contract's file, and one of a file attached to an archived contract.

    Each time 点検 is to find it; the bit is put back, and 点検 is to see that.

    :param say: prints one line
    :returns: whether each damage was found and each recovery noticed
    """
    archived = (
        db.select(ArchiveRecord)
        .join(ContractDocument, ArchiveRecord.document_id == ContractDocument.id)
        .where(ContractDocument.status.in_(IN_ARCHIVE), ArchiveRecord.disposed_at.is_(None))
        .order_by(ArchiveRecord.id)
        .limit(1)
    )
    record = db.session.scalar(archived)
    if record is None:
        say("長期保管文書がありません。")
        return False
    is_noticed = _flip(record, record.document.pdf_sha256, "ファイル", say)
    accompanied = db.session.scalar(archived.where(ContractDocument.attachment_rows.any()))
    if accompanied is not None:
        attached = accompanied.document.attachment_rows[0]
        is_noticed &= _flip(accompanied, attached.sha256, f"添付・補足書類「{attached.file_name}」", say)
    return is_noticed


def _flip(record, sha256, called, say):
    file = _file_of(sha256)
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    say(f"{record.document.number}の{called}の1ビットを反転します：{file}")
    try:
        file.write_bytes(damaged)
        is_found = _check(record, say)
    finally:
        file.write_bytes(whole)
    say(f"{called}を元に戻しました。")
    return is_found and not _check(record, say)


def log_edit(say):
    """Edit the newest event of a document behind the portal's back, let 監査ログの検証 name it, put it back, check again.

    :param say: prints one line
    :returns: whether the edit was found at its row and nothing after it was put back
    """
    newest = db.select(DocumentEvent.id, DocumentEvent.reason).order_by(DocumentEvent.id.desc()).limit(1)
    event_id, reason = db.session.execute(newest).one()
    try:
        say(f"契約文書の操作の記録（document_event {event_id}）をSQLで書き換えます。")
        _write(event_id, "書き換えられた理由")
        found = _check_log(say)
    finally:
        _write(event_id, reason)
    say("記録を元に戻しました。")
    is_named = any(finding.detail == f"document_event {event_id}" for finding in found)
    return is_named and not _check_log(say)


def _write(event_id, reason):
    with writing():
        db.session.execute(db.text("UPDATE document_event SET reason = :reason WHERE id = :id"), {"reason": reason, "id": event_id})
        db.session.commit()


def _check_log(say):
    findings, count = log_audit.check_all()
    say(log_chain.in_words(findings, count))
    return findings


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
