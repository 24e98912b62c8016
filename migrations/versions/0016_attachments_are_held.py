"""添付・補足書類 of what was concluded before are held by the storage as well."""

from alembic import op

revision = '0016'
down_revision = '0015'


def upgrade():
    op.execute(
        'UPDATE archive_record SET lock_due_at = (SELECT concluded_at FROM contract_document'
        ' WHERE contract_document.id = archive_record.document_id) WHERE disposed_at IS NULL'
        ' AND document_id IN (SELECT document_id FROM document_attachment)'
    )
