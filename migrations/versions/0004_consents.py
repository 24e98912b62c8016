"""電子契約の承諾, 書面の交付, and what a document says of 建設業法 and 取適法."""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'


def upgrade():
    op.create_table('electronic_consent',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('giver_id', sa.Integer(), nullable=False),
    sa.Column('partner_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('act', sa.Enum('requested', 'given', 'declined', 'withdrawn', name='consentact', native_enum=False, length=32), nullable=False),
    sa.Column('method', sa.Enum('on_request', 'beforehand', name='consentmethod', native_enum=False, length=32), nullable=True),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('text_version', sa.String(length=16), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['giver_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['partner_id'], ['company.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('giver_id', 'partner_id', 'position')
    )
    with op.batch_alter_table('electronic_consent', schema=None) as batch_op:
        batch_op.create_index('ix_electronic_consent_partner', ['partner_id'], unique=False)

    op.create_table('paper_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('document_id', 'company_id', 'position')
    )
    op.create_table('paper_delivery',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('request_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('delivered_on', sa.Date(), nullable=False),
    sa.Column('method', sa.Enum('post', 'by_hand', 'other', name='deliverymethod', native_enum=False, length=32), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['request_id'], ['paper_request.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('request_id', 'position')
    )
    for name in ('is_construction', 'is_disclosure'):
        op.add_column('contract_document', sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column('contract_document', sa.Column('article_19', sa.JSON(), nullable=False, server_default='[]'))


def downgrade():
    for name in ('article_19', 'is_disclosure', 'is_construction'):
        with op.batch_alter_table('contract_document', schema=None) as batch_op:
            batch_op.drop_column(name)
    op.drop_table('paper_delivery')
    op.drop_table('paper_request')
    op.drop_table('electronic_consent')
