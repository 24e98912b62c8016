"""［プラン・オプション申請］: what the company uses, and プラン変更, オプション申請 and 解約 by its administrator (I9, I11)."""

import uuid

from flask import g, request, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import queries
from app.clock import japan_date, now
from app.errors import NotFound, OutOfTurn
from app.labels import OPTION
from app.models import CompanyOption, ServiceKind
from app.plans import MATRIX, PlanKind
from app.services import fee_table, service_changes, service_review
from app.views.answers import acting_person, done, submitted
from app.views.service_change_form import ChangeForm, PlanForm, TerminationForm

TITLE = "プラン・オプション申請"
HANDED_IN = "申請を受け付けました。審査の結果は、メールでお知らせします。"


class AdminServiceView(BaseView):
    route_base = "/admin/service"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("apply")
    def index(self):
        company = g.user.company
        rows = queries.service_changes_of(company.id)
        to_come = queries.service_changes_to_come(company.id)
        return self.render_template(
            "admin_service/index.html", title=TITLE, company=company, rows=rows, burdens=burdens_of(company.plan.kind),
            options=[_standing_of(company, option, to_come) for option in CompanyOption],
            plan_waits=_first(to_come, ServiceKind.plan_change), leaves=_first(to_come, ServiceKind.termination),
            withdrawable=_withdrawable(rows),
        )  # fmt: skip

    @expose("/plan", methods=["GET", "POST"])
    @has_access
    @permission_name("apply")
    def plan(self):
        """プラン変更申請."""
        return self._apply("admin_service/plan.html", "プラン変更申請", PlanForm(), ServiceKind.plan_change, matrix=_matrix())

    @expose("/options/<string:option>", methods=["GET", "POST"])
    @has_access
    @permission_name("apply")
    def option(self, option):
        """オプション申請, or 利用停止 of one that is in use."""
        if option not in {known.value for known in CompanyOption}:
            raise NotFound
        option = CompanyOption(option)
        kind = ServiceKind.option_end if service_changes.has(g.user.company, option) else ServiceKind.option_start
        if request.method == "POST" and request.form.get("kind") != kind.value:
            raise OutOfTurn(service_changes.ALREADY_SENT)
        title = f"{OPTION[option]}の利用停止申請" if kind is ServiceKind.option_end else f"{OPTION[option]}の利用申請"
        return self._apply(
            "admin_service/option.html", title, ChangeForm(), kind, option=option,
            price=fee_table.price_of_option(option, g.user.company, now()),
        )  # fmt: skip

    @expose("/termination", methods=["GET", "POST"])
    @has_access
    @permission_name("apply")
    def termination(self):
        """解約申請."""
        return self._apply(
            "admin_service/termination.html", "解約申請", TerminationForm(), ServiceKind.termination,
            under_way=queries.documents_under_way(g.user.company_id),
        )  # fmt: skip

    @expose("/applications/<int:application_id>", methods=["GET", "POST"])
    @has_access
    @permission_name("apply")
    def correct(self, application_id):
        """Correct what came back (差戻し), and hand it in again."""
        application = queries.service_change_of(g.user.company_id, application_id)
        if application.state not in service_review.FOR_APPLICANT:
            raise OutOfTurn("この申請は修正できる状態ではありません。申請の状況をご確認ください。")
        form = PlanForm() if application.plan else ChangeForm()
        if request.method == "GET":
            _fill_in(form, application)
        reply, status = submitted(form, lambda: _hand_in_again(form, application), but=OutOfTurn)
        if reply is not None:
            return reply
        page = self.render_template(
            "admin_service/correction.html", title="申請の修正", application=application, form=form
        )
        return page, status

    @expose("/applications/<int:application_id>/withdraw", methods=["POST"])
    @has_access
    @permission_name("apply")
    def withdraw(self, application_id):
        """取下げ."""
        application = queries.service_change_of(g.user.company_id, application_id)
        _check_version(application)
        service_changes.withdraw(application, acting_person(), now())
        return done("申請を取り下げました。", url_for("AdminServiceView.index"))

    def _apply(self, template, title, form, kind, *, option=None, **shown):
        """The page of one form, and what its ［確定］ does."""
        company = g.user.company
        if request.method == "GET":
            form.form_token.data = str(uuid.uuid4())
            if kind is not ServiceKind.termination:  # nobody leaves today by leaving a field as it is
                form.wanted_on.data = japan_date(now())
        reply, status = submitted(form, lambda: _hand_in(form, company, kind, option), but=OutOfTurn)
        if reply is not None:
            return reply
        page = self.render_template(
            template, title=title, company=g.user.company, form=form, option=option, kind=kind, back=url_for("AdminServiceView.index"), **shown
        )
        return page, status


def _hand_in(form, company, kind, option):
    wish = form.wish(kind, option)
    service_changes.apply_for(company, acting_person(), now(), form_token=form.form_token.data, wish=wish)
    return done(HANDED_IN, url_for("AdminServiceView.index"))


def _hand_in_again(form, application):
    _check_version(application)
    wish = form.wish(application.kind, application.option)
    service_changes.resubmit(application, acting_person(), now(), wish=wish)
    return done(HANDED_IN, url_for("AdminServiceView.index"))


def burdens_of(plan):
    """Who pays with partners of each plan, seen from one: what the manual's table says (R102)."""
    return [(partner, MATRIX[plan, partner]) for partner in PlanKind]


def _matrix():
    return [(plan, burdens_of(plan)) for plan in PlanKind]


def _first(to_come, kind):
    return next((row for row in to_come if row.kind is kind), None)


def _standing_of(company, option, to_come):
    """An option as its line of the page shows it: in force or not, and what is under way."""
    return {
        "option": option, "is_on": service_changes.has(company, option),
        "waiting": next((row for row in to_come if row.option is option), None),
        "is_closed": option in service_changes.CASE_OPTIONS
        and service_changes.plan_on(None, company, to_come) is not PlanKind.one_side,
    }  # fmt: skip


def _withdrawable(rows):
    """Ids of what the applicant may still take back."""
    return {row.id for row in rows if service_review.may_withdraw(row)}


def _fill_in(form, application):
    wish = service_changes.wish_again(application)
    form.form_token.data, form.wanted_on.data, form.note.data = application.form_token, wish.wanted_on, wish.note
    if wish.plan is not None:
        form.plan.data = wish.plan.value


def _check_version(application):
    if request.form.get("version") != str(application.version):
        raise OutOfTurn("この申請は、画面を開いた後に変更されています。申請の状況をご確認ください。")
