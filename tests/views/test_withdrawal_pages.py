"""取下げ and 削除 by their pages: who is offered them, the second click, the page a receiver still has open."""

import re

import pytest

from app.extensions import db
from app.models import ContractDocument, DocumentEvent, OutboxMessage
from app.workflow import OPEN, SignatureMode, Status

SENDERS = ("registrar", "approver", "signer", "viewer", "colleague", "admin")
RECEIVERS = ("recipient", "receiver_approver", "receiver_signer", "receiver_viewer", "receiver_colleague", "receiver_admin")
OTHERS = ("stranger", "operator", "anonymous")
ON_ROUTE = {  # of the receiver, who may look while the document waits there
    Status.receiver_receipt: {"recipient"},
    Status.receiver_approval: {"recipient", "receiver_approver", "receiver_signer", "receiver_viewer"},
    Status.receiver_signature: {"recipient", "receiver_approver", "receiver_signer", "receiver_viewer"},
}
NAMES = ("受取 太郎", "承認 七海", "署名 九美", "参照 十和")


def expected(who, status):
    """What somebody gets who posts 取下げ, with the right version, while the document waits in `status`."""
    if who in ("operator", "anonymous"):
        return {"operator": 403, "anonymous": 302}[who]
    if who == "registrar" or (who == "admin" and status is not Status.draft):
        return 302
    if status is Status.draft:
        return 404
    looking = {"approver", "signer", "viewer"} | ON_ROUTE.get(status, set())
    looking |= {"receiver_admin"} if status in ON_ROUTE else set()
    return 409 if who in looking else 404


def buttons(page):
    return re.findall(r'class="button button--[^>]*>([^<]+)<', page.split('<dialog class="dialog"')[0])


@pytest.mark.requirement("T12", "I3", "S7")
@pytest.mark.parametrize("status", sorted(OPEN))
def test_only_registrar_and_administrator_of_the_sender_withdraw(make_document, make_plan, client_of, status):
    document = make_document(status, plan=make_plan(approvers=1, receiver_approvers=1, viewers=True))
    url, version = f"/documents/{document.id}", str(document.version)
    owners = []
    for who in (*SENDERS, *RECEIVERS, *OTHERS):
        client, answer = client_of(who), expected(who, status)
        page = client.get(url)
        if answer == 302 and who != "anonymous":
            assert "取下げ" in buttons(page.text) and 'id="withdraw-reason"' in page.text, who
            owners.append(client)
            continue
        assert "取下げ" not in buttons(page.text), who
        assert client.post(f"{url}/withdraw", {"version": version}).status_code == answer, who
    db.session.refresh(document)
    assert (document.status, str(document.version)) == (status, version)

    last = owners[-1]
    assert last.post(f"{url}/withdraw", {"version": version, "reason": "中止"}).status_code == 302
    db.session.refresh(document)
    assert document.status is Status.withdrawn
    page = last.get(url).text
    assert "この契約文書は取り下げられました" in page and "取下げの理由：中止" in page
    assert "取下げ" not in buttons(page)
    counts = [db.session.query(table).count() for table in (DocumentEvent, OutboxMessage)]
    for client in owners:
        again = client.post(f"{url}/withdraw", {"version": version, "reason": "中止"})
        assert again.status_code == 409 and "他の利用者が処理済みです" in again.text
    assert counts == [db.session.query(table).count() for table in (DocumentEvent, OutboxMessage)]


@pytest.mark.requirement("T12", "Q4", "S7")
def test_a_receiver_with_the_page_open_is_told_in_words(make_document, client_of):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, title="極秘の契約")
    receiver, version = client_of("recipient"), str(document.version)
    assert "極秘の契約" in receiver.get(f"/documents/{document.id}").text
    assert client_of("admin").post(f"/documents/{document.id}/withdraw", {"version": version}).status_code == 302
    for reply in (
        receiver.post(f"/documents/{document.id}/confirm_receipt", {"version": version}),
        receiver.post(f"/documents/{document.id}/remand", {"version": version}),
        receiver.get(f"/documents/{document.id}"),
        receiver.get(f"/documents/{document.id}/pdf"),
    ):
        assert reply.status_code == 404
        assert "お探しのページまたは契約文書は見つかりませんでした" in reply.text and "極秘の契約" not in reply.text
    for url in ("/", "/documents/", "/documents/?status=withdrawn", f"/documents/?number={document.number}"):
        assert "極秘の契約" not in receiver.get(url).text
    db.session.refresh(document)
    assert document.status is Status.withdrawn


@pytest.mark.requirement("T12", "I18")
def test_the_sender_finds_it_and_sees_its_way_up_to_the_end_without_foreign_names(make_document, client_of):
    document = make_document(Status.receiver_signature)
    registrar = client_of("registrar")
    registrar.post(f"/documents/{document.id}/withdraw", {"version": str(document.version), "reason": "<b>中止</b>"})
    assert document.number in registrar.get("/documents/?status=withdrawn").text
    assert document.number not in registrar.get("/").text
    for who in ("registrar", "viewer", "signer", "admin"):
        page = client_of(who).get(f"/documents/{document.id}").text
        assert not [name for name in NAMES if name in page]
        assert "&lt;b&gt;中止" in page and "<b>中止" not in page
        labels = re.findall(r'timeline__label">([^<]+)<', page)
        assert labels == ["登録・発信", "署名", "受取確認", "取下げ"]
        assert "電子署名</h2>" not in page  # none is valid


@pytest.mark.requirement("T12", "Q4")
@pytest.mark.parametrize("action", ["withdraw", "delete"])
def test_an_old_page_neither_withdraws_nor_deletes(make_document, client_of, action):
    draft = make_document()
    for version in ("0", "", "x", str(draft.version + 1)):
        reply = client_of("registrar").post(f"/documents/{draft.id}/{action}", {"version": version})
        assert reply.status_code == 409
    db.session.refresh(draft)
    assert draft.status is Status.draft


# -- 削除 ------------------------------------------------------------------------


@pytest.mark.requirement("T13", "S7", "Q3")
def test_a_draft_is_deleted_by_its_registrar_from_its_page(make_document, client_of):
    draft = make_document(title="書きかけの契約")
    url, data = f"/documents/{draft.id}", {"version": str(draft.version)}
    for who in (*SENDERS, *RECEIVERS, *OTHERS):
        if who != "registrar":
            answer = {"operator": 403, "anonymous": 302}.get(who, 404)
            assert client_of(who).post(f"{url}/delete", data).status_code == answer, who
    assert db.session.query(ContractDocument).count() == 1
    registrar = client_of("registrar")
    page = registrar.get(url).text
    assert f'action="{url}/delete"' in page and "data-confirm" in page
    number = draft.number
    reply = registrar.post(f"{url}/delete", data, follow_redirects=True)
    assert reply.status_code == 200 and f"作成中の契約文書 {number} を削除しました。" in reply.text
    assert "書きかけの契約" not in reply.text
    again = registrar.post(f"{url}/delete", data)
    assert again.status_code == 404 and "見つかりませんでした" in again.text
    assert db.session.query(ContractDocument).count() == 0
    assert number in client_of("admin").get("/admin/history/").text


@pytest.mark.requirement("T13")
@pytest.mark.parametrize("status", [Status.remanded, Status.receiver_receipt])
def test_no_page_offers_to_delete_what_was_sent(make_document, client_of, status):
    document = make_document(status, mode=SignatureMode.no_signature)
    client = client_of("registrar")
    assert "削除" not in buttons(client.get(f"/documents/{document.id}").text)
    reply = client.post(f"/documents/{document.id}/delete", {"version": str(document.version)})
    assert reply.status_code == 409
    assert db.session.query(ContractDocument).count() == 1
