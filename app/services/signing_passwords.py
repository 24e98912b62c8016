"""署名用パスワード: six digits by mail, once a day, good for every document until their last day.

Only a keyed hash is kept (under the KEK), so that the database alone does not tell a password.
Source: R72-R77, D7, D8
"""

import datetime as dt
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.clock import japan_date
from app.errors import Refused, SecretRefused
from app.extensions import db
from app.models import PortalUser, SigningPassword
from app.services import digits

_ASK_AGAIN = "契約文書照会画面の［署名用パスワード再発行］から、新しい署名用パスワードをお受け取りください。"
_LOCKED = f"署名用パスワードを{{limit}}回続けて誤ったため、署名の操作をロックしました。{_ASK_AGAIN}"


@dataclass(frozen=True)
class Issued:
    """A password on its way to its mail."""

    secret: str
    last_day: dt.date


def issue_automatically(user, now):
    """Today's password, or None where the person was sent one today already, by re-issue too (D7)."""
    today = japan_date(now)
    if db.session.scalar(
        select(SigningPassword.id)
        .where(SigningPassword.user_id == user.id, SigningPassword.issued_on == today)
        .limit(1)
    ):
        return None
    try:
        with db.session.begin_nested():
            return _issue(user, now, is_automatic=True)
    except IntegrityError:  # somebody else issued it in this very moment
        return None


def reissue(user, now):
    """A new password in place of all earlier ones; it also opens a locked signing operation (B2).

    :raises Refused: the company signs by a code for each document
    :raises SecretRefused: too many within the hour
    """
    if user.company.signs_by_code:
        raise Refused(
            "貴社では、署名用パスワードの代わりに、契約文書ごとの署名用コードで署名します。"
            "契約文書署名画面の［署名用コードを送信］を押してください。"
        )
    db.session.execute(select(PortalUser.id).where(PortalUser.id == user.id).with_for_update())  # one at a time
    hourly = current_app.config["SIGNING_PASSWORD_REISSUES_PER_HOUR"]
    recent = db.session.scalar(
        select(func.count()).where(
            SigningPassword.user_id == user.id,
            SigningPassword.is_automatic.is_(False),
            SigningPassword.issued_at > now - dt.timedelta(hours=1),
        )
    )
    if recent >= hourly:
        raise SecretRefused(
            f"署名用パスワードの再発行は1時間に{hourly}回までです。"
            "すでにお送りしたメールをご確認いただくか、しばらくしてからもう一度お試しください。"
        )
    db.session.execute(
        update(SigningPassword)
        .where(SigningPassword.user_id == user.id, SigningPassword.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    digits.give_back_tries(user.id)
    return _issue(user, now, is_automatic=False)


def _issue(user, now, *, is_automatic):
    secret = digits.new()
    today = japan_date(now)
    last_day = today + dt.timedelta(days=current_app.config["SIGNING_PASSWORD_VALID_DAYS"])
    db.session.add(
        SigningPassword(
            user_id=user.id, mac=digits.mac(secret, _context(user.id)), issued_at=now, issued_on=today,
            is_automatic=is_automatic, last_day=last_day,
        )
    )  # fmt: skip
    db.session.flush()
    return Issued(secret, last_day)


def check(user, typed, now):
    """The issue that `typed` matches; each call takes one of the person's tries, and commits.

    :raises SecretRefused: wrong, expired, void or locked, each with its own sentence
    :raises SecretLocked: this wrong one was the last
    """
    user_id, typed = user.id, digits.typed(typed)
    refusal = digits.take_try(user_id, _LOCKED)
    issues = db.session.scalars(
        select(SigningPassword)
        .where(SigningPassword.user_id == user_id, SigningPassword.mac.is_not(None))
        .order_by(SigningPassword.id.desc())
    ).all()
    match = next((issue for issue in issues if digits.matches(issue.mac, typed, _context(user_id))), None)
    if match is not None and match.is_valid(now):
        digits.give_back_tries(user_id)
        return match
    raise refusal(_why_refused(user_id, match, issues, now))


def _why_refused(user_id, match, issues, now):
    if not db.session.scalar(select(SigningPassword.id).where(SigningPassword.user_id == user_id).limit(1)):
        return f"署名用パスワードはまだ発行されていません。{_ASK_AGAIN}"
    if match is not None and match.revoked_at is not None:
        return "この署名用パスワードは再発行により無効になっています。最後に届いたメールのパスワードを入力してください。"
    if match is not None or not any(issue.is_valid(now) for issue in issues):
        return f"署名用パスワードの有効期限が切れています。{_ASK_AGAIN}"
    return "署名用パスワードが正しくありません。件名「署名用パスワード 発行のお知らせ」のメールに記載の6桁の数字を入力してください。"


def _context(user_id):
    return f"signing-password:{user_id}".encode()


def expired(now):
    """Ids of the issues whose last day is over and whose hash is still kept."""
    return db.session.scalars(
        select(SigningPassword.id).where(
            SigningPassword.mac.is_not(None), SigningPassword.last_day < japan_date(now)
        )
    ).all()


def erase(issue_id):
    """Forget the hash of an expired issue; the row stays, for signatures name it.  False if done already."""
    return bool(
        db.session.execute(
            update(SigningPassword)
            .where(SigningPassword.id == issue_id, SigningPassword.mac.is_not(None))
            .values(mac=None)
        ).rowcount
    )
