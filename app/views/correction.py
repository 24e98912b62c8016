"""契約文書情報の訂正 (L8)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from app.clock import now
from app.errors import OutOfTurn
from app.labels import FACT
from app.services import corrections
from app.services.corrections import Facts
from app.views.answers import acting_person, done, own_document, submitted
from app.views.fields import DayField, YenField, is_near, one_line, trimmed


class CorrectionForm(FlaskForm):
    conclusion_date = DayField(FACT["conclusion_date"], [InputRequired("契約締結年月日を入力してください。"), is_near])
    amount_yen = YenField(FACT["amount_yen"], [Optional()], description="円単位で入力してください。金額の定めがない場合は、空欄のままにしてください。")
    partner_number = StringField(FACT["partner_number"], [Length(max=64)], filters=[one_line])
    reason = TextAreaField(
        "訂正の理由", [InputRequired("訂正の理由を入力してください。"), Length(max=corrections.MOST_REASON)],
        description="訂正前後の内容とともに履歴に残り、取引先にも表示されます。", filters=[trimmed],
    )  # fmt: skip

    def facts(self):
        return Facts(self.conclusion_date.data, self.amount_yen.data, self.partner_number.data)


class CorrectionView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/correction", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def correction(self, document_id):
        document = own_document(document_id)
        corrections.check(document, acting_person())
        form = CorrectionForm(obj=None if request.method == "POST" else document)
        reply, status = submitted(form, lambda: _correct(form, document), but=OutOfTurn)
        if reply is not None:
            return reply
        if status != 200:
            document = own_document(document_id)
        page = self.render_template(
            "correction/form.html", title="契約文書情報の訂正", form=form, document=document,
            own=document.party_of(g.user.company_id),
        )  # fmt: skip
        return page, status


def _correct(form, document):
    corrections.correct(document, acting_person(), now(), form.facts(), reason=form.reason.data)
    return done("契約文書の情報を訂正しました。", url_for("DocumentView.show", document_id=document.id))
