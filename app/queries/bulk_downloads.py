"""一括ダウンロード: the person's own, the documents in one, and what is due."""

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import (
    IN_WORK,
    BulkDownload,
    BulkDownloadItem,
    ContractDocument,
    DocumentParty,
    PortalUser,
    RouteStep,
)
from app.queries.delegations import represented_by
from app.queries.documents import documents_of
from app.queries.typed import MOST_ID
from app.workflow import WAITING


def openable(user, admin_opens_pdf):
    """Select the documents whose PDF `user` may open: :func:`may_open_pdf`, for the database.

    Who is no administrator sees those only of whose route they are part, and opens what they see.
    """
    seen = documents_of(user)
    if admin_opens_pdf or not user.is_company_admin:
        return seen
    is_part = exists().where(
        RouteStep.document_id == ContractDocument.id, or_(RouteStep.user_id == user.id, RouteStep.deputy_id == user.id)
    )
    represented = represented_by(user)
    waits = and_(ContractDocument.holder_id.in_(represented), ContractDocument.status.in_(WAITING))
    return seen.where(or_(is_part, waits) if represented else is_part)


def openable_ids(user, ids, admin_opens_pdf):
    """Those of the ids whose PDF the person may open."""
    found = openable(user, admin_opens_pdf).where(ContractDocument.id.in_(ids))
    return set(db.session.scalars(found.with_only_columns(ContractDocument.id)))


def openable_documents(user, ids, admin_opens_pdf):
    """Those of these documents whose PDF the person may open, in the order of `ids`, with all the index needs."""
    found = openable(user, admin_opens_pdf).where(ContractDocument.id.in_(ids))
    options = (
        selectinload(ContractDocument.parties).joinedload(DocumentParty.company),
        selectinload(ContractDocument.parties).joinedload(DocumentParty.case),
        selectinload(ContractDocument.attachment_rows),
        joinedload(ContractDocument.holder), joinedload(ContractDocument.archive_record),
    )
    by_id = {document.id: document for document in db.session.scalars(found.options(*options))}
    return [by_id[document_id] for document_id in ids if document_id in by_id]


def ids_to_export(user):
    """The documents an administrator's company is party to and may see, by number."""
    return db.session.scalars(documents_of(user).with_only_columns(ContractDocument.id).order_by(ContractDocument.id)).all()


def documents_to_export(user, ids):
    """Those of these documents that the person may see, in the order of `ids`, with the own company's route."""
    found = documents_of(user).where(ContractDocument.id.in_(ids))
    options = (
        selectinload(ContractDocument.parties).joinedload(DocumentParty.company),
        selectinload(ContractDocument.parties).joinedload(DocumentParty.case),
        selectinload(ContractDocument.route).joinedload(RouteStep.user),
        joinedload(ContractDocument.archive_record), joinedload(ContractDocument.holder),
    )
    by_id = {document.id: document for document in db.session.scalars(found.options(*options)).unique()}
    return [by_id[document_id] for document_id in ids if document_id in by_id]


def count_lost(user, download, admin_opens_pdf):
    """How many documents in the ZIP file the person may no longer open, or are no more."""
    may_open = openable(user, admin_opens_pdf).with_only_columns(ContractDocument.id)
    lost = or_(BulkDownloadItem.document_id.is_(None), BulkDownloadItem.document_id.not_in(may_open))
    held = select(func.count()).select_from(BulkDownloadItem).where(BulkDownloadItem.download_id == download.id)
    return db.session.scalar(held.where(lost))


def bulk_downloads_of(user, now):
    """The person's own, the newest first; what is to be deleted is not shown any more."""
    return db.session.scalars(
        select(BulkDownload)
        .where(BulkDownload.user_id == user.id, BulkDownload.expires_at > now)
        .order_by(BulkDownload.id.desc())
    ).all()


def bulk_download_of(user, download_id, now):
    """One of the person's own, or :class:`NotFound` for unknown, foreign and outdated alike."""
    found = db.session.get(BulkDownload, download_id) if download_id <= MOST_ID else None
    if found is None or found.user_id != user.id or found.expires_at <= now:
        raise NotFound
    return found


def items_of(download_id):
    """The ids of the documents to look at, in order; those of deleted documents are left out."""
    return db.session.scalars(
        select(BulkDownloadItem.document_id)
        .where(BulkDownloadItem.download_id == download_id, BulkDownloadItem.document_id.is_not(None))
        .order_by(BulkDownloadItem.position)
    ).all()


def user_of_download(download_id):
    """The id of the person who asked, and whether for all that the company owns."""
    asked = select(BulkDownload.user_id, BulkDownload.is_of_company).where(BulkDownload.id == download_id)
    return db.session.execute(asked).one_or_none() or (None, False)


def count_items(download_id):
    return db.session.scalar(
        select(func.count()).select_from(BulkDownloadItem).where(BulkDownloadItem.download_id == download_id)
    )


def downloads_to_build(now):
    """Ids of those that nobody builds, the oldest first."""
    is_free = or_(BulkDownload.claimed_until.is_(None), BulkDownload.claimed_until <= now)
    return db.session.scalars(
        select(BulkDownload.id)
        .where(BulkDownload.state.in_(IN_WORK), is_free, BulkDownload.expires_at > now)
        .order_by(BulkDownload.id)
    ).all()


def downloads_to_delete(now):
    """Ids of those whose time is over, and of those whose person is no longer there."""
    is_gone = or_(PortalUser.deleted_at.is_not(None), PortalUser.active.is_not(True))
    return db.session.scalars(
        select(BulkDownload.id)
        .join(PortalUser, PortalUser.id == BulkDownload.user_id)
        .where(or_(BulkDownload.expires_at <= now, is_gone))
        .order_by(BulkDownload.id)
    ).all()
