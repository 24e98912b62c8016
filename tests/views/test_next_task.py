"""After 承認, 受取確認, 署名 and 差戻 the next waiting document is one click away; the page of a document asks little."""

import pytest

from app.workflow import SignatureMode, Status
from demo import actors
from tests.databases import of_the_page, statements_in

NO_SIGNATURE = SignatureMode.no_signature
NOTHING_WAITS = "処理待ちの文書はありません。"


def follow(client, reply):
    assert reply.status_code == 302
    return client.get(reply.location).text


@pytest.mark.requirement("R40", "R71", "R73")
def test_the_next_waiting_document_is_named_after_each_and_nothing_after_the_last(client_of, make_document):
    first, second = (make_document(Status.receiver_receipt, NO_SIGNATURE, title=title) for title in ("一", "<b>二</b>"))
    client = client_of("recipient")
    page = follow(client, client.post(f"/documents/{first.id}/confirm_receipt", {"version": str(first.version)}))
    assert f'次の受取待ち：<a href="/documents/{second.id}">{second.number}　&lt;b&gt;二&lt;/b&gt; を開く</a>' in page
    assert "次の受取待ち" not in client.get("/").text  # said once
    page = follow(client, client.post(f"/documents/{second.id}/remand", {"version": str(second.version)}))
    assert "差し戻しました。" in page and NOTHING_WAITS in page


@pytest.mark.requirement("R40")
def test_what_others_wait_for_comes_before_the_own_drafts(client_of, make_document, make_plan, person):
    plan = make_plan(approvers=1)
    draft = make_document(Status.draft, NO_SIGNATURE, plan=plan)
    plan.registrar = plan.approvers[0]
    plan.approvers = [person("registrar")]
    one, two = (make_document(Status.sender_approval, NO_SIGNATURE, plan=plan) for _ in range(2))
    client = client_of("registrar")
    page = follow(client, client.post(f"/documents/{one.id}/approve", {"version": str(one.version)}))
    assert f'次の承認待ち：<a href="/documents/{two.id}">' in page
    page = follow(client, client.post(f"/documents/{two.id}/approve", {"version": str(two.version)}))
    assert f'次の作成中：<a href="/documents/{draft.id}">' in page


@pytest.mark.requirement("P4", "R43", "R44", "R89")
@pytest.mark.parametrize("who, page", [("recipient", ""), ("recipient", "/receipt"), ("registrar", ""), ("admin", "")])
@pytest.mark.parametrize("is_corrected", [False, True])
def test_the_page_of_a_document_asks_the_database_little(client_of, make_document, who, page, is_corrected):
    document = make_document(Status.remanded if is_corrected else Status.receiver_receipt, NO_SIGNATURE)
    if is_corrected:
        actors.correct(document, amount_yen=2_000_000)
    client, url, asked = client_of(who), f"/documents/{document.id}{page}", []

    with statements_in(asked):
        reply = client.get(url)
    assert reply.status_code == 200
    assert len(of_the_page(asked)) <= 8, "\n".join(asked)


@pytest.mark.requirement("I18", "R43")
def test_who_may_not_open_the_file_gets_no_viewer_either(client_of, make_document):
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    shown = {who: client_of(who).get(f"/documents/{document.id}").text for who in ("recipient", "viewer", "admin")}
    assert [who for who, page in shown.items() if "data-viewer" in page] == ["recipient", "viewer"]
    assert "viewer.js" not in shown["admin"] and f"/documents/{document.id}/pdf" not in shown["admin"]
