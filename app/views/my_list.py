"""［トップページ］ with マイリスト: what waits for this person."""

from flask import g, get_flashed_messages, redirect, url_for
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now
from app.services import bulk_operations
from app.views.answers import NEXT_TASK, page_number
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
        page = page_number()
        found = queries.my_list(g.user, page=page, page_size=PAGE_SIZE)
        operations = queries.operations_to_tell(g.user, now())
        in_work = queries.ids_in_work(g.user) if any(one.is_running for one in operations) else set()
        bulk_actions = bulk_operations.actions_for(found.rows, in_work) if g.user.company.is_active else {}
        return self.render_template(
            self.index_template,
            title="トップページ",
            found=found,
            url_of_page=lambda number: url_for(".index", page=number),
            says_next=bool(get_flashed_messages(category_filter=[NEXT_TASK])),
            next_task=_next_of(found.rows),
            today=japan_date(now()),
            operations=operations,
            in_work=in_work,
            bulk_actions=bulk_actions,
            selectable=set().union(*bulk_actions.values()),
            must_activate=bool(activations) and not any(link.activated_at for link in activations),
        )


def _next_of(documents):
    """What to do next of マイリスト: what others wait for comes before the own drafts; None where nothing is left."""
    return next((document for document in documents if document.status in WAITING), next(iter(documents), None))
