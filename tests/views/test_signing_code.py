"""［契約文書署名］ of a company that signs by a code for each document."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.models import DocumentSignature, Letter, OutboxMessage, SigningCode
from app.services import outbox
from app.workflow import SignatureMode, Status


@pytest.fixture
def by_code(person):
    def choose(value=True):
        person("signer").company.signs_by_code = value
        db.session.commit()

    choose()
    return choose


@pytest.fixture
def document(make_document, by_code):
    return make_document(Status.sender_signature, mode=SignatureMode.sender_only)


def ask(client, document, **data):
    db.session.refresh(document)
    return client.post(f"/documents/{document.id}/signing_code", {"version": str(document.version)} | data)


def codes(letter=Letter.signing_code):
    rows = db.session.query(OutboxMessage).filter_by(letter=letter).order_by(OutboxMessage.id)
    return [outbox.secret_of(row) for row in rows]


def form_of(document, person, **secret):
    link = queries.activations_of(person("signer"), now())[0]
    db.session.refresh(document)
    return {"version": str(document.version), "certificate": str(link.id)} | secret


def sign(client, document, person, **secret):
    return client.post(f"/documents/{document.id}/sign", form_of(document, person, **secret))


@pytest.mark.requirement("S19", "S17", "D7")
def test_ask_for_a_code_and_sign_with_it(client_of, document, person):
    client = client_of("signer")
    page = client.get(f"/documents/{document.id}/signature").text
    assert ">署名用コードを送信</button>" in page and ">署名用コード</label>" in page
    assert "件名「署名用コード のお知らせ」のメールに記載の6桁の数字です。" in page
    assert "署名用パスワード" not in page
    assert "署名用パスワード再発行" not in client.get(f"/documents/{document.id}").text
    again = ask(client, document, comment="書きかけのコメント")
    assert again.status_code == 200 and "署名用コードをメールでお送りしました。" in again.text
    assert "書きかけのコメント" in again.text and re.search(r"\d\d:\d\dまで、この契約文書に1回使用できます。", again.text)
    assert f'value="{db.session.get(type(document), document.id).version}"' in again.text
    (code,) = codes()
    assert code not in again.text and codes(Letter.signing_password) == []
    full_width = "".join(chr(ord(digit) + 0xFEE0) for digit in code)
    assert sign(client, document, person, signing_code=f" {full_width}　").location == "/"
    row = db.session.query(DocumentSignature).one()
    assert row.signing_code_id == db.session.query(SigningCode).one().id and row.signing_password_id is None


@pytest.mark.requirement("S19")
def test_enter_presses_the_main_button_and_not_the_one_that_mails(client_of, document):
    page = client_of("signer").get(f"/documents/{document.id}/signature").text
    form = re.search(r'<form id="sign".*?</form>', page, re.S).group()
    buttons = re.findall(r'<button type="submit"[^>]*>', form)
    assert "formaction" not in buttons[0] and "formaction" in buttons[1]


@pytest.mark.requirement("S19", "Q3")
def test_a_second_click_mails_no_second_code(client_of, document):
    client, data = client_of("signer"), {"version": str(document.version)}
    url = f"/documents/{document.id}/signing_code"
    assert [client.post(url, data).status_code for _ in range(2)] == [200, 409]
    assert len(codes()) == 1


@pytest.mark.requirement("S19", "S8")
def test_the_sixth_code_of_an_hour_is_refused_and_what_was_typed_stays(client_of, document):
    client = client_of("signer")
    for _ in range(5):
        assert ask(client, document).status_code == 200
    reply = ask(client, document, comment="消えないでほしい")
    assert reply.status_code == 422 and "1時間に5回まで" in reply.text and "消えないでほしい" in reply.text
    assert len(codes()) == 5


@pytest.mark.requirement("S19", "S8")
def test_a_wrong_code_costs_a_try_and_is_not_shown_again(client_of, document, person):
    client = client_of("signer")
    ask(client, document)
    wrong = f"{(int(codes()[0]) + 1) % 10**6:06d}"
    reply = sign(client, document, person, signing_code=wrong)
    assert reply.status_code == 422 and "署名用コードが正しくありません。" in reply.text and "あと4回" in reply.text
    assert wrong not in reply.text and db.session.query(DocumentSignature).count() == 0
    assert sign(client, document, person, signing_code="").status_code == 422
    db.session.refresh(person("signer"))
    assert person("signer").signing_failures == 1


@pytest.mark.requirement("S19", "S8")
def test_whoever_is_locked_reads_whom_to_ask_and_gets_no_code(client_of, document, person):
    client = client_of("signer")
    ask(client, document)
    right = codes()[0]
    for _ in range(5):
        sign(client, document, person, signing_code=f"{(int(right) + 1) % 10**6:06d}")
    for reply in (sign(client, document, person, signing_code=right), ask(client, document)):
        assert reply.status_code == 422 and "貴社の管理者にロック解除をご依頼ください。" in reply.text
    posted = client.post(f"/documents/{document.id}/signing_password", {"version": str(document.version)})
    assert posted.status_code == 422 and "署名用コードを送信" in posted.text  # this door opens no lock either
    db.session.refresh(person("signer"))
    assert person("signer").signing_failures == 5 and len(codes()) == 1


@pytest.mark.requirement("S19", "S17")
def test_two_submits_at_once_use_a_code_once(application, client_of, document, person):
    clients = [client_of("signer") for _ in range(2)]
    ask(clients[0], document)
    data = form_of(document, person, signing_code=codes()[0])
    sent = [data | {"csrf_token": client.token()} for client in clients]
    url = f"/documents/{document.id}/sign"
    db.session.remove()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda n: clients[n].client.post(url, data=sent[n]).status_code, range(2)))
    assert sorted(found) in ([302, 409], [302, 422])
    assert db.session.query(DocumentSignature).count() == 1
    assert db.session.query(SigningCode).one().used_at is not None


@pytest.mark.requirement("S19")
def test_a_switch_from_password_to_code_while_a_document_waits(client_of, make_document, person, by_code):
    by_code(False)
    document, client = make_document(Status.sender_signature, mode=SignatureMode.sender_only), client_of("signer")
    (password,) = codes(Letter.signing_password)
    by_code(True)
    old_page = sign(client, document, person, signing_password=password)
    assert old_page.status_code == 422 and "貴社の署名の方法が変わりました。" in old_page.text
    assert "現在は署名用コードで署名します。" in old_page.text and ">署名用コードを送信</button>" in old_page.text
    assert sign(client, document, person, signing_code=password).status_code == 422
    ask(client, document)
    assert sign(client, document, person, signing_code=codes()[0]).status_code == 302


@pytest.mark.requirement("S19")
def test_a_switch_from_code_to_password_while_a_document_waits(client_of, document, person, by_code):
    client = client_of("signer")
    ask(client, document)
    (code,) = codes()
    by_code(False)
    old_page = sign(client, document, person, signing_code=code)
    assert old_page.status_code == 422 and "現在は署名用パスワードで署名します。" in old_page.text
    refused = sign(client, document, person, signing_password=code)
    assert refused.status_code == 422 and "署名用パスワードはまだ発行されていません。" in refused.text
    assert "署名用パスワードで署名します" in ask(client, document).text
    db.session.refresh(document)
    client.post(f"/documents/{document.id}/signing_password", {"version": str(document.version)})
    (password,) = codes(Letter.signing_password_reissued)
    assert sign(client, document, person, signing_password=password).status_code == 302
