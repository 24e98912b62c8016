"""Destroy the keys of revoked certificates in the token that keeps them."""

from app.extensions import db
from app.services import token_keys


def due(now):
    """Ids of the revoked certificates whose keys are still there."""
    return token_keys.to_destroy()


def run_one(certificate_id, now):
    """Destroy one key; while the token does not answer it stays due."""
    was_there = token_keys.destroy(certificate_id)
    db.session.commit()
    return was_there
