"""管理者業務▼: what a 管理用ID sees of the own company."""

from flask import g
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now


class AdminView(BaseView):
    route_base = "/admin"
    default_view = "users"

    @expose("/users")
    @has_access
    @permission_name("list")
    def users(self):
        """利用者情報照会: everybody of the own company, with what they may do."""
        people = queries.colleagues(g.user.company_id)
        return self.render_template(
            "admin/users.html",
            title="利用者情報照会",
            people=people,
            signers=queries.signer_ids([person.id for person in people], now()),
        )
