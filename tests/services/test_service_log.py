"""Whatever happens to a company's service stands in the 監査ログ of that company: who, when, old and new (I19, I9, I11)."""

import datetime as dt
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from sqlalchemy import text

from app.clock import japan_date, now
from app.extensions import db
from app.jobs import run_job
from app.labels import day
from app.models import AccountEvent, CompanyOption, LogEntry, Plan, ServiceKind
from app.plans import PlanKind
from app.services import (
    log_audit,
    service_changes,
    service_filing,
    service_founding,
    service_merging,
    service_review,
    standing,
)
from app.services.applications import take_in
from app.services.service_changes import Wish
from tests import service_walk
from tests.conftest import settings

ROOT = Path(__file__).parents[2]
TODAY = japan_date(now())


def logged(chain, actions=("service_", "company_")):
    """What the chain says of a company's service: kind, actor, the row's note."""
    entries = db.session.scalars(
        db.select(LogEntry).where(LogEntry.chain == chain, LogEntry.source == "account_event").order_by(LogEntry.sequence)
    ).all()
    rows = {row.id: row for row in db.session.query(AccountEvent)}
    assert all(entry.at == rows[entry.source_id].at and entry.actor_id == rows[entry.source_id].actor_id for entry in entries)
    found = [(entry.kind.removeprefix("account."), entry.actor_id, rows[entry.source_id].note) for entry in entries]
    return [one for one in found if one[0].startswith(actions)]


@pytest.fixture
def change(person):
    def make(kind, days=0, who="admin", **wanted):
        admin = person(who)
        wish = Wish(kind, TODAY + dt.timedelta(days=days), **wanted)
        made = service_changes.apply_for(admin.company, admin, now(), form_token=str(uuid.uuid4()), wish=wish)
        db.session.commit()
        return made

    return make


@pytest.mark.requirement("I19", "I9", "I11", "Q13")
def test_plan_options_停止_and_解約_stand_in_the_chain_of_their_company_with_old_and_new(change, person, app):
    admin, operator, company = person("admin"), person("operator"), person("admin").company
    company.has_case_at_registration = True
    bulk = change(ServiceKind.option_start, option=CompanyOption.bulk_signing)
    service_review.start_review(bulk, operator, now())
    service_changes.send_back(bulk, operator, now(), reason="x")
    service_changes.resubmit(bulk, admin, now(), wish=Wish(bulk.kind, TODAY, option=bulk.option))
    service_changes.approved(bulk, operator, now(), effective_on=TODAY)
    never = change(ServiceKind.option_start, option=CompanyOption.archive_extension)
    service_changes.withdraw(never, admin, now())
    plan = service_changes.key_in(
        company, operator, now(), form_token=str(uuid.uuid4()), wish=Wish(ServiceKind.plan_change, TODAY, plan=PlanKind.both_sides)
    )
    leaving = change(ServiceKind.termination, days=1)
    service_changes.approved(leaving, operator, now(), effective_on=TODAY + dt.timedelta(days=1))
    standing.suspend(company, operator, now())
    standing.resume(company, operator, now())
    db.session.commit()
    run_job("service-changes", now() + dt.timedelta(days=1))
    by, op, today = admin.id, operator.id, f"適用日：{day(TODAY)}"
    wish, wanted = f"{bulk.number} オプションの利用開始（一括署名オプション）", f"（適用希望日：{day(TODAY)}）"
    changed = f"{plan.number} プラン変更（双方課金プラン）"
    end, tomorrow = f"{leaving.number} 解約", day(TODAY + dt.timedelta(days=1))
    gone = f"{never.number} オプションの利用開始（長期保管延長オプション）{wanted}"
    assert logged(company.id) == [
        ("service_change_applied", by, wish + wanted),
        ("service_review_started", op, bulk.number),
        ("service_change_refused", op, f"{wish}：差戻し"),
        ("service_change_applied", by, wish + wanted),
        ("service_change_approved", op, f"{wish}（{today}）"),
        ("service_change_took_effect", None, f"{wish}（{today}）一括署名オプション：未利用 → 利用中"),
        ("service_change_applied", by, gone),
        ("service_change_withdrawn", by, gone),
        ("service_change_applied", op, changed + wanted),
        ("service_change_approved", op, f"{changed}（{today}）"),
        ("service_change_took_effect", None, f"{changed}（{today}）プラン：片方課金プラン → 双方課金プラン、"
         "案件管理オプション（案件登録時）：利用中 → 未利用"),
        ("service_change_applied", by, f"{end}（適用希望日：{tomorrow}）"),
        ("service_change_approved", op, f"{end}（適用日：{tomorrow}）"),
        ("company_suspended", op, "状態：利用中 → 停止"),
        ("company_resumed", op, "状態：停止 → 利用中"),
        ("service_change_took_effect", None, f"{end}（適用日：{tomorrow}）状態：利用中 → 解約"),
    ]  # fmt: skip
    assert not logged(person("stranger").company_id) and log_audit.check_all()[0] == []
    row = db.session.query(AccountEvent).filter(AccountEvent.note.contains("片方課金プラン →")).one()
    db.session.execute(text("UPDATE account_event SET note = :note WHERE id = :id"), {"note": row.note.replace("片方", "双方"), "id": row.id})
    db.session.commit()
    environ = settings(app.config["SQLALCHEMY_DATABASE_URI"], app.config["STORAGE_URL"]) | {"PATH": "", "PYTHONUTF8": "1"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "run.py", "verify-log"], cwd=ROOT, capture_output=True, text=True, env=environ
    )
    assert done.returncode == 1 and f"企業{company.id}" in done.stdout and f"account_event {row.id}" in done.stdout, done


@pytest.mark.requirement("I19", "I9", "S7")
def test_a_利用申請_stands_in_the_operators_chain_until_there_is_a_company(client_of, person):
    other, operator = person("stranger"), person("operator")
    other.company.plan = db.session.query(Plan).filter_by(kind=PlanKind.one_side).one()
    first, second = service_walk.hand_in(person("admin")), service_walk.hand_in(other)
    service_merging.merge(second, first, operator, now())
    service_review.start_review(first, operator, now())
    paper = service_filing.key_in(
        operator, now(), wanted=service_walk.wanted(name="紙の会社", corporate_number=""), plan=PlanKind.both_sides,
        evidence=take_in("申込書.pdf", service_walk.PDF), form_token=str(uuid.uuid4()),
    )  # fmt: skip
    service_founding.reject(paper, operator, now(), reason="x")
    company = service_founding.found(first, operator, now())
    db.session.commit()
    assert client_of("operator").post("/operator/companies/add", {"name": "新設株式会社", "plan": "1"}).status_code == 302
    assert logged(0) == [
        ("service_application_received", None, first.number), ("service_application_received", None, second.number),
        ("service_application_decided", operator.id, f"{second.number} 却下（{first.number} と重複）"),
        ("service_review_started", operator.id, first.number),
        ("service_keyed_in", operator.id, paper.number),
        ("service_application_decided", operator.id, f"{paper.number} 却下"),
    ]  # fmt: skip
    assert logged(company.id, "company_") == [("company_founded", operator.id, f"{first.number} 取引先専用プラン")]
    newest = db.session.scalar(db.select(AccountEvent).where(AccountEvent.action == "company_registered"))
    assert logged(newest.company_id, "company_")[0][1] == operator.id
    for inviter in (person("admin"), other):  # their own invitation, and nothing of what came of it elsewhere
        assert [one[0] for one in logged(inviter.company_id, ("service_", "partner_"))] == ["partner_invited"]
    assert log_audit.check_all()[0] == []
