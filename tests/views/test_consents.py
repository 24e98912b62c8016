"""［電子契約承諾管理］ and the way there from a document that lacks a consent (L14)."""

import pytest

from app import queries
from app.clock import now
from app.construction_law import CONSENT_VERSION
from app.extensions import db
from app.models import ConsentAct, ElectronicConsent
from app.services import consents
from app.workflow import SignatureMode, Status


@pytest.fixture
def draft(make_document):
    return make_document(mode=SignatureMode.no_signature, is_construction=True, title="極秘の工事", article_19=("work",))


@pytest.fixture
def asked(draft):
    """The draft, after its registrar has asked for the consent it lacks."""
    consents.request(draft, draft.registrar, now())
    db.session.commit()
    return draft


def newest(document):
    db.session.expire_all()
    return queries.newest_consent(document.receivers[0].company_id, document.sender.company_id)


@pytest.mark.requirement("L14", "L15", "D9")
def test_a_contract_without_consent_is_refused_and_the_way_out_is_offered(client_of, draft):
    client, url = client_of("registrar"), f"/documents/{draft.id}"
    page = client.get(f"{url}/registration").text
    assert "受領設備株式会社：未承諾" in page and "承諾を依頼する" in page and ">確定</button>" not in page
    assert "請負代金の額" in page and "<li>工事内容</li>" not in page  # what was not ticked
    reply = client.post(f"{url}/send", {"version": str(draft.version)})
    assert reply.status_code == 422 and "承諾が得られていない" in reply.text
    reply = client.post(f"{url}/consent_request", {"version": str(draft.version)})
    assert reply.location == f"{url}/registration"
    page = client.get(reply.location).text
    assert "受領設備株式会社の管理者に、電子契約の承諾をメールで依頼しました。" in page and "：依頼中" in page
    again = client.post(f"{url}/consent_request", {"version": str(draft.version)})
    assert again.status_code == 422 and "1日に1回まで" in again.text
    db.session.refresh(draft)
    assert draft.status is Status.draft
    assert client_of("receiver_admin").get(url).status_code == 404  # the draft itself stays the sender's


@pytest.mark.requirement("L14", "I3", "R8")
def test_the_administrator_reads_the_text_and_consents_and_the_sender_sends(client_of, asked):
    partner, client = asked.sender.company_id, client_of("receiver_admin")
    page = client.get("/admin/consents/").text
    assert "株式会社発出建設からの承諾の依頼" in page and "極秘の工事" not in page and "登録 花子" not in page
    page = client.get(f"/admin/consents/{partner}").text
    assert "PDF形式" in page and "PAdES形式" in page and f"文面の版：{CONSENT_VERSION}" in page
    assert "承諾しない" in page and "登録 花子" not in page
    reply = client.post(f"/admin/consents/{partner}/give", {"drawn": "1"})
    page = client.get(reply.location).text
    assert "承諾を撤回する" in page and "管理 万里" in page and "承諾済み" in page
    sender = client_of("admin").get("/admin/consents/").text
    assert "受領設備株式会社" in sender and "承諾済み" in sender
    shown = client_of("admin").get(f"/admin/consents/{asked.receivers[0].company_id}").text
    assert "管理 万里" not in shown  # who it was is the other company's
    registrar = client_of("registrar")
    assert ">確定</button>" in registrar.get(f"/documents/{asked.id}/registration").text
    assert registrar.post(f"/documents/{asked.id}/send", {"version": str(asked.version)}).status_code == 302


@pytest.mark.requirement("L14")
@pytest.mark.parametrize("verb, act", [("decline", ConsentAct.declined), ("give", ConsentAct.given)])
def test_the_second_click_and_the_old_page_are_told_so(client_of, asked, verb, act):
    partner, client = asked.sender.company_id, client_of("receiver_admin")
    for drawn in ("0", "2", "", "x", "１", "9" * 30):
        assert client.post(f"/admin/consents/{partner}/{verb}", {"drawn": drawn}).status_code == 409
    assert newest(asked).act is ConsentAct.requested
    assert client.post(f"/admin/consents/{partner}/{verb}", {"drawn": "1"}).status_code == 302
    assert client.post(f"/admin/consents/{partner}/{verb}", {"drawn": "1"}).status_code == 409
    assert newest(asked).act is act and newest(asked).position == 2


@pytest.mark.requirement("L14", "I18")
def test_a_pair_is_known_to_its_two_companies_administrators_alone(client_of, asked):
    giver, partner = asked.receivers[0].company_id, asked.sender.company_id
    for who, company, status in (
        ("receiver_admin", partner, 200), ("admin", giver, 200), ("stranger", partner, 404), ("stranger", giver, 404),
        ("recipient", partner, 403), ("registrar", giver, 403), ("admin", partner, 404), ("admin", 999999, 404),
        ("admin", "9" * 20, 404),
    ):  # fmt: skip
        assert client_of(who).get(f"/admin/consents/{company}").status_code == status, (who, company)
    for verb in ("give", "decline", "withdraw"):
        assert client_of("stranger").post(f"/admin/consents/{partner}/{verb}", {"drawn": "1"}).status_code == 404
        assert client_of("recipient").post(f"/admin/consents/{partner}/{verb}", {"drawn": "1"}).status_code == 403
    # the sender's administrator cannot answer for the receiver: there is nothing to answer in this direction
    assert client_of("admin").post(f"/admin/consents/{giver}/decline", {"drawn": "1"}).status_code == 409
    assert db.session.query(ElectronicConsent).count() == 1


@pytest.mark.requirement("L14", "I3")
def test_a_consent_beforehand_names_the_partner_and_shows_the_text_first(client_of, person):
    client, sender = client_of("receiver_admin"), person("registrar").company
    named = {"company_code": sender.code, "name": "発出建設"}
    wrong = client.post("/admin/consents/new", named | {"name": "別の会社"})
    assert wrong.status_code == 422 and "企業IDまたは企業名が正しくありません" in wrong.text and sender.name not in wrong.text
    own = client.post("/admin/consents/new", {"company_code": person("recipient").company.code, "name": "受領設備"})
    assert own.status_code == 422 and "自社は指定できません" in own.text
    page = client.post("/admin/consents/new", named)
    assert page.status_code == 200 and sender.name in page.text and "PDF形式" in page.text
    assert db.session.query(ElectronicConsent).count() == 0
    assert client.post("/admin/consents/new", named | {"agrees": "y", "drawn": "7"}).status_code == 409
    reply = client.post("/admin/consents/new", named | {"agrees": "y", "drawn": "0"})
    assert reply.location == f"/admin/consents/{sender.id}"
    assert "あらかじめ画面で承諾" in client.get(reply.location).text
    reply = client.post(f"/admin/consents/{sender.id}/withdraw", {"drawn": "1"})
    assert "撤回済み" in client.get(reply.location).text
    history = client.get("/admin/history/").text
    assert "電子契約の承諾の撤回" in history


@pytest.mark.requirement("L14")
def test_after_a_withdrawal_the_receivers_page_says_what_to_do(client_of, make_document, person):
    sender = person("registrar").company
    consents.give(sender, person("receiver_admin"), now(), drawn=0)
    db.session.commit()
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, is_construction=True)
    consents.withdraw(sender, person("receiver_admin"), now(), drawn=1)
    db.session.commit()
    client, url = client_of("recipient"), f"/documents/{document.id}"
    for reply in (client.get(f"{url}/receipt"), client.post(f"{url}/confirm_receipt", {"version": str(document.version)})):
        assert reply.status_code == 422 and "電子契約承諾管理" in reply.text and "差し戻してください" in reply.text
    assert client.get(url).status_code == 200
    assert client.post(f"{url}/remand", {"version": str(document.version)}).status_code == 302


@pytest.mark.requirement("L14")
def test_a_page_says_what_lacks_before_anybody_presses(client_of, make_document, person):
    partner, admin = person("registrar").company, person("receiver_admin")
    consents.give(partner, admin, now(), drawn=0)
    db.session.commit()
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, is_construction=True)
    url = f"/documents/{document.id}"
    assert "電子契約の承諾について" not in client_of("recipient").get(url).text
    consents.withdraw(partner, admin, now(), drawn=1)
    db.session.commit()
    assert "貴社の管理者が［電子契約承諾管理］で承諾してください。" in client_of("recipient").get(url).text
    assert "受領設備株式会社の承諾が得られていない" in client_of("registrar").get(url).text
