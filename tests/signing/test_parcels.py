"""ZIP files that wait in the store: whole or not at all, read from any place, deleted again."""

import hashlib
import resource
import uuid

import pytest
from obstore.store import MemoryStore

from app.errors import StorageFailed
from app.signing.parcels import Parcels
from app.signing.store import FileStore


@pytest.fixture(params=["disk", "objects"])
def parcels(request, tmp_path):
    """On a disk, and on a store of objects without folders, as S3 is."""
    return Parcels(FileStore.from_url(tmp_path.as_uri()) if request.param == "disk" else FileStore(MemoryStore()))


@pytest.fixture
def token():
    return str(uuid.uuid4())


@pytest.mark.requirement("L7")
def test_a_file_is_read_from_any_place_and_deleted(parcels, token):
    content = bytes(range(256)) * 90_000  # three parts of S3
    parcel = parcels.put(token, (content[at : at + 100_000] for at in range(0, len(content), 100_000)))
    assert (parcel.size_bytes, parcel.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    reader = parcels.open(token, len(content))
    assert b"".join(reader) == content
    reader.seek(20_000_001)
    assert reader.tell() == 20_000_001 and b"".join(reader) == content[20_000_001:]
    parcels.remove(token)
    parcels.remove(token)
    with pytest.raises(StorageFailed):
        parcels.open(token, len(content))


@pytest.mark.requirement("L7")
def test_what_fails_on_the_way_leaves_nothing(parcels, token, tmp_path):
    def half():
        yield b"x" * 20_000_000
        raise ValueError("the rest is missing")

    with pytest.raises(ValueError, match="the rest"):
        parcels.put(token, half())
    with pytest.raises(StorageFailed):
        parcels.open(token, 20_000_000)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_file_of_another_length_is_not_given_out(parcels, token):
    parcels.put(token, [b"four"])
    with pytest.raises(StorageFailed):
        parcels.open(token, 5)


@pytest.mark.requirement("L7")
def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path, token):
    """A limit on the size of files stands for the disk's end; the system answers a write with an error alike."""
    parcels, (soft, hard) = Parcels(FileStore.from_url(tmp_path.as_uri())), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12 * 1024 * 1024, hard))  # Python ignores SIGXFSZ
    try:
        with pytest.raises(StorageFailed, match="保存する場所が足りない"):
            parcels.put(token, (b"x" * 1024 * 1024 for _ in range(30)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not [path for path in tmp_path.rglob("*.zip*") if path.is_file()]


def test_what_a_killed_worker_left_goes_with_the_file(tmp_path, token):
    parcels = Parcels(FileStore.from_url(tmp_path.as_uri()))
    left = tmp_path / "downloads" / f"{token}.zip#1"
    left.parent.mkdir()
    left.write_bytes(b"half")
    parcels.remove(token)
    assert not left.exists()


@pytest.mark.parametrize("token", ["../x", "", "a/b", "x" * 36])
def test_only_a_uuid_names_a_file(parcels, token):
    with pytest.raises(ValueError):
        parcels.remove(token)
