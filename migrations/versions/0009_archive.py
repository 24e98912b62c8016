"""The archive: proof, 点検, 延長, 廃棄 of concluded documents, and the companies' options for it."""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'


def upgrade():
    op.create_table('archive_record',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('provable_until', sa.Date(), nullable=True),
    sa.Column('stamp_algorithm', sa.String(length=32), nullable=False),
    sa.Column('renew_on', sa.Date(), nullable=True),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failure', sa.String(length=255), nullable=False),
    sa.Column('failure_told_on', sa.Date(), nullable=True),
    sa.Column('condition', sa.Enum('waiting', 'sound', 'damaged', name='condition', native_enum=False, length=32), nullable=False),
    sa.Column('findings', sa.JSON(), nullable=False),
    sa.Column('checked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('check_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('has_news', sa.Boolean(), nullable=False),
    sa.Column('end_told_days', sa.Integer(), nullable=True),
    sa.Column('disposed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('disposed_by_id', sa.Integer(), nullable=True),
    sa.Column('disposed_files', sa.JSON(), nullable=False),
    sa.Column('erase_due_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['disposed_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id')
    )
    with op.batch_alter_table('archive_record', schema=None) as batch_op:
        for column in ('stamp_algorithm', 'renew_on', 'check_due_at', 'has_news', 'erase_due_at'):
            batch_op.create_index(batch_op.f(f'ix_archive_record_{column}'), [column], unique=False)

    op.create_table('archive_extension',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('asked_by_id', sa.Integer(), nullable=True),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('old_until', sa.Date(), nullable=False),
    sa.Column('new_until', sa.Date(), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('result_sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['asked_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'old_until')
    )
    with op.batch_alter_table('archive_extension', schema=None) as batch_op:
        batch_op.create_index('ix_archive_extension_done', ['done_at'], unique=False)

    with op.batch_alter_table('contract_document', schema=None) as batch_op:
        batch_op.create_index('ix_contract_document_retained', ['status', 'retained_until'], unique=False)
    # not in batch mode: on SQLite that would drop and re-make a table to which others refer
    op.add_column('company', sa.Column('has_archive_extension', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('company', sa.Column('extends_by_itself', sa.Boolean(), nullable=False, server_default=sa.false()))
    _look_after_what_is_concluded()


def _look_after_what_is_concluded():
    """Documents concluded before get their record: the first 点検 comes next night.

    How long their time stamps last is not known to the rows; that 点検 reads it from the files.
    """
    op.execute(
        "INSERT INTO archive_record (document_id, stamp_algorithm, failure, condition, findings, has_news, disposed_files,"
        " check_due_at) SELECT id, '', '', 'waiting', '[]', false, '[]', concluded_at FROM contract_document"
        " WHERE status IN ('completion_wait', 'archived')"
    )


def downgrade():
    op.drop_column('company', 'extends_by_itself')
    op.drop_column('company', 'has_archive_extension')
    op.drop_index('ix_contract_document_retained', table_name='contract_document')
    op.drop_table('archive_extension')
    op.drop_table('archive_record')
