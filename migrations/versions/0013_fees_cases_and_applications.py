"""料金, 案件, 利用申請 and the 一括 operations."""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'


def upgrade():
    series = sa.table('number_series', sa.column('name', sa.String), sa.column('last', sa.Integer))
    op.bulk_insert(series, [{'name': name, 'last': 0} for name in ('application', 'statement')])
    op.create_table('fee',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('item', sa.Enum('monthly_base', 'document', 'certificate_issue', 'certificate_renewal', 'additional_user', 'case_monthly', 'bulk_signing_monthly', 'archive_extension', name='feeitem', native_enum=False, length=32), nullable=False),
    sa.Column('plan', sa.Enum('one_side', 'partner', 'both_sides', name='plankind', native_enum=False, length=32), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=False),
    sa.Column('yen', sa.Integer(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.CheckConstraint('yen >= 0', name='fee_not_negative'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('item', 'plan', 'effective_on')
    )
    op.create_table('statement',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('month', sa.Date(), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('net_yen', sa.BigInteger(), nullable=False),
    sa.Column('tax_percent', sa.Integer(), nullable=False),
    sa.Column('tax_yen', sa.BigInteger(), nullable=False),
    sa.Column('issuer_name', sa.String(length=255), nullable=False),
    sa.Column('issuer_number', sa.String(length=14), nullable=False),
    sa.Column('company_name', sa.String(length=255), nullable=False),
    sa.Column('company_address', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('company_id', 'month'),
    sa.UniqueConstraint('number')
    )
    op.create_table('contract_case',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=255), nullable=False),
    sa.Column('work_name', sa.String(length=255), nullable=False),
    sa.Column('place', sa.String(length=255), nullable=False),
    sa.Column('term_from', sa.Date(), nullable=True),
    sa.Column('term_to', sa.Date(), nullable=True),
    sa.Column('person_id', sa.Integer(), nullable=True),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['person_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('company_id', 'number')
    )
    op.create_table('service_invitation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('inviter_id', sa.Integer(), nullable=False),
    sa.Column('partner_name', sa.String(length=255), nullable=False),
    sa.Column('contact_name', sa.String(length=255), nullable=False),
    sa.Column('mail_address', sa.String(length=320), nullable=False),
    sa.Column('token_sha256', sa.String(length=64), nullable=False),
    sa.Column('invited_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('cancelled_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['inviter_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('token_sha256')
    )
    op.create_index('ix_service_invitation_company_id', 'service_invitation', ['company_id'])
    op.create_table('bulk_operation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=36), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('action', sa.Enum('register', 'send', 'approve', 'sign', 'confirm_receipt', 'remand', 'archive', 'extend', 'renew', 'expire', 'correct', 'dispose', 'withdraw', 'return_inside', 'reassign', 'remind', name='action', native_enum=False, length=32), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ip_address', sa.String(length=45), nullable=False),
    sa.Column('activation_id', sa.Integer(), nullable=True),
    sa.Column('signing_password_id', sa.Integer(), nullable=True),
    sa.Column('comment', sa.Text(), nullable=True),
    sa.Column('choice', sa.JSON(), nullable=False),
    sa.Column('fee_acknowledged', sa.Boolean(), nullable=False),
    sa.Column('claimed_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['activation_id'], ['certificate_activation.id'], ),
    sa.ForeignKeyConstraint(['signing_password_id'], ['signing_password.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('token')
    )
    op.create_index('ix_bulk_operation_finished_at', 'bulk_operation', ['finished_at'])
    op.create_index('ix_bulk_operation_user_id', 'bulk_operation', ['user_id'])
    op.create_table('service_application',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('number', sa.String(length=16), nullable=False),
    sa.Column('form_token', sa.String(length=36), nullable=False),
    sa.Column('kind', sa.Enum('partner', 'paper', 'plan_change', 'option_start', 'option_end', 'termination', name='servicekind', native_enum=False, length=32), nullable=False),
    sa.Column('state', sa.Enum('filling', 'received', 'in_review', 'returned', 'approved', 'rejected', 'withdrawn', name='servicestate', native_enum=False, length=32), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=True),
    sa.Column('invitation_id', sa.Integer(), nullable=True),
    sa.Column('applicant_id', sa.Integer(), nullable=True),
    sa.Column('plan', sa.Enum('one_side', 'partner', 'both_sides', name='plankind', native_enum=False, length=32), nullable=True),
    sa.Column('option', sa.Enum('case_at_registration', 'case_at_receipt', 'archive_extension', 'bulk_signing', name='companyoption', native_enum=False, length=32), nullable=True),
    sa.Column('wanted', sa.JSON(), nullable=False),
    sa.Column('evidence_name', sa.String(length=255), nullable=False),
    sa.Column('evidence_sha256', sa.String(length=64), nullable=False),
    sa.Column('terms_version', sa.String(length=16), nullable=False),
    sa.Column('agreed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('effective_on', sa.Date(), nullable=True),
    sa.Column('took_effect_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['applicant_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['decided_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['invitation_id'], ['service_invitation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('form_token'),
    sa.UniqueConstraint('invitation_id'),
    sa.UniqueConstraint('number')
    )
    op.create_index('ix_service_application_company_id', 'service_application', ['company_id'])
    op.create_index('ix_service_application_due', 'service_application', ['state', 'took_effect_at', 'effective_on'])
    op.create_table('usage_record',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('key', sa.String(length=64), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('item', sa.Enum('monthly_base', 'document', 'certificate_issue', 'certificate_renewal', 'additional_user', 'case_monthly', 'bulk_signing_monthly', 'archive_extension', name='feeitem', native_enum=False, length=32), nullable=False),
    sa.Column('used_on', sa.Date(), nullable=False),
    sa.Column('yen', sa.BigInteger(), nullable=False),
    sa.Column('is_sample', sa.Boolean(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=True),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('corrects_id', sa.Integer(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('statement_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['corrects_id'], ['usage_record.id'], ),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ),
    sa.ForeignKeyConstraint(['statement_id'], ['statement.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('key')
    )
    op.create_index('ix_usage_record_company', 'usage_record', ['company_id', 'statement_id', 'used_on'])
    op.create_index('ix_usage_record_document_id', 'usage_record', ['document_id'])
    op.create_index('ix_usage_record_statement_id', 'usage_record', ['statement_id'])
    op.create_table('bulk_operation_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('operation_id', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('pdf_sha256', sa.String(length=64), nullable=False),
    sa.Column('state', sa.Enum('waiting', 'done', 'failed', name='itemstate', native_enum=False, length=32), nullable=False),
    sa.Column('failure', sa.String(length=255), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ),
    sa.ForeignKeyConstraint(['operation_id'], ['bulk_operation.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('operation_id', 'document_id'),
    sa.UniqueConstraint('operation_id', 'position')
    )
    op.create_index('ix_bulk_operation_item_document_id', 'bulk_operation_item', ['document_id'])
    op.create_table('service_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('application_id', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('filling', 'received', 'in_review', 'returned', 'approved', 'rejected', 'withdrawn', name='servicestate', native_enum=False, length=32), nullable=False),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('ip_address', sa.String(length=45), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['application_id'], ['service_application.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('ix_service_event_application_id', 'service_event', ['application_id'])
    with op.batch_alter_table('bulk_download', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_of_company', sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table('company', schema=None) as batch_op:
        batch_op.add_column(sa.Column('has_case_at_registration', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('has_case_at_receipt', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('has_bulk_signing', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('ended_on', sa.Date(), nullable=True))

    with op.batch_alter_table('document_party', schema=None) as batch_op:
        batch_op.add_column(sa.Column('case_id', sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f('ix_document_party_case_id'), ['case_id'], unique=False)
        batch_op.create_foreign_key('fk_document_party_case', 'contract_case', ['case_id'], ['id'])


def downgrade():
    with op.batch_alter_table('document_party', schema=None) as batch_op:
        batch_op.drop_constraint('fk_document_party_case', type_='foreignkey')
        batch_op.drop_index('ix_document_party_case_id')
        batch_op.drop_column('case_id')
    with op.batch_alter_table('company', schema=None) as batch_op:
        for column in ('ended_on', 'has_bulk_signing', 'has_case_at_receipt', 'has_case_at_registration'):
            batch_op.drop_column(column)
    with op.batch_alter_table('bulk_download', schema=None) as batch_op:
        batch_op.drop_column('is_of_company')
    for table in (
        'service_event', 'bulk_operation_item', 'usage_record', 'service_application', 'bulk_operation',
        'service_invitation', 'contract_case', 'statement', 'fee',
    ):
        op.drop_table(table)
    op.execute("DELETE FROM number_series WHERE name IN ('application', 'statement')")
