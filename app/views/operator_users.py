"""運営者業務▼ 運営者: the people who run the portal, registered and deleted by each other."""

from flask_appbuilder.actions import action
from flask_appbuilder.models.filters import BaseFilter

from app.clock import now
from app.extensions import db
from app.labels import jst
from app.models import PortalUser
from app.services import credentials, operators, people
from app.views.answers import acting_person
from app.views.operator import UserModelView
from app.views.operator_rows import Rows


class OperatorsOnly(BaseFilter):
    """The operators among all people."""

    name = "operators"

    def apply(self, query, _value):
        return query.where(PortalUser.roles.any(name=operators.OPERATOR))


class OperatorRows(Rows):
    """No page or action of this view is about anybody else: Flask-AppBuilder hands its actions any row."""

    def find(self, id, *args, **kwargs):
        row = super().find(id, *args, **kwargs)
        return row if row is not None and row.is_operator else None


class OperatorUserModelView(UserModelView):
    route_base = "/operator/operators"
    datamodel = OperatorRows(PortalUser)
    base_filters = [["id", OperatorsOnly, None]]
    list_title, show_title, add_title, edit_title = "運営者", "運営者", "運営者の登録", "運営者の編集"
    label_columns = UserModelView.label_columns | {"last_seen": "最終ログイン"}
    formatters_columns = UserModelView.formatters_columns | {"last_seen": jst}
    list_columns = ["username", "full_name", "department", "mail_address", "active"]
    show_columns = ["username", "full_name", "kana", "department", "title", "mail_address", "active", "last_seen"]
    add_columns = ["full_name", "kana", "department", "title", "mail_address", "enrolment_token"]
    description_columns = {"mail_address": "利用者ID、初回ログインパスワードなどのメールをお送りする宛先です。"}
    issue_certificate = None  # they sign nothing

    def offers(self, name, row):
        return row.is_selectable and (name != "delete_operator" or row.id != acting_person().id)

    def pre_add(self, user):
        """The number, the role and the two mails, in the transaction that Flask-AppBuilder commits."""
        people.check(user)
        db.session.rollback()  # nothing is written yet, and nothing is held while the password is hashed
        (initial,) = credentials.new_initial_passwords(1)
        operators.enrol(user, acting_person(), now(), initial=initial)

    @action("delete_operator", "削除", "この運営者の利用者IDを削除し、ログイン中の画面を終了させます。取り消すことはできません。よろしいですか。", "fa-user-times", multiple=False)
    def delete_operator(self, user):
        return self.carry_out(
            lambda: operators.delete(user, acting_person(), now()), f"「{user.full_name}」様の利用者IDを削除しました。"
        )
