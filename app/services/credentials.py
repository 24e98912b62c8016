"""Log-in passwords: the manual's policy, the first one by mail, the lock after wrong tries.

A forgotten password is replaced by one that is mailed (再発行パスワード) and, for an hour, good beside the
person's own: whoever only knows the 利用者ID and the address takes nothing away by asking for it.
"""

import datetime as dt
import secrets
import string
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

from flask import current_app
from sqlalchemy import case, func, literal, select, update
from werkzeug.security import check_password_hash, generate_password_hash

from app.clock import japan_date
from app.errors import Refused, SecretRefused
from app.extensions import db, writing
from app.labels import jst
from app.models import AccountAction, AccountEvent, Letter, PortalUser
from app.queries import as_code
from app.services import journal, login_sessions, outbox
from app.services.strongroom import strongroom

SYMBOLS = "!#$%&'-_"
MIN_LENGTH = 8
NOBODY = 0  # no row's id: what is done with it takes its time and changes nothing (S9)
HISTORY = 3  # so many passwords before the current one are refused (I17)
MAILED_PASSWORD_VALID = dt.timedelta(hours=1)
MAILED_PASSWORDS_PER_HOUR = 3  # to one person
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
    _remember(user)
    user.password = made.hashed
    user.must_change_password = True
    user.initial_password_until = now + dt.timedelta(days=current_app.config["INITIAL_PASSWORD_VALID_DAYS"])
    user.login_failures, user.locked_until = 0, None
    forget_mailed_password(user)
    close_keys(user)
    end_sessions(user, now)
    outbox.owe(
        Letter.initial_password, user, now, to_address=to_address, secret=made.password,
        expires_at=user.initial_password_until, until=japan_date(user.initial_password_until).strftime("%Y/%m/%d"),
    )  # fmt: skip


def reset_password(user, now, actor):
    """パスワード初期化 by an administrator or operator."""
    give_initial_password(user, now)
    journal.note(AccountAction.password_reset, now, user=user, actor=actor)


def mail_forgotten_password(user_code, address, now):
    """［パスワードをお忘れの方］: mail a 再発行パスワード where 利用者ID and registered address belong together.

    The caller answers alike whatever comes of it; each way costs one slow hash and leaves one line in the
    操作履歴, that of an unknown pair without a name (S9).
    """
    user = _find(user_code)
    user_id = user.id if user and _same_address(user.mail_address, address) else NOBODY
    _pretend_to_compare(address)
    user = hold(user_id)
    asked = select(func.count()).where(
        AccountEvent.user_id == user_id, AccountEvent.action == AccountAction.password_forgotten,
        AccountEvent.at > now - dt.timedelta(hours=1),
    )  # fmt: skip
    if db.session.scalar(asked) >= MAILED_PASSWORDS_PER_HOUR:
        return
    journal.note(AccountAction.password_forgotten, now, user=user)
    if user is None:
        return
    password = _random_password()
    user.mailed_password_mac = strongroom().keyring.mac(password.encode(), _mailed_context(user_id))
    user.mailed_password_until = now + MAILED_PASSWORD_VALID
    outbox.owe(
        Letter.password_forgotten, user, now, secret=password, expires_at=user.mailed_password_until,
        until=jst(user.mailed_password_until),
    )  # fmt: skip


def _same_address(registered, typed):
    return registered.strip().casefold() == typed.strip().casefold()


def _is_mailed_password(user, password, now):
    """Whether this is the 再発行パスワード; too long to be guessed, so that no try is counted."""
    if user.mailed_password_mac is None or now >= user.mailed_password_until:
        return False
    return strongroom().keyring.mac_matches(user.mailed_password_mac, password.encode(), _mailed_context(user.id))


def _mailed_context(user_id):
    return f"mailed-password:{user_id}".encode()


def forget_mailed_password(user):
    user.mailed_password_mac = user.mailed_password_until = None


def close_keys(user):
    """Undo 証明書有効性確認: whoever gets the person's mails from now on cannot sign without the PIN (L2)."""
    for link in user.activations:
        link.sealed_key = link.activated_at = None


def _remember(user):
    """Keep the password that is about to be replaced, if the person chose it."""
    if user.password and user.initial_password_until is None:
        user.earlier_passwords = [user.password, *(user.earlier_passwords or [])][:HISTORY]


def _random_password():
    readable = "abcdefghijkmnpqrstuvwxyz"
    characters = [secrets.choice(readable + "23456789") for _ in range(9)]
    characters += [secrets.choice(readable), secrets.choice("23456789"), secrets.choice("!#$%&-_")]
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


@dataclass(frozen=True)
class Passed:
    """A person who has given the right password, and is not logged in yet."""

    user: PortalUser
    by_mailed_password: bool


def log_in(user_code, password, now):
    """Who these belong to; every refusal reads alike, whether or not such an ID exists (S9).

    The right password gives back the try that it took; :func:`let_in` gives back all of them.

    :raises SecretRefused: unknown, wrong, locked, deleted; or right, but an initial password too old
    """
    user = _find(user_code)
    password = normalise(password)
    if user is not None and _is_mailed_password(user, password, now):
        return Passed(user, by_mailed_password=True)
    user_id, stored = (user.id, user.password) if user else (NOBODY, "")
    tries = take_try(user_id, now)
    if tries is None:
        _pretend_to_compare(password)
        note_refused(user_id, now, "ロック中" if user_id else "")
        raise _wrong()
    is_right = check_password_hash(stored, password)  # slow, and in no transaction
    user = hold(user_id)
    if not is_right or user.password != stored:  # or changed while it was compared
        note_refused(user_id, now, tries=tries)
        raise _wrong()
    if user.must_change_password and user.initial_password_until and now >= user.initial_password_until:
        note_refused(user_id, now, "初回ログインパスワードの有効期限切れ")
        raise SecretRefused(
            "初回ログインパスワードの有効期限が切れています。貴社の管理者またはお問い合わせ窓口に、パスワードの初期化をご依頼ください。"
        )
    user.login_failures, user.locked_until = max(0, user.login_failures - 1), None
    return Passed(user, by_mailed_password=False)


def let_in(user, now, browser="", *, by_mailed_password=False):
    """The person has shown all that is asked for: a new session; all tries are there again.

    :param by_mailed_password: a password of the own choice must follow at once, as after the first log-in
    """
    user = hold(user.id)
    user.login_failures, user.locked_until = 0, None
    user.last_login = now.replace(tzinfo=None)
    user.login_count = (user.login_count or 0) + 1
    if by_mailed_password:
        user.must_change_password = True
        user.mailed_password_until = now + MAILED_PASSWORD_VALID  # to be typed once more as the current one
    else:
        forget_mailed_password(user)
    journal.note(AccountAction.log_in, now, user=user, actor=user)
    return login_sessions.begin(user, now, browser)


def is_own_password(user, password, now):
    """Whether `password` is the person's log-in password; wrong guesses count as log-in tries.  Commits.

    The right one gives back its own try only: it must not buy guesses at a second factor.

    :raises SecretRefused: the 利用者ID is locked, so that no password is looked at
    """
    password = normalise(password)
    if _is_mailed_password(user, password, now):
        return True
    user_id, stored = user.id, user.password
    tries = take_try(user_id, now)
    if tries is None:
        raise SecretRefused(locked_sentence())
    is_right = check_password_hash(stored, password)  # slow, and in no transaction
    user = db.session.get(PortalUser, user_id)
    if is_right:
        user.login_failures, user.locked_until = max(0, user.login_failures - 1), None
        db.session.commit()  # a refusal further on is no wrong guess, and must not count as one
        return True
    tell_if_locked(user, tries, now)
    return False


def check_own_password(user, password, now):
    """Ask for the log-in password once more, before something grave; see :func:`is_own_password`.

    :raises SecretRefused: it is wrong, or the 利用者ID is locked
    """
    if not is_own_password(user, password, now):
        raise SecretRefused("パスワードが正しくありません。ログイン時のパスワードを入力してください。")


def change_password(user, current, new, repeated, now):
    """［パスワード変更］: a new password of the person's own choice; all earlier sessions end (R30, S10).

    :raises SecretRefused: the current password is wrong
    :raises Refused: the new one breaks the policy, was used before, or the two do not agree
    """
    user_id, stored, earlier = user.id, user.password, user.earlier_passwords  # those that `current` is compared with
    if not is_own_password(user, current, now):
        raise SecretRefused("現在のパスワードが正しくありません。")
    new, repeated = normalise(new), normalise(repeated)
    if new != repeated:
        raise Refused("新しいパスワードと、新しいパスワード(確認)が一致しません。")
    check_policy(new)
    db.session.rollback()  # hashes are slow, and nobody waits for them
    if new == normalise(current) or check_password_hash(stored, new):
        raise Refused("現在のパスワードと異なるパスワードを入力してください。")
    if any(check_password_hash(hashed, new) for hashed in earlier[:HISTORY]):
        raise Refused(f"過去{HISTORY}回までに使用したパスワードは使用できません。別のパスワードを入力してください。")
    hashed = password_hash(new)
    user = hold(user_id)
    if user.password != stored:
        raise Refused("パスワードは、ほかの画面ですでに変更されています。新しいパスワードでログインし直してください。")
    _remember(user)
    user.password = hashed
    user.must_change_password = False
    user.initial_password_until = None
    forget_mailed_password(user)
    end_sessions(user, now)
    outbox.owe(Letter.password_changed, user, now, at=jst(now))
    journal.note(AccountAction.password_changed, now, user=user, actor=user)


def end_sessions(user, now):
    """Make every session cookie of the person worthless from now on."""
    user.session_epoch = (user.session_epoch or 0) + 1
    login_sessions.end_all(user, now)


def _find(user_code):
    user = db.session.scalar(select(PortalUser).where(PortalUser.username == as_code(user_code)))
    return user if user is not None and user.is_selectable else None


def hold(user_id):
    """The person as they are now, and unchanged by anybody else until the transaction ends."""
    return db.session.get(PortalUser, user_id, with_for_update={"of": PortalUser}, populate_existing=True)


def _wrong():
    config = current_app.config
    return SecretRefused(WRONG.format(limit=config["LOGIN_TRIES"], minutes=config["LOGIN_LOCK_MINUTES"]))


def take_try(user_id, now):
    """Count one try at the password or the second factor, and commit.  The last one locks at once, whatever
    comes of it; a lock that has run out starts anew.

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


def note_refused(user_id, now, note="", *, tries=0):
    """Write down a log-in that was refused, and what follows from its being the last try.  Commits.

    An unknown 利用者ID leaves a line as well, without what was typed: no answer comes quicker than another (S9),
    and the operator sees that somebody tries.
    """
    db.session.rollback()
    with writing():
        user = db.session.get(PortalUser, user_id)
        journal.note(AccountAction.log_in_refused, now, user=user, note=note)
        _lock(user, tries, now)
        db.session.commit()


def tell_if_locked(user, tries, now):
    """After the last wrong try of a person who is logged in.  Commits."""
    with writing():
        _lock(user, tries, now)
        db.session.commit()


def _lock(user, tries, now):
    if tries >= current_app.config["LOGIN_TRIES"]:
        outbox.owe(Letter.account_locked, user, now, minutes=current_app.config["LOGIN_LOCK_MINUTES"])
        journal.note(AccountAction.locked, now, user=user)


def locked_sentence():
    minutes = current_app.config["LOGIN_LOCK_MINUTES"]
    return f"誤った入力が続いたため、確認を停止しています。{minutes}分ほど待ってから、もう一度お試しください。"


def _pretend_to_compare(password):
    """Take as long as a real comparison, so that the time tells nothing (S9)."""
    db.session.rollback()
    check_password_hash(current_app.extensions["fake_password_hash"], password)
