"""失効リスト of the authorities above the outside time-stamp authorities: fetched where the operator said, or brought by hand.

A signature is B-LT only with evidence that its time stamp's certificates were not revoked.  A list counts when an
authority signed it whose certificate is in `PORTAL_TSA_ROOTS_FILE`: whoever sits between, or at the address, can
neither forge one nor bring an older one back.
"""

import datetime as dt

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app
from sqlalchemy import select

from app import queries
from app.errors import Refused
from app.extensions import db
from app.labels import jst
from app.models import Letter, OutboxMessage, TsaRevocationList
from app.services import outbox
from app.services.strongroom import strongroom
from app.signing import outgoing
from app.signing.outside import Outside, OutsideRefused, read_crls

TIMEOUT_SECONDS = 5
MOST_BYTES = 1024 * 1024
LEAD = dt.timedelta(hours=24)  # so long before a list ends it is told
LONG_LIVED = dt.timedelta(days=3)  # one that lives shorter is replaced in its last hours, and is told of only when it has ended
TOLD_PAUSE = dt.timedelta(hours=20)

SENTENCES = {
    "not_crl": "失効リスト（CRL、DERまたはPEM形式）ではありません。",
    "foreign_crl": "PORTAL_TSA_ROOTS_FILE にある認証局が発行した失効リストではありません。",
    "partial_crl": "次回更新日時のない失効リスト、および差分の失効リストは使用できません。",
    "old_crl": "登録済みの失効リストのほうが新しいため、登録しませんでした。",
}


def is_in_use():
    return bool(current_app.config["TSA_URLS"])


def fetch(number):
    """The file at one of the configured addresses, by its number there; outside any transaction.

    :raises app.signing.outgoing.NoAnswer: none, not within five seconds, or more than 1 MiB
    """
    parts = outgoing.split(current_app.config["TSA_CRL_URLS"][number])
    try:
        return outgoing.call(parts, TIMEOUT_SECONDS, MOST_BYTES)
    except outgoing.NoAnswer as failure:
        raise outgoing.NoAnswer(f"{outgoing.name_of(parts)}: {failure}") from failure


def store(file, now):
    """Keep the lists of a file, each in the place of its authority's former one; the caller commits.

    :returns: how many were new
    :raises Refused: not a list, of nobody in `PORTAL_TSA_ROOTS_FILE`, older than the one at hand, or not current
    """
    authorities = strongroom().outside_tsa_certificates
    rows = {
        row.authority_sha256: row
        for row in db.session.scalars(select(TsaRevocationList).order_by(TsaRevocationList.id).with_for_update())
    }
    known = Outside(tuple(authorities), tuple(crl for row in rows.values() for crl in read_crls(row.der)))
    try:
        given = read_crls(file)
        if not given:
            raise OutsideRefused("not_crl")
        found = known.with_crls(given)
    except OutsideRefused as refusal:
        raise Refused(SENTENCES[refusal.cause]) from refusal
    count = 0
    for authority in authorities:
        crl, former = found.crl_of(authority), known.crl_of(authority)
        if crl is None or crl == former:
            continue
        if not crl.last_update_utc <= now < crl.next_update_utc:
            raise Refused(
                f"失効リストの有効期間（{jst(crl.last_update_utc)}～{jst(crl.next_update_utc)}）が、現在の日時を含んでいません。"
            )
        row = rows.get(_name_of(authority)) or TsaRevocationList(authority_sha256=_name_of(authority))
        row.der, row.stored_at = crl.public_bytes(Encoding.DER), now
        row.last_update, row.next_update = crl.last_update_utc, crl.next_update_utc
        db.session.add(row)
        count += 1
    return count


def tell_operators(now):
    """Owe a letter where no list is there, or one has ended or soon will; at most once a day, False where there is none."""
    if not is_in_use():
        return False
    said = _problems(now)
    lately = select(OutboxMessage.id).where(
        OutboxMessage.letter == Letter.tsa_list_alert, OutboxMessage.created_at > now - TOLD_PAUSE
    )
    if not said or db.session.scalar(lately.limit(1)) is not None:
        return False
    for operator in queries.operators():
        outbox.owe(Letter.tsa_list_alert, operator, now, problems=said)
    return True


def _problems(now):
    names = {_name_of(one): one.subject.rfc4514_string() for one in strongroom().outside_tsa_certificates}
    rows = db.session.scalars(
        select(TsaRevocationList).where(TsaRevocationList.authority_sha256.in_(list(names))).order_by(TsaRevocationList.id)
    ).all()
    if not rows:
        return ["失効リストが1つも登録されていません。"]
    return [
        f"{names[row.authority_sha256]}：次回更新日時 {jst(row.next_update)}"
        + ("（期限切れ）" if row.next_update <= now else "（まもなく期限切れ）")
        for row in rows
        if row.next_update <= now or (row.next_update - row.last_update > LONG_LIVED and row.next_update <= now + LEAD)
    ]


def _name_of(authority):
    return authority.fingerprint(hashes.SHA256()).hex()
