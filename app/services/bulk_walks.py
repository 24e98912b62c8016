"""Walking through a 一括 operation: each document with its own checks, in its own transaction (R99, I13).

A worker claims the operation for some minutes.  That a document was dealt with is written in the transaction of
its step, together with the claim, which another worker may have taken over: of two that deal with one document, one
changes no row and rolls back.  A worker that dies leaves documents done or untouched; the next claim goes on.
"""

import datetime as dt
import logging
import time
from dataclasses import dataclass

from sqlalchemy import or_, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from app import queries
from app.errors import NotFound, OutOfTurn, PortalError, Refused, SigningFailed, StorageFailed
from app.extensions import asked_from, db
from app.models import BulkOperation, BulkOperationItem, ItemState, SigningPassword
from app.services import bulk_operations, certificates, documents, service_changes, signatures
from app.services.bulk_operations import MOVED
from app.workflow import Action

LEASE = dt.timedelta(minutes=2)  # longer than any one document takes
PAUSES = (2, 5)  # seconds before the second and the third try, where the service itself is out of order
PASSING = (SigningFailed, StorageFailed, OperationalError)  # may be over in a moment
NOT_TRIED_AGAIN = "処理中に問題が発生したため、完了できませんでした。契約文書の状態は変わっていません。もう一度お試しください。"
GONE = "操作した利用者IDが利用できなくなったため、処理していません。"
UNLINKED = "署名に使用する電子証明書との紐付けが解除されたため、署名していません。貴社の管理者にご確認ください。"
REISSUED = "署名用パスワードが再発行されたため、署名していません。新しい署名用パスワードで、もう一度お試しください。"

log = logging.getLogger(__name__)


class _LostClaim(Exception):
    """Another worker walks through the operation now."""


@dataclass
class Walk:
    """One worker's way through one operation."""

    operation_id: int
    claimed_until: dt.datetime  # as it is committed
    held_until: dt.datetime | None = None  # as the running transaction has it
    means: signatures.Means | None = None  # opened once, for all documents
    tries: int = 1 + len(PAUSES)


def claim(operation_id, now):
    """Take an operation for some minutes, or None where somebody else has it or it is finished.  Commits."""
    until = now + LEASE
    taken = db.session.execute(
        update(BulkOperation)
        .where(
            BulkOperation.id == operation_id,
            BulkOperation.finished_at.is_(None),
            or_(BulkOperation.claimed_until.is_(None), BulkOperation.claimed_until <= now),
        )
        .values(claimed_until=until)
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.commit()
    return Walk(operation_id, until) if taken else None


def walk(walk, moment):
    """Deal with every document that is still waiting, and finish the operation.

    :param moment: gives the time now
    :returns: False where another worker took over
    """
    ids = queries.waiting_items(walk.operation_id)
    address = db.session.get(BulkOperation, walk.operation_id).ip_address
    db.session.commit()
    try:
        with asked_from(address):
            for item_id in ids:
                _deal_with(walk, item_id, moment)
            _hold(walk, moment(), finished_at=moment())
            _commit(walk)
    except _LostClaim:
        db.session.rollback()
        return False
    return True


def _deal_with(walk, item_id, moment):
    """One document: done, or failed with a sentence; what may pass is tried again some times.

    A service that has failed for one document so often is asked but once for each of the others.
    """
    for attempt in range(walk.tries):
        try:
            if attempt:
                _renew(walk, moment())
                time.sleep(PAUSES[attempt - 1])
            _take(walk, item_id, moment)
            return
        except PASSING as error:
            db.session.rollback()
            log.warning("bulk item %s, try %s: %s", item_id, attempt + 1, type(error).__name__)
            sentence = error.sentence if isinstance(error, PortalError) else NOT_TRIED_AGAIN
            walk.means = None  # its key may be one of a device that was started anew
        except (NotFound, OutOfTurn, StaleDataError, IntegrityError):
            db.session.rollback()
            return _fail(walk, item_id, MOVED, moment())
        except PortalError as refusal:
            db.session.rollback()
            return _fail(walk, item_id, refusal.sentence, moment())
        except _LostClaim:
            raise
        except Exception:  # a fault with one document must not keep the others waiting
            db.session.rollback()
            log.exception("bulk item %s failed", item_id)
            return _fail(walk, item_id, NOT_TRIED_AGAIN, moment())
    walk.tries = 1
    _fail(walk, item_id, sentence, moment())


def _take(walk, item_id, moment):
    """The step itself, by the same verbs as on the single pages; only what the person may still do now."""
    item, document, actor = _open(item_id, moment())
    operation = item.operation
    if operation.action is Action.sign:
        file, order = _sign_file(walk, operation, document, actor, moment)
        item, document, actor = _open(item_id, moment())  # whatever happened while the signature was made
        operation = item.operation
        documents.sign(
            document, actor, moment(), file=file, certificate_id=order.certificate_id,
            signing_password_id=order.signing_password_id, comment=operation.comment, ip_address=operation.ip_address,
        )  # fmt: skip
    elif operation.action is Action.approve:
        documents.approve(document, actor, moment(), comment=operation.comment)
    else:
        bulk_operations.put_into_case(operation, document, actor)
        documents.confirm_receipt(
            document, actor, moment(), choice=bulk_operations.choice_of(operation, document, actor.company_id),
            comment=operation.comment, fee_acknowledged=operation.fee_acknowledged,
        )  # fmt: skip
    _close(walk, item_id, moment(), state=ItemState.done)
    _commit(walk)


def _open(item_id, now):
    """The item, its document as the person saw it, and the person as they are now.

    :raises OutOfTurn: the document has moved on, or its file is another
    """
    item = db.session.get(BulkOperationItem, item_id, populate_existing=True)
    actor = item.operation.user
    if not actor.is_selectable:
        raise Refused(GONE)
    if service_changes.apply_due([actor.company_id], now):  # an option may have ended
        db.session.commit()  # the step holds all companies of its document, in one order, this one among them
    bulk_operations.check_action(item.operation.action, actor)
    document = queries.document_of(actor, item.document_id)
    if (document.version, document.pdf_sha256) != (item.version, item.pdf_sha256):
        raise OutOfTurn
    return item, document, actor


def _sign_file(walk, operation, document, actor, moment):
    """The signed file, made outside any transaction, after the checks that need none of it."""
    documents.check_turn(Action.sign, document, actor, moment())
    issue = db.session.get(SigningPassword, operation.signing_password_id, populate_existing=True)
    if issue.revoked_at is not None:
        raise Refused(REISSUED)
    if operation.activation_id is None:
        raise Refused(UNLINKED)
    if walk.means is None:
        walk.means = signatures.means_of(actor, operation.activation_id, moment())
    certificates.check_still_usable(walk.means.certificate_id, actor, moment())
    order = signatures.order_of(document, actor, walk.means, moment(), signing_password_id=issue.id)
    db.session.commit()  # nothing is held while the signature is made
    return signatures.make(order), order


def _fail(walk, item_id, sentence, now):
    _close(walk, item_id, now, state=ItemState.failed, failure=sentence[:255])
    _commit(walk)


def _close(walk, item_id, now, **values):
    """Note how a document came out, in the transaction of its step."""
    closed = db.session.execute(
        update(BulkOperationItem)
        .where(BulkOperationItem.id == item_id, BulkOperationItem.state == ItemState.waiting)
        .values(done_at=now, **values)
        .execution_options(synchronize_session=False)
    ).rowcount
    if not closed:
        raise _LostClaim
    _hold(walk, now)


def _renew(walk, now):
    _hold(walk, now)
    _commit(walk)


def _commit(walk):
    db.session.commit()
    walk.claimed_until = walk.held_until


def _hold(walk, now, **values):
    """Keep the claim for some more minutes, unless another worker has taken it over."""
    until = now + LEASE
    held = db.session.execute(
        update(BulkOperation)
        .where(
            BulkOperation.id == walk.operation_id,
            BulkOperation.claimed_until == walk.claimed_until,
            BulkOperation.finished_at.is_(None),
        )
        .values({"claimed_until": until} | values)
        .execution_options(synchronize_session=False)
    ).rowcount
    if not held:
        raise _LostClaim
    walk.held_until = until
