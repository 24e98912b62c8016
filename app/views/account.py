"""［アカウント情報］: the own facts, certificates, sessions and log-ins."""

import datetime as dt

from flask import current_app, g, redirect, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now
from app.extensions import db
from app.security import own_session
from app.services import login_sessions
from app.views.answers import done


class AccountView(BaseView):
    route_base = "/account"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        moment = now()
        since = moment - dt.timedelta(hours=current_app.config["SESSION_HOURS"])
        return self.render_template(
            "account/index.html", title="アカウント情報", person=g.user, now=moment,
            links=queries.all_activations_of(g.user), own=own_session(),
            sessions=queries.open_sessions_of(g.user, since), log_ins=queries.log_ins_of(g.user),
        )  # fmt: skip

    @expose("/sessions/<int:session_id>/end", methods=["POST"])
    @has_access
    @permission_name("end_session")
    def end_session(self, session_id):
        session, own = queries.login_session_of(g.user, session_id), own_session()
        login_sessions.end(session, now())
        if session is own:
            db.session.commit()
            return redirect(url_for("AuthView.login"))
        return done("ログイン中の画面を1件終了しました。", url_for("AccountView.index"))

    @expose("/sessions/end_others", methods=["POST"])
    @has_access
    @permission_name("end_session")
    def end_others(self):
        count = login_sessions.end_others(own_session(), now())
        return done(f"この画面を除く、ログイン中の画面を{count}件終了しました。", url_for("AccountView.index"))
