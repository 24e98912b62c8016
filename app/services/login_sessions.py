"""Log-ins that last: one row for each browser in which a person is logged in (S10)."""

from sqlalchemy import select, update

from app.extensions import client_address, db
from app.models import AccountAction, LoginSession
from app.services import journal


def begin(user, now, browser=""):
    """A new session of a person who has shown who they are.

    :param browser: what the browser says of itself (User-Agent)
    """
    row = LoginSession(
        user=user, started_at=now, ip_address=client_address(),
        browser="".join(c for c in browser if c.isprintable())[:255],
    )  # fmt: skip
    db.session.add(row)
    return row


def log_out(session, now):
    """ログアウト: this one session ends, the person's others go on."""
    session.ended_at = now
    journal.note(AccountAction.log_out, now, user=session.user, actor=session.user)


def end(session, now):
    """End one of the own sessions from another one; once is enough."""
    if session.ended_at is None:
        session.ended_at = now
        journal.note(AccountAction.session_ended, now, user=session.user, actor=session.user, note=session.ip_address)


def end_others(session, now):
    """End every session of the person but this one.

    :returns: how many there were
    """
    found = select(LoginSession).where(
        LoginSession.user_id == session.user_id, LoginSession.id != session.id, LoginSession.ended_at.is_(None)
    )
    others = db.session.scalars(found).all()
    for other in others:
        end(other, now)
    return len(others)


def end_all(user, now):
    """End every session of a person."""
    db.session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.ended_at.is_(None))
        .values(ended_at=now)
        .execution_options(synchronize_session="fetch")
    )
