"""添付・補足書類: the download, and how the registration form carries accepted files from one attempt to the next."""

from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app.models import AttachmentKind
from app.services import attachments
from app.services.attachments import KeptFile
from app.views import kept_files
from app.views.answers import own_pdf
from app.views.file_answer import file_answer


class AttachmentView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/attachments/<int:attachment_id>")
    @has_access
    @permission_name("show")
    def download(self, document_id, attachment_id):
        """One file, never shown inside the portal: whoever may open the contract's PDF may have it."""
        row = attachments.find(own_pdf(document_id), attachment_id)
        plain = f"attachment-{row.position}.{row.kind.value}"  # for what does not know RFC 5987
        mimetype = attachments.MIME_TYPES[row.kind]
        return file_answer(attachments.content_of(row), mimetype, plain=plain, name=row.file_name)


# -- the fields of RegistrationForm ---------------------------------------------


def taken_in(form, document_id, since):
    """The files that are to go along: those accepted before, less those taken off, and the new ones.

    Each accepted file stays in the form also where a later one, or anything else, is refused.
    """
    files = kept(form, document_id)
    uploads = [(upload.filename, upload.read) for upload in form.more_attachments.data or [] if upload]
    try:
        attachments.take_in(files, uploads, since)
    finally:
        form.kept_attachments.data = sealed(files, document_id)
        form.removed_attachments.data = []
    return files


def kept(form, document_id):
    """The files the form holds less those taken off; none where the seal is of somebody else or of another document."""
    rows = kept_files.opened(form.kept_attachments, "attachments", _form_of(document_id)) or []
    removed = set(form.removed_attachments.data or [])
    files = [KeptFile(name, AttachmentKind(kind), sha256, size) for name, kind, sha256, size in rows]
    left = [file for file in files if file.sha256 not in removed]
    if len(left) < len(files):
        form.kept_attachments.data = sealed(left, document_id)  # the page drawn next does not bring them back
    return left


def sealed(files, document_id):
    rows = [[file.file_name, file.kind.value, file.sha256, file.size_bytes] for file in files]
    return kept_files.sealed(rows, "attachments", _form_of(document_id))


def _form_of(document_id):
    return str(document_id or "new")
