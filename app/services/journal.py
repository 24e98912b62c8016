"""操作履歴: what happened to people, companies and their credentials; rows are added and never changed."""

from app.extensions import client_address, db
from app.models import AccountEvent


def note(action, now, *, user=None, actor=None, company=None, note=""):
    """Add one line; the caller commits.

    :param user: about whom
    :param actor: who did it; None where nobody was logged in, or a job did
    :param company: whose 操作履歴 shows it; the user's or the actor's when not given
    :param note: a number or a name that says more; nothing secret
    """
    company = company or next((person.company for person in (user, actor) if person and person.company), None)
    event = AccountEvent(
        action=action, at=now, company_id=company and company.id, user=user, actor=actor,
        ip_address=client_address(), note=note[:255],
    )  # fmt: skip
    db.session.add(event)
    return event
