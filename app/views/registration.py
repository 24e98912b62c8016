"""［契約文書登録］ → 登録確認 → 確定, correction and 削除 (I4, T1, T2, T11, T13)."""

import time
import uuid

from flask import current_app, flash, g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import now
from app.construction_law import unticked
from app.errors import AlreadyRegistered, OutOfTurn, PortalError
from app.extensions import db
from app.labels import MODE
from app.services import cases, consents, fees, originals, positions, recipients, registration, routes
from app.services.drafts import NEW
from app.views import attachments as attachment_fields
from app.views import case_field, route_filling, timeline
from app.views.answers import acting_person, codes, done, own_concluded, own_document, own_draft, refuse
from app.views.registration_form import RegistrationForm, kept_upload, recipient_typed, rows_of, upload_of
from app.workflow import Role, Side, SignatureMode


class RegistrationView(BaseView):
    route_base = "/documents"
    default_view = "new"

    @expose("/new", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def new(self):
        form = RegistrationForm()
        if form.is_submitted():
            return self._register(form, None)
        draft, templates = queries.draft_of(g.user, NEW), queries.route_templates_of(g.user)
        if draft is not None and "continue" in request.args:
            form, draft = RegistrationForm.continued(draft), None
        else:
            if "original" in request.args:
                form = RegistrationForm.amending(own_concluded(request.args["original"]))
            route_filling.begin(form, Side.sender, templates)
        return self._form_page(form, draft=draft, templates=templates)

    @expose("/<int:document_id>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def edit(self, document_id):
        """修正: a draft or a remanded document, by its registrar."""
        document = own_draft(document_id)
        if request.method == "POST":
            return self._register(RegistrationForm(), document)
        draft = queries.draft_of(g.user, document.id)
        if draft is not None and "continue" in request.args:
            return self._form_page(RegistrationForm.continued(draft), document)
        form = RegistrationForm.filled_from(document, queries.original_of(g.user, document))
        return self._form_page(form, document, draft=draft)

    def _register(self, form, document):
        if "rearrange" in request.form:
            form.recipients.rearrange(request.form["rearrange"])
            return self._as_typed(form, document, 200)
        if route_filling.is_asked():
            route_filling.fill(form, Side.sender, SignatureMode(form.mode.data) if form.mode.data in MODE else None)
            return self._as_typed(form, document, 200)
        if not form.validate():
            return self._as_typed(form, document, 422)
        try:
            return self._save(form, document)
        except AlreadyRegistered as refusal:
            status = refuse(form, refusal)
            form.token.data = str(uuid.uuid4())  # the next ［確認］ makes another document
        except OutOfTurn:
            raise
        except PortalError as refusal:
            status = refuse(form, refusal)
            document = own_draft(document.id) if document is not None else None
        return self._form_page(form, document, status)

    def _as_typed(self, form, document, status):
        """The form again, as typed; the files that came with it need not be chosen once more."""
        since, document_id = time.monotonic(), document.id if document is not None else None
        db.session.commit()  # nothing is held while the files are examined
        try:
            upload_of(form, has_file=True)
            attachment_fields.taken_in(form, document_id, since)
        except PortalError as refusal:
            refuse(form, refusal)
        return self._form_page(form, own_draft(document_id) if document_id is not None else None, status)

    def _save(self, form, document):
        user, since = acting_person(), time.monotonic()
        document_id = document.id if document is not None else None
        db.session.commit()  # nothing is held while the files are examined
        upload = upload_of(form, has_file=document_id is not None)
        attached = attachment_fields.taken_in(form, document_id, since)
        document = own_draft(document_id) if document_id is not None else None
        facts = form.facts(originals.named(user, form.original_number.data, document))
        receivers = recipients.recipients_of(form.recipients.typed(), user.company)
        choice = routes.choose(
            user.company_id, Side.sender, facts.mode, approvers=codes(form.approvers.data),
            signer=codes(form.signer.data), viewers=codes(form.viewers.data),
        )  # fmt: skip
        given, fallen = (facts, upload, receivers, choice, form.comment.data), []
        if document is None:
            document = registration.register(user, now(), *given, token=form.token.data, attached=attached)
        else:
            fallen = registration.revise(document, user, now(), *given, attached=attached)
        cases.choose(document, user, form.case_number.data)
        reply = done(
            "登録内容を保存しました。まだ発信されていません。内容をご確認ください。",
            url_for("RegistrationView.confirmation", document_id=document.id),
        )
        if fallen:
            flash(positions.fell_back(fallen), "warning")
        return reply

    def _form_page(self, form, document=None, status=200, draft=None, templates=None):
        if templates is None:
            templates = queries.route_templates_of(g.user)
        if document is not None:
            form.recipients.mark(rows_of(document))
        config = current_app.config
        page = self.render_template(
            "registration/form.html", title="契約文書修正" if document else "契約文書登録", form=form, document=document, draft=draft,
            most_receivers=recipients.MOST_RECEIVERS, templates=templates, kept=kept_upload(form), cases=case_field.offered(Side.sender),
            kept_attachments=attachment_fields.kept(form, document.id if document else None),
            max_attachments_mb=config["MAX_ATTACHMENTS_MB"], max_bytes=config["MAX_UPLOAD_MB"] * 1024 * 1024,
            sender_signs=[mode.value for mode in SignatureMode if mode.is_signed_by(Side.sender)],
        )  # fmt: skip
        return page, status

    @expose("/<int:document_id>/registration")
    @has_access
    @permission_name("register")
    def confirmation(self, document_id):
        """［契約文書登録確認］: all that was entered, and who will pay, before it leaves."""
        document = own_draft(document_id)
        sender = document.sender
        return self.render_template(
            "registration/confirmation.html", title="契約文書登録確認", document=document, own=sender,
            linked=queries.linked_with(g.user, document), original_is_missing=originals.is_missing(document),
            revision=queries.current_revision(document), steps=timeline.way_of(document, sender.company_id),
            receivers=[_receiver_shown(sender.company, receiver) for receiver in document.receivers],
            fees=fees.fees_of(document, sender.company_id, as_sent=False),
            lacking=consents.lacking(document), may_ask=bool(consents.askable(document, now())), unticked=unticked(document.article_19),
            without_certificate=queries.without_certificate(sender.people(Role.signer), now()),
            positions=positions.shown(document),
            stopped=[party.company for party in document.receivers if not party.company.is_active],
        )  # fmt: skip

    @expose("/<int:document_id>/send", methods=["POST"])
    @has_access
    @permission_name("register")
    def send(self, document_id):
        document = own_document(document_id)
        registration.send(document, g.user, now())
        return done(f"契約文書 {document.number} を発信しました。", url_for("MyListView.index"))

    @expose("/<int:document_id>/delete", methods=["POST"])
    @has_access
    @permission_name("register")
    def delete(self, document_id):
        document = own_document(document_id)
        number = document.number
        registration.delete(document, g.user, now())
        return done(f"作成中の契約文書 {number} を削除しました。", url_for("MyListView.index"))


def _receiver_shown(sender_company, receiver):
    """One receiver on ［契約文書登録確認］, and who will pay."""
    return {
        "company": receiver.company,
        "recipient": recipient_typed(receiver),
        "charge": recipients.charge_of(sender_company, receiver.company),
    }
