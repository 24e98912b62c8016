"""一括署名, 一括承認 and 一括受取確認: deal with the documents that people asked for at once (R99, I13)."""

import datetime as dt
import time

from app import queries
from app.services import bulk_walks


def due(now):
    """Ids of the operations that wait for a worker, or whose worker died."""
    return queries.operations_to_walk(now)


def run_one(operation_id, now):
    """Walk through one operation; False when somebody else has it or took it over."""
    walk = bulk_walks.claim(operation_id, now)
    if walk is None:
        return False
    begun = time.monotonic()
    return bulk_walks.walk(walk, lambda: now + dt.timedelta(seconds=time.monotonic() - begun))
