"""［一括ダウンロード］: the person's own ZIP files, how far they are, and the files themselves (L7)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now
from app.services import bulk_downloads
from app.views.answers import acting_person, done
from app.views.file_answer import file_answer

TITLE = "一括ダウンロード"


class BulkDownloadView(BaseView):
    route_base = "/downloads"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        rows = queries.bulk_downloads_of(g.user, now())
        return self.render_template(
            "bulk_downloads/index.html", title=TITLE, downloads=rows, most_kept=bulk_downloads.MOST_KEPT
        )

    @expose("/<int:download_id>")
    @has_access
    @permission_name("list")
    def show(self, download_id):
        download = queries.bulk_download_of(g.user, download_id, now())
        lost = bulk_downloads.why_lost(g.user, download) if download.is_ready else None
        return self.render_template(
            "bulk_downloads/show.html", title=f"{'データの一括出力' if download.is_of_company else TITLE}の状況", download=download, lost=lost,
            search_page="ArchiveListView.index" if download.in_archive else "DocumentListView.index",
        )  # fmt: skip

    @expose("/<int:download_id>/file")
    @has_access
    @permission_name("list")
    def file(self, download_id):
        """The ZIP file, from any place in it: a download that was cut off is taken up again (RFC 9110, 14)."""
        download = queries.bulk_download_of(g.user, download_id, now())
        pieces = bulk_downloads.open_file(acting_person(), download)
        kind = "company" if download.is_of_company else "archive" if download.in_archive else "documents"
        name = f"{kind}-{japan_date(download.requested_at):%Y%m%d}.zip"
        reply = file_answer(pieces, "application/zip", plain=name, direct_passthrough=True)
        reply.content_length = download.size_bytes
        reply.set_etag(download.sha256)
        return reply.make_conditional(request, accept_ranges=True, complete_length=download.size_bytes)

    @expose("/<int:download_id>/delete", methods=["POST"])
    @has_access
    @permission_name("list")
    def delete(self, download_id):
        """Delete a file, or call off its making."""
        bulk_downloads.discard(queries.bulk_download_of(g.user, download_id, now()), now())
        return done("一括ダウンロードのファイルを削除しました。", url_for("BulkDownloadView.index"))

    @expose("/<int:download_id>/remake", methods=["POST"])
    @has_access
    @permission_name("list")
    def remake(self, download_id):
        """［作り直す］ of a file that could not be made, or holds what the person may no longer open."""
        former = queries.bulk_download_of(g.user, download_id, now())
        made = bulk_downloads.remake(acting_person(), former, now())
        return done("ファイルの作り直しを受け付けました。準備ができましたら、メールでお知らせします。", url_for(".show", download_id=made.id))
