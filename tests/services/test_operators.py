"""運営者 registered and deleted by each other."""

import pytest

from app import queries
from app.clock import now
from app.errors import NotFound, OutOfTurn, Refused
from app.extensions import db
from app.models import AccountAction, AccountEvent, Letter, LoginSession, OutboxMessage, PortalUser
from app.services import login_sessions, operators


@pytest.fixture
def second(person):
    user = PortalUser(full_name="運営 次郎", mail_address="second@portal.example")
    operators.enrol(user, person("operator"), now())
    db.session.commit()
    return user


@pytest.mark.requirement("I2", "R17", "I21")
def test_a_new_operator_gets_the_id_and_the_first_password_and_belongs_to_no_company(person, second):
    assert second.is_operator and second.company is None and second.must_change_password
    assert [role.name for role in second.roles] == ["Operator"]
    letters = db.session.query(OutboxMessage).filter_by(user_id=second.id).order_by(OutboxMessage.id)
    assert [letter.letter for letter in letters] == [Letter.user_issued, Letter.initial_password]
    noted = db.session.query(AccountEvent).filter_by(action=AccountAction.user_enrolled).one()
    assert (noted.user, noted.actor, noted.company) == (second, person("operator"), None)
    assert set(queries.operators()) == {person("operator"), second}


@pytest.mark.requirement("I2", "S10")
def test_a_deleted_operator_is_logged_out_at_once_and_deleted_once(person, second):
    first = person("operator")
    login_sessions.begin(second, now())
    db.session.commit()
    epoch = second.session_epoch
    operators.delete(second, first, now())
    db.session.commit()
    assert second.deleted_at and not second.is_selectable and second.session_epoch > epoch
    assert db.session.query(LoginSession).filter_by(user_id=second.id, ended_at=None).count() == 0
    assert queries.operators() == [first]
    noted = db.session.query(AccountEvent).filter_by(action=AccountAction.user_deleted).one()
    assert (noted.user, noted.actor) == (second, first)
    with pytest.raises(OutOfTurn, match="すでに削除"):
        operators.delete(second, first, now())


@pytest.mark.requirement("I2", "I21")
def test_one_operator_always_remains_and_nobody_deletes_oneself_or_anybody_else_by_this(person, second):
    first = person("operator")
    with pytest.raises(Refused, match="ご自身の利用者ID"):
        operators.delete(first, first, now())
    with pytest.raises(NotFound):
        operators.delete(person("admin"), first, now())
    operators.delete(second, first, now())
    db.session.commit()
    with pytest.raises(Refused, match="ほかの運営者がすでに削除"):  # who had pressed the same at the same time
        operators.delete(first, second, now())
    db.session.rollback()
    assert first.is_selectable and person("admin").is_selectable
