"""一括署名, 一括承認 and 一括受取確認: what may be done at once, and how far it is (R99, I13)."""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import (
    BulkOperation,
    BulkOperationItem,
    ContractDocument,
    DocumentParty,
    ItemState,
    PortalUser,
)
from app.queries.delegations import represented_by
from app.queries.documents import documents_of
from app.queries.typed import MOST_ID
from app.workflow import BULK_SOURCES, Action

SHOWN_FOR = dt.timedelta(days=1)  # so long マイリスト names what did not succeed


@dataclass(frozen=True)
class Progress:
    """How far one operation is."""

    id: int
    action: Action
    requested_at: dt.datetime
    is_running: bool
    total: int
    done: int
    failed: int

    @property
    def dealt_with(self):
        return self.done + self.failed


def ids_for_bulk(user, action):
    """The documents that the person may deal with at once, in the order of マイリスト.

    Left out is what a running operation of somebody of the own company is about to deal with.
    """
    return db.session.scalars(_for_bulk(user, action).with_only_columns(ContractDocument.id)).all()


def documents_for_bulk(user, action, ids):
    """Those of these documents that the person may deal with at once, in the order of `ids`."""
    found = _for_bulk(user, action).where(ContractDocument.id.in_(ids)).options(
        selectinload(ContractDocument.parties).joinedload(DocumentParty.company),
        selectinload(ContractDocument.attachment_rows),
        joinedload(ContractDocument.holder),
    )  # fmt: skip
    by_id = {document.id: document for document in db.session.scalars(found)}
    return [by_id[document_id] for document_id in ids if document_id in by_id]


def _for_bulk(user, action):
    return (
        documents_of(user)
        .where(
            ContractDocument.status.in_(BULK_SOURCES[action]),
            ContractDocument.holder_id.in_([user.id, *represented_by(user)]),
            ContractDocument.id.not_in(_in_work(user)),
        )
        .order_by(ContractDocument.sent_at.nulls_last(), ContractDocument.id)
    )


def ids_in_work(user):
    """The documents that running operations of the own company are about to deal with."""
    return set(db.session.scalars(_in_work(user)))


def _in_work(user):
    return (
        select(BulkOperationItem.document_id)
        .join(BulkOperation)
        .join(PortalUser, PortalUser.id == BulkOperation.user_id)
        .where(
            BulkOperationItem.state == ItemState.waiting,
            BulkOperation.finished_at.is_(None),
            PortalUser.company_id == user.company_id,
        )
    )


def operation_by_token(user, token):
    """The operation that a form of this person has made, or None."""
    return db.session.scalar(select(BulkOperation).where(BulkOperation.token == token, BulkOperation.user_id == user.id))


def operation_of(user, operation_id):
    """The person's own operation with its documents; anybody else's is not found."""
    if operation_id > MOST_ID:
        raise NotFound
    operation = db.session.scalar(
        select(BulkOperation)
        .where(BulkOperation.id == operation_id, BulkOperation.user_id == user.id)
        .options(
            selectinload(BulkOperation.items)
            .joinedload(BulkOperationItem.document)
            .selectinload(ContractDocument.parties)
            .joinedload(DocumentParty.company)
        )
    )
    if operation is None:
        raise NotFound
    return operation


def operations_to_tell(user, now):
    """How far the person's running operations are, and those of the last day in which something failed."""
    done, failed = (
        func.count().filter(BulkOperationItem.state == state) for state in (ItemState.done, ItemState.failed)
    )
    facts = (BulkOperation.id, BulkOperation.action, BulkOperation.requested_at, BulkOperation.finished_at)
    rows = db.session.execute(
        select(*facts, func.count(), done, failed)
        .join(BulkOperationItem)
        .where(
            BulkOperation.user_id == user.id,
            or_(BulkOperation.finished_at.is_(None), BulkOperation.finished_at > now - SHOWN_FOR),
        )
        .group_by(*facts)
        .having(or_(BulkOperation.finished_at.is_(None), failed > 0))
        .order_by(BulkOperation.id.desc())
    )
    return [
        Progress(operation_id, action, requested_at, finished_at is None, *numbers)
        for operation_id, action, requested_at, finished_at, *numbers in rows
    ]


def operations_to_walk(now):
    """Ids of the operations that nobody is walking through now, the oldest first."""
    return db.session.scalars(
        select(BulkOperation.id)
        .where(
            BulkOperation.finished_at.is_(None),
            or_(BulkOperation.claimed_until.is_(None), BulkOperation.claimed_until <= now),
        )
        .order_by(BulkOperation.id)
    ).all()


def waiting_items(operation_id):
    """Ids of the documents' rows that are still to be dealt with, in order."""
    return db.session.scalars(
        select(BulkOperationItem.id)
        .where(BulkOperationItem.operation_id == operation_id, BulkOperationItem.state == ItemState.waiting)
        .order_by(BulkOperationItem.position)
    ).all()
