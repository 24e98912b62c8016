"""What companies apply for, and the certificates that come of it: the operator looks at it and decides (L3, I9)."""

from io import BytesIO

from flask import redirect, request, send_file, url_for
from flask_appbuilder.actions import action
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from sqlalchemy import select
from wtforms import TextAreaField
from wtforms.validators import DataRequired, Length

from app.clock import now
from app.errors import NotFound, PortalError
from app.extensions import db
from app.labels import APPLICATION_KIND, APPLICATION_STATE, COMPANY_FACT
from app.models import Certificate, CertificateApplication, CompanyChange, PortalUser
from app.services import applications, companies, evidence
from app.views.answers import acting_person, done, refuse
from app.views.fields import trimmed
from app.views.operator_rows import READ_ONLY, SHOWN_IF_ANY, SHOWN_TIMES, OperatorView, Rows


class RejectionForm(FlaskForm):
    reason = TextAreaField(
        "却下の理由", [DataRequired("却下の理由を入力してください。"), Length(max=applications.MOST_REASON)], filters=[trimmed],
        description="申請者へのメールと、申請者の画面に表示されます。",
    )  # fmt: skip


def evidence_file(application):
    """The paper that came with an application, to be saved."""
    if not application.evidence_sha256:
        raise NotFound
    return send_file(
        BytesIO(applications.evidence_of(application)), mimetype="application/pdf", as_attachment=True,
        download_name=application.evidence_name,
    )  # fmt: skip


class ApplicationModelView(OperatorView):
    """An application whose rejection is a page of its own, for it needs a reason."""

    base_permissions = [*READ_ONLY, "can_rejection"]
    subject = ""

    def _said(self, application, name):
        """A column of the 申請 as the list has it."""
        value = getattr(application, name)
        return self.formatters_columns.get(name, str)(value) if value is not None else None

    def turn_down(self, application, reason):
        """The verb of the rejection."""
        raise NotImplementedError

    @action("reject", "却下", "却下の理由を入力する画面に進みます。", "fa-times", multiple=False)
    def reject(self, application):
        return redirect(url_for(f"{self.endpoint}.rejection", pk=application.id))

    @expose("/rejection/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("rejection")
    def rejection(self, pk):
        """却下: the reason first, then the decision and the mail."""
        application, form, status = self.datamodel.get(pk), RejectionForm(), 200
        back = url_for(f"{self.endpoint}.show", pk=pk)
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    self.turn_down(application, form.reason.data)
                    return done("申請を却下し、理由をメールでお知らせしました。", back)
                except PortalError as refusal:
                    status = refuse(form, refusal)
        page = self.render_template(
            "operator/rejection.html", title=f"{self.subject}の却下", form=form, back=back,
            applied=[(self.label_columns[name], self._said(application, name)) for name in self.list_columns if name != "state"],
            crumbs=[(self.list_title, url_for(f"{self.endpoint}.list")), ("申請", back)],
        )  # fmt: skip
        return page, status


class CertificateModelView(OperatorView):
    route_base = "/operator/certificates"
    datamodel = Rows(Certificate)
    base_permissions = READ_ONLY
    list_title, show_title = "電子証明書", "電子証明書"
    label_columns = {
        "number": "管理番号", "company": "企業", "subject_name": "名義", "serial": "シリアル番号",
        "not_before": "有効期間の開始", "not_after": "有効期間の終了", "revoked_at": "失効日時",
        "is_imported": "発行",
    }  # fmt: skip
    formatters_columns = SHOWN_TIMES | {"is_imported": lambda outside: "外部の認証局が発行" if outside else "当サービスの認証局が発行"}
    list_columns = ["number", "company", "subject_name", "is_imported", "not_after", "revoked_at"]
    show_columns = ["number", "company", "subject_name", "is_imported", "serial", "not_before", "not_after", "revoked_at"]
    search_columns = ["number", "subject_name"]
    base_order = ("number", "asc")
    include_route_methods = {"list", "show", "action", "evidence"}
    show_template = "operator/certificate.html"

    @expose("/evidence/<pk>")
    @has_access
    @permission_name("show")
    def evidence(self, pk):
        """発行の証跡: who asked for the certificate, with what proof, and who decided, as a ZIP file (L3)."""
        certificate = self.datamodel.get(pk)
        return send_file(
            BytesIO(evidence.pack(certificate)), mimetype="application/zip", as_attachment=True,
            download_name=f"{certificate.number}.zip",
        )  # fmt: skip

    @action("revoke", "電子証明書を失効", "この電子証明書をただちに失効します。取り消すことはできません。よろしいですか。", "fa-ban", multiple=False)
    def revoke(self, certificate):
        return self.carry_out(
            lambda: applications.revoke(certificate, now(), actor=acting_person()), "電子証明書を失効しました。"
        )


def _people_named(user_ids):
    people = db.session.scalars(select(PortalUser).where(PortalUser.id.in_(user_ids)).order_by(PortalUser.username))
    return "、".join(str(person) for person in people.unique())


def _has_evidence(application_id):
    return bool(db.session.get(CertificateApplication, int(application_id)).evidence_sha256)


class CertificateApplicationModelView(ApplicationModelView):
    """追加発行, 更新 and PIN再発行: what was applied for, with its 印鑑証明書, and the decision (L3)."""

    route_base = "/operator/applications"
    datamodel = Rows(CertificateApplication)
    include_route_methods = {"list", "show", "action", "evidence", "rejection"}
    subject = "証明書申請"
    list_title, show_title = "証明書申請", "証明書申請"
    show_template = "operator/application.html"
    extra_args = {"has_evidence": _has_evidence}
    label_columns = {
        "applied_at": "申請日時", "company": "企業", "applicant": "申請者", "kind": "申請の内容", "department": "部署",
        "title": "役職", "user_ids": "署名用ID", "pin_mail_address": "PIN送付先メールアドレス", "replaced": "対象の電子証明書",
        "evidence_name": "印鑑証明書", "evidence_sha256": "印鑑証明書のSHA-256", "state": "状態", "decided_at": "審査日時",
        "decided_by": "審査者", "issued": "発行した電子証明書", "reason": "却下の理由",
    }  # fmt: skip
    formatters_columns = SHOWN_TIMES | SHOWN_IF_ANY | {
        "kind": APPLICATION_KIND.get, "state": APPLICATION_STATE.get, "user_ids": _people_named,
    }  # fmt: skip
    list_columns = ["applied_at", "company", "kind", "replaced", "state"]
    show_columns = [
        "applied_at", "company", "applicant", "kind", "department", "title", "user_ids", "pin_mail_address", "replaced",
        "evidence_name", "evidence_sha256", "state", "reason", "decided_at", "decided_by", "issued",
    ]  # fmt: skip
    search_columns = ["pin_mail_address"]
    base_order = ("id", "desc")

    @expose("/evidence/<pk>")
    @has_access
    @permission_name("show")
    def evidence(self, pk):
        """The 印鑑証明書, to be saved and never shown in the portal's own origin."""
        return evidence_file(self.datamodel.get(pk))

    @action("approve", "承認して発行", "電子証明書を発行し、PINをメールで送ります。よろしいですか。", "fa-check", multiple=False)
    def approve(self, application):
        return self.carry_out(
            lambda: applications.approve(application, acting_person(), now()),
            "申請を承認し、電子証明書を発行しました。",
        )

    def turn_down(self, application, reason):
        applications.reject(application, acting_person(), now(), reason=reason)


class CompanyChangeModelView(ApplicationModelView):
    route_base = "/operator/company-changes"
    datamodel = Rows(CompanyChange)
    include_route_methods = {"list", "show", "action", "rejection"}
    subject = "企業情報変更申請"
    list_title, show_title = "企業情報変更申請", "企業情報変更申請"
    label_columns = {
        "company": "企業", "applicant": "申請者", "wanted": "変更内容", "state": "状態", "applied_at": "申請日時",
        "decided_at": "審査日時", "decided_by": "審査した方", "reason": "却下の理由",
    }  # fmt: skip
    list_columns = ["applied_at", "company", "applicant", "wanted", "state"]
    show_columns = ["company", "applicant", "wanted", "state", "reason", "applied_at", "decided_at", "decided_by"]
    search_columns = ["company"]
    base_order = ("id", "desc")
    formatters_columns = SHOWN_TIMES | SHOWN_IF_ANY | {
        "state": APPLICATION_STATE.get,
        "wanted": lambda wanted: "、".join(f"{COMPANY_FACT[name]}：{value or '（空欄）'}" for name, value in wanted.items()),
    }

    @action("approve", "承認", "変更内容を企業情報に反映し、結果をメールで知らせます。よろしいですか。", "fa-check", multiple=False)
    def approve(self, change):
        return self.carry_out(
            lambda: companies.approve_change(change, acting_person(), now()), "変更を反映し、結果をメールでお送りしました。"
        )

    def turn_down(self, change, reason):
        companies.reject_change(change, acting_person(), now(), reason=reason)
