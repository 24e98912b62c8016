"""運営者業務: Flask-AppBuilder's views of the master data, open to the operator role alone.

No to-many relation is in any form or search: such a field would load and list whole tables.
"""

from flask import flash, g, redirect
from flask_appbuilder import ModelView
from flask_appbuilder.actions import action
from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.security.sqla.models import Role as FabRole
from sqlalchemy import select
from wtforms import StringField
from wtforms.validators import DataRequired, Email, Length, Optional, Regexp

from app.clock import now
from app.errors import NotFound, PortalError
from app.extensions import db
from app.labels import COMPANY_STATUS, KIND, LETTER, MODE, STATUS, day, jst, yen
from app.models import (
    Certificate,
    Company,
    CompanyStatus,
    ContractDocument,
    JobRun,
    OutboxMessage,
    Plan,
    PortalUser,
)
from app.services import certificates, companies, credentials
from app.services.numbers import next_number
from app.views.fields import one_line

READ_ONLY = ["can_list", "can_show"]
READ_AND_KEEP = ["can_list", "can_show", "can_add", "can_edit"]
TIMES = ("created_at", "sent_at", "concluded_at", "started_at", "finished_at", "not_before", "not_after", "revoked_at", "due_at")
SHOWN_TIMES = {name: jst for name in TIMES}


def _may_stay_empty(*rules, length=255, **labels):
    """Text fields that Flask-AppBuilder would demand because their columns are not null."""
    return {
        name: StringField(
            label, [Optional(), Length(max=length), *rules], filters=[one_line], widget=BS3TextFieldWidget()
        )
        for name, label in labels.items()
    }


class OperatorView(ModelView):
    """What all of these share.  A route of Flask-AppBuilder that nobody needs does not exist."""

    include_route_methods = {"list", "show"}
    page_size = 20
    formatters_columns = SHOWN_TIMES

    def get_action_permission_name(self, name):
        if name not in self.actions:
            raise NotFound
        return super().get_action_permission_name(name)


class PlanModelView(OperatorView):
    route_base = "/operator/plans"
    datamodel = SQLAInterface(Plan)
    base_permissions = ["can_list", "can_show", "can_edit"]
    include_route_methods = {"list", "show", "edit"}
    list_title, show_title, edit_title = "プラン", "プラン", "プランの編集"
    label_columns = {"kind": "種別", "name": "プラン名", "note": "説明"}
    list_columns = show_columns = ["name", "note"]
    edit_columns = ["name", "note"]
    search_columns = ["name"]
    base_order = ("id", "asc")


class CompanyModelView(OperatorView):
    route_base = "/operator/companies"
    datamodel = SQLAInterface(Company)
    base_permissions = READ_AND_KEEP
    include_route_methods = {"list", "show", "add", "edit"}
    list_title, show_title, add_title, edit_title = "企業", "企業", "企業の登録", "企業の編集"
    label_columns = {
        "code": "企業ID", "name": "企業名", "kana": "企業名カナ", "corporate_number": "法人番号",
        "address": "住所", "phone": "電話番号", "plan": "プラン", "status": "状態", "created_at": "登録日時",
    }  # fmt: skip
    list_columns = ["code", "name", "plan", "status"]
    show_columns = ["code", "name", "kana", "corporate_number", "address", "phone", "plan", "status", "created_at"]
    add_columns = ["name", "kana", "corporate_number", "address", "phone", "plan"]
    edit_columns = [*add_columns, "status"]
    search_columns = ["code", "name"]
    add_form_extra_fields = edit_form_extra_fields = (
        _may_stay_empty(kana="企業名カナ", address="住所")
        | _may_stay_empty(length=32, phone="電話番号")
        | _may_stay_empty(Regexp(r"[0-9]{13}$", message="法人番号は13桁の数字で入力してください。"), corporate_number="法人番号")
    )
    validators_columns = {"name": [DataRequired("企業名を入力してください。"), Length(max=255)]}
    base_order = ("code", "asc")
    formatters_columns = SHOWN_TIMES | {"status": COMPANY_STATUS.get}

    def pre_add(self, company):
        company.code = next_number("company")
        company.status = CompanyStatus.active
        company.created_at = now()
        self.pre_update(company)

    def pre_update(self, company):
        company.name = one_line(company.name)


class UserModelView(OperatorView):
    route_base = "/operator/users"
    datamodel = SQLAInterface(PortalUser)
    base_permissions = READ_AND_KEEP
    include_route_methods = {"list", "show", "add", "edit", "action"}
    list_title, show_title, add_title, edit_title = "利用者", "利用者", "利用者の登録", "利用者の編集"
    label_columns = {
        "username": "利用者ID", "full_name": "氏名", "kana": "氏名カナ", "department": "部署", "title": "役職",
        "mail_address": "メールアドレス", "company": "企業", "last_login": "最終ログイン", "active": "利用可",
    }  # fmt: skip
    list_columns = ["username", "full_name", "company", "mail_address", "active"]
    show_columns = ["username", "full_name", "kana", "department", "title", "mail_address", "company", "active"]
    add_columns = ["company", "full_name", "kana", "department", "title", "mail_address"]
    edit_columns = ["full_name", "kana", "department", "title", "mail_address"]
    search_columns = ["username", "full_name", "mail_address"]
    base_order = ("username", "asc")
    add_form_extra_fields = edit_form_extra_fields = _may_stay_empty(
        kana="氏名カナ", department="部署", title="役職"
    )
    validators_columns = {
        "company": [DataRequired("企業を選択してください。")],
        "full_name": [DataRequired("氏名を入力してください。"), Length(max=255)],
        "mail_address": [
            DataRequired("メールアドレスを入力してください。"),
            Email("メールアドレスの形式が正しくありません。"),
        ],
    }
    description_columns = {
        "company": "企業の最初の利用者には、管理者権限が付きます。登録すると、利用者IDと初回ログインパスワードを2通のメールでお送りします。"
    }

    def pre_add(self, user):
        """Numbers, roles and the two mails, in the transaction that Flask-AppBuilder commits."""
        is_first = not db.session.scalar(select(PortalUser.id).where(PortalUser.company_id == user.company.id).limit(1))
        names = ["Member", "CompanyAdmin"] if is_first else ["Member"]
        self.pre_update(user)
        companies.enrol(user, now(), roles=role_rows(*names))

    def pre_update(self, user):
        user.full_name = one_line(user.full_name)
        companies.check_mail_address(user.mail_address)

    @action("issue_certificate", "電子証明書を発行", "この利用者に電子証明書を発行し、PINをメールで送ります。よろしいですか。", "fa-certificate", multiple=False)
    def issue_certificate(self, user):
        return self._do(lambda: certificates.issue_first(user, now()), "電子証明書を発行し、PINをメールでお送りしました。")

    @action("reset_password", "パスワードを初期化", "新しい初回ログインパスワードをメールで送り、ログイン中の画面を終了させます。よろしいですか。", "fa-key", multiple=False)
    def reset_password(self, user):
        return self._do(
            lambda: credentials.reset_password(user, now(), g.user), "新しい初回ログインパスワードをメールでお送りしました。"
        )

    @action("unlock", "PINと署名のロックを解除", "証明書有効性確認と署名の操作のロックを解除します。よろしいですか。", "fa-unlock", multiple=False)
    def unlock(self, user):
        return self._do(lambda: certificates.unlock(user), "PINと署名の操作のロックを解除しました。")

    def _do(self, verb, message):
        try:
            verb()
            db.session.commit()
            flash(message, "success")
        except PortalError as refusal:
            db.session.rollback()
            flash(refusal.sentence, "danger")
        return redirect(self.get_redirect())


class DocumentModelView(OperatorView):
    """Facts only: an operator opens no contract."""

    route_base = "/operator/documents"
    datamodel = SQLAInterface(ContractDocument)
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
        "kind": KIND.get, "mode": MODE.get, "status": STATUS.get, "amount_yen": yen, "conclusion_date": day,
        "archived_on": day, "retained_until": day,
    }  # fmt: skip


class CertificateModelView(OperatorView):
    route_base = "/operator/certificates"
    datamodel = SQLAInterface(Certificate)
    base_permissions = READ_ONLY
    list_title, show_title = "電子証明書", "電子証明書"
    label_columns = {
        "number": "管理番号", "company": "企業", "subject_name": "名義", "serial": "シリアル番号",
        "not_before": "有効期間の開始", "not_after": "有効期間の終了", "revoked_at": "失効日時",
    }  # fmt: skip
    list_columns = ["number", "company", "subject_name", "not_after", "revoked_at"]
    show_columns = ["number", "company", "subject_name", "serial", "not_before", "not_after", "revoked_at"]
    search_columns = ["number", "subject_name"]
    base_order = ("number", "asc")


class OutboxModelView(OperatorView):
    """One mail, one row, with its state; never its secret."""

    route_base = "/operator/mails"
    datamodel = SQLAInterface(OutboxMessage)
    base_permissions = READ_ONLY
    list_title, show_title = "送信メール", "送信メール"
    label_columns = {
        "letter": "種類", "to_address": "宛先", "created_at": "作成日時", "sent_at": "送信日時", "attempts": "試行回数",
        "failure": "送信できない理由", "due_at": "次の送信予定", "message_id": "Message-ID",
    }  # fmt: skip
    formatters_columns = SHOWN_TIMES | {"letter": LETTER.get}
    list_columns = ["created_at", "letter", "to_address", "sent_at", "attempts", "failure"]
    show_columns = ["letter", "to_address", "created_at", "due_at", "sent_at", "attempts", "failure", "message_id"]
    search_columns = ["to_address"]
    base_order = ("id", "desc")


class JobRunModelView(OperatorView):
    route_base = "/operator/jobs"
    datamodel = SQLAInterface(JobRun)
    base_permissions = READ_ONLY
    list_title, show_title = "定期処理", "定期処理"
    label_columns = {
        "name": "処理", "started_at": "開始", "finished_at": "終了", "done": "完了", "failed": "失敗", "report": "結果"
    }
    list_columns = ["started_at", "name", "done", "failed"]
    show_columns = ["name", "started_at", "finished_at", "done", "failed", "report"]
    search_columns = ["name"]
    base_order = ("id", "desc")


VIEWS = (
    (CompanyModelView, "企業"),
    (UserModelView, "利用者"),
    (PlanModelView, "プラン"),
    (DocumentModelView, "契約文書"),
    (CertificateModelView, "電子証明書"),
    (OutboxModelView, "送信メール"),
    (JobRunModelView, "定期処理"),
)


def register(appbuilder):
    for view, name in VIEWS:
        appbuilder.add_view(view, name, category="運営者業務")


def role_rows(*names):
    """Flask-AppBuilder's rows of these roles."""
    return db.session.scalars(select(FabRole).where(FabRole.name.in_(names))).all()
