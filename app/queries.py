"""What a person may see: select statements only.

:func:`documents_of` is the one gate; every list, page, download and verb gets its document there.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time

from flask_appbuilder.security.sqla.models import Role as FabRole
from sqlalchemy import and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from app.clock import JAPAN, end_of_japan_day
from app.errors import NotFound
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    ApplicationState,
    Certificate,
    CertificateActivation,
    CertificateApplication,
    Company,
    CompanyChange,
    ContractDocument,
    DocumentKind,
    DocumentParty,
    DocumentRevision,
    ListColumn,
    LoginSession,
    PortalUser,
    RouteStep,
    SavedSearch,
    SigningCode,
)
from app.workflow import (
    IN_ARCHIVE,
    OPEN,
    REASSIGNABLE,
    TURN_ACTIONS,
    WAITING,
    WITH_REGISTRAR,
    Role,
    Side,
    SignatureMode,
    Status,
)

MOST_ID = 2**31 - 1  # what the column of a number holds; a greater one in an address is nobody's


def is_id(typed):
    """Whether what stands in an address may be the number of a row."""
    return re.fullmatch("[0-9]{1,10}", typed) is not None and int(typed) <= MOST_ID


def documents_of(user):
    """Select the documents `user` may see: those of whose route in the own company the person is part.

    A 管理用ID sees all documents of the own company.  What was never sent is its registrar's alone, a
    receiver's company sees a document from 受領側受取待ち on and until a 差戻 or 取下げ.

    Source: R89, I18
    """
    own = aliased(DocumentParty, name="own_party")
    on_route = exists().where(RouteStep.party_id == own.id, RouteStep.user_id == user.id)
    return (
        select(ContractDocument)
        .join(own, and_(own.document_id == ContractDocument.id, own.company_id == user.company_id, own.is_open))
        .where(
            or_(ContractDocument.sent_at.is_not(None), ContractDocument.registrar_id == user.id),
            True if user.is_company_admin else on_route,
        )
    )


def document_of(user, document_id):
    """One document with all its page needs, or :class:`NotFound` for unknown and foreign alike."""
    if document_id > MOST_ID:
        raise NotFound
    document = db.session.scalar(
        documents_of(user)
        .where(ContractDocument.id == document_id)
        .options(
            joinedload(ContractDocument.holder),
            selectinload(ContractDocument.parties).joinedload(DocumentParty.company),
            selectinload(ContractDocument.route).joinedload(RouteStep.user),
        )
    )
    if document is None:
        raise NotFound
    return document


def may_open_pdf(user, document, admin_opens_pdf):
    """Whether the file itself may be opened; an administrator off the route sees the facts only (I18)."""
    if admin_opens_pdf:
        return True
    return any(step.user_id == user.id for step in document.route)


def documents_with(user):
    """The documents `user` may see and is personally part of, by number."""
    return db.session.scalars(
        documents_of(user)
        .where(exists().where(RouteStep.document_id == ContractDocument.id, RouteStep.user_id == user.id))
        .order_by(ContractDocument.number)
        .options(selectinload(ContractDocument.route), selectinload(ContractDocument.signatures))
    ).all()


def my_list(user):
    """マイリスト: the documents that wait for this person, the longest waiting first (R40)."""
    return db.session.scalars(
        documents_of(user)
        .where(ContractDocument.holder_id == user.id, ContractDocument.status.in_(OPEN))
        .order_by(ContractDocument.sent_at.nulls_last(), ContractDocument.id)
        .options(selectinload(ContractDocument.parties).joinedload(DocumentParty.company))
    ).all()


@dataclass(frozen=True)
class SearchTerms:
    """契約文書検索条件; None and empty mean that the condition is not set.  Days are Japan's."""

    number: str = ""
    title: str = ""
    kind: DocumentKind | None = None
    partner: str = ""  # part of the name, or the 企業ID
    person: str = ""  # of the own company: part of the name, or the 利用者ID
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


@dataclass(frozen=True)
class Order:
    """By which column 検索結果 is sorted; what is empty comes last, equal rows the newest first."""

    column: ListColumn
    descending: bool = False


NEWEST_FIRST = Order(ListColumn.number, descending=True)
SORTABLE = tuple(column for column in ListColumn if column is not ListColumn.sha256)


@dataclass(frozen=True)
class Found:
    """One page of what was found."""

    rows: list
    total: int
    page: int
    page_size: int

    @property
    def pages(self):
        return max(1, -(-self.total // self.page_size))


def search(user, terms, *, archived, order=NEWEST_FIRST, page=1, page_size=20):
    """Search the documents in process, or those in 長期保管 (R90, R94); conditions are joined by AND.

    A document without an amount is found by `without_amount` only: no range matches it (L6).
    """
    return _page_of(_found(user, terms, archived, order), page, page_size, _with_companies())


def found_ids(user, terms, *, archived, order=NEWEST_FIRST, most):
    """The ids of all that :func:`search` finds, in its order, but no more than `most`."""
    found = _found(user, terms, archived, order).with_only_columns(ContractDocument.id)
    return db.session.scalars(found.limit(most)).all()


def documents_listed(user, ids):
    """Those of these documents that the person may see, in the order of `ids`, with their companies."""
    found = documents_of(user).where(ContractDocument.id.in_(ids)).options(_with_companies())
    by_id = {document.id: document for document in db.session.scalars(found)}
    return [by_id[document_id] for document_id in ids if document_id in by_id]


def saved_searches_of(user, *, in_archive):
    """The person's own 保存した検索条件 of one of the two lists, by name."""
    return db.session.scalars(
        select(SavedSearch)
        .where(SavedSearch.user_id == user.id, SavedSearch.in_archive == in_archive)
        .order_by(SavedSearch.name)
    ).all()


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


def _with_companies():
    return selectinload(ContractDocument.parties).joinedload(DocumentParty.company)


def _page_of(found, page, page_size, *options):
    total = db.session.scalar(select(func.count()).select_from(found.order_by(None).subquery()))
    page = min(page, max(1, -(-total // page_size)))
    rows = db.session.scalars(found.limit(page_size).offset((page - 1) * page_size).options(*options)).unique().all()
    return Found(rows, total, page, page_size)


def _conditions(user, terms):
    document = ContractDocument
    if terms.number:
        yield document.number.contains(as_code(terms.number), autoescape=True)
    if terms.title:
        yield document.title.icontains(terms.title, autoescape=True)
    if terms.kind:
        yield document.kind == terms.kind
    if terms.partner:
        yield exists().where(
            DocumentParty.document_id == document.id,
            DocumentParty.company_id != user.company_id,
            DocumentParty.company_id == Company.id,
            or_(Company.code == as_code(terms.partner), Company.name.icontains(terms.partner, autoescape=True)),
        )
    if terms.person:
        yield exists().where(
            RouteStep.document_id == document.id,
            RouteStep.user_id == PortalUser.id,
            PortalUser.company_id == user.company_id,
            _is_called(terms.person),
        )
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
    ):
        if first is not None:
            yield column >= first
        if last is not None:
            yield column <= last


def _is_called(typed):
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
    key = {
        ListColumn.number: document.number, ListColumn.title: document.title, ListColumn.kind: document.kind,
        ListColumn.mode: document.mode, ListColumn.status: document.status, ListColumn.amount: document.amount_yen,
        ListColumn.conclusion_date: document.conclusion_date, ListColumn.archived_on: document.archived_on,
        ListColumn.retained_until: document.retained_until,
    }[column]  # fmt: skip
    words = getattr(key.type, "enum_class", None)
    return case(*((key == word, place) for place, word in enumerate(words))) if words else key  # as they are declared


def as_code(typed):
    """A 企業ID, 利用者ID or number as typed, full-width letters and small ones too, in the form that is kept."""
    return unicodedata.normalize("NFKC", typed).strip().upper()


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


def visible_of(user, documents):
    """The ids of those of the documents that the person may see."""
    asked = [document.id for document in documents]
    seen = documents_of(user).where(ContractDocument.id.in_(asked))
    return set(db.session.scalars(seen.with_only_columns(ContractDocument.id)))


def colleagues(company_id, user_code=""):
    """利用者選択: the selectable people of one company, all or those whose 利用者ID holds `user_code` (R68)."""
    found = _selectable(company_id)
    if user_code:
        found = found.where(PortalUser.username.contains(as_code(user_code), autoescape=True))
    return db.session.scalars(found.order_by(PortalUser.username)).unique().all()


def people_by_code(company_id, user_codes):
    """The selectable people of one company by 利用者ID (upper case); whoever is missing is not one."""
    people = db.session.scalars(_selectable(company_id).where(PortalUser.username.in_(user_codes))).unique()
    return {person.user_code: person for person in people}


def people_of(company_id, *, code="", name="", with_deleted=False, page=1, page_size=20):
    """利用者情報照会: the people of one company by 利用者ID, those deleted only when asked for (R26)."""
    found = select(PortalUser).where(PortalUser.company_id == company_id)
    if not with_deleted:
        found = found.where(PortalUser.deleted_at.is_(None))
    if code:
        found = found.where(PortalUser.username.contains(as_code(code), autoescape=True))
    if name:
        found = found.where(
            or_(column.icontains(name.strip(), autoescape=True) for column in (PortalUser.full_name, PortalUser.kana))
        )
    return _page_of(found.order_by(PortalUser.username), page, page_size, selectinload(PortalUser.activations))


def person_of(company_id, user_id):
    """One person of a company, deleted or not, or :class:`NotFound` for unknown and foreign alike."""
    person = db.session.get(PortalUser, user_id) if user_id <= MOST_ID else None
    if company_id is None or person is None or person.company_id != company_id:
        raise NotFound
    return person


def administrators_of(company_id):
    """The active 管理用ID of one company (R8)."""
    found = _selectable(company_id).where(PortalUser.roles.any(name="CompanyAdmin"))
    return db.session.scalars(found.order_by(PortalUser.username)).unique().all()


def role_rows(*names):
    """Flask-AppBuilder's rows of these roles."""
    return db.session.scalars(select(FabRole).where(FabRole.name.in_(names))).all()


def _selectable(company_id):
    return select(PortalUser).where(
        PortalUser.company_id == company_id, PortalUser.active.is_(True), PortalUser.deleted_at.is_(None)
    )


def company_by_code(company_code):
    return db.session.scalar(select(Company).where(Company.code == as_code(company_code)))


def signer_ids(user_ids, moment):
    """Which of these people are 署名用ID: linked to a certificate that may be used at `moment` (R19)."""
    return set(
        db.session.scalars(
            select(CertificateActivation.user_id)
            .join(Certificate)
            .where(CertificateActivation.user_id.in_(user_ids), *_usable(moment))
        )
    )


def without_certificate(people, moment):
    """Those of these people who have no certificate to sign with."""
    known = signer_ids([person.id for person in people], moment)
    return [person for person in people if person.id not in known]


def activations_of(user, moment):
    """The person's links to certificates that may be used at `moment`, by certificate number."""
    return db.session.scalars(
        select(CertificateActivation)
        .join(Certificate)
        .where(CertificateActivation.user_id == user.id, *_usable(moment))
        .order_by(Certificate.number)
    ).all()


def all_activations_of(user):
    """The person's links to certificates, also of those that ended, by certificate number."""
    return db.session.scalars(
        select(CertificateActivation)
        .join(Certificate)
        .where(CertificateActivation.user_id == user.id)
        .order_by(Certificate.number)
    ).all()


def person_of_session(user_id, login_session_id):
    """Whose cookie this is, while the log-in session it names goes on; else None (S10)."""
    return db.session.scalar(
        select(PortalUser)
        .join(LoginSession, LoginSession.user_id == PortalUser.id)
        .where(PortalUser.id == user_id, LoginSession.id == login_session_id, LoginSession.ended_at.is_(None))
    )


def person_half_way(stamp):
    """Who has given the password and owes the second factor; None where the log-in came to nothing since."""
    user = db.session.scalar(select(PortalUser).where(PortalUser.id == int(stamp.partition(":")[0])))
    is_current = user is not None and user.is_selectable and user.has_second_factor and user.log_in_stamp == stamp
    return user if is_current else None


def login_session_of(user, login_session_id):
    """One of the person's own sessions, or :class:`NotFound` for unknown and foreign alike."""
    found = None
    if login_session_id <= MOST_ID:
        found = db.session.scalar(
            select(LoginSession).where(LoginSession.id == login_session_id, LoginSession.user_id == user.id)
        )
    if found is None:
        raise NotFound
    return found


def open_sessions_of(user, since):
    """The person's sessions that began after `since` and were not ended, the newest first."""
    return db.session.scalars(
        select(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None), LoginSession.started_at > since)
        .order_by(LoginSession.id.desc())
    ).all()


def log_ins_of(user, most=20):
    """The person's last log-ins and refused ones, the newest first."""
    return db.session.scalars(
        select(AccountEvent)
        .where(
            AccountEvent.user_id == user.id,
            AccountEvent.action.in_((AccountAction.log_in, AccountAction.log_in_refused)),
        )
        .order_by(AccountEvent.id.desc())
        .limit(most)
    ).all()


def _usable(moment):
    """:meth:`Certificate.is_usable`, for the database."""
    return Certificate.revoked_at.is_(None), Certificate.not_before <= moment, Certificate.not_after > moment


def certificates_of(user, number=""):
    """自社電子証明書照会: those of the own company, the newest first, all or those whose number holds `number`."""
    found = _own_certificates(user).order_by(Certificate.number.desc())
    if number:
        found = found.where(Certificate.number.contains(as_code(number), autoescape=True))
    return db.session.scalars(found).all()


def certificate_of(user, certificate_id):
    """One of the own company's, or :class:`NotFound` for unknown and foreign alike."""
    if certificate_id > MOST_ID:
        raise NotFound
    certificate = db.session.scalar(_own_certificates(user).where(Certificate.id == certificate_id))
    if certificate is None:
        raise NotFound
    return certificate


def _own_certificates(user):
    return (
        select(Certificate)
        .where(Certificate.company_id == user.company_id)
        .options(selectinload(Certificate.activations).joinedload(CertificateActivation.user))
    )


def applications_of(user):
    """The own company's applications for certificates, the newest first."""
    return db.session.scalars(
        select(CertificateApplication)
        .where(CertificateApplication.company_id == user.company_id)
        .order_by(CertificateApplication.id.desc())
        .options(
            joinedload(CertificateApplication.applicant),
            joinedload(CertificateApplication.replaced),
            joinedload(CertificateApplication.issued),
        )
    ).all()


def people_by_id(company_id, user_ids):
    """The selectable people of one company among these ids, by 利用者ID."""
    found = _selectable(company_id).where(PortalUser.id.in_(user_ids)).order_by(PortalUser.username)
    return db.session.scalars(found).unique().all()


def valid_signing_code(user, document, moment):
    """The 署名用コード that was mailed to the person for the document as it is, and can be used still; or None."""
    code = db.session.scalar(
        select(SigningCode)
        .where(SigningCode.user_id == user.id, SigningCode.document_id == document.id)
        .order_by(SigningCode.id.desc())
        .limit(1)
    )
    return code if code is not None and code.is_valid_for(document, moment) else None


def current_revision(document):
    """The stored revision of the file that everybody sees now."""
    return db.session.scalar(
        select(DocumentRevision)
        .where(DocumentRevision.document_id == document.id, DocumentRevision.sha256 == document.pdf_sha256)
        .order_by(DocumentRevision.position.desc())
        .limit(1)
    )


@dataclass(frozen=True)
class HistoryTerms:
    """Conditions of 操作履歴照会; None and empty mean that the condition is not set.  Days are Japan's."""

    user_code: str = ""
    action: AccountAction | None = None
    first: date | None = None
    last: date | None = None


def account_history(company_id, terms, page=1, page_size=50):
    """操作履歴 of one company, newest first (I19)."""
    found = select(AccountEvent).where(AccountEvent.company_id == company_id)
    if terms.user_code:
        named = PortalUser.username.contains(as_code(terms.user_code), autoescape=True)
        found = found.where(or_(AccountEvent.user.has(named), AccountEvent.actor.has(named)))
    if terms.action:
        found = found.where(AccountEvent.action == terms.action)
    if terms.first:
        found = found.where(AccountEvent.at >= datetime.combine(terms.first, time(), JAPAN))
    if terms.last:
        found = found.where(AccountEvent.at < end_of_japan_day(terms.last))
    with_people = (joinedload(AccountEvent.user), joinedload(AccountEvent.actor))
    return _page_of(found.order_by(AccountEvent.id.desc()), page, page_size, *with_people)


def open_change_of(company_id):
    """The 変更申請 of a company that waits for the operator, or None."""
    return db.session.scalar(
        select(CompanyChange).where(
            CompanyChange.company_id == company_id, CompanyChange.state == ApplicationState.received
        )
    )


def everyone_involved(document):
    """Everybody who has a part in the document, of all its companies, each once (R62)."""
    return list({step.user_id: step.user for step in document.route}.values())


def everyone_told(document):
    """Everybody whom the document has reached so far, each once (T12).

    Those are who took a turn, in whichever round, who has the turn now, and the sender's registrar and
    参照者 once it was sent.
    """
    told = [event.actor for event in document.events if event.action in TURN_ACTIONS]
    if document.turn is not None:
        told.append(document.turn.user)
    if document.sent_at is not None:
        told += [document.registrar, *document.sender.people(Role.viewer)]
    return [person for person in {person.id: person for person in told}.values() if person.is_selectable]


def names_by_address():
    """Company and name of everybody, by mail address; for the demo's page of mails."""
    people = db.session.scalars(select(PortalUser).order_by(PortalUser.username)).unique()
    return {
        person.mail_address: " ".join(filter(None, [person.company and person.company.name, person.full_name]))
        for person in people
    }
