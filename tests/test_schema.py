"""Tables and migrations agree, and a fresh database can be built by the migrations alone."""


import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_appbuilder import Model
from sqlalchemy.exc import IntegrityError

from app import schema
from app.clock import now
from app.extensions import db
from app.models import ContractDocument, OutboxMessage
from app.workflow import SignatureMode, Status


def test_the_tables_are_what_the_migrations_make(app):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Model.metadata) == []


def test_there_is_one_newest_migration_and_the_database_is_there(app):
    with db.engine.connect() as connection:
        script = ScriptDirectory.from_config(schema.alembic_config(connection))
        assert len(script.get_heads()) == 1
        assert MigrationContext.configure(connection).get_current_heads() == tuple(script.get_heads())


def test_upgrading_twice_changes_nothing(app):
    schema.upgrade()
    with db.engine.begin() as connection:
        command.check(schema.alembic_config(connection))


@pytest.mark.requirement("T2")
@pytest.mark.parametrize("status, has_holder", [(Status.draft, False), (Status.completion_wait, True)])
def test_the_database_itself_refuses_a_holder_after_the_end_and_none_before(
    make_document, status, has_holder
):
    document = make_document(status, mode=SignatureMode.no_signature)
    holder = document.registrar_id if has_holder else None
    with pytest.raises(IntegrityError):
        db.session.execute(
            db.update(ContractDocument).where(ContractDocument.id == document.id).values(holder_id=holder)
        )
    db.session.rollback()


def test_a_negative_amount_is_no_amount(make_document):
    document = make_document(mode=SignatureMode.no_signature)
    with pytest.raises(IntegrityError):
        db.session.execute(
            db.update(ContractDocument).where(ContractDocument.id == document.id).values(amount_yen=-1)
        )
    db.session.rollback()


def test_a_time_without_zone_cannot_be_stored(app):
    from sqlalchemy.exc import StatementError

    db.session.add(
        OutboxMessage(
            letter="completed", to_address="a", message_id="m", created_at=now().replace(tzinfo=None)
        )
    )
    with pytest.raises(StatementError, match="without a zone"):
        db.session.flush()
    db.session.rollback()


def test_the_newest_number_is_given_once(app):
    from app.services.numbers import next_number

    first = [next_number("document") for _ in range(3)]
    assert len(set(first)) == 3 and first == sorted(first)
    db.session.rollback()
    assert next_number("document") == first[0]
