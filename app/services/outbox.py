"""Letters that are owed: written with the step that owes them, posted later by a job.

A verb never mails.  It adds rows here in its own transaction, so that a step and its letters are
saved together or not at all; the job claims a row, posts it and marks it.  A crash between posting
and marking sends a letter twice, with the same Message-ID, and loses none.
"""

import datetime as dt
import uuid

from flask import current_app
from sqlalchemy import delete, select, update

from app.clock import JAPAN, end_of_japan_day
from app.extensions import db, writing
from app.labels import ACTION, ROLE, SIDE, day, mode_of, status_of
from app.models import AccountAction, Letter, OutboxMessage, PortalUser
from app.queries import deputy_of, everyone_involved, signer_ids
from app.services import journal, signing_codes, signing_passwords
from app.services.strongroom import Sealed, strongroom
from app.workflow import Action, Role, Side, Status

LEASE = dt.timedelta(minutes=5)  # how long a claimed letter is left alone, and the pause between tries

REQUESTS = {
    Status.sender_approval: Letter.approval_request,
    Status.receiver_approval: Letter.approval_request,
    Status.sender_signature: Letter.signature_request,
    Status.receiver_signature: Letter.signature_request,
    Status.receiver_receipt: Letter.receipt_request,
}


def owe(letter, user, now, *, document=None, to_address=None, secret=None, expires_at=None, **facts):
    """Add one letter to a person; the caller commits.

    :param user: None where there is no 利用者ID yet: then `to_address`, `person` and `company` are given
    :param to_address: where it goes, when not to the address registered with the 利用者ID (R106)
    :param secret: a password or PIN; sealed in the row, erased when the letter is sent or expires
    :param facts: what its template shows, as they are now; nothing secret
    """
    message_id = new_message_id()
    if document is not None:
        facts = {"number": document.number, "title": document.title} | facts
    if user is not None:
        facts |= {"person": user.full_name, "company": user.company.name if user.company else ""}
    message = OutboxMessage(
        letter=letter, to_address=to_address or user.mail_address, user=user,
        document_id=document.id if document is not None else None,
        facts=facts, message_id=message_id, created_at=now, due_at=now, expires_at=expires_at,
    )  # fmt: skip
    if secret is not None:
        message.sealed_secret = strongroom().keyring.seal(secret.encode(), _context(message_id))
    db.session.add(message)
    return message


def new_message_id():
    return f"{uuid.uuid4()}@{current_app.config['MAIL_DOMAIN']}"


def secret_of(message):
    """The password or PIN of a letter, opened only while it is composed; None where there is none."""
    if message.sealed_secret is None:
        return None
    return strongroom().keyring.open(message.sealed_secret, _context(message.message_id)).decode()


def _context(message_id):
    return f"outbox:{message_id}".encode()


SEALED = (Sealed(OutboxMessage.sealed_secret, lambda message: _context(message.message_id)),)


def tell(event):
    """Owe the letters of one step: to the next holder, to the registrar, on the end to everyone."""
    document, now = event.document, event.at
    if event.action in (Action.approve, Action.sign, Action.confirm_receipt):
        _tell_progress(event)
    if event.new_status is Status.remanded:
        _tell_remand(event)
    elif event.action is Action.return_inside:
        _tell_return(event)
    elif event.new_status is Status.completion_wait and event.old_status is not Status.completion_wait:
        for person in everyone_involved(document):
            if person.is_selectable:
                owe(
                    Letter.completed, person, now, document=document, mode=document.mode.value,
                    mode_label=mode_of(document), **_parties(document),
                )  # fmt: skip
    elif event.new_status in REQUESTS:
        _tell_holder(document, event.new_status, now)


def tell_again(document, now):
    """リマインド: the request of the turn once more; a signing password only if it is the day's first (T18)."""
    _tell_holder(document, document.status, now, is_reminder=True)


def _tell_holder(document, status, now, **facts):
    """The request to who has the turn, and to the deputy of that person (代理)."""
    for person, in_place in _asked(document.turn.user):
        owe(
            REQUESTS[status], person, now, document=document,
            side=document.turn.party.side.value, deadline=day(document.deadline),
            **_parties(document), **_message(document, status), **in_place, **facts,
        )  # fmt: skip
        must_sign = REQUESTS[status] is Letter.signature_request and not person.company.signs_by_code
        if must_sign and (not in_place or signer_ids([person.id], now)):  # a deputy may have no certificate
            give_signing_password(person, now)


def _asked(person):
    """The person and the deputy, each with the facts that say in whose place they are asked."""
    deputy = deputy_of(person)
    return [(person, {})] + ([(deputy, {"on_behalf_of": person.full_name})] if deputy is not None else [])


def give_signing_password(signer, now):
    """The day's one automatic 署名用パスワード, if the signer has had none today (R74, D7)."""
    issued = signing_passwords.issue_automatically(signer, now)
    if issued is not None:
        _owe_signing_password(Letter.signing_password, signer, issued, now)


def give_signing_password_again(signer, now):
    """署名用パスワード再発行: a new one by mail; every earlier one is void (R77, D7)."""
    issued = signing_passwords.reissue(signer, now)
    journal.note(AccountAction.signing_password_reissued, now, user=signer, actor=signer)
    _owe_signing_password(Letter.signing_password_reissued, signer, issued, now)


def give_signing_code(signer, document, now):
    """署名用コードを送信: a code that signs this document once, within minutes (S19)."""
    issued = signing_codes.issue(signer, document, now)
    owe(
        Letter.signing_code, signer, now, document=document, secret=issued.secret,
        expires_at=issued.expires_at, valid_until=issued.expires_at.astimezone(JAPAN).strftime("%H:%M"),
    )  # fmt: skip
    journal.note(AccountAction.signing_code_sent, now, user=signer, actor=signer, note=document.number)


def _owe_signing_password(letter, signer, issued, now):
    owe(
        letter, signer, now, secret=issued.secret,
        expires_at=end_of_japan_day(issued.last_day), last_day=issued.last_day.strftime("%Y/%m/%d"),
    )  # fmt: skip


def _tell_progress(event):
    """処理状況 to the registrar: which company did what; persons of the other company stay unnamed (R48)."""
    owe(
        Letter.progress, event.document.registrar, event.at, document=event.document,
        done=f"{SIDE[event.side]}（{event.company.name}）の{ACTION[event.action]}",
        status_label=status_of(event.document), **_parties(event.document),
    )  # fmt: skip


def _tell_return(event):
    """社内差戻: to the own 受取担当者, and nobody else; the other companies do not know of it."""
    document = event.document
    by = f"{event.actor.full_name}様" + (f"（{event.on_behalf_of.full_name}様の代理）" if event.on_behalf_of else "")
    for person, in_place in _asked(document.turn.user):
        owe(
            Letter.returned_inside, person, event.at, document=document, by=by, reason=event.reason,
            deadline=day(document.deadline), **_parties(document), **in_place,
        )  # fmt: skip


def _tell_remand(event):
    document = event.document
    acted = [
        person for step in document.route for person in (step.user, step.deputy)
        if person and step.party.side is Side.sender and step.outcome in (Action.approve, Action.sign)
    ]  # fmt: skip
    told = {user.id: user for user in [document.registrar, *acted] if user.is_selectable}
    for person in told.values():
        owe(
            Letter.remanded, person, event.at, document=document, reason=event.reason,
            by=f"{SIDE[event.side]}（{event.company.name}）", is_registrar=person.id == document.registrar_id,
            **_parties(document),
        )  # fmt: skip
    _tell_other_receivers(event)


def _tell_other_receivers(event):
    """In a 3社以上契約: whoever acted for another receiver hears that it is void; by whom and why stays the sender's."""
    acted = [
        person for step in event.document.route for person in (step.user, step.deputy)
        if person and step.party.side is Side.receiver and step.party.company is not event.company and step.outcome
    ]  # fmt: skip
    for person in {user.id: user for user in acted if user.is_selectable}.values():
        owe(Letter.remanded, person, event.at, document=event.document, is_void=True, **_parties(event.document))


def tell_withdrawal(event, told):
    """取下げ: whoever had been told of the document hears that it is over (T12).

    Who no longer sees it is told of it as it was when they last heard of it: what the registrar changed
    after a 差戻 has left the own company for nobody.
    """
    document = event.document
    on_route = {user_id for step in document.sender.steps for user_id in (step.user_id, step.deputy_id)}
    for person in told:
        sees = person.id in on_route
        owe(
            Letter.withdrawn, person, event.at, document=document, reason=event.reason, sees=sees,
            by=f"{SIDE[Side.sender]}（{document.sender.company.name}）",
            **(_parties(document) if sees else _as_last_told(document, person)),
        )  # fmt: skip


def _as_last_told(document, person):
    """What the person's last request said; of who was a deputy and asked by none, that of the own company's.

    Where the data of everybody who was asked are erased, nobody can say what it said: the number has to do.
    """
    is_own = OutboxMessage.user_id == person.id
    facts = db.session.scalar(
        select(OutboxMessage.facts)
        .join(PortalUser, PortalUser.id == OutboxMessage.user_id)
        .where(
            OutboxMessage.document_id == document.id, PortalUser.company_id == person.company_id,
            OutboxMessage.letter.in_(REQUESTS.values()), OutboxMessage.to_address != "",
        )
        .order_by(is_own.desc(), OutboxMessage.id.desc())
        .limit(1)
    )  # fmt: skip
    if facts is None:
        return {"title": "－", "sender": document.sender.company.name, "receivers": ["－"]}
    return {name: facts[name] for name in ("title", "sender", "receivers")}


def forget(document):
    """A draft is deleted: its letters not posted yet go with it, the others no longer name it (T13)."""
    of_it = OutboxMessage.document_id == document.id
    db.session.execute(delete(OutboxMessage).where(of_it, OutboxMessage.due_at.is_not(None)))
    db.session.execute(update(OutboxMessage).where(of_it).values(document_id=None))


def tell_deadline(document, days_left, now):
    """署名期限: a word to who has the turn, and to the registrar, before and after the day."""
    asked = _asked(document.holder) if document.turn is not None else [(document.holder, {})]
    is_told = {person.id for person, _ in asked}
    told = [*asked, *([] if document.registrar_id in is_told else [(document.registrar, {})])]
    for person, in_place in told:
        if person.is_selectable:
            owe(
                Letter.deadline, person, now, document=document, days_left=days_left, deadline=day(document.deadline),
                is_holder=person.id in is_told, status_label=status_of(document), **_parties(document), **in_place,
            )  # fmt: skip


def tell_reassignment(document, replaced, replacement, roles, now, *, has_turn):
    """担当者変更: the request to who has the turn now, and a word to who lost a task or became registrar (T17)."""
    if has_turn and document.status in REQUESTS:
        _tell_holder(document, document.status, now)
    told = [replaced, replacement] if Role.registrar in roles else [replaced]
    for person in told:
        if person.is_selectable:
            owe(
                Letter.turn_reassigned, person, now, document=document, is_new=person is replacement,
                roles=[ROLE[role] for role in roles], **_parties(document),
            )  # fmt: skip


def _parties(document):
    return {
        "sender": document.sender.company.name,
        "receivers": [party.company.name for party in document.receivers],
    }


def _message(document, status):
    return {"message": document.message} if status is Status.receiver_receipt else {}


# -- posting ------------------------------------------------------------------


def due(now):
    """Ids of the letters to post at `now`, oldest first."""
    return db.session.scalars(
        select(OutboxMessage.id).where(OutboxMessage.due_at <= now).order_by(OutboxMessage.id)
    ).all()


def claim(message_id, now):
    """Take a letter for posting, and commit; None when somebody else has it or it is done."""
    with writing():
        claimed = db.session.execute(
            update(OutboxMessage)
            .where(OutboxMessage.id == message_id, OutboxMessage.due_at <= now)
            .values(due_at=now + LEASE, attempts=OutboxMessage.attempts + 1)
            .execution_options(synchronize_session=False)
        ).rowcount
        db.session.commit()
    if not claimed:
        return None
    message = db.session.get(OutboxMessage, message_id)
    if message.expires_at is not None and message.expires_at <= now:
        give_up(message, "有効期限が切れたため送信しませんでした。")
        return None
    return message


def mark_sent(message, now):
    """The letter is out: nothing is due any more, and its secret is gone.  Commits."""
    message.sent_at = now
    _close(message)


def give_up(message, failure):
    """The letter will never go out; an operator sees why.  Commits."""
    message.failure = failure[:255]
    _close(message)


def postpone(message, failure):
    """The server refused for now; the letter is due again when its lease runs out.  Commits."""
    message.failure = failure[:255]
    db.session.commit()


def _close(message):
    message.due_at = None
    message.sealed_secret = None
    db.session.commit()


def is_stuck(now, minutes):
    """Whether a letter has been due for longer than `minutes`."""
    return bool(
        db.session.scalar(
            select(OutboxMessage.id)
            .where(
                OutboxMessage.due_at.is_not(None),
                OutboxMessage.created_at < now - dt.timedelta(minutes=minutes),
            )
            .limit(1)
        )
    )
