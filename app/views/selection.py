"""［利用者選択］: the own company's people, for 承認者, 署名者 and 参照者 (R68, R69)."""

from flask import g, request
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now
from app.workflow import Role


class SelectionView(BaseView):
    route_base = "/users"

    @expose("/selection")
    @has_access
    @permission_name("select")
    def selection(self):
        code = request.args.get("code", "")
        users = queries.colleagues(g.user.company_id, code)
        role = request.args.get("role", "")
        signers = queries.signer_ids([user.id for user in users], now())
        if role == Role.signer.value:  # who may sign first
            users = sorted(users, key=lambda user: user.id not in signers)
        return self.render_template(
            "selection/selection.html",
            title="利用者選択",
            users=users,
            signers=signers,
            code=code,
            role=role,
            multiple="multiple" in request.args,
        )
