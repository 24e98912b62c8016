"""［トップページ］ with マイリスト: what waits for this person."""

from flask import g
from flask_appbuilder import IndexView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now


class MyListView(IndexView):
    route_base = ""
    index_template = "my_list/index.html"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        activations = queries.activations_of(g.user, now())
        return self.render_template(
            self.index_template,
            title="トップページ",
            documents=queries.my_list(g.user) if g.user.company_id else [],
            today=japan_date(now()),
            must_activate=bool(activations) and not any(link.activated_at for link in activations),
        )
