"""The way of a document, gone and to go, as one of its companies may see it.

The own company's people are named.  Of another company only what it did as a company is shown: its
route, its approvers and its comment never leave it (I18).
"""

from app.labels import ACTION, ROLE, SIDE, jst
from app.workflow import (
    CONCLUDED,
    IN_ARCHIVE,
    RETURNED,
    TURN_ACTIONS,
    WITH_REGISTRAR,
    WITHDRAWN,
    Action,
    Role,
    Side,
)

_OWN_LABEL = {
    Role.recipient: "受取確認",
    Role.approver: "承認",
    Role.signer: "署名",
}
_WITH_REASON = frozenset({Action.remand, Action.withdraw, Action.return_inside})
# (who looks, whose act it is): what is shown of it
_VISIBLE_OF_OTHERS = {
    (Side.receiver, Side.sender): frozenset({Action.send, Action.sign, Action.extend, Action.correct}),
    (Side.sender, Side.receiver): frozenset({Action.confirm_receipt, Action.approve, Action.sign, Action.remand, Action.extend}),
    (Side.receiver, Side.receiver): frozenset({Action.confirm_receipt, Action.sign, Action.extend}),
}


def way_of(document, company_id, deputy=None):
    """The stages of the current round, each with its state, for :func:`timeline` of the macros.

    :param deputy: who may act in the holder's place today (代理); shown to the own company only
    """
    stages = [_registrar_stage(document, company_id)]
    for party in document.parties:
        if party.company_id == company_id:
            stages += [_own_stage(document, step, deputy) for step in _turns(party)]
            if document.mode.is_signed_by(party.side) and not party.people(Role.signer):
                stages.append(_foreign_stage(party, "署名", "ahead"))  # its signer is chosen at 受取確認
        else:
            stages += _stages_of_other(document, party)
    if document.status in WITHDRAWN:
        return [stage for stage in stages if stage["state"] != "ahead"] + [_withdrawal_stage(document)]
    stages.append(_end_stage(document))
    return stages


def _turns(party):
    return [step for step in party.steps if step.is_turn]


def _registrar_stage(document, company_id):
    has_it = document.status in WITH_REGISTRAR
    own = document.sender.company_id == company_id
    return {
        "label": "登録・発信" if document.sent_at or has_it else "登録",
        "company": document.sender.company.name,
        "person": document.registrar.shown_name if own else None,
        "state": "current" if has_it else "done",
        "at": None if has_it else jst(document.sent_at),
        "note": "差し戻されています。修正して再送してください。" if has_it and own and document.revision else None,
    }


def _own_stage(document, step, deputy):
    state = _state(document, step)
    acted = step.deputy if step.outcome else None
    return {
        "label": _OWN_LABEL[step.role],
        "company": step.party.company.name,
        "person": f"{ROLE[step.role]}　{by_deputy(acted, step.user) if acted else step.user.shown_name}",
        "state": state,
        "at": jst(step.closed_at) if step.outcome else None,
        "note": f"代理：{deputy.shown_name}" if deputy is not None and state == "current" else None,
    }


def by_deputy(actor, absent):
    """Who acted, and in whose place if so; for the own company only."""
    return f"{actor.shown_name}（{absent.shown_name}の代理）" if absent is not None else actor.shown_name


def _state(document, step):
    if step.outcome is Action.remand:
        return "remanded"
    if step.outcome is not None:
        return "done"
    return "current" if document.turn is step else "ahead"


def _stages_of_other(document, party):
    """受取確認 and 署名 of another company; its 承認 only while the document waits there."""
    shown = [step for step in _turns(party) if step.role is not Role.approver]
    stages = [
        {
            "label": _OWN_LABEL[step.role], "company": party.company.name, "person": None,
            "state": _state(document, step), "at": jst(step.closed_at) if step.outcome else None, "note": None,
        }
        for step in shown
    ]  # fmt: skip
    turn = document.turn
    if party.side is Side.receiver:
        if turn is not None and turn.party is party and turn.role is Role.approver:
            stages.insert(1, _foreign_stage(party, "承認", "current"))
        signs_later = document.mode.is_signed_by(Side.receiver) and not any(s.role is Role.signer for s in shown)
        if signs_later:
            stages.append(_foreign_stage(party, "署名", "ahead"))
    return stages


def _foreign_stage(party, label, state):
    return {"label": label, "company": party.company.name, "person": None, "state": state, "at": None, "note": None}


def _withdrawal_stage(document):
    (event,) = (event for event in document.events if event.action is Action.withdraw)
    company = event.company.name if event.company else "定期処理"
    return {"label": ACTION[event.action], "company": company, "state": "done", "at": jst(event.at)}


def _end_stage(document):
    label = "契約締結" if document.mode.is_signed else "文書回覧完了"
    if document.status not in CONCLUDED:
        return {"label": label, "state": "ahead"}
    note = None if document.status in IN_ARCHIVE else "通常、翌日に長期保管文書へ移ります。"
    return {"label": label, "state": "done", "at": jst(document.concluded_at), "note": note}


def history_of(document, company_id):
    """What happened so far, newest first, without the inner life of the other company."""
    return [
        {
            "at": jst(event.at),
            "what": ACTION[event.action],
            "company": f"{SIDE[event.side]}　{event.company.name}" if event.company else "運営者" if event.actor_id else "定期処理",
            "person": by_deputy(event.actor, event.on_behalf_of) if event.actor and event.company_id == company_id else "",
            "reason": event.reason,
            "reason_word": "理由" if event.action in _WITH_REASON else "内容",
        }
        for event in reversed(document.events)
        if _may_see(event, document, company_id)
    ]


def return_of(document, company_id):
    """The 社内差戻 that the own company has not dealt with yet, as its event; None where there is none."""
    last = next((event for event in reversed(document.events) if event.action in TURN_ACTIONS), None)
    is_own = last is not None and last.company_id == company_id and document.status in RETURNED
    return last if is_own and last.action is Action.return_inside else None


def _may_see(event, document, company_id):
    own = document.party_of(company_id)
    if event.action is Action.remind:
        return own.side is Side.sender  # the sender's own matter, also where the job reminded
    if event.company_id in (None, company_id):
        return True
    if own.side is Side.receiver and event.revision != document.revision:
        return False
    return event.action in _VISIBLE_OF_OTHERS[own.side, event.side]
