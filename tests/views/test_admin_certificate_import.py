"""電子証明書の取り込み and 失効リスト, as the administrator of a company sees them."""

import datetime as dt
from io import BytesIO

import pytest

from app.clock import now
from app.extensions import db
from app.labels import jst
from app.models import Certificate, Letter, OutboxMessage
from app.workflow import SignatureMode, Status
from demo import actors
from tests.conftest import PASSWORD
from tests.outside_ca import FILE_PASSWORD, OutsideCa, p12

URL = "/admin/certificates/import"


@pytest.fixture(scope="module")
def outside_ca():
    return OutsideCa()


@pytest.fixture(scope="module")
def issued(outside_ca):
    return outside_ca.issue()


@pytest.fixture
def given(outside_ca, issued, person):
    """What the form is filled in with; files are made afresh, since sending closes them."""

    def fill(file=None, lists=(), **changes):
        return {
            "file": (BytesIO(outside_ca.file(*issued) if file is None else file), "signer.p12"),
            "lists": [(BytesIO(one), "ca.crl") for one in lists],
            "file_password": FILE_PASSWORD, "password": PASSWORD, "users": person("signer").user_code,
            "pin_mail_address": "pin@sender.example", **changes,
        }  # fmt: skip

    return fill


def imported():
    return db.session.query(Certificate).filter_by(is_imported=True).one_or_none()


@pytest.mark.requirement("L4", "I16", "R36", "I3")
def test_from_the_file_to_the_signature_by_the_pages_alone(client_of, given, outside_ca, person, make_document):
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    admin, signer = client_of("admin"), client_of("signer")
    assert f'href="{URL}"' in admin.get("/admin/certificates/").text
    assert admin.post(URL, given()).status_code == 302
    made = imported()
    assert "外部の認証局が発行" in admin.get("/admin/certificates/").text
    url = f"/admin/certificates/{made.id}"
    page = admin.get(url).text
    assert "外部の認証局が発行" in page and "まだ署名できません" in page and "更新申請" not in page
    pin = actors.secret_mailed(person("admin"), Letter.certificate_pin)
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_pin).one().to_address == "pin@sender.example"

    link = made.activations[0]
    page = signer.post("/certificates/activation", {"certificate": str(link.id), "pin": pin, "password": PASSWORD}, follow_redirects=True).text
    assert made.number in page and "外部の認証局が発行" in page
    secret = actors.secret_mailed(person("signer"), Letter.signing_password)
    answer = {"version": str(document.version), "certificate": str(link.id), "signing_password": secret}
    reply = signer.post(f"/documents/{document.id}/sign", answer)
    assert reply.status_code == 422 and "有効な失効リスト（CRL）が必要です" in reply.text
    db.session.refresh(document)
    assert document.status is Status.sender_signature

    page = admin.get(f"{url}/revocation_lists").text
    assert page.count("未登録") == 2 and "外部認証 Root CA" in page
    lists = [(BytesIO(one), "ca.crl") for one in outside_ca.lists()]
    assert admin.post(f"{url}/revocation_lists", {"lists": lists}).status_code == 302
    page = admin.get(f"{url}/revocation_lists").text
    assert "未登録" not in page and f"{jst(now() + dt.timedelta(days=7), '%Y/%m/%d')}" in page
    assert "まだ署名できません" not in admin.get(url).text
    assert signer.post(f"/documents/{document.id}/sign", answer).status_code == 302
    db.session.refresh(document)
    assert document.signatures[0].certificate_id == made.id


@pytest.mark.requirement("L4", "S15")
@pytest.mark.parametrize("change, sentence", [
    ({"file": (BytesIO(b""), "")}, "証明書ファイル（.p12または.pfx）を選択"),
    ({"file_password": "wrong-one"}, "証明書ファイルのパスワードが正しくありません"),
    ({"file_password": ""}, "証明書ファイルのパスワードを入力"),
    ({"password": "wrong-one"}, "ログインパスワードが正しくありません"),
    ({"users": ""}, "署名用IDとする利用者IDを1つ以上"),
    ({"users": "U99999999"}, "利用者ID U99999999 は"),
    ({"pin_mail_address": "nobody"}, "メールアドレスの形式"),
    ({"lists": [(BytesIO(b"x"), "a.crl")]}, "失効リストのファイルではありません"),
], ids=range(8))  # fmt: skip
def test_a_refused_import_says_why_keeps_what_was_typed_and_no_password(client_of, given, change, sentence):
    client = client_of("admin")
    reply = client.post(URL, given() | change)
    assert reply.status_code == 422 and sentence in reply.text
    assert "もう一度選択してください" in reply.text
    assert f'value="{change.get("pin_mail_address", "pin@sender.example")}"' in reply.text
    assert FILE_PASSWORD not in reply.text and PASSWORD not in reply.text and "wrong-one" not in reply.text
    assert imported() is None and db.session.query(OutboxMessage).count() == 0


@pytest.mark.requirement("L4")
def test_a_second_click_and_a_huge_file_change_nothing(client_of, given):
    client = client_of("admin")
    assert client.post(URL, given()).status_code == 302
    reply = client.post(URL, given())
    assert reply.status_code == 422 and f"すでに電子証明書 {imported().number} として" in reply.text
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_pin).count() == 1
    reply = client.post(URL, given(file=bytes(200 * 1024)))
    assert reply.status_code == 422 and "上限の100KB" in reply.text


@pytest.mark.requirement("L4")
def test_the_password_fields_say_where_each_comes_from(client_of):
    page = client_of("admin").get(URL).text
    assert "認証局から証明書ファイルとともに受け取ったパスワード" in page and "初回ログインパスワード のお知らせ" in page


@pytest.mark.requirement("L4")
def test_no_page_of_an_outside_certificate_claims_more_than_it_is(client_of, given):
    client = client_of("admin")
    client.post(URL, given())
    for page in ("import", str(imported().id), f"{imported().id}/revocation_lists", f"{imported().id}/revocation", ""):
        assert "認定" not in client.get(f"/admin/certificates/{page}").text
    assert "外部の認証局が発行" in client_of("operator").get(f"/operator/certificates/show/{imported().id}").text


@pytest.mark.requirement("L4", "S7")
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_companys_lists_are_not_found(client_of, given, outside_ca, method):
    client_of("admin").post(URL, given())
    url = f"/admin/certificates/{imported().id}/revocation_lists"
    lists = {"lists": [(BytesIO(one), "ca.crl") for one in outside_ca.lists()]}
    ask = getattr(client_of("stranger"), method)
    assert (ask(url, lists) if method == "post" else ask(url)).status_code == 404
    db.session.refresh(imported())
    assert imported().crl_pem == ""


@pytest.mark.requirement("L4")
@pytest.mark.parametrize("lists, sentence", [
    ([], "ファイルを選択してください"), ([b"x"], "失効リストのファイルではありません"), ([bytes(1024 * 1024), b"xx"], "上限の1MB"),
])  # fmt: skip
def test_bad_lists_are_refused_with_the_cause(client_of, given, lists, sentence):
    client = client_of("admin")
    client.post(URL, given())
    reply = client.post(
        f"/admin/certificates/{imported().id}/revocation_lists", {"lists": [(BytesIO(one), "a.crl") for one in lists]}
    )
    assert reply.status_code == 422 and sentence in reply.text
    reply.request.environ["wsgi.input"].close()  # what the test client sent lies in a temporary file


@pytest.mark.requirement("L4", "S14")
def test_a_hostile_name_in_a_certificate_is_shown_and_nothing_more(client_of, given, outside_ca):
    certificate, key = outside_ca.issue(company="<script>alert(1)</script>\u202e会社")
    client = client_of("admin")
    assert client.post(URL, given(file=p12(certificate, key, outside_ca.chain))).status_code == 302
    page = client.get("/admin/certificates/").text
    assert "&lt;script&gt;" in page and "<script>alert" not in page and "\u202e" not in page


@pytest.mark.requirement("L4", "B5")
def test_a_list_that_names_the_certificate_says_so_and_revokes_it(client_of, given, outside_ca, issued):
    client = client_of("admin")
    client.post(URL, given())
    lists = [(BytesIO(one), "ca.crl") for one in outside_ca.lists(revoked=[issued[0]])[:1]]
    page = client.post(
        f"/admin/certificates/{imported().id}/revocation_lists", {"lists": lists}, follow_redirects=True
    ).text
    assert "当サービスでも失効しました" in page
    db.session.refresh(imported())
    assert not imported().is_usable(now())
    assert "登録できません" in client.get(f"/admin/certificates/{imported().id}/revocation_lists").text
