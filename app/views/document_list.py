"""［契約文書検索／一覧］: 契約文書検索条件, ［検索］, 検索結果 (R90); the base of the archive's list too."""

import datetime as dt

from flask import current_app, g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import BooleanField, Form, SelectChoice, SelectField, StringField
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput

from app import queries
from app.clock import japan_date, now
from app.errors import Refused
from app.labels import KIND, LIST_COLUMN, MODE, STATUS
from app.models import DocumentKind, ListColumn
from app.queries import NEWEST_FIRST, SORTABLE, Order, SearchTerms
from app.services import bulk_downloads, cases, list_layouts, listing, searches
from app.views.answers import acting_person, done, page_number, refuse
from app.views.fields import ChecksField, DayField, NameRule, NotBefore, YenField, is_near, one_line
from app.views.file_answer import file_answer
from app.workflow import IN_ARCHIVE, Side, SignatureMode, Status

IN_PROCESS = tuple(status for status in Status if status not in IN_ARCHIVE)
OF_ARCHIVE = (ListColumn.archived_on, ListColumn.retained_until)
PAGE_SIZES = (20, 50, 100)
DAYS_TURNED = "「から」の日付が「まで」の日付より後になっています。日付の順序をご確認ください。"
UNKNOWN_COLUMN = "表示する項目を読み取れませんでした。一覧の画面を開き直してから、もう一度選択してください。"
YEN_TURNED = "「から」の金額が「まで」の金額より大きくなっています。金額の範囲をご確認ください。"


def as_typed(order):
    """An order as it stands in an address: the column, with a minus before it where it descends."""
    return ("-" if order.descending else "") + order.column


def _orders(columns):
    both = ((column, descending) for column in columns for descending in (False, True))
    return [
        SelectChoice(as_typed(Order(column, descending)), f"{LIST_COLUMN[column]}（{'降順' if descending else '昇順'}）")
        for column, descending in both
    ]


def _choices(words):
    return [SelectChoice("", "すべて"), *(SelectChoice(member.value, word) for member, word in words.items())]


def _text(called, most, **more):
    return StringField(called, [Length(max=most, message=f"{most}文字以内で入力してください。")], filters=[one_line], **more)


class SearchForm(Form):
    """The conditions that both lists know; sent by GET, so that a result can be bookmarked.

    Either list adds its own conditions and what it can be sorted by.
    """

    class Meta:
        locales = ("ja",)

    number = _text("文書管理番号", 16)
    title = _text("契約件名", 255)
    partner = _text("取引先", 255, description="企業名の一部、または企業IDを入力してください。")
    concluded_from = DayField("契約締結年月日（から）", [Optional()])
    concluded_to = DayField("契約締結年月日（まで）", [Optional(), NotBefore("concluded_from", DAYS_TURNED)])
    amount_from = YenField("契約金額（から）", [Optional()])
    amount_to = YenField("契約金額（まで）", [Optional(), NotBefore("amount_from", YEN_TURNED)])
    without_amount = BooleanField("金額なし")
    kind = SelectField("文書種別", default="", choices=_choices(KIND))
    mode = SelectField("署名区分", default="", choices=_choices(MODE))
    side = SelectField(
        "発出・受領", default="",
        choices=_choices({Side.sender: "自社が発出した文書", Side.receiver: "自社が受領した文書"}),
    )  # fmt: skip
    person = _text("担当者", 255, description="自社の担当者（代理で処理した方を含む）の氏名の一部、または利用者IDを入力してください。")
    case = _text(LIST_COLUMN[ListColumn.case], 255, description="案件番号または案件名の一部を入力してください。")
    registered_from = DayField("登録日（から）", [Optional(), is_near])
    registered_to = DayField("登録日（まで）", [Optional(), is_near, NotBefore("registered_from", DAYS_TURNED)])
    ends_from = DayField("契約期間の終了日（から）", [Optional()])
    ends_to = DayField("契約期間の終了日（まで）", [Optional(), NotBefore("ends_from", DAYS_TURNED)])
    size = SelectField("表示件数", default=20, coerce=int, choices=[SelectChoice(n, f"{n}件") for n in PAGE_SIZES])

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not cases.is_shown(g.user.company):
            del self.case
            self.sort.choices = [one for one in self.sort.choices if one.value.removeprefix("-") != ListColumn.case]

    def terms(self):
        return SearchTerms(
            case=self.case.data if self.case else "",
            number=self.number.data,
            title=self.title.data,
            kind=DocumentKind(self.kind.data) if self.kind.data else None,
            partner=self.partner.data,
            person=self.person.data,
            side=Side(self.side.data) if self.side.data else None,
            mode=SignatureMode(self.mode.data) if self.mode.data else None,
            registered_from=self.registered_from.data,
            registered_to=self.registered_to.data,
            concluded_from=self.concluded_from.data,
            concluded_to=self.concluded_to.data,
            amount_from=self.amount_from.data,
            amount_to=self.amount_to.data,
            without_amount=self.without_amount.data,
            ends_from=self.ends_from.data,
            ends_to=self.ends_to.data,
            **self.own_terms(),
        )

    def order(self):
        return Order(ListColumn(self.sort.data.removeprefix("-")), self.sort.data.startswith("-"))

    def asked(self):
        """What was asked for, checked, as it stands in an address; what changes nothing is left out."""
        values = {field.name: field.data for field in self if field.data != field.default}
        return {
            name: value.isoformat() if isinstance(value, dt.date) else "y" if value is True else value
            for name, value in values.items()
            if value is not None and value is not False and value not in ("", [])
        }


class ProcessForm(SearchForm):
    """契約文書検索条件."""

    status = ChecksField("ステータス", choices=[SelectChoice(s.value, STATUS[s]) for s in IN_PROCESS])
    holder = _text("現在の担当者", 16, description="処理待ちになっている自社の担当者の利用者IDを入力してください。")
    deadline_from = DayField("署名期限（から）", [Optional()])
    deadline_to = DayField("署名期限（まで）", [Optional(), NotBefore("deadline_from", DAYS_TURNED)])
    sort = SelectField(
        "並び順", default=as_typed(NEWEST_FIRST), choices=_orders(c for c in SORTABLE if c not in OF_ARCHIVE)
    )

    def own_terms(self):
        return {
            "statuses": tuple(Status(value) for value in self.status.data or ()),
            "holder": self.holder.data,
            "deadline_from": self.deadline_from.data,
            "deadline_to": self.deadline_to.data,
        }


class ArchiveForm(SearchForm):
    """長期保管契約文書検索条件 (R94)."""

    archived_from = DayField("保管開始日（から）", [Optional()])
    archived_to = DayField("保管開始日（まで）", [Optional(), NotBefore("archived_from", DAYS_TURNED)])
    retained_from = DayField("保管満了日（から）", [Optional()])
    retained_to = DayField("保管満了日（まで）", [Optional(), NotBefore("retained_from", DAYS_TURNED)])
    sort = SelectField("並び順", default=as_typed(NEWEST_FIRST), choices=_orders(SORTABLE))

    def own_terms(self):
        return {
            "archived_from": self.archived_from.data,
            "archived_to": self.archived_to.data,
            "retained_from": self.retained_from.data,
            "retained_to": self.retained_to.data,
        }


class SaveForm(Form):
    name = StringField(
        "検索条件の名前", [NameRule(), Length(max=64, message="検索条件の名前は64文字以内で入力してください。")], filters=[one_line]
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, prefix="save-", **kwargs)


class NamedBox(CheckboxInput):
    """A box whose spoken name says what ticking it does: a search field beside it has the column's own name."""

    def __call__(self, field, **kwargs):
        return super().__call__(field, **{"aria-label": f"「{field.label.text}」を一覧に表示する"} | kwargs)


class ColumnsField(ChecksField):
    option_widget = NamedBox()


class ColumnsForm(Form):
    """表示する項目; the column that leads to the document is always there."""

    columns = ColumnsField("表示する項目")

    def __init__(self, view, *args, **kwargs):
        super().__init__(*args, **kwargs)
        offered = (column for column in view.offered() if column is not list_layouts.ALWAYS)
        self.columns.choices = [SelectChoice(column.value, LIST_COLUMN[column]) for column in offered]


class SearchView(BaseView):
    """One of the two lists: the page, its CSV file and the searches that people keep."""

    default_view = "index"
    form_class = None
    in_archive = None
    title = None
    template = None
    columns = ()  # of 検索結果, until a person chooses others
    choosable = ()  # in the order in which they stand
    file_name = None

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        form = self.form_class(request.args)
        return self._page(form, 200 if form.validate() else 422)

    @expose("/export.csv")
    @has_access
    @permission_name("list")
    def export(self):
        form = self.form_class(request.args)
        if not form.validate():
            return self._page(form, 422)
        ids = queries.found_ids(
            g.user, form.terms(), archived=self.in_archive, order=form.order(), most=listing.MOST_LINES + 1
        )
        listing.check_size(ids)
        pieces = listing.pieces(current_app._get_current_object(), g.user.id, ids)
        name = f"{self.file_name}-{japan_date(now()):%Y%m%d}.csv"
        return file_answer(pieces, "text/csv", plain=name)

    @expose("/downloads", methods=["POST"])
    @has_access
    @permission_name("list")
    def download(self):
        """一括ダウンロード of all that the search finds: a job makes the file."""
        form = self.form_class(request.args)
        if not form.validate():
            return self._page(form, 422)
        asked = bulk_downloads.request(
            acting_person(), now(), in_archive=self.in_archive, conditions=form.asked(),
            ids=queries.found_ids(
                g.user, form.terms(), archived=self.in_archive, order=form.order(), most=listing.MOST_LINES + 1
            ),
        )  # fmt: skip
        return done("一括ダウンロードを受け付けました。", url_for("BulkDownloadView.show", download_id=asked.id))

    @expose("/searches", methods=["POST"])
    @has_access
    @permission_name("list")
    def save(self):
        form, save_form = self.form_class(request.args), SaveForm(request.form)
        if not (form.validate() and save_form.validate()):
            return self._page(form, 422, save_form)
        asked = form.asked()
        try:
            searches.save(
                g.user, now(), name=save_form.name.data, in_archive=self.in_archive,
                conditions=asked if _names_conditions(asked) else {},
            )  # fmt: skip
        except Refused as refusal:
            return self._page(form, refuse(save_form, refusal), save_form)
        return done(f"検索条件「{save_form.name.data}」を保存しました。", url_for(".index", **asked))

    @expose("/searches/<int:search_id>/delete", methods=["POST"])
    @has_access
    @permission_name("list")
    def forget(self, search_id):
        saved = queries.saved_search_of(g.user, search_id, in_archive=self.in_archive)
        searches.forget(saved)
        return done(f"検索条件「{saved.name}」を削除しました。", url_for(".index"))

    @expose("/columns", methods=["POST"])
    @has_access
    @permission_name("list")
    def choose_columns(self):
        """表示する項目: remembered for this person and this list; ［標準に戻す］ sends none."""
        form, columns_form = self.form_class(request.args), ColumnsForm(self, request.form)
        if not columns_form.validate():
            raise Refused(UNKNOWN_COLUMN)
        wants_usual = "usual" in request.form
        chosen = [] if wants_usual else [list_layouts.ALWAYS, *map(ListColumn, columns_form.columns.data)]
        list_layouts.choose(g.user, chosen, in_archive=self.in_archive)
        message = "表示する項目を標準に戻しました。" if wants_usual else "表示する項目を変更しました。次回からも、この項目で表示します。"
        return done(message, url_for(".index", **(form.asked() if form.validate() else {})))

    def offered(self):
        """The columns to choose from; 案件 only where the company has to do with it."""
        shows_cases = cases.is_shown(g.user.company)
        return tuple(column for column in self.choosable if shows_cases or column is not ListColumn.case)

    def _columns(self):
        """What the person sees: what they chose, as far as this list has it, else the usual columns."""
        chosen = queries.columns_of(g.user, in_archive=self.in_archive)
        return self.columns if chosen is None else tuple(column for column in self.offered() if column in chosen)

    def _page(self, form, status, save_form=None):
        good = not form.errors
        found = None
        if good:
            page = page_number()
            found = queries.search(
                g.user, form.terms(), archived=self.in_archive, order=form.order(), page=page, page_size=form.size.data
            )
        asked = form.asked() if good else {}
        columns = self._columns()

        def url_with(**changed):
            return url_for(".index", **(asked | changed))

        return self.render_template(
            self.template, title=self.title, form=form, save_form=save_form or SaveForm(), found=found, asked=asked,
            has_conditions=_names_conditions(asked), columns=self._heads(form, columns, url_with) if good else (),
            columns_form=ColumnsForm(self, data={"columns": [column.value for column in columns]}),
            url_with=url_with, url_of_page=lambda number: url_with(page=number), page_sizes=PAGE_SIZES,
            csv_refusal=listing.TOO_MANY if good and found.total > listing.MOST_LINES else None,
            saved=queries.saved_searches_of(g.user, in_archive=self.in_archive), most_saved=searches.MOST_SAVED,
        ), status  # fmt: skip

    def _heads(self, form, columns, url_with):
        """The columns of 検索結果; a press on a head sorts by it, a second one the other way round."""
        order = form.order()
        return {
            column: {
                "label": LIST_COLUMN[column],
                "href": url_with(sort=as_typed(Order(column, column is order.column and not order.descending))),
                "sort": None if column is not order.column else "descending" if order.descending else "ascending",
            }
            for column in columns
        }


def _names_conditions(asked):
    """Whether more than the order and the size of the page was asked for."""
    return bool(asked.keys() - {"sort", "size"})


class DocumentListView(SearchView):
    route_base = "/documents"
    form_class, in_archive = ProcessForm, False
    title, template, file_name = "契約文書検索／一覧", "document_list/index.html", "documents"
    columns = (
        ListColumn.number, ListColumn.title, ListColumn.partner, ListColumn.conclusion_date, ListColumn.amount,
        ListColumn.registered_on, ListColumn.status,
    )  # fmt: skip
    choosable = (
        ListColumn.number, ListColumn.title, ListColumn.kind, ListColumn.mode, ListColumn.partner,
        ListColumn.partner_number, ListColumn.case, ListColumn.conclusion_date, ListColumn.amount, ListColumn.deadline,
        ListColumn.registered_on, ListColumn.status,
    )  # fmt: skip
