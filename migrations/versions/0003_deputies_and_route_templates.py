"""Deputies and route templates: 代理, who acted for whom, 回覧ルート雛形, 社内差戻 as an option."""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'

ACTED_FOR = ('document_event', 'document_signature')


def upgrade():
    op.create_table('delegation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('deputy_id', sa.Integer(), nullable=False),
    sa.Column('first_day', sa.Date(), nullable=False),
    sa.Column('last_day', sa.Date(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by_id', sa.Integer(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('user_id <> deputy_id', name='deputy_is_somebody_else'),
    sa.CheckConstraint('first_day <= last_day', name='delegation_has_days'),
    sa.ForeignKeyConstraint(['created_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['deputy_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_delegation_user', 'delegation', ['user_id', 'last_day'])
    op.create_index('ix_delegation_deputy', 'delegation', ['deputy_id', 'last_day'])

    op.create_table('route_template',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('owner_id', sa.Integer(), nullable=True),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('is_registration_default', sa.Boolean(), nullable=False),
    sa.Column('is_receipt_default', sa.Boolean(), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('owner_id IS NULL OR NOT (is_registration_default OR is_receipt_default)', name='default_is_the_companys'),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['owner_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_route_template_company_id', 'route_template', ['company_id'])
    for name, column in (('registration', 'is_registration_default'), ('receipt', 'is_receipt_default')):
        op.create_index(f'uq_route_template_{name}', 'route_template', ['company_id'], unique=True,
                        sqlite_where=sa.text(column), postgresql_where=sa.text(column))

    op.create_table('route_template_step',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('template_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('role', sa.Enum('registrar', 'recipient', 'approver', 'signer', 'viewer', name='role', native_enum=False, length=32), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['template_id'], ['route_template.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('template_id', 'position')
    )
    op.create_index('ix_route_template_step_user_id', 'route_template_step', ['user_id'])

    with op.batch_alter_table('route_step', schema=None) as batch_op:
        batch_op.add_column(sa.Column('deputy_id', sa.Integer(), nullable=True))
        batch_op.create_foreign_key('fk_route_step_deputy', 'ab_user', ['deputy_id'], ['id'])
    op.create_index('ix_route_step_deputy', 'route_step', ['deputy_id', 'document_id'],
                    sqlite_where=sa.text('deputy_id IS NOT NULL'), postgresql_where=sa.text('deputy_id IS NOT NULL'))
    for table in ACTED_FOR:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column('on_behalf_of_id', sa.Integer(), nullable=True))
            batch_op.create_foreign_key(f'fk_{table}_on_behalf_of', 'ab_user', ['on_behalf_of_id'], ['id'])
    op.add_column('company', sa.Column('returns_inside', sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade():
    op.drop_column('company', 'returns_inside')
    for table in ACTED_FOR:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(f'fk_{table}_on_behalf_of', type_='foreignkey')
            batch_op.drop_column('on_behalf_of_id')
    op.drop_index('ix_route_step_deputy', 'route_step')
    with op.batch_alter_table('route_step', schema=None) as batch_op:
        batch_op.drop_constraint('fk_route_step_deputy', type_='foreignkey')
        batch_op.drop_column('deputy_id')
    for table in ('route_template_step', 'route_template', 'delegation'):
        op.drop_table(table)
