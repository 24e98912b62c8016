"""［契約文書照会］ and what is decided there: 承認, 差戻, 取下げ, リマインド, 自社内コメント."""

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now
from app.construction_law import ticked
from app.labels import COMMENT_HELP
from app.services import (
    cases,
    consents,
    documents,
    editions,
    fees,
    papers,
    registration,
    reminders,
    renewal,
    routes,
    steps,
)
from app.services.strongroom import strongroom
from app.views import timeline
from app.views.answers import done, done_with_turn, may_open_pdf, own_document, own_pdf
from app.views.file_answer import file_answer
from app.workflow import CONCLUDED, IN_ARCHIVE, WAITING, Action


class DocumentView(BaseView):
    route_base = "/documents"

    @expose("/<int:document_id>")
    @has_access
    @permission_name("show")
    def show(self, document_id):
        document = own_document(document_id)
        own = document.party_of(g.user.company_id)
        is_mine, is_inside = steps.has_turn(document, g.user), document.waiting_party is own
        paper_requests = queries.paper_requests_of(document, own.company_id) if document.is_disclosure else []
        return self.render_template(
            "document/show.html",
            title="長期保管文書照会" if document.status in IN_ARCHIVE else "契約文書照会",
            document=document,
            own=own,
            linked=queries.linked_with(g.user, document),
            may_relink=cases.may_relink(document, g.user),
            may_amend=document.status in CONCLUDED,
            consent_lacking=consents.what_lacks(document, own.company_id) if document.status in WAITING else "",
            revision=queries.current_revision(document),
            is_mine=is_mine,
            absent=steps.represented(document, g.user) if is_mine else None,
            returned=timeline.return_of(document, g.user.company_id),
            actions=[action.value for action in documents.actions_of(document, g.user)],
            is_overdue=document.is_overdue(japan_date(now())),
            may_delete=registration.may_delete(document, g.user),
            may_remind=reminders.may_remind(document, g.user),
            may_comment=documents.may_comment(document, g.user),
            comment_help=COMMENT_HELP,
            may_open_pdf=may_open_pdf(document),
            changes=editions.latest_changes(g.user, document) if may_open_pdf(document) else None,
            may_verify=may_open_pdf(document) and document.status in CONCLUDED,
            may_extend=renewal.may_extend(document, g.user, now()),
            steps=timeline.way_of(document, g.user.company_id, deputy=queries.deputy_of(document.holder) if is_inside else None),
            history=timeline.history_of(document, g.user.company_id),
            signatures=document.valid_signatures,
            disclosures=papers.disclosures_of(document, g.user.company_id) if document.is_disclosure else [],
            earlier_disclosures=papers.earlier_disclosures_of(document, g.user) if document.is_disclosure else [],
            paper_requests=paper_requests,
            article_19=ticked(document.article_19) if document.sender.company_id == g.user.company_id else [],
            may_request_paper=papers.may_request(document, g.user, paper_requests),
            may_answer_paper=papers.may_answer(document, g.user),
            may_reassign=g.user.is_company_admin and bool(routes.unfinished(document.party_of(g.user.company_id))),
        )

    @expose("/<int:document_id>/pdf")
    @has_access
    @permission_name("show")
    def pdf(self, document_id):
        """The PDF as it stands now, the same bytes for everybody (S6)."""
        document = own_pdf(document_id)
        return _pdf_answer(document.file_name, strongroom().store.get(document.pdf_sha256))

    @expose("/<int:document_id>/approval")
    @has_access
    @permission_name("answer")
    def approval(self, document_id):
        """［契約文書承認］ (I8)."""
        document = own_document(document_id)
        documents.check_turn(Action.approve, document, g.user)
        return self.render_template(
            "document/approval.html", title="契約文書承認", document=document, comment_help=COMMENT_HELP,
            own=document.party_of(g.user.company_id), may_open_pdf=may_open_pdf(document),
            fees=fees.fees_of(document, g.user.company_id), changes=editions.latest_changes(g.user, document),
            revision=queries.current_revision(document), absent=steps.represented(document, g.user),
            actions=[action.value for action in documents.actions_of(document, g.user)],
        )  # fmt: skip

    @expose("/<int:document_id>/approve", methods=["POST"])
    @has_access
    @permission_name("answer")
    def approve(self, document_id):
        document = own_document(document_id)
        documents.approve(document, g.user, now(), comment=request.form.get("comment"))
        return done_with_turn("承認しました。")

    @expose("/<int:document_id>/remand", methods=["POST"])
    @has_access
    @permission_name("answer")
    def remand(self, document_id):
        document = own_document(document_id)
        documents.remand(document, g.user, now(), reason=request.form.get("reason", "").strip())
        return done_with_turn("差し戻しました。")

    @expose("/<int:document_id>/return_inside", methods=["POST"])
    @has_access
    @permission_name("answer")
    def return_inside(self, document_id):
        """社内差戻."""
        document = own_document(document_id)
        documents.return_inside(document, g.user, now(), reason=request.form.get("reason", "").strip())
        return done_with_turn("自社の受取担当者に差し戻しました。")

    @expose("/<int:document_id>/withdraw", methods=["POST"])
    @has_access
    @permission_name("answer")
    def withdraw(self, document_id):
        document = own_document(document_id)
        documents.withdraw(document, g.user, now(), reason=request.form.get("reason", "").strip())
        return done("契約文書を取り下げました。", url_for("DocumentView.show", document_id=document_id))

    @expose("/<int:document_id>/remind", methods=["POST"])
    @has_access
    @permission_name("answer")
    def remind(self, document_id):
        document = own_document(document_id)
        reminders.remind(document, g.user, now())
        return done(
            "現在の担当者に、依頼のお知らせを再送しました。次に再送できるのは、1時間後です。",
            url_for("DocumentView.show", document_id=document_id),
        )

    @expose("/<int:document_id>/comment", methods=["POST"])
    @has_access
    @permission_name("answer")
    def comment(self, document_id):
        document = own_document(document_id)
        documents.write_comment(document, g.user, request.form.get("comment", ""))
        return done("自社内コメントを保存しました。", url_for("DocumentView.show", document_id=document_id))


def _pdf_answer(file_name, pdf):
    name = file_name if file_name.lower().endswith(".pdf") else f"{file_name}.pdf"
    return file_answer(pdf, "application/pdf", name=name, inline=True)
