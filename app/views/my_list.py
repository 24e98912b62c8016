"""［トップページ］ with マイリスト: what waits for this person."""

from flask import g, get_flashed_messages, redirect, request, url_for
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now
from app.views.answers import NEXT_TASK
from app.workflow import WAITING

PAGE_SIZE = 50


class MyListView(IndexView):
    route_base = ""
    index_template = "my_list/index.html"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        if g.user.company_id is None:  # the operator has no マイリスト
            return redirect(url_for("OperatorDashboardView.index"))
        activations = queries.activations_of(g.user, now())
        page = max(1, min(request.args.get("page", 1, type=int), 1_000_000))
        found = queries.my_list(g.user, page=page, page_size=PAGE_SIZE)
        return self.render_template(
            self.index_template,
            title="トップページ",
            found=found,
            url_of_page=lambda number: url_for(".index", page=number),
            says_next=bool(get_flashed_messages(category_filter=[NEXT_TASK])),
            next_task=_next_of(found.rows),
            today=japan_date(now()),
            must_activate=bool(activations) and not any(link.activated_at for link in activations),
        )


def _next_of(documents):
    """What to do next of マイリスト: what others wait for comes before the own drafts; None where nothing is left."""
    return next((document for document in documents if document.status in WAITING), next(iter(documents), None))
