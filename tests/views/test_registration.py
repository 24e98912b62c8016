"""［契約文書登録］: every field, every refusal, what is kept, and the way to 発信."""

import datetime as dt
import io
import re

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from app.clock import now
from app.extensions import db
from app.models import ContractDocument, DocumentRevision, OutboxMessage, Plan
from app.plans import MATRIX, OWN_MUST_CHANGE
from app.services import documents, reassignment
from app.services.strongroom import strongroom
from app.workflow import Role, SignatureMode, Status
from tests import pdfs

WRONG_RECIPIENT = "指定された企業IDまたは利用者IDが正しくありません。"


@pytest.fixture
def filled(person):
    """What a registrar types; the values can be changed by name."""

    def fill(pdf=b"", name="注文書.pdf", **changes):
        data = {
            "title": "資材注文書", "kind": "order", "mode": "no_signature",
            "company_code": person("recipient").company.code, "user_code": person("recipient").user_code,
        } | changes  # fmt: skip
        if pdf is not None:
            data["pdf"] = FileStorage(io.BytesIO(pdf or pdfs.contract("purchase-order")), name)
        return data

    return fill


def documents_there_are():
    return db.session.scalars(db.select(ContractDocument).order_by(ContractDocument.id)).all()


def stored_files(application):
    from pathlib import Path
    from urllib.parse import urlsplit

    folder = Path(urlsplit(application.config["STORAGE_URL"]).path)
    return {path.name for path in folder.rglob("*") if path.is_file()}


def upload(client, data, url="/documents/new"):
    boundary, body = encode_multipart({"csrf_token": client.token()} | data)
    return client.post_without_token(url, body, content_type=f"multipart/form-data; boundary={boundary}")


@pytest.mark.requirement("R9", "R11", "R14", "R23", "R108", "I4", "T1", "D9")
def test_every_field_is_kept(client_of, person, filled):
    client = client_of("registrar")
    assert "<h1>契約文書登録</h1>" in client.get("/documents/new").text
    reply = upload(client, filled(
        mode="both_sides", kind="contract", conclusion_date="2026-11-30", amount_yen="￥１,２３４,５６７円",
        term_from="2026/12/01", term_to="2027-03-31", renews_itself="y", partner_number="T-77",
        deadline="2999/12/31",
        approvers=f"{person('approver').user_code}, {person('second_approver').user_code.lower()}",
        signer=person("signer").user_code, viewers=person("viewer").user_code,
        comment="社内のみ", message="よろしくお願いします。", company_code=person("recipient").company.code.lower(),
    ))  # fmt: skip
    (document,) = documents_there_are()
    assert reply.location == f"/documents/{document.id}/registration"
    assert re.fullmatch(r"D\d{8}", document.number)
    facts = {name: getattr(document, name) for name in (
        "title", "kind", "mode", "status", "conclusion_date", "amount_yen", "term_from", "term_to", "renews_itself",
        "deadline", "partner_number", "message", "file_name", "revision",
    )}  # fmt: skip
    assert facts == {
        "title": "資材注文書", "kind": "contract", "mode": "both_sides", "status": "draft",
        "conclusion_date": dt.date(2026, 11, 30), "amount_yen": 1_234_567, "term_from": dt.date(2026, 12, 1),
        "term_to": dt.date(2027, 3, 31), "renews_itself": True, "partner_number": "T-77",
        "deadline": dt.date(2999, 12, 31), "message": "よろしくお願いします。", "file_name": "注文書.pdf", "revision": 0,
    }  # fmt: skip
    sender = document.sender
    assert sender.people(Role.approver) == [person("approver"), person("second_approver")]
    assert sender.people(Role.signer) == [person("signer")] and sender.people(Role.viewer) == [
        person("viewer")
    ]
    assert sender.comment == "社内のみ"
    assert document.receivers[0].people(Role.recipient) == [person("recipient")]
    assert document.holder == person("registrar")

    page = client.get(reply.location).text
    assert "<h1>契約文書登録確認</h1>" in page
    for shown in (
        "1,234,567円",
        "2026/11/30",
        "2026/12/01 ～ 2027/03/31",
        "2999/12/31",
        "T-77",
        "承認 一郎",
        "承認 二郎",
        "社内のみ",
        "あり",
    ):
        assert shown in page
    assert db.session.query(OutboxMessage).count() == 0  # nothing leaves before ［確定］


@pytest.mark.requirement("T2", "R47", "R46", "R64")
def test_the_confirmed_document_leaves(client_of, filled):
    client = client_of("registrar")
    url = upload(client, filled()).location
    version = re.search(r'name="version" value="(\d+)"', client.get(url).text).group(1)
    (document,) = documents_there_are()
    reply = client.post(f"/documents/{document.id}/send", {"version": version})
    assert reply.location == "/" and f"契約文書 {document.number} を発信しました。" in client.get("/").text
    db.session.refresh(document)
    assert (document.status, document.revision) == (Status.receiver_receipt, 1)
    assert (
        document.sender.plan_at_sending == "one_side" and document.receivers[0].plan_at_sending == "partner"
    )


BAD_INPUT = {
    "title": ("", "契約件名を入力してください"),
    "title ": ("   ", "契約件名を入力してください"),
    "title  ": ("長" * 256, None),
    "mode": ("", "署名区分を選択してください"),
    "mode ": ("three", None),
    "kind": ("secret", None),
    "company_code": ("", "企業IDを入力してください"),
    "user_code": ("", "利用者IDを入力してください"),
    "amount_yen": ("-1", "0以上の整数"),
    "amount_yen ": ("1.5", "0以上の整数"),
    "amount_yen  ": ("百円", "0以上の整数"),
    "amount_yen   ": ("9" * 16, "0以上の整数"),
    "conclusion_date": ("2026-02-30", "形式で入力"),
    "term_to": ("2026-01-01", "始まりより後"),
    "deadline": ("2026-02-30", "形式で入力"),
    "deadline ": ("2020-01-01", "署名期限を過ぎています"),
    "partner_number": ("x" * 65, None),
    "comment": ("あ" * 2001, None),
    "message": ("あ" * 2001, None),
}


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_named_and_the_rest_is_kept(client_of, filled, case):
    name, (value, sentence) = case.strip(), BAD_INPUT[case]
    data = filled(term_from="2026-06-01", message="消えないでほしい文") | {name: value}
    if name == "message":
        data["comment"] = "消えないでほしい文"
    reply = upload(client_of("registrar"), data)
    assert reply.status_code == 422
    assert (sentence or "form-error") in reply.text
    assert "消えないでほしい文" in reply.text
    assert documents_there_are() == []


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("case", [name for name in pdfs.BAD if name not in ("over the size limit",)])
def test_a_file_that_cannot_be_signed_is_refused_with_the_cause(application, client_of, filled, case):
    build, sentence = pdfs.BAD[case]
    content, before = build(), stored_files(application)
    data = filled(message="消えないでほしい文") | {"pdf": FileStorage(io.BytesIO(content), "bad.pdf")}
    reply = upload(client_of("registrar"), data)
    assert reply.status_code == 422
    assert sentence in reply.text and "消えないでほしい文" in reply.text
    assert documents_there_are() == [] and db.session.query(DocumentRevision).count() == 0
    assert stored_files(application) == before


@pytest.mark.requirement("I5")
def test_a_file_too_large_for_the_form_is_refused(client_of, filled):
    reply = upload(client_of("registrar"), filled(b"%PDF-1.7\n" + b"0" * (41 * 1024 * 1024 + 1)))
    assert reply.status_code == 413 and "ファイルが大きすぎる" in reply.text
    assert documents_there_are() == []


@pytest.mark.requirement("I5")
def test_one_byte_over_the_limit_is_refused_with_the_limit(client_of, filled):
    build, sentence = pdfs.BAD["over the size limit"]
    reply = upload(client_of("registrar"), filled(build()))
    assert reply.status_code == 422 and sentence in reply.text


def test_without_a_file_nothing_is_registered(client_of, filled):
    reply = upload(client_of("registrar"), filled(pdf=None))
    assert reply.status_code == 422 and "契約文書(PDF)を選択してください。" in reply.text
    assert documents_there_are() == []


@pytest.mark.requirement("R23", "R53", "I1", "I2")
@pytest.mark.parametrize(
    "case",
    [
        "company unknown",
        "user unknown",
        "user of another company",
        "deleted",
        "inactive",
        "suspended",
        "terminated",
    ],
)
def test_every_wrong_recipient_gets_the_same_sentence(client_of, person, filled, case):
    recipient, changes = person("recipient"), {}
    if case == "company unknown":
        changes["company_code"] = "C99999999"
    elif case == "user unknown":
        changes["user_code"] = "U99999999"
    elif case == "user of another company":
        changes["user_code"] = person("stranger").user_code
    elif case == "deleted":
        recipient.deleted_at = now()
    elif case == "inactive":
        recipient.active = False
    else:
        recipient.company.status = case
    db.session.commit()
    reply = upload(client_of("registrar"), filled(**changes))
    assert reply.status_code == 422
    sentences = re.findall(
        r"<p>([^<]*)</p>", re.search(r'role="alert".*?</div>\s*</div>', reply.text, re.S).group()
    )
    assert sentences == [WRONG_RECIPIENT + "取引先にご確認のうえ、入力し直してください。"]
    assert documents_there_are() == []


def test_the_own_company_is_no_receiver(client_of, person, filled):
    data = filled(company_code=person("viewer").company.code, user_code=person("viewer").user_code)
    reply = upload(client_of("registrar"), data)
    assert reply.status_code == 422 and "自社の利用者は受信者に指定できません" in reply.text


# -- plans ------------------------------------------------------------------------------------


def set_plans(person, own, partner):
    for name, kind in (("registrar", own), ("recipient", partner)):
        person(name).company.plan = db.session.query(Plan).filter_by(kind=kind).one()
    db.session.commit()


@pytest.mark.requirement("R102", "R104", "D9", "D11")
@pytest.mark.parametrize("own, partner", MATRIX)
def test_a_pair_that_may_not_deal_is_refused_at_registration(client_of, person, filled, own, partner):
    set_plans(person, own, partner)
    reply, answer = upload(client_of("registrar"), filled()), MATRIX[own, partner]
    if isinstance(answer, str):
        assert reply.status_code == 422 and answer in reply.text
        assert documents_there_are() == []
    else:
        assert reply.status_code == 302
        page = client_of("registrar").get(reply.location).text
        said = {
            (True, True): "双方に利用料金が発生",
            (True, False): "自社に発生",
            (False, True): "取引先に発生",
        }
        warned = "双方に利用料金が発生" in page
        assert warned is (own == partner == "one_side")
        if own != partner:
            assert said[answer.own, answer.partner] in page


@pytest.mark.requirement("R104", "T2")
def test_a_pair_that_became_unavailable_is_refused_at_sending(client_of, person, make_document):
    document = make_document(mode=SignatureMode.no_signature)
    set_plans(person, "partner", "both_sides")
    client = client_of("registrar")
    for reply in (
        client.get(f"/documents/{document.id}/registration"),
        client.post(f"/documents/{document.id}/send", {"version": str(document.version)}),
    ):
        assert reply.status_code == 422 and OWN_MUST_CHANGE in reply.text
    db.session.refresh(document)
    assert document.status is Status.draft


# -- the own route ------------------------------------------------------------------------------


@pytest.mark.requirement("R53", "R9")
@pytest.mark.parametrize("field", ["approvers", "signer", "viewers"])
@pytest.mark.parametrize("who", ["recipient", "deleted", "unknown"])
def test_the_own_route_holds_own_living_people_only(client_of, person, filled, field, who):
    person("colleague").deleted_at = now()
    db.session.commit()
    code = {
        "recipient": person("recipient").user_code,
        "deleted": person("colleague").user_code,
        "unknown": "X",
    }[who]
    data = filled(mode="sender_only", signer=person("signer").user_code) | {field: code}
    reply = upload(client_of("registrar"), data)
    assert reply.status_code == 422 and "自社の有効な利用者IDではありません" in reply.text
    assert documents_there_are() == []


@pytest.mark.requirement("I4")
@pytest.mark.parametrize("mode, signer, sentence", [
    ("both_sides", "", "署名者を指定してください"),
    ("sender_only", "", "署名者を指定してください"),
    ("sender_only", "signer viewer", "署名者は1名だけ"),
    ("receiver_only", "signer", "署名者の指定を外して"),
    ("no_signature", "signer", "署名者の指定を外して"),
])  # fmt: skip
def test_the_signer_fits_the_mode(client_of, person, filled, mode, signer, sentence):
    codes = " ".join(person(name).user_code for name in signer.split())
    reply = upload(client_of("registrar"), filled(mode=mode, signer=codes))
    assert reply.status_code == 422 and sentence in reply.text


@pytest.mark.requirement("I4")
def test_there_are_at_most_five_approvers(client_of, person, filled):
    names = ("approver", "second_approver", "signer", "viewer", "colleague", "admin")
    codes = [person(name).user_code for name in names]
    assert "承認者は5名まで" in upload(client_of("registrar"), filled(approvers=" ".join(codes))).text
    assert upload(client_of("registrar"), filled(approvers="、".join(codes[:5]))).status_code == 302


@pytest.mark.requirement("R12", "R13", "R20")
def test_one_id_may_be_registrar_and_signer(client_of, person, filled):
    reply = upload(client_of("signer"), filled(mode="sender_only", signer=person("signer").user_code))
    assert reply.status_code == 302
    (document,) = documents_there_are()
    client_of("signer").post(f"/documents/{document.id}/send", {"version": str(document.version)})
    db.session.refresh(document)
    assert (document.status, document.holder) == (Status.sender_signature, person("signer"))


def test_a_signer_without_certificate_is_pointed_out_before_sending(client_of, person, filled):
    client = client_of("registrar")
    reply = upload(client, filled(mode="sender_only", signer=person("viewer").user_code))
    assert "「参照 四郎」様には、利用できる電子証明書がありません" in client.get(reply.location).text
    (document,) = documents_there_are()
    document_page = client.get(f"/documents/{document.id}/registration").text
    assert "署名位置確認" in document_page


@pytest.mark.requirement("T2")
def test_a_route_with_somebody_deleted_meanwhile_is_not_sent(client_of, make_document, person):
    document = make_document(mode=SignatureMode.no_signature)
    person("recipient").deleted_at = now()
    db.session.commit()
    reply = client_of("registrar").post(f"/documents/{document.id}/send", {"version": str(document.version)})
    assert reply.status_code == 422 and "企業IDまたは利用者ID" in reply.text
    db.session.refresh(document)
    assert document.status is Status.draft


# -- the file of an earlier attempt ---------------------------------------------------------------


def kept(page):
    return re.search(r'name="kept_file"[^>]*value="([^"]+)"', page).group(1)


@pytest.mark.requirement("I4")
def test_the_accepted_file_need_not_be_chosen_again(client_of, filled):
    client = client_of("registrar")
    reply = upload(client, filled(company_code="C99999999"))
    assert reply.status_code == 422 and "選択済み：注文書.pdf" in reply.text
    assert upload(client, filled(pdf=None, kept_file=kept(reply.text))).status_code == 302
    (document,) = documents_there_are()
    assert document.file_name == "注文書.pdf" and document.page_count >= 1


@pytest.mark.requirement("S7", "S17")
def test_a_kept_file_serves_only_the_person_who_gave_it(client_of, filled, person):
    reply = upload(client_of("registrar"), filled(company_code="C99999999"))
    token = kept(reply.text)
    for name, given in (
        ("colleague", token), ("stranger", token), ("registrar", token[:-2] + "xx"), ("registrar", "nonsense"),
        ("registrar", '["a.pdf","' + "0" * 64 + '",1]'), ("registrar", "." + token),
    ):  # fmt: skip
        reply = upload(client_of(name), filled(pdf=None, kept_file=given))
        assert reply.status_code == 422 and "契約文書(PDF)を選択してください。" in reply.text, given
    assert documents_there_are() == []


# -- correcting ------------------------------------------------------------------------------------


@pytest.mark.requirement("T11", "R50", "I4")
def test_a_remanded_document_is_corrected_and_sent_under_the_same_number(
    client_of, make_document, filled, person
):
    document = make_document(Status.remanded, mode=SignatureMode.no_signature)
    number, old_file = document.number, document.pdf_sha256
    client = client_of("registrar")
    page = client.get(f"/documents/{document.id}/edit").text
    assert (
        "<h1>契約文書修正</h1>" in page
        and 'value="資材注文書"' in page
        and person("recipient").user_code in page
    )
    data = filled(
        pdfs.contract("estimate-breakdown"), title="資材注文書（訂正）", version=str(document.version)
    )
    assert upload(client, data, f"/documents/{document.id}/edit").status_code == 302
    db.session.refresh(document)
    assert document.pdf_sha256 != old_file and document.title == "資材注文書（訂正）"
    client.post(f"/documents/{document.id}/send", {"version": str(document.version)})
    db.session.refresh(document)
    assert (document.number, document.revision, document.status) == (number, 2, Status.receiver_receipt)
    assert len(documents_there_are()) == 1
    strongroom().store.get(old_file)  # the earlier file stays


@pytest.mark.requirement("T11", "Q4")
def test_an_old_correction_is_refused(client_of, make_document, filled):
    document = make_document(Status.remanded, mode=SignatureMode.no_signature)
    client, version = client_of("registrar"), str(document.version)
    url = f"/documents/{document.id}/edit"
    assert upload(client, filled(pdf=None, title="一", version=version), url).status_code == 302
    assert upload(client, filled(pdf=None, title="二", version=version), url).status_code == 409
    db.session.refresh(document)
    assert document.title == "一"


@pytest.mark.requirement("T11")
def test_a_refused_correction_keeps_the_typed_text_and_the_old_document(client_of, make_document, filled):
    document = make_document(Status.remanded, mode=SignatureMode.no_signature)
    data = filled(pdf=None, title="新しい件名", version=str(document.version), user_code="U99999999")
    reply = upload(client_of("registrar"), data, f"/documents/{document.id}/edit")
    assert reply.status_code == 422 and "新しい件名" in reply.text and WRONG_RECIPIENT in reply.text
    db.session.refresh(document)
    assert document.title == "資材注文書"


@pytest.mark.requirement("T11", "I18")
def test_another_receiver_after_a_remand_leaves_the_first_with_nothing(
    client_of, make_document, filled, person
):
    document = make_document(Status.remanded, mode=SignatureMode.no_signature)
    client = client_of("registrar")
    stranger = person("stranger")
    data = filled(
        pdf=None,
        version=str(document.version),
        company_code=stranger.company.code,
        user_code=stranger.user_code,
    )
    upload(client, data, f"/documents/{document.id}/edit")
    db.session.refresh(document)
    assert (
        client.post(f"/documents/{document.id}/send", {"version": str(document.version)}).status_code == 302
    )
    assert client_of("stranger").get(f"/documents/{document.id}").status_code == 200
    for name in ("recipient", "receiver_admin"):
        assert client_of(name).get(f"/documents/{document.id}").status_code == 404


@pytest.mark.requirement("R79", "I5", "R113", "R108")
@pytest.mark.parametrize("mode, labels", [
    ("both_sides", ["発出", "受領"]), ("sender_only", ["発出"]), ("receiver_only", ["受領"]), ("no_signature", []),
])  # fmt: skip
def test_the_positions_shown_are_those_that_will_be_signed(client_of, make_document, mode, labels):
    document = make_document(
        Status.receiver_receipt if mode != "both_sides" else Status.sender_signature, mode=SignatureMode(mode)
    )
    page = client_of("registrar").get(f"/documents/{document.id}/signature/position").text
    assert "<h1>署名位置確認</h1>" in page and ">閉じる</button>" in page
    shown = re.findall(r'<text class="signature-page__name"[^>]*>([^<]+)</text>', page)
    assert [label.removesuffix("（署名済み）") for label in shown] == labels
    picture = re.search(r'src="(/documents/\d+/pages/\d+\.png)"', page)
    assert bool(picture) is bool(labels)
    if picture:
        assert client_of("registrar").get(picture.group(1)).data.startswith(b"\x89PNG")
    for number in ("0", str(document.page_count + 1)):
        assert client_of("registrar").get(f"/documents/{document.id}/pages/{number}.png").status_code == 404


@pytest.mark.parametrize("text", ["\x00", "a\x00b"])
def test_a_null_character_breaks_nothing(client_of, filled, text):
    reply = upload(client_of("registrar"), filled(title=text + "件名", message=text))
    assert reply.status_code == 400 and documents_there_are() == []
    assert client_of("registrar").get("/documents/", query_string={"title": text}).status_code == 400


@pytest.mark.requirement("T1", "Q3")
def test_one_form_makes_one_document_however_often_it_is_sent(client_of, filled):
    client = client_of("registrar")
    token = re.search(r'name="token"[^>]*value="([^"]+)"', client.get("/documents/new").text).group(1)
    assert upload(client, filled(token=token)).status_code == 302
    assert upload(client, filled(token=token)).status_code == 409
    assert len(documents_there_are()) == 1
    assert upload(client, filled()).status_code == 302  # a new form makes a new one
    assert len(documents_there_are()) == 2


@pytest.mark.requirement("T17", "I18", "T11")
def test_after_a_remand_the_sender_learns_no_colleague_whom_the_receiver_put_in_place(
    client_of, make_document, person, filled
):
    document, colleague = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature), person("receiver_colleague")
    reassignment.reassign(document, person("receiver_admin"), person("recipient"), colleague, now())
    documents.remand(document, colleague, now())
    db.session.commit()
    client = client_of("registrar")
    form, confirmation = (client.get(f"/documents/{document.id}/{page}").text for page in ("edit", "registration"))
    for page in (form, confirmation):
        assert colleague.user_code not in page and "取引先で" in page and "変更されました" in page
    assert "もう一度取引先にご確認" in form and re.search(r'name="user_code"[^>]*value=""', form)
    reply = client.post(f"/documents/{document.id}/edit", filled(None, version=str(document.version), user_code=""))
    assert reply.status_code == 422 and "もう一度取引先にご確認" in reply.text
    reply = client.post(f"/documents/{document.id}/edit", filled(None, version=str(document.version)))
    assert reply.status_code == 302
    page = client.get(f"/documents/{document.id}/edit").text
    assert person("recipient").user_code in page and "変更されました" not in page


@pytest.mark.requirement("L14", "L15", "L19", "L20")
def test_what_the_law_asks_is_kept_and_shown_again(client_of, filled):
    client = client_of("registrar")
    law = {"is_construction": "y", "is_disclosure": "y", "article_19": ["price", "work"]}
    document_url = upload(client, filled(**law)).location.removesuffix("/registration")
    (document,) = documents_there_are()
    assert (document.is_construction, document.is_disclosure, document.article_19) == (True, True, ["price", "work"])
    form = client.get(f"{document_url}/edit").text
    for name in ('name="is_construction"', 'name="is_disclosure"', 'value="work"', 'value="price"'):
        assert re.search(rf"<input[^>]*\bchecked[^>]*{name}", form), name
    assert not re.search(r'<input[^>]*\bchecked[^>]*value="disputes"', form) and "「変更契約書」として登録" in form
    assert upload(client, filled(**law | {"article_19": ["moon"]})).status_code == 422
    upload(client, filled(pdf=None, article_19=["work"]) | {"version": "1"}, f"{document_url}/edit")
    db.session.expire_all()
    (document,) = documents_there_are()
    assert (document.is_construction, document.is_disclosure, document.article_19) == (False, False, [])
