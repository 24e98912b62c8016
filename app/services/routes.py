"""自社回覧先: who of a company approves, signs and looks on, in which order."""

from dataclasses import dataclass, field

from sqlalchemy import select

from app.errors import Refused
from app.extensions import db
from app.labels import ROLE
from app.models import PortalUser, RouteStep
from app.queries import as_code, people_by_code
from app.workflow import REASSIGNABLE, TURNS, WITH_REGISTRAR, Role, Side

MOST_APPROVERS = 5
MOST_VIEWERS = 10


@dataclass(frozen=True)
class Choice:
    """The people one company puts on its route."""

    approvers: list[PortalUser] = field(default_factory=list)
    signer: PortalUser | None = None
    viewers: list[PortalUser] = field(default_factory=list)


def choose(company_id, side, mode, *, approvers=(), signer=(), viewers=()):
    """Read a company's route from 利用者IDs, in the order given.

    :param approvers, signer, viewers: 利用者IDs as typed
    :raises Refused: an ID is not one of the own company's active people (R53), a required 署名者 is
        missing (R67), or one is named where nobody signs (R52)
    """
    people = read(company_id, approvers=approvers, signer=signer, viewers=viewers)
    _check_signer(people[Role.signer], side, mode)
    return Choice(people[Role.approver], next(iter(people[Role.signer]), None), people[Role.viewer])


def read(company_id, *, approvers=(), signer=(), viewers=()):
    """The people of these 利用者IDs by role, in the order given.

    :raises Refused: an ID is not one of the own company's active people (R53), or they are too many
    """
    wanted = {Role.approver: _codes(approvers), Role.signer: _codes(signer), Role.viewer: _codes(viewers)}
    known = people_by_code(company_id, [code for codes in wanted.values() for code in codes])
    for role, codes in wanted.items():
        for code in codes:
            if code not in known:
                raise Refused(
                    f"{ROLE[role]}に指定された利用者ID「{code[:20]}」は、自社の有効な利用者IDではありません。"
                    "［参照］から選択し直してください。"
                )
    _check_numbers(wanted)
    return {role: [known[code] for code in codes] for role, codes in wanted.items()}


def _codes(typed):
    return list(dict.fromkeys(as_code(code) for code in typed if code.strip()))


def _check_numbers(wanted):
    if len(wanted[Role.approver]) > MOST_APPROVERS:
        raise Refused(f"承認者は{MOST_APPROVERS}名まで指定できます。")
    if len(wanted[Role.viewer]) > MOST_VIEWERS:
        raise Refused(f"参照者は{MOST_VIEWERS}名まで指定できます。")
    if len(wanted[Role.signer]) > 1:
        raise Refused("署名者は1名だけ指定してください。")


def _check_signer(signers, side, mode):
    if mode.is_signed_by(side) and not signers:
        raise Refused("署名者を指定してください。この契約文書には、自社の署名が必要です。")
    if signers and not mode.is_signed_by(side):
        raise Refused("この署名区分では自社は署名しません。署名者の指定を外してください。")


def hold(people):
    """Read these people again and let nobody delete them until the commit; log-ins go on meanwhile.

    Before anything is changed, so that no document is waited for while a deletion waits for it.
    """
    with db.session.no_autoflush:
        db.session.scalars(
            select(PortalUser)
            .where(PortalUser.id.in_([person.id for person in people]))
            .order_by(PortalUser.id)
            .with_for_update(of=PortalUser, read=True, key_share=True)
            .execution_options(populate_existing=True)
        ).unique().all()


def check(choice):
    """Refuse who was deleted since the choice was read; those who are left stay until the commit."""
    chosen = [*choice.approvers, *filter(None, [choice.signer]), *choice.viewers]
    hold(chosen)
    for person in chosen:
        if not person.is_selectable:
            raise Refused(
                f"指定された利用者「{person.full_name}」は利用できなくなりました。［参照］から選択し直してください。"
            )


def lay(party, choice):
    """Put the chosen people on the route of `party`, in place of those there were.

    :raises Refused: one of them was deleted meanwhile
    """
    check(choice)
    document = party.document
    own = [step for step in document.route if step.party is party and step.role not in FIRST]
    for step in own:
        document.route.remove(step)
    if own:
        db.session.flush()  # a position is free only when its row is gone
    people = [
        *((Role.approver, user) for user in choice.approvers),
        *((Role.signer, user) for user in filter(None, [choice.signer])),
        *((Role.viewer, user) for user in choice.viewers),
    ]
    for number, (role, user) in enumerate(people, start=1):
        document.route.append(step_for(party, role, user, number))


def unfinished(party):
    """The steps of one company that may still change hands: turns not taken, registrar, viewers (T17).

    With the registrar, before sending and after a 差戻, the sender's whole route is still to be walked,
    and no receiver has a part in the document yet.
    """
    document = party.document
    if document.status not in REASSIGNABLE:
        return []
    is_all_ahead = document.status in WITH_REGISTRAR
    if is_all_ahead and party is not document.sender:
        return []
    return [step for step in party.steps if is_all_ahead or not step.is_turn or step.closed_at is None]


FIRST = (Role.registrar, Role.recipient)  # they open their company's part and are not chosen by `lay`
STEPS_A_PARTY = 100


def step_for(party, role, user, number=0):
    """One new step; `number` orders the steps within the party, 0 being who opens it."""
    side = Side.sender if party.position == 0 else Side.receiver
    return RouteStep(
        party=party, user=user, role=role, status=TURNS.get((side, role)),
        position=party.position * STEPS_A_PARTY + number,
    )  # fmt: skip
