"""運営者業務: Flask-AppBuilder's views of the master data, open to the operator role alone.

No to-many relation is in any form or search: such a field would load and list whole tables.
"""

import uuid

from flask_appbuilder.actions import action
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from sqlalchemy import inspect, select
from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import DataRequired, Length, Optional, Regexp

from app import queries
from app.clock import japan_date, now
from app.extensions import db
from app.labels import (
    ACCOUNT_ACTION,
    ARCHIVE_OPTION,
    COMPANY_STATUS,
    KIND,
    MODE,
    MODE_OF_ALL,
    OPTION_FLAG,
    PLAN,
    STATUS,
    day,
    in_use,
    job,
    mode_of,
    yen,
    yes_no,
)
from app.models import (
    AccountAction,
    AccountEvent,
    Company,
    CompanyStatus,
    ContractDocument,
    JobRun,
    Plan,
    PortalUser,
)
from app.queries import role_rows
from app.services import certificates, companies, credentials, journal, people, second_factor, usage
from app.services.numbers import next_number
from app.views.answers import acting_person
from app.views.fields import MailAddressRule, NameRule
from app.views.operator_applications import (
    CertificateApplicationModelView,
    CertificateModelView,
    CompanyChangeModelView,
)
from app.views.operator_mails import OutboxModelView
from app.views.operator_rows import READ_ONLY, SHOWN_IF_ANY, SHOWN_TIMES, OperatorView, Rows
from app.views.operator_service_changes import ServiceChanges

READ_AND_KEEP = ["can_list", "can_show", "can_add", "can_edit"]


def _may_stay_empty(*rules, length=255, **labels):
    """Text fields that Flask-AppBuilder would demand because their columns are not null."""
    return {
        name: StringField(
            label, [NameRule(may_be_empty=True), Optional(), Length(max=length), *rules], widget=BS3TextFieldWidget()
        )
        for name, label in labels.items()
    }


class PlanModelView(OperatorView):
    route_base = "/operator/plans"
    datamodel = Rows(Plan)
    base_permissions = ["can_list", "can_show", "can_edit"]
    include_route_methods = {"list", "show", "edit"}
    list_title, show_title, edit_title = "プラン", "プラン", "プランの編集"
    label_columns = {"kind": "種別", "name": "プラン名", "note": "説明"}
    list_columns = show_columns = ["name", "note"]
    edit_columns = ["name", "note"]
    search_columns = ["name"]
    base_order = ("id", "asc")


class CompanyModelView(ServiceChanges, OperatorView):
    route_base = "/operator/companies"
    datamodel = Rows(Company)
    base_permissions = READ_AND_KEEP
    include_route_methods = {"list", "show", "add", "edit", "action", "change"}
    show_template = "operator/company.html"
    list_title, show_title, add_title, edit_title = "企業", "企業", "企業の登録", "企業の編集"
    label_columns = {
        "code": "企業ID", "name": "企業名", "kana": "企業名カナ", "corporate_number": "法人番号",
        "address": "住所", "phone": "電話番号", "plan": "プラン", "status": "状態", "created_at": "登録日時",
        "ended_on": "解約日", **ARCHIVE_OPTION, **OPTION_FLAG,
    }  # fmt: skip
    list_columns = ["code", "name", "plan", "status"]
    show_columns = ["code", "name", "kana", "corporate_number", "address", "phone", "plan", "status", "ended_on", *OPTION_FLAG, "extends_by_itself", "created_at"]
    add_columns = ["name", "kana", "corporate_number", "address", "phone", "plan"]
    edit_columns = ["name", "kana", "corporate_number", "address", "phone", "extends_by_itself"]
    search_columns = ["code", "name"]
    add_form_extra_fields = (
        _may_stay_empty(kana="企業名カナ", address="住所")
        | _may_stay_empty(length=32, phone="電話番号")
        | _may_stay_empty(Regexp(r"[0-9]{13}$", message="法人番号は13桁の数字で入力してください。"), corporate_number="法人番号")
    )
    edit_form_extra_fields = add_form_extra_fields | {
        "extends_by_itself": BooleanField(ARCHIVE_OPTION["extends_by_itself"])  # its own would demand a tick
    }
    description_columns = {"extends_by_itself": "長期保管延長オプションがある企業のみ、保管満了日の200日前に自動で延長します。"}
    validators_columns = {"name": [NameRule()]}
    base_order = ("code", "asc")
    formatters_columns = SHOWN_TIMES | {"status": COMPANY_STATUS.get} | {
        "ended_on": day, "extends_by_itself": yes_no,
    } | dict.fromkeys(OPTION_FLAG, in_use)  # fmt: skip

    def pre_add(self, company):
        company.code = next_number("company")
        company.status = CompanyStatus.active
        company.created_at = now()
        company.name = companies.check_name(company.name, "企業名")

    def post_add(self, company):
        usage.record_monthly(company, japan_date(company.created_at), company.created_at)
        journal.note(AccountAction.company_registered, now(), actor=acting_person(), company=company, note=PLAN[company.plan.kind])
        db.session.commit()

    def pre_update(self, company):
        company.name = companies.check_name(company.name, "企業名")
        state = inspect(company)
        changed = [self.label_columns[name] for name in self.edit_columns if state.attrs[name].history.has_changes()]
        if changed:
            journal.note(
                AccountAction.company_changed, now(), actor=acting_person(), company=company, note="、".join(changed)
            )


class UserModelView(OperatorView):
    route_base = "/operator/users"
    datamodel = Rows(PortalUser)
    base_permissions = READ_AND_KEEP
    include_route_methods = {"list", "show", "add", "edit", "action"}
    list_title, show_title, add_title, edit_title = "利用者", "利用者", "利用者の登録", "利用者の編集"
    label_columns = {
        "username": "利用者ID", "full_name": "氏名", "kana": "氏名カナ", "department": "部署", "title": "役職",
        "mail_address": "メールアドレス", "company": "企業", "last_login": "最終ログイン", "active": "利用可",
    }  # fmt: skip
    list_columns = ["username", "full_name", "company", "mail_address", "active"]
    show_columns = ["username", "full_name", "kana", "department", "title", "mail_address", "company", "active"]
    add_columns = ["company", "full_name", "kana", "department", "title", "mail_address", "enrolment_token"]
    edit_columns = ["full_name", "kana", "department", "title", "mail_address"]
    search_columns = ["username", "full_name", "mail_address"]
    base_order = ("username", "asc")
    formatters_columns = SHOWN_TIMES | {"active": lambda active: "はい" if active else "いいえ", "company": lambda company: company or "－"}
    edit_form_extra_fields = _may_stay_empty(kana="氏名カナ", department="部署", title="役職")
    add_form_extra_fields = edit_form_extra_fields | {
        "enrolment_token": HiddenField(
            default=lambda: str(uuid.uuid4()), filters=[lambda token: token or None], validators=[Length(max=36)]
        )
    }
    validators_columns = {
        "company": [DataRequired("企業を選択してください。")],
        "full_name": [NameRule()],
        "mail_address": [MailAddressRule()],
    }
    description_columns = {
        "company": "企業の最初の利用者には、管理者権限が付きます。登録すると、利用者IDと初回ログインパスワードを2通のメールでお送りします。"
    }

    def pre_add(self, user):
        """Numbers, roles and the two mails, in the transaction that Flask-AppBuilder commits."""
        people.check(user)
        db.session.rollback()  # nothing is written yet, and nothing is held while the password is hashed
        (initial,) = credentials.new_initial_passwords(1)
        with db.session.no_autoflush:  # the row is not whole yet
            companies.hold(user.company.id)
            people.refuse_second(user.enrolment_token)
            others = select(PortalUser.id).where(PortalUser.company_id == user.company.id).limit(1)
            roles = role_rows("Member") if db.session.scalar(others) else role_rows("Member", "CompanyAdmin")
        companies.enrol(user, now(), roles=roles, initial=initial)
        journal.note(AccountAction.user_enrolled, now(), user=user, actor=acting_person(), note=str(user))

    def pre_update(self, user):
        people.note_change(user, acting_person(), now())

    @action("issue_certificate", "電子証明書を発行", "この利用者に電子証明書を発行し、PINをメールで送ります。よろしいですか。", "fa-certificate", multiple=False)
    def issue_certificate(self, user):
        return self.carry_out(
            lambda: certificates.issue_first(user, now(), acting_person()), "電子証明書を発行し、PINをメールでお送りしました。"
        )

    @action("reset_password", "パスワードを初期化", "新しい初回ログインパスワードをメールで送り、ログイン中の画面を終了させます。よろしいですか。", "fa-key", multiple=False)
    def reset_password(self, user):
        return self.carry_out(
            lambda: people.reset_password(user, acting_person(), now()), "新しい初回ログインパスワードをメールでお送りしました。"
        )

    @action("switch_off_second_factor", "二段階認証を解除", "スマートフォンの紛失などで、本人から依頼があったことをご確認ください。二段階認証を解除し、本人にメールでお知らせします。よろしいですか。", "fa-mobile", multiple=False)
    def switch_off_second_factor(self, user):
        return self.carry_out(
            lambda: second_factor.switch_off(user, now(), acting_person()), "二段階認証を解除しました。"
        )

    @action("unlock", "ロックを解除", "ログイン、証明書有効性確認、署名のロックを解除し、本人にメールでお知らせします。よろしいですか。", "fa-unlock", multiple=False)
    def unlock(self, user):
        return self.carry_out(lambda: people.unlock(user, acting_person(), now()), "ロックを解除しました。")


class DocumentRows(Rows):
    """Documents, with the 署名区分 that also says whether three or more companies sign."""

    def get_values(self, lst, list_columns):
        items = list(lst)
        many = queries.multilateral_of([item.id for item in items])
        for item, row in zip(items, super().get_values(items, list_columns), strict=True):
            yield row | {"mode": MODE_OF_ALL if item.id in many else MODE[item.mode]}

    def get_values_item(self, item, show_columns):
        return [mode_of(item) if column == "mode" else self._get_attr_value(item, column) for column in show_columns]


class DocumentModelView(OperatorView):
    """Facts only: an operator opens no contract."""

    route_base = "/operator/documents"
    datamodel = DocumentRows(ContractDocument)
    base_permissions = READ_ONLY
    list_title, show_title = "契約文書", "契約文書"
    label_columns = {
        "number": "文書管理番号", "title": "契約件名", "kind": "文書種別", "mode": "署名区分", "status": "ステータス",
        "amount_yen": "契約金額", "conclusion_date": "契約締結年月日", "created_at": "登録日時", "sent_at": "発信日時",
        "concluded_at": "締結日時", "archived_on": "保管開始日", "retained_until": "保管満了日", "pdf_sha256": "SHA-256",
        "page_count": "ページ数",
    }  # fmt: skip
    list_columns = ["number", "title", "mode", "status", "created_at"]
    show_columns = [
        "number", "title", "kind", "mode", "status", "amount_yen", "conclusion_date", "created_at", "sent_at",
        "concluded_at", "archived_on", "retained_until", "page_count", "pdf_sha256",
    ]  # fmt: skip
    search_columns = ["number", "title"]
    base_order = ("id", "desc")
    formatters_columns = SHOWN_TIMES | {
        "kind": KIND.get, "status": STATUS.get, "amount_yen": yen, "conclusion_date": day,
        "archived_on": day, "retained_until": day,
    }  # fmt: skip


class AccountEventModelView(OperatorView):
    route_base = "/operator/history"
    datamodel = Rows(AccountEvent)
    base_permissions = READ_ONLY
    list_title, show_title = "操作履歴", "操作履歴"
    label_columns = {
        "at": "日時", "action": "操作", "company": "企業", "user": "対象の利用者", "actor": "操作した方", "note": "内容",
        "ip_address": "IPアドレス",
    }  # fmt: skip
    list_columns = show_columns = ["at", "action", "company", "user", "actor", "note", "ip_address"]
    search_columns = ["note", "ip_address"]
    base_order = ("id", "desc")
    formatters_columns = SHOWN_TIMES | SHOWN_IF_ANY | {"action": ACCOUNT_ACTION.get}


class JobRunModelView(OperatorView):
    route_base = "/operator/jobs"
    datamodel = Rows(JobRun)
    base_permissions = READ_ONLY
    list_title, show_title = "定期処理", "定期処理"
    label_columns = {
        "name": "処理", "started_at": "開始", "finished_at": "終了", "done": "完了", "failed": "失敗", "report": "失敗の理由"
    }
    list_columns = ["started_at", "name", "done", "failed"]
    show_columns = ["name", "started_at", "finished_at", "done", "failed", "report"]
    search_columns = ["name"]
    base_order = ("id", "desc")
    formatters_columns = SHOWN_TIMES | {
        "name": job,
        "report": lambda report: "、".join(f"{item}：{why}" for item, why in report.get("failures", {}).items()) or "－"
    }


VIEWS = (
    (CompanyModelView, "企業"),
    (UserModelView, "利用者"),
    (PlanModelView, "プラン"),
    (DocumentModelView, "契約文書"),
    (CertificateModelView, "電子証明書"),
    (CertificateApplicationModelView, "証明書申請"),
    (OutboxModelView, "送信メール"),
    (CompanyChangeModelView, "企業情報変更申請"),
    (AccountEventModelView, "操作履歴"),
    (JobRunModelView, "定期処理"),
)


def register(appbuilder):
    for view, name in VIEWS:
        appbuilder.add_view(view, name, category="運営者業務")
