"""［利用状況・料金照会］: what the own company used, at which prices, and its closed months (I10)."""

from flask import g, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, month_of, now
from app.extensions import db
from app.services import fee_table, statement_files, statements
from app.views.answers import page_number
from app.views.file_answer import file_answer


class AdminUsageView(BaseView):
    """For a 管理用ID: the own company's usage."""

    route_base = "/admin/usage"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        company, today = g.user.company, japan_date(now())
        sums = queries.usage_sums(company.id)
        return self.render_template(
            "admin_usage/index.html", title="利用状況・料金照会", company=company, month=month_of(today), sums=sums,
            has_earlier=any(each.first_on < month_of(today) for each in sums),
            preview=statements.preview(sums), prices=fee_table.prices_of(company.plan.kind, today),
            found=queries.statements_of(company.id, page_number()),
            url_of_page=lambda number: url_for(".index", page=number),
        )  # fmt: skip

    @expose("/running")
    @has_access
    @permission_name("show")
    def running(self):
        """The single lines of the running month."""
        return self.render_template(
            "admin_usage/running.html", title="当月の利用の内訳", lines=queries.usage_lines(g.user.company_id, page=page_number()),
            url_of_page=lambda number: url_for(".running", page=number), back=("利用状況・料金照会", url_for(".index")),
        )  # fmt: skip

    @expose("/running.csv")
    @has_access
    @permission_name("show")
    def running_csv(self):
        lines = queries.all_usage_lines(g.user.company_id)
        return file_answer(statement_files.lines_csv(lines), "text/csv", name=f"当月の利用_{japan_date(now()):%Y%m%d}.csv")

    @expose("/statements/<int:statement_id>")
    @has_access
    @permission_name("show")
    def statement(self, statement_id):
        statement = queries.statement_of(g.user.company_id, statement_id)
        return self.render_template("admin_usage/statement.html", **facts_of(statement))

    @expose("/statements/<int:statement_id>/file.csv")
    @has_access
    @permission_name("show")
    def statement_csv(self, statement_id):
        return csv_of_statement(queries.statement_of(g.user.company_id, statement_id))

    @expose("/statements/<int:statement_id>/file.pdf")
    @has_access
    @permission_name("show")
    def statement_pdf(self, statement_id):
        return pdf_of_statement(queries.statement_of(g.user.company_id, statement_id))


def facts_of(statement):
    """What a page of a closed month shows, whoever looks at it."""
    return {
        "title": f"利用明細 {statement.number}", "statement": statement,
        "sums": queries.usage_sums(statement.company_id, statement.id),
        "lines": queries.usage_lines(statement.company_id, statement.id, page_number()),
        "url_of_page": lambda number: url_for(".statement", statement_id=statement.id, page=number),
    }  # fmt: skip


def csv_of_statement(statement):
    """The lines of a closed month as a file."""
    lines = queries.all_usage_lines(statement.company_id, statement.id)
    return file_answer(statement_files.lines_csv(lines), "text/csv", name=_name(statement, "csv"))


def pdf_of_statement(statement):
    """A closed month as a 利用明細書; nothing is held while it is drawn."""
    wanted, name = statement_files.order(statement), _name(statement, "pdf")
    db.session.rollback()
    return file_answer(statement_files.make(wanted), "application/pdf", name=name)


def _name(statement, kind):
    return f"利用明細_{statement.number}_{statement.month:%Y%m}.{kind}"
