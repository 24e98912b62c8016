"""［ダッシュボード］ of a company, for its 管理用ID, and of the whole portal, for the operator (I3, I21)."""

import datetime as dt
from dataclasses import dataclass
from functools import partial

from flask import g, url_for
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.security.decorators import has_access, permission_name

from app import jobs, queries
from app.clock import japan_date, now
from app.labels import JOB
from app.labels.operator import WORK
from app.queries import dashboard
from app.services.service_review import FOR_OPERATOR
from app.workflow import OPEN, Status

MOST_HOLDERS = 20  # people named one by one
OPEN_STATUSES = [status.value for status in Status if status in OPEN]  # for a search


class AdminDashboardView(BaseView):
    """For a 管理用ID: the own company's documents and fees."""

    route_base = "/admin/dashboard"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        moment, user = now(), g.user
        today = japan_date(moment)
        return self.render_template(
            "dashboard/company.html", title="ダッシュボード", moment=moment, today=today,
            desk=dashboard.desk_of(user, today), most_holders=MOST_HOLDERS, open_statuses=OPEN_STATUSES,
            steps=dashboard.step_times_of(user, moment), recent_days=dashboard.RECENT_DAYS,
            months=dashboard.concluded_by_month(user, today),
            endings=dashboard.endings_of(user, moment, today), contracts=dashboard.contracts_ending(user, today),
            usage=dashboard.open_usage_of(user), statements=dashboard.statements_of(user),
            due_soon_days=dashboard.DUE_SOON_DAYS, term_days=dashboard.TERM_DAYS[-1],
            days_later=lambda days: today + dt.timedelta(days=days),
            documents=partial(url_for, "DocumentListView.index"), archive=partial(url_for, "ArchiveListView.index"),
        )  # fmt: skip


@dataclass(frozen=True)
class JobState:
    """A 定期処理 and how its last run went; `run` is None where there was none."""

    name: str
    run: object
    is_quiet: bool
    is_late: bool

    @property
    def has_failed(self):
        return self.run is not None and self.run.failed > 0


class OperatorDashboardView(BaseView):
    """For the operator: how many of what, and what waits."""

    route_base = "/operator/dashboard"
    default_view = "index"

    @expose("/")
    @has_access
    @permission_name("show")
    def index(self):
        moment, counted = now(), queries.operator_dashboard
        today = japan_date(moment)
        return self.render_template(
            "dashboard/operator.html", title="ダッシュボード", moment=moment, companies=counted.companies_by_plan(),
            documents=counted.documents_by_status(), months=counted.growth(today),
            work=counted.work(moment, today, FOR_OPERATOR), jobs=_job_states(counted.last_runs(), moment),
            money=counted.money(), words=WORK, job_late_hours=jobs.LATE_HOURS,
        )  # fmt: skip


def _job_states(runs, moment):
    """All jobs, those that need care first."""
    found = []
    for name in JOB:
        run = runs.get(name)
        found.append(JobState(name, run, name in jobs.QUIET, jobs.is_late(name, run and run.started_at, moment)))
    return sorted(found, key=lambda one: not (one.is_late or one.has_failed))
