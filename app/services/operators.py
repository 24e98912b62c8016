"""運営者: who runs the portal; enrolled by another one, or on the server for the first, and deleted by another one."""

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app import queries
from app.errors import NotFound, Refused
from app.extensions import db
from app.models import AccountAction
from app.queries import role_rows
from app.services import companies, journal, people

OPERATOR = "Operator"


def enrol(user, actor, now, *, initial=None):
    """運営者の登録: a 利用者ID and the first password, by two mails.

    :param user: a new :class:`PortalUser` row with names and `mail_address`, of no company
    :param actor: another operator; None on the server's command line
    :param initial: one of :func:`app.services.credentials.new_initial_passwords`; made here when not given
    :raises AlreadyEnrolled: its form has made its person before
    """
    with db.session.no_autoflush:  # the row is not whole yet
        _hold()
        people.refuse_second(user.enrolment_token)
        roles = role_rows(OPERATOR)
    companies.enrol(user, now, roles=roles, initial=initial)
    journal.note(AccountAction.user_enrolled, now, user=user, actor=actor, note=str(user))


def delete(user, actor, now):
    """運営者の削除: the operator can do nothing any more, and is logged out at once.

    One always remains: who deletes another one.

    :param actor: another operator
    :raises Refused: oneself, or by somebody who has been deleted at the same moment
    :raises OutOfTurn: deleted already
    """
    if not user.is_operator:
        raise NotFound
    if user.id == actor.id:
        raise Refused("ご自身の利用者IDは削除できません。ほかの運営者に削除をご依頼ください。")
    _hold()
    if actor.id not in {person.id for person in queries.operators()}:  # the two of them delete each other
        raise Refused("ご自身の利用者IDは、ほかの運営者がすでに削除しています。この操作は行えません。")
    people.delete(user, actor, now)


def _hold():
    """Let nobody else enrol or delete operators until the commit."""
    db.session.execute(select(Role.id).where(Role.name == OPERATOR).with_for_update(key_share=True))
