"""Forget expired signing passwords: their hashes are erased, their rows stay."""

from app.extensions import db
from app.services import signing_passwords


def due(now):
    """Ids of the issues whose last day in Japan is over."""
    return signing_passwords.expired(now)


def run_one(issue_id, now):
    """Erase one expired hash; False when it is gone already."""
    erased = signing_passwords.erase(issue_id)
    db.session.commit()
    return erased
