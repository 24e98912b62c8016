"""［契約文書登録］ → 登録確認 → 確定, correction and 削除 (I4, T1, T2, T11, T13)."""

import time
import uuid

from flask import current_app, g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, MultipleFileField
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from app import queries
from app.clock import japan_date, now
from app.errors import AlreadyRegistered, OutOfTurn, PortalError, Refused
from app.extensions import db
from app.labels import KIND, MODE
from app.models import DocumentKind
from app.plans import charge, must_acknowledge_fee
from app.services import attachments, drafts, files, originals, registration, routes
from app.services.drafts import NEW
from app.services.files import Upload
from app.services.registration import Facts
from app.views import attachments as attachment_fields
from app.views import timeline
from app.views.answers import acting_person, codes, done, own_concluded, own_document, own_draft, refuse
from app.views.fields import ChecksField, DayField, YenField, one_line, trimmed
from app.workflow import Role, Side, SignatureMode


class RegistrationForm(FlaskForm):
    title = StringField("契約件名", [DataRequired("契約件名を入力してください。"), Length(max=255)], filters=[one_line])
    kind = SelectField("文書種別", choices=[SelectChoice(kind.value, KIND[kind]) for kind in DocumentKind])
    mode = RadioField(
        "署名区分", [InputRequired("署名区分を選択してください。")],
        choices=[SelectChoice(mode.value, MODE[mode]) for mode in SignatureMode],
    )  # fmt: skip
    pdf = FileField("契約文書(PDF)")
    kept_file = HiddenField()
    more_attachments = MultipleFileField("添付・補足書類", description=f"契約文書に添えるファイルがある場合に選択します。{attachments.MOST_ATTACHMENTS}つまで、まとめて選択できます。")
    kept_attachments = HiddenField()
    removed_attachments = ChecksField("取り消す添付・補足書類", validate_choice=False, choices=[])
    token = HiddenField(default=lambda: str(uuid.uuid4()), validators=[Length(max=36)])
    conclusion_date = DayField("契約締結年月日", [Optional()], description="空欄の場合は、契約が締結された日となります。")
    amount_yen = YenField("契約金額(税込)", [Optional()], description="円単位で入力してください。金額の定めがない場合は、空欄のままにしてください。")
    term_from = DayField("契約期間（から）", [Optional()])
    term_to = DayField("契約期間（まで）", [Optional()])
    renews_itself = BooleanField("自動更新あり")
    deadline = DayField("署名期限", [Optional()], description="この日までに、すべての企業の署名・受取確認が必要な場合に指定します。期限の3日前、1日前と翌日に、担当者と登録担当者へメールでお知らせします。")
    original_number = StringField("原契約の文書管理番号", [Length(max=16)], filters=[one_line], description="変更契約書・覚書の場合は、もとになる締結済みの契約文書の文書管理番号を入力することをおすすめします。両方の契約文書に、互いへのリンクが表示されます。")
    partner_number = StringField("取引先管理番号", [Length(max=64)], filters=[one_line])
    company_code = StringField("企業ID", [InputRequired("受信者の企業IDを入力してください。"), Length(max=16)])
    user_code = StringField("利用者ID", [InputRequired("受信者の利用者IDを入力してください。"), Length(max=16)])
    approvers = StringField("承認者", description=f"必要な場合に、承認する順に指定します（{routes.MOST_APPROVERS}名まで）。")
    signer = StringField("署名者", description="自社が署名する場合に指定します。")
    viewers = StringField("参照者", description=f"閲覧のみができる方を指定します（{routes.MOST_VIEWERS}名まで）。")
    comment = TextAreaField("自社内コメント記入欄", [Length(max=2000)], description="自社内のみで閲覧できます。取引先には表示されません。", filters=[trimmed])
    message = TextAreaField("受信者へのメッセージ", [Length(max=2000)], description="受信者にも表示されます。", filters=[trimmed])

    def validate_term_to(self, field):
        if field.data and self.term_from.data and field.data < self.term_from.data:
            raise ValidationError("契約期間の終わりは、始まりより後の日付にしてください。")

    def validate_deadline(self, field):
        if field.data and field.data < japan_date(now()):
            raise ValidationError(registration.PAST_DEADLINE)

    def facts(self, original):
        return Facts(
            title=self.title.data,
            kind=DocumentKind(self.kind.data),
            mode=SignatureMode(self.mode.data),
            conclusion_date=self.conclusion_date.data,
            amount_yen=self.amount_yen.data,
            term_from=self.term_from.data,
            term_to=self.term_to.data,
            renews_itself=self.renews_itself.data,
            deadline=self.deadline.data,
            partner_number=self.partner_number.data,
            message=self.message.data,
            original=original,
        )

    @classmethod
    def filled_from(cls, document, original):
        """The form as it was when the document was registered, for 修正; `original` as far as it may be seen."""
        sender, receiver = document.sender, document.receivers[0]
        known = _recipient_typed(document)

        def people(role):
            return " ".join(person.user_code for person in sender.people(role))

        return cls(
            obj=document, kind=document.kind.value, mode=document.mode.value, comment=sender.comment,
            company_code=receiver.company.code, user_code=known.user_code if known else "",
            original_number=original.number if original else "",
            kept_attachments=attachment_fields.sealed(attachments.kept_of(document), document.id),
            approvers=people(Role.approver), signer=people(Role.signer), viewers=people(Role.viewer),
        )  # fmt: skip

    @classmethod
    def continued(cls, draft):
        """The form as somebody left it."""
        return cls(formdata=MultiDict((name, text) for name, texts in drafts.fields_of(draft).items() for text in texts))

    @classmethod
    def amending(cls, original):
        """The form for a 変更契約書 or 覚書 to a concluded document: the partner and the 原契約 filled in."""
        partner = original.partners_of(g.user.company_id)[0]
        known = _recipient_typed(original) if partner is not original.sender else None  # who registered it is not told
        return cls(
            kind=DocumentKind.change_contract.value, mode=original.mode.value, original_number=original.number,
            company_code=partner.company.code, user_code=known.user_code if known else "",
        )  # fmt: skip


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
        draft = queries.draft_of(g.user, NEW)
        if draft is not None and "continue" in request.args:
            form, draft = RegistrationForm.continued(draft), None
        elif "original" in request.args:
            form = RegistrationForm.amending(own_concluded(request.args["original"]))
        return self._form_page(form, "契約文書登録", draft=draft)

    @expose("/<int:document_id>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def edit(self, document_id):
        """修正: a draft or a remanded document, by its registrar."""
        document = self._own_draft(document_id)
        if request.method == "POST":
            return self._register(RegistrationForm(), document)
        draft = queries.draft_of(g.user, document.id)
        if draft is not None and "continue" in request.args:
            return self._form_page(RegistrationForm.continued(draft), "契約文書修正", document)
        form = RegistrationForm.filled_from(document, queries.original_of(g.user, document))
        return self._form_page(form, "契約文書修正", document, draft=draft)

    def _register(self, form, document):
        status = 422
        title = "契約文書修正" if document else "契約文書登録"
        if form.validate():
            try:
                return self._save(form, document)
            except AlreadyRegistered as refusal:
                status = refuse(form, refusal)
                form.token.data = str(uuid.uuid4())  # the next ［確認］ makes another document
            except OutOfTurn:
                raise
            except PortalError as refusal:
                status = refuse(form, refusal)
                document = self._own_draft(document.id) if document is not None else None
        else:
            document = self._keep_files(form, document)
        return self._form_page(form, title, document, status)

    def _keep_files(self, form, document):
        """Another field was wrong: the files that came with the form need not be chosen again."""
        since, document_id = time.monotonic(), document.id if document is not None else None
        db.session.commit()  # nothing is held while the files are examined
        try:
            _upload_of(form, has_file=True)
            attachment_fields.taken_in(form, document_id, since)
        except PortalError as refusal:
            refuse(form, refusal)
        return self._own_draft(document_id) if document is not None else None

    def _save(self, form, document):
        user, since = acting_person(), time.monotonic()
        document_id = document.id if document is not None else None
        db.session.commit()  # nothing is held while the files are examined
        upload = _upload_of(form, has_file=document_id is not None)
        attached = attachment_fields.taken_in(form, document_id, since)
        document = self._own_draft(document_id) if document_id is not None else None
        facts = form.facts(originals.named(user, form.original_number.data, document))
        recipient = registration.recipient_of(form.company_code.data, form.user_code.data, user.company)
        choice = routes.choose(
            user.company_id, Side.sender, facts.mode, approvers=codes(form.approvers.data),
            signer=codes(form.signer.data), viewers=codes(form.viewers.data),
        )  # fmt: skip
        if document is None:
            document = registration.register(
                user, now(), facts, upload, recipient, choice, form.comment.data,
                token=form.token.data, attached=attached,
            )  # fmt: skip
        else:
            registration.revise(
                document, user, now(), facts, upload, recipient, choice, form.comment.data, attached=attached
            )
        return done(
            "登録内容を保存しました。内容をご確認のうえ、［確定］を押すと発信されます。",
            url_for("RegistrationView.confirmation", document_id=document.id),
        )

    def _form_page(self, form, title, document=None, status=200, draft=None):
        page = self.render_template(
            "registration/form.html", title=title, form=form, document=document,
            is_reassigned=document is not None and _recipient_typed(document) is None,
            draft=draft, kept_attachments=attachment_fields.kept(form, document.id if document else None),
            kept=_kept_upload(form), max_attachments_mb=current_app.config["MAX_ATTACHMENTS_MB"], max_bytes=current_app.config["MAX_UPLOAD_MB"] * 1024 * 1024,
            sender_signs=[mode.value for mode in SignatureMode if mode.is_signed_by(Side.sender)],
        )  # fmt: skip
        return page, status

    @expose("/<int:document_id>/registration")
    @has_access
    @permission_name("register")
    def confirmation(self, document_id):
        """［契約文書登録確認］: all that was entered, and who will pay, before it leaves."""
        document = self._own_draft(document_id)
        sender, receiver = document.sender, document.receivers[0]
        return self.render_template(
            "registration/confirmation.html", title="契約文書登録確認", document=document, own=sender,
            linked=queries.linked_with(g.user, document), original_is_missing=originals.is_missing(document), recipient=_recipient_typed(document),
            revision=queries.current_revision(document), steps=timeline.way_of(document, sender.company_id),
            charge=charge(sender.company.plan.kind, receiver.company.plan.kind),
            is_shared=must_acknowledge_fee(sender.company.plan.kind, receiver.company.plan.kind),
            without_certificate=queries.without_certificate(sender.people(Role.signer), now()),
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

    def _own_draft(self, document_id):
        return own_draft(document_id)


def _recipient_typed(document):
    """The 受取担当者 whom the sender named; None where the receiver has put a colleague in the place (I18)."""
    (step,) = [step for step in document.receivers[0].steps if step.role is Role.recipient]
    return None if step.is_reassigned else step.user


def _upload_of(form, *, has_file):
    """The uploaded file, or the one accepted at an earlier attempt at this form; None keeps the document's."""
    given = form.pdf.data
    if given:
        upload = files.take_in(given.filename, given.read())
        form.kept_file.data = _seal().dumps([upload.file_name, upload.sha256, upload.page_count])
        return upload
    kept = _kept_upload(form)
    if kept is not None or has_file:
        return kept
    raise Refused("契約文書(PDF)を選択してください。")


def _kept_upload(form):
    """The file accepted at an earlier attempt at this form; None where there is none, or somebody forged it."""
    try:
        return Upload(*_seal().loads(form.kept_file.data)) if form.kept_file.data else None
    except BadSignature:
        form.kept_file.data = ""
        return None


def _seal():
    """Marks a file as this person's own accepted upload, so that nobody can name another's."""
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"kept-file:{g.user.id}")
