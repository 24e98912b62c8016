"""What an operator does to a company: プラン・オプションの変更を登録 from paper, 停止 and 再開 (I9, B5)."""

import uuid

from flask import request, url_for
from flask_appbuilder.actions import action
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now
from app.errors import OutOfTurn
from app.services import service_changes, standing
from app.views.answers import acting_person, done, submitted
from app.views.service_change_form import PaperForm


class ServiceChanges:
    """A part of the operator's view of companies: neither plan nor option nor state changes by its form."""

    @expose("/change/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("edit")
    def change(self, pk):
        """プラン・オプションの変更を登録."""
        company, form = self.datamodel.get(pk), PaperForm()
        back = url_for("CompanyModelView.show", pk=pk)
        form.wanted_on.label.text = "適用日"
        form.wanted_on.description = "この日の0時（日本時間）から適用されます。本日の場合は、すぐに適用されます。"
        form.note.description = "申込書の番号など。企業の管理者の画面には表示されません。"
        if request.method == "GET":
            form.form_token.data, form.wanted_on.data = str(uuid.uuid4()), japan_date(now())
        reply, status = submitted(form, lambda: _key_in(form, company, back), but=OutOfTurn)
        if reply is not None:
            return reply
        page = self.render_template(
            "operator/service_change.html", title="プラン・オプションの変更を登録", company=company, form=form, back=back,
            waiting=queries.service_changes_to_come(company.id), under_way=queries.documents_under_way(company.id),
        )  # fmt: skip
        return page, status

    def offers(self, name, company):
        """Offer 停止 or 再開, whichever the company's state allows."""
        return name in standing.turns_of(company)

    @action("suspend", "利用を停止", "この企業の利用を停止します。閲覧のほかは、何も操作できなくなります。企業の管理者にメールで知らせます。よろしいですか。", "fa-pause", multiple=False)
    def suspend(self, company):
        return self.carry_out(
            lambda: standing.suspend(company, acting_person(), now()), "利用を停止し、企業の管理者にメールでお知らせします。"
        )

    @action("resume", "利用を再開", "この企業の利用を再開し、企業の管理者にメールで知らせます。よろしいですか。", "fa-play", multiple=False)
    def resume(self, company):
        return self.carry_out(
            lambda: standing.resume(company, acting_person(), now()), "利用を再開し、企業の管理者にメールでお知らせします。"
        )


def _key_in(form, company, back):
    service_changes.key_in(company, acting_person(), now(), form_token=form.form_token.data, wish=form.paper_wish())
    return done("変更を登録しました。結果を企業の管理者にメールでお知らせします。", back)
