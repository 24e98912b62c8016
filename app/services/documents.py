"""What the holder of the turn does to a contract document.

A verb takes the document, who acts and when; it changes rows and leaves the commit to its
caller, so that the step, its event and its letters are saved together or not at all.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from flask import current_app
from sqlalchemy import exists, or_, select, update
from sqlalchemy.orm.attributes import flag_modified

from app.clock import JAPAN, end_of_japan_day, japan_date, years_later
from app.errors import AlreadyRegistered, OutOfTurn, Refused
from app.extensions import db
from app.labels import ROLE, jst
from app.models import (
    AccountAction,
    CompanyStatus,
    ContractDocument,
    DocumentEvent,
    DocumentKind,
    DocumentParty,
    DocumentRevision,
    DocumentSignature,
    Level,
    PortalUser,
    RouteStep,
)
from app.plans import charge, must_acknowledge_fee
from app.queries import as_code, company_by_code, everyone_told, people_by_code, signer_ids
from app.services import certificates, journal, outbox, routes, signing_codes
from app.services.numbers import next_number
from app.services.strongroom import strongroom
from app.signing.fields import FieldSpec, place_fields
from app.signing.intake import Limits, receive
from app.workflow import (
    CONCLUDED,
    DELETABLE,
    HIDDEN_FROM_RECEIVERS,
    IN_ARCHIVE,
    REMINDABLE,
    WITH_REGISTRAR,
    Action,
    By,
    Role,
    Side,
    SignatureMode,
    Status,
    actions_in,
    arrive,
    find_step,
)

WRONG_RECIPIENT = "指定された企業IDまたは利用者IDが正しくありません。取引先にご確認のうえ、入力し直してください。"
MOST_COMMENT = 2000  # characters
MOST_REASON = 1000  # characters
PAST_DEADLINE = "署名期限を過ぎています。本日以降の日付に修正するか、空欄にしてください。"
FEE_WARNING = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、確定ボタンを押してください。"
FEE_DIALOG = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、OKボタンを押してください。"


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


@dataclass(frozen=True)
class Upload:
    """An accepted and normalised PDF, stored."""

    file_name: str
    sha256: str
    page_count: int


@dataclass(frozen=True)
class SignedFile:
    """A revision that signing or archiving produced outside any transaction, stored already."""

    sha256: str
    made_from: str
    size_bytes: int
    level: Level


def take_in(file_name, upload):
    """The intake: check and normalise an uploaded PDF and store it, before anybody sees it.

    :param upload: the file's bytes
    :raises app.errors.IntakeRefused: with the cause and the next step
    """
    config = current_app.config
    taken = receive(upload, Limits(size_bytes=config["MAX_UPLOAD_MB"] * 1024 * 1024, pages=config["MAX_PAGES"]))
    file_name = "".join(character for character in file_name if character.isprintable())[:255]
    return Upload(file_name, strongroom().store.put(taken.pdf), taken.page_count)


def recipient_of(company_code, user_code, sender_company):
    """The 受取担当者 named by 企業ID and 利用者ID (R23).

    :raises Refused: one sentence for unknown, deleted, and of an inactive company (B5)
    :raises app.errors.PairNotAvailable: the plans of the two companies may not deal (R104)
    """
    company = company_by_code(company_code)
    code = as_code(user_code)
    person = people_by_code(company.id, [code]).get(code) if company is not None and company.is_active else None
    if person is None:
        raise Refused(WRONG_RECIPIENT)
    if company is sender_company:
        raise Refused("自社の利用者は受信者に指定できません。取引先の企業IDと利用者IDを入力してください。")
    charge(sender_company.plan.kind, company.plan.kind)
    return person


# -- the registrar ------------------------------------------------------------


def register(registrar, now, facts, upload, recipient, choice, comment="", *, token=None):
    """契約文書登録: a new draft with its 文書管理番号 (T1).

    :param token: of the form that was sent; a form makes one document, however often it arrives (Q3)
    """
    token = token or str(uuid.uuid4())
    if db.session.scalar(select(ContractDocument.id).where(ContractDocument.registration_token == token)):
        raise AlreadyRegistered
    _check_active(registrar.company)
    document = ContractDocument(
        registration_token=token, created_at=now, registrar=registrar, holder=registrar,
        status=Status.draft, pdf_sha256="", unsigned_sha256="", file_name="", page_count=0,
    )  # fmt: skip
    db.session.add(document)
    with db.session.no_autoflush:
        _fill_in(document, now, facts, upload, recipient, choice, comment)
        document.number = next_number("document")  # last, for whoever registers next waits for it
    db.session.flush()
    _record(Action.register, document, registrar, now, old_status=None)
    return document


def revise(document, registrar, now, facts, upload, recipient, choice, comment=""):
    """Correct a draft or a remanded document before it is sent (T11); `upload` None keeps the file."""
    _hold(document, registrar)
    if document.status not in WITH_REGISTRAR:
        raise OutOfTurn
    with db.session.no_autoflush:
        _fill_in(document, now, facts, upload, recipient, choice, comment)
    flag_modified(document, "status")
    return document


def _fill_in(document, now, facts, upload, recipient, choice, comment):
    _check_deadline(facts.deadline, now)
    if facts.deadline != document.deadline:
        document.deadline_told_days = None
    for name, value in vars(facts).items():
        setattr(document, name, value)
    if upload is not None:
        document.file_name, document.page_count = upload.file_name, upload.page_count
        document.unsigned_sha256 = upload.sha256
    _set_parties(document, recipient, choice, comment)
    _place_fields(document, now)


def _check_deadline(deadline, now):
    if deadline is not None and deadline < japan_date(now):
        raise Refused(PAST_DEADLINE)


def _set_parties(document, recipient, choice, comment):
    """Lay both companies' parts anew: nothing of an earlier round's receiver stays (T11)."""
    registrar = document.registrar
    kept = {party.company_id: party.comment for party in document.parties}
    document.route.clear()
    document.parties.clear()
    if document.id is not None:
        db.session.flush()
    for position, (side, company, first, role) in enumerate((
        (Side.sender, registrar.company, registrar, Role.registrar),
        (Side.receiver, recipient.company, recipient, Role.recipient),
    )):  # fmt: skip
        party = DocumentParty(
            document=document, position=position, side=side, company=company, is_open=side is Side.sender,
            comment=comment if side is Side.sender else kept.get(company.id, ""),
            field_name=_field_name(document.mode, side, position),
        )  # fmt: skip
        document.route.append(routes.step_for(party, role, first))
    routes.lay(document.sender, choice)


def _field_name(mode, side, position):
    if not mode.is_signed_by(side):
        return None
    return "sender" if side is Side.sender else f"receiver-{position}"


def _place_fields(document, now):
    """Everybody sees the file with its empty signature fields; re-sending starts here again (I5, S6)."""
    store = strongroom().store
    unsigned = store.get(document.unsigned_sha256)
    fields = [FieldSpec(party.field_name) for party in document.parties if party.field_name]
    pdf = place_fields(unsigned, fields) if fields else unsigned
    file = SignedFile(store.put(pdf), document.unsigned_sha256, len(pdf), Level.none)
    if file.sha256 != document.pdf_sha256:
        _add_revision(document, file, now)


def send(document, actor, now):
    """発信: the document leaves its registrar for the first turn of the route (T2)."""
    step = _open_step(Action.send, document, actor)
    _check_deadline(document.deadline, now)
    routes.hold([step_of_route.user for step_of_route in document.route])
    for receiver in document.receivers:
        charge(document.sender.company.plan.kind, receiver.company.plan.kind)
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
    return _take(step, document, actor, now)


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
    for row in (*document.events, *document.revisions, document):
        db.session.delete(row)


REMINDER_PAUSE = dt.timedelta(hours=1)


def may_remind(document, actor):
    """Whether the person may have who has the turn asked again: the registrar, while it is somebody else."""
    return (
        document.status in REMINDABLE and actor.id == document.registrar_id and document.holder_id != actor.id
    )


def remind(document, actor, now):
    """リマインド: ask who has the turn once more, at most once an hour (T18).

    No version is counted: the page that the holder has open stays good.
    """
    version = document.version
    db.session.refresh(document, ["version"], with_for_update=True)  # one reminder at a time
    if document.version != version or not may_remind(document, actor):
        raise OutOfTurn
    for party in document.parties:
        _check_active(party.company)
    last = max((event.at for event in document.events if event.action is Action.remind), default=None)
    if last is not None and now - last < REMINDER_PAUSE:
        raise Refused(
            f"リマインドは、1つの契約文書につき1時間に1回まで送信できます。前回は{jst(last)}に送信しました。"
            "時間をおいてから、もう一度お試しください。"
        )
    return _remind(document, actor, now)


def waiting_long(now):
    """Ids of the documents that nobody has dealt with or been reminded of for `PORTAL_REMIND_DAYS` days (T18).

    Days are Japan's: what came on Monday is due on Thursday morning, and every third day from then on.
    """
    return db.session.scalars(select(ContractDocument.id).where(*_waits_long(now)).order_by(ContractDocument.id)).all()


def _waits_long(now):
    days = current_app.config["REMIND_DAYS"]
    recent = exists().where(
        DocumentEvent.document_id == ContractDocument.id,
        DocumentEvent.action != Action.reassign,
        DocumentEvent.at >= end_of_japan_day(japan_date(now) - dt.timedelta(days=days)),
    )
    return days > 0, ContractDocument.status.in_(REMINDABLE), ~recent


def remind_of_waiting(document_id, now):
    """Ask who has the turn once more; False where somebody dealt with it meanwhile or nobody may act."""
    document = db.session.get(ContractDocument, document_id, with_for_update=True, populate_existing=True)
    waits = db.session.scalar(select(ContractDocument.id).where(ContractDocument.id == document_id, *_waits_long(now)))
    if not waits or not all(party.company.is_active for party in document.parties):
        return False
    _remind(document, None, now)
    return True


def _remind(document, actor, now):
    outbox.tell_again(document, now)
    return _record(Action.remind, document, actor, now, old_status=document.status)


# -- the registrar and the sender's administrator -----------------------------


def actions_of(document, person):
    """What the person may do with the document now, in the table's order."""
    own = actions_in(document.status) if document.holder_id == person.id else ()
    return own + (actions_in(document.status, By.owner) if _is_owner(document, person) else ())


def _is_owner(document, person):
    is_sender = person.company_id == document.sender.company_id
    return is_sender and (person.id == document.registrar_id or person.is_company_admin)


def withdraw(document, actor, now, *, reason=""):
    """取下げ: end a document before its conclusion, whoever has the turn (T12).

    All receivers lose it, all signatures are void.  A receiver that is suspended meanwhile does not
    keep the sender from it (B5).
    """
    step = find_step(Action.withdraw, document.status)
    if step is None or not _is_owner(document, actor):
        raise OutOfTurn
    _check_active(document.sender.company)
    told = everyone_told(document)
    for turn in document.open_turns:
        turn.closed_at = now
    _place_fields(document, now)  # the file is unsigned again
    event = _take(step, document, actor, now, one_newline(reason)[:MOST_REASON])
    outbox.tell_withdrawal(event, told)
    return event


# -- whoever has the turn -----------------------------------------------------


def approve(document, actor, now, *, comment=None):
    """承認: an approver passes the document on (T3, T7)."""
    step = _open_step(Action.approve, document, actor)
    _keep_comment(document, actor, comment)
    return _take(step, document, actor, now)


def check_receipt(document, actor):
    """Refuse what 受取確認 would refuse, before its pages are shown; its step of the table otherwise."""
    step = _open_step(Action.confirm_receipt, document, actor)
    own = document.party_of(actor.company_id)
    charge(own.company.plan.kind, document.sender.company.plan.kind)
    return step


def needs_fee_acknowledged(document):
    """Whether both companies were on 片方課金プラン at sending, so that both pay and must know it (R60, I9)."""
    return any(
        must_acknowledge_fee(document.sender.plan_at_sending, receiver.plan_at_sending)
        for receiver in document.receivers
    )


def confirm_receipt(document, actor, now, *, choice, comment=None, fee_acknowledged=False):
    """受取確認: the recipient accepts the document and says who comes next in the own company (T6)."""
    step = check_receipt(document, actor)
    if needs_fee_acknowledged(document) and not fee_acknowledged:
        raise Refused(FEE_WARNING)
    _keep_comment(document, actor, comment)
    routes.lay(document.party_of(actor.company_id), choice)
    db.session.flush()
    return _take(step, document, actor, now)


def sign(
    document, actor, now, *, file, certificate_id, signing_password_id=None, signing_code_id=None,
    comment=None, ip_address="",
):  # fmt: skip
    """署名: make the signed revision the document's current one and pass the document on (T4, T8).

    The signing itself (key, time stamp, new file) was done before, outside any transaction.

    :param file: the stored :class:`SignedFile` and the revision it was made from
    :param signing_code_id: in place of a password, where the company chose codes; used up by this step
    :raises OutOfTurn: somebody acted meanwhile; the new file stays, named by no row
    :raises Refused: the certificate was revoked, or taken from the person, meanwhile
    """
    step = _open_step(Action.sign, document, actor)
    if file.made_from != document.pdf_sha256:
        raise OutOfTurn
    certificates.check_still_usable(certificate_id, actor, now)
    if signing_code_id is not None:
        signing_codes.use(signing_code_id, actor, document, now)
    _keep_comment(document, actor, comment)
    db.session.add(
        DocumentSignature(
            document=document, revision=document.revision, at=now, user_id=actor.id, ip_address=ip_address,
            field_name=document.party_of(actor.company_id).field_name, certificate_id=certificate_id,
            signing_password_id=signing_password_id, signing_code_id=signing_code_id,
            signed_sha256=file.made_from, result_sha256=file.sha256,
        )
    )  # fmt: skip
    _add_revision(document, file, now)
    return _take(step, document, actor, now)


def mark_acted(document):
    """Count a version for an act that is no step, so that a second click on the same page is told so."""
    flag_modified(document, "status")


def check_turn(action, document, actor):
    """Refuse an action that is not this person's to take now, before work is spent on it."""
    return _open_step(action, document, actor)


def remand(document, actor, now, *, reason=""):
    """差戻: return the document to the registrar; all receivers lose it, all signatures are void (T5, T10)."""
    step = _open_step(Action.remand, document, actor)
    document.turn.outcome = Action.remand
    for turn in document.open_turns:
        turn.closed_at = now
    _place_fields(document, now)  # the file is unsigned again
    return _take(step, document, actor, now, one_newline(reason)[:MOST_REASON])


def write_comment(document, actor, comment):
    """自社内コメント: recipient, approvers and signer of the own company write over it (R54-R57)."""
    if document.status in IN_ARCHIVE:
        raise Refused("長期保管文書の自社内コメントは編集できません。")
    if not may_comment(document, actor):
        raise Refused("自社内コメントを編集できるのは、受取担当者、承認者、署名者、登録担当者です。")
    _keep_comment(document, actor, comment)
    mark_acted(document)  # a form that was drawn with the earlier comment must not wipe this one unseen


def may_comment(document, actor):
    """Whether the person may edit the own company's comment; a 参照者 may not (R55-R57)."""
    return document.status not in IN_ARCHIVE and any(
        step.user_id == actor.id and step.role is not Role.viewer for step in document.route
    )


def _keep_comment(document, actor, comment):
    if comment is None:
        return
    comment = one_newline(comment)
    if len(comment) > MOST_COMMENT:
        raise Refused(f"自社内コメントは{MOST_COMMENT:,}文字以内で入力してください。")
    document.party_of(actor.company_id).comment = comment


def one_newline(text):
    """Line breaks as one character each, as the browser counts them against the length it allows."""
    return text.replace("\r\n", "\n")


# -- the administrator --------------------------------------------------------


def reassign(document, actor, replaced, replacement, now):
    """担当者変更: give what one person of the own company still has to do here to a colleague (T17).

    What the person has done already keeps their name.

    :param actor: an administrator of the company
    A company that does not see the document yet counts no version, so that the sender's open page stays good.

    :raises Refused: the colleague cannot do it; the sentence says why
    :raises OutOfTurn: the person has nothing left to do here, or somebody acted meanwhile
    """
    party = document.party_of(actor.company_id)
    steps = [step for step in routes.unfinished(party) if step.user_id == replaced.id] if party else []
    if not steps:
        raise OutOfTurn
    _check_active(party.company)
    routes.hold([replacement])
    _hold_version(document)
    roles = list(dict.fromkeys(step.role for step in steps))
    _check_replacement(actor, replaced, replacement, roles, now)
    if Role.approver in roles and replacement in [
        step.user for step in routes.unfinished(party) if step.role is Role.approver
    ]:
        raise Refused(
            f"「{replacement.full_name}」様は、すでにこの契約文書の承認者です。ほかの利用者を指定してください。"
        )
    for step in steps:
        if step.role is Role.registrar:
            document.registrar = replacement
        if step.role is Role.viewer and replacement in party.people(Role.viewer):
            document.route.remove(step)
        else:
            step.user = replacement
            step.is_reassigned = True
    has_turn = document.holder_id == replaced.id
    if party.is_open:
        _hand_over(document)
    names = f"{replaced.full_name} → {replacement.full_name}"
    event = _record(
        Action.reassign, document, actor, now, old_status=document.status,
        reason=f"{'・'.join(ROLE[role] for role in roles)}：{names}",
    )  # fmt: skip
    journal.note(
        AccountAction.turns_reassigned, now, user=replaced, actor=actor,
        note=f"{document.number if party.is_open else '受取前の契約文書'}：{names}",
    )  # fmt: skip
    outbox.tell_reassignment(document, replaced, replacement, roles, now, has_turn=has_turn)
    return event


def _hold_version(document):
    """Let nobody act on the document until the commit; refuse where somebody has since it was read."""
    version = select(ContractDocument.version).where(ContractDocument.id == document.id)
    if db.session.scalar(version.with_for_update(key_share=True)) != document.version:
        raise OutOfTurn


def _check_replacement(actor, replaced, replacement, roles, now):
    if not actor.is_company_admin:
        raise Refused("担当者を変更できるのは、自社の管理者です。")
    if replacement.id == replaced.id:
        raise Refused("変更前と同じ利用者は指定できません。ほかの利用者を指定してください。")
    if replacement.company_id != actor.company_id or not replacement.is_selectable:
        raise Refused("新しい担当者には、自社の有効な利用者IDを指定してください。")
    if Role.signer in roles and not signer_ids([replacement.id], now):
        raise Refused(
            f"「{replacement.full_name}」様には、利用できる電子証明書がないため、署名者にできません。"
            "署名用IDの利用者を指定するか、先に電子証明書の紐付けを行ってください。"
        )


# -- the archive --------------------------------------------------------------


def waiting_for_archive(now):
    """Ids of the documents concluded before today in Japan (T14)."""
    midnight = dt.datetime.combine(japan_date(now), dt.time(), JAPAN)
    return db.session.scalars(
        select(ContractDocument.id)
        .where(ContractDocument.concluded_at < midnight, *_free_to_archive(now))
        .order_by(ContractDocument.concluded_at)
    ).all()


ARCHIVE_LEASE = dt.timedelta(minutes=10)


def _free_to_archive(now):
    """In 完了待ち, and not in anybody's hands."""
    attempted_at = ContractDocument.archive_attempted_at
    return (
        ContractDocument.status == Status.completion_wait,
        or_(attempted_at.is_(None), attempted_at <= now - ARCHIVE_LEASE),
    )


def claim_for_archive(document_id, now):
    """Take a concluded document for archiving, and commit; None when somebody else has it or it is done."""
    claimed = db.session.execute(
        update(ContractDocument)
        .where(ContractDocument.id == document_id, *_free_to_archive(now))
        .values(archive_attempted_at=now)
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.commit()
    return db.session.get(ContractDocument, document_id) if claimed else None


def archive(document, now, *, file):
    """定期処理: move a concluded document into 長期保管 for the base period (T14, I14)."""
    step = find_step(Action.archive, document.status)
    if step is None or file.made_from != document.pdf_sha256:
        raise OutOfTurn
    _add_revision(document, file, now)
    document.archived_on = japan_date(now)
    document.retained_until = years_later(document.archived_on, current_app.config["ARCHIVE_YEARS"])
    return _take(step, document, None, now)


# -- what every step shares ---------------------------------------------------


def _hold(document, actor):
    if document.holder_id is None or actor.id != document.holder_id:
        raise OutOfTurn


def _open_step(action, document, actor):
    step = find_step(action, document.status)
    if step is None:
        raise OutOfTurn
    _hold(document, actor)
    for party in document.parties:
        _check_active(party.company)
    return step


def _check_active(company):
    if company.status is not CompanyStatus.active:
        raise Refused("自社または取引先のご利用が停止されているため、操作できません。お問い合わせ窓口にご連絡ください。")


def _take(step, document, actor, now, reason=""):
    """Close the turn, write the new status and holder, record the event, owe its letters."""
    old_status = document.status
    if document.turn is not None:
        document.turn.outcome = step.action
        document.turn.closed_at = now
    document.status = arrive(step, [turn.status for turn in document.open_turns])
    _hand_over(document)
    _open_to_companies(document)
    if document.status in CONCLUDED and document.concluded_at is None:
        document.concluded_at = now
        document.conclusion_date = document.conclusion_date or japan_date(now)
    event = _record(step.action, document, actor, now, old_status=old_status, reason=reason)
    outbox.tell(event)
    return event


def _hand_over(document):
    """Give the document to whoever has the turn now, and count a version."""
    flag_modified(document, "status")  # also from approver to approver
    document.holder = _holder(document)
    db.session.flush()
    if document.turn is not None:
        next_id = select(RouteStep.user_id).where(RouteStep.id == document.turn.id)
        if db.session.scalar(next_id) != document.holder_id:
            raise OutOfTurn  # 担当者変更 of a company that does not see the document yet counts no version
    if document.holder is not None and not document.holder.is_selectable:
        raise Refused("次の担当者の利用者IDが利用できなくなっているため、操作できません。お問い合わせ窓口にご連絡ください。")


def _holder(document) -> PortalUser | None:
    if document.status in WITH_REGISTRAR:
        return document.registrar
    return document.turn.user if document.turn is not None else None


def _open_to_companies(document):
    """A receiver sees the document from its own turn on, and no longer after a 差戻 (I18, T10)."""
    for receiver in document.receivers:
        if document.status in HIDDEN_FROM_RECEIVERS:
            receiver.is_open = False
        elif document.turn is None or document.turn.party is receiver:
            receiver.is_open = True


def _record(action, document, actor, now, *, old_status, reason=""):
    party = document.party_of(actor.company_id) if actor is not None else None
    event = DocumentEvent(
        document=document, action=action, actor=actor, at=now, reason=reason, revision=document.revision,
        company=party.company if party else None, side=party.side if party else None,
        old_status=old_status, new_status=document.status, pdf_sha256=document.pdf_sha256,
    )  # fmt: skip
    db.session.add(event)
    return event


def _add_revision(document, file, now):
    document.pdf_sha256 = file.sha256
    document.revisions.append(
        DocumentRevision(
            position=len(document.revisions) + 1, sha256=file.sha256, made_from=file.made_from,
            size_bytes=file.size_bytes, level=file.level, created_at=now,
        )
    )  # fmt: skip
