"""［ログイン］ with its second step, ［パスワードをお忘れの方］ and ログアウト."""

from flask import flash, g, redirect, request, session, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_login import logout_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app import queries
from app.clock import now
from app.errors import SecretRefused
from app.extensions import db
from app.security import forget_session, open_session, own_session, safe_next
from app.services import credentials, login_sessions, second_factor
from app.views.answers import done, refuse

SECOND_STEP_SECONDS = 5 * 60


class LoginForm(FlaskForm):
    username = StringField("利用者ID", [InputRequired("利用者IDを入力してください。"), Length(max=64)])
    password = PasswordField("パスワード", [InputRequired("パスワードを入力してください。"), Length(max=255)])


class CodeForm(FlaskForm):
    code = StringField("確認コード", [InputRequired("確認コードを入力してください。"), Length(max=64)])


class ForgottenForm(FlaskForm):
    username = StringField("利用者ID", [InputRequired("利用者IDを入力してください。"), Length(max=64)])
    address = StringField("メールアドレス", [InputRequired("メールアドレスを入力してください。"), Length(max=320)])


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
        passed = credentials.log_in(form.username.data, form.password.data, now())
        if passed.user.has_second_factor:
            db.session.commit()
            _keep_half_way(passed)
            return redirect(url_for("AuthView.second_step", next=request.args.get("next")))
        return _let_in(passed.user, target, passed.by_mailed_password)

    @expose("/login/second-factor", methods=["GET", "POST"])
    def second_step(self):
        """The second step: who is half-way is not logged in, and has five minutes."""
        target = safe_next(request.args.get("next"))
        if g.user.is_authenticated:
            return redirect(target)
        user = _half_way()
        if user is None:
            session.pop("half_way", None)
            flash("確認コードの入力時間が過ぎました。もう一度、利用者IDとパスワードを入力してください。", "info")
            return redirect(url_for("AuthView.login", next=request.args.get("next")))
        form, status = CodeForm(), 200
        if form.is_submitted():
            if form.validate():
                try:
                    user = second_factor.log_in(user, form.code.data, now())
                    return _let_in(user, target, session["half_way"]["by_mailed_password"])
                except SecretRefused as refusal:
                    status = refuse(form, refusal)
            else:
                status = 422
        return self.render_template("login/second_step.html", title="二段階認証", form=form), status

    @expose("/login/forgotten", methods=["GET", "POST"])
    def forgotten(self):
        """［パスワードをお忘れの方］: the answer does not tell whether anybody was written to (S9)."""
        if g.user.is_authenticated:
            return redirect(url_for("MyListView.index"))
        form, status = ForgottenForm(), 200
        if form.is_submitted():
            if form.validate():
                credentials.mail_forgotten_password(form.username.data, form.address.data, now())
                return done(
                    "入力された利用者IDとメールアドレスが登録内容と一致する場合は、件名「パスワード再発行 のお知らせ」の"
                    "メールをお送りします。メールが届きましたら、記載のパスワードでログインしてください。",
                    url_for("AuthView.login"),
                )
            status = 422
        return self.render_template("login/forgotten.html", title="パスワードをお忘れの方", form=form), status

    @expose("/logout/", methods=["POST"])
    def logout(self):
        if g.user.is_authenticated:
            login_sessions.log_out(own_session(), now())
            db.session.commit()
            logout_user()
        session.clear()
        return redirect(url_for("AuthView.login"))


def _let_in(user, target, by_mailed_password):
    begun = credentials.let_in(user, now(), request.user_agent.string, by_mailed_password=by_mailed_password)
    db.session.commit()
    open_session(begun)
    return redirect(target)


def _keep_half_way(passed):
    """The cookie is signed and says who gave the password when; the stamp makes it worthless once it was used."""
    forget_session()
    session["half_way"] = {
        "stamp": passed.user.log_in_stamp,
        "at": now().timestamp(),
        "by_mailed_password": passed.by_mailed_password,
    }


def _half_way():
    if "half_way" not in session or now().timestamp() - session["half_way"]["at"] > SECOND_STEP_SECONDS:
        return None
    return queries.person_half_way(session["half_way"]["stamp"])
