"""Alembic's environment: the tables of the portal and of Flask-AppBuilder are one metadata."""

from alembic import context
from flask_appbuilder import Model

import app.models  # noqa: F401  registers the tables
from app.models import Utc


def _render(kind, item, autogenerate):
    if kind == "type" and isinstance(item, Utc):
        return "sa.DateTime(timezone=True)"
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Model.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    render_item=_render,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
