"""Files that the storage holds, and consents on paper."""

import sqlalchemy as sa
from alembic import op

revision = '0014'
down_revision = '0013'


def upgrade():
    with op.batch_alter_table('archive_record') as batch_op:
        batch_op.add_column(sa.Column('lock_due_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('locked_until', sa.Date(), nullable=True))
        batch_op.create_index('ix_archive_record_lock_due_at', ['lock_due_at'])
    # what was concluded before is to be held as well
    op.execute(
        'UPDATE archive_record SET lock_due_at = (SELECT concluded_at FROM contract_document'
        ' WHERE contract_document.id = archive_record.document_id) WHERE disposed_at IS NULL'
    )
    op.create_table('paper_consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('consent_id', sa.Integer(), nullable=False),
    sa.Column('received_on', sa.Date(), nullable=False),
    sa.Column('file_name', sa.String(length=255), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['consent_id'], ['electronic_consent.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('consent_id')
    )
