"""［利用者選択］: the own company's people, for 承認者, 署名者 and 参照者 (R68, R69)."""

from flask import g, request
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now


class SelectionView(BaseView):
    route_base = "/users"

    @expose("/selection")
    @has_access
    @permission_name("select")
    def selection(self):
        code = request.args.get("code", "")
        users = queries.colleagues(g.user.company_id, code)
        return self.render_template(
            "selection/selection.html",
            title="利用者選択",
            users=users,
            signers=queries.signer_ids([user.id for user in users], now()),
            code=code,
            role=request.args.get("role", ""),
            multiple="multiple" in request.args,
        )
