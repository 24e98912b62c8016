"""What is typed once for all documents of a 一括 operation."""

from flask_wtf import FlaskForm
from wtforms import PasswordField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Regexp

from app.errors import Refused
from app.services import routes
from app.services.documents import MOST_COMMENT
from app.views.case_field import WithCase
from app.views.fields import one_line, trimmed
from app.views.route_filling import WithRoute


class BulkForm(WithRoute, WithCase, FlaskForm):
    approvers = StringField("承認者", description=f"必要な場合に、承認する順に指定します（{routes.MOST_APPROVERS}名まで）。")
    signer = StringField("署名者", description="自社が署名する契約文書に設定されます。")
    viewers = StringField("参照者", description=f"閲覧のみができる方を指定します（{routes.MOST_VIEWERS}名まで）。")
    case_number = StringField(
        "案件", [Length(max=64, message="案件番号は64文字以内で入力してください。")], filters=[one_line],
        description="案件番号を入力すると、対象のすべての契約文書に設定されます。空欄の場合、各契約文書の案件は変わりません。自社内のみで閲覧できます。",
    )  # fmt: skip
    comment = TextAreaField(
        "自社内コメント記入欄", [Length(max=MOST_COMMENT, message=f"自社内コメントは{MOST_COMMENT:,}文字以内で入力してください。")],
        description="記入すると、対象のすべての契約文書の自社内コメントが上書きされます。空欄の場合は変わりません。取引先には表示されません。",
        filters=[trimmed],
    )  # fmt: skip

    def check(self, also=()):
        """
        :param also: names of fields that this page needs filled in
        :raises Refused: a field is not as it must be; its own sentence stands beside it
        """
        self.validate()
        wrong = [name for name in ("case_number", "comment", "csrf_token", *also) if name in self and self[name].errors]
        if wrong:
            raise Refused("入力内容に誤りがあります。赤字の項目をご確認ください。")


class BulkSignatureForm(BulkForm):
    """［確定］; 証明書 and 署名用パスワード belong to 一括署名 only."""

    certificate = SelectField(
        "証明書", [InputRequired("証明書を選択してください。"), Regexp(r"[0-9]{1,9}$", message="証明書を選択してください。")],
        validate_choice=False, choices=[],  # of one that has just been revoked, signatures.means_of says so
    )  # fmt: skip
    signing_password = PasswordField(
        "署名用パスワード", [InputRequired("署名用パスワードを入力してください。"), Length(max=64)],
        description="件名「署名用パスワード 発行のお知らせ」のメールに記載の6桁の数字です。1回の入力で、上記のすべての契約文書に署名します。",
    )  # fmt: skip

    def take_over(self, first):
        """What was typed on the page before."""
        for name in ("approvers", "signer", "viewers", "case_number", "comment"):
            self[name].data = first[name].data
