"""［契約文書登録］ → 登録確認 → 確定, correction and 削除 (I4, T1, T2, T11, T13)."""

import uuid

from flask import current_app, flash, g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from itsdangerous import BadSignature, URLSafeSerializer
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
from app.construction_law import ARTICLE_19_ITEMS, unticked
from app.errors import AlreadyRegistered, OutOfTurn, PortalError, Refused
from app.extensions import db
from app.labels import KIND, MODE
from app.models import DocumentKind
from app.services import consents, fees, files, positions, recipients, registration, routes
from app.services.files import Upload
from app.services.registration import Facts
from app.views import route_filling, timeline
from app.views.answers import acting_person, codes, done, own_document, refuse
from app.views.fields import ChecksField, DayField, YenField, one_line, trimmed
from app.views.recipients import RecipientsField, Row
from app.views.route_filling import WithRoute
from app.workflow import WITH_REGISTRAR, Role, Side, SignatureMode


class RegistrationForm(WithRoute, FlaskForm):
    title = StringField("契約件名", [DataRequired("契約件名を入力してください。"), Length(max=255)], filters=[one_line])
    kind = SelectField("文書種別", choices=[SelectChoice(kind.value, KIND[kind]) for kind in DocumentKind])
    mode = RadioField(
        "署名区分", [InputRequired("署名区分を選択してください。")],
        choices=[SelectChoice(mode.value, MODE[mode]) for mode in SignatureMode],
    )  # fmt: skip
    pdf = FileField("契約文書(PDF)")
    kept_file = HiddenField()
    token = HiddenField(default=lambda: str(uuid.uuid4()), validators=[Length(max=36)])
    conclusion_date = DayField("契約締結年月日", [Optional()], description="空欄の場合は、契約が締結された日となります。")
    amount_yen = YenField("契約金額(税込)", [Optional()], description="円単位で入力してください。金額の定めがない場合は、空欄のままにしてください。")
    term_from = DayField("契約期間（から）", [Optional()])
    term_to = DayField("契約期間（まで）", [Optional()])
    renews_itself = BooleanField("自動更新あり")
    deadline = DayField("署名期限", [Optional()], description="この日までに、すべての企業の署名・受取確認が必要な場合に指定します。期限の3日前、1日前と翌日に、担当者と登録担当者へメールでお知らせします。")
    partner_number = StringField("取引先管理番号", [Length(max=64)], filters=[one_line])
    is_construction = BooleanField(
        "建設工事の請負契約（建設業法第19条）に該当する",
        description="契約内容を変更する場合を含みます。該当する場合は、取引先による電子契約の承諾が必要です。",
    )  # fmt: skip
    article_19 = ChecksField(
        "記載事項の確認（任意）", choices=[SelectChoice(*item) for item in ARTICLE_19_ITEMS.items()],
        description="建設業法第19条第1項の事項のうち、契約文書に記載したものに印を付けると、記載漏れの確認に使えます。自社内のみで閲覧できます。",
    )  # fmt: skip
    is_disclosure = BooleanField(
        "取適法第4条（フリーランス法を含む）の明示に当たる",
        description="取引先が閲覧できるようになった日時を明示日時として記録します。取引先は、書面の交付を請求できます。",
    )  # fmt: skip
    recipients = RecipientsField("受信者の情報")
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

    def facts(self):
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
            is_construction=self.is_construction.data,
            is_disclosure=self.is_disclosure.data,
            article_19=tuple(self.article_19.data or ()),
        )

    @classmethod
    def filled_from(cls, document):
        """The form as it was when the document was registered, for 修正."""
        sender = document.sender

        def people(role):
            return " ".join(person.user_code for person in sender.people(role))

        return cls(
            obj=document, kind=document.kind.value, mode=document.mode.value, comment=sender.comment,
            recipients=[_row_of(receiver) for receiver in document.receivers],
            approvers=people(Role.approver), signer=people(Role.signer), viewers=people(Role.viewer),
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
        route_filling.begin(form, Side.sender)
        return self._form_page(form, "契約文書登録")

    @expose("/<int:document_id>/edit", methods=["GET", "POST"])
    @has_access
    @permission_name("register")
    def edit(self, document_id):
        """修正: a draft or a remanded document, by its registrar."""
        document = self._own_draft(document_id)
        if request.method == "POST":
            return self._register(RegistrationForm(), document)
        return self._form_page(RegistrationForm.filled_from(document), "契約文書修正", document)

    def _register(self, form, document):
        status = 422
        title = "契約文書修正" if document else "契約文書登録"
        if "rearrange" in request.form:
            form.recipients.rearrange(request.form["rearrange"])
            return self._as_typed(form, title, document)
        if route_filling.is_asked():
            route_filling.fill(form, Side.sender, SignatureMode(form.mode.data) if form.mode.data in MODE else None)
            return self._as_typed(form, title, document)
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
        return self._form_page(form, title, document, status)

    def _as_typed(self, form, title, document):
        """The form again, as typed but for the rows of recipients or the route; a chosen file is taken in."""
        try:
            _upload_of(form, has_file=True)
        except PortalError as refusal:
            form.pdf.errors = [refusal.sentence]
        return self._form_page(form, title, document)

    def _save(self, form, document):
        user = acting_person()
        document_id = document.id if document is not None else None
        db.session.commit()  # nothing is held while the file is examined
        upload = _upload_of(form, has_file=document_id is not None)
        document = self._own_draft(document_id) if document_id is not None else None
        facts = form.facts()
        receivers = recipients.recipients_of(form.recipients.typed(), user.company)
        choice = routes.choose(
            user.company_id, Side.sender, facts.mode, approvers=codes(form.approvers.data),
            signer=codes(form.signer.data), viewers=codes(form.viewers.data),
        )  # fmt: skip
        fallen = []
        if document is None:
            document = registration.register(
                user, now(), facts, upload, receivers, choice, form.comment.data, token=form.token.data
            )
        else:
            fallen = registration.revise(document, user, now(), facts, upload, receivers, choice, form.comment.data)
        reply = done(
            "登録内容を保存しました。内容をご確認のうえ、［確定］を押すと発信されます。",
            url_for("RegistrationView.confirmation", document_id=document.id),
        )
        if fallen:
            flash(positions.fell_back(fallen), "warning")
        return reply

    def _form_page(self, form, title, document=None, status=200):
        if document is not None:
            form.recipients.mark([_row_of(receiver) for receiver in document.receivers])
        page = self.render_template(
            "registration/form.html", title=title, form=form, document=document,
            most_receivers=recipients.MOST_RECEIVERS, templates=queries.route_templates_of(g.user), kept=_kept_upload(form),
            max_bytes=current_app.config["MAX_UPLOAD_MB"] * 1024 * 1024,
            sender_signs=[mode.value for mode in SignatureMode if mode.is_signed_by(Side.sender)],
        )  # fmt: skip
        return page, status

    @expose("/<int:document_id>/registration")
    @has_access
    @permission_name("register")
    def confirmation(self, document_id):
        """［契約文書登録確認］: all that was entered, and who will pay, before it leaves."""
        document = self._own_draft(document_id)
        sender = document.sender
        return self.render_template(
            "registration/confirmation.html", title="契約文書登録確認", document=document, own=sender,
            revision=queries.current_revision(document), steps=timeline.way_of(document, sender.company_id),
            receivers=[_receiver_shown(sender.company, receiver) for receiver in document.receivers],
            fees=fees.fees_of(document, sender.company_id, as_sent=False),
            lacking=consents.lacking(document), may_ask=bool(consents.askable(document, now())), unticked=unticked(document.article_19),
            without_certificate=queries.without_certificate(sender.people(Role.signer), now()),
            positions=positions.shown(document),
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
        document = own_document(document_id)
        if document.status not in WITH_REGISTRAR or document.holder_id != g.user.id:
            raise OutOfTurn
        return document


def _receiver_shown(sender_company, receiver):
    """One receiver on ［契約文書登録確認］, and who will pay."""
    return {
        "company": receiver.company,
        "recipient": _recipient_typed(receiver),
        "charge": recipients.charge_of(sender_company, receiver.company),
    }


def _row_of(receiver):
    known = _recipient_typed(receiver)
    return Row(receiver.company.code, known.user_code if known else "", is_reassigned=known is None)


def _recipient_typed(receiver):
    """The 受取担当者 whom the sender named; None where the receiver has put a colleague in the place (I18)."""
    (step,) = [step for step in receiver.steps if step.role is Role.recipient]
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
