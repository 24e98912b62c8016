"""ダッシュボード: the right numbers, each beside the list that explains it, and nothing of a partner's inside."""

import datetime as dt
import re

import pytest
from sqlalchemy import update

from app import jobs
from app.clock import japan_date, now
from app.extensions import db
from app.labels import JOB, STATUS
from app.models import (
    Certificate,
    ContractDocument,
    DocumentEvent,
    FeeItem,
    JobRun,
    Letter,
    OutboxMessage,
    ServiceKind,
    ServiceState,
    Statement,
    UsageRecord,
)
from app.plans import PlanKind
from app.queries import dashboard, operator_dashboard
from app.services import companies, service_review
from app.services.service_review import FOR_OPERATOR
from app.workflow import TURN_ACTIONS, Action, SignatureMode, Status
from tests.databases import of_the_page, statements_in

NO_SIGNATURE = SignatureMode.no_signature
pytestmark = pytest.mark.requirement("I3")
DAY = dt.timedelta(days=1)


def change(document, **facts):
    """Facts that time would have brought about."""
    db.session.execute(update(ContractDocument).where(ContractDocument.id == document.id).values(**facts))
    db.session.commit()


def move_events(document, *days_ago):
    """Put the events of a document that moved it to so many days before now, in their order."""
    moves = [one for one in document.events if one.action in {Action.send, *TURN_ACTIONS}]
    for one, days in zip(moves, days_ago, strict=True):
        db.session.execute(update(DocumentEvent).where(DocumentEvent.id == one.id).values(at=now() - days * DAY))
    db.session.commit()


def total_of(client, url):
    """How many documents a list finds."""
    page = client.get(url.replace("&amp;", "&")).text
    assert "検索結果" in page
    found = re.search(r'<div class="list-head">\s*<p>([\d,]+)件', page)
    return int(found.group(1)) if found else 0


def links_of(page, base):
    """The numbers of a page that lead to a list, with their addresses."""
    return [(int(shown.replace(",", "")), url) for url, shown in re.findall(r'<a href="([^"]+)">([\d,]+)</a>', page) if base in url]


def test_every_number_of_documents_is_what_the_list_behind_it_finds(client_of, make_document, person):
    today = japan_date(now())
    late = make_document(Status.receiver_receipt, NO_SIGNATURE, deadline=today)
    soon = make_document(Status.sender_approval, deadline=today + 3 * DAY)
    make_document(Status.receiver_approval, NO_SIGNATURE, deadline=today + 30 * DAY)
    make_document(Status.draft, NO_SIGNATURE)  # of another person: not even counted
    remanded = make_document(Status.remanded, NO_SIGNATURE)
    concluded = make_document(Status.completion_wait, NO_SIGNATURE, amount_yen=1_000)
    archived = make_document(Status.completion_wait, NO_SIGNATURE, amount_yen=200, term_to=today + 20 * DAY)
    change(late, deadline=today - DAY)
    change(archived, status=Status.archived, retained_until=today + 100 * DAY, conclusion_date=today.replace(day=1))
    change(concluded, conclusion_date=today)
    admin, client = person("admin"), client_of("admin")

    desk = dashboard.desk_of(admin, today)
    assert (desk.all.total, desk.all.overdue, desk.all.due_soon) == (5, 1, 1)
    assert desk.statuses[Status.draft].total == 0 and desk.statuses[Status.completion_wait].total == 1
    assert {(one.code, one.total) for one in desk.holders} == {
        (person("approver").user_code, 1), (person("registrar").user_code, 1),
    }  # fmt: skip
    assert soon.holder == person("approver") and remanded.holder == person("registrar")
    months = dashboard.concluded_by_month(admin, today)
    assert len(months) == 12 and months[-1].first == today.replace(day=1)
    assert (months[-1].count, months[-1].in_archive, months[-1].amount_yen) == (2, 1, 1_200)
    assert sum(month.count for month in months[:-1]) == 0
    endings = dashboard.endings_of(admin, now(), today)
    assert endings.terms == {30: 1, 90: 1} and endings.retentions == {90: 0, 180: 1}
    assert [row.number for row in dashboard.contracts_ending(admin, today)] == [archived.number]

    page = client.get("/admin/dashboard/").text
    documents, archive = links_of(page, "/documents/?"), links_of(page, "/archive/?")
    assert len(documents) >= 10 and len(archive) == 2
    for shown, url in documents + archive:
        assert total_of(client, url) == shown, url
    for url in re.findall(r'<a href="([^"]+ends_from[^"]+)">', page):
        assert total_of(client, url) == int("/archive/" in url), url


def test_another_company_and_what_is_not_sent_are_not_counted(make_document, person):
    today = japan_date(now())
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    assert dashboard.desk_of(person("stranger"), today).all.total == 0
    theirs = dashboard.desk_of(person("receiver_admin"), today)
    assert [one.code for one in theirs.holders] == [person("recipient").user_code]
    assert dashboard.desk_of(person("admin"), today).holders == []  # it is with the partner: no name of theirs
    assert document.holder == person("recipient")


@pytest.mark.requirement("I18")
def test_steps_are_timed_from_their_coming_and_the_partners_are_not_told(make_document, person, client_of):
    quick = make_document(Status.receiver_receipt)  # sent, signed by the sender
    slow = make_document(Status.completion_wait)  # and received and signed by the receiver
    move_events(quick, 10, 8)
    move_events(slow, 110, 104, 103, 101)
    admin, partner = person("admin"), person("receiver_admin")
    (own,) = dashboard.step_times_of(admin, now())
    assert (own.status, own.times, own.recent_times) == (Status.sender_signature, 2, 1)
    assert (own.days, own.recent_days) == (pytest.approx(4, abs=0.01), pytest.approx(2, abs=0.01))
    theirs = {step.status: step for step in dashboard.step_times_of(partner, now())}
    assert theirs.keys() == {Status.receiver_receipt, Status.receiver_signature}
    assert theirs[Status.receiver_signature].days == pytest.approx(2, abs=0.01)
    assert theirs[Status.receiver_receipt].recent_days is None
    change(slow, concluded_at=now() - 400 * DAY)
    assert dashboard.step_times_of(partner, now()) == []
    page = client_of("admin").get("/admin/dashboard/").text
    times = page.partition("処理にかかった日数")[2].partition("</section>")[0]
    assert STATUS[Status.sender_signature] in times and STATUS[Status.receiver_signature] not in times
    assert "2.0日" in times


def test_certificates_and_fees_of_the_own_company_only(person, client_of):
    signer, moment = person("signer"), now()
    certificate = db.session.query(Certificate).filter_by(company_id=signer.company_id).one()
    certificate.not_after = moment + 60 * DAY
    for company, yen in ((signer.company, 300), (signer.company, -100), (person("stranger").company, 9_999)):
        db.session.add(usage(company, yen, moment))
    closed = Statement(number="S00000001", company_id=signer.company_id, month=dt.date(2026, 1, 1), closed_at=moment,
                       net_yen=5_000, tax_percent=10, tax_yen=500, issuer_name="x", company_name="y")  # fmt: skip
    db.session.add(usage(signer.company, 5_000, moment, statement=closed))
    db.session.commit()
    admin = person("admin")
    assert dashboard.endings_of(admin, moment, japan_date(moment)).certificates == {30: 0, 90: 1}
    assert dashboard.open_usage_of(admin) == dashboard.Usage(2, 200, True)
    page = client_of("admin").get("/admin/dashboard/").text
    assert "200円" in page and "5,500円" in page and "9,999" not in page and "サンプルの料金" in page
    money = operator_dashboard.money()
    assert (money.open_companies, money.open_records, money.open_yen) == (2, 3, 10_199)
    assert money.months == [(dt.date(2026, 1, 1), 1, 5_000, 500)]


def usage(company, yen, moment, **more):
    number = db.session.query(UsageRecord).count()
    return UsageRecord(key=f"k{number}", company=company, item=FeeItem.document, used_on=japan_date(moment), yen=yen,
                       is_sample=True, recorded_at=moment, **more)  # fmt: skip


@pytest.mark.requirement("I21")
def test_the_operator_sees_what_waits_and_what_went_wrong(client_of, make_document, person):
    moment = now()
    concluded = make_document(Status.completion_wait, NO_SIGNATURE, title="極秘の契約")
    change(concluded, concluded_at=moment - 2 * DAY)
    admin = person("admin")
    companies.apply_for_change(admin.company, admin, {"phone": "03-0000-0000"}, moment)
    wish = service_review.begin(ServiceKind.plan_change, moment, form_token="t", company=admin.company, plan=PlanKind.both_sides)
    service_review.move(wish, ServiceState.received, moment)
    letters = {"waiting": (moment, 0, ""), "refused": (moment, 2, "550 no"), "given up": (None, 9, "550 no")}
    db.session.query(OutboxMessage).delete()
    for name, (due_at, attempts, failure) in letters.items():
        db.session.add(OutboxMessage(
            letter=Letter.progress, to_address="a@b.example", message_id=name, created_at=moment, due_at=due_at,
            attempts=attempts, failure=failure,
        ))  # fmt: skip
    db.session.commit()
    work = operator_dashboard.work(moment, japan_date(moment), FOR_OPERATOR)
    assert (work.mails_unsent, work.mails_retried, work.mails_failed) == (2, 1, 1)
    assert (work.certificate_applications, work.company_changes, work.service_applications) == (0, 1, 1)
    assert (work.transfers_waiting, work.transfers_late, work.anchored_at) == (1, 1, None)
    assert operator_dashboard.documents_by_status()[Status.completion_wait] == 1
    counted = operator_dashboard.companies_by_plan()
    assert sum(counted.values()) == 3 and len(counted) == 12
    months = operator_dashboard.growth(japan_date(moment))
    assert sum(month.new_companies for month in months) == 3 and sum(month.concluded for month in months) == 1

    client = client_of("operator")
    home = client.get("/")
    assert home.status_code == 302 and home.location.endswith("/operator/dashboard/")
    page = client.get("/operator/dashboard/").text
    assert "送信できなかったメール" in page and "極秘" not in page and concluded.number not in page
    assert client_of("admin").get("/operator/dashboard/").status_code == 403


@pytest.mark.requirement("I21")
def test_a_job_that_failed_or_did_not_run_stands_first(client_of):
    moment = now()
    for name, hours, failed in (("remind", 30, 0), ("archive-check", 3, 0), ("term-end", 2, 3), ("term-end", 40, 0)):
        db.session.add(JobRun(name=name, started_at=moment - dt.timedelta(hours=hours), failed=failed))
        db.session.flush()
    db.session.add(JobRun(name="term-end", started_at=moment - dt.timedelta(hours=1), failed=3))
    db.session.commit()
    assert jobs.is_late("remind", moment - dt.timedelta(hours=30), moment) and jobs.is_late("remind", None, moment)
    assert not jobs.is_late("send-mail", None, moment)
    page = client_of("operator").get("/operator/dashboard/").text
    table = page.partition("定期処理の最後の実行")[2].partition("</table>")[0]
    words = dict(re.findall(r'data-label="処理"[^>]*>([^<]+)</td>.*?class="status[^>]*>([^<]+)<', table, re.S))
    assert words.keys() == set(JOB.values())
    assert words[JOB["remind"]] == "遅延" and words[JOB["term-end"]] == "失敗あり"
    assert words[JOB["archive-check"]] == "正常" and words[JOB["seal-renewal"]] == "未実行"
    assert words[JOB["send-mail"]] == "処理対象なし"
    assert list(words)[-1] in {JOB[name] for name in (*jobs.QUIET, "archive-check")}
    listed = client_of("operator").get("/operator/jobs/list/").text
    assert JOB["term-end"] in listed and ">term-end<" not in listed


def test_every_job_has_its_word():
    assert JOB.keys() == jobs.JOBS.keys()
    assert jobs.QUIET <= jobs.JOBS.keys()


@pytest.mark.requirement("S7")
@pytest.mark.parametrize("who, url", [("admin", "/admin/dashboard/"), ("operator", "/operator/dashboard/")])
def test_a_dashboard_takes_few_statements_however_much_there_is(app, make_document, client_of, who, url):
    client, counts = client_of(who), []
    for statuses in ((), (Status.receiver_receipt, Status.completion_wait, Status.remanded), (Status.sender_approval,) * 3):
        for status in statuses:
            make_document(status, NO_SIGNATURE if status in (Status.receiver_receipt, Status.completion_wait) else SignatureMode.both_sides)
        client.get(url)
        asked = []
        with statements_in(asked):
            page = client.get(url)
        assert page.status_code == 200
        counts.append(len(of_the_page(asked)))
    assert counts[0] <= 10 and len(set(counts)) == 1, counts
