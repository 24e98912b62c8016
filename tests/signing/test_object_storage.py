"""The file store on a real S3 server: the same promises as on a disk, and the bucket's own lock besides.

Everything that needs the server stands here, so that few processes start one.
"""

import datetime as dt
import io
import time
import uuid
import zipfile

import obstore
import pytest

from app.clock import end_of_japan_day, now, years_later
from app.errors import StorageFailed
from app.extensions import db
from app.jobs import run_job
from app.models import ArchiveRecord, Letter, OutboxMessage
from app.services import bulk_downloads, integrity, object_locks
from app.services.strongroom import strongroom
from app.signing.bucket import LockMode
from app.signing.parcels import Parcels
from app.signing.store import path_of
from app.workflow import SignatureMode, Status
from tests.conftest import kept_file
from tests.seaweed import is_refused, versions
from tests.signing.test_parcels import (  # noqa: F401  the same tests, with the fixtures of this file
    test_a_file_is_read_from_any_place_and_deleted,
    test_what_fails_on_the_way_leaves_nothing,
    token,
)
from tests.signing.test_store import (  # noqa: F401
    test_a_missing_file_is_a_storage_failure,
    test_large_files_come_in_pieces,
    test_putting_twice_is_harmless,
)

HELD_SECONDS = 2


@pytest.fixture
def store(seaweed):
    return seaweed.store("plain")


@pytest.fixture
def locked(seaweed):
    return seaweed.store("locked")


@pytest.fixture
def parcels(locked):
    return Parcels(locked)


@pytest.fixture
def in_bucket(app, locked, upload, monkeypatch):
    """The portal with its files in the bucket that has a lock."""
    locked.put(strongroom().store.get(upload().sha256))
    monkeypatch.setattr(strongroom(), "store", locked)
    monkeypatch.setattr(strongroom(), "parcels", Parcels(locked))
    return locked


@pytest.mark.requirement("R3", "I5")
def test_a_swapped_file_is_noticed_and_nothing_is_overwritten(store):
    sha256 = store.put(b"%PDF- contract")
    assert store.has(sha256) and not store.has("0" * 64) and store.raw("0" * 64) is None
    obstore.put(store.objects, path_of(sha256), b"%PDF- contracT")
    assert is_refused(store.get, sha256) and is_refused(store.put, b"%PDF- contract")
    assert store.raw(sha256) == b"%PDF- contracT"
    for _ in range(2):
        store.erase(sha256)
    assert store.raw(sha256) is None


def test_what_the_bucket_does_is_found_out(seaweed, store, locked):
    assert (store.protection().has_versions, store.protection().has_lock) == (False, False)
    assert (locked.protection().has_versions, locked.protection().has_lock) == (True, True)
    assert is_refused(seaweed.store("no-such-bucket").protection)
    assert is_refused(seaweed.store("locked", secret="another").protection)


@pytest.mark.requirement("L8", "L10", "I14")
@pytest.mark.parametrize("mode", LockMode)
def test_what_is_held_can_neither_be_deleted_nor_replaced(locked, mode):
    sha256 = locked.put(f"%PDF- {mode} {uuid.uuid4()}".encode())
    path, (first,) = path_of(sha256), versions(locked, path_of(sha256))
    end = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    locked.hold(sha256, end, mode)
    assert locked._bucket.retention_of(path).mode is mode
    locked.hold(sha256, end - dt.timedelta(minutes=1), mode)  # shorter: it stays as it is
    assert abs(locked._bucket.retention_of(path).until - end) < dt.timedelta(seconds=1)
    assert is_refused(locked.erase, sha256)
    obstore.put(locked.objects, path, b"other")  # behind the portal's back: it only hides the file
    assert is_refused(locked.get, sha256) and is_refused(locked.hold, sha256, end, mode)
    obstore.delete(locked.objects, path)
    assert locked.raw(sha256) is None
    assert is_refused(locked.erase, sha256) and versions(locked, path) == [first]  # what hid it could go
    assert locked.get(sha256)


@pytest.mark.requirement("L8", "L10", "I14")
def test_what_was_held_can_be_deleted_after_its_end(locked):
    files = {mode: locked.put(f"%PDF- {mode} {uuid.uuid4()}".encode()) for mode in LockMode}
    for mode, sha256 in files.items():
        end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=HELD_SECONDS)
        locked.hold(sha256, end, mode)
    time.sleep(HELD_SECONDS + 0.2)
    for sha256 in files.values():
        locked.erase(sha256)
        assert versions(locked, path_of(sha256)) == [] and locked.raw(sha256) is None


@pytest.mark.requirement("L8", "L10", "I14", "I4")
def test_the_files_of_a_concluded_document_are_held_until_its_grace_ends(in_bucket, make_document):
    attached = kept_file("仕様書.pdf")
    document = make_document(Status.completion_wait, mode=SignatureMode.sender_only, attached=[attached])
    record = document.archive_record
    assert run_job("object-lock")["done"] == 1 and run_job("object-lock")["due"] == 0
    db.session.refresh(record)
    assert record.locked_until == years_later(document.conclusion_date, 10) + dt.timedelta(days=365)
    assert object_locks.report()["documents_held"] == 1 and object_locks.report()["object_lock"]
    assert object_locks.report()["documents_waiting"] == 0
    assert run_job("archive-transfer", now() + dt.timedelta(days=1))["done"] == 1  # a new file, and a day later
    assert run_job("object-lock", now() + dt.timedelta(days=1))["done"] == 1
    db.session.expire_all()
    assert record.lock_due_at is None
    assert record.locked_until == document.retained_until + dt.timedelta(days=365)
    assert attached.sha256 in integrity.files_of(document)
    for sha256 in integrity.files_of(document):
        held = in_bucket._bucket.retention_of(path_of(sha256))
        assert (held.mode, held.until) == (LockMode.governance, end_of_japan_day(record.locked_until))
        assert is_refused(in_bucket.erase, sha256)


@pytest.mark.requirement("T16", "L10")
def test_a_disposal_fails_while_files_are_held_and_is_done_afterwards(in_bucket, make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature, title=str(uuid.uuid4()))
    held, free = (strongroom().store.put(f"%PDF- {uuid.uuid4()}".encode()) for _ in range(2))
    in_bucket.hold(held, now() + dt.timedelta(hours=1), LockMode.compliance)
    in_bucket.hold(free, now() + dt.timedelta(seconds=HELD_SECONDS), LockMode.compliance)
    time.sleep(HELD_SECONDS + 0.2)
    record = document.archive_record
    record.disposed_at, record.disposed_files, record.erase_due_at = now(), [held], now()
    db.session.commit()
    assert run_job("archive-expiry")["failed"] == 1 and in_bucket.has(held)
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.storage_alert).count() == 1
    record.disposed_files = [free]
    db.session.commit()
    assert run_job("archive-expiry")["done"] == 1
    assert versions(in_bucket, path_of(free)) == []


def test_a_store_without_a_lock_leaves_the_documents_waiting_for_one(app, store, make_document, monkeypatch):
    make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    assert object_locks.due(now()) == [] and "documents_waiting" not in object_locks.report()  # a disk
    assert db.session.query(ArchiveRecord).one().lock_due_at is not None
    monkeypatch.setattr(strongroom(), "store", store)
    assert "documents_waiting" not in object_locks.report()
    assert object_locks.due(now()) == [] and not object_locks.report()["object_lock"]


def test_a_bucket_that_refuses_to_hold_is_told_once(in_bucket, make_document, seaweed, monkeypatch):
    make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    monkeypatch.setattr(strongroom(), "store", seaweed.store("locked", secret="another"))
    for _ in range(2):
        assert run_job("object-lock")["failed"] == 1
    with pytest.raises(StorageFailed):
        object_locks.report()
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.storage_alert).count() == 1
    assert db.session.query(ArchiveRecord).one().locked_until is None


@pytest.mark.requirement("L7", "I20")
def test_a_bulk_download_is_built_read_in_part_and_removed_there(in_bucket, make_document, person):
    document = make_document(Status.receiver_receipt, SignatureMode.no_signature)
    user = person("recipient")
    download = bulk_downloads.request(user, now(), ids=[document.id], in_archive=False, conditions={})
    db.session.commit()
    assert run_job("bulk-download")["done"] == 1
    db.session.expire_all()
    reader = bulk_downloads.open_file(user, download)
    whole = b"".join(reader)
    file = zipfile.ZipFile(io.BytesIO(whole))
    assert file.read(file.namelist()[0]) == in_bucket.get(document.pdf_sha256)
    reader.seek(len(whole) - 100)
    assert b"".join(reader) == whole[-100:]
    path = obstore.list(in_bucket.objects, "downloads").collect()[-1]["path"]
    assert run_job("bulk-download", now() + dt.timedelta(days=8))["done"] == 1
    assert versions(in_bucket, path) == []
