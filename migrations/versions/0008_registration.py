"""Registration: 下書きの自動保存, 添付・補足書類, 原契約, notices of the end of 契約期間."""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'


def upgrade():
    op.create_table('document_attachment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('file_name', sa.String(length=255), nullable=False),
    sa.Column('kind', sa.Enum('pdf', 'jpg', 'png', 'docx', 'xlsx', name='attachmentkind', native_enum=False, length=32), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('size_bytes', sa.Integer(), nullable=False),
    sa.Column('first_revision', sa.Integer(), nullable=False),
    sa.Column('last_revision', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'position')
    )
    op.create_table('registration_draft',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('about_id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=36), nullable=False),
    sa.Column('sealed_fields', sa.LargeBinary(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'about_id')
    )
    with op.batch_alter_table('contract_document', schema=None) as batch_op:
        batch_op.add_column(sa.Column('term_told_days', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('original_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key('fk_contract_document_original', 'contract_document', ['original_id'], ['id'])
        batch_op.create_index(batch_op.f('ix_contract_document_original_id'), ['original_id'], unique=False)
    with op.batch_alter_table('document_event', schema=None) as batch_op:
        batch_op.add_column(sa.Column('attachments_sha256', sa.JSON(), nullable=False, server_default='[]'))


def downgrade():
    with op.batch_alter_table('document_event', schema=None) as batch_op:
        batch_op.drop_column('attachments_sha256')
    with op.batch_alter_table('contract_document', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_contract_document_original_id'))
        batch_op.drop_constraint('fk_contract_document_original', type_='foreignkey')
        batch_op.drop_column('original_id')
        batch_op.drop_column('term_told_days')
    op.drop_table('registration_draft')
    op.drop_table('document_attachment')
