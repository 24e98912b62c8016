"""Attachments of concluded documents are looked after, and a time stamp that was cut off is found again."""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'


def upgrade():
    with op.batch_alter_table('archive_record') as batch_op:
        batch_op.add_column(sa.Column('promised_sha256', sa.String(length=64), nullable=True))
    # the 添付・補足書類 of what was concluded before are to be held by the storage as well
    op.execute(
        'UPDATE archive_record SET lock_due_at = (SELECT concluded_at FROM contract_document'
        ' WHERE contract_document.id = archive_record.document_id) WHERE disposed_at IS NULL'
        ' AND document_id IN (SELECT document_id FROM document_attachment)'
    )
