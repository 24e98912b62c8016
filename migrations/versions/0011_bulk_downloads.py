"""一括ダウンロード: what was asked for, and which documents each file holds."""

import sqlalchemy as sa
from alembic import op

revision = '0011'
down_revision = '0010'


def upgrade():
    op.create_table('bulk_download',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('in_archive', sa.Boolean(), nullable=False),
    sa.Column('conditions', sa.JSON(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=36), nullable=True),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('included', sa.Integer(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('sha256', sa.String(length=64), nullable=True),
    sa.Column('failure', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_bulk_download_user_id', 'bulk_download', ['user_id'])
    op.create_index('ix_bulk_download_expires_at', 'bulk_download', ['expires_at'])
    op.create_table('bulk_download_item',
    sa.Column('download_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['download_id'], ['bulk_download.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('download_id', 'position')
    )
    op.create_index('ix_bulk_download_item_document_id', 'bulk_download_item', ['document_id'])


def downgrade():
    op.drop_table('bulk_download_item')
    op.drop_table('bulk_download')
