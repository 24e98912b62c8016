"""［長期保管契約文書検索／一覧］ (R94)."""

from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.views.document_list import search_page


class ArchiveListView(BaseView):
    route_base = "/archive"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        return search_page(self, "archive_list/index.html", "長期保管契約文書検索／一覧", archived=True)
