"""［電子契約承諾管理］, and ［承諾を依頼する］ from a document that lacks a consent (L14, I3)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app import queries
from app.clock import now
from app.construction_law import CONSENT_TEXT, CONSENT_VERSION
from app.errors import OutOfTurn, PortalError
from app.services import consents
from app.views.answers import acting_person, done, own_document, refuse
from app.views.fields import one_line


class PartnerForm(FlaskForm):
    company_code = StringField("企業ID", [InputRequired("取引先の企業IDを入力してください。"), Length(max=16)])
    name = StringField(
        "企業名", [InputRequired("取引先の企業名を入力してください。"), Length(max=255)], filters=[one_line],
        description="取引先を間違えないための確認です。「株式会社」などは省略できます。",
    )  # fmt: skip
    drawn = IntegerField(validators=[Optional()])  # set once the text was shown
    agrees = HiddenField(validators=[Length(max=1)])


class AdminConsentsView(BaseView):
    route_base = "/admin/consents"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        """Requests that wait for an answer, and how every pair stands, in both directions."""
        company_id = g.user.company_id
        rows = queries.newest_consents_about(company_id)
        given = [row for row in rows if row.giver_id == company_id]
        return self.render_template(
            "consents/index.html", title="電子契約承諾管理", given=given,
            received=[row for row in rows if row.partner_id == company_id],
        )  # fmt: skip

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def new(self):
        """Consent beforehand: the partner is named, then the text is shown, then ［承諾する］."""
        form, status, partner = PartnerForm(), 200, None
        if form.is_submitted():
            status = 422
            if form.validate():
                try:
                    partner = consents.partner_named(form.company_code.data, form.name.data, g.user.company)
                    if form.agrees.data and form.drawn.data is not None:
                        return self._given(partner, form.drawn.data)
                    status = 200
                except OutOfTurn:
                    raise
                except PortalError as refusal:
                    status, partner = refuse(form, refusal), None
        newest = queries.newest_consent(g.user.company_id, partner.id) if partner else None
        page = self.render_template(
            "consents/new.html", title="電子契約の承諾", form=form, partner=partner, newest=newest,
            drawn=newest.position if newest else 0, text=CONSENT_TEXT, version=CONSENT_VERSION,
        )  # fmt: skip
        return page, status

    @expose("/<int:partner_id>")
    @has_access
    @permission_name("show")
    def show(self, partner_id):
        """One partner: the text, the answer of the own company, and what was said so far in both directions."""
        partner = queries.consent_partner_of(g.user.company_id, partner_id)
        own, theirs = (
            queries.consents_of(g.user.company_id, partner.id), queries.consents_of(partner.id, g.user.company_id)
        )  # fmt: skip
        newest = own[0] if own else None
        return self.render_template(
            "consents/show.html", title="電子契約の承諾", partner=partner, own=own, theirs=theirs, newest=newest,
            drawn=newest.position if newest else 0, text=CONSENT_TEXT, version=CONSENT_VERSION,
        )  # fmt: skip

    @expose("/<int:partner_id>/give", methods=["POST"])
    @has_access
    @permission_name("answer")
    def give(self, partner_id):
        return self._given(queries.consent_partner_of(g.user.company_id, partner_id), _drawn())

    @expose("/<int:partner_id>/decline", methods=["POST"])
    @has_access
    @permission_name("answer")
    def decline(self, partner_id):
        partner = queries.consent_partner_of(g.user.company_id, partner_id)
        consents.decline(partner, acting_person(), now(), drawn=_drawn())
        return _done(partner, f"{partner.name}に、承諾しない旨をお知らせしました。")

    @expose("/<int:partner_id>/withdraw", methods=["POST"])
    @has_access
    @permission_name("answer")
    def withdraw(self, partner_id):
        partner = queries.consent_partner_of(g.user.company_id, partner_id)
        consents.withdraw(partner, acting_person(), now(), drawn=_drawn())
        return _done(partner, f"承諾を撤回し、{partner.name}にお知らせしました。")

    def _given(self, partner, drawn):
        consents.give(partner, acting_person(), now(), drawn=drawn)
        return _done(partner, f"電子契約による締結を承諾し、{partner.name}にお知らせしました。")


class ConsentRequestView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/consent_request", methods=["POST"])
    @has_access
    @permission_name("register")
    def ask(self, document_id):
        """［承諾を依頼する］ on 契約文書登録確認."""
        document = own_document(document_id)
        asked = consents.request(document, acting_person(), now())
        names = "、".join(company.name for company in asked)
        return done(
            f"{names}の管理者に、電子契約の承諾をメールで依頼しました。回答はメールでお知らせいたします。",
            url_for("RegistrationView.confirmation", document_id=document_id),
        )


def _drawn():
    """Which act the page showed as the newest; what is no number is an old page."""
    given = request.form.get("drawn", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else -1


def _done(partner, message):
    return done(message, url_for("AdminConsentsView.show", partner_id=partner.id))
