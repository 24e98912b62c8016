"""A worker that is killed in the middle: the next one goes on, and nothing is done twice or left behind."""

import datetime as dt
import os

import pytest

from app.clock import now
from app.extensions import db
from app.jobs import archive_check, run_job
from app.models import Letter, OutboxMessage
from app.services import archive, integrity, renewal
from app.services.strongroom import strongroom
from app.signing.contents import contents_of
from app.signing.store import path_of
from app.workflow import SignatureMode, Status

LEASE = archive.ARCHIVE_LEASE + dt.timedelta(minutes=1)
JOBS = {"transfer": "archive-transfer", "renewal": "archive-extension", "extension": "archive-extension"}


class Killed(BaseException):
    """As a signal that cannot be caught: no handler of the product sees it."""


@pytest.fixture
def waiting(clock, make_document, person):
    """A document about which one of the jobs has something to do, and the clock at that moment."""

    def make(kind):
        document = make_document(Status.completion_wait, SignatureMode.no_signature)
        clock.shift(dt.timedelta(days=1))
        if kind != "transfer":
            assert run_job("archive-transfer")["done"] == 1
            db.session.refresh(document)
        if kind == "renewal":
            document.archive_record.renew_on = now().date() - dt.timedelta(days=1)
        if kind == "extension":
            person("admin").company.has_archive_extension = True
            renewal.order(document, person("admin"), now(), document.retained_until)
        db.session.commit()
        return document

    return make


def stored():
    return {path.relative_to(strongroom().store.folder) for path in strongroom().store.folder.rglob("*.pdf*")}


def killed_in(target, name, job, monkeypatch):
    """Run the job, which dies in this function; what it did not commit is gone, as with its process."""

    def die(*args, **kwargs):
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(target, name, die)
        run_job(job)
    db.session.rollback()
    db.session.expire_all()


@pytest.mark.requirement("I14", "I15", "T14", "T15")
@pytest.mark.parametrize("kind", JOBS)
@pytest.mark.parametrize("place", ["before storing", "before recording"])
def test_what_was_cut_off_is_finished_with_one_time_stamp_and_no_second_file(waiting, clock, monkeypatch, kind, place):
    document, job = waiting(kind), JOBS[kind]
    former, before, until = document.pdf_sha256, stored(), document.retained_until
    had, events = contents_of(strongroom().store.get(former)).time_stamps, len(document.events)
    if place == "before storing":
        killed_in(strongroom().store, "put", job, monkeypatch)
    else:
        killed_in(archive, "keep_stamped", job, monkeypatch)
    assert document.pdf_sha256 == former and len(document.events) == events and document.retained_until == until
    promised = document.archive_record.promised_sha256
    assert len(stored() - before) == strongroom().store.has(promised) == (place == "before recording")

    assert run_job(job)["done"] == 0  # the lease of the one that died
    clock.shift(LEASE)
    assert run_job(job)["done"] == 1
    clock.shift(LEASE)
    assert run_job(job)["due"] == 0
    db.session.expire_all()
    assert len(stored() - before) == 1 and strongroom().store.has(document.pdf_sha256)
    assert (document.pdf_sha256 == promised) or place == "before storing"
    assert contents_of(strongroom().store.get(document.pdf_sha256)).time_stamps == had + 1
    assert document.archive_record.promised_sha256 is None and len(document.events) == events + 1
    assert integrity.examine(integrity.expected_of(document.id, now()))[0] == []


@pytest.mark.requirement("I14", "L8")
@pytest.mark.parametrize("promise", ["of another document", "altered"])
def test_a_file_that_does_not_continue_the_current_one_is_not_taken_for_its_time_stamp(waiting, clock, monkeypatch, make_document, promise):
    document = waiting("transfer")
    former = document.pdf_sha256
    killed_in(archive, "keep_stamped", "archive-transfer", monkeypatch)
    record = document.archive_record
    promised = record.promised_sha256
    if promise == "altered":
        file = strongroom().store.folder / promised[:2] / f"{promised[2:]}.pdf"
        file.write_bytes(file.read_bytes() + b" ")
    else:
        record.promised_sha256 = strongroom().store.put(b"%PDF-1.7 another one")
        db.session.commit()
    clock.shift(LEASE)
    assert run_job("archive-transfer")["done"] == 1
    db.session.expire_all()
    assert document.pdf_sha256 not in (promised, former) and document.status is Status.archived
    assert strongroom().store.get(document.pdf_sha256).startswith(strongroom().store.get(former))


@pytest.mark.requirement("I14", "L10")
def test_what_a_check_found_is_told_also_where_it_died_before_telling(waiting, clock, monkeypatch):
    document = waiting("transfer")
    document.archive_record.check_due_at = now()
    db.session.commit()
    monkeypatch.setattr(strongroom().store, "raw", lambda sha256: None)
    killed_in(archive_check, "afterwards", "archive-check", monkeypatch)
    letters = db.session.query(OutboxMessage).filter_by(letter=Letter.archive_alert)
    assert letters.count() == 0 and document.archive_record.has_news
    assert run_job("archive-check")["due"] == 0
    assert letters.count() == 1


@pytest.mark.requirement("L10", "T16")
def test_the_part_of_a_file_that_a_killed_writer_left_goes_after_a_day_and_nothing_else(app, clock):
    store = strongroom().store
    whole = store.put(b"%PDF-1.7 stored whole")
    beside = store.folder / f"{path_of(whole)}#1"
    beside.write_bytes(b"%PDF-1.7 sto")
    os.utime(beside, (now().timestamp(),) * 2)
    clock.shift(dt.timedelta(hours=23))
    assert run_job("archive-expiry")["due"] == 0
    clock.shift(dt.timedelta(hours=2))
    done = beside.with_name(f"{beside.name}2")
    done.symlink_to(store.folder / "gone")  # read in the folder, and no longer there: its writer has just finished
    assert run_job("archive-expiry")["done"] == 1 and not beside.exists()
    assert store.get(whole) and run_job("archive-expiry")["due"] == 0
    with pytest.raises(ValueError, match="pdf"):
        store.sweep(path_of(whole))
