"""利用申請サイト: what a partner without 利用者ID opens with the address from its mail (I9, R101).

Open to everybody who knows the token.  Whatever opens nothing is answered alike; nothing is shown that the
applicant has not typed, but the names of the two companies.
"""

from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField
from wtforms.validators import InputRequired

from app.clock import japan_date, now
from app.errors import OutOfTurn, PortalError, Refused
from app.extensions import db
from app.labels import COMPANY_FACT, day
from app.services import applications, invitations, service_filing
from app.services.applications import MOST_EVIDENCE_MB
from app.services.service_filing import MOST_PEOPLE, TERMS_VERSION
from app.services.service_review import FOR_APPLICANT
from app.views.answers import refuse
from app.views.service_form import ServiceForm

TITLE = "利用申請"


class AgreementForm(FlaskForm):
    terms_version = HiddenField(default=TERMS_VERSION)
    agrees_terms = BooleanField("利用規約に同意します", [InputRequired("利用規約をご確認のうえ、同意してください。")])
    agrees_electronic = BooleanField(
        "契約を電子契約で締結することを承諾します", [InputRequired("電子契約の承諾の内容をご確認のうえ、承諾してください。")]
    )


class ApplyView(BaseView):
    route_base = "/apply"

    @expose("/<string:token>", methods=["GET"])
    def show(self, token):
        """The form with what was kept so far; once handed in, how the 申請 stands."""
        invitation = invitations.opened(token, now())
        application = invitation.application
        if application is not None and application.state not in FOR_APPLICANT:
            return self.render_template("apply/state.html", title=f"{TITLE}の状況", application=application)
        wanted = application.wanted if application else service_filing.suggested(invitation)
        form = ServiceForm.drawn(wanted, version=application.version if application else "")
        return self._form(invitation, form)

    @expose("/<string:token>", methods=["POST"])
    def fill_in(self, token):
        """［途中保存］, ［確認］, or one of the buttons that rearrange the rows; each keeps what was typed."""
        moment = now()
        invitation = invitations.opened(token, moment, to_write=True)
        if _is_handed_in(invitation):
            return redirect(url_for("ApplyView.show", token=token))
        form, act = ServiceForm(), request.form.get("act", "")
        form.people.rearrange(request.form.get("rearrange", ""))
        try:
            service_filing.keep(
                invitation, moment, wanted=form.wanted(), version=form.drawn_version, evidence=_taken_in(form, invitation)
            )
            db.session.commit()
        except PortalError as refusal:
            status = refuse(form, refusal)
            invitation = invitations.opened(token, moment)
            form.redraw(invitation.application)  # also after another window: nothing typed is lost
            return self._form(invitation, form), status
        if "rearrange" in request.form or act == "save":
            if act == "save":
                flash(f"入力内容を保存しました。{day(japan_date(invitation.expires_at))}まで、同じURLから続きを入力できます。", "success")
            return redirect(url_for("ApplyView.show", token=token, _anchor="people" if act != "save" else None))
        return self._checked(invitation, form, token)

    def _checked(self, invitation, form, token):
        """To 確認 where everything is right; else the form again with what is not."""
        form.redraw(invitation.application)
        is_right = form.validate()
        if not invitation.application.evidence_sha256:
            form.evidence.errors, is_right = [service_filing.NO_EVIDENCE], False
        if is_right:
            try:
                service_filing.check_whole(invitation.application)
                return redirect(url_for("ApplyView.confirmation", token=token))
            except Refused as refusal:
                form.form_errors.append(refusal.sentence)
        return self._form(invitation, form), 422

    @expose("/<string:token>/confirmation", methods=["GET", "POST"])
    def confirmation(self, token):
        """What was typed and the terms, then ［申請する］."""
        moment, status = now(), 200
        invitation = invitations.opened(token, moment, to_write=request.method == "POST")
        application = invitation.application
        if application is None or _is_handed_in(invitation):
            return redirect(url_for("ApplyView.show", token=token))
        form = AgreementForm()
        if form.is_submitted():
            status = 422
            if _is_current(form, application) and form.validate():
                try:
                    service_filing.hand_in(application, moment, link=token)
                    db.session.commit()
                    return redirect(url_for("ApplyView.show", token=token))
                except PortalError as refusal:
                    status = refuse(form, refusal)
                    application = invitations.opened(token, moment).application
        elif not _is_whole(application):
            return redirect(url_for("ApplyView.show", token=token))
        form.terms_version.data = TERMS_VERSION
        page = self.render_template(
            "apply/confirmation.html", title=f"{TITLE}の確認", form=form, application=application,
            back=url_for("ApplyView.show", token=token), fact_names=COMPANY_FACT,
        )  # fmt: skip
        return page, status

    def _form(self, invitation, form):
        application = invitation.application
        return self.render_template(
            "apply/form.html", title=TITLE, form=form, inviter=invitation.company.name, most=MOST_PEOPLE,
            most_mb=MOST_EVIDENCE_MB, until=day(japan_date(invitation.expires_at)),
            evidence_name=application.evidence_name if application else "",
            reason=application.reason if application else "", earlier=invitations.earlier_applied(invitation),
        )  # fmt: skip


def _is_handed_in(invitation):
    application = invitation.application
    return application is not None and application.state not in FOR_APPLICANT


def _is_whole(application):
    try:
        return bool(service_filing.check_whole(application))
    except Refused:
        return False


def _is_current(form, application):
    """Refuse a confirmation drawn before the 申請 was changed in another window, or before the terms were."""
    if request.form.get("version") != str(application.version):
        raise OutOfTurn(service_filing.CHANGED)
    if form.terms_version.data != TERMS_VERSION:
        form.form_errors.append("利用規約が改定されました。新しい内容をご確認のうえ、もう一度申請してください。")
        form.agrees_terms.data = form.agrees_electronic.data = False
        return False
    return True


def _taken_in(form, invitation):
    given = form.evidence.data
    if not given:
        return None
    service_filing.check_room(invitation)
    with given.stream as uploaded:  # large ones lie in a temporary file until closed
        return applications.take_in(given.filename, uploaded.read())
