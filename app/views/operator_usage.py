"""利用明細 of all companies, what is not closed yet, and corrections: for the operator (I10)."""


from flask import request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import Form, MonthField, RadioField, SelectChoice, StringField
from wtforms.validators import InputRequired, Length, Optional

from app import queries
from app.clock import japan_date, month_of, now
from app.errors import Refused
from app.services import fee_table, statement_files, statements, usage
from app.views.admin_usage import csv_of_statement, facts_of, pdf_of_statement
from app.views.answers import acting_person, done, page_number, submitted
from app.views.fields import YenField, is_near, one_line
from app.views.file_answer import file_answer

TITLE = "利用明細"


class MonthInput(MonthField):
    """A month, from the browser's picker or typed as 2026-04 or 2026/04."""

    def __init__(self, label=None, validators=None, **kwargs):
        super().__init__(label, validators, format=["%Y-%m", "%Y/%m"], **kwargs)

    def process_formdata(self, valuelist):
        try:
            super().process_formdata([value.strip() for value in valuelist])
        except ValueError:
            raise ValueError("対象月は「2026-04」の形式で入力してください。")


class StatementSearch(Form):
    """Sent by GET."""

    month = MonthInput("対象月", [Optional(), is_near])
    company = StringField("企業ID", [Length(max=16)])


class CorrectionForm(FlaskForm):
    outcome = RadioField(
        "訂正の内容", [InputRequired("訂正の内容を選択してください。")],
        choices=[SelectChoice("amount", "正しい金額に訂正する"), SelectChoice("none", "取り消す（料金は発生しない）")],
    )  # fmt: skip
    new_yen = YenField("正しい金額（税抜・円）", description="「正しい金額に訂正する」を選んだ場合に入力してください。")
    reason = StringField(
        "訂正の理由", [InputRequired("訂正の理由を入力してください。"), Length(max=usage.MOST_REASON)], filters=[one_line],
        description="企業の利用明細（画面、CSV、PDF）に表示されます。",
    )  # fmt: skip

    def amount(self):
        """The right amount, or None where nothing is to be paid."""
        if self.outcome.data == "none":
            return None
        if self.new_yen.data is None:
            raise Refused("正しい金額を入力してください。")
        return self.new_yen.data


class OperatorUsageView(BaseView):
    route_base = "/operator/usage"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        form = StatementSearch(request.args)
        good = form.validate()
        month, company_code = (form.month.data, form.company.data) if good else (None, None)
        asked = {field.name: request.args.getlist(field.name) for field in form}
        return self.render_template(
            "operator_usage/index.html", title=TITLE, form=form, month=month,
            found=queries.statements(month=month, company_code=company_code, page=page_number()) if good else None,
            totals=queries.sums_of_statements(month=month, company_code=company_code) if good else None,
            unpriced=usage.unpriced(), missing=fee_table.missing(japan_date(now())),
            url_of_page=lambda number: url_for(".index", page=number, **asked),
        ), 200 if good else 422  # fmt: skip

    @expose("/export.csv")
    @has_access
    @permission_name("show")
    def export(self):
        """All 利用明細 of one month, for accounting."""
        form = StatementSearch(request.args)
        if not form.validate() or form.month.data is None:
            raise Refused("CSVを出力する対象月を「2026-04」の形式で指定してください。")
        month = form.month.data
        return file_answer(statement_files.month_csv(month), "text/csv", name=f"利用明細一覧_{month:%Y%m}.csv")

    @expose("/companies/")
    @has_access
    @permission_name("show")
    def companies(self):
        """What is not closed yet, by company."""
        found, sums = queries.open_usage(page_number())
        return self.render_template(
            "operator_usage/companies.html", title="未締めの利用", found=found, sums=sums, month=month_of(japan_date(now())),
            url_of_page=lambda number: url_for(".companies", page=number),
        )  # fmt: skip

    @expose("/companies/<int:company_id>")
    @has_access
    @permission_name("show")
    def company(self, company_id):
        company = queries.company_named(company_id)
        sums = queries.usage_sums(company.id)
        return self.render_template(
            "operator_usage/company.html", title=f"未締めの利用　{company.name}", company=company, sums=sums,
            preview=statements.preview(sums), lines=queries.usage_lines(company.id, page=page_number()),
            url_of_page=lambda number: url_for(".company", company_id=company_id, page=number),
        )  # fmt: skip

    @expose("/statements/<int:statement_id>")
    @has_access
    @permission_name("show")
    def statement(self, statement_id):
        statement = queries.statement_named(statement_id)
        return self.render_template("operator_usage/statement.html", **facts_of(statement))

    @expose("/statements/<int:statement_id>/file.csv")
    @has_access
    @permission_name("show")
    def statement_csv(self, statement_id):
        return csv_of_statement(queries.statement_named(statement_id))

    @expose("/statements/<int:statement_id>/file.pdf")
    @has_access
    @permission_name("show")
    def statement_pdf(self, statement_id):
        return pdf_of_statement(queries.statement_named(statement_id))

    @expose("/records/<int:record_id>/correction", methods=["GET", "POST"])
    @has_access
    @permission_name("correct")
    def correction(self, record_id):
        """訂正 of one line, open or closed: the counter-entry goes into the running month."""
        record, form = queries.usage_record_named(record_id), CorrectionForm()
        usage.check_correctable(record)
        reply, status = submitted(form, lambda: _correct(form, record))
        if reply is not None:
            return reply
        back = url_for(".statement", statement_id=record.statement_id) if record.statement_id else url_for(
            ".company", company_id=record.company_id
        )  # fmt: skip
        return self.render_template(
            "operator_usage/correction.html", title="利用実績の訂正", record=record, form=form, back=back
        ), status


def _correct(form, record):
    usage.correct(record, acting_person(), now(), reason=form.reason.data, new_yen=form.amount())
    return done("利用実績を訂正しました。", url_for(".company", company_id=record.company_id))
