"""自動保存 and the links of 変更契約 on the pages: offered, continued, discarded; and an amendment from a concluded page."""

import re

import pytest

from app.extensions import db
from app.models import LoginSession, RegistrationDraft
from app.services import drafts as services
from app.workflow import SignatureMode, Status
from tests.views.test_attachments import hidden
from tests.views.test_registration import documents_there_are, filled, upload  # noqa: F401  a fixture

NOBODY = SignatureMode.no_signature
OFFER = "入力中の下書きがあります"


def drafts():
    return db.session.query(RegistrationDraft).count()


@pytest.mark.requirement("I4", "T1")
def test_what_was_typed_is_offered_again_and_gone_once_saved(client_of, filled, person):  # noqa: F811
    client = client_of("registrar")
    token = hidden(client.get("/documents/new").text, "token")
    typed = {"token": token, "title": "書きかけ", "mode": "no_signature", "amount_yen": "12x", "signing_password": "1234"}
    reply = client.post("/documents/new/draft", typed)
    assert re.fullmatch(r"\d\d:\d\d", reply.json["saved_at"])
    assert set(services.fields_of(db.session.query(RegistrationDraft).one())) == {"token", "title", "mode", "amount_yen"}
    db.session.query(LoginSession).delete()  # the session ended meanwhile
    db.session.commit()

    client = client_of("registrar")
    page = client.get("/documents/new").text
    assert OFFER in page and "書きかけ" not in page and "data-autosave=" not in page
    page = client.get("/documents/new?continue=1").text
    assert 'value="書きかけ"' in page and 'value="12x"' in page and OFFER not in page
    assert hidden(page, "token") == token and 'data-autosave="/documents/new/draft"' in page
    assert OFFER not in client_of("colleague").get("/documents/new").text
    assert upload(client, filled(token=token)).status_code == 302
    assert drafts() == 0
    assert client.post("/documents/new/draft", typed).status_code == 409  # a post that came late
    assert drafts() == 0


@pytest.mark.requirement("I4", "T11", "Q4")
def test_a_correction_half_typed_is_kept_for_its_document_and_its_version(client_of, make_document):
    document = make_document(mode=NOBODY)
    url, client = f"/documents/{document.id}/edit", client_of("registrar")
    page = client.get(url).text
    typed = {name: hidden(page, name) for name in ("version", "token", "kept_attachments")} | {"title": "直しかけ"}
    assert client.post(f"{url}/draft", typed).status_code == 200
    assert client.post(f"{url}/draft", typed | {"version": "0"}).status_code == 409
    assert client.post(f"{url}/draft", typed | {"title": "あ" * 40_000}).status_code == 413
    assert OFFER in client.get(url).text and "直しかけ" in client.get(f"{url}?continue=1").text
    assert OFFER not in client.get("/documents/new").text
    assert client.post(f"{url}/draft/discard", {"version": typed["version"]}).location == url
    assert drafts() == 0


@pytest.mark.requirement("L24", "I4")
def test_a_concluded_document_is_changed_by_another_that_names_it(client_of, filled, make_document, person):  # noqa: F811
    original = make_document(Status.completion_wait, mode=NOBODY, title="もとの契約")
    client = client_of("registrar")
    page = client.get(f"/documents/{original.id}").text
    assert "訂正や取消しができません" in page
    link = re.search(r'href="(/documents/new\?original=\d+)"', page).group(1)
    page = client.get(link).text
    assert f'value="{original.number}"' in page and f'value="{person("recipient").user_code}"' in page
    assert '<option selected value="change_contract">' in page
    reply = upload(client, filled(kind="change_contract", original_number=original.number, title="変更の契約"))
    assert "もとの契約" in client.get(reply.location).text
    amendment = documents_there_are()[1]
    assert amendment.original is original
    assert "変更の契約" in client.get(f"/documents/{original.id}").text
    assert "変更の契約" not in client_of("recipient").get(f"/documents/{original.id}").text  # not sent yet
    edited = client.get(f"/documents/{amendment.id}/edit").text
    assert hidden(edited, "original_number") == original.number
    refused = upload(client, filled(original_number="D99999999"))
    assert refused.status_code == 422 and "原契約の文書管理番号が正しくありません。" in refused.text
    reply = upload(client, filled(kind="memorandum"))
    assert "原契約が指定されていません" in client.get(reply.location).text


@pytest.mark.requirement("L24", "S7")
def test_an_amendment_begins_at_a_concluded_document_of_the_own_alone(client_of, make_document):
    concluded = make_document(Status.completion_wait, mode=NOBODY)
    waiting = make_document(Status.receiver_receipt, mode=NOBODY)
    page = client_of("recipient").get(f"/documents/new?original={concluded.id}").text
    assert f'value="{concluded.sender.company.code}"' in page
    assert f'value="{concluded.registrar.user_code}"' not in page  # who registers there is the sender's own matter
    for who, typed in (("stranger", concluded.id), ("colleague", concluded.id), ("registrar", waiting.id), ("registrar", "x"), ("registrar", "9" * 30)):
        assert client_of(who).get(f"/documents/new?original={typed}").status_code == 404


@pytest.mark.requirement("L24", "I7", "I18", "S7")
def test_a_receiver_that_amends_is_not_told_who_acts_for_another(client_of, make_document, make_plan, person):
    concluded = make_document(Status.completion_wait, plan=make_plan(third=True))
    page = client_of("recipient").get(f"/documents/new?original={concluded.id}").text
    for party in concluded.partners_of(person("recipient").company_id):
        assert f'value="{party.company.code}"' in page
    for stranger in (person("stranger"), concluded.registrar):
        assert f'value="{stranger.user_code}"' not in page
    assert f'value="{person("stranger").user_code}"' in client_of("registrar").get(f"/documents/new?original={concluded.id}").text
