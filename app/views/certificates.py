"""［証明書有効性確認］."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app import queries
from app.clock import now
from app.errors import PortalError
from app.services import certificates
from app.views.answers import acting_person, done, refuse


class ActivationForm(FlaskForm):
    certificate = SelectField("証明書", [InputRequired("証明書を選択してください。")], coerce=int)
    pin = StringField("PIN", [InputRequired("PINを入力してください。"), Length(max=64)])
    password = PasswordField("パスワード", [InputRequired("パスワードを入力してください。"), Length(max=255)])


class CertificateView(BaseView):
    route_base = "/certificates"
    default_view = "activation"

    @expose("/activation", methods=["GET", "POST"])
    @has_access
    @permission_name("activate")
    def activation(self):
        links = queries.activations_of(g.user, now())
        form, status = ActivationForm(), 200
        form.certificate.choices = [SelectChoice(link.id, str(link.certificate)) for link in links]
        if form.is_submitted() and links:
            if form.validate():
                try:
                    return self._activate(form, links)
                except PortalError as refusal:
                    status = refuse(form, refusal)
                    links = queries.activations_of(g.user, now())
            else:
                status = 422
        page = self.render_template(
            "certificates/activation.html", title="証明書有効性確認", form=form, links=links,
            is_done=all(link.activated_at for link in links),
            shown=next((link for link in links if str(link.id) == request.args.get("activated")), None),
        )  # fmt: skip
        return page, status

    def _activate(self, form, links):
        link = next(link for link in links if link.id == form.certificate.data)
        user = acting_person()
        link = certificates.activate(user, link, form.pin.data, form.password.data, now())
        return done(
            "証明書の有効性を確認しました。この利用者IDで署名にご利用いただけます。",
            url_for("CertificateView.activation", activated=link.id),
        )
