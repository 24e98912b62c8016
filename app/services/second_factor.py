"""二段階認証: a code of an authenticator app (TOTP, RFC 6238) after the log-in password, or a recovery code.

Wrong codes count together with wrong passwords and lock the log-in alike.  Each code is taken once.
Source: RFC 6238, sections 4 and 5.2
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

import pyotp
from flask import current_app

from app.errors import Refused, SecretRefused
from app.extensions import db
from app.labels import jst
from app.models import AccountAction, Letter, PortalUser
from app.services import credentials, journal, outbox
from app.services.strongroom import Sealed, strongroom
from app.signing.keys import KeyRefused

STEP_SECONDS = 30
STEPS_AROUND = (0, -1, 1)  # a clock may be half a minute wrong
CODE_DIGITS = 6
RECOVERY_CODES = 10
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"
_RECOVERY_LENGTH = 15  # 74 random bits: a plain hash keeps them
REQUIRED = "貴社では二段階認証が必須のため、解除できません。"
WRONG_CODE = (
    "確認コードが正しくありません。認証アプリに表示されている{digits}桁の数字を入力してください。"
    "続けて誤ると、しばらくログインできなくなります。"
)


@dataclass(frozen=True)
class Offer:
    """A key that an authenticator app may take; it counts once a code of it comes back."""

    key: str  # base32, as it is typed into an app
    sealed: str  # travels through the form; opens for this person only
    uri: str  # otpauth://, for the QR code


def offer(user, sealed=None):
    """A new key for the person, or the one of `sealed`, an earlier offer of theirs.

    :raises Refused: `sealed` was not made for this person
    """
    if sealed is None:
        key = pyotp.random_base32()
        sealed = base64.urlsafe_b64encode(strongroom().keyring.seal(key.encode(), _offer_context(user.id))).decode()
    else:
        key = _opened_offer(user.id, sealed)
    uri = pyotp.TOTP(key).provisioning_uri(name=user.user_code, issuer_name=current_app.config["SERVICE_NAME"])
    return Offer(key, sealed, uri)


def switch_on(user, sealed, code, password, now):
    """Take the offered key, once the password and a code of the key are right.

    :returns: the recovery codes, to be shown this once
    :raises Refused: there is a second factor already
    :raises SecretRefused: password or code are wrong
    """
    key = _opened_offer(user.id, sealed)
    step = _step_of(key, _normalise(code), now)
    if step is None:
        raise SecretRefused(
            f"確認コードが正しくありません。QRコードを読み取った認証アプリの{CODE_DIGITS}桁の数字を入力してください。"
            "数字は30秒ごとに変わります。スマートフォンの時刻が正しいこともご確認ください。"
        )
    credentials.check_own_password(user, password, now)
    user = credentials.hold(user.id)
    if user.has_second_factor:
        raise Refused("二段階認証は、すでに設定されています。")
    user.totp_sealed = strongroom().keyring.seal(key.encode(), context(user.id))
    user.totp_step = step
    codes = _new_codes(user)
    _tell(AccountAction.second_factor_on, user, user, now)
    return codes


def switch_off(user, now, actor):
    """Take the second factor away, such as a lost one by an administrator; once is enough.

    Where somebody else does it, 証明書有効性確認 is undone as well, and the sessions end.
    """
    user = credentials.hold(user.id)
    if not user.has_second_factor:
        return
    if actor.id != user.id:
        credentials.close_keys(user)
        credentials.end_sessions(user, now)
    user.totp_sealed = user.totp_step = None
    user.recovery_codes = []
    _tell(AccountAction.second_factor_off, user, actor, now)


def switch_off_own(user, password, code, now):
    """Take away the own second factor.

    :raises Refused: the company demands one, or there is none
    :raises SecretRefused: password or code are wrong, or the log-in is locked
    """
    _must_have(user)
    if user.company and user.company.requires_second_factor:
        raise Refused(REQUIRED)
    credentials.check_own_password(user, password, now)
    user = check(user, code, now)
    switch_off(user, now, user)


def renew_recovery_codes(user, password, code, now):
    """New recovery codes in place of all earlier ones.

    :returns: the codes, to be shown this once
    :raises SecretRefused: password or code are wrong, or the log-in is locked
    """
    _must_have(user)
    credentials.check_own_password(user, password, now)
    user = check(user, code, now)
    codes = _new_codes(user)
    _tell(AccountAction.recovery_codes_made, user, user, now)
    return codes


def log_in(user, code, now):
    """The second step of the log-in: the person, who may be let in.

    :raises SecretRefused: wrong, used before, or locked; noted, and committed
    """
    user_id = user.id
    try:
        return check(user, code, now)
    except SecretRefused:
        credentials.note_refused(user_id, now, "二段階認証")
        raise


def check(user, code, now):
    """Take a code of the app or a recovery code; it counts as a log-in try, and the try is committed.

    :returns: the person, held until the caller commits
    :raises SecretRefused: wrong, used before, or locked
    """
    user_id = user.id
    tries = credentials.take_try(user_id, now)
    if tries is None:
        raise SecretRefused(credentials.locked_sentence())
    user = credentials.hold(user_id)
    typed = _normalise(code)
    try:
        if len(typed) == CODE_DIGITS and typed.isdigit():
            _take_step(user, typed, now)
        else:
            _take_recovery_code(user, typed, now)
    except SecretRefused:
        db.session.rollback()
        credentials.tell_if_locked(user, tries, now)
        raise
    user.login_failures, user.locked_until = 0, None
    return user


def context(user_id):
    """What the key of one person's app is sealed with."""
    return f"second-factor:{user_id}".encode()


SEALED = (Sealed(PortalUser.totp_sealed, lambda user: context(user.id)),)


def _take_step(user, typed, now):
    key = strongroom().keyring.open(user.totp_sealed, context(user.id)).decode() if user.has_second_factor else None
    step = key and _step_of(key, typed, now)
    if step is None:
        raise SecretRefused(WRONG_CODE.format(digits=CODE_DIGITS))
    if step <= user.totp_step:
        raise SecretRefused("この確認コードはすでに使用されています。認証アプリに次の数字が表示されてから、入力してください。")
    user.totp_step = step


def _take_recovery_code(user, typed, now):
    hashed = _hash(user, typed)
    left = [code for code in user.recovery_codes if not hmac.compare_digest(code, hashed)]
    if len(left) == len(user.recovery_codes):
        raise SecretRefused(
            f"確認コードが正しくありません。認証アプリの{CODE_DIGITS}桁の数字か、まだ使用していない回復コードを入力してください。"
            "続けて誤ると、しばらくログインできなくなります。"
        )
    user.recovery_codes = left
    _tell(AccountAction.recovery_code_used, user, user, now, left=len(left))


def _step_of(key, typed, now):
    """The 30 seconds that a code belongs to, counted from 1970; None where it is no code of about now."""
    current, app = int(now.timestamp()) // STEP_SECONDS, pyotp.TOTP(key)
    for step in (current + around for around in STEPS_AROUND):
        if hmac.compare_digest(app.generate_otp(step).encode(), typed.encode()):
            return step
    return None


def _opened_offer(user_id, sealed):
    try:
        return strongroom().keyring.open(base64.urlsafe_b64decode(sealed), _offer_context(user_id)).decode()
    except (KeyRefused, ValueError):
        raise Refused("設定用のQRコードを確認できませんでした。この画面を開き直して、もう一度設定してください。")


def _offer_context(user_id):
    return f"second-factor-offer:{user_id}".encode()


def _new_codes(user):
    codes = ["".join(secrets.choice(_READABLE) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    user.recovery_codes = [_hash(user, code) for code in codes]
    return ["-".join(code[at : at + 5] for at in range(0, _RECOVERY_LENGTH, 5)) for code in codes]


def _hash(user, code):
    return hashlib.sha256(f"recovery:{user.id}:{code}".encode()).hexdigest()


def _normalise(typed):
    """What was typed, without blanks and hyphens; full-width is read as half-width."""
    return "".join(c for c in unicodedata.normalize("NFKC", typed).lower() if not c.isspace() and c not in "-‐－ー")


def _must_have(user):
    if not user.has_second_factor:
        raise Refused("二段階認証は設定されていません。")


def _tell(action, user, actor, now, **facts):
    outbox.owe(Letter.second_factor_changed, user, now, change=action.value, at=jst(now), **facts)
    journal.note(action, now, user=user, actor=actor)
