"""担当者変更: what one person still has to do on a document, given to a colleague (T17)."""

from sqlalchemy import select

from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import ROLE
from app.models import AccountAction, ContractDocument
from app.queries import signer_ids
from app.services import journal, outbox, routes, steps
from app.workflow import Action, Role


def reassign(document, actor, replaced, replacement, now):
    """担当者変更: give what one person of the own company still has to do here to a colleague (T17).

    What the person has done already keeps their name.

    :param actor: an administrator of the company
    A company that does not see the document yet counts no version, so that the sender's open page stays good.

    :raises Refused: the colleague cannot do it; the sentence says why
    :raises OutOfTurn: the person has nothing left to do here, or somebody acted meanwhile
    """
    party = document.party_of(actor.company_id)
    turns = [step for step in routes.unfinished(party) if step.user_id == replaced.id] if party else []
    if not turns:
        raise OutOfTurn
    steps.check_active(party.company)
    routes.hold([replacement])
    _hold_version(document)
    roles = list(dict.fromkeys(step.role for step in turns))
    _check_replacement(actor, replaced, replacement, roles, now)
    if Role.approver in roles and replacement in [
        step.user for step in routes.unfinished(party) if step.role is Role.approver
    ]:
        raise Refused(
            f"「{replacement.full_name}」様は、すでにこの契約文書の承認者です。ほかの利用者を指定してください。"
        )
    for step in turns:
        if step.role is Role.registrar:
            document.registrar = replacement
        if step.role is Role.viewer and replacement in party.people(Role.viewer):
            document.route.remove(step)
        else:
            step.user = replacement
            step.is_reassigned = True
            step.outcome = step.deputy = None  # with a 差戻 on the desk, the turn of the round before was another's
    has_turn = document.holder_id == replaced.id
    if party.is_open:
        steps.hand_over(document)
    names = f"{replaced.full_name} → {replacement.full_name}"
    event = steps.record(
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
