"""取適法第4条の明示 and 書面の交付: when a receiver could read the document, who asked for paper, what was done (L19, L20).

Source: 中小受託取引適正化法 第4条, 特定受託事業者に係る取引の適正化等に関する法律 第3条
"""

from dataclasses import dataclass
from datetime import datetime

from app import queries
from app.clock import japan_date
from app.errors import NotFound, OutOfTurn, Refused
from app.extensions import db
from app.models import Letter, PaperDelivery, PaperRequest
from app.services import editions, outbox, steps
from app.workflow import TOWARDS_CONCLUSION, Role, Status

MOST_NOTE = 500  # characters


def disclosed_at(document, party):
    """明示日時: when the latest revision became available to a receiver; None where it has not yet.

    That is the step with which the document came to this company's 受領側受取待ち: of several receivers, each in turn.
    A 差戻 or 取下げ takes the document away, and leaves the fact that it was disclosed (L19).
    """
    if party is document.sender:
        return None
    arrivals = _arrivals(document, document.revision)
    turn = document.receivers.index(party)
    return arrivals[turn] if turn < len(arrivals) else None


def _arrivals(document, revision):
    """When the document came to each receiver in one round, in their order."""
    return [
        event.at for event in document.events
        if event.revision == revision and event.action in TOWARDS_CONCLUSION
        and event.new_status is Status.receiver_receipt
    ]  # fmt: skip


def disclosures_of(document, company_id):
    """(party, 明示日時) of each receiver a company may know of: the sender of all, a receiver of itself."""
    own = document.party_of(company_id)
    receivers = document.receivers if own is document.sender else [own]
    return [(party, disclosed_at(document, party)) for party in receivers]


@dataclass(frozen=True)
class EarlierDisclosure:
    """A 明示 of a round before the present one."""

    number: int  # of the round, as ［変更内容の確認］ counts those that the company knows, from 1
    company_name: str
    at: datetime


def earlier_disclosures_of(document, person):
    """What was disclosed before a 差戻 or 取下げ, the oldest first, as far as the person's company may know (I18).

    The sender knows the rounds of all receivers, by the names they were sent under; a receiver those in which somebody
    of it took a turn.
    """
    if document.revision == 1:
        return []
    company, found = document.party_of(person.company_id).company, []
    for number, edition in enumerate(queries.editions_of(person, document), start=1):
        if edition.revision == document.revision or not editions.was_disclosure(edition):
            continue
        for (name, code), at in zip(editions.receivers_in(edition), _arrivals(document, edition.revision), strict=False):
            if company is document.sender.company or code == company.code:
                found.append(EarlierDisclosure(number, name, at))
    return found


def may_request(document, person, requests=None):
    """Whether the person may ask for paper: of a receiver that can read the document, not a mere 参照者, nothing open.

    :param requests: those of the person's company, where the caller has them already
    """
    party = document.party_of(person.company_id)
    if not document.is_disclosure or party is None or not party.is_open or disclosed_at(document, party) is None:
        return False
    acts = any(person.id in (step.user_id, step.deputy_id) and step.role is not Role.viewer for step in party.steps)
    if not (acts or person.is_company_admin):
        return False
    if requests is None:
        requests = queries.paper_requests_of(document, person.company_id)
    return all(request.deliveries for request in requests)


def may_answer(document, person):
    """Whether the person may record what was done: the sender's registrar and its administrators."""
    own = person.company_id == document.sender.company_id
    return own and (person.id == document.registrar_id or person.is_company_admin)


def request(document, actor, now, *, note=""):
    """［書面の交付を請求する］: the sender's registrar and administrators are told at once.

    :raises OutOfTurn: not available to this person, or a request is open already
    """
    if not may_request(document, actor):
        raise OutOfTurn
    note = _checked(note)
    earlier = queries.paper_requests_of(document, actor.company_id)
    row = PaperRequest(
        document=document, company=actor.company, position=len(earlier) + 1, actor=actor, at=now, note=note
    )
    db.session.add(row)
    registrar = document.registrar
    people = [*([registrar] if registrar.is_selectable else []), *queries.administrators_of(registrar.company_id)]
    for person in {person.id: person for person in people}.values():
        outbox.owe(Letter.paper_requested, person, now, document=document, by=actor.company.name, note=note, **_parties(document))
    return row


def request_of(document, request_id, person):
    """A request of the document for whoever may answer it, or :class:`NotFound`."""
    found = next((r for r in queries.paper_requests_of(document, person.company_id) if r.id == request_id), None)
    if found is None or not may_answer(document, person):
        raise NotFound
    return found


def record_delivery(request, actor, now, *, delivered_on, method, note="", drawn):
    """書面の交付の記録: when and how; once recorded it can be corrected by another record only.

    :param drawn: how many records the page showed
    :raises OutOfTurn: somebody recorded meanwhile
    :raises Refused: a day before the request or after today, in Japan
    """
    if drawn != len(request.deliveries):
        raise OutOfTurn
    if not japan_date(request.at) <= delivered_on <= japan_date(now):
        raise Refused("交付日は、請求日から本日までの日付で入力してください。")
    row = PaperDelivery(
        request=request, position=drawn + 1, delivered_on=delivered_on, method=method, note=_checked(note),
        actor=actor, at=now,
    )  # fmt: skip
    db.session.add(row)
    document = request.document
    people = [request.actor] if request.actor.is_selectable else queries.administrators_of(request.company_id)
    for person in people:
        if _sees(document, person):
            outbox.owe(
                Letter.paper_delivered, person, now, document=document, by=document.sender.company.name,
                delivered_on=f"{delivered_on:%Y/%m/%d}", method=method.value, note=row.note, **_parties(document),
            )  # fmt: skip
    return row


def _sees(document, person):
    return bool(queries.visible_of(person, [document]))


def _checked(note):
    note = steps.one_newline(note).strip()
    if len(note) > MOST_NOTE:
        raise Refused(f"連絡事項は{MOST_NOTE}文字以内で入力してください。")
    return note


def _parties(document):
    return {
        "sender": document.sender.company.name,
        "receivers": [party.company.name for party in document.receivers],
    }
