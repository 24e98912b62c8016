"""監査ログ: one hash chain a company, and one (0) for what belongs to none; entries are appended and never changed.

Nobody has to remember to write: new rows of the two event tables, letters that went out and events that go with a
deleted draft are noticed when they are flushed, and appended to their chains as the last act before the commit
that saves them.  Last, and in the order of the chains, because appending locks the chain's head: whoever holds a
head waits for nothing any more, so two commits can neither fork a chain nor block each other for ever.
Views and downloads are appended by :func:`record_visit` in a transaction of their own.
"""

import datetime as dt
import enum
import secrets
from itertools import groupby

from sqlalchemy import and_, event, exists, insert, inspect, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.extensions import client_address, db, writing
from app.models import AccountAction, AccountEvent, DocumentEvent, LogEntry, LogHead, OutboxMessage
from app.signing import log_chain

NOBODYS = 0  # the chain of what belongs to no company
SALT_BYTES = 16
VIEW, DOWNLOAD = "view", "download"
PENDING = "log_pending"  # in a session's info: what this transaction has to append
BATCH = 500
# table -> its model, what of a row is hashed, and what only a commitment covers, for it may have to be erased
COVERED = {
    "account_event": (AccountEvent, ("id", "action", "at", "company_id", "user_id", "actor_id"), ("note",)),
    "document_event": (
        DocumentEvent,
        ("id", "document_id", "action", "actor_id", "on_behalf_of_id", "company_id", "side", "at", "reason", "revision",
         "old_status", "new_status", "pdf_sha256", "attachments_sha256"),
        (),
    ),
    "outbox_message": (
        OutboxMessage, ("id", "letter", "user_id", "document_id", "message_id", "created_at", "sent_at"), ("to_address", "facts")
    ),
}  # fmt: skip
# whose notes 個人データの消去 erases
ERASABLE_NOTES = (AccountAction.user_enrolled, AccountAction.user_changed, AccountAction.session_ended)


def plain(value):
    """A column's value as it is hashed and exported: times in UTC to the microsecond, enums by their value."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="microseconds")
    return value.value if isinstance(value, enum.Enum) else value


def facts_of(table, row):
    """What of a covered row is hashed, and what is only committed to.

    :param row: by column names: an object, or a row of the table
    """
    _, hashed, erasable = COVERED[table]
    return {name: plain(getattr(row, name)) for name in hashed}, {name: plain(getattr(row, name)) for name in erasable}


# -- what is appended with the rows it covers ----------------------------------


@event.listens_for(Session, "after_flush")
def _notice(session, _context):
    """Remember what has just been written and belongs into the log."""
    found = [("new", row) for row in session.new if isinstance(row, (DocumentEvent, AccountEvent))]
    for row in session.dirty:
        if isinstance(row, OutboxMessage):
            changed = {name: inspect(row).attrs[name].history.has_changes() for name in ("sent_at", "due_at")}
            if changed["sent_at"] and row.sent_at is not None:
                found.append(("sent", row))
            elif changed["due_at"] and row.due_at is None and row.sent_at is None:
                found.append(("failed", row))
    gone = [row for row in session.deleted if isinstance(row, DocumentEvent)]
    if gone:
        found.append(("note", _of_deleted(gone)))
    if found:
        session.info.setdefault(PENDING, []).extend(found)


@event.listens_for(Session, "before_commit")
def _append_pending(session):
    if session.in_nested_transaction():
        return
    session.flush()
    pending = session.info.pop(PENDING, None)
    if pending:
        notes = [note for what, row in pending if (note := _note(what, row)) is not None]
        append(session.connection(), notes)


@event.listens_for(Session, "after_soft_rollback")
def _forget_pending(session, previous):
    if previous.parent is None:
        session.info.pop(PENDING, None)


def _note(what, row):
    """The entry of something noticed; None where a savepoint has taken it back."""
    if what == "note":
        return row
    if not inspect(row).persistent:
        return None
    return _NOTES[type(row)](row) if what != "failed" else _of_failure(row)


def _of_document(row):
    company_id = row.company_id or row.document.parties[0].company_id  # a job acts for the sender
    return _covering("document_event", row, chain=company_id, at=row.at, kind=f"document.{row.action.value}",
                     actor_id=row.actor_id, document_id=row.document_id, ip_address=client_address())  # fmt: skip


def _of_account(row):
    return _covering("account_event", row, chain=row.company_id or NOBODYS, at=row.at, kind=f"account.{row.action.value}",
                     actor_id=row.actor_id, user_id=row.user_id, ip_address=row.ip_address)  # fmt: skip


def _of_letter(row):
    return _covering("outbox_message", row, chain=_chain_of(row.user), at=row.sent_at, kind="mail.sent",
                     user_id=row.user_id, document_id=row.document_id)  # fmt: skip


_NOTES = {DocumentEvent: _of_document, AccountEvent: _of_account, OutboxMessage: _of_letter}


def _of_failure(row):
    """A letter that will never go out; its row may change again, so it is named and not covered."""
    details = {"letter": plain(row.letter), "message_id": row.message_id, "attempts": row.attempts}
    return {"chain": _chain_of(row.user), "at": row.created_at, "kind": "mail.given_up", "user_id": row.user_id,
            "document_id": row.document_id, "details": details}  # fmt: skip


def _of_deleted(rows):
    """The events of a draft that are deleted with it (T13): from here on nobody misses their rows."""
    first = min(rows, key=lambda row: row.id)
    return {
        "chain": first.company_id or first.document.parties[0].company_id, "at": max(row.at for row in rows),
        "kind": log_chain.DELETED, "document_id": first.document_id, "ip_address": client_address(),
        "details": {"rows": sorted(["document_event", row.id] for row in rows)},
    }  # fmt: skip


def _covering(table, row, **note):
    facts, erasable = facts_of(table, row)
    return note | {"source": table, "source_id": row.id, "source_sha256": log_chain.sha256_of(facts), "erasable": erasable}


def _chain_of(user):
    return (user.company_id if user is not None else None) or NOBODYS


# -- appending ----------------------------------------------------------------


def append(connection, notes):
    """Put entries at the ends of their chains, in the connection's transaction, which is to commit at once.

    :param notes: dictionaries of an entry's columns: chain, at and kind, and what there is of the others;
        `erasable` instead of commitments and salts
    """
    for chain, own in groupby(sorted(notes, key=lambda note: note["chain"]), key=lambda note: note["chain"]):
        own = list(own)
        last, previous = _take_head(connection, chain, len(own))
        rows = []
        for sequence, note in enumerate(own, start=last - len(own) + 1):
            rows.append(_entry(note, sequence, previous))
            previous = rows[-1]["sha256"]
        connection.execute(insert(LogEntry.__table__), rows)
        connection.execute(update(LogHead.__table__).where(LogHead.__table__.c.chain == chain).values(sha256=previous))


def _take_head(connection, chain, count):
    """Lock the end of a chain and move it on; the new number of its last entry, and the hash of the old one."""
    table = LogHead.__table__
    take = update(table).where(table.c.chain == chain).values(sequence=table.c.sequence + count)
    take = take.returning(table.c.sequence, table.c.sha256)
    head = connection.execute(take).one_or_none()
    if head is None:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        first = {"chain": chain, "sequence": 0, "sha256": log_chain.GENESIS, "anchored_sequence": 0}
        connection.execute(dialect.insert(table).values(first).on_conflict_do_nothing())
        head = connection.execute(take).one()
    return head


def _entry(note, sequence, previous):
    entry = {
        "chain": note["chain"], "sequence": sequence, "at": note["at"], "kind": note["kind"],
        "actor_id": note.get("actor_id"), "user_id": note.get("user_id"), "document_id": note.get("document_id"),
        "details": note.get("details") or {}, "source": note.get("source", ""), "source_id": note.get("source_id"),
        "source_sha256": note.get("source_sha256", ""), "ip_address": note.get("ip_address", ""), "previous": previous,
    }  # fmt: skip
    entry["source_salt"], entry["source_commitment"] = _commit(note.get("erasable"))
    entry["ip_salt"], entry["ip_commitment"] = _commit(entry["ip_address"])
    entry["sha256"] = log_chain.entry_hash(entry | {"at": plain(entry["at"])})
    return entry


def _commit(value):
    """A salt and the commitment to a value; none where there is nothing that could have to be erased."""
    if not value:
        return "", ""
    salt = secrets.token_hex(SALT_BYTES)
    return salt, log_chain.commitment(salt, value)


def record_visit(kind, person, now, *, document_id=None, **details):
    """A page or file that is about to be shown to somebody; commits, in a transaction of its own.

    :param kind: :data:`VIEW` or :data:`DOWNLOAD`
    :param details: which page, and which part of it
    """
    note = {"chain": person.company_id or NOBODYS, "at": now, "kind": kind, "actor_id": person.id,
            "document_id": document_id, "ip_address": client_address(), "details": details}  # fmt: skip
    with writing(), db.engine.begin() as connection:
        append(connection, [note])


def visits_of(person):
    """What the person looked at and downloaded, the oldest first."""
    found = select(LogEntry).where(LogEntry.actor_id == person.id, LogEntry.kind.in_((VIEW, DOWNLOAD)))
    return db.session.scalars(found.order_by(LogEntry.chain, LogEntry.sequence)).all()


# -- the beginning, and erasure ------------------------------------------------


def begin(now):
    """Take over what happened before there was a log, once in the life of a portal; the caller commits.

    Every later row without an entry is a trace of tampering, so nothing is taken over a second time.
    """
    if db.session.scalar(select(LogHead.chain).limit(1)) is not None:
        return
    connection = db.session.connection()
    append(connection, [{"chain": NOBODYS, "at": now, "kind": "log.begun"}])
    for table, (model, _, _) in COVERED.items():
        rows = select(model).order_by(model.id).execution_options(yield_per=BATCH)
        if table == "outbox_message":
            rows = rows.where(OutboxMessage.sent_at.is_not(None))
        for batch in db.session.scalars(rows).partitions():
            append(connection, [_NOTES[model](row) | {"details": {"taken_over": True}} for row in batch])


def erase(user_id):
    """個人データの消去: value and salt of what a commitment covers; the hashes stay, and stay right."""
    is_by, is_about = LogEntry.actor_id == user_id, LogEntry.user_id == user_id
    by_nobody = is_about & LogEntry.actor_id.is_(None)
    db.session.execute(update(LogEntry).where(or_(is_by, by_nobody)).values(ip_address="", ip_salt=""))
    kinds = [f"account.{action.value}" for action in ERASABLE_NOTES]
    holds_facts = or_(LogEntry.source == "outbox_message", and_(LogEntry.source == "account_event", LogEntry.kind.in_(kinds)))
    db.session.execute(update(LogEntry).where(is_about, holds_facts).values(source_salt=""))


def without_entry(table):
    """Condition: no entry covers the row."""
    model = COVERED[table][0]
    return ~exists().where(LogEntry.source == table, LogEntry.source_id == model.id)
