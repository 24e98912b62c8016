"""利用実績 and 利用明細: who is charged for what, months closed and corrected with the clock moved, and nothing changed after."""

import datetime as dt
import threading

import pytest
from sqlalchemy import delete, update

import config
from app import jobs, queries
from app.clock import JAPAN, japan_date, month_of, next_month, now
from app.errors import AlreadyClosed, OutOfTurn, Refused
from app.extensions import db, writing
from app.jobs import usage_closing
from app.labels import UNPRICED
from app.models import (
    AccountAction,
    AccountEvent,
    ApplicationKind,
    ArchiveExtension,
    Company,
    CompanyOption,
    CompanyStatus,
    Fee,
    FeeItem,
    Letter,
    OutboxMessage,
    Plan,
    PortalUser,
    ServiceKind,
    Statement,
    UsageRecord,
)
from app.plans import MATRIX, Charge, PlanKind, charge
from app.services import (
    applications,
    certificates,
    companies,
    documents,
    fee_table,
    service_changes,
    standing,
    statement_files,
    statements,
    usage,
)
from app.workflow import SignatureMode, Status
from demo import actors


def at(year, month, day, hour=12):
    """A moment in Japan."""
    return dt.datetime(year, month, day, hour, tzinfo=JAPAN).astimezone(dt.UTC)


def set_price(item, yen, plans=tuple(PlanKind), on=dt.date(2026, 1, 1), sample=False):
    db.session.add_all(Fee(item=item, plan=plan, effective_on=on, yen=yen, is_sample=sample) for plan in plans)
    db.session.commit()


def put_on(company, kind):
    company.plan = db.session.scalar(db.select(Plan).where(Plan.kind == kind))
    db.session.commit()


def records(**wanted):
    return db.session.scalars(db.select(UsageRecord).filter_by(**wanted).order_by(UsageRecord.id)).all()


@pytest.fixture
def company(person):
    """株式会社発出建設, 片方課金プラン."""
    return person("admin").company


# -- who is charged, and for what --------------------------------------------------


@pytest.mark.requirement("I10", "R101", "R102", "R103", "R61", "R88")
@pytest.mark.parametrize("own, partner", [cell for cell in MATRIX if isinstance(MATRIX[cell], Charge)])
def test_who_pays_by_the_matrix_is_charged_at_the_conclusion_and_nobody_before(make_document, person, own, partner):
    sender, receiver = person("registrar").company, person("recipient").company
    put_on(sender, own)
    put_on(receiver, partner)
    set_price(FeeItem.document, 300)
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    assert records(document_id=document.id) == []
    put_on(receiver, PlanKind.one_side)  # the plans of 発信 count
    actors.step(document, actors.Plan(registrar=person("registrar"), recipient=person("recipient")))
    assert document.status is Status.completion_wait
    pays = charge(own, partner)
    expected = {sender.id} if pays.own else set()
    expected |= {receiver.id} if pays.partner else set()
    made = records(document_id=document.id)
    assert {record.company_id for record in made} == expected and len(made) == len(expected)
    assert {(record.item, record.yen, record.subject) for record in made} == {(FeeItem.document, 300, document.number)}
    usage.document_concluded(document, now())  # again: nothing more
    assert len(records(document_id=document.id)) == len(expected)


@pytest.mark.requirement("R102", "R104", "I10")
@pytest.mark.parametrize("own, partner", [cell for cell in MATRIX if isinstance(MATRIX[cell], str)])
def test_who_may_not_deal_is_refused_before_anything_is_charged(make_document, make_plan, person, own, partner):
    put_on(person("registrar").company, own)
    put_on(person("recipient").company, partner)
    with pytest.raises(Refused, match="ご利用いただけません"):
        make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, plan=make_plan())
    db.session.rollback()
    assert records(item=FeeItem.document) == []


@pytest.mark.requirement("I10")
def test_what_comes_to_nothing_costs_nothing(make_document, person):
    set_price(FeeItem.document, 300)
    back = make_document(Status.remanded, mode=SignatureMode.no_signature)
    gone = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    documents.withdraw(gone, person("registrar"), now(), reason="")
    db.session.commit()
    assert (back.status, gone.status) == (Status.remanded, Status.withdrawn)
    assert records(item=FeeItem.document) == []


@pytest.mark.requirement("I10")
def test_what_is_rolled_back_is_not_charged(make_document, make_plan):
    set_price(FeeItem.document, 300)
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    documents.confirm_receipt(document, document.holder, now(), choice=actors._choice(document, make_plan()))
    db.session.rollback()
    assert records(item=FeeItem.document) == []


@pytest.mark.requirement("I10", "I16", "R98")
def test_certificates_people_and_extensions_are_charged_once_each(make_document, company, person):
    set_price(FeeItem.certificate_issue, 8000)
    set_price(FeeItem.certificate_renewal, 6000)
    set_price(FeeItem.additional_user, 500)
    set_price(FeeItem.archive_extension, 1000)
    operator, signer = person("operator"), person("signer")
    issued = certificates.issue_first(person("viewer"), now(), operator)
    wish = applications.Wish([signer], "pin@sender.example")
    old = signer.activations[0].certificate
    for kind, moment in ((ApplicationKind.pin_reissue, now()), (ApplicationKind.renewal, old.not_after - dt.timedelta(days=9))):
        replaced = old if kind is ApplicationKind.renewal else issued
        application = applications.apply(kind, person("admin"), moment, token=kind.value, wish=wish, evidence=applications.Evidence(), replaced=replaced)
        applications.approve(application, operator, now())
    companies.enrol(PortalUser(full_name="新人", company=company, mail_address="a@b.example"), now(), roles=[])
    founded = companies.found_company("新設株式会社", PlanKind.partner, now())
    companies.enrol(PortalUser(full_name="創業", company=founded, mail_address="a@b.example"), now(), roles=[])
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    extension = ArchiveExtension(
        document=document, company=company, asked_at=now(), old_until=dt.date(2036, 1, 1), new_until=dt.date(2046, 1, 1)
    )
    db.session.add(extension)
    db.session.flush()
    for _ in range(2):
        usage.archive_extended(extension, now())
    db.session.commit()
    found = {(r.item, r.yen, r.company_id) for r in records() if r.item not in usage.MONTHLY + (FeeItem.document,)}
    assert found == {
        (FeeItem.certificate_issue, 8000, company.id), (FeeItem.certificate_renewal, 6000, company.id),
        (FeeItem.additional_user, 500, company.id), (FeeItem.archive_extension, 1000, company.id),
    }  # fmt: skip
    assert len(records(item=FeeItem.certificate_issue)) == len(records(item=FeeItem.archive_extension)) == 1


@pytest.mark.requirement("I10", "I11", "R96", "R97", "R99", "R100")
def test_monthly_fees_once_a_month_from_the_day_a_company_comes_or_an_option_begins(app, company):
    set_price(FeeItem.monthly_base, 10_000, [PlanKind.one_side])
    set_price(FeeItem.monthly_base, 5_000, [PlanKind.both_sides])
    set_price(FeeItem.case_monthly, 3_000)
    set_price(FeeItem.bulk_signing_monthly, 2_000)
    company.created_at = at(2027, 1, 20)
    for other in db.session.scalars(db.select(Company).where(Company.id != company.id)):
        other.status = CompanyStatus.suspended
    db.session.commit()
    jobs.run_job("usage-monthly", at(2027, 1, 31))
    assert [(r.item, r.used_on, r.yen) for r in records()] == [(FeeItem.monthly_base, dt.date(2027, 1, 20), 10_000)]
    company.has_case_at_receipt = company.has_bulk_signing = True
    put_on(company, PlanKind.both_sides)  # in the middle of the month: its base fee comes with the next one
    usage.record_monthly(company, dt.date(2027, 1, 31), at(2027, 1, 31))
    db.session.commit()
    assert [r.yen for r in records()] == [10_000, 3_000, 2_000]
    assert jobs.run_job("usage-monthly", at(2027, 1, 31))["due"] == 0
    assert jobs.run_job("usage-monthly", at(2027, 2, 1, 0))["done"] == 1
    february = [(r.item, r.used_on, r.yen) for r in records()][3:]
    first = dt.date(2027, 2, 1)
    assert february == [
        (FeeItem.monthly_base, first, 5_000), (FeeItem.case_monthly, first, 3_000), (FeeItem.bulk_signing_monthly, first, 2_000)
    ]  # fmt: skip


@pytest.fixture
def owing(company):
    """発出建設 alone is active, from 20 January on; its 月額基本料 is 10,000 yen, and 5,000 on 双方課金プラン."""
    set_price(FeeItem.monthly_base, 10_000, [PlanKind.one_side])
    set_price(FeeItem.monthly_base, 5_000, [PlanKind.both_sides])
    set_price(FeeItem.bulk_signing_monthly, 2_000)
    for other in db.session.scalars(db.select(Company).where(Company.id != company.id)):
        other.status = CompanyStatus.suspended
    company.created_at = at(2027, 1, 20)
    usage.record_monthly(company, dt.date(2027, 1, 20), at(2027, 1, 20))
    db.session.commit()
    return company


def months_charged():
    return [(f"{record.used_on:%m/%d}", record.yen) for record in records() if record.item in usage.MONTHLY]


def approve_change(company, operator, moment, day, kind=ServiceKind.plan_change, **wanted):
    service_changes.key_in(company, operator, moment, form_token=f"{kind} {day}", wish=service_changes.Wish(kind, day, **wanted))
    db.session.commit()


@pytest.mark.requirement("I10", "I9")
@pytest.mark.parametrize("first_job", ["usage-monthly", "usage-closing", "service-changes"])
def test_months_in_which_no_worker_ran_are_owed_by_what_counted_in_them(app, owing, person, first_job):
    """The worker stops on 25 January and is started on 10 April; its jobs begin all at once, in any order."""
    operator, moment = person("operator"), at(2027, 1, 24)
    approve_change(owing, operator, moment, dt.date(2027, 3, 15), plan=PlanKind.both_sides)
    approve_change(owing, operator, moment, dt.date(2027, 3, 1), ServiceKind.option_start, option=CompanyOption.bulk_signing)
    usage._record("certificate:1", owing, FeeItem.additional_user, at(2027, 3, 9), subject="U1")
    db.session.commit()
    begins = at(2027, 4, 10)
    for name in (first_job, "usage-monthly", "service-changes"):
        assert jobs.run_job(name, begins)["failed"] == 0
    assert sorted(months_charged()) == [
        ("01/20", 10_000), ("02/01", 10_000), ("03/01", 2_000), ("03/01", 10_000), ("04/01", 2_000), ("04/01", 5_000)
    ]  # fmt: skip
    for _ in range(3):
        jobs.run_job("usage-closing", begins)
    closed = db.session.execute(db.select(Statement.month, Statement.net_yen).order_by(Statement.month)).all()
    assert closed == [(dt.date(2027, 1, 1), 10_000), (dt.date(2027, 2, 1), 10_000), (dt.date(2027, 3, 1), 12_000)]
    assert jobs.run_job("usage-monthly", begins)["due"] == 0


@pytest.mark.requirement("I10", "I9", "B5")
def test_who_left_before_the_first_is_not_charged_for_the_month_whichever_job_comes_first(app, owing, person):
    approve_change(owing, person("operator"), at(2027, 1, 24), dt.date(2027, 3, 1), ServiceKind.termination)
    jobs.run_job("usage-monthly", at(2027, 3, 1, 9))
    assert months_charged() == [("01/20", 10_000), ("02/01", 10_000)] and not owing.is_active
    jobs.run_job("service-changes", at(2027, 3, 1, 9))
    assert len(months_charged()) == 2


@pytest.mark.requirement("I10", "B5")
def test_the_months_of_a_停止_are_not_caught_up_with(app, owing, person):
    standing.suspend(owing, person("operator"), at(2027, 3, 5))  # no worker since January
    db.session.commit()
    assert [day for day, _ in months_charged()] == ["01/20", "02/01", "03/01"]
    standing.resume(owing, person("operator"), at(2027, 6, 20))
    db.session.commit()
    jobs.run_job("usage-monthly", at(2027, 7, 2))
    assert [day for day, _ in months_charged()] == ["01/20", "02/01", "03/01", "06/01", "07/01"]


@pytest.mark.requirement("I10", "I11", "R99", "R101")
def test_a_change_records_the_month_of_its_own_day(app, owing, person):
    """An option is charged with the month it begins in, a plan with the next one; of a new month with its first day."""
    operator = person("operator")
    jobs.run_job("usage-monthly", at(2027, 2, 1, 1))
    approve_change(owing, operator, at(2027, 2, 10), dt.date(2027, 2, 10), ServiceKind.option_start, option=CompanyOption.bulk_signing)
    approve_change(owing, operator, at(2027, 2, 10), dt.date(2027, 2, 12), plan=PlanKind.both_sides)
    jobs.run_job("service-changes", at(2027, 2, 12, 0))
    assert months_charged()[1:] == [("02/01", 10_000), ("02/10", 2_000)]
    approve_change(owing, operator, at(2027, 2, 20), dt.date(2027, 3, 1), plan=PlanKind.one_side)
    jobs.run_job("service-changes", at(2027, 3, 1, 0))
    jobs.run_job("usage-monthly", at(2027, 3, 1, 1))
    assert sorted(months_charged()[3:]) == [("03/01", 2_000), ("03/01", 10_000)]


# -- prices ------------------------------------------------------------------------


@pytest.mark.requirement("I10")
def test_the_newest_price_that_has_begun_counts_and_a_missing_one_is_noted(app, company, person):
    today = japan_date(now())
    usage.record_monthly(company, today, now())
    (nothing,) = records()
    assert (nothing.yen, nothing.reason) == (0, UNPRICED) and [row[1:] for row in usage.unpriced()] == [(None, 1)]
    assert (FeeItem.monthly_base, PlanKind.one_side) in fee_table.missing(today)
    assert (FeeItem.document, PlanKind.partner) not in fee_table.missing(today)
    laid = fee_table.lay_samples(now())
    db.session.commit()
    assert laid == sum(map(len, fee_table.PAID_BY.values())) and fee_table.missing(today) == []
    assert fee_table.lay_samples(now()) == 0
    tomorrow = today + dt.timedelta(days=1)
    set_price(FeeItem.monthly_base, 12_000, [PlanKind.one_side], on=tomorrow)
    priced = [fee_table.price_of(FeeItem.monthly_base, PlanKind.one_side, day) for day in (today, tomorrow)]
    assert [(fee.yen, fee.is_sample) for fee in priced] == [(10_000, True), (12_000, False)]
    usage.correct(nothing, person("operator"), now(), reason="料金の登録漏れ", new_yen=10_000)
    db.session.commit()
    assert usage.unpriced() == [] and [r.yen for r in records()] == [0, 0, 10_000]


# -- months ------------------------------------------------------------------------


@pytest.mark.requirement("I10", "R60", "R101", "R102", "R103", "R104")
def test_a_month_is_closed_corrected_and_exported_with_the_clock_moved(app, company, person, monkeypatch):
    monkeypatch.setitem(app.config, "INVOICE_NUMBER", "T1234567890123")
    set_price(FeeItem.monthly_base, 9_999)
    set_price(FeeItem.certificate_issue, 333, sample=True)
    usage.record_monthly(company, dt.date(2027, 1, 10), at(2027, 1, 10))
    usage._record("certificate:1", company, FeeItem.certificate_issue, at(2027, 1, 31, 23), subject="JC-1")
    usage._record("certificate:2", company, FeeItem.certificate_issue, at(2027, 2, 1, 0), subject="JC-2")
    db.session.commit()
    company_id, january, february = company.id, dt.date(2027, 1, 1), dt.date(2027, 2, 1)
    assert statements.due(at(2027, 1, 31, 23)) == []
    assert jobs.run_job("usage-closing", at(2027, 2, 1, 4))["done"] == 1
    assert jobs.run_job("usage-closing", at(2027, 2, 1, 5))["due"] == 0
    assert usage_closing.run_one((company_id, january), at(2027, 2, 1, 5)) is False  # claimed by a second worker
    (closed,) = db.session.scalars(db.select(Statement)).all()
    assert (closed.month, closed.net_yen, closed.tax_yen, closed.total_yen) == (january, 10_332, 1_033, 11_365)
    assert (closed.number, closed.issuer_number, closed.company_name) == ("S00000001", "T1234567890123", company.name)
    told = db.session.scalars(db.select(OutboxMessage).filter_by(letter=Letter.statement)).all()
    assert [(one.user_id, one.facts["month"]) for one in told] == [(person("admin").id, "2027年1月")]

    base = records(item=FeeItem.monthly_base)[0]
    usage.correct(base, person("operator"), at(2027, 2, 15), reason="割引の適用漏れ", new_yen=5_000)
    usage._record("late", company, FeeItem.certificate_issue, at(2027, 1, 20), subject="JC-3")  # after its month was closed
    db.session.commit()
    company.name, company.status = "株式会社改名建設", CompanyStatus.suspended  # no month is owed from here on
    db.session.commit()
    assert jobs.run_job("usage-closing", at(2027, 3, 2, 4))["done"] == 1
    first, second = db.session.scalars(db.select(Statement).order_by(Statement.month)).all()
    assert (first.net_yen, first.company_name) == (10_332, "株式会社発出建設")
    assert (second.month, second.company_name) == (february, "株式会社改名建設")
    assert second.net_yen == 333 + 333 - 9_999 + 5_000 and second.tax_yen == -433  # towards zero
    sums = {(each.item, each.is_correction): (each.count, each.yen) for each in queries.usage_sums(company_id, second.id)}
    assert sums == {(FeeItem.monthly_base, True): (2, -4_999), (FeeItem.certificate_issue, False): (2, 666)}
    event = db.session.scalar(db.select(AccountEvent).filter_by(action=AccountAction.usage_corrected))
    assert event.company_id == company_id and "9,999円 → 5,000円（割引の適用漏れ）" in event.note

    text = statement_files.lines_csv(queries.all_usage_lines(company_id, second.id))
    assert text.startswith("\ufeff利用日,項目") and ",-9999,取消,2027/01/10利用分、割引の適用漏れ" in text and ",333,サンプル," in text
    earlier = "前月までの利用明細に含まれていないご利用分があります。"
    assert [earlier in statement_files.order(one).sheet.lead for one in (first, second)] == [False, True]
    month = statement_files.month_csv(february).splitlines()
    assert month[1].startswith("S00000002,2027-02,C") and month[1].split(",")[-7:-2] == ["-4333", "10", "-433", "-4766", "T1234567890123"]
    assert month[0].endswith(",区分") and month[1].endswith(",サンプル")
    assert len(statement_files.month_csv(january).splitlines()) == 2


@pytest.mark.requirement("I10")
@pytest.mark.parametrize("number, sample, title", [
    ("T1234567890123", False, "利用明細書（適格請求書）"), ("", False, "利用明細書"), ("T1234567890123", True, "利用明細書（サンプル）"),
])  # fmt: skip
def test_the_pdf_is_a_qualified_invoice_only_with_its_number_and_real_prices(app, company, monkeypatch, number, sample, title):
    monkeypatch.setitem(app.config, "INVOICE_NUMBER", number)
    set_price(FeeItem.monthly_base, 1_000, sample=sample)
    usage.record_monthly(company, dt.date(2027, 1, 1), at(2027, 1, 1))
    wanted = statement_files.order(statements.close(company.id, dt.date(2027, 1, 1), at(2027, 2, 1)))
    assert wanted.title == wanted.sheet.title == title
    assert ("適格請求書ではありません" in wanted.sheet.lead) is (title != "利用明細書（適格請求書）")
    rows = [row for section in wanted.sheet.sections for row in section.rows]
    for row in (("登録番号", number or "なし"), ("取引期間", "2027/01/01 ～ 2027/01/31"), ("発行者", app.config["OPERATOR_NAME"]),
                ("企業名", f"{company.name}　御中"), ("10%対象（税抜）", "1,000円"), ("消費税（10%）", "100円")):  # fmt: skip
        assert row in rows


@pytest.mark.parametrize("number", ["1234567890123", "T123", "T12345678901234", "Ｔ1234567890123", "T12345678901２3"])
def test_a_number_that_is_none_stops_the_start(number):
    secrets = {"PORTAL_SECRET_KEY": "x" * 40, "PORTAL_KEK": "QUFB" * 10 + "QUE="}
    with pytest.raises(config.MissingSetting, match="PORTAL_INVOICE_NUMBER must be T and 13 digits"):
        config.Test(secrets | {"PORTAL_INVOICE_NUMBER": number})


@pytest.mark.requirement("I10")
def test_months_that_were_missed_are_closed_one_by_one_and_other_companies_stay_apart(app, person):
    set_price(FeeItem.monthly_base, 1_000)
    one, other = person("admin").company, person("stranger").company
    for company, month in ((one, 1), (one, 3), (other, 2)):
        usage.record_monthly(company, dt.date(2027, month, 1), at(2027, month, 1))
    db.session.commit()
    assert statements.close(one.id, dt.date(2027, 3, 1), at(2027, 4, 1)) is None  # January comes first
    report = jobs.run_job("usage-closing", at(2027, 4, 1, 4))
    assert (report["done"], report["failed"]) == (3, 0)
    found = db.session.execute(db.select(Statement.company_id, Statement.month).order_by(Statement.number)).all()
    assert found == [(one.id, dt.date(2027, 1, 1)), (other.id, dt.date(2027, 2, 1)), (one.id, dt.date(2027, 3, 1))]


@pytest.mark.requirement("I10", "R101")
def test_a_month_that_cost_nothing_is_closed_and_told_by_no_mail(app, person):
    set_price(FeeItem.monthly_base, 0, [PlanKind.partner])
    company = person("recipient").company
    usage.record_monthly(company, dt.date(2027, 1, 1), at(2027, 1, 1))
    db.session.commit()
    assert jobs.run_job("usage-closing", at(2027, 2, 1))["done"] == 1
    assert db.session.query(Statement).one().total_yen == 0
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.statement).count() == 0


@pytest.mark.requirement("I10", "B5")
@pytest.mark.parametrize("status", [CompanyStatus.suspended, CompanyStatus.terminated])
def test_nobody_is_enrolled_in_and_charged_to_a_company_that_is_not_active(company, status):
    company.status = status
    db.session.commit()
    with pytest.raises(Refused, match="利用中の企業にのみ"):
        companies.enrol(PortalUser(full_name="新人", company=company, mail_address="a@b.example"), now(), roles=[])
    db.session.rollback()
    assert records(item=FeeItem.additional_user) == []


@pytest.mark.requirement("I10")
def test_what_is_recorded_and_closed_cannot_be_changed_or_deleted(app, company):
    set_price(FeeItem.monthly_base, 1_000)
    usage.record_monthly(company, dt.date(2027, 1, 1), at(2027, 1, 1))
    db.session.commit()

    def refused(change):
        with pytest.raises(AlreadyClosed):
            change()
            db.session.commit()
        db.session.rollback()

    (record,) = records()
    refused(lambda: setattr(record, "yen", 1))
    refused(lambda: db.session.delete(record))
    statement = statements.close(company.id, dt.date(2027, 1, 1), at(2027, 2, 1))
    db.session.commit()
    assert record.statement is statement
    refused(lambda: setattr(record, "statement_id", None))
    refused(lambda: setattr(statement, "net_yen", 1))
    refused(lambda: statement.records.clear())
    refused(lambda: db.session.delete(statement))
    refused(lambda: db.session.execute(update(UsageRecord).values(yen=1)))
    refused(lambda: db.session.execute(delete(Statement)))
    assert (record.yen, statement.net_yen, len(statement.records)) == (1_000, 1_000, 1)


@pytest.mark.requirement("I10")
def test_a_line_is_corrected_once_with_a_reason_and_the_right_line_may_be_corrected_again(app, company, person):
    set_price(FeeItem.monthly_base, 1_000)
    usage.record_monthly(company, dt.date(2027, 1, 1), at(2027, 1, 1))
    db.session.commit()
    (record,) = records()
    operator, moment = person("operator"), at(2027, 1, 5)
    for given in ({"reason": " "}, {"reason": "あ" * 256}, {"reason": "理由", "new_yen": 1_000}, {"reason": "理由", "new_yen": -1}):
        with pytest.raises(Refused):
            usage.correct(record, operator, moment, **given)
    usage.correct(record, operator, moment, reason="一度目", new_yen=800)
    db.session.commit()
    with pytest.raises(OutOfTurn):
        usage.correct(record, operator, moment, reason="二度目")
    _, back, right = records()
    assert back.takes_back and not right.takes_back
    with pytest.raises(Refused, match="取消の行"):
        usage.correct(back, operator, moment, reason="取消の取消")
    usage.correct(right, operator, moment, reason="やはり無料")
    db.session.commit()
    assert [r.yen for r in records()] == [1_000, -1_000, 800, -800]


@pytest.mark.requirement("I10")
def test_two_processes_at_once_charge_once_and_neither_fails(application, app, company):
    set_price(FeeItem.monthly_base, 1_000)
    company_id, start, failures = company.id, threading.Barrier(2), []
    db.session.remove()

    def charge_it():
        try:
            with application.app_context(), writing():
                own = db.session.get(Company, company_id)
                db.session.rollback()
                start.wait(timeout=10)
                usage.record_monthly(own, dt.date(2027, 1, 1), at(2027, 1, 1))
                db.session.commit()
                db.session.remove()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=charge_it) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert failures == [] and [record.yen for record in records()] == [1_000]


@pytest.mark.parametrize("net, percent, tax", [(10_332, 10, 1_033), (9, 10, 0), (-4_333, 10, -433), (0, 10, 0), (101, 8, 8)])
def test_tax_is_rounded_towards_zero_once(net, percent, tax):
    assert statements.tax_of(net, percent) == tax


def test_months_follow_one_another():
    assert (month_of(dt.date(2028, 2, 29)), next_month(dt.date(2028, 1, 31)), next_month(dt.date(2027, 12, 1))) == (
        dt.date(2028, 2, 1), dt.date(2028, 2, 1), dt.date(2028, 1, 1),
    )  # fmt: skip
