"""監査ログ: hash chains, their heads, time stamps over them, and what the checks found."""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'


def upgrade():
    op.create_table('log_head',
    sa.Column('chain', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('anchored_sequence', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('chain')
    )
    op.create_table('log_entry',
    sa.Column('chain', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('sequence', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('kind', sa.String(length=64), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('details', sa.JSON(), nullable=False),
    sa.Column('source', sa.String(length=32), nullable=False),
    sa.Column('source_id', sa.Integer(), nullable=True),
    sa.Column('source_sha256', sa.String(length=64), nullable=False),
    sa.Column('source_commitment', sa.String(length=64), nullable=False),
    sa.Column('source_salt', sa.String(length=32), nullable=False),
    sa.Column('ip_address', sa.String(length=45), nullable=False),
    sa.Column('ip_commitment', sa.String(length=64), nullable=False),
    sa.Column('ip_salt', sa.String(length=32), nullable=False),
    sa.Column('previous', sa.String(length=64), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('chain', 'sequence')
    )
    op.create_index('ix_log_entry_source', 'log_entry', ['source', 'source_id'])
    op.create_index('ix_log_entry_actor', 'log_entry', ['actor_id'])
    op.create_index('ix_log_entry_user', 'log_entry', ['user_id'])
    op.create_table('log_anchor',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('log_anchor_head',
    sa.Column('anchor_id', sa.Integer(), nullable=False),
    sa.Column('chain', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('sequence', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.ForeignKeyConstraint(['anchor_id'], ['log_anchor.id'], ),
    sa.PrimaryKeyConstraint('anchor_id', 'chain')
    )
    op.create_index('ix_log_anchor_head_chain', 'log_anchor_head', ['chain'])
    op.create_table('log_check',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('chain', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('first_sequence', sa.Integer(), nullable=False),
    sa.Column('last_sequence', sa.Integer(), nullable=False),
    sa.Column('found', sa.Integer(), nullable=False),
    sa.Column('findings', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_log_check_chain', 'log_check', ['chain', 'id'])


def downgrade():
    for table in ('log_check', 'log_anchor_head', 'log_anchor', 'log_entry', 'log_head'):
        op.drop_table(table)
