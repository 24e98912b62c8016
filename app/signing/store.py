"""Where the PDFs lie: each file under the SHA-256 of its bytes, written once, never changed.

On a disk obstore writes a temporary file beside the target, calls fsync, and links it to its name; a crash
leaves at worst a temporary file, which :meth:`FileStore.leftovers` finds.  It does not fsync the folder, so after a power cut the newest name may
be missing while its row exists: :meth:`FileStore.put` therefore syncs the folder itself.  S3 answers only
when the object is stored.
"""

import datetime as dt
import hashlib
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, ObjectStore, S3Store, from_url

from app.errors import StorageFailed
from app.signing.bucket import Bucket, LockMode, Protection, Retention

CHUNK_BYTES = 1024 * 1024
UNFINISHED = "#"  # in the name of obstore's temporary files on a disk: 「ab/cdef….pdf#1」

_NOT_WRITTEN = (
    "ファイルを保存できませんでした。操作は完了していません。しばらくしてから、もう一度お試しください。"
)


class FileStore:
    """The files of one portal.  Safe to share by threads and processes."""

    def __init__(self, objects: ObjectStore, folder: Path | None = None, bucket: Bucket | None = None):
        self._objects = objects
        self._folder = folder
        self._bucket = bucket

    @property
    def objects(self) -> ObjectStore:
        """Where everything lies."""
        return self._objects

    @property
    def folder(self) -> Path | None:
        """The folder on a disk; None on S3."""
        return self._folder

    @classmethod
    def from_url(cls, url: str, secret: str = "") -> "FileStore":
        """``file:///var/lib/portal/files`` (made if missing) or ``s3://bucket/prefix``.

        S3 credentials, region and endpoint come from the usual ``AWS_`` environment variables.

        :param secret: the secret access key, needed for object lock and versions besides
        """
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "file":
            folder = Path(urllib.parse.unquote(parts.path))
            folder.mkdir(parents=True, exist_ok=True)
            return cls(LocalStore(prefix=folder), folder)
        objects = from_url(url)
        return cls(objects, bucket=Bucket(objects, secret) if secret and isinstance(objects, S3Store) else None)

    def put(self, pdf: bytes) -> str:
        """Keep `pdf`; keeping the same bytes twice is no error.

        :returns: the SHA-256 by which to :meth:`get` it, hexadecimal
        :raises StorageFailed: not written, or other bytes lie under this hash
        """
        sha256 = hashlib.sha256(pdf).hexdigest()
        path = path_of(sha256)
        try:
            obstore.put(self._objects, path, pdf, mode="create")
        except AlreadyExistsError:
            self.get(sha256)
        except (BaseError, OSError) as failure:
            raise StorageFailed(_NOT_WRITTEN) from failure
        if self._folder:
            self._sync_folders(path)
        return sha256

    def get(self, sha256: str) -> bytes:
        """The bytes of a file.

        :raises StorageFailed: missing, or no longer what they were
        """
        try:
            pdf = bytes(obstore.get(self._objects, path_of(sha256)).bytes())
        except (BaseError, OSError) as failure:
            raise StorageFailed from failure
        if hashlib.sha256(pdf).hexdigest() != sha256:
            raise StorageFailed
        return pdf

    def raw(self, sha256: str) -> bytes | None:
        """Whatever lies under this hash, altered or not; None where nothing does.

        :raises StorageFailed: the storage does not answer, so that nothing can be said about the file
        """
        try:
            return bytes(obstore.get(self._objects, path_of(sha256)).bytes())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as failure:
            raise StorageFailed from failure

    def protection(self) -> Protection:
        """What the bucket does for its objects; a disk does nothing.

        :raises StorageFailed: the storage does not answer
        """
        return self._bucket.protection() if self._bucket else Protection(has_versions=False, has_lock=False)

    def hold(self, sha256: str, until: dt.datetime, mode: LockMode) -> None:
        """Let the bucket refuse to delete or replace a file before `until`; a longer retention stays.

        :raises StorageFailed: missing, not what it was, or the bucket refuses
        """
        self.get(sha256)  # another file in its place is not to be held
        held = self._bucket.retention_of(path_of(sha256))
        if held is None or held.until < until:
            firm = mode if held is None or held.mode is mode else LockMode.compliance  # never less than it is
            self._bucket.retain(path_of(sha256), Retention(firm, until))

    def erase(self, sha256: str) -> None:
        """Delete a file, with all versions of it, after its 保管期間; one that is gone already is no error (T16).

        The one way by which a file leaves the store: :mod:`app.services.disposal` alone may call it.

        :raises StorageFailed: not deleted, for instance since the storage's own lock holds it
        """
        self.delete(path_of(sha256))

    def delete(self, path: str) -> None:
        """Delete whatever lies under a path, hidden versions as well; nothing there is no error.

        :raises StorageFailed: not deleted
        """
        try:
            if self._bucket and self._bucket.has_versions():
                self._bucket.delete_versions(path)
            else:
                obstore.delete(self._objects, path)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as failure:
            raise StorageFailed from failure

    def leftovers(self, before: dt.datetime) -> list[str]:
        """Names of the temporary files of writers that were cut off, untouched since `before`.

        On S3 nobody sees such a thing: the provider's rule for incomplete uploads removes it.
        """
        found = self._folder.glob(f"*/*{UNFINISHED}*") if self._folder else ()
        return [str(path.relative_to(self._folder)) for path in found if _is_older(path, before)]

    def sweep(self, name: str) -> None:
        """Delete one of the :meth:`leftovers`; gone already is no error.

        :raises StorageFailed: not deleted
        """
        if UNFINISHED not in name:
            raise ValueError(name)  # a file that was stored whole leaves by erase() alone
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as failure:
            raise StorageFailed from failure

    def stream(self, sha256: str) -> Iterator[bytes]:
        """The bytes of a file in pieces, for what is too large to hold.

        :raises StorageFailed: missing; or, after the last piece, not what it was: whoever passes pieces on
            must then break the transfer off
        """
        digest = hashlib.sha256()
        try:
            for piece in obstore.get(self._objects, path_of(sha256)).stream(min_chunk_size=CHUNK_BYTES):
                piece = bytes(piece)
                digest.update(piece)
                yield piece
        except (BaseError, OSError) as failure:
            raise StorageFailed from failure
        if digest.hexdigest() != sha256:
            raise StorageFailed

    def has(self, sha256: str) -> bool:
        """Whether a file of this hash is there, without reading it."""
        try:
            obstore.head(self._objects, path_of(sha256))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as failure:
            raise StorageFailed from failure
        return True

    def _sync_folders(self, path):
        for folder in (self._folder / Path(path).parent, self._folder):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _is_older(path: Path, before: dt.datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:  # its writer is done since the folder was read
        return False


def path_of(sha256: str) -> str:
    """The name under which a file is kept: ``ab/cdef….pdf``.

    :raises StorageFailed: not a SHA-256, which would otherwise lead out of the store
    """
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise StorageFailed
    return f"{sha256[:2]}/{sha256[2:]}.pdf"
