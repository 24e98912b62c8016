"""案件 of one company, and the documents in them, behind the gate; no other company's are ever looked at (I12)."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload

from app.errors import NotFound
from app.extensions import db
from app.models import AMENDING, ContractCase, ContractDocument, DocumentParty, PortalUser
from app.queries.documents import documents_of
from app.queries.search import is_called, with_companies
from app.queries.typed import MOST_ID, as_number, page_of
from app.workflow import Side, Status

MOST_OFFERED = 100  # 案件 that a form suggests at once; where there are more, it asks again for what is typed


@dataclass(frozen=True)
class CaseTerms:
    """案件検索条件; None and empty mean that the condition is not set."""

    number: str = ""
    name: str = ""
    work_name: str = ""
    place: str = ""
    person: str = ""  # 担当: part of the name, or the 利用者ID
    term_from: date | None = None  # the 期間 of the 案件 touches these days
    term_to: date | None = None
    is_closed: bool | None = None


@dataclass(frozen=True)
class CaseSum:
    """The documents of one 案件 that are in one status, and on one side of the own company."""

    side: Side
    status: Status
    is_amendment: bool  # 変更契約
    count: int
    amount_yen: int  # of those that have an amount
    without_amount: int  # 金額なし


def cases_found(user, terms, page=1, page_size=20):
    """案件一覧: those of the own company that go on first, then the newest first."""
    found = select(ContractCase).where(ContractCase.company_id == user.company_id, *_conditions(user, terms))
    found = found.order_by(ContractCase.closed_at.is_not(None), ContractCase.id.desc())
    return page_of(found, page, page_size, joinedload(ContractCase.person).lazyload(PortalUser.company))


def case_of(user, case_id):
    """One 案件 of the own company, or :class:`NotFound` for unknown and foreign alike."""
    found = None
    if case_id <= MOST_ID:
        found = db.session.scalar(
            select(ContractCase)
            .where(ContractCase.id == case_id, ContractCase.company_id == user.company_id)
            .options(joinedload(ContractCase.person))
        )
    if found is None:
        raise NotFound
    return found


def case_numbered(company_id, typed):
    """The 案件 of a company by its 案件番号, letters of either size and width alike; None where there is none."""
    return db.session.scalar(
        select(ContractCase).where(
            ContractCase.company_id == company_id, func.lower(ContractCase.number) == func.lower(as_number(typed))
        )
    )


def cases_offered(company_id, typed=""):
    """案件番号 and 案件名 of the newest 案件 that go on and hold what was typed, for a form that suggests them."""
    found = select(ContractCase.number, ContractCase.name).where(
        ContractCase.company_id == company_id, ContractCase.closed_at.is_(None)
    )
    if typed:
        number = func.lower(ContractCase.number).contains(as_number(typed).lower(), autoescape=True)
        found = found.where(or_(number, ContractCase.name.icontains(typed, autoescape=True)))
    return db.session.execute(found.order_by(ContractCase.id.desc()).limit(MOST_OFFERED)).all()


def count_in_cases(user, cases):
    """How many documents that the person may see each of these 案件 has; one that has none is left out."""
    seen = documents_of(user).with_only_columns(ContractDocument.id)
    asked = [case.id for case in cases]
    found = (
        select(DocumentParty.case_id, func.count())
        .where(
            DocumentParty.company_id == user.company_id, DocumentParty.case_id.in_(asked),
            DocumentParty.document_id.in_(seen),
        )
        .group_by(DocumentParty.case_id)
    )  # fmt: skip
    return dict(db.session.execute(found).all())


def sums_of_case(user, case):
    """What the documents of a 案件 come to that the person may see, by side and status, 変更契約 apart."""
    is_amendment = or_(ContractDocument.kind.in_(AMENDING), ContractDocument.original_id.is_not(None))
    found = (
        documents_of(user)
        .join(DocumentParty, _is_own_part(user, case))
        .with_only_columns(
            ContractDocument.status, ContractDocument.amount_yen, DocumentParty.side, is_amendment.label("is_amendment")
        )
        .subquery()
    )
    rows = db.session.execute(
        select(
            found.c.side, found.c.status, found.c.is_amendment, func.count(), func.coalesce(func.sum(found.c.amount_yen), 0),
            func.count() - func.count(found.c.amount_yen),
        ).group_by(found.c.side, found.c.status, found.c.is_amendment)
    )  # fmt: skip
    return [CaseSum(*where, count, int(amount), without) for *where, count, amount, without in rows]


def documents_in_case(user, case, page=1, page_size=20):
    """The documents of a 案件 that the person may see, the newest first."""
    return page_of(_in_case(user, case), page, page_size, *with_companies())


def ids_in_case(user, case, *, most):
    """The ids of :func:`documents_in_case`, in its order, but no more than `most`."""
    return db.session.scalars(_in_case(user, case).with_only_columns(ContractDocument.id).limit(most)).all()


def _in_case(user, case):
    return documents_of(user).join(DocumentParty, _is_own_part(user, case)).order_by(ContractDocument.id.desc())


def _is_own_part(user, case):
    return and_(
        DocumentParty.document_id == ContractDocument.id, DocumentParty.company_id == user.company_id,
        DocumentParty.case_id == case.id,
    )  # fmt: skip


def _conditions(user, terms):
    case = ContractCase
    if terms.number:
        yield func.lower(case.number).contains(as_number(terms.number).lower(), autoescape=True)
    for column, typed in ((case.name, terms.name), (case.work_name, terms.work_name), (case.place, terms.place)):
        if typed:
            yield column.icontains(typed, autoescape=True)
    if terms.person:
        yield exists().where(
            PortalUser.id == case.person_id, PortalUser.company_id == user.company_id, is_called(terms.person)
        )
    if terms.is_closed is not None:
        yield case.closed_at.is_not(None) if terms.is_closed else case.closed_at.is_(None)
    if terms.term_from or terms.term_to:
        yield or_(case.term_from.is_not(None), case.term_to.is_not(None))
    if terms.term_from:
        yield or_(case.term_to.is_(None), case.term_to >= terms.term_from)
    if terms.term_to:
        yield or_(case.term_from.is_(None), case.term_from <= terms.term_to)
