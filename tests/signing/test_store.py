import hashlib

import pytest

from app.errors import StorageFailed
from app.signing.store import FileStore, path_of


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "files" / "here"


@pytest.fixture
def store(folder):
    return FileStore.from_url(folder.as_uri())


@pytest.mark.requirement("R3", "I5")
def test_a_file_lies_under_its_hash(store, folder):
    sha256 = store.put(b"%PDF- contract")
    assert sha256 == hashlib.sha256(b"%PDF- contract").hexdigest()
    assert store.get(sha256) == b"%PDF- contract"
    assert (folder / sha256[:2] / f"{sha256[2:]}.pdf").read_bytes() == b"%PDF- contract"
    assert store.has(sha256) and not store.has("0" * 64)


def test_putting_twice_is_harmless(store):
    assert store.put(b"same") == store.put(b"same")


def test_a_swapped_or_damaged_file_is_noticed(store, folder):
    sha256 = store.put(b"%PDF- contract")
    path = folder / path_of(sha256)
    path.write_bytes(b"%PDF- contracT")
    with pytest.raises(StorageFailed):
        store.get(sha256)
    with pytest.raises(StorageFailed):
        list(store.stream(sha256))
    with pytest.raises(StorageFailed):
        store.put(b"%PDF- contract")
    assert path.read_bytes() == b"%PDF- contracT", "nothing is ever overwritten"


def test_a_missing_file_is_a_storage_failure(store):
    with pytest.raises(StorageFailed):
        store.get("0" * 64)
    with pytest.raises(StorageFailed):
        list(store.stream("0" * 64))


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "g" * 64, "0" * 63])
def test_only_hashes_lead_into_the_store(store, sha256):
    with pytest.raises(StorageFailed):
        store.get(sha256)


def test_large_files_come_in_pieces(store):
    pdf = bytes(range(256)) * 20_000
    pieces = list(store.stream(store.put(pdf)))
    assert b"".join(pieces) == pdf and len(pieces) > 1


def test_names_with_spaces_and_japanese_letters_are_fine(tmp_path):
    store = FileStore.from_url((tmp_path / "長期 保管").as_uri())
    assert store.get(store.put(b"x")) == b"x"
    assert (tmp_path / "長期 保管").is_dir()


def test_a_full_disk_is_a_storage_failure(store, folder):
    folder.joinpath("ab").write_bytes(b"a file where a folder should be")
    pdf = next(
        str(n).encode() for n in range(10_000) if hashlib.sha256(str(n).encode()).hexdigest().startswith("ab")
    )
    with pytest.raises(StorageFailed, match="保存できませんでした"):
        store.put(pdf)


@pytest.mark.requirement("L8", "L10")
def test_raw_shows_whatever_lies_there_and_erase_takes_it_away(store, folder):
    sha256 = store.put(b"%PDF- contract")
    (folder / path_of(sha256)).write_bytes(b"other")
    assert store.raw(sha256) == b"other" and store.raw("0" * 64) is None
    for _ in range(2):
        store.erase(sha256)
    assert store.raw(sha256) is None
