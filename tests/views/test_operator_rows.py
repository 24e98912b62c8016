"""The operator's lists: each number of the ダッシュボード leads to exactly its rows, and each cell names its column."""

import datetime as dt
import re
import threading

import pytest
from sqlalchemy import event, update

from app.clock import japan_date, now
from app.extensions import db
from app.labels.operator import WORK
from app.models import (
    ApplicationKind,
    ArchiveRecord,
    Certificate,
    CertificateApplication,
    Company,
    CompanyChange,
    CompanyStatus,
    Condition,
    ContractDocument,
    JobRun,
    Letter,
    OutboxMessage,
    ServiceKind,
    ServiceState,
)
from app.plans import PlanKind
from app.queries.operator_rows import LATE_HOURS, work_rows
from app.services import service_review
from app.services.service_review import FOR_OPERATOR
from app.views.operator_mails import OutboxModelView
from app.workflow import SignatureMode, Status
from tests.databases import of_the_page

NO_SIGNATURE = SignatureMode.no_signature
DAY = dt.timedelta(days=1)
SHOWN_AND_URL = r'<a href="(/operator/[^"]*/list/\?of=[^"]+)">([\d,]+)</a>'


def rows_of(page):
    """How many rows the page of a list says there are, and how many it shows."""
    count = int(re.search(r"<strong>件数:</strong> (\d+)", page).group(1))
    return count, page.count('<td class="row-buttons">')


@pytest.fixture
def everything(make_document, person):
    """Something for every number, and beside each something that it must not count."""
    moment, admin = now(), person("admin")
    today = japan_date(moment)
    fresh, late, failed, damaged = (make_document(Status.completion_wait, NO_SIGNATURE) for _ in range(4))
    make_document(Status.receiver_receipt, NO_SIGNATURE)
    db.session.execute(update(ContractDocument).where(ContractDocument.id == late.id).values(concluded_at=moment - 2 * DAY))
    for document in (failed, damaged):
        db.session.execute(update(ContractDocument).where(ContractDocument.id == document.id).values(status=Status.archived))
    records = {document.id: document.archive_record or ArchiveRecord(document=document) for document in (fresh, failed, damaged)}
    records[failed.id].failure, records[failed.id].renew_on = "時刻認証局が応答しません", today
    records[damaged.id].condition, records[damaged.id].renew_on = Condition.damaged, today + DAY
    db.session.add_all(records.values())
    for days, certificate in zip((10, 60, -1, 400), db.session.query(Certificate).order_by(Certificate.id), strict=False):
        certificate.not_after = moment + days * DAY
    db.session.query(OutboxMessage).delete()
    letters = {"waiting": (moment, 0, ""), "refused": (moment, 2, "550"), "given up": (None, 9, "550"), "sent": (None, 1, "")}
    for name, (due_at, attempts, failure) in letters.items():
        db.session.add(OutboxMessage(
            letter=Letter.progress, to_address="a@b.example", message_id=name, created_at=moment, due_at=due_at,
            attempts=attempts, failure=failure, sent_at=moment if name == "sent" else None,
        ))  # fmt: skip
    for state in ("received", "approved"):
        facts = {"company_id": admin.company_id, "applicant_id": admin.id, "state": state, "applied_at": moment}
        db.session.add(CompanyChange(wanted={"phone": "1"}, **facts))
        db.session.add(CertificateApplication(token=state, kind=ApplicationKind.renewal, pin_mail_address="a@b.example", user_ids=[], **facts))
        wish = service_review.begin(ServiceKind.plan_change, moment, form_token=state, company=admin.company, plan=PlanKind.both_sides)
        if state == "received":
            service_review.move(wish, ServiceState.received, moment)
    person("stranger").company.status = CompanyStatus.suspended
    person("stranger").company.created_at = moment - 100 * DAY
    db.session.add(JobRun(name="term-end", started_at=moment, failed=2, report={"failures": {"7": "理由"}}))
    db.session.commit()


@pytest.mark.requirement("I21")
def test_every_number_of_the_operator_leads_to_exactly_its_rows(everything, client_of):
    client = client_of("operator")
    dashboard = client.get("/operator/dashboard/").text
    links = [(url.replace("&amp;", "&"), int(shown.replace(",", ""))) for url, shown in re.findall(SHOWN_AND_URL, dashboard)]
    names = [url.partition("of=")[2] for url, _ in links]
    assert len(names) == len(set(names)) and set(WORK) <= set(names), set(WORK) - set(names)
    assert {name.partition(".")[0] for name in names} - set(WORK) == {"companies", "documents", "founded", "concluded"}
    for url, shown in links:
        page = client.get(url).text
        assert rows_of(page) == (shown, shown), url
        assert "だけを表示しています" in page and 'href="{}"'.format(url.partition("?")[0]) in page, url
    assert len([name for name in names if name.startswith("founded.")]) == 2
    run = db.session.query(JobRun.id).scalar()
    assert f'<a href="/operator/jobs/show/{run}">2件</a>' in dashboard


@pytest.mark.requirement("I21")
def test_a_narrowed_list_stays_so_when_sorted_or_searched_and_says_how_to_see_all(everything, client_of):
    client, url = client_of("operator"), "/operator/mails/list/"
    page = client.get(f"{url}?of=mails_failed&_oc_OutboxModelView=attempts&_od_OutboxModelView=desc").text
    assert rows_of(page)[0] == 1 and "「送信できなかったメール」だけを表示しています" in page
    assert re.search(r"<th><a href=[^>]*of=mails_failed", page)
    assert '<input type="hidden" name="of" value="mails_failed" form="filter_form">' in page
    assert rows_of(client.get(f"{url}?of=mails_unsent&_flt_0_to_address=a@b").text)[0] == 2
    assert "件数:</strong> 0" in client.get(f"{url}?of=mails_unsent&_flt_0_to_address=nobody").text
    whole = client.get(url).text
    assert rows_of(whole)[0] == 4 and "だけを表示" not in whole
    assert '<td data-label="宛先">a@b.example</td>' in whole


@pytest.mark.requirement("I21", "Q4")
def test_what_one_operator_searches_for_no_other_request_sees(app, everything, client_of):
    """While one request is being answered another one arrives, in a thread of its own."""
    view = next(view for view in app.appbuilder.baseviews if isinstance(view, OutboxModelView))
    first, second, found = client_of("operator"), client_of("operator"), []

    widget = view.search_widget

    def interrupted(**kwargs):  # the list is read, the search field is still to be filled in
        view.search_widget = widget
        other = threading.Thread(target=lambda: found.append(second.client.get("/operator/mails/list/").text))
        other.start()
        other.join(30)
        return widget(**kwargs)

    view.search_widget = interrupted
    page = first.get("/operator/mails/list/?_flt_0_to_address=nobody-here").text
    assert "件数:</strong> 0" in page and "nobody-here" in page
    assert rows_of(found[0])[0] == 4 and "nobody-here" not in found[0]
    assert view._no_search.values == []


@pytest.mark.requirement("I21")
@pytest.mark.parametrize("name", [
    "nothing", "companies", "companies.odd", "companies.one_side.odd", "companies.one_side.active.x", "documents.draft",
    "founded.2026-13", "founded.x", "concluded.1999-01", "archive_damaged", "mails_unsent.x",
])  # fmt: skip
def test_a_list_knows_no_other_rows(client_of, name):
    assert client_of("operator").get(f"/operator/mails/list/?of={name}").status_code == 404


def test_the_words_say_what_is_counted(app):
    assert WORK.keys() == work_rows(now(), japan_date(now()), FOR_OPERATOR).keys()
    assert f"{LATE_HOURS}時間" in WORK["transfers_late"]


@pytest.mark.requirement("S7")
def test_a_narrowed_list_takes_few_statements_however_many_rows(client_of, person):
    client, counts, company = client_of("operator"), [], person("admin").company
    for rows in (1, 5):
        for number in range(rows):
            db.session.add(Company(code=f"C{rows}{number:07}", name="合同会社", plan_id=company.plan_id, created_at=now()))
        db.session.commit()
        url = f"/operator/companies/list/?of=companies.{company.plan.kind.value}.active"
        client.get(url)
        asked = []

        def note(_connection, _cursor, statement, *_rest, asked=asked):
            asked.append(statement)

        event.listen(db.engine, "before_cursor_execute", note)
        client.get(url)
        event.remove(db.engine, "before_cursor_execute", note)
        counts.append(len(of_the_page(asked)))
    assert counts[0] <= 8 and len(set(counts)) == 1, counts
