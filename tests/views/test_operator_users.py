"""運営者: the operator's own people, on pages of their own."""

import re

import pytest

from app.extensions import db
from app.models import Letter, OutboxMessage, PortalUser
from demo import actors
from tests.conftest import PASSWORD

URL = "/operator/operators"


def operator_named(name):
    return db.session.query(PortalUser).filter_by(full_name=name).one()


@pytest.mark.requirement("I2", "I21", "S10", "S7")
def test_an_operator_registers_another_and_deletes_who_leaves(client_of, browser, person):
    client, first = client_of("operator"), person("operator")
    form = client.get(f"{URL}/add").text
    assert 'name="company"' not in form and "運営者の登録" in form
    token = re.search(r'name="enrolment_token"[^>]*value="([^"]+)"', form).group(1)
    data = {"full_name": "運営 次郎", "mail_address": "second@portal.example", "enrolment_token": token}
    assert client.post(f"{URL}/add", data | {"mail_address": "nowhere"}).status_code == 200
    assert db.session.query(PortalUser).filter_by(full_name="運営 次郎").count() == 0
    assert client.post(f"{URL}/add", data).status_code == 302
    client.post(f"{URL}/add", data)  # the same form once more
    second = operator_named("運営 次郎")
    assert second.is_operator and second.company is None
    letters = db.session.query(OutboxMessage).filter_by(user_id=second.id).order_by(OutboxMessage.id)
    assert [letter.letter for letter in letters] == [Letter.user_issued, Letter.initial_password]

    listed = client.get(f"{URL}/list/").text
    assert "運営 次郎" in listed and first.user_code in listed and "件数:</strong> 2" in listed  # and nobody of a company
    actors.choose_password(second, PASSWORD)
    db.session.commit()
    other = browser()
    other.enter(second)
    assert other.get(f"{URL}/list/").status_code == 200
    page = client.get(f"{URL}/show/{second.id}").text
    assert re.search(r"最終ログイン</th>\s*<td>\s*<span[^>]*>(\d{4}/\d\d/\d\d \d\d:\d\d)?</span>", page)
    assert "btn-action-OperatorUserModelView.action-delete_operator" in page and "電子証明書を発行" not in page

    assert "action-delete_operator" not in client.get(f"{URL}/show/{first.id}").text  # the own page

    for who in ("admin", "recipient", "anonymous"):
        client_of(who).post(f"{URL}/action/delete_operator/{second.id}")
    assert client.post(f"{URL}/action/delete_operator/{person('admin').id}").status_code == 404
    assert "ご自身の利用者ID" in client.post(f"{URL}/action/delete_operator/{first.id}", follow_redirects=True).text
    db.session.refresh(second)
    assert second.is_selectable and first.is_selectable and person("admin").is_selectable

    reply = client.post(f"{URL}/action/delete_operator/{second.id}", follow_redirects=True)
    assert "「運営 次郎」様の利用者IDを削除しました。" in reply.text
    turned_away = other.get(f"{URL}/list/")
    assert turned_away.status_code == 302 and "/login/" in turned_away.location
    assert "btn-action" not in client.get(f"{URL}/show/{second.id}").text
    assert "すでに削除" in client.post(f"{URL}/action/delete_operator/{second.id}", follow_redirects=True).text
    for url in (f"{URL}/show/{person('admin').id}", f"{URL}/edit/{person('admin').id}"):
        assert client.get(url).status_code == 404
