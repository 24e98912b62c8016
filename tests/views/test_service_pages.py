"""利用申請 through its pages: the inviting company's, the public ones without a log-in, and the operator's."""

import io
import re

import pytest

from app.clock import now
from app.extensions import db
from app.models import (
    Company,
    Letter,
    OutboxMessage,
    ServiceApplication,
    ServiceInvitation,
    ServiceKind,
    ServiceState,
)
from app.services import applications, service_filing, service_founding, service_review
from app.services.strongroom import strongroom
from tests import service_walk
from tests.databases import statements_in
from tests.service_walk import NUMBER, PDF, token_mailed, typed, version_on, wanted

AGREED = {"agrees_terms": "y", "agrees_electronic": "y"}
KEPT = re.compile(r'name="kept_evidence"[^>]*value="([^"]*)"')
GONE = "この利用申請のURLは使用できません"


def pdf(content=PDF, name="印鑑証明書.pdf"):
    return {"evidence": (io.BytesIO(content), name)}


@pytest.fixture
def invited(person):
    """The token of a fresh invitation."""
    service_walk.invite(person("admin"))
    token = token_mailed()
    db.session.commit()
    return token


def the_application():
    db.session.expire_all()
    return db.session.query(ServiceApplication).one()


@pytest.mark.requirement("I9", "R101", "S7")
def test_an_administrator_invites_again_and_cancels_and_no_other_company_sees_it(client_of, person):
    client = client_of("admin")
    given = {"partner_name": "有限会社こだま工務店", "contact_name": "", "mail_address": "kodama@kodama.example"}
    assert client.post("/admin/invitations/new", given).status_code == 302
    again = client.post("/admin/invitations/new", given)
    assert again.status_code == 422 and "すでにご案内しています" in again.text and "有限会社こだま工務店" in again.text
    page = client.get("/admin/invitations/").text
    assert "案内済み" in page and "kodama@kodama.example" in page
    invitation = db.session.query(ServiceInvitation).one()
    address = f"/admin/invitations/{invitation.id}"
    assert client.post(f"{address}/again").status_code == 302
    assert client.post(f"{address}/cancel").status_code == 302
    assert client.post(f"{address}/again").status_code == client.post(f"{address}/cancel").status_code == 409
    assert "取消" in client.get("/admin/invitations/").text
    for who in ("stranger", "receiver_admin"):
        foreign = client_of(who)
        assert "こだま" not in foreign.get("/admin/invitations/").text
        assert foreign.post(f"{address}/again").status_code == foreign.post(f"{address}/cancel").status_code == 404
        refused = foreign.post("/admin/invitations/new", given)
        assert refused.status_code == 403 and "片方課金プランの企業のみ" in refused.text
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.service_invitation).count() == 2


@pytest.mark.requirement("I9", "R101", "S9", "S14")
def test_a_partner_fills_in_saves_resumes_confirms_and_applies_once(browser, invited, person):
    client, url = browser(), f"/apply/{invited}"
    page = client.get(url)
    assert page.status_code == 200 and "株式会社発出建設" in page.text and "有限会社こだま工務店" in page.text
    assert person("admin").full_name not in page.text and person("admin").mail_address not in page.text
    assert page.headers["Cache-Control"] == "no-store" and page.headers["Referrer-Policy"] == "same-origin"
    assert client.get(f"{url}/confirmation").status_code == 302  # nothing was typed yet
    half = typed(wanted(name="<b>\"こだま", kana=""), act="save", **pdf())
    assert client.post(url, half).status_code == 302
    resumed = browser().get(url).text
    assert "&lt;b&gt;&#34;こだま" in resumed and "<b>\"こだま" not in resumed and "保存済み：印鑑証明書.pdf" in resumed
    assert resumed.count('name="person_full_name"') == 3  # two, and the blank one for the script
    old_page = client.post(url, typed(act="save", version=""))
    assert old_page.status_code == 409 and "別の画面で申請の内容が保存されています" in old_page.text
    assert "小林 薫" in old_page.text and the_application().wanted["company"]["name"] == "<b>\"こだま"

    version = version_on(resumed)
    lacking = client.post(url, typed(wanted(kana=""), act="confirm", version=version))
    assert lacking.status_code == 422 and "企業名カナを入力してください。" in lacking.text and "小林 薫" in lacking.text
    assert client.post(url, typed(act="confirm", version=version_on(lacking.text))).status_code == 302
    confirmation = client.get(f"{url}/confirmation").text
    assert "まだ申請は完了していません" in confirmation and NUMBER in confirmation and "2026-11-25" in confirmation
    given = {"version": version_on(confirmation), "terms_version": "2026-11-25"}
    disagreed = client.post(f"{url}/confirmation", given | {"agrees_terms": "y"})
    assert disagreed.status_code == 422 and "承諾してください" in disagreed.text
    other_terms = client.post(f"{url}/confirmation", given | AGREED | {"terms_version": "2020-01-01"})
    assert other_terms.status_code == 422 and "利用規約が改定されました" in other_terms.text
    assert the_application().state is ServiceState.filling
    for _ in range(2):  # a double click
        assert client.post(f"{url}/confirmation", given | AGREED).status_code == 302
    application = the_application()
    assert application.state is ServiceState.received and application.agreed_at is not None
    assert application.invitation.used_at is not None
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.service_received).count() == 1
    state = browser().get(url).text
    assert application.number in state and "申請を受け付けました" in state and "pin@kodama.example" not in state
    assert client.post(url, typed(act="save", version=str(application.version))).status_code == 302
    assert the_application().version == application.version


@pytest.mark.requirement("I9", "S14")
def test_without_a_script_rows_are_added_and_removed_and_bad_files_lose_nothing(browser, invited, monkeypatch):
    client, url = browser(), f"/apply/{invited}"
    assert client.post(url, typed(rearrange="add")).status_code == 302
    page = client.get(url).text
    assert page.count('name="person_full_name"') == 4 and "小林 薫" in page
    assert client.post(url, typed(rearrange="remove-1", version=version_on(page))).status_code == 302
    page = client.get(url).text
    assert "小林 薫" not in page and "近藤 愛" in page
    for most_mb, content, sentence in ((5, b"MZ no pdf", "PDFではありません"), (0, PDF, "上限の0MB")):
        monkeypatch.setattr(applications, "MOST_EVIDENCE_MB", most_mb)
        refused = client.post(url, typed(act="confirm", version=version_on(page), **pdf(content)))
        assert refused.status_code == 422 and sentence in refused.text and "小林 薫" in refused.text
    assert the_application().evidence_sha256 == ""


@pytest.mark.requirement("I9", "S7", "S9")
def test_tokens_that_open_nothing_are_answered_alike(browser, client_of, invited, person):
    invitation = db.session.query(ServiceInvitation).one()
    client_of("admin").post(f"/admin/invitations/{invitation.id}/cancel")
    client, pages = browser(), set()
    for token in (invited, "unknown", "x" * 3000, invitation.token_sha256):
        reply = client.get(f"/apply/{token}")
        assert reply.status_code == 404 and GONE in reply.text
        pages.add(service_walk.without_nonces(reply.text))
        assert client.post(f"/apply/{token}", typed(act="save")).status_code == 404
    assert len(pages) == 1
    without = client.post_without_token(f"/apply/{invited}", {})
    assert without.status_code == 400 and "login" not in (without.location or "")  # the address is a secret
    assert db.session.query(ServiceApplication).count() == 0


@pytest.mark.requirement("I9", "S9")
def test_no_token_stands_in_the_log_of_the_portal(app, browser, invited, monkeypatch, caplog):
    def fails(*_args, **_given):
        raise RuntimeError

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setattr(service_filing, "keep", fails)
    assert browser().post(f"/apply/{invited}", typed(act="save")).status_code == 500
    assert "/apply/<string:token>" in caplog.text and invited not in caplog.text


@pytest.fixture
def waiting(person):
    made = service_walk.hand_in(person("admin"))
    db.session.commit()
    return made


@pytest.mark.requirement("I9", "Q3")
def test_whatever_token_a_form_sends_an_invitation_makes_its_one_application(browser, invited, person):
    service_walk.invite(person("admin"), address="b@kodama.example")
    other = token_mailed()
    db.session.commit()
    client, given = browser(), typed(act="save", form_token="x" * 300)  # longer than its column
    assert [client.post(f"/apply/{token}", given).status_code for token in (invited, other, other)] == [302, 302, 409]
    assert db.session.query(ServiceApplication).count() == 2


@pytest.mark.requirement("I9", "R101", "L3")
def test_an_operator_reviews_returns_and_approves(client_of, waiting):
    client, base = client_of("operator"), "/operator/service-applications"
    listed = client.get(f"{base}/list/").text
    assert waiting.number in listed and "受付" in listed and "有限会社こだま工務店" in listed
    page = client.get(f"{base}/show/{waiting.id}").text
    assert "児玉 正" in page and "pin@kodama.example" in page and "重複していないか" not in page
    file = client.get(f"{base}/evidence/{waiting.id}")
    assert file.data == PDF and file.headers["Content-Disposition"].startswith("attachment")

    def act(verb, **given):
        return client.post(f"{base}/{verb}/{waiting.id}", {"version": str(the_application().version)} | given)

    assert act("review").status_code == 302 and the_application().state is ServiceState.in_review
    assert act("review").status_code == 409
    empty = act("returning", reason=" ")
    assert empty.status_code == 422 and "理由を入力してください" in empty.text
    assert act("returning", reason="印影が読めません。").status_code == 302
    assert "印影が読めません。" in client.get(f"{base}/show/{waiting.id}").text
    assert client.get(f"{base}/rejection/{waiting.id}").status_code == 409
    service_review.move(waiting, ServiceState.received, now())
    db.session.commit()
    old, companies = str(the_application().version - 1), db.session.query(Company).count()
    assert client.post(f"{base}/approval/{waiting.id}", {"version": old}).status_code == 409
    assert db.session.query(Company).count() == companies
    approved = act("approval")
    assert approved.status_code == 302
    assert act("approval").status_code == 409
    assert db.session.query(Company).count() == companies + 1
    assert the_application().company.code in client.get(f"{base}/show/{waiting.id}").text


@pytest.mark.requirement("I9", "R101")
def test_an_operator_keys_in_from_paper_and_rejects(client_of, person):
    client, base = client_of("operator"), "/operator/service-applications"
    known = person("stranger").company.name
    given = typed(wanted(name=known), plan="one_side", has_agreed="y")
    rows = client.post(f"{base}/paper", given | {"rearrange": "add"})
    assert rows.status_code == 200 and rows.text.count('name="person_full_name"') == 4
    lacking = client.post(f"{base}/paper", {k: v for k, v in given.items() if k != "has_agreed"})
    assert lacking.status_code == 422 and "申込書の同意欄をご確認ください。" in lacking.text and known in lacking.text
    assert "申込書類（PDF）を選択してください。" in lacking.text
    chosen = client.post(f"{base}/paper", given | {"phone": ""} | pdf(name="申込書.pdf"))
    assert chosen.status_code == 422 and "保存済み：申込書.pdf" in chosen.text and "申込書類（PDF）を" not in chosen.text
    assert "申込書類（PDF）を選択してください。" in client.post(f"{base}/paper", given).text
    assert client.post(f"{base}/paper", given | pdf(name="申込書.pdf")).status_code == 302
    assert client.post(f"{base}/paper", given | pdf(name="申込書.pdf")).status_code == 409
    made = the_application()
    assert (made.kind, made.state, made.applicant_id) == (ServiceKind.paper, ServiceState.received, person("operator").id)
    assert "すでに登録されています" in client.get(f"{base}/show/{made.id}").text
    version = {"version": str(made.version)}
    asked = client.get(f"{base}/returning/{made.id}").text
    assert "申請者へのメールに記載されます。" in asked and "申請者の画面" not in asked
    assert client.post(f"{base}/returning/{made.id}", version | {"reason": "押印がありません。"}).status_code == 302
    again = client.get(f"{base}/paper/{made.id}").text
    assert "保存済み：申込書.pdf" in again and known in again
    corrected = typed(plan="partner", has_agreed="y", version=version_on(again))
    assert client.post(f"{base}/paper/{made.id}", corrected).status_code == 302
    assert client.post(f"{base}/paper/{made.id}", corrected).status_code == 409
    made = the_application()
    assert made.state is ServiceState.received and made.plan.value == "partner"
    rejected = client.post(f"{base}/rejection/{made.id}", {"version": str(made.version), "reason": "審査基準を満たしません。"})
    assert rejected.status_code == 302 and the_application().state is ServiceState.rejected


@pytest.mark.requirement("I9", "R101")
def test_what_was_typed_and_chosen_on_paper_stays_until_all_is_right(client_of, person):
    """A bad field, a button that adds a row, a file that is no PDF: the accepted file is kept, and nobody else's is."""
    client, url = client_of("operator"), "/operator/service-applications/paper"
    given = typed(wanted(), plan="one_side", has_agreed="y")
    wrong = client.post(url, given | {"phone": "でんわ"} | pdf(name="申込書.pdf"))
    assert wrong.status_code == 422 and "電話番号は" in wrong.text and "保存済み：申込書.pdf" in wrong.text and 'value="でんわ"' in wrong.text
    kept = {"kept_evidence": KEPT.search(wrong.text).group(1)}
    for step in ({"rearrange": "add"}, pdf(b"no PDF", "申込書.docx"), {"admin_mail_address": "x"}):
        reply = client.post(url, given | kept | step)
        assert "保存済み：申込書.pdf" in reply.text and KEPT.search(reply.text).group(1) == kept["kept_evidence"]
        assert reply.status_code == (200 if "rearrange" in step else 422) and wanted()["company"]["name"] in reply.text
    refused = client.post(url, given | kept | pdf(b"no PDF", "申込書.docx"))
    assert "申込書類のファイルはPDFではありません" in refused.text
    forged = client.post(url, given | {"kept_evidence": kept["kept_evidence"][:-2] + "xx"})
    assert forged.status_code == 422 and "申込書類（PDF）を選択してください。" in forged.text and KEPT.search(forged.text).group(1) == ""
    assert db.session.query(ServiceApplication).count() == 0
    rows = client.post(url, given | pdf(name="別の申込書.pdf") | {"rearrange": "remove-1"})  # chosen together with a button
    assert rows.status_code == 200 and "保存済み：別の申込書.pdf" in rows.text and "入力内容に誤りがあります" not in rows.text
    assert client.post(url, given | kept).status_code == 302
    made = the_application()
    assert made.evidence_name == "申込書.pdf" and strongroom().store.get(made.evidence_sha256) == PDF
    again = client.post(url, given | kept)  # the same form once more
    assert again.status_code == 409 and made.number in again.text


@pytest.mark.requirement("P4", "I9")
def test_the_lists_ask_no_more_for_more_rows(client_of, person):
    asked = []

    def statements(client, url):
        asked.clear()
        assert "こだま" in client.get(url).text
        return len(asked)

    pages = (("admin", "/admin/invitations/"), ("operator", "/operator/service-applications/list/"))
    clients = {who: client_of(who) for who, _ in pages}
    service_founding.found(service_walk.hand_in(person("admin")), person("operator"), now())
    db.session.commit()
    with statements_in(asked):
        before = [statements(clients[who], url) for who, url in pages]
        for number in range(2):
            more = service_walk.hand_in(person("admin"), address=f"{number}@kodama.example")
            service_founding.found(more, person("operator"), now())
        db.session.commit()
        assert [statements(clients[who], url) for who, url in pages] == before
        assert max(before) <= 8, asked
