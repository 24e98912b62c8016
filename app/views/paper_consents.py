"""書面による承諾の登録, and the scanned paper (L14)."""

from io import BytesIO

from flask import g, send_file, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.clock import now
from app.construction_law import CONSENT_TEXT, CONSENT_VERSION
from app.errors import OutOfTurn
from app.services import consents, paper_consents
from app.services.applications import MOST_EVIDENCE_MB
from app.views.answers import acting_person, done, submitted
from app.views.fields import DayField, is_near, one_line, trimmed


class PaperConsentForm(FlaskForm):
    company_code = StringField("企業ID", [InputRequired("取引先の企業IDを入力してください。"), Length(max=16)])
    name = StringField(
        "企業名", [InputRequired("取引先の企業名を入力してください。"), Length(max=255)], filters=[one_line],
        description="取引先を間違えないための確認です。「株式会社」などは省略できます。",
    )  # fmt: skip
    received_on = DayField("書面の受領日", [InputRequired("書面の受領日を入力してください。"), is_near])
    paper = FileField("承諾の書面(PDF)", [FileRequired("承諾の書面をスキャンしたPDFファイルを選択してください。")])
    note = TextAreaField(
        "備考", [Length(max=paper_consents.MOST_NOTE)], filters=[trimmed],
        description="書面の保管場所などを記入できます。自社内のみで閲覧できます。",
    )  # fmt: skip
    states_measures = BooleanField(
        "書面に、上記の措置の種類および内容が記載されていることを確認しました。",
        [InputRequired("書面に、措置の種類および内容が記載されていることをご確認ください。")],
    )


class AdminPaperConsentsView(BaseView):
    route_base = "/admin/consents/paper"
    default_view = "new"

    @expose("/", methods=["GET", "POST"])
    @has_access
    @permission_name("answer")
    def new(self):
        """［書面による承諾の登録］: the partner, the day, the scanned paper."""
        form = PaperConsentForm()
        reply, status = submitted(form, lambda: self._record(form), but=OutOfTurn)
        if reply is not None:
            return reply
        page = self.render_template(
            "paper_consents/new.html", title="書面による承諾の登録", form=form, text=CONSENT_TEXT,
            version=CONSENT_VERSION, most_mb=MOST_EVIDENCE_MB,
        )  # fmt: skip
        return page, status

    def _record(self, form):
        user, given = acting_person(), form.paper.data
        giver = consents.partner_named(form.company_code.data, form.name.data, user.company)
        paper_consents.record(
            giver, user, now(), received_on=form.received_on.data, file_name=given.filename, pdf=given.read(),
            note=form.note.data,
        )  # fmt: skip
        return done(
            f"{giver.name}の書面による承諾を登録し、{giver.name}の管理者にお知らせしました。",
            url_for("AdminConsentsView.index"),
        )

    @expose("/<int:consent_id>.pdf")
    @has_access
    @permission_name("show")
    def paper(self, consent_id):
        """The scanned paper, to be saved and never shown in the portal's own origin."""
        name, pdf = paper_consents.paper_of(consent_id, g.user.company_id)
        return send_file(BytesIO(pdf), mimetype="application/pdf", as_attachment=True, download_name=name)
