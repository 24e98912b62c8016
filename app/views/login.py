"""［ログイン］ and ログアウト."""

from flask import g, redirect, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_login import login_user, logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.clock import now
from app.errors import SecretRefused
from app.extensions import db
from app.security import begin_session, safe_next
from app.services import credentials
from app.views.answers import refuse


class LoginForm(FlaskForm):
    username = StringField("利用者ID", [InputRequired("利用者IDを入力してください。"), Length(max=64)])
    password = PasswordField("パスワード", [InputRequired("パスワードを入力してください。"), Length(max=255)])


class AuthView(BaseView):
    route_base = ""

    @expose("/login/", methods=["GET", "POST"])
    def login(self):
        target = safe_next(request.args.get("next"))
        if g.user.is_authenticated:
            return redirect(target)
        form, status = LoginForm(), 200
        if form.is_submitted():
            if form.validate():
                try:
                    return self._enter(form, target)
                except SecretRefused as refusal:
                    status = refuse(form, refusal)
            else:
                status = 422
        page = self.render_template("appbuilder/general/security/login_db.html", title="ログイン", form=form)
        return page, status

    def _enter(self, form, target):
        user = credentials.log_in(form.username.data, form.password.data, now())
        db.session.commit()
        session.clear()  # nothing of before the log-in lives on
        login_user(user)
        begin_session()
        return redirect(target)

    @expose("/logout/", methods=["POST"])
    def logout(self):
        if g.user.is_authenticated:
            credentials.end_sessions(g.user)
            db.session.commit()
            logout_user()
        session.clear()
        return redirect(url_for("AuthView.login"))
