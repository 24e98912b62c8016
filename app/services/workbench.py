"""The places at which PDFs are made while somebody waits: few in a process, since each takes a processor and memory."""

import threading
from contextlib import contextmanager

from app.errors import PapersBusy

PLACES = 2
WAIT_SECONDS = 20

_free = threading.BoundedSemaphore(PLACES)


@contextmanager
def place():
    """Take a place, or wait for one.

    :raises PapersBusy: none became free
    """
    if not _free.acquire(timeout=WAIT_SECONDS):
        raise PapersBusy
    try:
        yield
    finally:
        _free.release()
