"""［個人データの出力］."""

import json
import re

import pytest

from app.extensions import db
from app.models import AccountAction, AccountEvent


@pytest.mark.requirement("L23")
def test_the_page_says_what_and_why_and_the_button_gives_the_file(client_of, person):
    client = client_of("recipient")
    page = client.get("/account/data").text
    assert "<h1>個人データの出力</h1>" in page and "利用目的" in page and re.search(r"<button[^>]*>出力</button>", page)
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.personal_data_exported).count() == 0
    reply = client.post("/account/data")
    assert reply.mimetype == "application/json" and reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["Content-Disposition"] == f'attachment; filename="{person("recipient").user_code}.json"'
    assert json.loads(reply.data)["利用者"]["氏名"] == "受取 太郎"
    event = db.session.query(AccountEvent).filter_by(action=AccountAction.personal_data_exported).one()
    assert event.user_id == person("recipient").id and event.ip_address == "127.0.0.1"


@pytest.mark.requirement("L23", "S7")
def test_nobody_names_another_person(client_of, person):
    other = person("signer")
    reply = client_of("stranger").post("/account/data", {"user_id": str(other.id), "username": other.user_code})
    assert other.mail_address not in reply.text and other.user_code not in reply.text


@pytest.mark.requirement("S11")
def test_without_the_token_nothing_is_given_out(client_of):
    assert client_of("recipient").post_without_token("/account/data").status_code == 400


@pytest.mark.requirement("L23")
@pytest.mark.parametrize("url", ["/admin/users/new", "/admin/users/import", "/admin/certificates/application", "/account/data"])
def test_every_page_that_asks_for_personal_data_names_the_same_purposes(client_of, url):
    page = client_of("admin").get(url).text
    assert page.count("お預かりした個人データ") == 1 and "電子証明書の発行と管理" in page
