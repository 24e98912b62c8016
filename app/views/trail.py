"""Every view of a document and every download goes into the 監査ログ (I19), whichever page shows it.

Here and not in the handlers, so that no new page can forget it: recorded is each answer to a GET that belongs to
a document, and each that is to be kept as a file.  It is written before the answer leaves; where it cannot be
written, nothing leaves.
"""

from flask import request
from flask_login import current_user

from app.clock import now
from app.services import logbook

OPERATORS_DOCUMENT = "DocumentModelView.show"  # names the document by the key of Flask-AppBuilder
KEPT = (  # which part of it is shown
    "edition", "number", "attachment_id", "request_id", "pk", "certificate_id", "case_id", "statement_id", "consent_id",
)  # fmt: skip


def register(app):
    @app.after_request
    def record(response):
        if request.method == "GET" and response.status_code == 200 and request.endpoint and current_user.is_authenticated:
            asked = request.view_args or {}
            document_id = asked.get("pk") if request.endpoint == OPERATORS_DOCUMENT else asked.get("document_id")
            is_file = "Content-Disposition" in response.headers
            if document_id is not None or is_file:
                part = {name: asked[name] for name in KEPT if name in asked}
                logbook.record_visit(
                    logbook.DOWNLOAD if is_file else logbook.VIEW, current_user, now(),
                    document_id=None if document_id is None else int(document_id), page=request.endpoint, **part,
                )  # fmt: skip
        return response
