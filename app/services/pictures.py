"""Pictures of pages: drawn in a limited process of their own, few at a time, and kept for a while.

A file never changes under its SHA-256, so neither does the picture of its page.
"""

import threading
from collections import OrderedDict
from contextlib import contextmanager

from app.errors import PicturesBusy
from app.services.strongroom import strongroom
from app.signing.intake import render_page

WIDTH_PX = 900
AT_ONCE = 2  # in one process; each may use the memory and the time that the intake allows
WAIT_SECONDS = 10
KEPT_BYTES = 8 * 1024 * 1024


class _Kept:
    """The pictures asked for last, up to so many bytes; shared by the threads of a process."""

    def __init__(self, most_bytes):
        self._most_bytes, self._bytes = most_bytes, 0
        self._pictures = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key):
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)

    def put(self, key, picture):
        with self._lock:
            if key in self._pictures or len(picture) > self._most_bytes:
                return
            self._pictures[key] = picture
            self._bytes += len(picture)
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._pictures.popitem(last=False)[1])


_kept = _Kept(KEPT_BYTES)
_drawing = threading.BoundedSemaphore(AT_ONCE)


def page_picture(sha256, page_index):
    """A page of a stored file as PNG; whether the person may see it, the caller has asked.

    :param page_index: counted from 0
    :raises app.errors.NotFound: there is no such page
    :raises PicturesBusy: too many are being drawn
    """
    key = (sha256, page_index)
    picture = _kept.get(key)
    if picture is None:
        with drawing():
            picture = _kept.get(key) or render_page(strongroom().store.get(sha256), page_index, WIDTH_PX)
        _kept.put(key, picture)
    return picture


@contextmanager
def drawing():
    """Draw, for whatever purpose, as one of the few that may at a time.

    :raises PicturesBusy: too many are being drawn
    """
    if not _drawing.acquire(timeout=WAIT_SECONDS):
        raise PicturesBusy
    try:
        yield
    finally:
        _drawing.release()
