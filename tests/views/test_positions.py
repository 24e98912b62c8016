"""［署名位置設定］ as a page: what it shows, what it refuses, and the pictures of the pages."""

import io
import json
import re
import threading
from html import unescape

import pytest

from app.errors import PicturesBusy
from app.extensions import db
from app.services import pictures
from app.services.registration import Facts
from app.workflow import SignatureMode, Status
from demo import actors
from tests import pdfs
from tests.databases import of_the_page, statements_in

PLACED = {"sender-page": "1", "sender-left": "30.0", "sender-bottom": "120.0", "sender-width": "60.0", "sender-height": "20.0",
          "receiver-1-page": "1", "receiver-1-left": "100", "receiver-1-bottom": "１２０．５", "receiver-1-width": "60", "receiver-1-height": "20"}  # fmt: skip


@pytest.fixture
def draft(make_document):
    return make_document(mode=SignatureMode.both_sides)


def values(page):
    """Names and values of the measures on the page."""
    inputs = [tag for tag in re.findall(r"<input[^>]*>", page) if "data-measure" in tag]
    return {re.search(r'name="([^"]+)', tag)[1]: re.search(r'value="([^"]*)', tag)[1] for tag in inputs}


def post(client, document, changes=(), url=""):
    return client.post(f"/documents/{document.id}/positions{url}", {"version": str(document.version)} | PLACED | dict(changes))


@pytest.mark.requirement("I5", "R79", "R113")
def test_the_registrar_places_the_boxes_and_sees_them_before_sending(client_of, draft):
    client = client_of("registrar")
    confirmation = client.get(f"/documents/{draft.id}/registration").text
    assert f'href="/documents/{draft.id}/positions"' in confirmation and f"/documents/{draft.id}/pages/1.png" in confirmation
    page = client.get(f"/documents/{draft.id}/positions").text
    assert "<h1>署名位置設定</h1>" in page and values(page).keys() == PLACED.keys()
    assert json.loads(unescape(re.search(r'data-sizes="([^"]+)"', page)[1])) == [pytest.approx([594.96, 841.92])]
    reply = post(client, draft)
    assert reply.location == f"/documents/{draft.id}/registration"
    db.session.refresh(draft)
    assert draft.receivers[0].place == (0, pytest.approx([edge * 72 / 25.4 for edge in (100, 120.5, 160, 140.5)]))
    page = client.get(f"/documents/{draft.id}/positions").text
    typed = PLACED | {"receiver-1-left": "100.0", "receiver-1-bottom": "120.5", "receiver-1-width": "60.0", "receiver-1-height": "20.0"}
    assert values(page) == typed
    assert "署名位置を保存しました。" in page
    assert post(client, draft, url="/default").location == f"/documents/{draft.id}/positions"
    db.session.refresh(draft)
    assert draft.receivers[0].place is None


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("changes, sentence", [
    ({"sender-left": "左"}, "左端からの距離は、0以上の数字で入力してください。"),
    ({"sender-left": ""}, "左端からの距離は、0以上の数字で入力してください。"),
    ({"sender-width": "-60"}, "幅は、0以上の数字で入力してください。"),
    ({"sender-height": "NaN"}, "高さは、0以上の数字で入力してください。"),
    ({"sender-bottom": "1e5"}, "下端からの距離は、0以上の数字で入力してください。"),
    ({"sender-page": "1.5"}, "ページは、0以上の数字で入力してください。"),
    ({"sender-page": "2"}, "「発出」の署名欄のページは、1から1までの数字で指定してください。"),
    ({"sender-left": "99999"}, "「発出」の署名欄が、ページからはみ出しています。"),
    ({"sender-width": "75"}, "「発出」と「受領」の署名欄が重なっています。"),
])  # fmt: skip
def test_a_refusal_says_why_keeps_what_was_typed_and_changes_nothing(client_of, draft, changes, sentence):
    client, before = client_of("registrar"), (draft.version, draft.pdf_sha256)
    reply = post(client, draft, changes)
    assert reply.status_code == 422 and sentence in reply.text
    assert values(reply.text) == PLACED | changes
    db.session.refresh(draft)
    assert (draft.version, draft.pdf_sha256) == before and draft.sender.place is None


@pytest.mark.requirement("I5", "Q4")
def test_a_page_from_before_somebody_acted_is_refused(client_of, draft):
    client = client_of("registrar")
    assert post(client, draft).status_code == 302  # counts a version
    for url in ("", "/default"):
        assert post(client, draft, {"version": "1", "sender-left": "10"}, url).status_code == 409
    db.session.refresh(draft)
    assert draft.sender.place[1][0] == pytest.approx(30 * 72 / 25.4)


@pytest.mark.requirement("I5", "I18", "S7")
def test_nobody_else_places_or_looks_at_pages_of_a_draft(client_of, draft):
    for who in ("recipient", "stranger", "viewer", "admin", "receiver_admin"):
        client = client_of(who)
        for url in ("positions", "pages/1.png", "signature/position"):
            assert client.get(f"/documents/{draft.id}/{url}").status_code == 404, (who, url)
        assert post(client, draft).status_code == post(client, draft, url="/default").status_code == 404


@pytest.mark.requirement("I5")
def test_without_a_signature_there_is_nothing_to_place(client_of, make_document):
    document, client = make_document(mode=SignatureMode.no_signature), client_of("registrar")
    assert "署名位置設定" not in client.get(f"/documents/{document.id}/registration").text
    assert "この契約文書に署名欄はありません" in client.get(f"/documents/{document.id}/positions").text


@pytest.mark.requirement("I5", "T11")
def test_the_registrar_is_told_when_a_box_fell_back(client_of, make_plan, upload):
    facts = Facts("工事請負契約書", "contract", SignatureMode.receiver_only)
    document = actors.register(make_plan(), facts, upload("construction-contract"))
    client, recipient = client_of("registrar"), document.receivers[0].people("recipient")[0]
    assert post(client, document, {"receiver-1-page": "4"}).status_code == 302
    db.session.refresh(document)
    reply = client.post(f"/documents/{document.id}/edit", {
        "version": str(document.version), "title": "工事請負契約書", "kind": "contract", "mode": "receiver_only",
        "company_code": recipient.company.code, "user_code": recipient.user_code,
        "pdf": (io.BytesIO(pdfs.contract("purchase-order")), "注文書.pdf"),
    })  # fmt: skip
    page = client.get(reply.location).text
    assert "既定の位置に戻しました：受領。" in page and "登録内容を保存しました" in page


@pytest.mark.requirement("R79", "S6")
def test_the_picture_of_a_page_shows_the_stamps_that_stand_already(client_of, make_document):
    document = make_document(Status.receiver_signature, mode=SignatureMode.both_sides)
    client = client_of("receiver_signer")
    page = client.get(f"/documents/{document.id}/signature/position").text
    assert re.findall(r'signature-page__name"[^>]*>([^<]+)<', page) == ["発出", "受領"]
    assert page.count("signature-page__box--signed") == 1
    assert 'aria-label="署名位置：発出、受領"' in page
    signed = client.get(f"/documents/{document.id}/pages/1.png").data
    assert signed != pictures.page_picture(document.unsigned_sha256, 0)


@pytest.mark.requirement("I5", "S4")
def test_a_page_is_drawn_once_and_not_too_many_at_a_time(client_of, draft, monkeypatch):
    drawn, draw = [], pictures.render_page
    monkeypatch.setattr(pictures, "render_page", lambda *given: drawn.append(given) or draw(*given))
    monkeypatch.setattr(pictures, "_kept", pictures._Kept(1024 * 1024))
    client, url = client_of("registrar"), f"/documents/{draft.id}/pages/1.png"
    first, second = client.get(url), client.get(url)
    assert first.data == second.data and len(drawn) == 1
    assert first.headers["Cache-Control"] == "no-store"
    monkeypatch.setattr(pictures, "_kept", pictures._Kept(0))
    monkeypatch.setattr(pictures, "_drawing", threading.BoundedSemaphore(1))
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.1)
    assert client.get(url).status_code == 200 and len(drawn) == 2
    with pictures._drawing:
        reply = client.get(url)
    assert reply.status_code == PicturesBusy.status == 503 and len(drawn) == 2


def test_kept_pictures_never_take_more_room_than_they_may():
    kept = pictures._Kept(10)
    for key, size in (("a", 4), ("b", 4), ("a", 4), ("large", 11), ("c", 4)):
        kept.get("a")
        kept.put(key, b"x" * size)
    assert [kept.get(key) for key in ("a", "b", "large", "c")] == [b"xxxx", None, None, b"xxxx"]


@pytest.mark.requirement("P4")
def test_the_page_asks_the_database_a_handful_of_questions(client_of, draft):
    client, asked = client_of("registrar"), []

    with statements_in(asked):
        for url in ("positions", "registration", "signature/position", "pages/1.png"):
            asked.clear()
            assert client.get(f"/documents/{draft.id}/{url}").status_code == 200
            assert len(of_the_page(asked)) <= 8, (url, asked)
