"""［契約文書検索／一覧］: 契約文書検索条件, ［検索］, 検索結果 (R90)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import BooleanField, Form, SelectChoice, SelectField, StringField
from wtforms.validators import Length, Optional

from app import queries
from app.labels import MODE, STATUS
from app.queries import SearchTerms
from app.views.fields import ChecksField, DayField, YenField
from app.workflow import IN_ARCHIVE, SignatureMode, Status

IN_PROCESS = tuple(status for status in Status if status not in IN_ARCHIVE)


class SearchForm(Form):
    """契約文書検索条件; sent by GET, so that a result can be bookmarked."""

    number = StringField("文書管理番号", [Length(max=16)])
    title = StringField("契約件名", [Length(max=255)])
    partner = StringField("取引先", [Length(max=255)], description="企業名の一部、または企業IDを入力してください。")
    status = ChecksField("ステータス", choices=[SelectChoice(s.value, STATUS[s]) for s in IN_PROCESS])
    mode = SelectField(
        "署名区分", default="",
        choices=[SelectChoice("", "すべて"), *(SelectChoice(mode.value, MODE[mode]) for mode in SignatureMode)],
    )  # fmt: skip
    concluded_from = DayField("契約締結年月日（から）", [Optional()])
    concluded_to = DayField("契約締結年月日（まで）", [Optional()])
    amount_from = YenField("契約金額（から）", [Optional()])
    amount_to = YenField("契約金額（まで）", [Optional()])
    without_amount = BooleanField("金額なし")
    archived_from = DayField("保管開始日（から）", [Optional()])
    archived_to = DayField("保管開始日（まで）", [Optional()])

    def terms(self):
        return SearchTerms(
            number=(self.number.data or "").strip(),
            title=(self.title.data or "").strip(),
            partner=(self.partner.data or "").strip(),
            statuses=tuple(Status(value) for value in self.status.data or ()),
            mode=SignatureMode(self.mode.data) if self.mode.data else None,
            concluded_from=self.concluded_from.data,
            concluded_to=self.concluded_to.data,
            amount_from=self.amount_from.data,
            amount_to=self.amount_to.data,
            without_amount=self.without_amount.data,
            archived_from=self.archived_from.data,
            archived_to=self.archived_to.data,
        )


def search_page(view, template, title, *, archived):
    """The search page of either list: conditions above, 検索結果 below; 422 where a condition is unreadable."""
    form = SearchForm(request.args)
    good = form.validate()
    page = max(1, min(request.args.get("page", 1, type=int), 1_000_000))
    found = queries.search(g.user, form.terms(), archived=archived, page=page) if good else None
    asked = {name: values for name, values in request.args.lists() if name != "page"}
    return view.render_template(
        template, title=title, form=form, found=found,
        url_of_page=lambda number: url_for(request.endpoint, page=number, **asked),
    ), 200 if good else 422  # fmt: skip


class DocumentListView(BaseView):
    route_base = "/documents"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        return search_page(self, "document_list/index.html", "契約文書検索／一覧", archived=False)
