"""What several jobs' tests share: a clock to move, and where a file lies on the disk."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import time_machine

from app.clock import now
from app.signing.store import path_of


@pytest.fixture
def clock(app):
    """The clock stands still at this moment, until a test moves it."""
    with time_machine.travel(now(), tick=False) as travelling:
        yield travelling


def path(application, sha256):
    """Where the store keeps a file."""
    return Path(urlsplit(application.config["STORAGE_URL"]).path) / path_of(sha256)
