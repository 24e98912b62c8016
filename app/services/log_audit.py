"""Checking the 監査ログ: what was found when, the daily time stamp over the heads, and the export for outsiders."""

import base64
import datetime as dt
import hashlib
import json
import logging
from contextlib import contextmanager
from itertools import groupby

from sqlalchemy import func, select, update

from app.clock import JAPAN, japan_date
from app.extensions import db, reading
from app.models import (
    AccountEvent,
    Company,
    DocumentEvent,
    DocumentParty,
    Letter,
    LogAnchor,
    LogAnchorHead,
    LogCheck,
    LogEntry,
    LogHead,
    OutboxMessage,
    PortalUser,
)
from app.queries import operators
from app.services import logbook, outbox
from app.services.logbook import BATCH, COVERED, NOBODYS
from app.services.strongroom import strongroom
from app.signing import log_chain, plain_tokens

MOST_AT_ONCE = 5_000  # entries checked while somebody waits
MOST_KEPT = 100  # findings kept of one check
COLUMNS = tuple(column.name for column in LogEntry.__table__.columns)

log = logging.getLogger(__name__)


# -- reading, all in one state of the database ---------------------------------


@contextmanager
def _snapshot():
    """A connection that sees one state of the database, whatever is written meanwhile."""
    with reading(), db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def _entries(connection, chain, after=0):
    """The entries of a chain as :class:`~app.signing.log_chain.ChainCheck` takes them, those after a number.

    A number below 1, which nobody but an intruder gives, is among the entries of a whole chain.
    """
    table = LogEntry.__table__
    last = after if after else None
    while True:
        found = select(table).where(table.c.chain == chain).order_by(table.c.sequence).limit(BATCH)
        batch = connection.execute(found if last is None else found.where(table.c.sequence > last)).all()
        rows = _covered(connection, batch)
        for entry in batch:
            made = {name: logbook.plain(getattr(entry, name)) for name in COLUMNS}
            yield made | {"row": rows.get((entry.source, entry.source_id))}
        if len(batch) < BATCH:
            return
        last = batch[-1].sequence


def _covered(connection, entries):
    """The rows that entries cover, by table and id."""
    rows = {}
    for source, (model, _, _) in COVERED.items():
        ids = {entry.source_id for entry in entries if entry.source == source}
        table = model.__table__
        for row in connection.execute(select(table).where(table.c.id.in_(ids))) if ids else ():
            facts, erasable = logbook.facts_of(source, row)
            ip_address = row.ip_address if source == "account_event" else None
            rows[source, row.id] = {"facts": facts, "erasable": erasable, "ip_address": ip_address}
    return rows


def _uncovered(connection, chain=None):
    """Rows that no entry covers, as [(chain, table, id)]; of one chain, or of all."""
    sender = (
        select(DocumentParty.company_id).where(DocumentParty.document_id == DocumentEvent.document_id)
        .order_by(DocumentParty.position).limit(1).scalar_subquery()
    )  # fmt: skip
    of_user = select(PortalUser.company_id).where(PortalUser.id == OutboxMessage.user_id).scalar_subquery()
    found = []
    for table, owner, more in (
        ("account_event", AccountEvent.company_id, ()),
        ("document_event", func.coalesce(DocumentEvent.company_id, sender), ()),
        ("outbox_message", of_user, (OutboxMessage.sent_at.is_not(None),)),
    ):
        model, owner = COVERED[table][0], func.coalesce(owner, NOBODYS)
        rows = select(owner, model.id).where(logbook.without_entry(table), *more)
        rows = rows if chain is None else rows.where(owner == chain)
        found += [(of, table, row_id) for of, row_id in connection.execute(rows.order_by(model.id).limit(MOST_KEPT))]
    return found


def _head(connection, chain):
    row = connection.execute(select(LogHead.sequence, LogHead.sha256).where(LogHead.chain == chain)).one_or_none()
    return row and dict(row._mapping)


def _anchors(connection):
    """Every time stamp with its heads."""
    heads = connection.execute(
        select(LogAnchorHead.anchor_id, LogAnchorHead.chain, LogAnchorHead.sequence, LogAnchorHead.sha256)
        .order_by(LogAnchorHead.anchor_id)
    )  # fmt: skip
    by_anchor = {anchor: [list(row)[1:] for row in rows] for anchor, rows in groupby(heads, key=lambda row: row[0])}
    for row in connection.execute(select(LogAnchor.id, LogAnchor.at, LogAnchor.token).order_by(LogAnchor.id)).all():
        yield {"id": row.id, "at": logbook.plain(row.at), "token": row.token, "heads": by_anchor.get(row.id, [])}


def chains(connection=None):
    """The numbers of all chains there are or should be."""
    ask = connection or db.session
    known = {NOBODYS}
    for column in (Company.id, LogHead.chain, LogEntry.chain, LogAnchorHead.chain):
        known |= set(ask.execute(select(column).distinct()).scalars())
    return sorted(known)


def _erased(connection):
    return frozenset(
        connection.execute(select(LogEntry.user_id).where(LogEntry.kind == log_chain.ERASED)).scalars()
    )


# -- checking -----------------------------------------------------------------


def _check(connection, chain, erased, newest=None):
    """Findings about one chain, and the numbers of the first and the last entry looked at."""
    head, after = _head(connection, chain), (0, log_chain.GENESIS)
    if newest is not None and head is not None and head["sequence"] > newest:
        start = head["sequence"] - newest
        before = select(LogEntry.sha256).where(LogEntry.chain == chain, LogEntry.sequence == start)
        sha256 = connection.execute(before).scalar()
        if sha256 is not None:
            after = (start, sha256)
    anchored = connection.execute(
        select(LogAnchorHead.anchor_id, LogAnchorHead.sequence, LogAnchorHead.sha256).where(LogAnchorHead.chain == chain)
    ).all()
    check = log_chain.ChainCheck(chain, head, anchored, erased, after)
    findings = check.check(_entries(connection, chain, after[0]), _token_hashes(connection) if chain == NOBODYS else None)
    if check.first == 1:
        findings += [log_chain.Finding(of, 0, "row_extra", f"{table} {row_id}") for of, table, row_id in _uncovered(connection, chain)]
        if chain == NOBODYS:
            findings += filter(None, (log_chain.check_token(anchor, _roots()) for anchor in _anchors(connection)))
    return findings, check.first, check.sequence


def _token_hashes(connection):
    rows = connection.execute(select(LogAnchor.id, LogAnchor.token))
    return {row.id: hashlib.sha256(row.token).hexdigest() for row in rows}


def check_all():
    """Every chain, entry and time stamp: findings, and how many entries there are."""
    findings, count = [], 0
    with _snapshot() as connection:
        erased = _erased(connection)
        for chain in chains(connection):
            found, _, _ = _check(connection, chain, erased)
            findings += found
        count = connection.execute(select(func.count()).select_from(LogEntry)).scalar()
    return findings, count


def check(chain, now, newest=None):
    """Check one chain and keep what was found; tells the operators of a first finding.  The caller commits.

    :param newest: only so many entries at its end, for somebody who waits; None: all, the time stamps of the
        portal and the rows that no entry covers
    :returns: the :class:`~app.models.LogCheck`
    """
    with _snapshot() as connection:
        findings, first, last = _check(connection, chain, _erased(connection), newest)
    was_broken = state_of(chain).is_broken
    row = LogCheck(chain=chain, at=now, first_sequence=first, last_sequence=last, found=len(findings),
                   findings=[finding.as_dict() for finding in findings[:MOST_KEPT]])  # fmt: skip
    db.session.add(row)
    if findings:
        log.error("audit log: chain %s is broken: %s", chain, findings[:5])
    if findings and not was_broken:
        for person in operators():
            outbox.owe(Letter.log_broken, person, now, chain=_name_of(chain), count=len(findings),
                       position=findings[0].sequence, what=log_chain.WORDS[findings[0].what])  # fmt: skip
    return row


def _name_of(chain):
    company = db.session.get(Company, chain)
    return str(company) if company else "企業に属さない記録"


class State:
    """What is known of a chain: its length, its last checks, its last time stamp."""

    def __init__(self, chain):
        self.chain, self.name = chain, _name_of(chain)
        self.entries = db.session.scalar(select(LogHead.sequence).where(LogHead.chain == chain)) or 0
        checks = select(LogCheck).where(LogCheck.chain == chain).order_by(LogCheck.id.desc())
        self.whole = db.session.scalar(checks.where(LogCheck.first_sequence == 1).limit(1))
        self.newest = db.session.scalar(checks.limit(1))
        since = self.whole.id if self.whole else 0
        found = db.session.scalars(checks.where(LogCheck.id >= since)).all()
        self.findings = next((check.findings for check in found if check.findings), [])
        self.anchor = db.session.execute(
            select(LogAnchor.at, LogAnchorHead.sequence).join(LogAnchorHead, LogAnchorHead.anchor_id == LogAnchor.id)
            .where(LogAnchorHead.chain == chain).order_by(LogAnchor.id.desc()).limit(1)
        ).one_or_none()  # fmt: skip

    @property
    def is_broken(self):
        """Until a check of the whole chain finds nothing."""
        return bool(self.findings)


def state_of(chain):
    return State(chain)


def broken_chains():
    """The states of the chains in which something was found, and nothing since has shown them whole."""
    suspects = db.session.scalars(select(LogCheck.chain).where(LogCheck.found > 0).distinct()).all()
    return [state for chain in sorted(suspects) if (state := State(chain)).is_broken]


def totals():
    """How many chains and entries there are, and when the last time stamp was made."""
    count, entries = db.session.execute(select(func.count(), func.sum(LogHead.sequence)).select_from(LogHead)).one()
    return {"chains": count, "entries": entries or 0, "anchored_at": db.session.scalar(select(func.max(LogAnchor.at)))}


def due_for_check(now):
    """The chains that were not checked as a whole today in Japan."""
    today = dt.datetime.combine(japan_date(now), dt.time(), JAPAN)
    done = db.session.scalars(select(LogCheck.chain).where(LogCheck.first_sequence == 1, LogCheck.at >= today))
    return sorted(set(chains()) - set(done))


# -- time stamps --------------------------------------------------------------


def due_for_anchor(now):
    """[today in Japan, as a number] where no time stamp was made today and a chain has grown; else nothing."""
    today = japan_date(now)
    midnight = dt.datetime.combine(today, dt.time(), JAPAN)
    if db.session.scalar(select(LogAnchor.id).where(LogAnchor.at >= midnight).limit(1)) is not None:
        return []
    grown = db.session.scalar(select(LogHead.chain).where(LogHead.sequence > LogHead.anchored_sequence).limit(1))
    return [today.toordinal()] if grown is not None else []


def anchor(now):
    """Time-stamp the heads of all chains that have grown; commits.

    The entry that says so is in the chain of nobody: the next time stamp covers this one, so that it stays provable
    after its authority's certificate has ended.

    :raises SigningFailed: no authority answered
    :raises plain_tokens.TokenInvalid: a token that nobody could check later, such as of an authority whose root
        is not in `PORTAL_TSA_ROOTS_FILE`
    """
    grown = select(LogHead.chain, LogHead.sequence, LogHead.sha256).where(LogHead.sequence > LogHead.anchored_sequence)
    heads = [tuple(row) for row in db.session.execute(grown.order_by(LogHead.chain))]
    db.session.commit()  # nothing is held while the authority answers
    digest = log_chain.anchor_digest(heads)
    token = strongroom().desk.tsa.token_over(digest)
    plain_tokens.check(token, digest, _roots())
    row = LogAnchor(at=now, token=token)
    db.session.add(row)
    db.session.flush()
    db.session.add_all(
        LogAnchorHead(anchor_id=row.id, chain=chain, sequence=sequence, sha256=sha256) for chain, sequence, sha256 in heads
    )
    db.session.flush()
    details = {"anchor": row.id, "token_sha256": hashlib.sha256(token).hexdigest()}
    note = {"chain": NOBODYS, "at": now, "kind": log_chain.ANCHORED, "details": details}
    logbook.append(db.session.connection(), [note])  # the heads are locked in their order: nobody's is the first
    for chain, sequence, _ in heads:
        db.session.execute(update(LogHead).where(LogHead.chain == chain).values(anchored_sequence=sequence))
    db.session.commit()


def _roots():
    """What time stamps must lead to."""
    return [*strongroom().roots, *strongroom().stamp_roots]


# -- export -------------------------------------------------------------------


def export(now):
    """The whole log as lines of JSON, for :func:`app.signing.log_chain.check_export`; it holds personal data."""
    with _snapshot() as connection:
        yield _line(format=log_chain.FORMAT, exported_at=logbook.plain(now))
        for made in _anchors(connection):
            yield _line(type="anchor", **made | {"token": base64.b64encode(made["token"]).decode()})
        numbers, count = chains(connection), 0
        for chain in numbers:
            if (head := _head(connection, chain)) is not None:
                yield _line(type="head", chain=chain, **head)
        for chain in numbers:
            for entry in _entries(connection, chain):
                count += 1
                yield _line(type="entry", **entry)
        for chain, table, row_id in _uncovered(connection):
            yield _line(type="row_extra", chain=chain, row=f"{table} {row_id}")
        yield _line(type="end", entries=count)


def _line(**facts):
    return log_chain.canonical(facts).decode() + "\n"


def beginning_of_own(chain):
    """What a company takes along of its own chain, without the entries: the lines before them, and the last number.

    Of each time stamp it names the own head alone: the others are other companies' (S7).
    """
    head = _head(db.session.connection(), chain)
    last = head["sequence"] if head else 0
    stamped = db.session.execute(
        select(LogAnchor.id, LogAnchor.at, LogAnchorHead.sequence, LogAnchorHead.sha256)
        .join(LogAnchorHead, LogAnchorHead.anchor_id == LogAnchor.id)
        .where(LogAnchorHead.chain == chain, LogAnchorHead.sequence <= last)
        .order_by(LogAnchor.id)
    )
    lines = [_line(format=log_chain.FORMAT, hashes_of=chain)]
    lines += [
        _line(type="anchored", id=row.id, at=logbook.plain(row.at), sequence=row.sequence, sha256=row.sha256) for row in stamped
    ]
    return lines + ([_line(type="head", chain=chain, **head)] if head else []), last


def entries_of_own(chain, after, last):
    """The next entries of a chain after a number and up to another, as lines: what their hashes cover, and no more.

    IP addresses and letters stay hidden behind their commitments; the rows of 契約文書 are told with their hashes.
    """
    table, connection = LogEntry.__table__, db.session.connection()
    found = select(table).where(table.c.chain == chain, table.c.sequence > after, table.c.sequence <= last)
    batch = connection.execute(found.order_by(table.c.sequence).limit(BATCH)).all()
    rows = _covered(connection, [entry for entry in batch if entry.source == "document_event"])
    lines = []
    for entry in batch:
        row = rows.get((entry.source, entry.source_id))
        facts = {name: logbook.plain(getattr(entry, name)) for name in (*log_chain.HASHED, "sha256")}
        lines.append(_line(type="entry", **facts, **({"row": {"facts": row["facts"]}} if row else {})))
    return lines


def end_of_own(count):
    return _line(type="end", entries=count)


def from_export(lines):
    """Check an export with the roots of this portal."""
    return log_chain.check_export(lines, _roots())


def as_json(findings, count):
    report = {"entries": count, "intact": not findings, "findings": [finding.as_dict() for finding in findings]}
    return json.dumps(report, ensure_ascii=False, indent=2)
