"""代理 and 社内差戻 by their pages: who gets in, what stands there, and what the other company does not see."""

import datetime as dt
import re

import pytest

from app.clock import japan_date, now
from app.extensions import db
from app.models import Delegation, DocumentEvent
from app.services import delegations, documents
from app.workflow import SignatureMode, Status

QUICK = SignatureMode.no_signature
DAY = dt.timedelta(days=1)


def form(person, deputy="receiver_colleague", first=0, last=2):
    day = japan_date(now())
    return {
        "deputy": person(deputy).user_code, "first_day": (day + first * DAY).isoformat(),
        "last_day": (day + last * DAY).isoformat(),
    }  # fmt: skip


@pytest.fixture
def delegate(person):
    def name_deputy(absent, deputy):
        made = delegations.name_deputy(
            person(absent), person(deputy), japan_date(now()), japan_date(now()), person(absent), now()
        )
        db.session.commit()
        return made

    return name_deputy


@pytest.mark.requirement("I8", "I18", "S7")
def test_a_deputy_gets_what_the_person_gets_while_it_runs_and_keeps_what_was_done(
    make_document, client_of, person, delegate
):
    waiting = make_document(Status.receiver_receipt, mode=QUICK)
    other = make_document(Status.receiver_receipt, mode=QUICK)
    client, urls = client_of("receiver_colleague"), ("", "/pdf", "/pages/1.png", "/receipt")
    assert [client.get(f"/documents/{waiting.id}{url}").status_code for url in urls] == [404] * 4
    made = delegate("recipient", "receiver_colleague")
    assert [client.get(f"/documents/{waiting.id}{url}").status_code for url in urls] == [200] * 4
    top, page = client.get("/").text, client.get(f"/documents/{waiting.id}").text
    assert top.count("代理：受取 太郎様") == 2 and "代理：受取 太郎様の処理待ちです。" in page
    assert "「受取 太郎」様の代理として処理します。" in client.get(f"/documents/{waiting.id}/receipt").text
    for url in ("edit", "registration", "approval"):
        assert client.get(f"/documents/{waiting.id}/{url}").status_code == 409
    assert client.post(f"/documents/{waiting.id}/comment", {"version": "0"}).status_code == 409
    reply = client.post(f"/documents/{waiting.id}/confirm_receipt", {"version": str(waiting.version), "approvers": person("receiver_approver").user_code})
    assert reply.status_code == 302
    again = client_of("recipient").post(f"/documents/{waiting.id}/confirm_receipt", {"version": str(waiting.version - 1)})
    assert again.status_code == 409 and "他の利用者が処理済みです" in again.text
    db.session.delete(made)
    db.session.commit()
    assert [client.get(f"/documents/{document.id}").status_code for document in (waiting, other)] == [200, 404]
    own, sender = (client_of(who).get(f"/documents/{waiting.id}").text for who in ("recipient", "registrar"))
    assert "同僚 千代（受取 太郎の代理）" in own
    assert "同僚" not in sender and "の代理" not in sender and "代理：" not in sender and "受取 太郎" not in sender


@pytest.mark.requirement("I8", "S7")
def test_a_person_names_a_deputy_and_ends_it(client_of, person):
    client, other = client_of("recipient"), client_of("receiver_approver")
    reply = client.post("/deputies/", form(person), follow_redirects=True)
    assert "「同僚 千代」様を代理者に指定し" in reply.text and "署名を除く" in reply.text  # no certificate
    made = db.session.query(Delegation).one()
    assert client.post("/deputies/", form(person)).status_code == 422  # a second click
    assert "署名を除く" not in client.post("/deputies/", form(person, "receiver_signer", 3, 4), follow_redirects=True).text
    assert other.post(f"/deputies/{made.id}/end").status_code == 404
    assert client.post(f"/deputies/{made.id}/end").status_code == 302
    again = client.post(f"/deputies/{made.id}/end")
    assert again.status_code == 409 and "すでに終了しています" in again.text


@pytest.mark.requirement("I8", "R53")
@pytest.mark.parametrize("change, sentence", [
    ({"deputy": ""}, "代理者の利用者IDを入力してください。"),
    ({"deputy": "U99999999"}, "自社の有効な利用者IDを指定してください"),
    ({"deputy": "recipient"}, "ご本人を代理者に指定することはできません"),
    ({"deputy": "registrar"}, "自社の有効な利用者IDを指定してください"),
    ({"first_day": "1999-01-01"}, "日付は2000年以降"),
    ({"first_day": "来週"}, "「2026/04/01」の形式"),
    ({"last_day": "2020-01-01"}, "終了日には、開始日以降の日付"),
    ({"last_day": ""}, "終了日を入力してください。"),
])  # fmt: skip
def test_a_refused_deputy_is_explained_and_nothing_is_kept(client_of, person, change, sentence):
    typed = form(person) | change
    if change.get("deputy") in ("recipient", "registrar"):
        typed["deputy"] = person(change["deputy"]).user_code
    reply = client_of("recipient").post("/deputies/", typed)
    assert reply.status_code == 422 and sentence in reply.text
    assert db.session.query(Delegation).count() == 0


@pytest.mark.requirement("I8", "I3", "S7")
def test_an_administrator_names_a_deputy_for_a_colleague_of_the_own_company_only(client_of, person):
    recipient, admin = person("recipient").id, client_of("receiver_admin")
    for who, status in (("recipient", 403), ("admin", 404), ("stranger", 404)):
        assert client_of(who).post(f"/admin/users/{recipient}/deputies", form(person)).status_code == status
    assert db.session.query(Delegation).count() == 0
    page = admin.get(f"/admin/users/{recipient}/deputies").text
    assert "管理者として指定します" in page
    assert admin.post(f"/admin/users/{recipient}/deputies", form(person)).status_code == 302
    made = db.session.query(Delegation).one()
    assert (made.user_id, made.created_by_id) == (recipient, person("receiver_admin").id)
    page = admin.get(f"/admin/users/{recipient}/deputies").text
    (action,) = re.findall(r'action="([^"]+/end)"', page)
    assert admin.post(action).status_code == 302
    assert "代理者の指定の終了" in admin.get("/admin/history/").text


@pytest.mark.requirement("T10", "I18", "S7")
def test_inside_return_is_offered_where_the_company_chose_it_and_refused_elsewhere(client_of, make_document, person):
    document = make_document(Status.receiver_approval, mode=QUICK)
    client, url = client_of("receiver_approver"), f"/documents/{document.id}"
    data = {"version": str(document.version), "reason": "部署が違います"}
    assert "社内差戻" not in client.get(url).text
    assert client.post(f"{url}/return_inside", data).status_code == 422
    person("recipient").company.returns_inside = True
    db.session.commit()
    assert "社内差戻" in client.get(url).text and "社内差戻" in client.get(f"{url}/approval").text
    assert client.post(f"{url}/return_inside", data | {"reason": " "}).status_code == 422
    assert db.session.query(DocumentEvent).filter_by(reason=data["reason"]).count() == 0
    assert client.post(f"{url}/return_inside", data).status_code == 302
    assert client.post(f"{url}/return_inside", data).status_code == 409  # a second click
    recipient = client_of("recipient")
    for page in (recipient.get(url).text, recipient.get(f"{url}/receipt").text):
        assert "社内で差し戻された契約文書です" in page and data["reason"] in page
    receipt = recipient.get(f"{url}/receipt").text
    assert f'value="{person("receiver_approver").user_code}"' in receipt and "前回の受取確認で設定した回覧先" in receipt
    sender = client_of("registrar")
    for page in (url, "/documents/", "/documents/export.csv"):
        text = sender.get(page).text
        assert "受領側受取待ち" in text and data["reason"] not in text and "社内差戻" not in text


@pytest.mark.requirement("I8")
def test_what_a_deputy_writes_is_the_own_companys_comment(client_of, make_document, person, delegate):
    document = make_document(Status.receiver_approval, mode=QUICK)
    delegate("receiver_approver", "receiver_colleague")
    client = client_of("receiver_colleague")
    assert client.post(f"/documents/{document.id}/comment", {"version": str(document.version), "comment": "確認中"}).status_code == 302
    assert document.receivers[0].comment == "確認中"
    documents.remand(document, person("receiver_approver"), now(), reason="")
    db.session.commit()
    assert client.get(f"/documents/{document.id}").status_code == 404
