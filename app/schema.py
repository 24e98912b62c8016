"""The database's schema: brought to the newest migration by the release step, the demo and the tests."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from app.extensions import db

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def alembic_config(connection):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def upgrade():
    """Bring the schema to the newest migration; nothing to do is fine."""
    with db.engine.begin() as connection:
        command.upgrade(alembic_config(connection), "head")


def new_migration(message):
    """Write a migration from what the tables are to what app/models.py says."""
    with db.engine.begin() as connection:
        command.revision(alembic_config(connection), message=message, autogenerate=True)
