"""People who do what their pages would do, by the same verbs: for the demo's first day and for tests."""

from dataclasses import dataclass, field, fields

from app import queries
from app.clock import now
from app.extensions import db
from app.models import Letter, OutboxMessage, PortalUser
from app.services import certificates, credentials, documents, outbox, registration, routes, signatures
from app.services.registration import Facts
from app.workflow import Role, Side, Status


@dataclass
class Receiver:
    """Who takes part for one more receiving company."""

    recipient: PortalUser
    signer: PortalUser
    approvers: list = field(default_factory=list)
    viewers: list = field(default_factory=list)


@dataclass
class Plan:
    """Who takes part in one document; people by name of their part."""

    registrar: PortalUser
    recipient: PortalUser
    approvers: list = field(default_factory=list)
    signer: PortalUser | None = None
    viewers: list = field(default_factory=list)
    receiver_approvers: list = field(default_factory=list)
    receiver_signer: PortalUser | None = None
    receiver_viewers: list = field(default_factory=list)
    further: list = field(default_factory=list)  # the other receivers of a 3社以上契約, in order: a Receiver each


def secret_mailed(user, *letters):
    """The newest password or PIN on its way to a person, while its letter is still in the outbox."""
    message = db.session.scalars(
        db.select(OutboxMessage)
        .where(OutboxMessage.user_id == user.id, OutboxMessage.letter.in_(letters))
        .order_by(OutboxMessage.id.desc())
    ).first()
    return outbox.secret_of(message)


def choose_password(user, password):
    """First log-in done: the person has a password of their own."""
    credentials.check_policy(password)
    user.password = credentials.password_hash(password)
    user.must_change_password = False
    user.initial_password_until = None


def activate(user, pin, password):
    """証明書有効性確認 of all certificates the person may use."""
    for link in queries.activations_of(user, now()):
        certificates.activate(user, link, pin, password, now())
    db.session.commit()


def register(plan, facts: Facts, upload, comment="", attached=()):
    """契約文書登録 up to 登録確認; committed."""
    choice = routes.Choice(
        plan.approvers, plan.signer if facts.mode.is_signed_by(Side.sender) else None, plan.viewers
    )
    document = registration.register(
        plan.registrar, now(), facts, upload, recipients(plan), choice, comment, attached=attached
    )
    db.session.commit()
    return document


def recipients(plan):
    """受取担当者 of each receiving company, in order."""
    return [plan.recipient, *(receiver.recipient for receiver in plan.further)]


def _choice(document, plan):
    """自社回覧先 that the company whose turn it is would choose at 受取確認."""
    company_id = document.holder.company_id
    for receiver in plan.further:
        if receiver.recipient.company_id == company_id:
            return routes.Choice(receiver.approvers, receiver.signer, receiver.viewers)
    signer = plan.receiver_signer if document.mode.is_signed_by(Side.receiver) else None
    return routes.Choice(plan.receiver_approvers, signer, plan.receiver_viewers)


def correct(document, upload=None, recipient=None, **facts):
    """修正して再送 of a remanded document, to the same recipients if no other is given, with nobody in between; committed."""
    given = {field.name: getattr(document, field.name) for field in fields(Facts)}
    earlier = [person for receiver in document.receivers for person in receiver.people(Role.recipient)]
    registrar, choice = document.registrar, routes.Choice()
    registration.revise(
        document, registrar, now(), Facts(**given | facts), upload, [recipient] if recipient else earlier, choice,
        document.sender.comment,
    )  # fmt: skip
    registration.send(document, registrar, now())
    db.session.commit()


def walk(document, plan, until):
    """Let each holder take their turn, until the document waits in `until`."""
    while document.status is not until:
        step(document, plan)


def step(document, plan):
    """One step by whoever has the turn; committed."""
    holder, status = document.holder, document.status
    if status in (Status.draft, Status.remanded):
        registration.send(document, holder, now())
    elif status in (Status.sender_approval, Status.receiver_approval):
        documents.approve(document, holder, now())
    elif status is Status.receiver_receipt:
        choice = _choice(document, plan)
        documents.confirm_receipt(document, holder, now(), choice=choice, fee_acknowledged=True)
    elif status in (Status.sender_signature, Status.receiver_signature):
        sign(document, holder)
    else:
        raise ValueError(f"nobody has the turn in {status}")
    db.session.commit()


def sign(document, signer):
    """署名 with the password, or the code, from the signer's mail."""
    link = next(link for link in queries.activations_of(signer, now()) if link.activated_at)
    if signer.company.signs_by_code:
        outbox.give_signing_code(signer, document, now())
        secret = secret_mailed(signer, Letter.signing_code)
    else:
        secret = secret_mailed(signer, Letter.signing_password, Letter.signing_password_reissued)
    order = signatures.check(document, signer, link.id, secret, now())
    db.session.commit()
    file = signatures.make(order)
    documents.sign(
        document, signer, now(), file=file, certificate_id=order.certificate_id,
        signing_password_id=order.signing_password_id, signing_code_id=order.signing_code_id, ip_address="127.0.0.1",
    )  # fmt: skip


