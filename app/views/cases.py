"""案件管理: the list of 案件, one 案件 with its documents and totals, and its form (I12)."""

from flask import current_app, g, jsonify, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import Form, SelectChoice, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from app import queries
from app.clock import japan_date, now
from app.errors import NotFound, OutOfTurn
from app.labels import cases as words
from app.queries import CaseTerms
from app.services import case_totals, cases, listing
from app.services.cases import Wish
from app.views.answers import acting_person, done, page_number, submitted
from app.views.fields import DayField, NameRule, NotBefore, is_near, one_line, trimmed
from app.views.file_answer import file_answer

DAYS_TURNED = "「から」の日付が「まで」の日付より後になっています。日付の順序をご確認ください。"


def _typed(called, most=255, **more):
    return StringField(called, [Length(max=most, message=f"{most}文字以内で入力してください。")], filters=[one_line], **more)


class CaseSearchForm(Form):
    """案件検索条件; sent by GET, so that a result can be bookmarked."""

    class Meta:
        locales = ("ja",)

    number = _typed("案件番号", 64)
    name = _typed("案件名")
    work_name = _typed("工事名")
    place = _typed("工事場所")
    person = _typed("担当", description="氏名の一部、または利用者IDを入力してください。")
    term_from = DayField("期間（から）", [Optional(), is_near])
    term_to = DayField("期間（まで）", [Optional(), is_near, NotBefore("term_from", DAYS_TURNED)])
    state = SelectField(
        "状態", default="",
        choices=[SelectChoice("", "すべて"), SelectChoice("open", "進行中"), SelectChoice("closed", "終了")],
    )  # fmt: skip

    def terms(self):
        given = {field.name: field.data for field in self if field.name != "state"}
        return CaseTerms(**given, is_closed=self.state.data == "closed" if self.state.data else None)


class CaseForm(FlaskForm):
    number = StringField("案件番号", [DataRequired("案件番号を入力してください。"), Length(max=64)], filters=[one_line], description="自社で決めた番号を入力してください。同じ番号の案件は登録できません。")
    name = StringField("案件名", [NameRule()], filters=[one_line])
    work_name = StringField("工事名", [Length(max=255)], filters=[one_line])
    place = StringField("工事場所", [Length(max=255)], filters=[one_line])
    term_from = DayField("期間（から）", [Optional(), is_near])
    term_to = DayField("期間（まで）", [Optional(), is_near])
    person_code = StringField("担当", [Length(max=16)], filters=[one_line], description="自社の担当の方の利用者IDです（任意）。担当の方は、案件の終了と再開ができます。")
    note = TextAreaField("備考", [Length(max=2000)], filters=[trimmed])

    def validate_term_to(self, field):
        if field.data and self.term_from.data and field.data < self.term_from.data:
            raise ValidationError("期間の終わりは、始まりより後の日付にしてください。")

    def wish(self):
        return Wish(**{field.name: field.data for field in self if field.name != "csrf_token"})

    @classmethod
    def filled_from(cls, case):
        """The form as the 案件 is kept; a 担当 who was deleted since is left out."""
        person = case.person
        return cls(obj=case, person_code=person.user_code if person is not None and person.is_selectable else "")


class CaseView(BaseView):
    route_base = "/cases"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        """案件管理: the 案件 of the own company."""
        form = CaseSearchForm(request.args)
        found, counts = None, {}
        if form.validate():
            found = queries.cases_found(g.user, form.terms(), page_number())
            counts = queries.count_in_cases(g.user, found.rows)
        asked = {name: texts for name, texts in request.args.lists() if name in form}
        return self.render_template(
            "cases/index.html", title="案件管理", form=form, found=found, counts=counts, why_not=cases.why_not(g.user.company),
            has_conditions=any(any(texts) for texts in asked.values()), url_of_page=lambda number: url_for(".index", page=number, **asked),
        ), 200 if found else 422  # fmt: skip

    @expose("/offered")
    @has_access
    @permission_name("list")
    def offered(self):
        """What the field 「案件」 of a form suggests for what was typed so far, as JSON."""
        rows = queries.cases_offered(g.user.company_id, one_line(request.args.get("typed", ""))[:64])
        return jsonify([list(row) for row in rows])

    @expose("/<int:case_id>")
    @has_access
    @permission_name("list")
    def show(self, case_id):
        """One 案件: its facts, its totals, its documents as far as the person may see them."""
        case = queries.case_of(g.user, case_id)
        return self.render_template(
            "cases/show.html", title="案件照会", case=case, why_not=cases.why_not(g.user.company),
            may_write=cases.may_write(g.user.company), may_close=cases.may_close(case, g.user),
            totals=case_totals.totals_of(g.user, case), words=words, found=queries.documents_in_case(g.user, case, page_number()),
            url_of_page=lambda number: url_for(".show", case_id=case_id, page=number),
        )  # fmt: skip

    @expose("/<int:case_id>/export.csv")
    @has_access
    @permission_name("list")
    def export(self, case_id):
        """The documents of a 案件 that the person may see, as the lists' CSV file has them, and their totals."""
        case = queries.case_of(g.user, case_id)
        ids = queries.ids_in_case(g.user, case, most=listing.MOST_LINES + 1)
        listing.check_size(ids)
        totals = case_totals.totals_of(g.user, case)
        pieces = case_totals.file_of(current_app._get_current_object(), g.user.id, ids, totals)
        name = f"case-{case.id}-{japan_date(now()):%Y%m%d}.csv"
        return file_answer(pieces, "text/csv", plain=name)

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("keep")
    def new(self):
        cases.check_writable(g.user.company)
        return self._edit(CaseForm(), None)

    @expose("/<int:case_id>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("keep")
    def edit(self, case_id):
        case = queries.case_of(g.user, case_id)
        cases.check_writable(g.user.company)
        return self._edit(CaseForm() if request.method == "POST" else CaseForm.filled_from(case), case)

    def _edit(self, form, case):
        case_id = case.id if case else None
        reply, status = submitted(form, lambda: self._save(form, case), but=(NotFound, OutOfTurn))
        if reply is not None:
            return reply
        if case_id is not None and status != 200:
            case = queries.case_of(g.user, case_id)
        page = self.render_template(
            "cases/form.html", title="案件の変更" if case else "案件の登録", form=form, case=case,
            version=request.form.get("version") or (case and case.version),
        )  # fmt: skip
        return page, status

    def _save(self, form, case):
        saved = cases.save(acting_person(), now(), form.wish(), case, version=request.form.get("version"))
        return done(f"案件「{saved.name}」を保存しました。", url_for(".show", case_id=saved.id))

    @expose("/<int:case_id>/close", methods=["POST"])
    @has_access
    @permission_name("keep")
    def close(self, case_id):
        case = queries.case_of(g.user, case_id)
        cases.close(case, acting_person(), now(), version=request.form.get("version"))
        return done(f"案件「{case.name}」を終了しました。", url_for(".show", case_id=case_id))

    @expose("/<int:case_id>/reopen", methods=["POST"])
    @has_access
    @permission_name("keep")
    def reopen(self, case_id):
        case = queries.case_of(g.user, case_id)
        cases.reopen(case, acting_person(), now(), version=request.form.get("version"))
        return done(f"案件「{case.name}」を再開しました。", url_for(".show", case_id=case_id))
