"""Where money is easily counted wrong: first days of months, changes that were due, what is sent in one month and concluded in another."""

import datetime as dt

import pytest

from app import jobs, queries
from app.clock import japan_date, now
from app.errors import Refused
from app.extensions import db
from app.labels import usage_remark
from app.models import (
    ApplicationKind,
    CompanyOption,
    CompanyStatus,
    FeeItem,
    PortalUser,
    ServiceKind,
    Statement,
)
from app.plans import PlanKind
from app.services import (
    applications,
    companies,
    documents,
    registration,
    renewal,
    service_changes,
    standing,
    statements,
    usage,
)
from app.services.routes import Choice
from app.workflow import SignatureMode, Status
from tests.services.test_usage import (
    approve_change,
    at,
    company,
    months_charged,
    owing,
    put_on,
    records,
    set_price,
)

__all__ = ["company", "owing"]  # fixtures
NO_SIGNATURE = SignatureMode.no_signature
FIRST = dt.date(2027, 2, 1)
NOW, DAY = now(), dt.timedelta(days=1)
TODAY = japan_date(NOW)


@pytest.mark.requirement("I10", "I11", "B5")
@pytest.mark.parametrize("job_ran", [True, False])
def test_who_leaves_on_the_first_itself_owes_that_month_whether_or_not_a_job_ran(app, owing, person, job_ran):
    """解約 decided for the same day: that day is the last one, so its month has begun."""
    if job_ran:
        jobs.run_job("usage-monthly", at(2027, 2, 1, 1))
    approve_change(owing, person("operator"), at(2027, 2, 1, 2), FIRST, ServiceKind.termination)
    jobs.run_job("usage-monthly", at(2027, 2, 1, 3))
    assert owing.ended_on == FIRST and months_charged() == [("01/20", 10_000), ("02/01", 10_000)]


@pytest.mark.requirement("I10", "I11", "R101")
@pytest.mark.parametrize("then", ["option", "plan", "suspend", "leave"])
def test_what_was_due_earlier_counts_first_whatever_the_operator_does_next(app, owing, person, then):
    """A plan of 1 February, no worker since January; on the 3rd the operator does something else."""
    operator, moment = person("operator"), at(2027, 2, 3)
    approve_change(owing, operator, at(2027, 1, 24), FIRST, plan=PlanKind.both_sides)
    if then == "option":
        approve_change(owing, operator, moment, moment.date(), ServiceKind.option_start, option=CompanyOption.bulk_signing)
    elif then == "plan":  # back again; of the two, the one of the first is that of this month
        approve_change(owing, operator, moment, moment.date(), plan=PlanKind.one_side)
    elif then == "suspend":
        standing.suspend(owing, operator, moment)
    else:
        approve_change(owing, operator, moment, moment.date(), ServiceKind.termination)
    db.session.commit()
    jobs.run_job("service-changes", at(2027, 2, 4))
    jobs.run_job("usage-monthly", at(2027, 2, 4))
    base = [(record.used_on, record.yen) for record in records(item=FeeItem.monthly_base)]
    assert base == [(dt.date(2027, 1, 20), 10_000), (FIRST, 5_000)]
    assert [record.used_on for record in records(item=FeeItem.bulk_signing_monthly)] == ([moment.date()] if then == "option" else [])


@pytest.mark.requirement("I10", "R99")
def test_an_option_that_ends_and_begins_again_is_charged_once_a_month_and_whole(app, owing, person):
    operator = person("operator")
    jobs.run_job("usage-monthly", at(2027, 2, 1, 1))
    for day, kind in ((5, ServiceKind.option_start), (9, ServiceKind.option_end), (20, ServiceKind.option_start), (28, ServiceKind.option_end)):
        approve_change(owing, operator, at(2027, 2, day), dt.date(2027, 2, day), kind, option=CompanyOption.bulk_signing)
    jobs.run_job("usage-monthly", at(2027, 3, 1, 1))
    assert [(record.used_on, record.yen) for record in records(item=FeeItem.bulk_signing_monthly)] == [(dt.date(2027, 2, 5), 2_000)]


@pytest.mark.requirement("I10", "R102", "R103")
def test_a_document_counts_in_the_month_of_its_conclusion_by_the_plan_of_its_sending(app, make_document, company, person, monkeypatch):
    """Sent on 31 January on 片方課金プラン, concluded on 1 February, when plan and price are others; remanded once between."""
    set_price(FeeItem.document, 300, [PlanKind.one_side])
    set_price(FeeItem.document, 350, [PlanKind.one_side], on=FIRST)
    set_price(FeeItem.document, 200, [PlanKind.both_sides])
    sent, again = (make_document(Status.draft, NO_SIGNATURE) for _ in range(2))
    for one in (sent, again):
        registration.send(one, person("registrar"), at(2027, 1, 31, 23))
    db.session.commit()
    documents.remand(again, person("recipient"), at(2027, 1, 31, 23), reason="x")
    put_on(person("recipient").company, PlanKind.one_side)
    put_on(company, PlanKind.both_sides)
    registration.send(again, person("registrar"), at(2027, 2, 1, 0))  # sent anew: by the plans of now
    put_on(company, PlanKind.one_side)
    for one in (sent, again):
        acknowledged = documents.needs_fee_acknowledged(one, person("recipient").company_id)
        documents.confirm_receipt(one, person("recipient"), at(2027, 2, 1, 0), choice=Choice(), fee_acknowledged=acknowledged)
    db.session.commit()
    receiver = person("recipient").company_id
    assert [(one.document_id, one.company_id, one.used_on, one.yen) for one in records(item=FeeItem.document)] == [
        (sent.id, company.id, FIRST, 350), (again.id, receiver, FIRST, 350)
    ]  # fmt: skip
    jobs.run_job("usage-closing", at(2027, 2, 1, 4))
    assert db.session.query(Statement).count() == 0  # January had nothing
    jobs.run_job("usage-closing", at(2027, 3, 1, 4))
    assert {(one.company_id, one.month, one.net_yen, one.tax_yen) for one in db.session.query(Statement)} == {
        (company.id, FIRST, 350, 35), (receiver, FIRST, 350, 35)
    }  # fmt: skip


@pytest.mark.requirement("I10")
def test_corrections_add_up_also_of_corrections_and_after_a_company_has_left(app, owing, person):
    operator = person("operator")
    jobs.run_job("usage-closing", at(2027, 2, 1, 4))
    approve_change(owing, operator, at(2027, 2, 10), dt.date(2027, 2, 10), ServiceKind.termination)
    first = records()[0]
    usage.correct(first, operator, at(2027, 2, 20), reason="割引", new_yen=8_005)
    right = next(one for one in records() if one.corrects_id == first.id and not one.takes_back)
    usage.correct(right, operator, at(2027, 3, 2), reason="無料とする", new_yen=None)
    db.session.commit()
    with pytest.raises(Refused):
        usage.correct(next(one for one in records() if one.takes_back), operator, at(2027, 3, 2), reason="x", new_yen=1)
    for moment in (at(2027, 3, 2), at(2027, 4, 1, 5)):
        jobs.run_job("usage-closing", moment)
    closed = db.session.query(Statement).order_by(Statement.month).all()
    assert [(one.month.month, one.net_yen, one.tax_yen) for one in closed] == [(1, 10_000, 1_000), (2, 10_000 - 10_000 + 8_005, 800), (3, -8_005, -800)]
    assert sum(one.total_yen for one in closed) == 11_000  # what is left is the month that was used
    assert all(sum(record.yen for record in one.records) == one.net_yen for one in closed)
    remarks = [usage_remark(record) for record in closed[2].records]
    assert remarks == ["2027/01/20利用分、無料とする"]  # of the correction of a correction too: the day of use
    assert statements.due(at(2027, 5, 1)) == [] and not queries.all_usage_lines(owing.id)


@pytest.mark.requirement("I10", "R98", "B5")
@pytest.mark.parametrize("kind", [ServiceKind.option_end, ServiceKind.termination])
def test_no_extension_is_ordered_for_who_no_longer_has_the_option_whichever_job_comes_first(app, make_document, company, person, kind):
    document = make_document(Status.completion_wait, NO_SIGNATURE)
    company.has_archive_extension = company.extends_by_itself = True
    document.status, document.retained_until = Status.archived, dt.date(2027, 3, 1)
    db.session.commit()
    given = {"option": CompanyOption.archive_extension} if kind is ServiceKind.option_end else {}
    approve_change(company, person("operator"), at(2027, 1, 24), FIRST, kind, **given)
    assert renewal.extending_by_themselves(at(2027, 2, 1)) == [document.id]
    assert renewal.order_by_itself(document.id, at(2027, 2, 1)) is False and not document.extensions
    db.session.commit()
    assert not company.has_archive_extension or company.status is CompanyStatus.terminated


@pytest.mark.requirement("I10", "I16", "B5")
def test_nothing_is_issued_and_charged_to_a_company_on_the_day_it_has_left(app, client_of, company, person):
    """An operator's page, while no worker runs: whatever is due takes effect before anything is taken."""
    wish = applications.Wish([person("signer")], "pin@sender.example")
    waiting = applications.apply(
        ApplicationKind.pin_reissue, person("admin"), at(2026, 11, 1), token="t", wish=wish, evidence=applications.Evidence(),
        replaced=person("signer").activations[0].certificate,
    )  # fmt: skip
    leaving = service_changes.key_in(
        company, person("operator"), NOW, form_token="x", wish=service_changes.Wish(ServiceKind.termination, TODAY + DAY)
    )
    leaving.effective_on = TODAY
    db.session.commit()
    before = len(records())
    client = client_of("operator")
    client.post(f"/operator/applications/action/approve/{waiting.id}")
    client.post(f"/operator/users/action/issue_certificate/{person('viewer').id}")
    page = client.post("/operator/users/add", {"company": str(company.id), "full_name": "新人", "mail_address": "a@b.example"}, follow_redirects=True)
    assert "利用中の企業にのみ" in page.text and company.status is CompanyStatus.terminated and waiting.issued is None
    assert {one.item for one in records()[before:]} <= {FeeItem.monthly_base} and not person("viewer").activations
    with pytest.raises(Refused, match="利用中の企業にのみ"):
        companies.enrol(PortalUser(full_name="新人", company=company, mail_address="a@b.example"), NOW, roles=[])
