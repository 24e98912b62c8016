"""運営者業務▼ 利用申請: the review of those who want to use the service, change or leave it, and keying in from paper (I9, I11)."""

import datetime as dt

from flask import request, url_for
from flask_appbuilder.baseviews import expose
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, RadioField, SelectChoice, SelectField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from app import queries
from app.clock import japan_date, now
from app.errors import NotFound, OutOfTurn, PortalError
from app.extensions import db
from app.labels import COMPANY_FACT, PLAN, SERVICE_KIND, SERVICE_STATE, day
from app.models import ServiceApplication, ServiceKind
from app.plans import PlanKind
from app.services import (
    service_changes,
    service_filing,
    service_founding,
    service_merging,
    service_review,
)
from app.services.applications import MOST_EVIDENCE_MB
from app.services.service_filing import FOUNDING, MOST_PEOPLE
from app.services.service_review import FOR_APPLICANT, FOR_OPERATOR, MOST_REASON, UNDECIDED
from app.views import paper_evidence
from app.views.answers import acting_person, done, refuse
from app.views.fields import DayField, is_near, trimmed
from app.views.operator_applications import evidence_file
from app.views.operator_rows import READ_ONLY, SHOWN_IF_ANY, SHOWN_TIMES, OperatorView, Rows
from app.views.service_form import ServiceForm

PAPER = f"{paper_evidence.CALLED}(PDF)"
MAILED_ALONE = "申請者へのメールに記載されます。"  # who applied on paper has no page


class ReasonForm(FlaskForm):
    reason = TextAreaField(
        "理由", [DataRequired("理由を入力してください。"), Length(max=MOST_REASON)], filters=[trimmed],
        description="申請者へのメールと、申請者の画面に表示されます。",
    )  # fmt: skip


class EffectiveForm(FlaskForm):
    effective_on = DayField("適用日", [InputRequired("適用日を入力してください。"), is_near], description="日本時間で、この日の0時から適用されます。")


class DuplicateForm(FlaskForm):
    into = RadioField(
        "審査を続ける申請", [InputRequired("審査を続ける申請を選択してください。")],
        description="企業名、法人番号またはメールアドレスが同じ申請です。",
    )  # fmt: skip


class PaperForm(ServiceForm):
    plan = SelectField("プラン", choices=[SelectChoice(kind.value, PLAN[kind]) for kind in PlanKind], coerce=PlanKind)
    has_agreed = BooleanField(
        "申込書で、利用規約と電子契約の承諾への同意を確認しました", [InputRequired("申込書の同意欄をご確認ください。")]
    )
    kept_evidence = HiddenField()  # the file accepted at an earlier attempt, sealed


class ServiceApplicationModelView(OperatorView):
    route_base = "/operator/service-applications"
    datamodel = Rows(ServiceApplication)
    base_permissions = [*READ_ONLY, "can_decide"]
    include_route_methods = {
        "list", "show", "evidence", "review", "approval", "returning", "rejection", "cancellation", "duplicate", "paper",
        "paper_again",
    }  # fmt: skip
    list_title = "利用申請"
    list_template = "operator/service_list.html"
    label_columns = {
        "number": "申請番号", "kind": "種類", "state": "状態", "applicant_name": "申請企業", "applied_at": "申請日時",
        "plan": "プラン", "decided_at": "審査日時", "decided_by": "審査者",
    }  # fmt: skip
    list_columns = ["number", "applicant_name", "kind", "plan", "state", "applied_at", "decided_at"]
    search_columns = ["number"]
    order_columns = ["number", "kind", "state", "applied_at", "decided_at"]
    base_order = ("id", "desc")
    formatters_columns = SHOWN_TIMES | SHOWN_IF_ANY | {
        "kind": SERVICE_KIND.get, "state": SERVICE_STATE.get, "plan": lambda plan: PLAN.get(plan, ""),
    }  # fmt: skip

    @expose("/show/<pk>", methods=["GET"])
    @has_access
    @permission_name("show")
    def show(self, pk):
        """All that is known of a 申請, what speaks against it, and what can be done with it."""
        application = self.datamodel.get(pk)
        return self._show(application, _effective(application))

    @expose("/evidence/<pk>")
    @has_access
    @permission_name("show")
    def evidence(self, pk):
        """The 印鑑証明書 or the scanned paper, to be saved and never shown in the portal's own origin."""
        return evidence_file(self.datamodel.get(pk))

    # -- the review ----------------------------------------------------------------

    @expose("/review/<pk>", methods=["POST"])
    @has_access
    @permission_name("decide")
    def review(self, pk):
        """［審査開始］."""
        application = self._drawn(pk)
        service_review.start_review(application, acting_person(), now())
        return done(f"申請 {application.number} の審査を開始しました。", self._page_of(application))

    @expose("/approval/<pk>", methods=["POST"])
    @has_access
    @permission_name("decide")
    def approval(self, pk):
        """［承認］: of a 利用申請 a company comes; any other takes effect on its 適用日."""
        application = self._drawn(pk)
        if application.kind in FOUNDING:
            prepared = service_founding.prepare(application)
            company = service_founding.found(self.datamodel.get(pk), acting_person(), now(), prepared)
            return done(
                f"申請 {application.number} を承認し、{company} を登録しました。利用者ID、初回ログインパスワード、PINをメールでお送りします。",
                self._page_of(application),
            )
        form = EffectiveForm()
        if not form.validate():
            return self._show(application, form), 422
        try:
            service_changes.approved(application, acting_person(), now(), effective_on=form.effective_on.data)
        except OutOfTurn:
            raise
        except PortalError as refusal:
            status = refuse(form, refusal)
            return self._show(self.datamodel.get(pk), form), status
        return done(f"申請 {application.number} を承認しました。", self._page_of(application))

    @expose("/returning/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def returning(self, pk):
        """［差戻し］: the reason first, then the mail."""
        return self._with_reason(pk, "差戻し", "send_back")

    @expose("/rejection/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def rejection(self, pk):
        """［却下］: the reason first, then the mail."""
        return self._with_reason(pk, "却下", "reject")

    @expose("/cancellation/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def cancellation(self, pk):
        """［承認を取消］ of a change that waits for its 適用日: the reason first, then the mail."""
        if not service_changes.may_call_off(self.datamodel.get(pk), now()):
            raise OutOfTurn(service_founding.DECIDED)
        return self._with_reason(pk, "取消", "call_off")

    @expose("/duplicate/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def duplicate(self, pk):
        """［重複として却下］ for another 申請 of the same company, which goes on."""
        application, form, status = self.datamodel.get(pk), DuplicateForm(), 200
        candidates = service_merging.candidates_of(application)
        if not candidates:
            raise OutOfTurn(service_founding.DECIDED)
        form.into.choices = [SelectChoice(str(one.id), _as_candidate(one)) for one in candidates]
        if request.method == "POST":
            status = 422
            if form.validate():
                into = next(one for one in candidates if str(one.id) == form.into.data)
                service_merging.merge(self._drawn(pk), into, acting_person(), now())
                return done(
                    f"申請 {application.number} を {into.number} の重複として却下し、申請者にメールでお知らせしました。", self._page_of(into)
                )
        page = self.render_template(
            "operator/service_duplicate.html", title="利用申請の重複の整理", application=application, form=form,
            name=_name_of(application), back=self._page_of(application),
        )  # fmt: skip
        return page, status

    def _with_reason(self, pk, word, verb):
        application, form, status = self.datamodel.get(pk), ReasonForm(), 200
        if application.kind is ServiceKind.paper:
            form.reason.description = MAILED_ALONE
        carry_out = getattr(service_founding if application.kind in FOUNDING else service_changes, verb)
        if request.method == "POST":
            status = 422
            if form.validate():
                try:
                    carry_out(self._drawn(pk), acting_person(), now(), reason=form.reason.data)
                    return done(f"申請 {application.number} を{word}にし、理由をメールでお知らせしました。", self._page_of(application))
                except OutOfTurn:
                    raise
                except PortalError as refusal:
                    status = refuse(form, refusal)
                    application = self.datamodel.get(pk)
        elif application.state not in FOR_OPERATOR and verb != "call_off":
            raise OutOfTurn(service_founding.DECIDED)
        page = self.render_template(
            "operator/service_reason.html", title=f"利用申請の{word}", word=word, application=application, form=form,
            name=_name_of(application), back=self._page_of(application),
        )  # fmt: skip
        return page, status

    # -- from paper ------------------------------------------------------------------

    @expose("/paper", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def paper(self):
        """［紙の申込書から登録］."""
        form, moment = PaperForm(), now()
        return self._key_in(form, None, lambda evidence: service_filing.key_in(
            acting_person(), moment, wanted=form.wanted(), plan=form.plan.data, evidence=evidence,
            form_token=form.form_token.data,
        ))  # fmt: skip

    @expose("/paper/<pk>", methods=["GET", "POST"])
    @has_access
    @permission_name("decide")
    def paper_again(self, pk):
        """A 申請 from paper after its 差戻し."""
        application, moment = self.datamodel.get(pk), now()
        if application.kind is not ServiceKind.paper:
            raise NotFound
        if application.state not in FOR_APPLICANT:
            raise OutOfTurn(service_founding.DECIDED)
        if request.method == "GET":
            form = PaperForm.drawn(application.wanted, version=application.version, plan=application.plan)
        else:
            form = PaperForm()
        return self._key_in(form, application, lambda evidence: service_filing.key_in_again(
            self._drawn(pk), acting_person(), moment, wanted=form.wanted(), plan=form.plan.data, evidence=evidence,
        ))  # fmt: skip

    def _key_in(self, form, application, verb):
        form.evidence.label.text, form.evidence.description = PAPER, "申込書と印鑑証明書をスキャンしたファイルです。"
        status, is_rearranged = 200, "rearrange" in request.form
        if is_rearranged:
            form.people.rearrange(request.form["rearrange"])
        elif form.is_submitted():
            status = 422 if not form.validate() else 200
        if form.is_submitted():
            try:
                evidence = paper_evidence.taken_in(form)  # also where something else is wrong: nothing is chosen twice
                if not (is_rearranged or evidence or (application and application.evidence_sha256)):
                    form.evidence.errors, status = [service_filing.NO_PAPER], 422
                if status == 200 and not is_rearranged:
                    return self._keyed_in(application, verb(evidence))
            except PortalError as refusal:
                status = refuse(form, refusal)
        kept = paper_evidence.kept(form)
        kept_name = kept.name if kept else application.evidence_name if application else ""
        page = self.render_template(
            "operator/service_paper.html", title="紙の申込書から登録", form=form, most=MOST_PEOPLE,
            most_mb=MOST_EVIDENCE_MB, evidence_name=kept_name,
            back=self._page_of(application) if application else url_for(f"{self.endpoint}.list"),
        )  # fmt: skip
        return page, status

    def _keyed_in(self, application, made):
        made = made or application
        db.session.flush()
        return done(f"申請 {made.number} を登録しました。内容を確認のうえ、審査してください。", self._page_of(made))

    # -- what they share ---------------------------------------------------------------

    def _drawn(self, pk):
        """The 申請, not newer than the page it was decided on."""
        application = self.datamodel.get(pk)
        if request.form.get("version") != str(application.version):
            raise OutOfTurn(service_founding.DECIDED)
        return application

    def _page_of(self, application):
        return url_for(f"{self.endpoint}.show", pk=application.id)

    def _show(self, application, form):
        is_founding = application.kind in FOUNDING and "company" in application.wanted
        is_waiting = application.state in FOR_OPERATOR
        given = application.wanted.get("company", {})
        return self.render_template(
            "operator/service_application.html", title=f"利用申請 {application.number}", application=application, form=form,
            is_founding=is_founding, is_waiting=is_waiting, name=_name_of(application),
            may_correct=application.kind is ServiceKind.paper and application.state in FOR_APPLICANT,
            may_call_off=service_changes.may_call_off(application, now()),
            plan=PLAN.get(application.plan), effective_on=day(application.effective_on),
            alike=queries.companies_like(given["name"], given["corporate_number"]) if is_founding and is_waiting else [],
            others=queries.undecided_applications_like(application, UNDECIDED) if is_founding and is_waiting else [],
            may_merge=is_founding and bool(service_merging.candidates_of(application)),
            merged=queries.applications_merged_into(application.number) if is_founding else [],
            fact_names=COMPANY_FACT,
        )  # fmt: skip


def _effective(application):
    """The form of the 適用日, with the day that the applicant wishes where it is still to come."""
    wanted_on = application.wanted.get("wanted_on")
    today = japan_date(now())
    return EffectiveForm(formdata=None, data={"effective_on": max(today, dt.date.fromisoformat(wanted_on)) if wanted_on else today})


def _name_of(application):
    """The company a 申請 is about, founded or not."""
    return str(application.company) if application.company else application.wanted.get("company", {}).get("name", "")


def _as_candidate(application):
    known = f"{application.company.code} で利用中" if application.company else SERVICE_STATE[application.state]
    inviter = f"、案内元：{application.invitation.company.name}" if application.invitation else ""
    return f"{application.number}　{application.applicant_name}（{known}、申請日：{day(japan_date(application.applied_at))}{inviter}）"


def register(appbuilder):
    appbuilder.add_view(ServiceApplicationModelView, "利用申請", category="運営者業務")


