"""What every step of a document shares: who may take it, and what it writes.

A verb takes the document, who acts and when; it changes rows and leaves the commit to its
caller, so that the step, its event and its letters are saved together or not at all.
"""

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from app.clock import japan_date
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import ArchiveRecord, CompanyStatus, DocumentEvent, PortalUser, RouteStep
from app.queries import acts_as_deputy
from app.services import consents, outbox, service_changes, usage
from app.workflow import CONCLUDED, HIDDEN_FROM_RECEIVERS, WAITING, WITH_REGISTRAR, By, arrive, find_step


def open_step(action, document, actor, now=None):
    """The row of the table for an action of who has the turn.

    :param now: of a step that is about to be taken: what is due of the companies by then takes effect first, above
        all a 解約, whether or not a worker runs; None where a page only asks, for looking changes no row
    :raises OutOfTurn: it is not this person's to take now
    :raises Refused: one of the companies may not act at present, or its 電子契約の承諾 is lacking
    """
    if now is not None:
        service_changes.apply_due([party.company_id for party in document.parties], now)
    step = find_step(action, document.status)
    if step is None:
        raise OutOfTurn
    hold(document, actor)
    for party in document.parties:
        check_active(party.company, by=_knows(actor, party))
    consents.check(action, document, actor)
    return step


def hold(document, actor):
    """Refuse whoever does not have the document now, as its holder or as the holder's deputy (代理)."""
    if not has_turn(document, actor):
        raise OutOfTurn


def has_turn(document, actor):
    """Whether the person may act on the document now, in the own place or in the holder's (代理)."""
    return document.holder_id is not None and (actor.id == document.holder_id or acts_as_deputy(actor, document))


def represented(document, actor):
    """In whose place somebody who has the turn acts; None in the own (代理)."""
    return document.holder if actor is not None and actor.id != document.holder_id else None


def _knows(actor, party):
    """Whether somebody may read which company it is: the sender knows all, a receiver the sender and itself (I18)."""
    sender = party.document.sender.company_id
    return actor.company_id in (sender, party.company_id) or party.company_id == sender


def check_active(company, *, by=False):
    """Refuse while the company is suspended or has left (G_company).

    :param by: whether the sentence calls the company by its name
    """
    if company.status is not CompanyStatus.active:
        who = f"「{company.name}」" if by else "自社または取引先"
        raise Refused(f"{who}のご利用が停止されているため、操作できません。お問い合わせ窓口にご連絡ください。")


def take(step, document, actor, now, reason=""):
    """Close the turn, write the new status and holder, record the event, owe its letters."""
    old_status = document.status
    absent = represented(document, actor) if step.by is By.holder else None
    turn = document.turn
    if turn is not None:
        close(turn, step.action, document, actor, now)
    if step.target in WAITING:
        _walk_anew(turn.party)
    document.status = arrive(step, [turn.status for turn in document.open_turns])
    hand_over(document)
    _open_to_companies(document)
    is_conclusion = document.status in CONCLUDED and document.concluded_at is None
    if is_conclusion:
        document.concluded_at = now
        document.conclusion_date = document.conclusion_date or japan_date(now)
        document.archive_record = ArchiveRecord(check_due_at=now, lock_due_at=now)  # from now on its files are looked after
    event = record(step.action, document, actor, now, old_status=old_status, reason=reason, absent=absent)
    outbox.tell(event)
    if is_conclusion:
        usage.document_concluded(document, now)
    return event


def close(turn, outcome, document, actor, now):
    """Note at a turn what was done at it, and by whom where it was a deputy.

    A turn taken again, after 差戻 or 社内差戻, forgets who was the deputy before; the events keep it.
    """
    turn.outcome, turn.closed_at = outcome, now
    turn.deputy = actor if represented(document, actor) is not None else None


def _walk_anew(party):
    """社内差戻: all turns of the own company are to be taken again; whoever acted goes on seeing the document."""
    for step in party.steps:
        step.outcome = step.closed_at = None


def hand_over(document):
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


def record(action, document, actor, now, *, old_status, reason="", absent=None):
    """Note what happened to the document, with the file as it is now; events are added, never changed.

    :param absent: in whose place the actor did it (代理)
    """
    party = document.party_of(actor.company_id) if actor is not None else None
    event = DocumentEvent(
        document=document, action=action, actor=actor, on_behalf_of=absent, at=now, reason=reason, revision=document.revision,
        company=party.company if party else None, side=party.side if party else None,
        old_status=old_status, new_status=document.status, pdf_sha256=document.pdf_sha256,
        attachments_sha256=[row.sha256 for row in document.attachments],
    )  # fmt: skip
    db.session.add(event)
    return event


def mark_acted(document):
    """Count a version for an act that is no step, so that a second click on the same page is told so."""
    flag_modified(document, "status")


MOST_REASON = 1000  # characters


def one_newline(text):
    """Line breaks as one character each, as the browser counts them against the length it allows."""
    return text.replace("\r\n", "\n")
