"""People and credentials: log-in sessions, 操作履歴, applications, second factor, one-document codes."""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'


def upgrade():
    op.create_table('account_event',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('action', sa.Enum('log_in', 'log_in_refused', 'log_out', 'session_ended', 'locked', 'unlocked', 'password_changed', 'password_reset', 'password_forgotten', 'second_factor_on', 'second_factor_off', 'recovery_codes_made', 'recovery_code_used', 'user_enrolled', 'user_changed', 'user_deleted', 'users_imported', 'turns_reassigned', 'draft_deleted', 'personal_data_exported', 'personal_data_erased', 'company_change_applied', 'company_changed', 'company_change_rejected', 'company_options_changed', 'certificate_applied', 'certificate_rejected', 'certificate_issued', 'certificate_imported', 'revocation_list_stored', 'certificate_linked', 'certificate_unlinked', 'certificate_activated', 'certificate_revoked', 'pin_reissued', 'signing_password_reissued', 'signing_code_sent', name='accountaction', native_enum=False, length=32), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=True),
    sa.Column('user_id', sa.Integer(), nullable=True),
    sa.Column('actor_id', sa.Integer(), nullable=True),
    sa.Column('ip_address', sa.String(length=45), nullable=False),
    sa.Column('note', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['actor_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('account_event', schema=None) as batch_op:
        batch_op.create_index('ix_account_event_company', ['company_id', 'id'], unique=False)
        batch_op.create_index('ix_account_event_user', ['user_id', 'id'], unique=False)

    op.create_table('certificate_application',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('token', sa.String(length=36), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('applicant_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Enum('additional', 'renewal', 'pin_reissue', name='applicationkind', native_enum=False, length=32), nullable=False),
    sa.Column('department', sa.String(length=255), nullable=False),
    sa.Column('title', sa.String(length=255), nullable=False),
    sa.Column('pin_mail_address', sa.String(length=320), nullable=False),
    sa.Column('user_ids', sa.JSON(), nullable=False),
    sa.Column('replaced_id', sa.Integer(), nullable=True),
    sa.Column('evidence_name', sa.String(length=255), nullable=False),
    sa.Column('evidence_sha256', sa.String(length=64), nullable=False),
    sa.Column('state', sa.Enum('received', 'approved', 'rejected', name='applicationstate', native_enum=False, length=32), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.Column('issued_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['applicant_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['decided_by_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['issued_id'], ['certificate.id'], ),
    sa.ForeignKeyConstraint(['replaced_id'], ['certificate.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('token')
    )
    with op.batch_alter_table('certificate_application', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_certificate_application_company_id'), ['company_id'], unique=False)

    op.create_table('company_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('company_id', sa.Integer(), nullable=False),
    sa.Column('applicant_id', sa.Integer(), nullable=False),
    sa.Column('wanted', sa.JSON(), nullable=False),
    sa.Column('state', sa.Enum('received', 'approved', 'rejected', name='applicationstate', native_enum=False, length=32), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_by_id', sa.Integer(), nullable=True),
    sa.ForeignKeyConstraint(['applicant_id'], ['ab_user.id'], ),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], ),
    sa.ForeignKeyConstraint(['decided_by_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('company_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_company_change_company_id'), ['company_id'], unique=False)

    op.create_table('login_session',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ip_address', sa.String(length=45), nullable=False),
    sa.Column('browser', sa.String(length=255), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('login_session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_login_session_user_id'), ['user_id'], unique=False)

    op.create_table('saved_search',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('in_archive', sa.Boolean(), nullable=False),
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('conditions', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('user_id', 'in_archive', 'name')
    )
    op.create_table('signing_code',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('user_id', sa.Integer(), nullable=False),
    sa.Column('document_id', sa.Integer(), nullable=False),
    sa.Column('pdf_sha256', sa.String(length=64), nullable=False),
    sa.Column('mac', sa.LargeBinary(), nullable=True),
    sa.Column('issued_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['document_id'], ['contract_document.id'], ),
    sa.ForeignKeyConstraint(['user_id'], ['ab_user.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('signing_code', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_signing_code_user_id'), ['user_id'], unique=False)

    with op.batch_alter_table('ab_user', schema=None) as batch_op:
        batch_op.add_column(sa.Column('enrolment_token', sa.String(length=36), nullable=True))
        batch_op.create_unique_constraint('uq_ab_user_enrolment_token', ['enrolment_token'])
        batch_op.add_column(sa.Column('earlier_passwords', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('totp_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('totp_step', sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column('recovery_codes', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('mailed_password_mac', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('mailed_password_until', sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table('certificate', naming_convention={'uq': '%(table_name)s_%(column_0_name)s_key'}) as batch_op:
        batch_op.drop_constraint('certificate_serial_key', type_='unique')
        batch_op.add_column(sa.Column('authority', sa.String(length=64), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('crl_pem', sa.Text(), nullable=False, server_default=''))
        batch_op.create_unique_constraint('uq_certificate_authority_serial', ['authority', 'serial'])
        batch_op.add_column(sa.Column('is_imported', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('chain_pem', sa.Text(), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('expiry_told_days', sa.Integer(), nullable=True))
        batch_op.alter_column('sealed_key',
               existing_type=sa.LargeBinary(),
               nullable=True)

    with op.batch_alter_table('company', schema=None) as batch_op:
        batch_op.add_column(sa.Column('requires_second_factor', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('signs_by_code', sa.Boolean(), nullable=False, server_default=sa.false()))

    with op.batch_alter_table('route_step', schema=None) as batch_op:
        batch_op.add_column(sa.Column('is_reassigned', sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table('contract_document', schema=None) as batch_op:
        batch_op.add_column(sa.Column('deadline', sa.Date(), nullable=True))
        batch_op.add_column(sa.Column('deadline_told_days', sa.Integer(), nullable=True))

    with op.batch_alter_table('document_signature', schema=None) as batch_op:
        batch_op.add_column(sa.Column('signing_code_id', sa.Integer(), nullable=True))
        batch_op.alter_column('signing_password_id',
               existing_type=sa.INTEGER(),
               nullable=True)
        batch_op.create_foreign_key('fk_document_signature_signing_code', 'signing_code', ['signing_code_id'], ['id'])
        batch_op.create_check_constraint('password_or_code', '(signing_password_id IS NULL) <> (signing_code_id IS NULL)')


def downgrade():
    with op.batch_alter_table('document_signature', schema=None) as batch_op:
        batch_op.drop_constraint('password_or_code', type_='check')
        batch_op.drop_constraint('fk_document_signature_signing_code', type_='foreignkey')
        batch_op.drop_column('signing_code_id')
    with op.batch_alter_table('certificate', schema=None) as batch_op:
        batch_op.drop_constraint('uq_certificate_authority_serial', type_='unique')
        batch_op.create_unique_constraint('certificate_serial_key', ['serial'])
    with op.batch_alter_table('ab_user', schema=None) as batch_op:
        batch_op.drop_constraint('uq_ab_user_enrolment_token', type_='unique')
        batch_op.drop_column('enrolment_token')
    for table, columns in {
        'route_step': ('is_reassigned',),
        'contract_document': ('deadline_told_days', 'deadline'),
        'company': ('signs_by_code', 'requires_second_factor'),
        'certificate': ('expiry_told_days', 'chain_pem', 'is_imported', 'crl_pem', 'authority'),
        'ab_user': ('mailed_password_until', 'mailed_password_mac', 'recovery_codes', 'totp_step', 'totp_sealed', 'earlier_passwords'),
    }.items():
        for column in columns:
            op.drop_column(table, column)
    for table in ('saved_search', 'signing_code', 'login_session', 'company_change', 'certificate_application', 'account_event'):
        op.drop_table(table)
