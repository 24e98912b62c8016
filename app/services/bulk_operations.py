"""一括署名, 一括承認 and 一括受取確認: what a person asks for is checked and written down once (R99, I13).

A job then deals with the documents one after the other: :mod:`app.services.bulk_walks`.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy.exc import IntegrityError

from app import queries
from app.errors import (
    NotFound,
    OptionMissing,
    OutOfTurn,
    PairNotAvailable,
    PortalError,
    Refused,
    SecretRefused,
)
from app.extensions import client_address, db
from app.labels import ACTION
from app.models import BulkOperation, BulkOperationItem, ContractCase
from app.services import cases, documents, fees, routes, signatures, steps
from app.services.documents import FEE_WARNING, MOST_COMMENT
from app.workflow import BULK_SOURCES, Action, Role, Side

MOST = 50  # documents at once
NO_OPTION = (
    "一括署名を利用するには、一括署名オプション（有料）の利用申請が必要です。貴社の管理者に、オプションの利用の申請をご依頼ください。"
)
SIGNS_BY_CODE = (
    "貴社では、契約文書ごとの署名用コードで署名するため、一括署名は利用できません。契約文書を1件ずつ開いて署名してください。"
)
MOVED = "他の利用者が処理済みか、内容が変更されています。契約文書の最新の状態をご確認ください。"


class Pick(NamedTuple):
    """One document as the person saw it."""

    document_id: int
    version: int
    pdf_sha256: str


@dataclass(frozen=True)
class Wish:
    """What a person asks for, once for all its documents."""

    action: Action
    picks: list[Pick]
    seen: set[int]  # ids of the documents ticked as 「内容を確認しました」
    comment: str = ""  # 自社内コメント; "" leaves each document's own
    people: dict = field(default_factory=dict)  # of 一括受取確認: role -> people, in order
    case: ContractCase | None = None  # of 一括受取確認; None leaves each document's own
    fee_acknowledged: bool = False


def check_action(action, user):
    """Refuse what the person's company cannot do at once.

    :raises OptionMissing: 一括署名 without its option, or where a code signs one document each
    """
    if action is Action.sign:
        if user.company.signs_by_code:
            raise OptionMissing(SIGNS_BY_CODE)
        if not user.company.has_bulk_signing:
            raise OptionMissing(NO_OPTION)


def action_named(name):
    """The action of an address.

    :raises NotFound: it is none that can be done at once
    """
    if name not in {action.value for action in BULK_SOURCES}:
        raise NotFound
    return Action(name)


@dataclass(frozen=True)
class Offer:
    """What a page offers to do at once: as many documents as one operation may have."""

    documents: list
    further: int  # that wait besides
    missing: int  # of those that were chosen, how many are not to be had


def offered(user, action, chosen=frozenset()):
    """The documents that the person may deal with at once; those of the ids `chosen` come first."""
    ids = sorted(queries.ids_for_bulk(user, action), key=lambda one: one not in chosen)
    documents_found = queries.documents_for_bulk(user, action, ids[:MOST])
    return Offer(documents_found, len(ids) - len(documents_found), len(chosen - set(ids)))


def actions_for(documents_waiting, in_work=()):
    """What マイリスト offers to do at once: action -> ids of the documents, where there are several."""
    found = {
        action: {one.id for one in documents_waiting if one.status in sources and one.id not in in_work}
        for action, sources in BULK_SOURCES.items()
    }
    return {action: ids for action, ids in found.items() if len(ids) > 1}


def check(user, wish):
    """The documents of a wish, in the order of the page, after all checks that single steps make too.

    :raises OptionMissing: see :func:`check_action`
    :raises OutOfTurn: one of them has moved on since the page was drawn
    :raises Refused: none or too many chosen, one not ticked, one that cannot take the step now
    """
    check_action(wish.action, user)
    word = ACTION[wish.action]
    if not wish.picks:
        raise Refused(f"一括{word}の対象にする契約文書を選択してください。")
    if len(wish.picks) > MOST:
        raise Refused(f"一度に処理できるのは{MOST}件までです。対象の契約文書を減らしてください。")
    if len(steps.one_newline(wish.comment)) > MOST_COMMENT:
        raise Refused(f"自社内コメントは{MOST_COMMENT:,}文字以内で入力してください。")
    asked = [pick.document_id for pick in wish.picks]
    found = {document.id: document for document in queries.documents_for_bulk(user, wish.action, asked)}
    chosen = [_as_shown(found.get(pick.document_id), pick) for pick in wish.picks]
    unseen = [document.number for document in chosen if document.id not in wish.seen]
    if unseen:
        raise Refused(f"「内容を確認しました」にチェックが入っていない契約文書があります：{'、'.join(unseen)}")
    for document in chosen:
        _check_step(wish.action, document, user)
    if wish.action is Action.confirm_receipt:
        _check_route(wish, chosen)
    return chosen


def _as_shown(document, pick):
    if document is None or (document.version, document.pdf_sha256) != (pick.version, pick.pdf_sha256):
        raise OutOfTurn(
            "選択した契約文書の中に、他の利用者が処理したもの、内容が変更されたもの、または一括処理中のものがあります。"
            "表示し直した一覧をご確認ください。"
        )
    return document


def _check_step(action, document, user):
    try:
        if action is Action.confirm_receipt:
            documents.check_receipt(document, user)
        else:
            documents.check_turn(action, document, user)
    except OutOfTurn:
        raise
    except PortalError as refusal:
        raise Refused(f"{document.number}　{document.title}：{refusal.sentence}") from refusal


def _check_route(wish, chosen):
    signed = [document.number for document in chosen if document.mode.is_signed_by(Side.receiver)]
    if signed and not wish.people.get(Role.signer):
        raise Refused(f"署名者を指定してください。次の契約文書には、自社の署名が必要です：{'、'.join(signed)}")


def sharing_fees(chosen, user):
    """Those of which both companies pay, as single pages warn of (R60)."""
    return [document for document in chosen if documents.needs_fee_acknowledged(document, user.company_id)]


def fees_shown(documents_shown, user):
    """Who pays for each, by the document's id; None where the plans of the companies may not deal (R104)."""
    shown = {}
    for document in documents_shown:
        try:
            shown[document.id] = fees.fees_of(document, user.company_id)
        except PairNotAvailable:
            shown[document.id] = None
    return shown


def request(user, now, wish, *, token, activation_id=None, typed=""):
    """Check everything once, and write down what is to be done; commits the try at the password, the caller the rest.

    :param token: of the form; it makes one operation, however often it arrives (Q3)
    :param activation_id, typed: of 一括署名: the row chosen in 「証明書」 and the 署名用パスワード, which costs one try
    :returns: the operation, also where the form had made it before
    """
    made = queries.operation_by_token(user, token)
    if made is not None:
        return made
    try:
        with_factor = _check_all(user, now, wish, activation_id, typed)
        operation = _operation(user, now, wish, token, with_factor)
        db.session.add(operation)
        db.session.flush()
    except (IntegrityError, OutOfTurn, SecretRefused):  # perhaps the same form, in this very moment
        db.session.rollback()
        made = queries.operation_by_token(user, token)
        if made is None:
            raise
        return made
    return operation


def _check_all(user, now, wish, activation_id, typed):
    chosen = check(user, wish)
    if wish.action is Action.confirm_receipt and sharing_fees(chosen, user) and not wish.fee_acknowledged:
        raise Refused(FEE_WARNING)
    if wish.action is not Action.sign:
        return {}
    signatures.means_of(user, activation_id, now)
    factor = signatures.check_secret(user, None, typed, now)
    db.session.commit()  # a right password gives all tries back, also where the same form has been quicker
    return {"activation_id": activation_id, **factor}


def _operation(user, now, wish, token, with_factor):
    choice = {role.value: [person.id for person in people] for role, people in wish.people.items()}
    if wish.case is not None:
        choice["case"] = [wish.case.id]
    return BulkOperation(
        token=token, user_id=user.id, action=wish.action, requested_at=now, ip_address=client_address(),
        comment=steps.one_newline(wish.comment) or None, fee_acknowledged=wish.fee_acknowledged,
        choice=choice,
        items=[
            BulkOperationItem(position=position, **pick._asdict()) for position, pick in enumerate(wish.picks, start=1)
        ],
        **with_factor,
    )  # fmt: skip


def put_into_case(operation, document, actor):
    """Link one document to the 案件 that was typed for all, as its own page would; none leaves it as it is.

    :raises Refused: the 案件 has ended meanwhile, or the option has
    """
    for case_id in operation.choice.get("case", []):
        cases.choose(document, actor, queries.case_of(actor, case_id).number)


def choice_of(operation, document, company_id):
    """自社回覧先 for one document; the signer only where the own company signs it."""
    ids = {role: operation.choice.get(role.value, []) for role in (Role.approver, Role.signer, Role.viewer)}
    known = {person.id: person for person in queries.people_by_id(company_id, [one for some in ids.values() for one in some])}
    if any(one not in known for some in ids.values() for one in some):
        raise Refused("指定された回覧先の利用者が利用できなくなりました。回覧先を選び直して、受取確認を行ってください。")
    signers = ids[Role.signer] if document.mode.is_signed_by(Side.receiver) else []
    return routes.Choice(
        [known[one] for one in ids[Role.approver]],
        next((known[one] for one in signers), None),
        [known[one] for one in ids[Role.viewer]],
    )
