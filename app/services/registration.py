"""契約文書登録: a document from its first draft to its sending, and again after a 差戻."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from app.clock import japan_date
from app.errors import AlreadyRegistered, OutOfTurn, Refused
from app.extensions import db
from app.models import AccountAction, ContractDocument, DocumentKind, DocumentParty
from app.services import (
    attachments,
    drafts,
    editions,
    files,
    journal,
    outbox,
    positions,
    recipients,
    routes,
    steps,
)
from app.services.numbers import next_number
from app.services.recipients import WRONG_RECIPIENT
from app.workflow import DELETABLE, WITH_REGISTRAR, Action, Role, Side, SignatureMode, Status

PAST_DEADLINE = "署名期限を過ぎています。本日以降の日付に修正するか、空欄にしてください。"


@dataclass(frozen=True)
class Facts:
    """契約文書情報 as the registrar typed it (I4)."""

    title: str
    kind: DocumentKind
    mode: SignatureMode
    conclusion_date: dt.date | None = None
    amount_yen: int | None = None
    term_from: dt.date | None = None
    term_to: dt.date | None = None
    renews_itself: bool = False
    deadline: dt.date | None = None
    partner_number: str = ""
    message: str = ""
    is_construction: bool = False  # 建設業法第19条 (L14)
    is_disclosure: bool = False  # 取適法第4条 (L19)
    article_19: tuple = ()  # keys of app.construction_law.ARTICLE_19_ITEMS (L15)
    original: ContractDocument | None = None


def register(registrar, now, facts, upload, receivers, choice, comment="", *, token=None, attached=()):
    """契約文書登録: a new draft with its 文書管理番号 (T1).

    :param receivers: the 受取担当者 of each receiving company, in the order of their turns
    :param attached: :class:`app.services.attachments.KeptFile` that go along
    :param token: of the form that was sent; a form makes one document, however often it arrives (Q3)
    """
    token = token or str(uuid.uuid4())
    if db.session.scalar(select(ContractDocument.id).where(ContractDocument.registration_token == token)):
        raise AlreadyRegistered
    steps.check_active(registrar.company)
    routes.hold([registrar])
    if not registrar.is_selectable:
        raise OutOfTurn("ご利用の利用者IDは削除されたため、登録できません。貴社の管理者にご確認ください。")
    document = ContractDocument(
        registration_token=token, created_at=now, registrar=registrar, holder=registrar,
        status=Status.draft, pdf_sha256="", unsigned_sha256="", file_name="", page_count=0,
    )  # fmt: skip
    db.session.add(document)
    with db.session.no_autoflush:
        _fill_in(document, now, facts, upload, receivers, choice, comment)
        document.number = next_number("document")  # last, for whoever registers next waits for it
    db.session.flush()
    attachments.lay(document, attached, now)
    steps.record(Action.register, document, registrar, now, old_status=None)
    drafts.done(registrar, drafts.NEW, token)
    return document


def revise(document, registrar, now, facts, upload, receivers, choice, comment="", *, attached=None):
    """Correct a draft or a remanded document before it is sent (T11).

    :param upload: None keeps the file
    :param attached: what goes along; None keeps what there is
    :returns: the parties whose 署名位置 does not suit the document any more and is the default one again
    """
    steps.hold(document, registrar)
    if document.status not in WITH_REGISTRAR:
        raise OutOfTurn
    with db.session.no_autoflush:
        fallen = _fill_in(document, now, facts, upload, receivers, choice, comment)
        if attached is not None:
            attachments.lay(document, attached, now)
    flag_modified(document, "status")
    drafts.done(registrar, document.id, None)
    return fallen


def _fill_in(document, now, facts, upload, receivers, choice, comment):
    recipients.check(receivers, facts.mode)
    _check_deadline(facts.deadline, now)
    if facts.deadline != document.deadline:
        document.deadline_told_days = None
    for name, value in vars(facts).items():
        setattr(document, name, value)
    document.article_19 = list(facts.article_19) if facts.is_construction else []
    if upload is not None:
        document.file_name, document.page_count = upload.file_name, upload.page_count
        document.unsigned_sha256 = upload.sha256
    places = positions.keep(document)
    _set_parties(document, receivers, choice, comment)
    fallen = positions.restore(document, places)
    files.lay_fields(document, now)
    return fallen


def _check_deadline(deadline, now):
    if deadline is not None and deadline < japan_date(now):
        raise Refused(PAST_DEADLINE)


def _set_parties(document, receivers, choice, comment):
    """Lay all companies' parts anew: of an earlier round nothing of the receivers stays but their comments and 案件 (T11, I12)."""
    registrar = document.registrar
    kept = {party.company_id: (party.comment, party.case_id) for party in document.parties}
    document.route.clear()
    document.parties.clear()
    if document.id is not None:
        db.session.flush()
    for position, (side, company, first, role) in enumerate((
        (Side.sender, registrar.company, registrar, Role.registrar),
        *((Side.receiver, recipient.company, recipient, Role.recipient) for recipient in receivers),
    )):  # fmt: skip
        kept_comment, case_id = kept.get(company.id, ("", None))
        party = DocumentParty(
            document=document, position=position, side=side, company=company, is_open=side is Side.sender,
            comment=comment if side is Side.sender else kept_comment,
            case_id=case_id,
            field_name=_field_name(document.mode, side, position),
        )  # fmt: skip
        document.route.append(routes.step_for(party, role, first))
    routes.lay(document.sender, choice)


def _field_name(mode, side, position):
    if not mode.is_signed_by(side):
        return None
    return "sender" if side is Side.sender else f"receiver-{position}"


def send(document, actor, now):
    """発信: the document leaves its registrar for the first turn of the route (T2)."""
    step = steps.open_step(Action.send, document, actor, now)
    _check_deadline(document.deadline, now)
    routes.hold([step_of_route.user for step_of_route in document.route])
    for receiver in document.receivers:
        recipients.charge_of(document.sender.company, receiver.company)
    for party in document.parties:
        party.plan_at_sending = party.company.plan.kind
    for step_of_route in list(document.route):
        if step_of_route.party is not document.sender and step_of_route.role is not Role.recipient:
            document.route.remove(step_of_route)  # receivers set their route anew each time (T11)
        step_of_route.closed_at = step_of_route.outcome = None
    db.session.flush()
    _check_people(document)
    document.revision += 1
    document.sent_at = now
    editions.keep(document, now)
    drafts.forget(document)
    return steps.take(step, document, actor, now)


def _check_people(document):
    """Refuse to send along a route that cannot be walked (G_users, G_route)."""
    for step in document.route:
        if step.user.is_selectable:
            continue
        if step.role is Role.recipient:
            raise Refused(WRONG_RECIPIENT)
        raise Refused(
            f"回覧先の利用者「{step.user.full_name}」は利用できなくなりました。登録内容を修正してください。"
        )
    sender = document.sender
    if bool(sender.people(Role.signer)) != document.mode.is_signed_by(Side.sender):
        raise Refused("署名区分と自社回覧先の署名者が合っていません。登録内容を修正してください。")


def may_delete(document, actor):
    """Whether the person may delete the document: a draft that was never sent, by its registrar."""
    return document.status in DELETABLE and actor.id == document.registrar_id


def delete(document, actor, now):
    """削除: a draft goes with all its rows (T13); its number is not given again, its file stays in the store."""
    if not may_delete(document, actor):
        raise OutOfTurn
    journal.note(AccountAction.draft_deleted, now, actor=actor, note=document.number)
    outbox.forget(document)
    drafts.forget(document)
    for row in (*document.events, *document.revisions, document):
        db.session.delete(row)
