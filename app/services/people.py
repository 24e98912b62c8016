"""What an administrator does to the people of a company: registers, changes, unlocks them.

The same verbs serve the operator.  Each notes its line of 操作履歴; the caller commits.
"""

import hashlib
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import and_, inspect, or_, select

from app import queries
from app.errors import AlreadyEnrolled, OutOfTurn, PersonChanged, Refused
from app.extensions import db
from app.labels import LOCK, USER, jst
from app.models import AccountAction, CertificateActivation, Letter, Lock, PortalUser, UserState
from app.queries import role_rows
from app.services import certificates, companies, credentials, delegations, journal, outbox, reassignment

NAMES = ("full_name", "kana", "department", "title")


@dataclass(frozen=True)
class Particulars:
    """What an administrator says about a person."""

    full_name: str
    mail_address: str
    kana: str = ""
    department: str = ""
    title: str = ""
    is_admin: bool = False


def register(company, particulars, actor, now, *, token=None, initial=None):
    """利用者登録: a new person with a 利用者ID and two mails (R26, R27).

    :param token: of the form that was sent; a form makes one person, however often it arrives
    :raises AlreadyEnrolled: this form has made its person before
    """
    companies.hold(company.id)
    refuse_second(token)
    roles = role_rows("Member", "CompanyAdmin") if particulars.is_admin else role_rows("Member")
    user = PortalUser(company=company, enrolment_token=token)
    _fill_in(user, particulars)
    companies.enrol(user, now, roles=roles, initial=initial)
    journal.note(AccountAction.user_enrolled, now, user=user, actor=actor, note=str(user))
    return user


def refuse_second(token):
    """Refuse a form that has already made a person."""
    if token and db.session.scalar(select(PortalUser.id).where(PortalUser.enrolment_token == token)):
        raise AlreadyEnrolled


def version_of(user):
    """What a page about the person was drawn from; an answer to an older one is refused (Q4)."""
    state = [getattr(user, name) for name in (*NAMES, "mail_address", "is_company_admin", "session_epoch")]
    return hashlib.sha256(repr(state).encode()).hexdigest()[:32]


def change(user, particulars, actor, now, *, version):
    """利用者情報変更; giving or taking 管理者権限 ends the person's sessions (I2).

    :param version: :func:`version_of` the person when the form was drawn
    :raises PersonChanged: somebody else has changed the person since
    :raises Refused: a deleted person, a bad name or address, or the last administrator
    """
    companies.hold(user.company_id)
    _hold(user)
    if version != version_of(user):
        raise PersonChanged
    changed = []
    if user.is_company_admin != particulars.is_admin:
        _set_admin(user, particulars.is_admin, now)
        changed.append(f"管理者権限の{'付与' if particulars.is_admin else '取消'}")
    _fill_in(user, particulars)
    note_change(user, actor, now, more=changed)


def note_change(user, actor, now, *, more=()):
    """Check and note what is about to be saved about a person; nothing where nothing differs.

    :raises Refused: a deleted person, or a bad name or address
    """
    _refuse_deleted(user)
    check(user)
    state = inspect(user)
    changed = [USER[name] for name in (*NAMES, "mail_address") if state.attrs[name].history.has_changes()]
    if USER["mail_address"] in changed:
        _tell_address(user, state.attrs.mail_address.history.deleted[0], now)
    if changed or more:
        journal.note(AccountAction.user_changed, now, user=user, actor=actor, note="、".join([*changed, *more]))


def _tell_address(user, earlier, now):
    """Another address gets the person's secrets from now on: the earlier one hears of it, and keys are closed."""
    credentials.forget_mailed_password(user)
    credentials.close_keys(user)
    if earlier:
        outbox.owe(Letter.mail_address_changed, user, now, to_address=earlier, at=jst(now))


def check(user):
    """Refuse names and addresses that cannot be kept; blanks around the names are taken off."""
    for name in NAMES:
        typed = getattr(user, name)
        checked = companies.check_name(typed, USER[name], may_be_empty=name != "full_name")
        if checked != typed:
            setattr(user, name, checked)
    companies.check_mail_address(user.mail_address)


def reset_password(user, actor, now, *, epoch=None):
    """パスワード初期化: a new 初回ログインパスワード by mail; the person's sessions end (I3).

    :param epoch: `session_epoch` the page was drawn with, so that a second click sends no second mail
    """
    _hold(user)
    if epoch is not None and epoch != user.session_epoch:
        raise PersonChanged
    credentials.reset_password(user, now, actor)


def unlock(user, actor, now):
    """ロック解除: all tries at the log-in password, the PINs and the 署名用パスワード are there again (I3)."""
    _hold(user)
    locked = locks(user, now)
    if not locked:
        raise Refused("この利用者は、ロックされていません。")
    certificates.unlock(user)
    user.login_failures, user.locked_until = 0, None
    words = "、".join(LOCK[lock] for lock in locked)
    journal.note(AccountAction.unlocked, now, user=user, actor=actor, note=words)
    outbox.owe(Letter.account_unlocked, user, now, user_code=user.user_code, unlocked=words)


def delete(user, actor, now, *, replacement=None):
    """利用者削除: the person can do nothing any more; what they did keeps their name （削除済） (I2, B5).

    :param actor: another administrator of the company
    :param replacement: the colleague who takes over every open document
    :raises Refused: the last administrator, oneself, or open documents and nobody who takes them over
    :raises OutOfTurn: deleted already
    """
    if user.id == actor.id:
        raise Refused("ご自身の利用者IDは削除できません。ほかの管理者に削除をご依頼ください。")
    companies.keep_an_administrator(user)
    db.session.refresh(user, with_for_update={"of": PortalUser})  # waits for whoever puts the person on a route
    if user.deleted_at is not None:
        raise OutOfTurn("この利用者IDはすでに削除されています。")
    held = queries.documents_held_by(user)
    if held and replacement is None:
        raise Refused(
            f"「{user.full_name}」様が担当する、処理中の契約文書が{len(held)}件あるため、削除できません。"
            "新しい担当者を指定してください。"
        )
    user.deleted_at, user.active = now, False
    credentials.end_sessions(user, now)
    credentials.close_keys(user)
    delegations.end_all_with(user, actor, now)
    for document in held:
        reassignment.reassign(document, actor, user, replacement, now)
    journal.note(AccountAction.user_deleted, now, user=user, actor=actor)


def locks(user, now):
    """What wrong tries have locked for this person."""
    limit = current_app.config["SECRET_TRIES"]
    found = []
    if user.locked_until is not None and now < user.locked_until:
        found.append(Lock.log_in)
    if any(activation.pin_failures >= limit for activation in user.activations):
        found.append(Lock.pin)
    if user.signing_failures >= limit:
        found.append(Lock.signing)
    return found


def state(user, now):
    """利用者の状態 (I2)."""
    if not user.is_selectable:
        return UserState.deleted
    return UserState.locked if locks(user, now) else UserState.active


def in_state(wanted, now):
    """:func:`state`, for the database."""
    limit = current_app.config["SECRET_TRIES"]
    is_there = and_(PortalUser.deleted_at.is_(None), PortalUser.active.is_(True))
    is_locked = or_(
        and_(PortalUser.locked_until.is_not(None), PortalUser.locked_until > now),
        PortalUser.signing_failures >= limit,
        PortalUser.activations.any(CertificateActivation.pin_failures >= limit),
    )
    return {
        UserState.active: and_(is_there, ~is_locked),
        UserState.locked: and_(is_there, is_locked),
        UserState.deleted: ~is_there,
    }[wanted]


def _fill_in(user, particulars):
    for name in (*NAMES, "mail_address"):
        setattr(user, name, getattr(particulars, name))
    check(user)


def _set_admin(user, is_admin, now):
    if is_admin:
        user.roles.extend(role_rows("CompanyAdmin"))
    else:
        companies.keep_an_administrator(user)
        user.roles = [role for role in user.roles if role.name != "CompanyAdmin"]
    credentials.end_sessions(user, now)


def _hold(user):
    """The person as they are now, held until the commit; nobody does anything to those deleted."""
    db.session.refresh(user, with_for_update={"of": PortalUser})
    _refuse_deleted(user)


def _refuse_deleted(user):
    if not user.is_selectable:
        raise Refused("削除済みの利用者のため、この操作は行えません。")
