"""契約文書検索 and 長期保管契約文書検索, behind the gate, and the conditions a person keeps (I20)."""

from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import case, exists, func, or_, select, union_all
from sqlalchemy.orm import lazyload, load_only, selectinload

from app.clock import JAPAN, end_of_japan_day
from app.errors import NotFound
from app.extensions import db
from app.models import (
    Company,
    ContractCase,
    ContractDocument,
    DocumentKind,
    DocumentParty,
    ListColumn,
    ListLayout,
    PortalUser,
    RouteStep,
    SavedSearch,
)
from app.queries.documents import documents_of
from app.queries.typed import as_code, as_number, page_of
from app.workflow import IN_ARCHIVE, Side, SignatureMode, Status


@dataclass(frozen=True)
class SearchTerms:
    """契約文書検索条件; None and empty mean that the condition is not set.  Days are Japan's."""

    number: str = ""
    title: str = ""
    kind: DocumentKind | None = None
    partner: str = ""  # part of the name, or the 企業ID
    person: str = ""  # of the own company, deputies (代理) too: part of the name, or the 利用者ID
    case: str = ""  # 案件 of the own company: part of the number or of the name
    holder: str = ""  # whom it waits for, of the own company: 利用者ID
    side: Side | None = None  # of the own company
    statuses: tuple[Status, ...] = ()
    mode: SignatureMode | None = None
    registered_from: date | None = None
    registered_to: date | None = None
    concluded_from: date | None = None
    concluded_to: date | None = None
    amount_from: int | None = None
    amount_to: int | None = None
    without_amount: bool = False
    archived_from: date | None = None
    archived_to: date | None = None
    retained_from: date | None = None
    retained_to: date | None = None
    deadline_from: date | None = None
    deadline_to: date | None = None
    ends_from: date | None = None  # the last day of 契約期間
    ends_to: date | None = None


@dataclass(frozen=True)
class Order:
    """By which column 検索結果 is sorted; what is empty comes last, equal rows the newest first."""

    column: ListColumn
    descending: bool = False


NEWEST_FIRST = Order(ListColumn.number, descending=True)
SORTABLE = tuple(column for column in ListColumn if column is not ListColumn.sha256)


def search(user, terms, *, archived, order=NEWEST_FIRST, page=1, page_size=20):
    """Search the documents in process, or those in 長期保管 (R90, R94); conditions are joined by AND.

    A document without an amount is found by `without_amount` only: no range matches it (L6).
    """
    return page_of(_found(user, terms, archived, order), page, page_size, *with_companies())


def found_ids(user, terms, *, archived, order=NEWEST_FIRST, most):
    """The ids of all that :func:`search` finds, in its order, but no more than `most`."""
    found = _found(user, terms, archived, order).with_only_columns(ContractDocument.id)
    return db.session.scalars(found.limit(most)).all()


def documents_listed(user, ids):
    """Those of these documents that the person may see, in the order of `ids`, with their companies."""
    found = documents_of(user).where(ContractDocument.id.in_(ids)).options(*with_companies())
    by_id = {document.id: document for document in db.session.scalars(found)}
    return [by_id[document_id] for document_id in ids if document_id in by_id]


def saved_searches_of(user, *, in_archive):
    """The person's own 保存した検索条件 of one of the two lists, by name."""
    return db.session.scalars(
        select(SavedSearch)
        .where(SavedSearch.user_id == user.id, SavedSearch.in_archive == in_archive)
        .order_by(SavedSearch.name)
    ).all()


def columns_of(user, *, in_archive):
    """The columns the person has chosen for one of the two lists; None where nothing was chosen."""
    chosen = db.session.scalar(
        select(ListLayout.columns).where(ListLayout.user_id == user.id, ListLayout.in_archive == in_archive)
    )
    return None if chosen is None else {column for column in ListColumn if column.value in chosen}


def saved_search_of(user, search_id, *, in_archive):
    """One of the person's own, or :class:`NotFound` for unknown and foreign alike."""
    saved = next((row for row in saved_searches_of(user, in_archive=in_archive) if row.id == search_id), None)
    if saved is None:
        raise NotFound
    return saved


def _found(user, terms, archived, order):
    in_archive = ContractDocument.status.in_(IN_ARCHIVE)
    key = _sort_key(user, order.column)
    return (
        documents_of(user)
        .where(in_archive if archived else ~in_archive, *_conditions(user, terms))
        .order_by((key.desc() if order.descending else key.asc()).nulls_last(), ContractDocument.id.desc())
    )


def with_companies():
    """The companies, each with its 案件, and of which of them the holder is."""
    parties = selectinload(ContractDocument.parties)
    return (
        parties.joinedload(DocumentParty.company),
        parties.joinedload(DocumentParty.case),
        selectinload(ContractDocument.holder).options(load_only(PortalUser.company_id), lazyload(PortalUser.company)),
    )


def _conditions(user, terms):
    """Those that are set."""
    document = ContractDocument
    if terms.number:
        yield document.number.contains(as_code(terms.number), autoescape=True)
    if terms.title:
        yield document.title.icontains(terms.title, autoescape=True)
    if terms.kind:
        yield document.kind == terms.kind
    if terms.partner:
        yield _has_partner(user, terms.partner)
    if terms.person:
        yield _has_person(user, terms.person)
    if terms.case:
        yield _is_of_case(user, terms.case)
    if terms.holder:
        yield _waits_for(user, terms.holder)
    if terms.side:
        yield _own_side(user) == terms.side
    if terms.statuses:
        yield document.status.in_(terms.statuses)
    if terms.mode:
        yield document.mode == terms.mode
    if terms.without_amount:
        yield document.amount_yen.is_(None)
    if terms.registered_from:
        yield _registered_at(user) >= datetime.combine(terms.registered_from, time(), JAPAN)
    if terms.registered_to:
        yield _registered_at(user) < end_of_japan_day(terms.registered_to)
    for column, first, last in (
        (document.conclusion_date, terms.concluded_from, terms.concluded_to),
        (document.amount_yen, terms.amount_from, terms.amount_to),
        (document.archived_on, terms.archived_from, terms.archived_to),
        (document.retained_until, terms.retained_from, terms.retained_to),
        (document.deadline, terms.deadline_from, terms.deadline_to),
        (document.term_to, terms.ends_from, terms.ends_to),
    ):
        if first is not None:
            yield column >= first
        if last is not None:
            yield column <= last


def _has_partner(user, typed):
    return exists().where(
        DocumentParty.document_id == ContractDocument.id,
        DocumentParty.company_id != user.company_id,
        DocumentParty.company_id == Company.id,
        or_(Company.code == as_code(typed), Company.name.icontains(typed, autoescape=True)),
    )


def _has_person(user, typed):
    """Somebody of the own company on the route, or who acted there in another's place (代理)."""
    called = select(PortalUser.id).where(PortalUser.company_id == user.company_id, is_called(typed))
    return ContractDocument.id.in_(
        union_all(*(
            select(RouteStep.document_id).where(column.in_(called)) for column in (RouteStep.user_id, RouteStep.deputy_id)
        ))
    )  # fmt: skip


def _is_of_case(user, typed):
    return exists().where(
        DocumentParty.document_id == ContractDocument.id,
        DocumentParty.company_id == user.company_id,
        DocumentParty.case_id == ContractCase.id,
        or_(
            ContractCase.number.icontains(as_number(typed), autoescape=True),
            ContractCase.name.icontains(typed, autoescape=True),
        ),
    )


def _waits_for(user, typed):
    return exists().where(
        PortalUser.id == ContractDocument.holder_id,
        PortalUser.company_id == user.company_id,
        PortalUser.username == as_code(typed),
    )


def is_called(typed):
    """Whether a person has this 利用者ID, or a name or カナ that holds it, blanks between the names left out."""
    wanted = "".join(typed.split())
    names = (
        func.replace(func.replace(column, " ", ""), "\u3000", "").icontains(wanted, autoescape=True)
        for column in (PortalUser.full_name, PortalUser.kana)
    )
    return or_(PortalUser.username == as_code(typed), *names)


def _own_side(user):
    return (
        select(DocumentParty.side)
        .where(DocumentParty.document_id == ContractDocument.id, DocumentParty.company_id == user.company_id)
        .scalar_subquery()
    )


def _registered_at(user):
    """:meth:`ContractDocument.registered_at`, for the database."""
    return case((_own_side(user) == Side.sender, ContractDocument.created_at), else_=ContractDocument.sent_at)


def _sort_key(user, column):
    document = ContractDocument
    if column is ListColumn.registered_on:
        return _registered_at(user)
    if column is ListColumn.partner:
        return (
            select(Company.name)
            .join(DocumentParty, DocumentParty.company_id == Company.id)
            .where(DocumentParty.document_id == document.id, DocumentParty.company_id != user.company_id)
            .order_by(DocumentParty.position)
            .limit(1)
            .scalar_subquery()
        )
    if column is ListColumn.case:
        return (
            select(ContractCase.number)
            .join(DocumentParty, DocumentParty.case_id == ContractCase.id)
            .where(DocumentParty.document_id == document.id, DocumentParty.company_id == user.company_id)
            .scalar_subquery()
        )
    key = {
        ListColumn.number: document.number, ListColumn.title: document.title, ListColumn.kind: document.kind,
        ListColumn.mode: document.mode, ListColumn.status: document.status, ListColumn.amount: document.amount_yen,
        ListColumn.conclusion_date: document.conclusion_date, ListColumn.archived_on: document.archived_on,
        ListColumn.retained_until: document.retained_until, ListColumn.deadline: document.deadline,
        ListColumn.partner_number: func.nullif(document.partner_number, ""),
    }[column]  # fmt: skip
    words = getattr(key.type, "enum_class", None)
    return case(*((key == word, place) for place, word in enumerate(words))) if words else key  # as they are declared
