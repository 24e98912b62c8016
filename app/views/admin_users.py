"""管理者業務▼: what a 管理用ID sees of the own company."""

from flask import g
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now


class AdminUsersView(BaseView):
    route_base = "/admin/users"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("list")
    def index(self):
        """利用者情報照会: everybody of the own company, with what they may do."""
        people = queries.colleagues(g.user.company_id)
        return self.render_template(
            "admin_users/index.html",
            title="利用者情報照会",
            people=people,
            signers=queries.signer_ids([person.id for person in people], now()),
        )
