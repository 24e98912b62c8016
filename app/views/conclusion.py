"""What may be had of a concluded contract besides its PDF: 合意締結証明書 and the copy for print."""

from flask import g
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.errors import NotFound
from app.extensions import db
from app.services import conclusion_certificates, print_copies
from app.views.answers import own_pdf
from app.views.file_answer import file_answer
from app.workflow import CONCLUDED


class ConclusionView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/conclusion_certificate")
    @has_access
    @permission_name("show")
    def certificate(self, document_id):
        wanted = conclusion_certificates.order(_own_concluded_pdf(document_id), g.user.company_id)
        db.session.rollback()  # nothing is held while it is signed and time-stamped
        return file_answer(
            conclusion_certificates.make(wanted), "application/pdf", name=f"{wanted.title}_{wanted.number}.pdf"
        )

    @expose("/<int:document_id>/print_copy")
    @has_access
    @permission_name("show")
    def print_copy(self, document_id):
        wanted = print_copies.order(_own_concluded_pdf(document_id))
        db.session.rollback()
        return file_answer(print_copies.make(wanted), "application/pdf", name=f"写し_{wanted.number}.pdf", inline=True)


def _own_concluded_pdf(document_id):
    document = own_pdf(document_id)
    if document.status not in CONCLUDED:
        raise NotFound
    return document
