"""ZIP files that wait some days to be fetched, in the store beside the PDFs; unlike those they are deleted again.

A file is written in parts and has its name only when the last part is there.  On a disk obstore writes a file
beside the target and links it; S3 shows a multipart upload only when it is completed.  What a killed process
leaves on a disk goes with :meth:`Parcels.remove`; an upload to S3 that is not completed stays, invisible, until a
lifecycle rule of the bucket aborts it.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import obstore
from obstore.exceptions import BaseError

from app.errors import StorageFailed
from app.signing.store import CHUNK_BYTES, FileStore

FOLDER = "downloads"
PART_BYTES = 8 * 1024 * 1024  # S3 takes 10,000 parts of a file, so this allows about 80 GB
PARTS_AT_ONCE = 2

NOT_WRITTEN = (
    "ファイルを保存する場所が足りないか、保存先に接続できないため、作成できませんでした。"
    "しばらくしてから、もう一度お試しください。続く場合は、お問い合わせ窓口までご連絡ください。"
)


@dataclass(frozen=True)
class Parcel:
    """A file that was written whole."""

    size_bytes: int
    sha256: str


class Parcels:
    """The ZIP files of one portal.  Safe to share by threads and processes."""

    def __init__(self, store: FileStore):
        self._store, self._objects, self._folder = store, store.objects, store.folder

    def put(self, token: str, pieces: Iterable[bytes]) -> Parcel:
        """Keep what `pieces` yield under a name of its own, a UUID; what they raise passes through, and nothing is kept.

        :raises StorageFailed: not written, for want of room or of a connection
        """
        digest, size = hashlib.sha256(), 0
        writer = None
        try:
            # not obstore.put with an iterator: what the iterator itself reads from the store would stop the process
            writer = obstore.open_writer(
                self._objects, _path_of(token), buffer_size=PART_BYTES, max_concurrency=PARTS_AT_ONCE
            )
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                writer.write(piece)
            writer.close()
        except (BaseError, OSError) as failure:
            raise StorageFailed(NOT_WRITTEN) from failure
        finally:
            del writer  # not closed, it takes its parts with it
        return Parcel(size, digest.hexdigest())

    def open(self, token: str, size_bytes: int) -> "ParcelReader":
        """A file to be read in pieces from any place in it.

        :raises StorageFailed: missing, or not as long as it was
        """
        try:
            found = obstore.head(self._objects, _path_of(token))
        except (BaseError, OSError) as failure:
            raise StorageFailed from failure
        if found["size"] != size_bytes:
            raise StorageFailed
        return ParcelReader(self._objects, _path_of(token), size_bytes)

    def remove(self, token: str):
        """Delete a file and what an attempt that was cut off left of it; gone already is no error.

        :raises StorageFailed: not deleted
        """
        path = _path_of(token)
        self._store.delete(path)
        if self._folder:
            for left in self._folder.glob(f"{path}#*"):
                left.unlink(missing_ok=True)


class ParcelReader:
    """The pieces of a file from where :meth:`seek` points; each is asked for when it is needed.

    Werkzeug answers a Range request with it.
    """

    def __init__(self, objects, path, size_bytes):
        self._objects, self._path, self._size = objects, path, size_bytes
        self._at = 0

    def seekable(self) -> bool:
        return True

    def seek(self, at: int) -> None:
        self._at = at

    def tell(self) -> int:
        return self._at

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._at >= self._size:
            raise StopIteration
        end = min(self._at + CHUNK_BYTES, self._size)
        try:
            piece = bytes(obstore.get_range(self._objects, self._path, start=self._at, end=end))
        except (BaseError, OSError) as failure:
            raise StorageFailed from failure
        if not piece:
            raise StorageFailed
        self._at += len(piece)
        return piece


def _path_of(token):
    """:raises ValueError: not a UUID, which might lead out of the folder"""
    return f"{FOLDER}/{uuid.UUID(token)}.zip"
