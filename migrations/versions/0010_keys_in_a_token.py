"""Keys in hardware: where in the PKCS#11 token a certificate's key lies."""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'


def upgrade():
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.add_column(sa.Column('token_key', sa.String(length=64), nullable=True))
