"""［契約文書受取］ → ［契約文書受取確認］ → 確定 (R49-R61, R65-R71)."""

from flask import g, request
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from app import queries
from app.clock import now
from app.errors import OutOfTurn, PortalError
from app.labels import COMMENT_HELP
from app.services import cases, documents, editions, fees, routes, steps
from app.services.documents import FEE_DIALOG
from app.views import case_field, route_filling, timeline
from app.views.answers import acting_person, codes, done_with_turn, own_document, refuse
from app.views.case_field import WithCase
from app.views.fields import trimmed
from app.views.route_filling import WithRoute
from app.workflow import Side


class ReceiptForm(WithRoute, WithCase, FlaskForm):
    approvers = StringField("承認者", description=f"必要な場合に、承認する順に指定します（{routes.MOST_APPROVERS}名まで）。")
    signer = StringField("署名者", description="利用者IDが1つの場合は、ご自身の利用者IDを指定してください。")
    viewers = StringField("参照者", description=f"閲覧のみができる方を指定します（{routes.MOST_VIEWERS}名まで）。")
    comment = TextAreaField("自社内コメント記入欄", [Length(max=2000)], description=COMMENT_HELP, filters=[trimmed])


class ReceiptView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/receipt", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def receipt(self, document_id):
        """［契約文書受取］: comment and 自社回覧先; POST comes back here from the confirmation's ［戻る］."""
        document = own_document(document_id)
        documents.check_receipt(document, g.user)
        form, templates = ReceiptForm(), queries.route_templates_of(g.user)
        if request.method == "GET":
            own = document.party_of(g.user.company_id)
            form.comment.data, form.case_number.data = own.comment, own.case.number if own.case else ""
            route_filling.begin(form, Side.receiver, templates, document.mode, own)
        elif route_filling.is_asked():
            route_filling.fill(form, Side.receiver, document.mode)
        return self._form_page(document, form, templates=templates)

    @expose("/<int:document_id>/receipt/confirmation", methods=["POST"])
    @has_access
    @permission_name("answer")
    def confirmation(self, document_id):
        """［契約文書受取確認］: what was chosen, and the fee warning; nothing is written yet."""
        document = own_document(document_id)
        documents.check_receipt(document, g.user)
        form = ReceiptForm()
        if not form.validate():
            return self._form_page(document, form, 422)
        try:
            choice, own = _choice(form, document), document.party_of(g.user.company_id)
            case = cases.named(own.company, Side.receiver, form.case_number.data, own)
        except PortalError as refusal:
            status = refuse(form, refusal)
            return self._form_page(own_document(document_id), form, status)
        return self.render_template(
            "receipt/confirmation.html", title="契約文書受取確認", document=document, form=form, choice=choice,
            own=own, case=case, offers_case=cases.may_choose(own.company, Side.receiver), revision=queries.current_revision(document),
            is_shared=documents.needs_fee_acknowledged(document, g.user.company_id), fee_dialog=FEE_DIALOG,
            absent=steps.represented(document, g.user), fees=fees.fees_of(document, g.user.company_id),
            without_certificate=queries.without_certificate([choice.signer] if choice.signer else [], now()),
        )  # fmt: skip

    @expose("/<int:document_id>/confirm_receipt", methods=["POST"])
    @has_access
    @permission_name("answer")
    def confirm_receipt(self, document_id):
        document, form = own_document(document_id), ReceiptForm()
        documents.check_receipt(document, g.user)
        if not form.validate():
            return self._form_page(document, form, 422)
        try:
            cases.choose(document, acting_person(), form.case_number.data)
            documents.confirm_receipt(
                document, g.user, now(), choice=_choice(form, document), comment=form.comment.data,
                fee_acknowledged=request.form.get("fee_ack") == "true",
            )  # fmt: skip
        except OutOfTurn:
            raise
        except PortalError as refusal:
            status = refuse(form, refusal)
            return self._form_page(own_document(document_id), form, status)
        return done_with_turn(f"契約文書 {document.number} の受取確認が完了しました。")

    def _form_page(self, document, form, status=200, templates=None):
        if templates is None:
            templates = queries.route_templates_of(g.user)
        page = self.render_template(
            "receipt/form.html", title="契約文書受取", document=document, form=form,
            templates=templates, cases=case_field.offered(Side.receiver), absent=steps.represented(document, g.user), returned=timeline.return_of(document, g.user.company_id),
            own=document.party_of(g.user.company_id), signs=document.mode.is_signed_by(Side.receiver),
            revision=queries.current_revision(document), changes=editions.latest_changes(g.user, document),
        )  # fmt: skip
        return page, status


def _choice(form, document):
    return routes.choose(
        g.user.company_id, Side.receiver, document.mode, approvers=codes(form.approvers.data),
        signer=codes(form.signer.data), viewers=codes(form.viewers.data),
    )  # fmt: skip
