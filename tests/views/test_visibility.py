"""What of a document a company sees of the other, and that nothing typed becomes markup."""

import re

import pytest

from app.clock import now
from app.extensions import db
from app.services import documents
from app.workflow import SignatureMode, Status
from demo import actors

SENDERS = ("登録 花子", "承認 一郎", "参照 四郎")
RECEIVERS = ("受取 太郎", "承認 七海", "参照 十和")


@pytest.fixture
def with_comments(make_document, make_plan):
    """A document on its way, with a comment of each company."""

    def make(status):
        plan = make_plan(approvers=1, receiver_approvers=1, viewers=True)
        document = make_document(status, plan=plan, comment="発出側だけの話")
        document.receivers[0].comment = "受領側だけの話"
        db.session.commit()
        return document

    return make


@pytest.mark.requirement("R54", "I18", "R48")
@pytest.mark.parametrize("status", [Status.receiver_signature, Status.completion_wait])
def test_comment_route_and_people_stay_in_the_own_company(with_comments, client_of, status):
    document = with_comments(status)
    urls = [f"/documents/{document.id}", "/documents/", "/"]
    for people, own, foreign, names in (
        (("registrar", "viewer", "admin"), "発出側だけの話", "受領側だけの話", RECEIVERS),
        (
            ("recipient", "receiver_viewer", "receiver_admin", "receiver_signer"),
            "受領側だけの話",
            "発出側だけの話",
            SENDERS,
        ),
    ):
        for who in people:
            pages = [client_of(who).get(url).text for url in urls]
            assert own in pages[0]
            for page in pages:
                assert foreign not in page
                assert not [name for name in names if name in page], who


@pytest.mark.requirement("R55", "R56", "R11")
@pytest.mark.parametrize("who, may", [
    ("registrar", True), ("approver", True), ("signer", True), ("viewer", False), ("admin", False),
    ("recipient", True), ("receiver_approver", True), ("receiver_signer", True), ("receiver_viewer", False),
])  # fmt: skip
def test_who_may_write_over_the_comment(with_comments, client_of, who, may):
    document = with_comments(Status.receiver_signature)
    client, url = client_of(who), f"/documents/{document.id}"
    assert ("コメントを保存" in client.get(url).text) is may
    reply = client.post(f"{url}/comment", {"version": str(document.version), "comment": "書き直した"})
    assert reply.status_code == (302 if may else 422)
    db.session.expire_all()
    party = document.receivers[0] if who.startswith("rec") else document.sender
    other = document.sender if party is not document.sender else document.receivers[0]
    assert (party.comment == "書き直した") is may
    assert other.comment.endswith("だけの話")


@pytest.mark.requirement("R55", "R56", "R57")
def test_a_comment_has_an_end(with_comments, client_of):
    document = with_comments(Status.receiver_signature)
    reply = client_of("recipient").post(
        f"/documents/{document.id}/comment", {"version": str(document.version), "comment": "あ" * 2001}
    )
    assert reply.status_code == 422
    db.session.expire_all()
    assert document.receivers[0].comment == "受領側だけの話"


@pytest.mark.requirement("I18", "R50", "R54")
def test_the_history_tells_companies_not_the_inner_life_of_the_other(make_document, make_plan, client_of):
    plan = make_plan(approvers=1, receiver_approvers=1)
    document = make_document(Status.sender_approval, plan=plan)
    documents.remand(document, document.holder, now(), reason="社内の理由")
    db.session.commit()
    actors.walk(document, plan, Status.completion_wait)

    def history(who):
        page = client_of(who).get(f"/documents/{document.id}").text
        block = re.search(r'<ul class="history">(.*?)</ul>', page, re.S).group(1)
        return re.findall(r"<b>([^<]+)</b> (.*)</li>", block)

    # newest first: action, company, own person
    assert history("recipient") == [
        ("署名", "受領側　受領設備株式会社 署名 九美"),
        ("承認", "受領側　受領設備株式会社 承認 七海"),
        ("受取確認", "受領側　受領設備株式会社 受取 太郎"),
        ("署名", "発出側　株式会社発出建設 "),
        ("発信", "発出側　株式会社発出建設 "),
    ]
    own = history("registrar")
    assert [what for what, _ in own] == [
        "署名",
        "承認",
        "受取確認",
        "署名",
        "承認",
        "発信",
        "差戻",
        "発信",
        "登録",
    ]
    assert own[1][1] == "受領側　受領設備株式会社 " and "承認 一郎" in own[4][1]
    assert "社内の理由" in own[6][1]


@pytest.mark.requirement("I18")
def test_the_way_shows_own_people_and_the_others_stages(make_document, make_plan, client_of):
    document = make_document(Status.receiver_approval, plan=make_plan(approvers=1, receiver_approvers=2))

    def way(who):
        page = client_of(who).get(f"/documents/{document.id}").text
        steps = re.findall(r'timeline__step--(\w+)".*?timeline__label">([^<]+)<(.*?)</li>', page, re.S)
        return [(label, state) for state, label, _ in steps]

    assert way("registrar") == [
        ("登録・発信", "done"), ("承認", "done"), ("署名", "done"), ("受取確認", "done"), ("承認", "current"),
        ("署名", "ahead"), ("契約締結", "ahead"),
    ]  # fmt: skip
    assert way("recipient") == [
        ("登録・発信", "done"), ("署名", "done"), ("受取確認", "done"), ("承認", "current"), ("承認", "ahead"),
        ("署名", "ahead"), ("契約締結", "ahead"),
    ]  # fmt: skip


# -- markup ------------------------------------------------------------------------------------------

PAYLOAD = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


@pytest.mark.requirement("S14")
def test_what_people_type_is_shown_and_never_run(make_document, make_plan, person, client_of, post_letters):
    for name in ("registrar", "recipient", "viewer"):
        person(name).full_name = f"{name}{PAYLOAD}"
    person("registrar").company.name = f"会社{PAYLOAD}"
    db.session.commit()
    plan = make_plan(viewers=True)
    document = make_document(
        Status.receiver_receipt, mode=SignatureMode.no_signature, plan=plan, title=PAYLOAD, message=PAYLOAD,
        partner_number=PAYLOAD[:64], comment=PAYLOAD,
    )  # fmt: skip
    document.file_name = f"{PAYLOAD}\r\nX-Evil: 1.pdf"
    document.receivers[0].comment = PAYLOAD
    db.session.commit()
    base, version = f"/documents/{document.id}", {"version": str(document.version), "comment": PAYLOAD}
    recipient, registrar = client_of("recipient"), client_of("registrar")
    pages = [
        recipient.get(url).text for url in ("/", base, "/documents/", f"{base}/receipt", "/users/selection")
    ]
    pages += [recipient.get("/documents/", query_string={"title": PAYLOAD}).text]
    pages += [recipient.post(f"{base}/receipt/confirmation", version).text]
    pages += [client_of("receiver_admin").get("/admin/users/").text]
    pages += [
        client_of("operator").get(f"/operator/{url}").text
        for url in ("users/list/", "companies/list/", f"documents/show/{document.id}")
    ]
    recipient.post(f"{base}/remand", {"version": str(document.version), "reason": PAYLOAD})
    pages += [registrar.get(url).text for url in ("/", base, f"{base}/edit", f"{base}/registration")]
    for page in pages:
        assert "<script>alert" not in page and "<img src=x" not in page and "\"'><" not in page
        assert "alert(1)" not in page or "&lt;script&gt;alert(1)" in page
        assert "49" not in re.findall(r"onerror=alert\(2\)&gt;(\S\S)", page)
    assert sum("&lt;script&gt;alert(1)" in page for page in pages) >= 10
    reply = registrar.get(f"{base}/pdf")
    assert "X-Evil" not in reply.headers and "\n" not in reply.headers["Content-Disposition"]
    for mail in post_letters():
        assert "&lt;" not in mail.body and mail.body.count("{{7*7}}") >= 1  # plain text, as typed
        assert "html" not in mail.as_string().split("\n\n")[0].lower()


# -- headers and headings ------------------------------------------------------------------------------


@pytest.mark.requirement("S18")
@pytest.mark.parametrize(
    "url", ["/", "/login/", "/documents/", "/nothing", "/documents/new", "/operator/users/list/", "/healthz"]
)
def test_every_answer_carries_the_headers(client_of, url):
    for who in ("anonymous", "recipient", "operator"):
        reply = client_of(who).get(url)
        policy = reply.headers["Content-Security-Policy"]
        scripts = re.search(r"script-src ([^;]+)", policy).group(1)
        assert "unsafe" not in scripts and "*" not in policy and "http:" not in policy
        assert "frame-ancestors 'none'" in policy and "object-src 'none'" in policy
        assert "worker-src 'self'" in policy and "eval" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["X-Frame-Options"] == "DENY"
        assert reply.headers["Referrer-Policy"] == "same-origin"
        assert reply.headers["Cache-Control"] == "no-store"
        assert "Werkzeug" not in reply.headers.get("Server", "")


@pytest.mark.requirement("S18")
def test_every_script_of_a_page_has_its_nonce(client_of):
    for who, url in (
        ("recipient", "/"),
        ("admin", "/admin/dashboard/"),
        ("operator", "/operator/users/list/"),
        ("operator", "/operator/companies/add"),
        ("anonymous", "/login/"),
    ):
        reply = client_of(who).get(url)
        nonce = re.search(r"'nonce-([^']+)'", reply.headers["Content-Security-Policy"]).group(1)
        scripts = re.findall(r"<script\b[^>]*>", reply.text)
        assert scripts and all(f'nonce="{nonce}"' in script for script in scripts), url
        assert not re.search(r"\son\w+=\"", reply.text)
        assert not re.search(r'(?:src|href)="(?:https?:)?//', reply.text)


@pytest.mark.requirement("S18")
def test_under_tls_the_browser_is_told_to_stay_there(tmp_path):
    import config
    from app import create_app
    from tests.conftest import settings

    app = create_app(
        config.Test(
            settings(
                f"sqlite:///{tmp_path}/x.db",
                tmp_path.as_uri(),
                PORTAL_BASE_URL="https://portal.example.co.jp",
            )
        )
    )
    client = app.test_client()
    assert client.get("/login/").status_code == 302  # to https
    reply = client.get("/static/css/portal.css", base_url="https://portal.example.co.jp")
    assert "max-age" in reply.headers["Strict-Transport-Security"]
    reply.close()


@pytest.mark.requirement("R108")
def test_every_page_has_one_heading_and_it_is_the_title(make_document, client_of):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    draft = make_document(mode=SignatureMode.no_signature)
    base, own = f"/documents/{document.id}", f"/documents/{draft.id}"
    pages = {
        "recipient": ("/", "/documents/", "/archive/", "/documents/new", "/certificates/activation", "/password/", base,
                      f"{base}/receipt", f"{base}/signature/position", "/nowhere", f"{base}/approval"),
        "registrar": (own, f"{own}/edit", f"{own}/registration"),
        "admin": ("/admin/users/", "/admin/dashboard/"),
        "anonymous": ("/login/", "/nowhere"),
        "operator": ("/operator/dashboard/", "/operator/users/list/", "/operator/companies/add", "/operator/plans/show/1", base),
    }  # fmt: skip
    for who, urls in pages.items():
        for url in urls:
            page = client_of(who).get(url).text
            headings = re.findall(r"<h1[^>]*>([^<]+)</h1>", page)
            assert len(headings) == 1, url
            assert re.search(r"<title>\s*([^｜<]+)｜", page).group(1).strip() == headings[0], url
            assert '<html lang="ja"' in page or "/operator/" in url, url


@pytest.mark.requirement("R42", "R8", "R25", "R34", "R108")
@pytest.mark.parametrize("who, menus", [
    ("recipient", ["契約締結", "長期保管文書", "証明書管理", "設定"]),
    ("receiver_admin", ["契約締結", "長期保管文書", "証明書管理", "管理者業務", "設定"]),
    ("operator", ["運営者業務", "設定"]),
    ("anonymous", []),
])  # fmt: skip
def test_the_menu_is_that_of_the_role(client_of, who, menus):
    client = client_of(who)
    page = client.get({"anonymous": "/login/", "operator": "/operator/dashboard/"}.get(who, "/")).text
    assert re.findall(r'data-menu>([^<]+)<span class="menu__arrow">▼', page) == menus
    for label, href in (
        ("契約文書照会", "/documents/"),
        ("長期保管文書照会", "/archive/"),
        ("証明書有効性確認", "/certificates/activation"),
    ):
        assert (f'<a href="{href}">{label}</a>' in page) is ("契約締結" in menus)


@pytest.mark.requirement("R8", "I2")
def test_the_administrator_sees_the_own_people_with_their_authorities(client_of, person):
    page = client_of("admin").get("/admin/users/").text
    assert "<h1>利用者情報照会</h1>" in page
    rows = {
        re.search(r"U\d{8}", row).group(): row
        for row in re.findall(r"<tr>(.*?)</tr>", page, re.S)
        if "U0" in row
    }
    assert set(rows) == {
        person(name).user_code
        for name in ("registrar", "approver", "second_approver", "signer", "viewer", "colleague", "admin")
    }
    assert (
        "署名権限" in rows[person("signer").user_code] and "署名権限" not in rows[person("viewer").user_code]
    )
    assert "管理者権限" in rows[person("admin").user_code]


@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unforeseen_error_tells_nothing_of_the_inside(client_of, monkeypatch, method):
    from app import queries

    def broken(*args, **kwargs):
        raise RuntimeError("secret inside")

    client = client_of("recipient")
    monkeypatch.setattr(queries, "my_list", broken)
    reply = client.get("/")
    assert (
        reply.status_code == 500
        and "secret inside" not in reply.text
        and "エラーが発生しました" in reply.text
    )
