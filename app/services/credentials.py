"""Log-in passwords: the manual's policy, the first one by mail, the lock after wrong tries."""

import datetime as dt
import secrets
import string
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from flask import current_app
from sqlalchemy import case, literal, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from app.clock import japan_date
from app.errors import Refused, SecretRefused
from app.extensions import db, writing
from app.models import Letter, PortalUser
from app.queries import as_code
from app.services import outbox

SYMBOLS = "!#$%&'-_"
MIN_LENGTH = 8
HASHING_THREADS = 2  # each takes 128 MB while it hashes
_LOOKALIKES = {"'": "\u02bc\u02b9\u2032\u201b\u00b4`", "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u30fc"}
_ALLOWED = frozenset(string.ascii_letters + string.digits + SYMBOLS)
WRONG = (
    "利用者IDまたはパスワードが正しくありません。入力内容をご確認ください。"
    "続けて{limit}回誤ると、{minutes}分間ログインできなくなります。"
)


def normalise(password):
    """The typed password with the manual's printed ‘ read as the ASCII apostrophe, and nothing else (D1)."""
    return password.replace("\u2018", "'").replace("\u2019", "'")


def check_policy(password):
    """Refuse a new password that breaks the manual's rule; the sentence names the broken part.

    Source: R31, R32 (manual p.3)
    """
    strange = dict.fromkeys(_name_of(character) for character in password if character not in _ALLOWED)
    if strange:
        raise Refused(
            f"パスワードに使用できる文字は、半角英字、半角数字、記号（{' '.join(SYMBOLS)}）のみです。"
            f"使用できない文字が含まれています：{'、'.join(strange)}"
        )
    if len(password) < MIN_LENGTH:
        raise Refused("新しいパスワードは8桁以上にしてください。")
    missing = [
        name
        for name, kind in (
            ("半角英字", string.ascii_letters), ("半角数字", string.digits), ("記号", SYMBOLS),
        )
        if not set(password) & set(kind)
    ]  # fmt: skip
    if missing:
        raise Refused(
            f"新しいパスワードには、半角英字、半角数字、記号をすべて含めてください（{'、'.join(missing)}が含まれていません）。"
        )


def _name_of(character):
    """A character that no password may hold, as the person can find it among what was typed."""
    category = unicodedata.category(character)
    if category == "Zs" or character.isspace():
        return "空白"
    if category.startswith(("C", "Z")):
        return "目に見えない文字"
    if category.startswith("M"):
        return "濁点やアクセントなどの結合文字"
    for symbol, lookalikes in _LOOKALIKES.items():
        if character in lookalikes:
            return f"「{character}」（{symbol} に似た別の文字）"
    is_full_width = unicodedata.normalize("NFKC", character) in _ALLOWED
    return f"全角の「{character}」" if is_full_width else f"「{character}」"


def password_hash(password):
    return generate_password_hash(password, current_app.config["PASSWORD_HASH_METHOD"])


class InitialPassword(NamedTuple):
    password: str
    hashed: str


def new_initial_passwords(count):
    """So many :class:`InitialPassword`; slow, so call it in no transaction."""
    passwords = [_random_password() for _ in range(count)]
    method = current_app.config["PASSWORD_HASH_METHOD"]
    with ThreadPoolExecutor(HASHING_THREADS) as pool:
        hashes = pool.map(lambda password: generate_password_hash(password, method), passwords)
        return [InitialPassword(*pair) for pair in zip(passwords, hashes, strict=True)]


def give_initial_password(user, now, *, to_address=None, initial=None):
    """Set a new 初回ログインパスワード, owe its mail, and end the person's sessions (R17)."""
    (made,) = [initial] if initial else new_initial_passwords(1)
    user.password = made.hashed
    user.must_change_password = True
    user.initial_password_until = now + dt.timedelta(days=current_app.config["INITIAL_PASSWORD_VALID_DAYS"])
    user.session_epoch = (user.session_epoch or 0) + 1
    user.login_failures, user.locked_until = 0, None
    outbox.owe(
        Letter.initial_password, user, now, to_address=to_address, secret=made.password,
        expires_at=user.initial_password_until, until=japan_date(user.initial_password_until).strftime("%Y/%m/%d"),
    )  # fmt: skip


def _random_password():
    readable = "abcdefghijkmnpqrstuvwxyz"
    characters = [secrets.choice(readable + "23456789") for _ in range(9)]
    characters += [secrets.choice(readable), secrets.choice("23456789"), secrets.choice("!#$%&-_")]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def log_in(user_code, password, now):
    """The person these belong to; every refusal reads alike, whether or not such an ID exists (S9).

    :raises SecretRefused: unknown, wrong, locked, deleted; or right, but an initial password too old
    """
    user = db.session.scalar(select(PortalUser).where(PortalUser.username == as_code(user_code)))
    if user is None or not user.is_selectable:
        _pretend_to_compare(password)
        raise _wrong()
    user_id, stored = user.id, user.password
    tries = _take_login_try(user_id, now)
    if tries is None:
        _pretend_to_compare(password)
        raise _wrong()
    is_right = check_password_hash(stored, normalise(password))  # slow, and in no transaction
    user = db.session.get(PortalUser, user_id)
    if not is_right:
        _tell_if_locked(user, tries, now)
        raise _wrong()
    if user.must_change_password and user.initial_password_until and now >= user.initial_password_until:
        raise SecretRefused(
            "初回ログインパスワードの有効期限が切れています。貴社の管理者またはお問い合わせ窓口に、パスワードの初期化をご依頼ください。"
        )
    user.login_failures, user.locked_until = 0, None
    user.last_login = now.replace(tzinfo=None)
    user.login_count = (user.login_count or 0) + 1
    return user


def is_own_password(user, password, now):
    """Whether `password` is the person's log-in password; wrong guesses count as log-in tries.  Commits.

    :raises SecretRefused: the 利用者ID is locked, so that no password is looked at
    """
    user_id, stored = user.id, user.password
    tries = _take_login_try(user_id, now)
    if tries is None:
        minutes = current_app.config["LOGIN_LOCK_MINUTES"]
        raise SecretRefused(f"パスワードの誤りが続いたため、確認を停止しています。{minutes}分ほど待ってから、もう一度お試しください。")
    is_right = check_password_hash(stored, normalise(password))  # slow, and in no transaction
    user = db.session.get(PortalUser, user_id)
    if is_right:
        user.login_failures, user.locked_until = 0, None
        db.session.commit()  # a refusal further on is no wrong guess, and must not count as one
        return True
    _tell_if_locked(user, tries, now)
    return False


def change_password(user, current, new, repeated, now):
    """［パスワード変更］: a new password of the person's own choice; all earlier sessions end (R30, S10).

    :raises SecretRefused: the current password is wrong
    :raises Refused: the new one breaks the policy, or the two do not agree
    """
    if not is_own_password(user, current, now):
        raise SecretRefused("現在のパスワードが正しくありません。")
    new, repeated = normalise(new), normalise(repeated)
    if new != repeated:
        raise Refused("新しいパスワードと、新しいパスワード(確認)が一致しません。")
    check_policy(new)
    if check_password_hash(user.password, new):
        raise Refused("現在のパスワードと異なるパスワードを入力してください。")
    user.password = password_hash(new)
    user.must_change_password = False
    user.initial_password_until = None
    end_sessions(user)


def end_sessions(user):
    """Make every session cookie of the person worthless from now on."""
    user.session_epoch += 1


def _wrong():
    config = current_app.config
    return SecretRefused(WRONG.format(limit=config["LOGIN_TRIES"], minutes=config["LOGIN_LOCK_MINUTES"]))


def _take_login_try(user_id, now):
    """Count one try, and commit.  The last one locks at once, whatever comes of it; a lock that has run
    out starts anew.

    :returns: which try this is, counted from 1, or None while the ID is locked
    """
    limit = current_app.config["LOGIN_TRIES"]
    lock_ends = now + dt.timedelta(minutes=current_app.config["LOGIN_LOCK_MINUTES"])
    with writing():
        db.session.execute(
            update(PortalUser)
            .where(PortalUser.id == user_id, PortalUser.locked_until <= now)
            .values(login_failures=0, locked_until=None)
            .execution_options(synchronize_session=False)
        )
        tries = db.session.scalar(
            update(PortalUser)
            .where(PortalUser.id == user_id, PortalUser.login_failures < limit)
            .values(
                login_failures=PortalUser.login_failures + 1,
                locked_until=case(
                    (PortalUser.login_failures + 1 >= limit, literal(lock_ends, PortalUser.locked_until.type))
                ),
            )
            .returning(PortalUser.login_failures)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return tries


def _tell_if_locked(user, tries, now):
    """After the last wrong try: tell the person by mail.  Commits."""
    if tries < current_app.config["LOGIN_TRIES"]:
        return
    with writing():
        outbox.owe(Letter.account_locked, user, now, minutes=current_app.config["LOGIN_LOCK_MINUTES"])
        db.session.commit()


def _pretend_to_compare(password):
    """Take as long as a real comparison, so that the time tells nothing (S9)."""
    db.session.rollback()
    check_password_hash(current_app.extensions["fake_password_hash"], password)
