"""自動保存 of ［契約文書登録］ and ［契約文書修正］: the page posts what is typed, and offers it again later (I4)."""

from flask import g, jsonify, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from wtforms import FileField, MultipleFileField, PasswordField

from app.clock import now
from app.extensions import db
from app.labels import jst
from app.services import drafts
from app.services.drafts import NEW
from app.views.answers import done, own_draft
from app.views.registration_form import RegistrationForm

NEVER_KEPT = (FileField, MultipleFileField, PasswordField)


class DraftView(BaseView):
    route_base = "/documents"

    @expose("/new/draft", methods=["POST"])
    @has_access
    @permission_name("register")
    def save_new(self):
        return _save(NEW)

    @expose("/new/draft/discard", methods=["POST"])
    @has_access
    @permission_name("register")
    def discard_new(self):
        drafts.discard(g.user, NEW)
        return done("入力中の下書きを破棄しました。", url_for("RegistrationView.new"))

    @expose("/<int:document_id>/edit/draft", methods=["POST"])
    @has_access
    @permission_name("register")
    def save(self, document_id):
        return _save(own_draft(document_id).id)

    @expose("/<int:document_id>/edit/draft/discard", methods=["POST"])
    @has_access
    @permission_name("register")
    def discard(self, document_id):
        drafts.discard(g.user, own_draft(document_id).id)
        return done("入力中の下書きを破棄しました。", url_for("RegistrationView.edit", document_id=document_id))


def _save(about_id):
    draft = drafts.save(g.user, now(), about_id, request.form.get("token", ""), typed())
    db.session.commit()
    return jsonify(saved_at=jst(draft.saved_at, "%H:%M"))


def typed():
    """What stands in the fields of the form; files, passwords and whatever else was sent are left out."""
    form = RegistrationForm(formdata=None)
    names = {field.name for field in form if not isinstance(field, NEVER_KEPT)} - {"csrf_token"}
    names |= set(form.recipients.INPUTS)
    return {name: texts for name, texts in request.form.lists() if name.split("-")[0] in names}
