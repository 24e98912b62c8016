"""［書面の交付を請求する］, and the sender's record of what was delivered (L19)."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectChoice, TextAreaField
from wtforms.validators import InputRequired, Length, Regexp

from app.clock import now
from app.errors import OutOfTurn
from app.labels import DELIVERY_METHOD
from app.models import DeliveryMethod
from app.services import papers
from app.views.answers import acting_person, done, own_document, submitted
from app.views.fields import DayField, is_near, trimmed


class DeliveryForm(FlaskForm):
    delivered_on = DayField("交付日", [InputRequired("交付日を入力してください。"), is_near])
    method = RadioField(
        "交付の方法", [InputRequired("交付の方法を選択してください。")],
        choices=[SelectChoice(method.value, DELIVERY_METHOD[method]) for method in DeliveryMethod],
    )  # fmt: skip
    note = TextAreaField(
        "連絡事項", [Length(max=papers.MOST_NOTE)], description="取引先にも表示されます（任意）。", filters=[trimmed]
    )
    drawn = HiddenField(validators=[Regexp(r"[0-9]{1,9}\Z")])


class PaperView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>/paper_requests", methods=["POST"])
    @has_access
    @permission_name("answer")
    def ask(self, document_id):
        """［書面の交付を請求する］ of 契約文書照会."""
        document = own_document(document_id)
        papers.request(document, acting_person(), now(), note=request.form.get("note", ""))
        return done("書面の交付を請求し、発信者にメールでお知らせしました。", _page_of(document))

    @expose("/<int:document_id>/paper_requests/<int:request_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def delivery(self, document_id, request_id):
        """［書面の交付の記録］: when and how the paper was delivered."""
        document = own_document(document_id)
        asked, form = papers.request_of(document, request_id, g.user), DeliveryForm()
        reply, status = submitted(form, lambda: _record(form, asked), but=OutOfTurn)
        if reply is not None:
            return reply
        if status != 200:
            document = own_document(document_id)
            asked = papers.request_of(document, request_id, g.user)
        page = self.render_template(
            "paper/delivery.html", title="書面の交付の記録", document=document, asked=asked, form=form,
            drawn=len(asked.deliveries),
        )  # fmt: skip
        return page, status


def _record(form, asked):
    papers.record_delivery(
        asked, acting_person(), now(), delivered_on=form.delivered_on.data,
        method=DeliveryMethod(form.method.data), note=form.note.data, drawn=int(form.drawn.data),
    )  # fmt: skip
    return done("書面の交付を記録し、取引先にメールでお知らせしました。", _page_of(asked.document))


def _page_of(document):
    return url_for("DocumentView.show", document_id=document.id)
