"""Forget expired signing passwords and codes: their hashes are erased, their rows stay."""

from app.extensions import db
from app.services import signing_codes, signing_passwords

KINDS = {"password": signing_passwords, "code": signing_codes}


def due(now):
    """Kind and id of the issues that have run out."""
    return [(kind, issue_id) for kind, service in KINDS.items() for issue_id in service.expired(now)]


def run_one(issue, now):
    """Erase one expired hash; False when it is gone already."""
    kind, issue_id = issue
    erased = KINDS[kind].erase(issue_id)
    db.session.commit()
    return erased
