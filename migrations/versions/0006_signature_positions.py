"""署名位置: page and box of each company's signature, as the registrar placed it."""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'

COLUMNS = ('box_left', 'box_bottom', 'box_right', 'box_top')


def upgrade():
    with op.batch_alter_table('document_party', schema=None) as batch_op:
        batch_op.add_column(sa.Column('box_page', sa.Integer(), nullable=True))
        for name in COLUMNS:
            batch_op.add_column(sa.Column(name, sa.Double(), nullable=True))


def downgrade():
    for name in (*COLUMNS, 'box_page'):
        op.drop_column('document_party', name)
