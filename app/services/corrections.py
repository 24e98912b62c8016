"""契約文書情報の訂正: facts of a concluded document put right, on the record (L8).

The PDF and its signatures stay as they are; what is searched for and shown beside them changes.  Each correction is an
event with the old and the new values, who and when: added, never changed.
"""

import dataclasses
import datetime as dt
from dataclasses import dataclass

from app.errors import OutOfTurn, Refused
from app.labels import FACT, day, yen
from app.services import documents, steps
from app.workflow import Action, find_step

MOST_REASON = 500  # characters
_SHOWN = {"conclusion_date": day, "amount_yen": yen}


@dataclass(frozen=True)
class Facts:
    """What may be put right; an amount of None is 金額なし."""

    conclusion_date: dt.date
    amount_yen: int | None
    partner_number: str


def check(document, actor):
    """Refuse who may not correct the document now: only the 登録担当者 and a 管理用ID of the sender may."""
    if Action.correct not in documents.actions_of(document, actor):
        raise OutOfTurn("この契約文書の情報は訂正できません。訂正できるのは、締結済みで保管期間中の契約文書の登録担当者と、発出側企業の管理者です。")
    steps.check_active(document.sender.company)


def correct(document, actor, now, facts, *, reason):
    """訂正: write the new values, and record the old ones beside them.

    :raises Refused: nothing was changed, or the reason is missing
    """
    check(document, actor)
    reason = steps.one_newline(reason).strip()
    if not reason or len(reason) > MOST_REASON:
        raise Refused(f"訂正の理由を{MOST_REASON}文字以内で入力してください。")
    wanted = dataclasses.asdict(facts)
    changed = {name: value for name, value in wanted.items() if value != getattr(document, name)}
    if not changed:
        raise Refused("訂正された項目がありません。訂正する項目を修正してから、［確定］を押してください。")
    told = [f"{FACT[name]}：{_shown(name, getattr(document, name))} → {_shown(name, changed[name])}" for name in changed]
    for name, value in changed.items():
        setattr(document, name, value)
    step = find_step(Action.correct, document.status)
    return steps.take(step, document, actor, now, "、".join(told) + f"（理由：{reason}）")


def _shown(name, value):
    return _SHOWN.get(name, str)(value) or "（空欄）"
