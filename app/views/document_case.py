"""［案件の変更］ of a document: another 案件 of the own company, or none, also in the archive (R96, R97)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm

from app import queries
from app.clock import now
from app.errors import OutOfTurn, PortalError
from app.services import cases
from app.views import case_field
from app.views.answers import acting_person, done, refuse
from app.views.case_field import WithCase


class DocumentCaseForm(WithCase, FlaskForm):
    pass


class DocumentCaseView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/case", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def change(self, document_id):
        document, status = queries.document_of(g.user, document_id), 200
        cases.check_relink(document, acting_person())
        form, own = DocumentCaseForm(), document.party_of(g.user.company_id)
        was = request.form.get("was", "")
        if request.method == "GET":
            form.case_number.data, was = own.case.number if own.case else "", str(own.case_id or "")
        else:
            status = 422
            if form.validate():
                try:
                    cases.relink(document, acting_person(), now(), form.case_number.data, was=was)
                    return done("契約文書の案件を変更しました。", url_for("DocumentView.show", document_id=document_id))
                except OutOfTurn:
                    raise
                except PortalError as refusal:
                    status = refuse(form, refusal)
                    document = queries.document_of(g.user, document_id)
        page = self.render_template(
            "cases/document.html", title="契約文書の案件の変更", form=form, document=document, was=was,
            own=document.party_of(g.user.company_id), cases=case_field.offered(own.side),
        )  # fmt: skip
        return page, status
