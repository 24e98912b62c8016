"""What the holder of the turn, and the owner, do to a contract document (see :mod:`app.services.steps`)."""

from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import DocumentSignature
from app.plans import charge, must_acknowledge_fee
from app.queries import everyone_told
from app.services import certificates, drafts, files, outbox, routes, signing_codes, steps
from app.services.steps import MOST_REASON
from app.workflow import IN_ARCHIVE, Action, By, Role, actions_in, find_step

MOST_COMMENT = 2000  # characters
SENDER_LEFT = "発出側企業の解約のため、自動で取り下げました。"
FEE_WARNING = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、確定ボタンを押してください。"
FEE_DIALOG = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、OKボタンを押してください。"


def actions_of(document, person):
    """What the person may do with the document now, in the table's order; nothing while the own company may not act (B5)."""
    if person.company is not None and not person.company.is_active:
        return ()
    own = actions_in(document.status) if steps.has_turn(document, person) else ()
    if own and not person.company.returns_inside:
        own = tuple(action for action in own if action is not Action.return_inside)
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
    steps.check_active(document.sender.company)
    return _withdraw(step, document, actor, now, reason)


def withdraw_for_leaving(document, now):
    """取下げ by a job, after the 解約 of the sender: nobody could act on the document any more (B5)."""
    return _withdraw(find_step(Action.withdraw, document.status), document, None, now, SENDER_LEFT)


def _withdraw(step, document, actor, now, reason):
    told = everyone_told(document)
    for turn in document.open_turns:
        turn.closed_at = now
    files.lay_fields(document, now)  # the file is unsigned again
    drafts.forget(document)
    event = steps.take(step, document, actor, now, steps.one_newline(reason)[:MOST_REASON])
    outbox.tell_withdrawal(event, told)
    return event


def check_turn(action, document, actor, now=None):
    """Refuse an action that is not this person's to take now, before work is spent on it.

    :param now: see :func:`app.services.steps.open_step`
    """
    step = steps.open_step(action, document, actor, now)
    if action is Action.approve and steps.represented(document, actor) is not None:
        _check_approves_once(document, actor)
    return step


def _check_approves_once(document, deputy):
    """Two approvers are two people, also where one of them is the other's deputy, as with 担当者変更 (I8)."""
    others = (step for step in document.turn.party.steps if step.role is Role.approver and step is not document.turn)
    if any(deputy.id in (step.user_id, step.deputy_id) for step in others):
        raise Refused(
            "ご自身もこの契約文書の承認者のため、代理で承認することはできません。本人が承認するか、管理者に担当者変更をご依頼ください。"
        )


def approve(document, actor, now, *, comment=None):
    """承認: an approver passes the document on (T3, T7)."""
    step = check_turn(Action.approve, document, actor, now)
    _keep_comment(document, actor, comment)
    return steps.take(step, document, actor, now)


def check_receipt(document, actor, now=None):
    """Refuse what 受取確認 would refuse, before its pages are shown; its step of the table otherwise.

    :param now: see :func:`app.services.steps.open_step`
    """
    step = steps.open_step(Action.confirm_receipt, document, actor, now)
    own = document.party_of(actor.company_id)
    charge(own.company.plan.kind, document.sender.company.plan.kind)
    return step


def needs_fee_acknowledged(document, company_id):
    """Whether sender and this receiver were on 片方課金プラン at sending, so that both pay and must know it (R60, I9)."""
    return must_acknowledge_fee(document.sender.plan_at_sending, document.party_of(company_id).plan_at_sending)


def confirm_receipt(document, actor, now, *, choice, comment=None, fee_acknowledged=False):
    """受取確認: the recipient accepts the document and says who comes next in the own company (T6)."""
    step = check_receipt(document, actor, now)
    if needs_fee_acknowledged(document, actor.company_id) and not fee_acknowledged:
        raise Refused(FEE_WARNING)
    _keep_comment(document, actor, comment)
    routes.lay(document.party_of(actor.company_id), choice)
    db.session.flush()
    return steps.take(step, document, actor, now)


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
    step = steps.open_step(Action.sign, document, actor, now)
    if file.made_from != document.pdf_sha256:
        raise OutOfTurn
    certificates.check_still_usable(certificate_id, actor, now)
    if signing_code_id is not None:
        signing_codes.use(signing_code_id, actor, document, now)
    _keep_comment(document, actor, comment)
    db.session.add(
        DocumentSignature(
            document=document, revision=document.revision, at=now, user_id=actor.id, ip_address=ip_address,
            on_behalf_of=steps.represented(document, actor),
            field_name=document.party_of(actor.company_id).field_name, certificate_id=certificate_id,
            signing_password_id=signing_password_id, signing_code_id=signing_code_id,
            signed_sha256=file.made_from, result_sha256=file.sha256,
        )
    )  # fmt: skip
    files.add_revision(document, file, now)
    return steps.take(step, document, actor, now)


def remand(document, actor, now, *, reason=""):
    """差戻: return the document to the registrar; all receivers lose it, all signatures are void (T5, T10)."""
    step = steps.open_step(Action.remand, document, actor, now)
    steps.close(document.turn, Action.remand, document, actor, now)
    for turn in document.open_turns:
        turn.closed_at = now
    files.lay_fields(document, now)  # the file is unsigned again
    return steps.take(step, document, actor, now, steps.one_newline(reason)[:MOST_REASON])


def return_inside(document, actor, now, *, reason):
    """社内差戻: an approver or signer of a receiver gives the document back to the own 受取担当者.

    The recipient sets route and comment anew.  The other companies see only that the document waits for its 受取.

    :raises Refused: the company has not chosen it, or no reason is given
    """
    step = steps.open_step(Action.return_inside, document, actor, now)
    if not actor.company.returns_inside:
        raise Refused("貴社では、社内差戻を使用する設定になっていません。貴社の管理者にご確認ください。")
    reason = steps.one_newline(reason)[:MOST_REASON]
    if not reason:
        raise Refused("社内差戻の理由を入力してください。")
    return steps.take(step, document, actor, now, reason)


def write_comment(document, actor, comment):
    """自社内コメント: recipient, approvers and signer of the own company write over it (R54-R57)."""
    if document.status in IN_ARCHIVE:
        raise Refused("長期保管文書の自社内コメントは編集できません。")
    if not may_comment(document, actor):
        raise Refused("自社内コメントを編集できるのは、受取担当者、承認者、署名者、登録担当者です。")
    _keep_comment(document, actor, comment)
    steps.mark_acted(document)  # a form that was drawn with the earlier comment must not wipe this one unseen


def may_comment(document, actor):
    """Whether the person may edit the own company's comment; a 参照者 may not (R55-R57)."""
    if document.status in IN_ARCHIVE:
        return False
    is_part = any(
        actor.id in (step.user_id, step.deputy_id) and step.role is not Role.viewer for step in document.route
    )
    return is_part or steps.has_turn(document, actor)


def _keep_comment(document, actor, comment):
    if comment is None:
        return
    comment = steps.one_newline(comment)
    if len(comment) > MOST_COMMENT:
        raise Refused(f"自社内コメントは{MOST_COMMENT:,}文字以内で入力してください。")
    document.party_of(actor.company_id).comment = comment
