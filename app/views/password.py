"""［パスワード変更］: forced at the first log-in, free at any time."""

from flask import flash, g, redirect, request
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from app.clock import now
from app.extensions import db
from app.security import open_session, safe_next
from app.services import credentials, login_sessions
from app.views.answers import acting_person, submitted


class PasswordForm(FlaskForm):
    current = PasswordField("現在のパスワード", [InputRequired("現在のパスワードを入力してください。"), Length(max=255)])
    new = PasswordField("新しいパスワード", [InputRequired("新しいパスワードを入力してください。"), Length(max=255)])
    repeated = PasswordField(
        "新しいパスワード(確認)", [InputRequired("確認のため、新しいパスワードをもう一度入力してください。"), Length(max=255)]
    )


class PasswordView(BaseView):
    route_base = "/password"
    default_view = "change"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("change")
    def change(self):
        form = PasswordForm()
        reply, status = submitted(form, lambda: self._change(form))
        if reply is not None:
            return reply
        page = self.render_template(
            "password/change.html", title="パスワード変更", form=form, is_first=g.user.must_change_password,
            by_mailed_password=g.user.must_change_password and g.user.mailed_password_until is not None,
        )  # fmt: skip
        return page, status

    def _change(self, form):
        user = acting_person()
        credentials.change_password(user, form.current.data, form.new.data, form.repeated.data, now())
        session = login_sessions.begin(user, now(), request.user_agent.string)  # this browser goes on
        db.session.commit()
        open_session(session)
        flash("パスワードを変更しました。", "success")
        return redirect(safe_next(request.args.get("next")))
