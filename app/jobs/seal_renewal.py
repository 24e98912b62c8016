"""Make the next seal of the service a year before the one in use ends."""

from app.extensions import db
from app.services import seals


def due(now):
    """The number of the generation to be followed by another; nothing while it lasts."""
    return [seals.generation()] if seals.is_due(now) else []


def run_one(former, now):
    """Make the generation after `former`; False when it stands there already."""
    if seals.generation() != former:
        return False
    seals.make_next(former, now)
    db.session.commit()
    return True
