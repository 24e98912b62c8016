"""The form of ［契約文書登録］ and ［契約文書修正］, and the file that comes with it (I4)."""

import uuid

from flask import g
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, MultipleFileField
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

from app.clock import japan_date, now
from app.construction_law import ARTICLE_19_ITEMS
from app.errors import Refused
from app.labels import COMMENT_HELP, KIND, MODE
from app.models import DocumentKind
from app.services import attachments, cases, drafts, files, registration, routes
from app.services.files import Upload
from app.services.registration import Facts
from app.views import attachments as attachment_fields
from app.views.case_field import WithCase
from app.views.fields import ChecksField, DayField, YenField, one_line, trimmed
from app.views.kept_files import opened, sealed
from app.views.recipients import RecipientsField, Row
from app.views.route_filling import WithRoute
from app.workflow import Role, SignatureMode


class RegistrationForm(WithRoute, WithCase, FlaskForm):
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
    comment = TextAreaField("自社内コメント記入欄", [Length(max=2000)], description=COMMENT_HELP, filters=[trimmed])
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
            is_construction=self.is_construction.data,
            is_disclosure=self.is_disclosure.data,
            article_19=tuple(self.article_19.data or ()),
            original=original,
        )

    @classmethod
    def filled_from(cls, document, original):
        """The form as it was when the document was registered, for 修正; `original` as far as it may be seen."""
        sender = document.sender

        def people(role):
            return " ".join(person.user_code for person in sender.people(role))

        return cls(
            obj=document, kind=document.kind.value, mode=document.mode.value, comment=sender.comment,
            recipients=rows_of(document),
            original_number=original.number if original else "", case_number=sender.case.number if sender.case else "",
            kept_attachments=attachment_fields.sealed(attachments.kept_of(document), document.id),
            approvers=people(Role.approver), signer=people(Role.signer), viewers=people(Role.viewer),
        )  # fmt: skip

    @classmethod
    def continued(cls, draft):
        """The form as somebody left it."""
        return cls(formdata=MultiDict((name, text) for name, texts in drafts.fields_of(draft).items() for text in texts))

    @classmethod
    def amending(cls, original):
        """The form for a 変更契約書 or 覚書 to a concluded document: the partners and the 原契約 filled in.

        Only the sender of the 原契約 typed who receives; who acts for another company is not told to a receiver (I18).
        """
        is_own = original.sender.company_id == g.user.company_id
        partners = original.partners_of(g.user.company_id)
        return cls(
            kind=DocumentKind.change_contract.value, mode=original.mode.value, original_number=original.number,
            recipients=[_row_of(party) if is_own else Row(party.company.code) for party in partners],
            case_number=cases.for_amendment(original, g.user.company),
        )  # fmt: skip


def rows_of(document):
    """The rows of 「受信者の情報」 as they were typed for a document."""
    return [_row_of(receiver) for receiver in document.receivers]


def recipient_typed(party):
    """The 受取担当者 whom the sender named; None where the receiver has put a colleague in the place (I18)."""
    (step,) = [step for step in party.steps if step.role is Role.recipient]
    return None if step.is_reassigned else step.user


def _row_of(party):
    known = recipient_typed(party)
    return Row(party.company.code, known.user_code if known else "", is_reassigned=known is None)


# -- the uploaded file ----------------------------------------------------------


def upload_of(form, *, has_file):
    """The uploaded file, or the one accepted at an earlier attempt at this form; None keeps the document's."""
    given = form.pdf.data
    if given:
        upload = files.take_in(given.filename, given.read())
        form.kept_file.data = sealed([upload.file_name, upload.sha256, upload.page_count], "file")
        return upload
    kept = kept_upload(form)
    if kept is not None or has_file:
        return kept
    raise Refused("契約文書(PDF)を選択してください。")


def kept_upload(form):
    """The file accepted at an earlier attempt at this form; None where there is none, or somebody forged it."""
    facts = opened(form.kept_file, "file")
    return Upload(*facts) if facts else None
