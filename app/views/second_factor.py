"""［二段階認証］: set up, give new recovery codes, switch off."""

import segno
from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length

from app.clock import now
from app.errors import PortalError
from app.extensions import db
from app.security import own_session, safe_next
from app.services import login_sessions, second_factor
from app.views.answers import acting_person, done, refuse


class SecretsForm(FlaskForm):
    code = StringField("確認コード", [InputRequired("確認コードを入力してください。"), Length(max=64)])
    password = PasswordField("パスワード", [InputRequired("パスワードを入力してください。"), Length(max=255)])


class SetUpForm(SecretsForm):
    offer = HiddenField(validators=[InputRequired(), Length(max=512)])


class SecondFactorView(BaseView):
    route_base = "/second-factor"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("set_up")
    def index(self):
        """The state; where there is no second factor, its set-up."""
        form, status = SetUpForm(), 200
        if form.is_submitted():
            if form.validate():
                try:
                    codes = second_factor.switch_on(acting_person(), form.offer.data, form.code.data, form.password.data, now())
                    login_sessions.end_others(own_session(), now())  # they began without it
                    return self._show(codes, "二段階認証を設定しました。次回のログインから、確認コードの入力が必要です。")
                except PortalError as refusal:
                    status = refuse(form, refusal)
            else:
                status = 422
        if g.user.has_second_factor:
            return self._page(SecretsForm(formdata=None) if status == 200 else form, status)
        return self._set_up(form, status)

    @expose("/recovery_codes", methods=["POST"])
    @has_access
    @permission_name("set_up")
    def recovery_codes(self):
        """［回復コードの再発行］."""
        return self._with_secrets(
            second_factor.renew_recovery_codes, lambda codes: self._show(codes, "新しい回復コードを発行しました。")
        )

    @expose("/off", methods=["POST"])
    @has_access
    @permission_name("set_up")
    def off(self):
        """［解除］."""
        return self._with_secrets(
            second_factor.switch_off_own, lambda _: done("二段階認証を解除しました。", url_for("AccountView.index"))
        )

    def _with_secrets(self, verb, answer):
        form, status = SecretsForm(), 422
        if form.validate():
            try:
                return answer(verb(acting_person(), form.password.data, form.code.data, now()))
            except PortalError as refusal:
                status = refuse(form, refusal)
        return self._page(form, status)

    def _page(self, form, status):
        company = g.user.company
        page = self.render_template(
            "second_factor/index.html", title="二段階認証", form=form, is_on=g.user.has_second_factor,
            codes_left=len(g.user.recovery_codes), is_required=bool(company and company.requires_second_factor),
        )  # fmt: skip
        return page, status

    def _set_up(self, form, status):
        try:
            offer = second_factor.offer(acting_person(), form.offer.data or None)
        except PortalError:
            offer = second_factor.offer(acting_person())
        picture = segno.make(offer.uri, error="m").svg_data_uri(scale=5, border=4, light="#fff")
        page = self.render_template(
            "second_factor/set_up.html", title="二段階認証の設定", form=form, offer=offer, picture=picture,
            is_required=g.user.must_set_up_second_factor,
        )  # fmt: skip
        return page, status

    def _show(self, codes, message):
        """The recovery codes, this once: in the answer itself, for they are kept nowhere."""
        db.session.commit()
        return self.render_template(
            "second_factor/recovery_codes.html", title="回復コード", codes=codes, message=message,
            target=safe_next(request.args.get("next") or url_for("AccountView.index")),
        )  # fmt: skip
