"""Fetch the 失効リスト of outside time-stamp authorities, and tell operators before one runs out."""

from flask import current_app

from app.extensions import db
from app.services import tsa_lists

LOOK = "look"  # the last piece of work: are the lists at hand current?


def due(now):
    """Numbers of the addresses (in which a password may stand); then a look at what is at hand, fetched or not."""
    return [*range(len(current_app.config["TSA_CRL_URLS"])), LOOK] if tsa_lists.is_in_use() else []


def run_one(work, now):
    """Fetch one address; False where it has nothing new."""
    done = tsa_lists.tell_operators(now) if work == LOOK else bool(tsa_lists.store(tsa_lists.fetch(work), now))
    db.session.commit()
    return done
