"""Why an operator turned an application down."""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'


def upgrade():
    for table in ('certificate_application', 'company_change'):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('reason', sa.Text(), nullable=False, server_default=''))
