"""［監査ログ］: whether the chain of the own company, or any of the portal, is whole (I19)."""

from flask import g, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.clock import now
from app.extensions import db
from app.services import log_audit
from app.services.logbook import NOBODYS
from app.views.answers import done

CHECKED = "検証しました。結果は、この画面の「検証の結果」をご確認ください。"


class AdminLogView(BaseView):
    """For a 管理用ID: the own company's chain."""

    route_base = "/admin/log"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        return self.render_template(
            "log_state/admin.html", title="監査ログの検証", state=log_audit.state_of(g.user.company_id),
            most_at_once=log_audit.MOST_AT_ONCE,
        )  # fmt: skip

    @expose("/verify", methods=["POST"])
    @has_access
    @permission_name("verify")
    def verify(self):
        company_id = g.user.company_id
        db.session.commit()  # nothing is held while entries are read
        log_audit.check(company_id, now(), newest=log_audit.MOST_AT_ONCE)
        return done(CHECKED, url_for(".index"))


class OperatorLogView(BaseView):
    """For the operator: which chains are broken, and the chain of what belongs to no company."""

    route_base = "/operator/log"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        return self.render_template(
            "log_state/operator.html", title="監査ログ", totals=log_audit.totals(), broken=log_audit.broken_chains(),
            state=log_audit.state_of(NOBODYS), most_at_once=log_audit.MOST_AT_ONCE,
        )  # fmt: skip

    @expose("/verify", methods=["POST"])
    @has_access
    @permission_name("verify")
    def verify(self):
        db.session.commit()  # nothing is held while entries are read
        log_audit.check(NOBODYS, now(), newest=log_audit.MOST_AT_ONCE)
        return done(CHECKED, url_for(".index"))
