"""［利用状況・料金照会］, ［利用明細］ and ［料金表］: what they show, to whom, and what they refuse."""

import datetime as dt
import io
import re

import pikepdf
import pytest

from app.clock import japan_date, month_of, next_month, now
from app.extensions import db
from app.labels import PLAN, month
from app.models import AccountEvent, Fee, FeeItem, Statement, UsageRecord
from app.plans import PlanKind
from app.services import fee_table, statements, usage
from app.workflow import SignatureMode, Status
from tests.databases import of_the_page, statements_in

HOSTILE = '=cmd|"/c calc"!A1<script>alert(1)</script>'
TODAY = japan_date(now())


@pytest.fixture
def used(app, person, make_document):
    """One month closed for the sender, one running, at sample prices; names as hostile as names may be."""
    fee_table.lay_samples(now() - dt.timedelta(days=62))
    company = person("admin").company
    company.name = HOSTILE
    last_month = month_of(month_of(TODAY) - dt.timedelta(days=1))
    usage.record_monthly(company, last_month, now())
    statements.close(company.id, last_month, now())
    db.session.commit()
    make_document(Status.completion_wait, mode=SignatureMode.no_signature, title=f"@{HOSTILE}")
    return db.session.scalar(db.select(Statement))


def words(pdf):
    """The text of a PDF, as its own ToUnicode maps give it back."""
    import subprocess

    from tests.conftest import tool

    run = subprocess.run([tool("pdftotext"), "-layout", "-", "-"], input=pdf, capture_output=True, check=True)  # noqa: S603
    return run.stdout.decode()


@pytest.mark.requirement("I10", "S14", "I18")
def test_the_company_reads_its_running_month_its_prices_and_its_statements(client_of, used):
    client, base = client_of("admin"), f"/admin/usage/statements/{used.id}"
    page = client.get("/admin/usage/").text
    for told in (f"当月の利用（{month(month_of(TODAY))}）", "300円（サンプル）", "330円", used.number, "10,000円（サンプル）", "料金表（片方課金プラン）"):
        assert told in page
    earlier = "利用明細をまだ作成していない、前月までのご利用を含みます"
    assert earlier not in page
    usage._record("late", used.company, FeeItem.document, now(), day=used.month, subject="D1")
    db.session.commit()
    assert earlier in client.get("/admin/usage/").text
    running = client.get("/admin/usage/running").text
    assert f"@{HOSTILE}".replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;") in running
    shown = client.get(base).text
    assert "10,000円（サンプル）" in shown and "11,000円" in shown and "なし（この利用明細は適格請求書ではありません）" in shown
    for text in (page, running, shown):
        assert "<script>alert" not in text

    csv = client.get("/admin/usage/running.csv")
    assert csv.data.startswith(b"\xef\xbb\xbf") and "'@=cmd" in csv.text and ',"@=' not in csv.text and ",@" not in csv.text
    assert client.get(f"{base}/file.csv").text.count("\r\n") == 2
    reply = client.get(f"{base}/file.pdf")
    assert reply.mimetype == "application/pdf" and "filename*=UTF-8''%E5%88%A9" in reply.headers["Content-Disposition"]
    text = words(reply.data).replace("\n", "")
    for told in ("利用明細書（サンプル）", "適格請求書ではありません", "1/1", used.number, "10%対象（税抜）", "1,000円", "11,000円", "サンプル", HOSTILE[:8]):
        assert told in text
    with pikepdf.open(io.BytesIO(reply.data)) as pdf:
        assert "/OpenAction" not in pdf.Root and "/AA" not in pdf.Root and "/Names" not in pdf.Root
    assert reply.data == client.get(f"{base}/file.pdf").data

    foreign = client_of("stranger")
    for url in (base, f"{base}/file.csv", f"{base}/file.pdf"):
        assert foreign.get(url).status_code == 404
    assert used.number not in foreign.get("/admin/usage/").text and client_of("registrar").get("/admin/usage/").status_code == 403


@pytest.mark.requirement("I10", "S14")
def test_the_operator_sees_all_companies_corrects_a_closed_line_and_exports_the_month(client_of, used):
    client, record_id, company_id = client_of("operator"), used.records[0].id, used.company_id
    page = client.get("/operator/usage/").text
    assert used.number in page and "11,000円" in page and "料金が登録されていません" not in page
    assert client.get(f"/operator/usage/?month={used.month:%Y-%m}").text.count(used.number) == 1
    assert used.number not in client.get("/operator/usage/?month=2020-01").text
    assert used.number not in client.get("/operator/usage/?company=C99999999").text
    assert client.get("/operator/usage/?month=x").status_code == 422
    csv = client.get(f"/operator/usage/export.csv?month={used.month:%Y-%m}").text.splitlines()
    assert len(csv) == 2 and csv[1].startswith(f"{used.number},{used.month:%Y-%m},C") and "\"'=cmd" in csv[1]
    assert "300円" in client.get("/operator/usage/companies/").text

    url = f"/operator/usage/records/{record_id}/correction"
    assert url in client.get(f"/operator/usage/statements/{used.id}").text and client.get(url).status_code == 200
    for given in ({}, {"outcome": "amount", "reason": "割引"}, {"outcome": "amount", "new_yen": "-1", "reason": "割引"},
                  {"outcome": "amount", "new_yen": "9" * 15, "reason": "割引"}, {"outcome": "none", "reason": " "}):  # fmt: skip
        assert client.post(url, given).status_code == 422
    assert db.session.query(UsageRecord).filter(UsageRecord.corrects_id.is_not(None)).count() == 0
    reply = client.post(url, {"outcome": "amount", "new_yen": "８，０００円", "reason": f"割引{HOSTILE}"})
    assert reply.status_code == 302 and reply.location == f"/operator/usage/companies/{company_id}"
    assert client.post(url, {"outcome": "none", "reason": "もう一度"}).status_code == 409
    page = client.get(reply.location).text
    assert "-10,000円（サンプル）" in page and ">8,000円<" in page and "【取消】" in page and "【訂正後】" in page
    assert client.get(f"/operator/usage/statements/{used.id}").text.count("訂正済み") == 1
    db.session.refresh(used)
    assert (used.net_yen, len(used.records)) == (10_000, 1)
    assert "利用実績の訂正" in client_of("admin").get("/admin/history/").text


def confirmed(client, url, given):
    """Post a price, and its 確認 where that comes."""
    page = client.post(url, given, follow_redirects=True)
    drawn = re.search(r'name="confirmed" value="([^"]+)"', page.text)
    return client.post(url, given | {"confirmed": drawn.group(1)}, follow_redirects=True) if drawn else page


@pytest.mark.requirement("I10")
def test_a_price_is_confirmed_with_what_it_replaces_before_anything_is_saved(client_of, app):
    client, url, tomorrow = client_of("operator"), "/operator/fees/add", TODAY + dt.timedelta(days=1)
    old = Fee(item=FeeItem.document, plan=PlanKind.one_side, effective_on=dt.date(2026, 1, 1), yen=300, is_sample=True)
    db.session.add_all([old, Fee(item=FeeItem.document, plan=PlanKind.both_sides, effective_on=dt.date(2026, 1, 1), yen=777)])
    given = {"item": "document", "plan": "one_side", "effective_on": TODAY.isoformat(), "yen": "12,345"}
    page = client.post(url, given).text
    assert "<h1>料金の追加の確認</h1>" in page and "確定すると、変更も削除もできません" in page and "12,345円" in page
    assert f"{TODAY:%Y/%m/%d}（本日）" in page and "300円（サンプル）（2026/01/01から）" in page and "777" not in page
    assert f"{TODAY - dt.timedelta(days=1):%Y/%m/%d}で終わります" in page and "次の料金を追加するまで" in page
    back = client.post(url, given | {"back": "1"})
    assert back.status_code == 200 and "12,345" in back.text and "<h1>料金の追加</h1>" in back.text
    for stale in ("", "1", f"{TODAY - dt.timedelta(days=1)} {old.id}:{old.effective_on}:{old.yen} -"):  # a page of yesterday said that it could be changed
        assert "料金の追加の確認" in client.post(url, given | {"confirmed": stale}).text
    assert db.session.query(Fee).count() == 2
    assert confirmed(client, url, given).status_code == 200
    page = client.post(url, given | {"effective_on": tomorrow.isoformat(), "yen": "0"}).text
    assert f"この料金は、{TODAY:%Y/%m/%d}までは変更・削除できます" in page and f"12,345円（{TODAY:%Y/%m/%d}から）" in page
    confirmed(client, url, given | {"effective_on": tomorrow.isoformat(), "yen": "0"})
    coming = db.session.query(Fee).filter_by(effective_on=tomorrow).one()
    edit, later = f"/operator/fees/edit/{coming.id}", next_month(tomorrow)
    page = client.post(edit, given | {"effective_on": later.isoformat(), "yen": "5"}).text
    assert "<h1>料金の変更の確認</h1>" in page and f"12,345円（{TODAY:%Y/%m/%d}から）" in page  # not its own line as it is now
    assert "<h1>料金の変更</h1>" in client.post(edit, given | {"yen": "5", "back": "1"}).text
    confirmed(client, edit, given | {"effective_on": later.isoformat(), "yen": "5"})
    page = client.post(url, given | {"effective_on": tomorrow.isoformat(), "yen": "7"}).text
    assert f"{later - dt.timedelta(days=1):%Y/%m/%d}（{later:%Y/%m/%d}から5円）" in page
    assert [(one.yen, one.is_sample) for one in db.session.query(Fee).filter_by(plan=PlanKind.one_side).order_by(Fee.effective_on)] == [
        (300, True), (12_345, False), (5, False)
    ]  # fmt: skip


@pytest.mark.requirement("I10", "Q4")
def test_a_price_is_confirmed_again_where_its_neighbour_has_changed_meanwhile(client_of, app):
    client, url = client_of("operator"), "/operator/fees/add"
    soon, then, later = (TODAY + dt.timedelta(days=days) for days in (10, 20, 30))
    following = Fee(item=FeeItem.document, plan=PlanKind.one_side, effective_on=later, yen=300)
    db.session.add(following)
    db.session.commit()
    given = {"item": "document", "plan": "one_side", "effective_on": soon.isoformat(), "yen": "500"}
    for name, value, shown in (("effective_on", then, f"{then:%Y/%m/%d}から300円"), ("yen", 7, f"{then:%Y/%m/%d}から7円")):
        drawn = re.search(r'name="confirmed" value="([^"]+)"', client.post(url, given).text).group(1)
        setattr(following, name, value)  # by another operator
        db.session.commit()
        again = client.post(url, given | {"confirmed": drawn})
        assert again.status_code == 200 and "料金の追加の確認" in again.text and shown in again.text
    assert db.session.query(Fee).count() == 1
    confirmed(client, url, given)
    assert db.session.query(Fee).count() == 2


@pytest.mark.requirement("I10")
def test_a_price_that_has_begun_stays_and_a_coming_one_may_be_changed_or_deleted(client_of, app):
    client = client_of("operator")
    assert "料金が登録されていません" in client.get("/operator/fees/list/").text
    assert "料金が登録されていません" in client.get("/operator/usage/").text
    tomorrow = TODAY + dt.timedelta(days=1)

    def add(on, yen="12,000", item=FeeItem.monthly_base, plan=PlanKind.one_side):
        given = {"item": item.value, "plan": plan.value, "effective_on": on.isoformat(), "yen": yen}
        return db.session.query(Fee).count(), confirmed(client, "/operator/fees/add", given).text

    def add_and_count(*given, **more):
        add(*given, **more)
        return db.session.query(Fee).count()

    assert add_and_count(TODAY - dt.timedelta(days=1)) == 0
    assert "発生しない料金" in add(tomorrow, item=FeeItem.document, plan=PlanKind.partner)[1]
    assert "100,000,000円以下" in add(tomorrow, yen="3000000000")[1]
    assert client.post("/operator/fees/add", {"item": "x", "plan": "y", "effective_on": "z", "yen": "w"}).status_code == 200
    assert "金額は0以上" in add(tomorrow, yen="-5")[1] and db.session.query(Fee).count() == 0
    assert add_and_count(tomorrow) == 1 and add_and_count(TODAY) == 2
    again = add(tomorrow, yen="34,567")[1]
    assert "すでに登録されています" in again and "34,567" in again  # the form is there, with what was typed
    assert db.session.query(Fee).count() == 2
    coming, begun = (db.session.scalar(db.select(Fee).filter_by(effective_on=day)).id for day in (tomorrow, TODAY))
    changed = {"item": "monthly_base", "plan": "one_side", "effective_on": next_month(tomorrow).isoformat(), "yen": "15000"}
    assert client.get(f"/operator/fees/edit/{coming}").status_code == 200
    assert client.get(f"/operator/fees/edit/{begun}").status_code == 302
    page = client.post(f"/operator/fees/edit/{begun}", changed, follow_redirects=True).text
    assert "適用が始まった料金は、変更も削除もできません" in page
    client.post(f"/operator/fees/action/remove/{begun}")
    confirmed(client, f"/operator/fees/edit/{coming}", changed)
    found = {fee.id: (fee.yen, fee.effective_on) for fee in db.session.scalars(db.select(Fee))}
    assert found == {begun: (12_000, TODAY), coming: (15_000, next_month(tomorrow))}
    told = client_of("admin").get("/admin/usage/").text
    assert "12,000円" in told and f"{next_month(tomorrow):%Y/%m/%d}から15,000円" in told and "お問い合わせください" in told
    client.post(f"/operator/fees/action/remove/{coming}")
    assert db.session.query(Fee).count() == 1
    notes = [row.note for row in db.session.scalars(db.select(AccountEvent).filter_by(action="fee_table_changed"))]
    assert [re.match("追加|変更|削除", note).group() for note in notes] == ["追加", "追加", "変更", "削除"]


@pytest.mark.requirement("I10")
def test_a_company_that_the_operator_founds_owes_its_month_from_that_day(client_of, app):
    given = {"name": "新設株式会社", "plan": "1"}
    assert client_of("operator").post("/operator/companies/add", given).status_code == 302
    (record,) = db.session.scalars(db.select(UsageRecord))
    page = client_of("operator").get("/operator/usage/").text
    assert f'href="/operator/usage/companies/{record.company_id}">新設株式会社（未締め）</a>：1件' in page
    assert (record.item, record.used_on, record.company.name) == (FeeItem.monthly_base, japan_date(now()), "新設株式会社")
    assert record.company.plan.kind.value and PLAN[record.company.plan.kind]


@pytest.mark.requirement("P4", "I10")
def test_the_pages_cost_the_same_few_statements_however_much_was_used(client_of, used, person):
    asked, clients = [], {"/admin/usage/": client_of("admin"), "/operator/usage/": client_of("operator")}
    clients |= {f"/admin/usage/statements/{used.id}": clients["/admin/usage/"], "/operator/usage/companies/": clients["/operator/usage/"],
                f"/operator/usage/companies/{used.company_id}": clients["/operator/usage/"]}  # fmt: skip

    def statements_of(url):
        clients[url].get(url)
        asked.clear()
        assert clients[url].get(url).status_code == 200
        return len(of_the_page(asked))

    def use(numbers):
        """So much was used, and each time corrected twice."""
        for number in numbers:
            usage._record(f"more:{number}", used.company, FeeItem.additional_user, now(), subject=f"U{number:08d}")
            for yen in (7, 8):
                newest = db.session.scalars(db.select(UsageRecord).filter_by(subject=f"U{number:08d}").order_by(UsageRecord.id.desc())).first()
                usage.correct(newest, operator, now(), reason="x", new_yen=yen)

    operator = person("operator")
    with statements_in(asked):
        use(range(1))
        db.session.commit()
        before = {url: statements_of(url) for url in clients}
        use(range(1, 15))
        db.session.commit()
        after = {url: statements_of(url) for url in clients}
    assert before == after and max(after.values()) <= 8, after
