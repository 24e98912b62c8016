"""［プラン・オプション申請］, the operator's page for paper, and the pages of companies that only read."""

import datetime as dt
import re
import uuid

import pytest

from app.clock import japan_date, now
from app.errors import CompanyNotActive
from app.extensions import db
from app.models import (
    CompanyOption,
    CompanyStatus,
    OutboxMessage,
    Plan,
    ServiceApplication,
    ServiceKind,
    ServiceState,
)
from app.plans import MATRIX, PlanKind
from app.security import WHILE_COMPANY_IS_NOT_ACTIVE
from app.services import service_changes, service_review
from app.workflow import SignatureMode, Status
from tests.databases import of_the_page, statements_in

NO_SIGNATURE = SignatureMode.no_signature


def token_in(page):
    return re.search(r'name="form_token"[^>]*value="([^"]+)"', page.text).group(1)


def today(days=0):
    return (japan_date(now()) + dt.timedelta(days=days)).isoformat()


@pytest.mark.requirement("I3", "I11", "R99", "R100", "Q3", "Q4")
def test_an_option_from_the_page_to_the_end(client_of, person):
    client, url = client_of("admin"), "/admin/service/options/bulk_signing"
    typed = {"form_token": token_in(client.get(url)), "kind": "option_start", "wanted_on": today(3), "note": "よろしく"}
    assert client.post(url, typed | {"wanted_on": "きょう"}).status_code == 422
    assert client.post(url, typed | {"wanted_on": today(-1)}).status_code == 422
    assert db.session.query(ServiceApplication).count() == 0
    assert client.post(url, typed).status_code == 302
    assert client.post(url, typed).status_code == 409
    application = db.session.query(ServiceApplication).one()
    page = client.get("/admin/service/").text
    assert "申請中" in page and application.number in page and "（希望）" in page
    with pytest.raises(AssertionError):
        assert url in page  # nothing more to apply for here
    service_review.send_back(application, person("operator"), now(), reason="日付をご確認ください")
    db.session.commit()
    correction = f"/admin/service/applications/{application.id}"
    page = client.get(correction).text
    assert "日付をご確認ください" in page and today(3) in page
    again = typed | {"version": str(application.version), "wanted_on": today(5)}
    assert client.post(correction, again | {"version": "1"}).status_code == 409
    assert client.post(correction, again | {"wanted_on": ""}).status_code == 422
    for foreign in ("stranger", "receiver_admin"):
        other = client_of(foreign)
        assert other.get(correction).status_code == other.post(f"{correction}/withdraw", again).status_code == 404
        assert application.number not in other.get("/admin/service/").text
    assert client.post(correction, again).status_code == 302
    db.session.refresh(application)
    assert (application.state, application.wanted["wanted_on"]) == (ServiceState.received, today(5))
    assert client.get(correction).status_code == 409
    assert client.post(f"{correction}/withdraw", {"version": str(application.version)}).status_code == 302
    assert "取下げ" in client.get("/admin/service/").text
    service_changes.key_in(
        person("admin").company, person("operator"), now(), form_token="x",
        wish=service_changes.Wish(ServiceKind.option_start, japan_date(now()), option=CompanyOption.bulk_signing),
    )  # fmt: skip
    db.session.commit()
    assert client.post(url, typed | {"form_token": "new"}).status_code == 409  # drawn when it was off
    assert "利用停止申請" in client.get(url).text
    assert client.get("/admin/service/options/nonsense").status_code == 404


@pytest.mark.requirement("I9", "I11", "R101")
def test_plan_and_end_from_the_page(client_of, make_document, person):
    waiting = make_document(Status.receiver_receipt, NO_SIGNATURE)
    client = client_of("admin")
    page = client.get("/admin/service/plan")
    assert page.text.count("ご利用いただけません") >= 3 and "発信したときのプラン" in page.text
    typed = {"form_token": token_in(page), "plan": "both_sides", "wanted_on": today()}
    assert client.post("/admin/service/plan", typed | {"plan": "one_side"}).status_code == 422
    assert client.post("/admin/service/plan", typed | {"plan": "gold"}).status_code == 422
    assert client.post("/admin/service/plan", typed).status_code == 302
    page = client.get("/admin/service/termination")
    assert waiting.number in page.text and "自動で取り下げられ" in page.text
    assert 'value="' not in re.search(r'<input[^>]*name="wanted_on"[^>]*>', page.text).group().replace('value=""', "")
    typed = {"form_token": token_in(page), "wanted_on": today()}
    assert client.post("/admin/service/termination", typed).status_code == 422  # not ticked
    assert client.post("/admin/service/termination", typed | {"is_understood": "y"}).status_code == 302
    kinds = {row.kind for row in db.session.query(ServiceApplication)}
    assert kinds == {ServiceKind.plan_change, ServiceKind.termination}
    db.session.refresh(waiting)
    assert waiting.status is Status.receiver_receipt and person("admin").company.is_active


@pytest.mark.requirement("P4")
def test_the_page_asks_few_questions_however_much_was_applied_for(client_of, person):
    client, admin = client_of("admin"), person("admin")

    def asked():
        statements = []

        with statements_in(statements):
            assert client.get("/admin/service/").status_code == 200
        return len(of_the_page(statements))

    def add(count):
        for _ in range(count):
            wish = service_changes.Wish(ServiceKind.option_start, japan_date(now()), option=CompanyOption.bulk_signing)
            row = service_changes.apply_for(admin.company, admin, now(), form_token=str(uuid.uuid4()), wish=wish)
            service_changes.withdraw(row, admin, now())
            db.session.commit()

    add(1)
    few = asked()
    add(10)
    assert asked() == few <= 8


@pytest.mark.requirement("I9", "B5", "I1", "Q3")
def test_the_operator_keys_in_from_paper_and_stops_and_resumes(client_of, person):
    company, client = person("receiver_admin").company, client_of("operator")
    shown = client.get(f"/operator/companies/show/{company.id}").text
    url = f"/operator/companies/change/{company.id}"
    assert url in shown and "一括署名オプション" in shown
    edit = client.get(f"/operator/companies/edit/{company.id}").text
    assert 'name="plan"' not in edit and 'name="status"' not in edit and 'name="has_' not in edit
    typed = {"form_token": token_in(client.get(url)), "change": "plan_change.one_side", "wanted_on": today()}
    assert client.post(url, typed | {"change": "plan_change.gold"}).status_code == 422
    assert client.post(url, typed | {"change": "option_start.case_at_receipt"}).status_code == 422
    assert client.post(url, typed).status_code == 302 and client.post(url, typed).status_code == 409
    db.session.expire_all()
    assert company.plan.kind is PlanKind.one_side
    assert "（書面）" in client_of("receiver_admin").get("/admin/service/").text
    for action, status in (("suspend", "suspended"), ("suspend", "suspended"), ("resume", "active")):
        client.post(f"/operator/companies/action/{action}/{company.id}", {"action": "none"})
        db.session.expire_all()
        assert company.status.value == status
    client_of("admin").post(f"/operator/companies/action/suspend/{company.id}")
    client.get(f"/operator/companies/action/suspend/{company.id}")
    db.session.expire_all()
    assert company.is_active


@pytest.mark.requirement("I9", "I11", "Q4")
@pytest.mark.parametrize("verb, state, told", [
    ("returning", "returned", "差戻し"), ("rejection", "rejected", "却下"), ("cancellation", "withdrawn", "承認の取消"),
])  # fmt: skip
def test_the_operator_gives_a_change_back_with_a_reason(client_of, person, verb, state, told):
    admin, base = person("admin"), "/operator/service-applications"
    wish = service_changes.Wish(ServiceKind.option_start, japan_date(now()), option=CompanyOption.bulk_signing)
    row = service_changes.apply_for(admin.company, admin, now(), form_token="x", wish=wish)
    db.session.commit()
    client, url = client_of("operator"), f"{base}/{verb}/{row.id}"
    if verb == "cancellation":
        assert client.get(url).status_code == 409
        day = {"version": str(row.version), "effective_on": today(3)}
        assert client.post(f"{base}/approval/{row.id}", day).status_code == 302
        db.session.refresh(row)
        assert url in client.get(f"{base}/show/{row.id}").text
        assert f"{base}/show/{row.id}" in client.get(f"/operator/companies/change/{row.company_id}").text
    else:
        assert f"{base}/cancellation" not in client.get(f"{base}/show/{row.id}").text
    assert client.get(url).status_code == 200
    typed = {"version": str(row.version), "reason": "お電話でのお申し出のため"}
    assert client_of("admin").post(url, typed).status_code == 403
    assert client.post(url, typed | {"reason": ""}).status_code == 422
    assert client.post(url, typed | {"version": "99"}).status_code == 409
    assert client.post(url, typed).status_code == 302 and client.post(url, typed).status_code == 409
    db.session.refresh(row)
    assert (row.state, row.took_effect_at) == (state, None)
    assert "お電話でのお申し出のため" in client_of("admin").get("/admin/service/").text
    facts = [letter.facts for letter in db.session.query(OutboxMessage).filter_by(user_id=admin.id)]
    assert facts[-1]["outcome"].startswith(told) and "お電話での" in facts[-1]["detail"]


# -- the nine cells, where a plan changes between 発信 and 受取確認 -------------------


@pytest.mark.requirement("R102", "R103", "R104", "D9", "D11")
@pytest.mark.parametrize("own", PlanKind)
def test_every_cell_from_both_sides_after_a_change(make_document, client_of, person, own):
    """Sent as 片方課金 to 取引先専用; then each side changes, and the pages of both go by the pair of today."""
    for partner in PlanKind:
        document, draft = (make_document(at, NO_SIGNATURE) for at in (Status.receiver_receipt, Status.draft))
        _set_plan(person("admin").company, own)
        _set_plan(person("receiver_admin").company, partner)
        client = client_of("recipient")
        page = client.get(f"/documents/{document.id}/receipt")
        answer, seen = MATRIX[partner, own], MATRIX[own, partner]
        reply = client.post(f"/documents/{document.id}/confirm_receipt", {"version": str(document.version)})
        db.session.refresh(document)
        if isinstance(answer, str):
            assert page.status_code == reply.status_code == 422 and answer in reply.text and answer in page.text
            assert document.status is Status.receiver_receipt
        else:
            assert (page.status_code, reply.status_code, document.status) == (200, 302, Status.completion_wait)
        sent = client_of("registrar").post(f"/documents/{draft.id}/send", {"version": str(draft.version)})
        db.session.refresh(draft)
        if isinstance(seen, str):
            assert sent.status_code == 422 and seen in sent.text and draft.status is Status.draft
        else:
            assert [party.plan_at_sending for party in draft.parties] == [own, partner]
        assert [party.plan_at_sending for party in document.parties] == [PlanKind.one_side, PlanKind.partner]
        _set_plan(person("admin").company, PlanKind.one_side)
        _set_plan(person("receiver_admin").company, PlanKind.partner)


def _set_plan(company, kind):
    company.plan = db.session.query(Plan).filter_by(kind=kind).one()
    db.session.commit()


# -- 停止 and 解約: reading goes on, nothing else does ---------------------------------


def fill(rule, document):
    values = {"document_id": document.id, "user_id": document.registrar_id, "page": "faq", "name": "root", "option": "bulk_signing"}
    return re.sub(r"<(?:[^:>]+:)?(\w+)>", lambda found: str(values.get(found[1], 1)), rule)


@pytest.mark.requirement("B5", "S7", "I3")
@pytest.mark.parametrize("status, banner", [(CompanyStatus.suspended, "停止中です"), (CompanyStatus.terminated, "解約済みです")])
def test_a_company_that_is_not_active_reads_and_posts_nothing(app, make_document, client_of, person, status, banner):
    document = make_document(Status.completion_wait, NO_SIGNATURE)
    person("admin").company.status = status
    db.session.commit()
    admin, registrar = client_of("admin"), client_of("registrar")
    for url in ("/", "/documents/", f"/documents/{document.id}", "/archive/", "/account/", "/downloads/", "/verify/"):
        page = registrar.get(url)
        assert page.status_code == 200 and banner in page.text, url
    assert registrar.get(f"/documents/{document.id}/pdf").status_code == 200
    assert banner not in client_of("recipient").get("/").text
    walked = 0
    for rule in app.url_map.iter_rules():
        if "POST" not in rule.methods or rule.endpoint in WHILE_COMPANY_IS_NOT_ACTIVE:
            continue
        if rule.rule.startswith(("/operator/", "/apply/")):  # of others: the operator, and whoever has a mailed address
            continue
        reply = admin.post(fill(rule.rule, document), {"version": str(document.version)})
        assert (reply.status_code, CompanyNotActive.sentence in reply.text) == (403, True), rule.rule
        walked += 1
    assert walked > 50
    known = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in rule.methods}
    assert known > WHILE_COMPANY_IS_NOT_ACTIVE
    for url in ("/admin/service/", "/admin/export/", "/admin/users/", "/admin/history/"):
        assert admin.get(url).status_code == 200
    assert "取下げ</button>" not in admin.get("/admin/service/").text
    assert admin.post("/admin/export/").status_code == 302
    assert registrar.post("/documents/downloads").status_code in (302, 422)
    assert admin.post("/account/data").status_code == 200
    assert admin.post("/logout/").status_code == 302


@pytest.mark.requirement("B5", "I9")
def test_the_operator_stops_a_company_and_both_sides_read_what_that_means(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    draft = make_document(Status.draft, NO_SIGNATURE)
    company, operator = person("recipient").company, client_of("operator")
    page = operator.get(f"/operator/companies/show/{company.id}").text
    assert "-suspend" in page and "-resume" not in page
    reply = operator.post(f"/operator/companies/action/suspend/{company.id}")
    assert reply.location.endswith(f"/operator/companies/show/{company.id}")
    page = operator.get(reply.location).text
    assert "-resume" in page and "-suspend" not in page
    registrar, recipient = client_of("registrar"), client_of("recipient")
    page = registrar.get(f"/documents/{draft.id}/registration").text
    assert f"{company.name}のご利用が停止されています" in page and ">修正</a>" in page and "確定" not in page.split("<main")[1]
    refused = registrar.post(f"/documents/{draft.id}/send", {"version": str(draft.version)})
    assert refused.status_code == 422 and f"「{company.name}」のご利用が停止されているため" in refused.text
    top = recipient.get("/").text
    assert document.number in top and "一括受取確認" not in top and "契約文書登録" not in top and "証明書管理" not in top
