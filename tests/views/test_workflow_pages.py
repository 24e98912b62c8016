"""The workflow by its pages: who may press what, the second click, the old page."""

import re

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.models import DocumentEvent, DocumentSignature, Letter, OutboxMessage
from app.workflow import SignatureMode, Status
from demo import actors

TAKEN = "他の利用者が処理済みです"
SENDERS = ("registrar", "approver", "signer", "viewer", "colleague", "admin")
RECEIVERS = (
    "recipient",
    "receiver_approver",
    "receiver_signer",
    "receiver_viewer",
    "receiver_colleague",
    "receiver_admin",
)
OTHERS = ("stranger", "operator", "anonymous")


@pytest.fixture
def form_of(person):
    """What the page of an action would send for a document."""

    def fill(document, action, who=None):
        data = {"version": str(document.version)}
        if action == "confirm_receipt" and document.mode.is_signed_by("receiver"):
            data["signer"] = person("receiver_signer").user_code
        if action == "sign":
            signer = document.holder
            data["certificate"] = str(queries.activations_of(signer, now())[0].id)
            data["signing_password"] = actors.secret_mailed(
                signer, Letter.signing_password, Letter.signing_password_reissued
            )
        return data

    return fill


# status -> (action, who has the turn, where it goes to); everybody on both routes is in the document
TURNS = {
    Status.draft: ("send", "registrar", Status.sender_approval),
    Status.remanded: ("send", "registrar", Status.sender_approval),
    Status.sender_approval: ("approve", "approver", Status.sender_signature),
    Status.sender_signature: ("sign", "signer", Status.receiver_receipt),
    Status.receiver_receipt: ("confirm_receipt", "recipient", Status.receiver_signature),
    Status.receiver_approval: ("approve", "receiver_approver", Status.receiver_signature),
    Status.receiver_signature: ("sign", "receiver_signer", Status.completion_wait),
}
CASES = [(status, *turn) for status, turn in TURNS.items()] + [
    (status, "remand", TURNS[status][1], Status.remanded)
    for status in TURNS
    if status not in (Status.draft, Status.remanded)
]


def expected(who, holder, status):
    """What somebody gets who presses a button while the document waits in `status` for `holder`."""
    if who == holder:
        return 302
    if who in ("operator", "anonymous"):
        return {"operator": 403, "anonymous": 302}[who]
    side = SENDERS if who in SENDERS else RECEIVERS if who in RECEIVERS else ()
    if status is Status.draft:
        return 404  # a draft is its registrar's alone
    seen_by = {"registrar", "approver", "signer", "viewer", "admin"}
    if status in (Status.receiver_receipt, Status.receiver_approval, Status.receiver_signature):
        seen_by |= {"recipient", "receiver_admin"}
    if status in (Status.receiver_approval, Status.receiver_signature):
        seen_by |= {"receiver_approver", "receiver_signer", "receiver_viewer"}
    return 409 if who in seen_by and side else 404


@pytest.mark.requirement(
    "R9", "R10", "R11", "R12", "R14", "R107", "R50", "R78", "I6", "I8", "I18",
    "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T10",
)  # fmt: skip
@pytest.mark.parametrize("status, action, holder, after", CASES)
def test_only_the_holder_moves_a_document(
    make_document, make_plan, client_of, form_of, status, action, holder, after
):
    plan = make_plan(approvers=1, receiver_approvers=1, viewers=True)
    document = make_document(status, plan=plan)
    form = form_of(document, action)
    for who in (*SENDERS, *RECEIVERS, *OTHERS):
        if who != holder:
            reply = client_of(who).post(f"/documents/{document.id}/{action}", form)
            assert reply.status_code == expected(who, holder, status), who
            if reply.status_code == 409:
                assert TAKEN in reply.text
    db.session.refresh(document)
    assert document.status is status
    assert str(document.version) == form["version"]
    events = db.session.query(DocumentEvent).count()

    assert client_of(holder).post(f"/documents/{document.id}/{action}", form).status_code == 302
    db.session.refresh(document)
    assert document.status is after
    assert db.session.query(DocumentEvent).count() == events + 1


@pytest.mark.requirement("R1", "R107", "Q3")
@pytest.mark.parametrize("status, action, holder, after", CASES)
def test_the_second_click_has_no_effect(
    make_document, make_plan, client_of, form_of, status, action, holder, after
):
    document = make_document(status, plan=make_plan(approvers=1, receiver_approvers=1, viewers=True))
    form, client = form_of(document, action), client_of(holder)
    assert client.post(f"/documents/{document.id}/{action}", form).status_code == 302
    counts = [db.session.query(table).count() for table in (DocumentEvent, OutboxMessage, DocumentSignature)]
    again = client.post(f"/documents/{document.id}/{action}", form)
    # a receiver who remanded has lost the document altogether
    assert again.status_code == (404 if action == "remand" and holder.startswith("rec") else 409)
    assert counts == [
        db.session.query(table).count() for table in (DocumentEvent, OutboxMessage, DocumentSignature)
    ]
    db.session.refresh(document)
    assert document.status is after


@pytest.mark.requirement("T2", "Q4")
@pytest.mark.parametrize("version", ["0", "999", "", "x", None])
@pytest.mark.parametrize("action", ["confirm_receipt", "receipt/confirmation", "remand", "comment"])
def test_an_old_page_is_refused_and_changes_nothing(make_document, client_of, action, version):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    data = {"comment": "neu", "reason": "neu"} | ({} if version is None else {"version": version})
    reply = client_of("recipient").post(f"/documents/{document.id}/{action}", data)
    assert reply.status_code == 409 and TAKEN in reply.text
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt
    assert document.receivers[0].comment == ""


BUTTONS = {
    Status.receiver_receipt: ("recipient", ["差戻", "受取確認"]),
    Status.receiver_signature: ("receiver_signer", ["差戻", "署名用パスワード再発行", "署名"]),
    Status.sender_signature: ("signer", ["差戻", "署名用パスワード再発行", "署名"]),
    Status.sender_approval: ("approver", ["差戻", "承認"]),
    Status.receiver_approval: ("receiver_approver", ["差戻", "承認"]),
    Status.draft: ("registrar", ["修正", "発信の確認へ進む"]),
    Status.remanded: ("registrar", ["修正", "発信の確認へ進む"]),
}


def last_buttons(page):
    """The labels of the buttons at the foot of the page, apart from dialogs."""
    main = page.split("</main>")[0].split('<dialog class="dialog"')[0]
    bar = main[main.rindex('class="button-bar"') :]
    return re.findall(r'class="button button--[^>]*>([^<]+)<', bar)


@pytest.mark.requirement("R41", "R43", "R44", "R111", "R76", "R77", "R78", "R84", "R109", "I8")
@pytest.mark.parametrize("status", BUTTONS)
def test_the_buttons_at_the_foot_follow_the_turn(make_document, client_of, status):
    who, labels = BUTTONS[status]
    document = make_document(status)
    page = client_of(who).get(f"/documents/{document.id}").text
    assert "<h1>契約文書照会</h1>" in page and "契約文書情報" in page
    assert last_buttons(page) == labels
    assert f'href="/documents/{document.id}/pdf"' in page
    looker = "viewer" if who not in ("registrar",) else "admin"
    if status is not Status.draft:
        other = client_of(looker).get(f"/documents/{document.id}").text
        assert not set(labels) & set(re.findall(r'class="button button--[^>]*>([^<]+)<', other))


@pytest.mark.requirement("R40", "R41", "R76", "R105", "R108")
@pytest.mark.parametrize("status, who, label", [
    (Status.receiver_receipt, "recipient", "受取待ち"),
    (Status.receiver_signature, "receiver_signer", "署名待ち"),
    (Status.sender_signature, "signer", "署名待ち"),
    (Status.sender_approval, "approver", "承認待ち"),
    (Status.remanded, "registrar", "差戻"),
    (Status.draft, "registrar", "作成中"),
])  # fmt: skip
def test_my_list_holds_what_waits_for_me(make_document, client_of, status, who, label):
    document = make_document(status)
    page = client_of(who).get("/").text
    assert f'<a href="/documents/{document.id}">{document.number}</a>' in page
    assert re.search(rf'class="status status--waiting">{label}<', page)
    for other in {"viewer", "registrar", "recipient", "receiver_signer", "admin", "receiver_admin"} - {who}:
        assert document.number not in client_of(other).get("/").text


@pytest.mark.requirement("R43", "S6")
def test_everybody_opens_the_same_pdf(make_document, client_of):
    import hashlib

    document = make_document(Status.completion_wait)
    replies = [
        client_of(who).get(f"/documents/{document.id}/pdf")
        for who in ("registrar", "viewer", "recipient", "receiver_signer")
    ]
    assert {reply.status_code for reply in replies} == {200}
    assert {hashlib.sha256(reply.data).hexdigest() for reply in replies} == {document.pdf_sha256}
    assert replies[0].mimetype == "application/pdf"
    assert replies[0].headers["Cache-Control"] == "no-store"
    assert replies[0].headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in replies[0].headers["Content-Security-Policy"]


# -- the receiver's way ---------------------------------------------------------------------


@pytest.mark.requirement(
    "R45", "R47", "R49", "R51", "R52", "R58", "R59", "R63", "R69", "R71", "R85", "R108", "R109", "R91", "D10"
)
def test_sender_only_is_concluded_by_receipt_alone(make_document, client_of, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.sender_only)
    client = client_of("recipient")
    page = client.get(f"/documents/{document.id}/receipt").text
    assert "<h1>契約文書受取</h1>" in page and "自社内コメント記入欄" in page
    assert '<label for="approvers"' in page and '<label for="viewers"' in page
    assert '<label for="signer"' not in page
    assert last_buttons(page) == ["戻る", "確認"] and ">参照</button>" in page
    data = {
        "version": str(document.version),
        "comment": "社内で確認済み",
        "viewers": person("receiver_viewer").user_code,
    }
    page = client.post(f"/documents/{document.id}/receipt/confirmation", data).text
    assert "<h1>契約文書受取確認</h1>" in page and "受取内容" in page
    assert "社内で確認済み" in page and "参照 十和" in page
    assert last_buttons(page) == ["戻る", "確定"]
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt and document.receivers[0].comment == ""
    reply = client.post(f"/documents/{document.id}/confirm_receipt", data)
    assert reply.location == "/"
    db.session.refresh(document)
    assert document.status is Status.completion_wait and document.concluded_at
    assert document.receivers[0].comment == "社内で確認済み"
    assert "完了待ち" in client.get("/documents/").text


@pytest.mark.requirement("R10", "R51", "R53", "R67", "R70", "R71", "R13", "R20", "R24")
def test_receiver_only_needs_a_signer_who_may_be_the_recipient(make_document, make_plan, client_of, person):
    document = make_document(
        Status.receiver_receipt, mode=SignatureMode.receiver_only, plan=make_plan(single_id=True)
    )
    client, me = client_of("receiver_signer"), person("receiver_signer").user_code
    page = client.get(f"/documents/{document.id}/receipt").text
    assert re.search(r'<label for="signer"[^>]*>署名者</label><span class="need">必須</span>', page)
    version = {"version": str(document.version), "comment": "下書き"}
    reply = client.post(f"/documents/{document.id}/receipt/confirmation", version)
    assert reply.status_code == 422 and "署名者を指定してください" in reply.text and "下書き" in reply.text
    assert client.post(f"/documents/{document.id}/confirm_receipt", version).status_code == 422
    assert (
        client.post(f"/documents/{document.id}/confirm_receipt", version | {"signer": me}).status_code == 302
    )
    db.session.refresh(document)
    assert document.status is Status.receiver_signature and document.holder_id == person("receiver_signer").id


@pytest.mark.requirement("R53", "R85")
@pytest.mark.parametrize("field", ["approvers", "signer", "viewers"])
@pytest.mark.parametrize("who", ["sender's", "deleted", "inactive", "unknown"])
def test_route_members_are_the_own_companys_living_people(make_document, client_of, person, field, who):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.receiver_only)
    chosen = person("receiver_colleague")
    if who == "deleted":
        chosen.deleted_at = now()
    if who == "inactive":
        chosen.active = False
    db.session.commit()
    code = {"sender's": person("signer").user_code, "unknown": "U77777777"}.get(who, chosen.user_code)
    data = {"version": str(document.version), "signer": person("receiver_signer").user_code} | {field: code}
    for url in ("receipt/confirmation", "confirm_receipt"):
        reply = client_of("recipient").post(f"/documents/{document.id}/{url}", data)
        assert reply.status_code == 422
        assert "自社の有効な利用者IDではありません" in reply.text and code in reply.text
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt


@pytest.mark.requirement("R53", "R68", "R69", "R108", "R109")
def test_the_picker_lists_the_own_companys_living_people(client_of, person):
    person("receiver_viewer").deleted_at = now()
    db.session.commit()
    client = client_of("recipient")
    page = client.get("/users/selection?role=signer").text
    own = [
        person(name) for name in ("recipient", "receiver_approver", "receiver_signer", "receiver_colleague")
    ]
    assert all(user.user_code in page for user in own)
    for name in ("receiver_viewer", "registrar", "stranger", "operator"):
        assert person(name).user_code not in page
    assert "利用者ID" in page and ">検索<" in page and ">選択<" in page and "検索結果" in page
    one = client.get(f"/users/selection?code={own[1].user_code.lower()}").text
    assert own[1].user_code in one and f'value="{own[0].user_code}"' not in one
    assert "見つかりませんでした" in client.get("/users/selection?code=U99999999").text
    assert "見つかりませんでした" in client.get("/users/selection?code=%25").text


@pytest.mark.requirement("R50", "R66", "R84")
def test_a_remand_takes_the_document_from_the_receiver_until_it_is_sent_again(
    make_document, client_of, make_plan
):
    plan = make_plan(viewers=True)
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, plan=plan)
    client = client_of("recipient")
    data = {"version": str(document.version), "reason": "日付が違います。"}
    assert client.post(f"/documents/{document.id}/remand", data).location == "/"
    assert client.get(f"/documents/{document.id}").status_code == 404
    assert document.number not in client.get("/").text + client.get("/documents/").text
    shown = client_of("registrar").get(f"/documents/{document.id}").text
    assert "この契約文書は差し戻されました" in shown and "日付が違います。" in shown
    db.session.refresh(document)
    assert document.status is Status.remanded and document.holder_id == plan.registrar.id
    actors.walk(document, plan, Status.receiver_receipt)
    assert client.get(f"/documents/{document.id}").status_code == 200


# -- the fee ----------------------------------------------------------------------------------

ON_PAGE = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、確定ボタンを押してください。"
IN_DIALOG = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、OKボタンを押してください。"


def set_plan(company, kind):
    from app.models import Plan

    company.plan = db.session.query(Plan).filter_by(kind=kind).one()
    db.session.commit()


@pytest.mark.requirement("R60", "R61", "R88", "R103")
@pytest.mark.parametrize(
    "mode", [SignatureMode.no_signature, SignatureMode.sender_only, SignatureMode.receiver_only]
)
def test_two_one_side_companies_are_warned_and_must_agree(make_document, client_of, person, mode):
    set_plan(person("recipient").company, "one_side")
    document = make_document(Status.receiver_receipt, mode=mode)
    client = client_of("recipient")
    data = {"version": str(document.version)}
    if mode is SignatureMode.receiver_only:
        data["signer"] = person("receiver_signer").user_code
    page = client.post(f"/documents/{document.id}/receipt/confirmation", data).text
    assert ON_PAGE in page and f'data-confirm="{IN_DIALOG}"' in page
    assert (
        "ご自身の利用プラン及びお相手先の利用プランを改めてご確認" in page and "help@portal.example" in page
    )
    reply = client.post(f"/documents/{document.id}/confirm_receipt", data)
    assert reply.status_code == 422 and ON_PAGE in reply.text
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt
    assert (
        client.post(f"/documents/{document.id}/confirm_receipt", data | {"fee_ack": "true"}).status_code
        == 302
    )


@pytest.mark.requirement("R60", "R102")
@pytest.mark.parametrize(
    "sender, receiver",
    [
        ("one_side", "partner"),
        ("one_side", "both_sides"),
        ("both_sides", "both_sides"),
        ("partner", "one_side"),
    ],
)
def test_no_other_pair_is_warned(make_document, client_of, person, sender, receiver):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    set_plan(person("registrar").company, sender)
    set_plan(person("recipient").company, receiver)
    client, data = client_of("recipient"), {"version": str(document.version)}
    page = client.post(f"/documents/{document.id}/receipt/confirmation", data).text
    assert "利用料金が発生" not in page and "OKボタン" not in page and "fee_ack" not in page
    assert client.post(f"/documents/{document.id}/confirm_receipt", data).status_code == 302


@pytest.mark.requirement("R104", "T6")
def test_a_pair_that_became_unavailable_is_refused_at_the_receipt(make_document, client_of, person):
    from app.plans import OWN_MUST_CHANGE

    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    set_plan(person("registrar").company, "both_sides")
    client, version = client_of("recipient"), {"version": str(document.version)}
    for reply in (
        client.get(f"/documents/{document.id}/receipt"),
        client.post(f"/documents/{document.id}/receipt/confirmation", version),
        client.post(f"/documents/{document.id}/confirm_receipt", version),
    ):
        assert reply.status_code == 422 and OWN_MUST_CHANGE in reply.text
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt


@pytest.mark.parametrize("company", ["registrar", "recipient"])
def test_nothing_moves_while_a_company_is_suspended(make_document, client_of, person, company):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    person(company).company.status = "suspended"
    db.session.commit()
    reply = client_of("recipient").post(
        f"/documents/{document.id}/confirm_receipt", {"version": str(document.version)}
    )
    own = company == "recipient"
    assert reply.status_code == (403 if own else 422)
    assert ("停止中または解約済み" if own else "ご利用が停止されている") in reply.text
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt
    assert client_of("recipient").get(f"/documents/{document.id}/pdf").status_code == 200


@pytest.mark.requirement("R92", "R93", "R105", "R91", "R87")
@pytest.mark.parametrize("mode, status, label", [
    (SignatureMode.sender_only, Status.receiver_receipt, "受領側受取待ち"),
    (SignatureMode.sender_only, Status.completion_wait, "完了待ち"),
    (SignatureMode.receiver_only, Status.receiver_signature, "受領側署名待ち"),
    (SignatureMode.receiver_only, Status.completion_wait, "完了待ち"),
    (SignatureMode.no_signature, Status.completion_wait, "完了待ち"),
])  # fmt: skip
def test_the_search_shows_the_manuals_statuses(make_document, client_of, mode, status, label):
    make_document(status, mode=mode)
    for who in ("registrar", "receiver_admin"):
        page = client_of(who).get("/documents/").text
        assert re.search(rf'class="status [^"]*">{label}<', page)


@pytest.mark.requirement("R93", "T14")
@pytest.mark.parametrize(
    "action", ["send", "approve", "confirm_receipt", "sign", "remand", "signing_password", "signing_code", "edit"]
)
def test_nothing_can_be_done_to_a_concluded_document(make_document, client_of, action):
    document = make_document(Status.completion_wait)
    for who in ("registrar", "signer", "recipient", "receiver_signer"):
        reply = client_of(who).post(f"/documents/{document.id}/{action}", {"version": str(document.version)})
        assert reply.status_code == 409
    page = client_of("receiver_signer").get(f"/documents/{document.id}").text
    assert "差戻" not in page.split("履歴")[0]
