"""署名用コード: six digits by mail that sign one revision of one document once, within minutes (S19).

For companies that chose it in place of the day's 署名用パスワード (:attr:`app.models.Company.signs_by_code`).
Wrong codes count like wrong passwords, but a new code opens no lock: only the administrator does.
"""

import datetime as dt
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, or_, select, update

from app.errors import Refused, SecretRefused
from app.extensions import db
from app.models import PortalUser, SigningCode
from app.services import digits

MOST_PER_HOUR = 5
_ASK_AGAIN = "［署名用コードを送信］を押して、新しい署名用コードをお受け取りください。"
_LOCKED = (
    "署名用コードを{limit}回続けて誤ったため、署名の操作をロックしました。貴社の管理者にロック解除をご依頼ください。"
)


@dataclass(frozen=True)
class Issued:
    """A code on its way to its mail."""

    secret: str
    expires_at: dt.datetime


def issue(user, document, now):
    """A new code for the document as it is now; the earlier ones of this document are void.

    :raises Refused: the company signs by the day's password
    :raises SecretRefused: signing is locked, or too many codes within the hour
    """
    if not user.company.signs_by_code:
        raise Refused(
            "貴社では、署名用コードの代わりに、署名用パスワードで署名します。"
            "件名「署名用パスワード 発行のお知らせ」のメールをご確認ください。"
        )
    db.session.execute(select(PortalUser.id).where(PortalUser.id == user.id).with_for_update())  # one at a time
    if digits.is_locked(user):
        raise SecretRefused(_LOCKED.format(limit=current_app.config["SECRET_TRIES"]))
    own = SigningCode.user_id == user.id
    recent = db.session.scalar(select(func.count()).where(own, SigningCode.issued_at > now - dt.timedelta(hours=1)))
    if recent >= MOST_PER_HOUR:
        raise SecretRefused(
            f"署名用コードの送信は1時間に{MOST_PER_HOUR}回までです。"
            "すでにお送りしたメールをご確認いただくか、しばらくしてからもう一度お試しください。"
        )
    db.session.execute(
        update(SigningCode).where(own, SigningCode.document_id == document.id).values(mac=None)
    )
    secret = digits.new()
    expires_at = now + dt.timedelta(minutes=current_app.config["SIGNING_CODE_MINUTES"])
    db.session.add(
        SigningCode(
            user_id=user.id, document_id=document.id, pdf_sha256=document.pdf_sha256,
            mac=digits.mac(secret, _context(user.id, document.id)), issued_at=now, expires_at=expires_at,
        )
    )  # fmt: skip
    db.session.flush()
    return Issued(secret, expires_at)


def check(user, document, typed, now):
    """The code of this document that `typed` matches; each call takes one of the person's tries, and commits.

    It is not used up by this: only :func:`use`, with the step itself, does that.

    :raises SecretRefused: wrong, expired, another document's, used, or locked, each with its own sentence
    """
    user_id, typed = user.id, digits.typed(typed)
    refusal = digits.take_try(user_id, _LOCKED)
    is_of_document = SigningCode.document_id == document.id
    codes = db.session.scalars(
        select(SigningCode)
        .where(SigningCode.user_id == user_id, or_(is_of_document, SigningCode.mac.is_not(None)))
        .order_by(is_of_document.desc(), SigningCode.id.desc())
    ).all()
    match = next((code for code in codes if _matches(code, typed)), None)
    if match is not None and match.is_valid_for(document, now):
        digits.give_back_tries(user_id)
        return match
    of_document = [code for code in codes if code.document_id == document.id]
    raise refusal(_why_refused(match, of_document, document, now))


def _why_refused(match, of_document, document, now):
    if match is not None and match.document_id != document.id:
        return (
            "入力された署名用コードは、別の契約文書のものです。"
            f"文書管理番号 {document.number} が記載されたメールの署名用コードを入力してください。"
        )
    if not of_document:
        return f"この契約文書の署名用コードはまだ送信されていません。{_ASK_AGAIN}"
    if not any(code.pdf_sha256 == document.pdf_sha256 for code in of_document):
        return f"署名用コードの送信後に契約文書が変わったため、この署名用コードは無効です。{_ASK_AGAIN}"
    if match is not None or not any(code.is_valid_for(document, now) for code in of_document):
        return f"署名用コードの有効期限が切れているか、すでに使用されています。{_ASK_AGAIN}"
    return (
        "署名用コードが正しくありません。件名「署名用コード のお知らせ」の最後に届いたメールに記載の6桁の数字を入力してください。"
    )


def use(code_id, user, document, now):
    """Use up a code in the transaction of the step that it signs; of two that try, one succeeds.

    :raises SecretRefused: used or replaced meanwhile, or of other bytes
    """
    used = db.session.execute(
        update(SigningCode)
        .where(
            SigningCode.id == code_id,
            SigningCode.user_id == user.id,
            SigningCode.document_id == document.id,
            SigningCode.pdf_sha256 == document.pdf_sha256,
            SigningCode.mac.is_not(None),
        )
        .values(used_at=now, mac=None)
    ).rowcount
    if not used:
        raise SecretRefused(f"この署名用コードは、すでに使用されたか、新しい署名用コードの送信により無効になりました。{_ASK_AGAIN}")


def _matches(code, typed):
    return digits.matches(code.mac, typed, _context(code.user_id, code.document_id))


def _context(user_id, document_id):
    return f"signing-code:{user_id}:{document_id}".encode()


def expired(now):
    """Ids of the codes that have run out and whose hash is still kept."""
    return db.session.scalars(
        select(SigningCode.id).where(SigningCode.mac.is_not(None), SigningCode.expires_at <= now)
    ).all()


def erase(code_id):
    """Forget the hash of an expired code; the row stays.  False if done already."""
    return bool(
        db.session.execute(
            update(SigningCode).where(SigningCode.id == code_id, SigningCode.mac.is_not(None)).values(mac=None)
        ).rowcount
    )
