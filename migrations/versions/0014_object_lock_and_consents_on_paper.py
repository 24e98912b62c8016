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
