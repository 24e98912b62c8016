"""署名用パスワード: six digits by mail, once a day, good for every document until their last day.

Only a keyed hash is kept (under the KEK), so that the database alone does not tell a password.
Source: R72-R77, D7, D8
"""

import datetime as dt
import secrets
import unicodedata
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from app.clock import japan_date
from app.errors import SecretLocked, SecretRefused
from app.extensions import db
from app.models import PortalUser, SigningPassword
from app.services import tries
from app.services.strongroom import strongroom

_ASK_AGAIN = "契約文書照会画面の［署名用パスワード再発行］から、新しい署名用パスワードをお受け取りください。"


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

    :raises SecretRefused: too many within the hour
    """
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
    tries.give_back(PortalUser.signing_failures, user.id)
    return _issue(user, now, is_automatic=False)


def _issue(user, now, *, is_automatic):
    secret = f"{secrets.randbelow(10**6):06d}"
    today = japan_date(now)
    last_day = today + dt.timedelta(days=current_app.config["SIGNING_PASSWORD_VALID_DAYS"])
    db.session.add(
        SigningPassword(
            user_id=user.id, mac=_mac(user.id, secret), issued_at=now, issued_on=today,
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
    limit = current_app.config["SECRET_TRIES"]
    user_id = user.id
    typed = unicodedata.normalize("NFKC", typed).strip()  # full-width digits are the same digits
    left = tries.take(PortalUser.signing_failures, user_id, limit)
    if left is None:
        raise SecretRefused(f"署名用パスワードを{limit}回続けて誤ったため、署名の操作をロックしました。{_ASK_AGAIN}")
    issues = db.session.scalars(
        select(SigningPassword)
        .where(SigningPassword.user_id == user_id, SigningPassword.mac.is_not(None))
        .order_by(SigningPassword.id.desc())
    ).all()
    match = next((issue for issue in issues if _matches(issue, typed)), None)
    if match is not None and match.is_valid(now):
        tries.give_back(PortalUser.signing_failures, user_id)
        return match
    refusal = SecretRefused if left else SecretLocked
    raise refusal(_why_refused(match, issues, now) + _tries_left(left, limit))


def _why_refused(match, issues, now):
    if match is not None and match.revoked_at is not None:
        return "この署名用パスワードは再発行により無効になっています。最後に届いたメールのパスワードを入力してください。"
    if match is not None or not any(issue.is_valid(now) for issue in issues):
        return f"署名用パスワードの有効期限が切れています。{_ASK_AGAIN}"
    return "署名用パスワードが正しくありません。件名「署名用パスワード 発行のお知らせ」のメールに記載の6桁の数字を入力してください。"


def _tries_left(left, limit):
    if left == 0:
        return f"{limit}回続けて誤ったため、署名の操作をロックしました。{_ASK_AGAIN}"
    return f"あと{left}回誤ると、署名の操作がロックされます。"


def _mac(user_id, secret):
    return strongroom().keyring.mac(secret.encode(), _context(user_id))


def _matches(issue, typed):
    return strongroom().keyring.mac_matches(issue.mac, typed.encode(), _context(issue.user_id))


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
