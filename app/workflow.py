"""The way of a contract document: statuses, roles, actions and the one table that rules them.

A document walks along its route, an ordered list of turns; its status is the name of the turn it
waits on.  双方署名, 発出側のみ, 受領側のみ and 署名なし differ only in which turns their route may hold.
"""

from dataclasses import dataclass
from enum import StrEnum, auto


class Status(StrEnum):
    """ステータス (requirements B1)."""

    draft = auto()
    sender_approval = auto()
    sender_signature = auto()
    receiver_receipt = auto()
    receiver_approval = auto()
    receiver_signature = auto()
    completion_wait = auto()
    archived = auto()
    remanded = auto()
    withdrawn = auto()
    archive_expired = auto()


class Action(StrEnum):
    """What moves a document, or is recorded of it."""

    register = auto()
    send = auto()
    approve = auto()
    sign = auto()
    confirm_receipt = auto()
    remand = auto()
    archive = auto()
    extend = auto()  # 長期保管延長
    renew = auto()  # a time stamp before the former one ends
    expire = auto()
    correct = auto()  # 訂正 of what is known about a concluded document; never of its file
    dispose = auto()  # 廃棄: the files of an expired document are deleted
    withdraw = auto()
    return_inside = auto()  # 社内差戻: back to the own recipient, where the receiver's company chose so
    reassign = auto()  # 担当者変更: no step of the holder, see REASSIGNABLE
    remind = auto()  # リマインド: no step either, see REMINDABLE


class Role(StrEnum):
    """担当者 of one document (R9-R12); not a fixed post of a person."""

    registrar = auto()  # 登録担当者
    recipient = auto()  # 受取担当者
    approver = auto()  # 承認者
    signer = auto()  # 署名者
    viewer = auto()  # 参照者


class Side(StrEnum):
    sender = auto()  # 発出側
    receiver = auto()  # 受領側


class SignatureMode(StrEnum):
    """署名区分 (I4)."""

    both_sides = auto()  # 双方署名
    sender_only = auto()  # 発出側のみ署名有り
    receiver_only = auto()  # 受領側のみ署名有り
    no_signature = auto()  # 署名なし

    def is_signed_by(self, side: Side) -> bool:
        return side in SIGNING_SIDES[self]

    @property
    def is_signed(self) -> bool:
        return bool(SIGNING_SIDES[self])


SIGNING_SIDES = {
    SignatureMode.both_sides: (Side.sender, Side.receiver),
    SignatureMode.sender_only: (Side.sender,),
    SignatureMode.receiver_only: (Side.receiver,),
    SignatureMode.no_signature: (),
}

OF_THREE_OR_MORE = frozenset({SignatureMode.both_sides})  # what a 3社以上契約 may be: all companies sign (R2)

# the document's status while it waits on somebody; who is not listed only looks on
TURNS = {
    (Side.sender, Role.approver): Status.sender_approval,
    (Side.sender, Role.signer): Status.sender_signature,
    (Side.receiver, Role.recipient): Status.receiver_receipt,
    (Side.receiver, Role.approver): Status.receiver_approval,
    (Side.receiver, Role.signer): Status.receiver_signature,
}

NEXT = None  # the next turn on the route; after the last one, completion_wait


class By(StrEnum):
    """Who may take a step."""

    holder = auto()  # whoever has the turn
    owner = auto()  # the 登録担当者 or a 管理用ID of the sender, in turn and out of turn
    administrator = auto()  # a 管理用ID of any party
    job = auto()  # 定期処理
    operator = auto()  # 運営者


@dataclass(frozen=True)
class Step:
    action: Action
    source: Status
    target: Status | None
    by: By = By.holder


STEPS = (
    Step(Action.send, Status.draft, NEXT),
    Step(Action.send, Status.remanded, NEXT),
    Step(Action.approve, Status.sender_approval, NEXT),
    Step(Action.remand, Status.sender_approval, Status.remanded),
    Step(Action.sign, Status.sender_signature, NEXT),
    Step(Action.remand, Status.sender_signature, Status.remanded),
    Step(Action.confirm_receipt, Status.receiver_receipt, NEXT),
    Step(Action.remand, Status.receiver_receipt, Status.remanded),
    Step(Action.approve, Status.receiver_approval, NEXT),
    Step(Action.remand, Status.receiver_approval, Status.remanded),
    Step(Action.return_inside, Status.receiver_approval, Status.receiver_receipt),
    Step(Action.sign, Status.receiver_signature, NEXT),
    Step(Action.remand, Status.receiver_signature, Status.remanded),
    Step(Action.return_inside, Status.receiver_signature, Status.receiver_receipt),
    Step(Action.archive, Status.completion_wait, Status.archived, By.job),
    Step(Action.extend, Status.archived, Status.archived, By.administrator),
    Step(Action.renew, Status.archived, Status.archived, By.job),
    Step(Action.expire, Status.archived, Status.archive_expired, By.job),
    Step(Action.correct, Status.completion_wait, Status.completion_wait, By.owner),
    Step(Action.correct, Status.archived, Status.archived, By.owner),
    Step(Action.dispose, Status.archive_expired, Status.archive_expired, By.operator),
    Step(Action.withdraw, Status.draft, Status.withdrawn, By.owner),
    Step(Action.withdraw, Status.remanded, Status.withdrawn, By.owner),
    Step(Action.withdraw, Status.sender_approval, Status.withdrawn, By.owner),
    Step(Action.withdraw, Status.sender_signature, Status.withdrawn, By.owner),
    Step(Action.withdraw, Status.receiver_receipt, Status.withdrawn, By.owner),
    Step(Action.withdraw, Status.receiver_approval, Status.withdrawn, By.owner),
    Step(Action.withdraw, Status.receiver_signature, Status.withdrawn, By.owner),
)
_STEP_OF = {(step.action, step.source): step for step in STEPS}

WITH_REGISTRAR = frozenset({Status.draft, Status.remanded})
WAITING = frozenset(TURNS.values())
OPEN = WITH_REGISTRAR | WAITING
REASSIGNABLE = OPEN  # where an administrator may give the own company's tasks to somebody else (T17)
REMINDABLE = WAITING  # where its request may be sent again to who has the turn (T18)
DELETABLE = frozenset({Status.draft})  # never sent: the registrar may delete it altogether (T13)
WITHDRAWN = frozenset({Status.withdrawn})
UNSIGNED = WITH_REGISTRAR | WITHDRAWN  # whatever was signed before is void
RETURNED = frozenset(step.target for step in STEPS if step.action is Action.return_inside)  # where 社内差戻 leads
TURN_ACTIONS = frozenset(step.action for step in STEPS if step.source in WAITING and step.by is By.holder)
WITH_RECEIVER = frozenset(turn for (side, _), turn in TURNS.items() if side is Side.receiver)
HIDDEN_FROM_RECEIVERS = frozenset(Status) - WITH_RECEIVER - {
    Status.completion_wait, Status.archived, Status.archive_expired,
}  # fmt: skip
TOWARDS_CONCLUSION = frozenset({Action.send, Action.approve, Action.sign, Action.confirm_receipt})
IN_ARCHIVE = frozenset({Status.archived, Status.archive_expired})
CONCLUDED = IN_ARCHIVE | {Status.completion_wait}
UNFINISHED = OPEN | {Status.completion_wait}  # what ダッシュボード counts as under way
# where documents wait for 一括署名, which is for receivers only (R99), 一括承認 and 一括受取確認 (I13)
BULK_SOURCES = {
    action: frozenset(step.source for step in STEPS if step.action is action) & among
    for action, among in ((Action.sign, WITH_RECEIVER), (Action.approve, WAITING), (Action.confirm_receipt, WAITING))
}


def find_step(action: Action, status: Status) -> Step | None:
    """The row of the table for `action` in `status`; None where the action is not allowed."""
    return _STEP_OF.get((action, status))


def actions_in(status: Status, by: By = By.holder) -> tuple[Action, ...]:
    """What the holder, or the owner, may do while a document waits in `status`, in the table's order."""
    return tuple(step.action for step in STEPS if step.source is status and step.by is by)


def arrive(step: Step, ahead: list[Status]) -> Status:
    """The status after `step`; `ahead` are the turns still open on the route, in order."""
    if step.target is not NEXT:
        return step.target
    return ahead[0] if ahead else Status.completion_wait
