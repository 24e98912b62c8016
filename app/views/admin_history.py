"""［操作履歴照会］: what happened to the own company's people and credentials (I3, I19)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import Form, SelectChoice, SelectField, StringField
from wtforms.validators import Length, Optional

from app import queries
from app.labels import ACCOUNT_ACTION
from app.models import AccountAction
from app.queries import HistoryTerms
from app.views.answers import page_number
from app.views.fields import DayField, is_near


class HistoryForm(Form):
    """Sent by GET, so that a result can be bookmarked."""

    user = StringField("利用者ID", [Length(max=16)], description="操作した方、または操作の対象になった方の利用者IDです。")
    kind = SelectField(
        "操作", default="",
        choices=[SelectChoice("", "すべて"), *(SelectChoice(a.value, ACCOUNT_ACTION[a]) for a in AccountAction)],
    )  # fmt: skip
    first = DayField("日付（から）", [Optional(), is_near])
    last = DayField("日付（まで）", [Optional(), is_near])

    def terms(self):
        return HistoryTerms(
            user_code=(self.user.data or "").strip(),
            action=AccountAction(self.kind.data) if self.kind.data else None,
            first=self.first.data,
            last=self.last.data,
        )


class AdminHistoryView(BaseView):
    route_base = "/admin/history"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        form = HistoryForm(request.args)
        good = form.validate()
        page = page_number()
        found = queries.account_history(g.user.company_id, form.terms(), page) if good else None
        asked = {field.name: request.args.getlist(field.name) for field in form}
        return self.render_template(
            "admin_history/index.html", title="操作履歴照会", form=form, found=found,
            url_of_page=lambda number: url_for("AdminHistoryView.index", page=number, **asked),
        ), 200 if good else 422  # fmt: skip
