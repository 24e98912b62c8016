"""受信者 of ［契約文書登録］, and what three companies see of each other on every page."""

import io
import re

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app import queries
from app.clock import now
from app.extensions import db
from app.models import ContractDocument, PortalUser
from app.services import companies, documents
from app.workflow import Role, SignatureMode, Status
from demo import actors
from tests import pdfs

RECIPIENTS = ("recipient", "stranger")


@pytest.fixture
def typed(person):
    """What a registrar types for three companies; the values can be changed by name."""

    def fill(*receivers, **changes):
        people = [person(name) for name in receivers or RECIPIENTS]
        return {
            "title": "三者間覚書", "kind": "memorandum", "mode": "both_sides", "signer": person("signer").user_code,
            "company_code": [one.company.code for one in people], "user_code": [one.user_code for one in people],
        } | changes  # fmt: skip

    return fill


def with_file(client, url, data):
    data = data | {"pdf": FileStorage(io.BytesIO(pdfs.contract("supply-memorandum")), "覚書.pdf")}
    boundary, body = encode_multipart({"csrf_token": client.token()} | data)
    return client.post_without_token(url, body, content_type=f"multipart/form-data; boundary={boundary}")


def rows(page):
    """企業ID and 利用者ID of each row of the form."""
    values = [re.findall(rf'name="{name}" value="([^"]*)"', page) for name in ("company_code", "user_code")]
    return list(zip(*values, strict=True))


def of(*people):
    return [(one.company.code, one.user_code) for one in people]


@pytest.mark.requirement("I7", "R23", "R103", "T1", "T2")
def test_three_companies_are_registered_shown_and_corrected(client_of, person, typed):
    client = client_of("registrar")
    reply = with_file(client, "/documents/new", typed())
    (document,) = db.session.scalars(db.select(ContractDocument)).all()
    assert reply.location == f"/documents/{document.id}/registration"
    assert [receiver.people(Role.recipient)[0] for receiver in document.receivers] == [person(name) for name in RECIPIENTS]
    page = client.get(reply.location).text
    for shown in ("受信者1", "受信者2", "受領設備株式会社", "第三電工株式会社", "双方署名（全社署名）",
                  "1つの契約文書につき1回のみ"):  # fmt: skip
        assert shown in page
    assert page.count("自社に発生いたします（この取引先への課金はありません）") == 2

    edit = f"/documents/{document.id}/edit"
    page = client.get(edit).text
    assert rows(page) == of(*map(person, RECIPIENTS))
    version = re.search(r'name="version" value="(\d+)"', page).group(1)
    assert client.post(edit, typed("stranger", "recipient", version=version)).status_code == 302
    db.session.expire_all()
    assert [receiver.people(Role.recipient)[0] for receiver in document.receivers] == [person("stranger"), person("recipient")]
    assert [receiver.field_name for receiver in document.receivers] == ["receiver-1", "receiver-2"]
    version = re.search(r'name="version" value="(\d+)"', client.get(edit).text).group(1)
    assert client.post(edit, typed("stranger", version=version)).status_code == 302  # and back to two companies
    db.session.expire_all()
    assert not document.is_multilateral


@pytest.mark.requirement("I7", "I4")
@pytest.mark.parametrize("how, expected", [
    ("add", ["recipient", "stranger", None]),
    ("remove-1", ["stranger"]),
    ("up-2", ["stranger", "recipient"]),
    ("down-1", ["stranger", "recipient"]),
    ("up-1", ["recipient", "stranger"]),
    ("down-2", ["recipient", "stranger"]),
    ("remove-9", ["recipient", "stranger"]),
    ("up-0", ["recipient", "stranger"]),
    ("<b>", ["recipient", "stranger"]),
])  # fmt: skip
def test_rows_are_rearranged_without_javascript_and_nothing_typed_is_lost(client_of, person, typed, how, expected):
    reply = client_of("registrar").post("/documents/new", typed(rearrange=how, message="消えないでほしい文", mode=""))
    assert reply.status_code == 200 and "form-error" not in reply.text
    assert rows(reply.text) == [of(person(name))[0] if name else ("", "") for name in expected]
    assert "消えないでほしい文" in reply.text and 'value="三者間覚書"' in reply.text
    assert db.session.query(ContractDocument).count() == 0


@pytest.mark.requirement("I7", "I4")
def test_a_file_chosen_before_the_rows_were_rearranged_need_not_be_chosen_again(client_of, typed):
    client = client_of("registrar")
    page = with_file(client, "/documents/new", typed("recipient", rearrange="add")).text
    assert "選択済み：覚書.pdf" in page
    kept = re.search(r'name="kept_file"[^>]*value="([^"]+)"', page).group(1)
    assert client.post("/documents/new", typed(kept_file=kept)).status_code == 302
    assert db.session.query(ContractDocument).one().is_multilateral


def test_a_row_can_be_added_up_to_nine_and_the_last_one_stays(client_of, typed):
    client = client_of("registrar")
    nine = {"company_code": ["C00000009"] * 9, "user_code": ["U00000099"] * 9}
    page = client.post("/documents/new", typed(rearrange="add", **nine)).text
    assert len(rows(page)) == 9 and re.search(r'value="add"[^>]* hidden', page)
    assert len(rows(client.post("/documents/new", typed("recipient", rearrange="remove-1")).text)) == 1


@pytest.mark.requirement("R2", "I7", "D9", "R104", "B5")
@pytest.mark.parametrize("receivers, changes, sentence", [
    (RECIPIENTS, {"mode": "sender_only"}, "「3社以上契約」は、一方のみ署名契約はできません。"),
    (RECIPIENTS, {"mode": "no_signature", "signer": ""}, "「3社以上契約」は、署名なしの契約文書にはできません。"),
    (("recipient", "receiver_colleague"), {}, "「受領設備株式会社」が複数回指定されています。"),
    (("recipient", "colleague"), {}, "受信者2：自社の利用者は受信者に指定できません。"),
    (RECIPIENTS, {"user_code": ["U00000001", "U00000001"]}, "受信者1：指定された企業IDまたは利用者IDが正しくありません。"),
    (("recipient", "stranger"), {"user_code": ["", "U00000015"]}, "受信者の利用者IDを入力してください。"),
    (("recipient",), {"company_code": ["C" * 17], "user_code": ["U00000008"]}, "企業IDは16文字以内で入力してください。"),
    (("recipient",), {"company_code": ["C00000001"] * 11, "user_code": ["U00000001"] * 12}, "受信者"),
])  # fmt: skip
def test_what_cannot_be_registered_is_refused_with_the_reason(client_of, typed, receivers, changes, sentence):
    reply = with_file(client_of("registrar"), "/documents/new", typed(*receivers, **changes))
    assert reply.status_code == 422 and sentence in reply.text
    assert db.session.query(ContractDocument).count() == 0


# -- what three companies see of each other -----------------------------------------------------

SECRETS = {
    "sender": ("発出側だけの話", "登録 花子", "承認 一郎", "参照 四郎"),
    "receiver": ("第一受領側だけの話", "受取 太郎", "承認 七海", "参照 十和"),
    "third": ("第二受領側だけの話", "第三 承子", "第三 参男"),
}
LOOKING = {"sender": ("registrar", "admin"), "receiver": ("recipient", "receiver_viewer", "receiver_admin"), "third": ("stranger",)}


@pytest.fixture
def at_the_last_signer(make_document, make_plan, person):
    """A document of three companies, each with an approver, a viewer and a comment of its own."""
    third = person("stranger").company
    roles, more = queries.role_rows("Member"), []
    for name in SECRETS["third"][1:]:
        more.append(PortalUser(full_name=name, company=third, mail_address="x@third.example"))
        companies.enrol(more[-1], now(), roles=roles)
    db.session.commit()
    plan = make_plan(approvers=1, receiver_approvers=1, viewers=True, third=True)
    plan.further[0].approvers, plan.further[0].viewers = more[:1], more[1:]
    document = make_document(plan=plan, comment=SECRETS["sender"][0])
    while document.waiting_party is not document.receivers[1] or document.status is not Status.receiver_signature:
        actors.step(document, plan)
    for party, company in zip(document.parties, SECRETS, strict=True):
        party.comment = SECRETS[company][0]
    db.session.commit()
    return document


@pytest.mark.requirement("I18", "I7", "R54", "R90", "R92", "I5", "R79")
def test_comment_route_and_viewers_stay_in_each_of_three_companies(at_the_last_signer, client_of):
    document = at_the_last_signer
    base = f"/documents/{document.id}"
    for company, people in LOOKING.items():
        foreign = [secret for other, secrets in SECRETS.items() if other != company for secret in secrets]
        for who in people:
            client = client_of(who)
            pages = [client.get(url).text for url in (base, "/documents/", "/", "/documents/export.csv")]
            assert SECRETS[company][0] in pages[0]
            for page in pages:
                assert not [secret for secret in foreign if secret in page], who
            assert "受領側署名待ち（第三電工株式会社）" in pages[1] and "受領側署名待ち（第三電工株式会社）" in pages[3]
    page = client_of("recipient").get(f"{base}/signature/position").text
    assert 'aria-label="署名位置：株式会社発出建設、受領設備株式会社、第三電工株式会社"' in page
    history = re.search(r'<ul class="history">(.*?)</ul>', client_of("stranger").get(base).text, re.S).group(1)
    # the approval of the other receiver is its own affair
    assert re.findall(r"<b>([^<]+)</b> (\S+　\S+)", history) == [
        ("承認", "受領側　第三電工株式会社"), ("受取確認", "受領側　第三電工株式会社"),
        ("署名", "受領側　受領設備株式会社"), ("受取確認", "受領側　受領設備株式会社"),
        ("署名", "発出側　株式会社発出建設"), ("発信", "発出側　株式会社発出建設"),
    ]  # fmt: skip


@pytest.mark.requirement("T10", "T11", "I18", "I7")
def test_after_a_remand_a_receiver_sees_neither_it_nor_what_went_before(at_the_last_signer, client_of, make_plan, person):
    document = at_the_last_signer
    base = f"/documents/{document.id}"
    documents.remand(document, person("stranger"), now(), reason="第三者に見せない理由")
    db.session.commit()
    for who in ("recipient", "receiver_admin", "stranger"):
        assert client_of(who).get(base).status_code == 404
        assert document.number not in client_of(who).get("/documents/").text
    assert "第三者に見せない理由" in client_of("registrar").get(base).text
    actors.walk(document, make_plan(third=True), Status.receiver_receipt)
    page = client_of("recipient").get(base).text  # the own earlier comment is kept, the reason is the sender's
    assert "第一受領側だけの話" in page and "第三者に見せない理由" not in page and "差戻</b>" not in page
    assert client_of("stranger").get(base).status_code == 404


def test_two_companies_are_still_called_sender_and_receiver(make_document, client_of):
    document = make_document(Status.receiver_receipt)
    page = client_of("recipient").get(f"/documents/{document.id}/signature/position").text
    assert 'aria-label="署名位置：発出、受領"' in page
    assert "受領側受取待ち<" in client_of("registrar").get("/documents/").text
    assert SignatureMode.both_sides is document.mode and "双方署名（全社署名）" not in client_of("registrar").get(f"/documents/{document.id}").text
