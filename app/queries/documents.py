"""What a person may see of the documents: :func:`documents_of` is the one gate, every list, page,
download and verb gets its document there.
"""

from sqlalchemy import and_, exists, func, or_, select, union_all
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import ContractDocument, Delegation, DocumentParty, DocumentRevision, PortalUser, RouteStep
from app.queries.delegations import acts_as_deputy, deputy_of, represented_by
from app.queries.typed import MOST_ID, page_of
from app.workflow import OPEN, REASSIGNABLE, TURN_ACTIONS, WAITING, WITH_REGISTRAR, Role, Side


def documents_of(user):
    """Select the documents `user` may see: those of whose route in the own company the person is part.

    A 管理用ID sees all documents of the own company.  What was never sent is its registrar's alone, a
    receiver's company sees a document from 受領側受取待ち on and until a 差戻 or 取下げ.  A deputy (代理) sees
    what waits for the person now, and what the deputy did in that person's place.

    Source: R89, I18
    """
    own = aliased(DocumentParty, name="own_party")
    return (
        select(ContractDocument)
        .join(own, and_(own.document_id == ContractDocument.id, own.company_id == user.company_id, own.is_open))
        .where(
            or_(ContractDocument.sent_at.is_not(None), ContractDocument.registrar_id == user.id),
            True if user.is_company_admin else _is_part(user, own),
        )
    )


def _is_part(user, own):
    """Whether the own company's part of the route lets the person in.

    The alternatives stand where each has its index: two columns of one row for what the person is or was part of,
    and, for the days of a 代理, a second select by the holder; no OR stands between joins.
    """
    represented = represented_by(user)
    is_theirs = or_(RouteStep.user_id == user.id, RouteStep.deputy_id == user.id)
    if not represented:
        return exists().where(RouteStep.party_id == own.id, is_theirs)
    waiting = aliased(ContractDocument, name="waiting")
    party = aliased(DocumentParty, name="waiting_party")
    in_place = select(party.id).where(
        party.document_id == waiting.id, party.company_id == user.company_id,
        waiting.holder_id.in_(represented), waiting.status.in_(WAITING),
    )  # fmt: skip
    return own.id.in_(union_all(select(RouteStep.party_id).where(is_theirs), in_place))


def document_of(user, document_id):
    """One document with all its page needs, or :class:`NotFound` for unknown and foreign alike."""
    if document_id > MOST_ID:
        raise NotFound
    found = documents_of(user).where(ContractDocument.id == document_id)
    options = (
        joinedload(ContractDocument.archive_record),
        joinedload(ContractDocument.holder).joinedload(PortalUser.delegations).joinedload(Delegation.deputy),
        joinedload(ContractDocument.parties).joinedload(DocumentParty.company),
        joinedload(ContractDocument.attachment_rows),  # few of each: one statement, and as many rows as all times
        selectinload(ContractDocument.route).joinedload(RouteStep.user),
    )
    document = db.session.scalars(found.options(*options)).unique().one_or_none()
    if document is None:
        raise NotFound
    return document


def may_open_pdf(user, document, admin_opens_pdf):
    """Whether the file itself may be opened; an administrator off the route sees the facts only (I18)."""
    if admin_opens_pdf:
        return True
    is_part = any(user.id in (step.user_id, step.deputy_id) for step in document.route)
    return is_part or acts_as_deputy(user, document)


def documents_with(user):
    """The documents `user` may see and is personally part of, by number."""
    return db.session.scalars(
        documents_of(user)
        .where(
            exists().where(
                RouteStep.document_id == ContractDocument.id,
                or_(RouteStep.user_id == user.id, RouteStep.deputy_id == user.id),
            )
        )
        .order_by(ContractDocument.number)
        .options(selectinload(ContractDocument.route), selectinload(ContractDocument.signatures))
    ).all()


def my_list(user, *, page=1, page_size=50):
    """マイリスト: the documents that wait for this person, or for somebody in whose place the person may act
    (代理), the longest waiting first (R40)."""
    represented = represented_by(user)
    mine = and_(ContractDocument.holder_id == user.id, ContractDocument.status.in_(OPEN))
    theirs = and_(ContractDocument.holder_id.in_(represented), ContractDocument.status.in_(WAITING))
    found = (
        documents_of(user)
        .where(or_(mine, theirs) if represented else mine)
        .order_by(ContractDocument.sent_at.nulls_last(), ContractDocument.id)
    )
    return page_of(
        found, page, page_size,
        selectinload(ContractDocument.parties).joinedload(DocumentParty.company), joinedload(ContractDocument.holder),
    )  # fmt: skip


def documents_held_by(user):
    """The open documents that wait for this person now or will do so later, the oldest first (B5).

    :func:`app.services.routes.unfinished`, for the database; a 参照者 holds nothing.  Not all of them may
    be shown to the person's administrator: see :func:`documents_of`.
    """
    comes = exists().where(
        RouteStep.document_id == ContractDocument.id,
        RouteStep.party_id == DocumentParty.id,
        RouteStep.user_id == user.id,
        RouteStep.status.is_not(None),
        or_(
            and_(ContractDocument.status.in_(WAITING), RouteStep.closed_at.is_(None)),
            and_(ContractDocument.status.in_(WITH_REGISTRAR), DocumentParty.side == Side.sender),
        ),
    )
    return db.session.scalars(
        select(ContractDocument)
        .where(ContractDocument.status.in_(REASSIGNABLE), or_(ContractDocument.registrar_id == user.id, comes))
        .order_by(ContractDocument.id)
        .options(selectinload(ContractDocument.parties).joinedload(DocumentParty.company))
    ).all()


def multilateral_of(ids):
    """The ids of those of the documents that have three or more companies (I7)."""
    counted = select(DocumentParty.document_id).where(DocumentParty.document_id.in_(ids))
    return set(db.session.scalars(counted.group_by(DocumentParty.document_id).having(func.count() > 2)))


def visible_of(user, documents):
    """The ids of those of the documents that the person may see."""
    asked = [document.id for document in documents]
    seen = documents_of(user).where(ContractDocument.id.in_(asked))
    return set(db.session.scalars(seen.with_only_columns(ContractDocument.id)))


def current_revision(document):
    """The stored revision of the file that everybody sees now."""
    return db.session.scalar(
        select(DocumentRevision)
        .where(DocumentRevision.document_id == document.id, DocumentRevision.sha256 == document.pdf_sha256)
        .order_by(DocumentRevision.position.desc())
        .limit(1)
    )


def everyone_involved(document):
    """Everybody who has a part in the document, of all its companies, each once (R62); also who acted as a deputy."""
    deputies = [step.deputy for step in document.route if step.deputy is not None]
    return list({person.id: person for person in [*(step.user for step in document.route), *deputies]}.values())


def everyone_told(document):
    """Everybody whom the document has reached so far, each once (T12).

    Those are who took a turn, in whichever round, who has the turn now and the deputy of that person, and the
    sender's registrar and 参照者 once it was sent.
    """
    told = [event.actor for event in document.events if event.action in TURN_ACTIONS]
    told += [event.on_behalf_of for event in document.events if event.on_behalf_of is not None]
    if document.turn is not None:
        told += [document.turn.user, *filter(None, [deputy_of(document.turn.user)])]
    if document.sent_at is not None:
        told += [document.registrar, *document.sender.people(Role.viewer)]
    return [person for person in {person.id: person for person in told}.values() if person.is_selectable]
