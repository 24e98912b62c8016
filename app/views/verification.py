"""［電子署名の検証］, open to everybody, and the same report about a stored document (L1, L12)."""

from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired

from app.clock import now
from app.errors import Busy, NotFound, VerificationRefused
from app.services import verification
from app.views.answers import own_pdf, refuse
from app.workflow import CONCLUDED


class VerificationForm(FlaskForm):
    pdf = FileField("検証するPDFファイル", [FileRequired("検証するPDFファイルを選択してください。")])


class VerificationView(BaseView):
    route_base = "/verify"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    def index(self):
        """Judge an uploaded file; it is gone with the request."""
        form, report, status = VerificationForm(), None, 200
        if form.is_submitted():
            if form.validate():
                try:
                    with form.pdf.data.stream as uploaded:  # large ones lie in a temporary file until closed
                        report = verification.examine(uploaded.read())
                except (VerificationRefused, Busy) as refusal:
                    status = refuse(form, refusal)
            else:
                status = 422
        page = self.render_template(
            "verification/index.html", title="電子署名の検証", form=form, report=report, moment=now()
        )
        return page, status


class DocumentVerificationView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/verification")
    @has_access
    @permission_name("show")
    def show(self, document_id):
        """The report about a concluded document's stored file, for whoever may open it."""
        document = own_pdf(document_id)
        if document.status not in CONCLUDED:
            raise NotFound
        return self.render_template(
            "verification/show.html", title="契約文書の検証", document=document,
            report=verification.examine_document(document), moment=now(),
            names={signature.field_name: signature.user.shown_name for signature in document.valid_signatures},
        )  # fmt: skip
