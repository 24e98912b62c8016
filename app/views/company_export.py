"""［データの一括出力］: all that the company owns, as one ZIP file for its administrator (B5)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now
from app.services import bulk_downloads
from app.views.answers import acting_person, done


class CompanyExportView(BaseView):
    route_base = "/admin/export"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("export")
    def index(self):
        """What is in the file, and the button that orders one; the file itself is under 一括ダウンロード."""
        if request.method == "POST":
            download = bulk_downloads.request_all(acting_person(), now())
            return done(
                "データの一括出力を受け付けました。ファイルの準備ができましたら、メールでお知らせします。",
                url_for("BulkDownloadView.show", download_id=download.id),
            )  # fmt: skip
        rows = [row for row in queries.bulk_downloads_of(g.user, now()) if row.is_of_company]
        return self.render_template("company_export/index.html", title="データの一括出力", downloads=rows)
