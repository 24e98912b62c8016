"""監査ログ: what is recorded, what tampering by SQL is found and where, and that erasure leaves the chain whole."""

import contextvars
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import text

from app.clock import now
from app.extensions import db, reading, writing
from app.jobs import run_job
from app.models import (
    AccountAction,
    AccountEvent,
    DocumentEvent,
    Letter,
    LogCheck,
    LogEntry,
    LogHead,
    OutboxMessage,
)
from app.services import journal, log_audit, logbook, outbox, people, personal_data, registration
from app.services.strongroom import strongroom
from app.signing import log_chain, plain_tokens
from app.workflow import SignatureMode, Status
from demo import drill
from tests.conftest import settings

SIGNING = Path(log_chain.__file__).parent


@pytest.fixture
def busy(make_document, person):
    """A log with every kind of entry in it: steps, letters sent, credential events with address and note, views."""
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    for message in db.session.scalars(db.select(OutboxMessage)):
        outbox.mark_sent(message, now())
    for number in range(3):
        event = journal.note(AccountAction.user_changed, now(), user=person("approver"), actor=person("admin"), note=f"電話番号 {number}")
        event.ip_address = "192.0.2.7"
        db.session.commit()
    with reading():
        logbook.record_visit("view", person("registrar"), now(), document_id=document.id, page="DocumentView.show")
    db.session.rollback()
    return document


def found(chain=None):
    findings, _ = log_audit.check_all()
    return [(one.sequence, one.what) for one in findings if chain in (None, one.chain)]


def sql(statement, **values):
    db.session.execute(text(statement), values)
    db.session.commit()


def sender_chain(person):
    return person("registrar").company_id


@pytest.mark.requirement("I19")
def test_every_step_letter_credential_event_and_view_has_its_entry_and_the_chains_are_whole(busy, person):
    findings, count = log_audit.check_all()
    assert findings == []
    entries = db.session.scalars(db.select(LogEntry).order_by(LogEntry.chain, LogEntry.sequence)).all()
    assert count == len(entries)
    for table, model in (("document_event", DocumentEvent), ("account_event", AccountEvent), ("outbox_message", OutboxMessage)):
        rows = set(db.session.scalars(db.select(model.id)))
        assert rows and {entry.source_id for entry in entries if entry.source == table} == rows
    kinds = {entry.kind for entry in entries}
    assert {"document.send", "account.user_changed", "mail.sent", "view"} <= kinds
    for chain in {entry.chain for entry in entries}:
        assert [entry.sequence for entry in entries if entry.chain == chain] == list(range(1, db.session.get(LogHead, chain).sequence + 1))
    view = next(entry for entry in entries if entry.kind == "view")
    assert (view.actor_id, view.document_id, view.chain) == (person("registrar").id, busy.id, sender_chain(person))


COPY = "chain, at, kind, actor_id, user_id, document_id, details, source, source_id, source_sha256, source_commitment, source_salt, ip_address, ip_commitment, ip_salt, previous, sha256"
TAMPERINGS = {  # what an intruder does in the sender's chain -> what is found, at which number from its end
    "edit an entry": ("UPDATE log_entry SET kind = 'account.unlocked' WHERE chain = :chain AND sequence = :last - 1", -1, "changed"),
    "edit an address": ("UPDATE log_entry SET ip_address = '192.0.2.99' WHERE chain = :chain AND sequence = :last - 1", -1, "ip_changed"),
    "blank an address": ("UPDATE log_entry SET ip_address = '', ip_salt = '' WHERE chain = :chain AND sequence = :last - 1", -1, "ip_erased"),
    "delete an entry": ("DELETE FROM log_entry WHERE chain = :chain AND sequence = :last - 1", -1, "missing"),
    "insert an entry": (f"INSERT INTO log_entry (sequence, {COPY}) SELECT sequence + 1, {COPY} FROM log_entry WHERE chain = :chain AND sequence = :last", 1, "extra"),
    "insert at the front": (f"INSERT INTO log_entry (sequence, {COPY}) SELECT 0, {COPY} FROM log_entry WHERE chain = :chain AND sequence = 1", None, "extra"),
    "cut the tail": ("DELETE FROM log_entry WHERE chain = :chain AND sequence >= :last - 1", -1, "missing"),
    "move the head": ("UPDATE log_head SET sequence = sequence - 1 WHERE chain = :chain", 0, "extra"),
    "edit a row": ("UPDATE account_event SET at = '2026-01-01 00:00:00' WHERE id = (SELECT source_id FROM log_entry WHERE chain = :chain AND sequence = :last - 1)", -1, "row_changed"),
    "edit a note": ("UPDATE account_event SET note = '別の番号' WHERE id = (SELECT source_id FROM log_entry WHERE chain = :chain AND sequence = :last - 1)", -1, "row_changed"),
    "blank a note": ("UPDATE account_event SET note = '' WHERE id = (SELECT source_id FROM log_entry WHERE chain = :chain AND sequence = :last - 1)", -1, "row_changed"),
    "delete a row": ("DELETE FROM account_event WHERE id = (SELECT source_id FROM log_entry WHERE chain = :chain AND sequence = :last - 1)", -1, "row_missing"),
    "insert a row": ("INSERT INTO account_event (id, action, at, company_id, ip_address, note) VALUES (9999, 'log_in', '2026-01-01 00:00:00', :chain, '', '')", None, "row_extra"),
}  # fmt: skip


@pytest.mark.requirement("I19", "Q13")
@pytest.mark.parametrize("what", TAMPERINGS)
def test_tampering_by_sql_is_found_and_its_position_named(busy, person, what):
    statement, offset, expected = TAMPERINGS[what]
    chain = sender_chain(person)
    last = db.session.get(LogHead, chain).sequence
    sql(statement, **{"chain": chain, "last": last} if ":last" in statement else {"chain": chain})
    position = (0 if offset is None else last + offset)
    assert (position, expected) in found(chain)
    assert {one.chain for one in log_audit.check_all()[0]} == {chain}


@pytest.mark.requirement("I19", "Q13")
def test_reordered_entries_are_found_both(busy, person):
    chain, last = sender_chain(person), db.session.get(LogHead, sender_chain(person)).sequence
    for old, new in ((last, last + 100), (last - 1, last), (last + 100, last - 1)):
        sql("UPDATE log_entry SET sequence = :new WHERE chain = :chain AND sequence = :old", chain=chain, old=old, new=new)
    assert {(last - 1, "changed"), (last, "changed")} <= set(found(chain))


def rewrite(chain, first, change):
    """What an intruder who knows the algorithm does: change entries from `first` on and hash all of them anew."""
    previous = db.session.get(LogEntry, (chain, first - 1)).sha256 if first > 1 else log_chain.GENESIS
    for entry in db.session.scalars(db.select(LogEntry).where(LogEntry.chain == chain, LogEntry.sequence >= first).order_by(LogEntry.sequence)):
        change(entry)
        entry.previous = previous
        columns = {name: logbook.plain(getattr(entry, name)) for name in log_audit.COLUMNS}
        previous = entry.sha256 = log_chain.entry_hash(columns)
    db.session.get(LogHead, chain).sha256 = previous
    db.session.commit()


@pytest.mark.requirement("I19", "Q13")
def test_a_chain_made_anew_fits_itself_and_not_the_time_stamp(busy, person):
    chain = sender_chain(person)
    assert run_job("log-anchor")["done"] == 1
    last = db.session.get(LogHead, chain).sequence
    rewrite(chain, last, lambda entry: setattr(entry, "document_id", 4711))
    assert found() == [(last, "anchored_changed")]


@pytest.mark.requirement("I19", "Q13")
def test_a_tail_cut_off_together_with_the_head_is_missed_by_the_time_stamp(busy, person):
    chain = sender_chain(person)
    run_job("log-anchor")
    last = db.session.get(LogHead, chain).sequence
    sql("DELETE FROM log_entry WHERE chain = :chain AND sequence = :last", chain=chain, last=last)
    head = db.session.get(LogHead, chain)
    head.sequence, head.sha256 = last - 1, db.session.get(LogEntry, (chain, last - 1)).sha256
    db.session.commit()
    assert found() == [(last, "anchored_missing")]


@pytest.mark.requirement("I19", "Q13")
@pytest.mark.parametrize("statement, whats", [
    ("UPDATE log_anchor_head SET sha256 = previous FROM log_entry WHERE 1 = 0", set()),
    ("UPDATE log_anchor_head SET sequence = 1", {"token", "anchored_changed"}),
    ("DELETE FROM log_anchor_head", {"token"}),
], ids=["nothing", "edited", "deleted"])  # fmt: skip
def test_heads_under_a_time_stamp_cannot_be_changed(busy, statement, whats):
    run_job("log-anchor")
    sql(statement)
    assert {what for _, what in found()} == whats


@pytest.mark.requirement("I19")
def test_a_time_stamp_is_made_once_a_day_and_is_itself_in_the_log(busy):
    first = run_job("log-anchor")
    assert (first["due"], first["done"]) == (1, 1)
    assert run_job("log-anchor")["due"] == 0
    assert found() == []
    sql("DELETE FROM log_anchor_head")
    sql("DELETE FROM log_anchor")
    assert {what for _, what in found()} == {"anchor_missing"}


@pytest.mark.requirement("I19")
def test_the_plain_reader_refuses_a_token_over_something_else_with_a_flipped_byte_or_of_strangers(app):
    digest = bytes(range(32))
    token, roots = strongroom().desk.tsa.token_over(digest), strongroom().roots
    assert abs((plain_tokens.check(token, digest, roots) - now()).total_seconds()) < 60
    flipped = token[:-5] + bytes([token[-5] ^ 1]) + token[-4:]
    for bad in ((token, bytes(32), roots), (flipped, digest, roots), (token, digest, []), (token[:-9], digest, roots), (b"", digest, roots)):
        with pytest.raises(plain_tokens.TokenInvalid):
            plain_tokens.check(*bad)


# -- transactions -------------------------------------------------------------


@pytest.mark.requirement("I19")
def test_what_is_rolled_back_leaves_no_entry(app, person):
    journal.note(AccountAction.unlocked, now(), user=person("approver"))
    db.session.flush()
    db.session.rollback()
    with pytest.raises(ZeroDivisionError), db.session.begin_nested():
        journal.note(AccountAction.unlocked, now(), user=person("approver"))
        db.session.flush()
        raise ZeroDivisionError
    journal.note(AccountAction.locked, now(), user=person("approver"))
    db.session.commit()
    assert db.session.scalars(db.select(LogEntry.kind)).all() == ["account.locked"]
    assert found() == []


@pytest.mark.requirement("I19", "T13")
def test_a_deleted_draft_leaves_the_chain_whole_and_its_deletion_on_record(make_document, person):
    document = make_document(Status.draft, mode=SignatureMode.no_signature)
    registration.delete(document, person("registrar"), now())
    db.session.commit()
    make_document(Status.draft, mode=SignatureMode.no_signature)  # may be given the ids of the deleted rows
    assert db.session.scalar(db.select(LogEntry.kind).where(LogEntry.kind == log_chain.DELETED))
    assert found() == []


@pytest.mark.requirement("I19")
def test_writers_of_the_same_chains_neither_fork_them_nor_block_each_other(app, person):
    mine, theirs = person("registrar").id, person("recipient").id
    failures = []

    def write(users):
        with app.app_context(), writing():
            try:
                for _ in range(10):
                    for user_id in users:  # in both orders: the heads are taken in one
                        db.session.add(AccountEvent(action=AccountAction.log_in, at=now(), user_id=user_id, company_id=companies[user_id]))
                        db.session.flush()
                    db.session.commit()
            except Exception as failure:
                failures.append(failure)

    companies = {user_id: person(name).company_id for user_id, name in ((mine, "registrar"), (theirs, "recipient"))}
    db.session.commit()
    threads = [threading.Thread(target=contextvars.Context().run, args=(write, users)) for users in 2 * [(mine, theirs), (theirs, mine)]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {head.sequence for head in db.session.scalars(db.select(LogHead))} == {40}
    assert found() == []


@pytest.mark.requirement("I19")
def test_what_happened_before_there_was_a_log_is_taken_over_once(busy):
    sql("DELETE FROM log_entry")
    sql("DELETE FROM log_head")
    logbook.begin(now())
    db.session.commit()
    assert found() == []
    sql("INSERT INTO account_event (id, action, at, ip_address, note) VALUES (9999, 'log_in', '2026-01-01 00:00:00', '', '')")
    logbook.begin(now())
    db.session.commit()
    assert found() == [(0, "row_extra")]


# -- erasure ------------------------------------------------------------------


@pytest.mark.requirement("I19", "L23")
def test_erasure_takes_address_and_words_out_of_the_log_and_leaves_it_whole(busy, person):
    approver = person("approver")
    chain, entry = approver.company_id, db.session.scalars(db.select(LogEntry).where(LogEntry.kind == "account.user_changed")).first()
    journal.note(AccountAction.log_in_refused, now(), user=approver).ip_address = "192.0.2.8"
    people.delete(approver, person("admin"), now())
    db.session.commit()
    personal_data.erase(approver, person("admin"), now())
    db.session.commit()
    db.session.refresh(entry)
    assert entry.source_salt == "" and entry.source_commitment and entry.ip_address == "192.0.2.7"  # the administrator's
    refused = db.session.scalars(db.select(LogEntry).where(LogEntry.kind == "account.log_in_refused")).one()
    assert (refused.ip_address, refused.ip_salt) == ("", "") and refused.ip_commitment
    assert found() == []
    sql("UPDATE account_event SET note = '後から' WHERE id = :id", id=entry.source_id)
    assert found(chain) == [(entry.sequence, "row_changed")]


# -- jobs, states, export --------------------------------------------------------


@pytest.mark.requirement("I19")
def test_a_broken_chain_is_told_to_the_operator_once_and_until_it_is_whole_again(busy, person):
    chain = sender_chain(person)
    first = run_job("log-verify")
    assert first["done"] == first["due"] > 3 and run_job("log-verify")["due"] == 0
    assert not log_audit.broken_chains()
    last = db.session.get(LogHead, chain).sequence
    sql("UPDATE log_entry SET kind = 'x' WHERE chain = :chain AND sequence = :last", chain=chain, last=last)
    for _ in range(2):
        log_audit.check(chain, now())
        db.session.commit()
    assert [(state.chain, state.findings[0]["sequence"]) for state in log_audit.broken_chains()] == [(chain, last)]
    letter = db.session.scalars(db.select(OutboxMessage).where(OutboxMessage.letter == Letter.log_broken)).one()
    assert letter.user_id == person("operator").id and letter.facts["position"] == last
    sql("UPDATE log_entry SET kind = 'view' WHERE chain = :chain AND sequence = :last", chain=chain, last=last)
    log_audit.check(chain, now(), newest=1)
    assert log_audit.state_of(chain).is_broken  # a look at the end does not take back what a whole check has found
    log_audit.check(chain, now())
    assert not log_audit.state_of(chain).is_broken


@pytest.mark.requirement("I19")
def test_a_bounded_check_looks_at_so_many_entries_and_no_more(busy, person):
    chain = sender_chain(person)
    last = db.session.get(LogHead, chain).sequence
    check = log_audit.check(chain, now(), newest=3)
    assert (check.first_sequence, check.last_sequence, check.found) == (last - 2, last, 0)
    sql("UPDATE log_entry SET kind = 'x' WHERE chain = :chain AND sequence = 1", chain=chain)
    assert log_audit.check(chain, now(), newest=3).found == 0
    assert log_audit.check(chain, now()).found == 1
    assert isinstance(check, LogCheck)


def outside(folder, export):
    """The two files of the checker alone, in an interpreter that cannot import the portal."""
    for name in ("log_chain.py", "plain_tokens.py"):
        shutil.copy(SIGNING / name, folder)
    root = folder / "root.pem"
    root.write_bytes(strongroom().authorities.root.certificate.public_bytes(Encoding.PEM))
    (folder / "log.jsonl").write_text("".join(export), encoding="utf-8")
    command = [sys.executable, "log_chain.py", "log.jsonl", "--root", "root.pem"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": "", "PYTHONUTF8": "1"})  # noqa: S603


@pytest.mark.requirement("I19", "Q13")
def test_an_export_is_checked_without_the_portal(busy, person, tmp_path):
    run_job("log-anchor")
    lines = list(log_audit.export(now()))
    done = outside(tmp_path, lines)
    assert done.returncode == 0, done.stdout + done.stderr
    count = sum('"type":"entry"' in line for line in lines)
    assert count > 5 and f"{count}件" in done.stdout and "タイムスタンプ1件を検証しました" in done.stdout
    chain = sender_chain(person)
    sql("UPDATE log_entry SET kind = 'x' WHERE chain = :chain AND sequence = 2", chain=chain)
    done = outside(tmp_path, log_audit.export(now()))
    assert done.returncode == 1 and f"企業{chain}　2番" in done.stdout
    assert outside(tmp_path, lines[:-1]).returncode == 2
    assert outside(tmp_path, ["{}\n"]).returncode == 2


@pytest.mark.requirement("Q13", "I19")
def test_the_drill_edits_a_row_sees_it_named_and_puts_it_back(busy):
    said = []
    assert drill.log_edit(said.append)
    assert any("変更" in line for line in said) and log_audit.check_all()[0] == []


@pytest.mark.requirement("I19", "Q13")
def test_the_command_names_the_row_that_was_edited(busy, app, person, tmp_path):
    url, store = app.config["SQLALCHEMY_DATABASE_URI"], app.config["STORAGE_URL"]
    environ = settings(url, store) | {"PATH": "", "PYTHONUTF8": "1"}

    def verify(*options):
        command = [sys.executable, "run.py", "verify-log", *options]
        return subprocess.run(command, cwd=SIGNING.parents[1], capture_output=True, text=True, env=environ)  # noqa: S603

    chain = sender_chain(person)
    number, row = db.session.execute(
        db.select(LogEntry.sequence, LogEntry.source_id).where(LogEntry.chain == chain, LogEntry.source == "document_event")
    ).first()
    sql("UPDATE document_event SET reason = 'forged' WHERE id = :id", id=row)
    done = verify("--export", str(tmp_path / "log.jsonl"))
    assert done.returncode == 1 and f"企業{chain}　{number}番" in done.stdout and f"document_event {row}" in done.stdout, done
    from_file = verify("--from", str(tmp_path / "log.jsonl"), "--json")
    assert from_file.returncode == 1 and f'"sequence": {number}' in from_file.stdout
    assert verify("--from", str(tmp_path / "nothing.jsonl")).returncode == 2
