"""［一括署名］, ［一括承認］, ［一括受取確認］ and how they went, as pages (R99, I13)."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.jobs import run_job
from app.models import BulkOperation, BulkOperationItem, ContractCase, DocumentSignature, ItemState, Letter
from app.services import documents
from app.workflow import SignatureMode, Status
from demo import actors
from tests.databases import of_the_page, statements_in

BY_RECEIVER, NO_SIGNATURE = SignatureMode.receiver_only, SignatureMode.no_signature
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@pytest.fixture
def to_sign(make_document, person):
    person("receiver_signer").company.has_bulk_signing = True
    return [make_document(Status.receiver_signature, BY_RECEIVER, title=f"注文請書{number}") for number in (1, 2)]


def chosen(made, **more):
    shown = [f"{one.id}:{one.version}:{one.pdf_sha256}" for one in made]
    return {"document": shown, "seen": shown} | more


def secret_of(signer):
    link = queries.activations_of(signer, now())[0]
    secret = actors.secret_mailed(signer, Letter.signing_password, Letter.signing_password_reissued)
    return {"certificate": str(link.id), "signing_password": secret}


@pytest.mark.requirement("R99", "I13", "R40", "R80")
def test_from_my_list_to_the_result_of_each(client_of, to_sign, make_document, person):
    draft = make_document(Status.receiver_receipt, NO_SIGNATURE)
    client, signer = client_of("receiver_signer"), person("receiver_signer")
    page = client.get("/").text
    assert "一括署名（2件）" in page and "一括承認" not in page and page.count('name="document"') == 2
    page = client.get(f"/bulk/sign?document={to_sign[1].id}&document={draft.id}&document=x").text
    assert "選択された契約文書のうち1件は、一括署名の対象ではない" in page
    taken = re.findall(r'name="document" value="(\d+):[^"]+" checked', page)
    assert taken == [str(to_sign[1].id)] and page.count("data-bulk-open") == 2
    reply = client.post("/bulk/sign/confirmation", chosen(to_sign, comment="確認済み"))
    assert reply.status_code == 200 and "1回の入力で、上記のすべて" in reply.text
    typed = chosen(to_sign, comment="確認済み", token=TOKEN.search(reply.text).group(1)) | secret_of(signer)
    reply = client.post("/bulk/sign/operations", typed)
    assert reply.status_code == 302
    page = client.get(reply.location).text
    assert "2件のうち0件を処理しました" in page and "data-progress" in page and 'http-equiv="refresh"' in page
    page = client.get("/").text
    assert "一括署名を処理しています（2件のうち0件を処理しました）" in page and page.count("一括処理中") == 2
    assert 'name="document"' not in page and "の対象になる契約文書はありません" in client.get("/bulk/sign").text
    db.session.query(BulkOperationItem).filter_by(document_id=to_sign[1].id).update({"version": 1})
    db.session.commit()
    run_job("bulk-operation")
    page = client.get(reply.location).text
    assert "2件のうち1件が完了し、1件は完了できませんでした" in page and "他の利用者が処理済みか" in page
    assert "http-equiv" not in page
    assert "2件のうち1件を完了できませんでした" in client.get("/").text
    db.session.refresh(to_sign[0])
    assert to_sign[0].status is Status.completion_wait


@pytest.mark.requirement("I13", "I18", "S7")
def test_the_result_tells_nothing_of_what_is_no_longer_the_persons_and_leads_to_the_rest(client_of, make_document, person):
    made = [make_document(Status.receiver_approval, NO_SIGNATURE) for _ in range(4)]
    client, actor = client_of("receiver_approver"), person("receiver_approver")
    url = client.post("/bulk/approve/operations", chosen(made[:3], token="1c0b2e6e-3b60-4a35-9d4d-7e9b6a1d8f11")).location
    documents.remand(made[0], actor, now(), reason="金額")
    documents.write_comment(made[1], actor, "確認中")
    made[0].title = "他社に見せる新しい件名"
    db.session.commit()
    run_job("bulk-operation")
    page = client.get(url).text
    assert "他社に見せる新しい件名" not in page and f"/documents/{made[0].id}\"" not in page and made[0].number in page
    again = re.search(r'href="(/bulk/approve\?[^"]+)"', page).group(1)
    assert again == f"/bulk/approve?document={made[1].id}"
    assert re.findall(r'name="document" value="(\d+):[^"]+" checked', client.get(again).text) == [str(made[1].id)]


@pytest.mark.requirement("R99", "I13")
def test_what_is_refused_keeps_what_was_typed(client_of, to_sign, person):
    client = client_of("receiver_signer")
    reply = client.post("/bulk/sign/confirmation", chosen(to_sign, seen=chosen(to_sign[:1])["seen"], comment="控え"))
    assert reply.status_code == 422 and f"チェックが入っていない契約文書があります：{to_sign[1].number}" in reply.text
    assert re.findall(r'name="seen" value="(\d+):[^"]+" checked', reply.text) == [str(to_sign[0].id)]
    assert reply.text.count(' checked data-bulk-take') == 2 and ">控え</textarea>" in reply.text.replace("\r\n", "")
    typed = chosen(to_sign, comment="控え", token="1c0b2e6e-3b60-4a35-9d4d-7e9b6a1d8f11")
    for wrong, words in (
        ({"certificate": "", "signing_password": ""}, "署名用パスワードを入力してください"),
        (secret_of(person("receiver_signer")) | {"signing_password": "not it"}, "あと4回誤ると"),
        (secret_of(person("receiver_signer")) | {"certificate": "999999"}, "証明書を選択してください"),
    ):
        reply = client.post("/bulk/sign/operations", typed | wrong)
        assert reply.status_code == 422 and words in reply.text and 'value="控え"' in reply.text
        assert TOKEN.search(reply.text).group(1) == typed["token"] and "not it" not in reply.text
    for bad in ({"document": ["x"]}, {"document": ["9" * 40 + ":1:x"]}, {"document": [f"{to_sign[0].id}:1:a", f"{to_sign[0].id}:2:b"]}, {"token": "x"}):
        assert client.post("/bulk/sign/operations", typed | secret_of(person("receiver_signer")) | bad).status_code == 422
    moved = {"document": [f"{one.id}:{one.version + 1}:{one.pdf_sha256}" for one in to_sign]}
    reply = client.post("/bulk/sign/confirmation", typed | moved)
    assert reply.status_code == 409
    before = chosen(to_sign)
    documents.write_comment(to_sign[0], person("receiver_signer"), "中身が変わった")  # any change counts a version
    db.session.commit()
    for sent, status in ((before, 409), (chosen(to_sign, seen=before["seen"]), 422)):
        reply = client.post("/bulk/sign/confirmation", sent)
        assert reply.status_code == status  # what was ticked is no more what is there
        assert re.findall(r'name="seen" value="(\d+):[^"]+" checked', reply.text) == [str(to_sign[1].id)]
    many = {"document": [f"{number}:1:x" for number in range(1, 52)]}
    reply = client.post("/bulk/sign/confirmation", typed | many)
    assert reply.status_code == 422 and "一度に処理できるのは50件まで" in reply.text
    assert client.get("/bulk/remand").status_code == client.post("/bulk/withdraw/confirmation").status_code == 404
    assert db.session.query(BulkOperation).count() == 0


@pytest.mark.requirement("R99", "I11")
def test_without_the_option_the_page_says_what_to_do(client_of, to_sign, person):
    person("receiver_signer").company.has_bulk_signing = False
    client, admin = client_of("receiver_signer"), client_of("receiver_admin")
    page = client.get("/bulk/sign")
    assert page.status_code == 200 and "貴社の管理者に、オプションの利用の申請をご依頼ください" in page.text
    assert "オプションの利用を申請" not in page.text and "/admin/service/" in admin.get("/bulk/sign").text
    for rest in ("", "/confirmation", "/operations"):
        reply = client.post(f"/bulk/sign{rest}", chosen(to_sign, certificate="1", signing_password="1"))
        assert reply.status_code == 403 and "一括署名オプション（有料）の利用申請が必要です" in reply.text
    person("receiver_signer").company.signs_by_code = True
    assert "契約文書を1件ずつ開いて署名してください" in client.get("/bulk/sign").text


@pytest.mark.requirement("Q3", "I13", "R99")
def test_the_same_form_ten_times_at_once_is_one_operation(client_of, to_sign, person):
    clients = [client_of("receiver_signer") for _ in range(10)]
    tokens = [client.token() for client in clients]
    data = chosen(to_sign, token="1c0b2e6e-3b60-4a35-9d4d-7e9b6a1d8f11") | secret_of(person("receiver_signer"))
    db.session.remove()

    def lane(number):
        reply = clients[number].client.post("/bulk/sign/operations", data=data | {"csrf_token": tokens[number]})
        return reply.status_code, reply.headers.get("Location")

    with ThreadPoolExecutor(10) as pool:
        replies = list(pool.map(lane, range(10)))
    operation = db.session.query(BulkOperation).one()
    went = {location for status, location in replies if status == 302}
    assert went == {f"/bulk/operations/{operation.id}"}
    assert {status for status, _ in replies} <= {302, 422}  # 422: more tries at the password at once than there are
    run_job("bulk-operation")
    db.session.expire_all()
    assert [item.state for item in operation.items] == [ItemState.done] * 2
    assert db.session.query(DocumentSignature).count() == 2 and person("receiver_signer").signing_failures == 0


@pytest.mark.requirement("I13", "R60", "R67")
def test_one_route_for_all_is_chosen_confirmed_and_laid(client_of, make_document, person):
    person("recipient").company.plan = person("registrar").company.plan
    made = [make_document(Status.receiver_receipt, mode) for mode in (BY_RECEIVER, NO_SIGNATURE)]
    client, signer = client_of("recipient"), person("receiver_signer").user_code
    assert "対象のすべての契約文書に、同じ回覧先が設定されます" in client.get("/bulk/confirm_receipt").text
    reply = client.post("/bulk/confirm_receipt/confirmation", chosen(made))
    assert reply.status_code == 422 and f"自社の署名が必要です：{made[0].number}" in reply.text
    page = client.post("/bulk/confirm_receipt/confirmation", chosen(made, signer=signer)).text
    assert f"双方に利用料金が発生する契約文書：{made[0].number}、{made[1].number}" in page and "data-confirm" in page
    typed = chosen(made, signer=signer, token=TOKEN.search(page).group(1))
    back = client.post("/bulk/confirm_receipt", typed)
    assert back.status_code == 200 and back.text.count(" checked data-bulk-tick") == 2 and f'value="{signer}"' in back.text
    reply = client.post("/bulk/confirm_receipt/operations", typed)
    assert reply.status_code == 422 and "双方に利用料金が発生" in reply.text
    assert client.post("/bulk/confirm_receipt/operations", typed | {"fee_ack": "true"}).status_code == 302
    run_job("bulk-operation")
    db.session.expire_all()
    assert [one.status for one in made] == [Status.receiver_signature, Status.completion_wait]


@pytest.mark.requirement("R97", "I12", "I13")
def test_one_case_for_all_is_offered_with_the_option_and_set_at_receipt(client_of, make_document, person):
    company = person("recipient").company
    company.plan = person("registrar").company.plan
    made = [make_document(Status.receiver_receipt, NO_SIGNATURE) for _ in range(3)]
    client, fee = client_of("recipient"), {"fee_ack": "true"}
    assert 'name="case_number"' not in client.get("/bulk/confirm_receipt").text
    reply = client.post("/bulk/confirm_receipt/confirmation", chosen(made, case_number="K-1"))
    assert reply.status_code == 422 and "案件を設定できません" in reply.text
    company.has_case_at_receipt = True
    first, ended, other = (ContractCase(company=company, number=f"K-{n}", name=f"案件{n}", created_at=now()) for n in (1, 2, 3))
    ended.closed_at = now()
    made[1].party_of(company.id).case = other
    db.session.add_all([first, ended])
    db.session.commit()
    assert 'name="case_number"' in client.get("/bulk/confirm_receipt").text
    reply = client.post("/bulk/confirm_receipt/confirmation", chosen(made[:1], case_number="K-2"))
    assert reply.status_code == 422 and "終了しています" in reply.text and 'value="K-2"' in reply.text
    page = client.post("/bulk/confirm_receipt/confirmation", chosen(made[:1], case_number="ｋ－１")).text
    assert "K-1　案件1" in page
    typed = chosen(made[:1], case_number="ｋ－１", token=TOKEN.search(page).group(1)) | fee
    assert client.post("/bulk/confirm_receipt/operations", typed).status_code == 302
    page = client.post("/bulk/confirm_receipt/confirmation", chosen(made[1:2])).text
    assert "変更しない" in page
    client.post("/bulk/confirm_receipt/operations", chosen(made[1:2], token=TOKEN.search(page).group(1)) | fee)
    run_job("bulk-operation")
    typed = chosen(made[2:], case_number="K-1", token="1c0b2e6e-3b60-4a35-9d4d-7e9b6a1d8f99") | fee
    location = client.post("/bulk/confirm_receipt/operations", typed).location
    first.closed_at = now()  # meanwhile
    db.session.commit()
    run_job("bulk-operation")
    db.session.expire_all()
    assert [one.party_of(company.id).case for one in made] == [first, other, None]
    assert made[2].status is Status.receiver_receipt and "案件「K-1」は終了しています" in client.get(location).text


@pytest.mark.requirement("P4", "I13")
def test_the_number_of_statements_does_not_grow_with_the_documents(client_of, make_document):
    client, asked = client_of("receiver_approver"), []

    def statements(url):
        asked.clear()
        with statements_in(asked):
            reply = client.get(url)
        assert reply.status_code == 200
        return len(of_the_page(asked))

    def ask(documents, token):
        return client.post("/bulk/approve/operations", chosen(documents, token=f"1c0b2e6e-3b60-4a35-9d4d-7e9b6a1d8f{token}")).location

    made = [make_document(Status.receiver_approval, NO_SIGNATURE) for _ in range(10)]
    urls = ["/", "/bulk/approve", ask(made[:2], 11)]
    ask(made[2:4], 12)
    few = [statements(url) for url in urls]
    assert max(few) <= 8, few
    urls[2] = ask(made[4:8], 13)
    assert [statements(url) for url in urls] == few
