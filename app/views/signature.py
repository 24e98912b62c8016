"""［契約文書署名］, ［署名位置確認］, 署名用パスワード再発行 and 署名用コード (R76-R82, S19)."""

from flask import Response, flash, g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectChoice, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, Regexp

from app import queries
from app.clock import now
from app.errors import NotFound, OutOfTurn, PortalError
from app.extensions import db
from app.labels import COMMENT_HELP
from app.services import documents, editions, fees, outbox, pictures, positions, signatures, steps
from app.services.certificates import NOT_ACTIVATED
from app.views.answers import acting_person, done, done_with_turn, own_document, own_pdf, refuse
from app.views.fields import trimmed
from app.workflow import Action

METHOD_CHANGED = "貴社の署名の方法が変わりました。署名用パスワードと署名用コードのうち、現在は{}で署名します。"


class SignatureForm(FlaskForm):
    certificate = SelectField(
        "証明書",
        [InputRequired("証明書を選択してください。"), Regexp(r"[0-9]{1,9}$", message="証明書を選択してください。")],
        validate_choice=False,  # of one that has just been revoked, signatures.check says so
    )
    signing_password = PasswordField(
        "署名用パスワード", [InputRequired("署名用パスワードを入力してください。"), Length(max=64)],
        description="件名「署名用パスワード 発行のお知らせ」のメールに記載の6桁の数字です。",
    )  # fmt: skip
    signing_code = PasswordField(
        "署名用コード", [InputRequired("署名用コードを入力してください。"), Length(max=64)],
        description="［署名用コードを送信］を押すと届く、件名「署名用コード のお知らせ」のメールに記載の6桁の数字です。",
    )  # fmt: skip
    comment = TextAreaField("自社内コメント記入欄", [Length(max=2000)], description=COMMENT_HELP, filters=[trimmed])

    def __init__(self):
        """Only the field of the method that the company signs by is there, as `secret`."""
        super().__init__()
        by_code = g.user.company.signs_by_code
        self.secret = self.signing_code if by_code else self.signing_password
        other = "signing_password" if by_code else "signing_code"
        if self.is_submitted() and other in request.form:  # the page was drawn before the company changed it
            self.form_errors.append(METHOD_CHANGED.format(self.secret.label.text))
        del self[other]


class SignatureView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/signature")
    @has_access
    @permission_name("answer")
    def form(self, document_id):
        """［契約文書署名］: 署名位置確認, then 証明書, 署名用パスワード, comment, ［確定］ (R113)."""
        document = own_document(document_id)
        documents.check_turn(Action.sign, document, g.user)
        form = SignatureForm()
        form.comment.data = document.party_of(g.user.company_id).comment
        return self._form_page(document, form)

    @expose("/<int:document_id>/sign", methods=["POST"])
    @has_access
    @permission_name("answer")
    def sign(self, document_id):
        document, form = own_document(document_id), SignatureForm()
        form.certificate.choices = certificate_choices()
        documents.check_turn(Action.sign, document, g.user)
        if not form.validate():
            return self._form_page(document, form, 422)
        try:
            return self._sign(document, form)
        except OutOfTurn:
            raise
        except PortalError as refusal:
            status = refuse(form, refusal)
            return self._form_page(own_document(document_id), form, status)

    def _sign(self, document, form):
        document_id, user = document.id, acting_person()
        order = signatures.check(document, user, int(form.certificate.data), form.secret.data, now())
        db.session.commit()  # nothing is held while the signature is made
        file = signatures.make(order)
        document = own_document(document_id)
        documents.sign(
            document, user, now(), file=file, certificate_id=order.certificate_id,
            signing_password_id=order.signing_password_id, signing_code_id=order.signing_code_id,
            comment=form.comment.data, ip_address=request.remote_addr or "",
        )  # fmt: skip
        return done_with_turn(f"契約文書 {document.number} に署名しました。")

    def _form_page(self, document, form, status=200):
        links = queries.activations_of(g.user, now())
        form.certificate.choices = certificate_choices(links)
        page = self.render_template(
            "signature/form.html", title="契約文書署名", document=document, form=form, links=links,
            own=document.party_of(g.user.company_id), revision=queries.current_revision(document),
            absent=steps.represented(document, g.user), fees=fees.fees_of(document, g.user.company_id),
            changes=editions.latest_changes(g.user, document),
            code=queries.valid_signing_code(g.user, document, now()),
            not_activated=NOT_ACTIVATED if not any(link.activated_at for link in links) else None,
        )  # fmt: skip
        return page, status

    @expose("/<int:document_id>/signature/position")
    @has_access
    @permission_name("show")
    def position(self, document_id):
        """［署名位置確認］: the pages that will carry a signature, with exactly the labels to come (R79, I5)."""
        document = own_pdf(document_id)
        return self.render_template(
            "signature/position.html", title="署名位置確認", document=document, positions=positions.shown(document)
        )

    @expose("/<int:document_id>/pages/<int:number>.png")
    @has_access
    @permission_name("show")
    def page_picture(self, document_id, number):
        """A picture of one page, counted from 1."""
        document = own_pdf(document_id)
        if not 1 <= number <= document.page_count:
            raise NotFound
        sha256 = document.pdf_sha256
        db.session.commit()  # nothing is held while the page is drawn
        return Response(pictures.page_picture(sha256, number - 1), mimetype="image/png")

    @expose("/<int:document_id>/signing_password", methods=["POST"])
    @has_access
    @permission_name("answer")
    def signing_password(self, document_id):
        """［署名用パスワード再発行］ (R77)."""
        document = own_document(document_id)
        documents.check_turn(Action.sign, document, g.user)
        outbox.give_signing_password_again(acting_person(), now())
        steps.mark_acted(document)
        page = "SignatureView.form" if request.form.get("from") == "signature" else "DocumentView.show"
        return done(
            "署名用パスワードを再発行し、メールでお送りしました。以前の署名用パスワードは無効になりました。",
            url_for(page, document_id=document_id),
        )

    @expose("/<int:document_id>/signing_code", methods=["POST"])
    @has_access
    @permission_name("answer")
    def signing_code(self, document_id):
        """［署名用コードを送信］: shows the form again as it was filled in (S19)."""
        document, form = own_document(document_id), SignatureForm()
        documents.check_turn(Action.sign, document, g.user)
        try:
            outbox.give_signing_code(acting_person(), document, now())
        except PortalError as refusal:
            return self._form_page(own_document(document_id), form, refuse(form, refusal))
        steps.mark_acted(document)
        db.session.commit()
        flash("署名用コードをメールでお送りしました。メールに記載の6桁の数字を入力してください。", "success")
        return self._form_page(document, form)


def certificate_choices(links=None):
    """What 「証明書」 offers: the person's links to certificates that may be used now."""
    links = queries.activations_of(g.user, now()) if links is None else links
    return [
        SelectChoice(
            str(link.id), str(link.certificate) + ("" if link.activated_at else "（有効性確認が未完了です）")
        )
        for link in links
    ]
