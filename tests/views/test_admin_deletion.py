"""利用者削除 and 担当者変更 by their pages: what is listed, what is refused, and what others see of it."""

import re

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.models import AccountAction, AccountEvent, DocumentEvent, OutboxMessage
from app.services import reassignment
from app.workflow import Action, SignatureMode, Status

UNSIGNED = SignatureMode.no_signature


def version_on(page):
    return re.search(r'name="version" value="([^"]*)"', page.text).group(1)


def delete(client, user, version=None, **data):
    url = f"/admin/users/{user.id}/delete"
    version = version_on(client.get(url)) if version is None else version
    return client.post(url, {"version": version} | data)


@pytest.mark.requirement("I2", "I3")
def test_a_person_without_open_documents_is_deleted_once(client_of, person):
    client, user = client_of("admin"), person("colleague")
    page = client.get(f"/admin/users/{user.id}/delete")
    assert user.user_code in page.text and "担当者変更" not in page.text
    assert delete(client, user).status_code == 302
    assert user.deleted_at is not None
    again = client.post(f"/admin/users/{user.id}/delete", {"version": version_on(page)})
    assert again.status_code == 409 and "すでに削除されています" in again.text
    assert client.get(f"/admin/users/{user.id}/delete").status_code == 409
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.user_deleted).count() == 1


@pytest.mark.requirement("B5", "T17", "I3")
def test_open_documents_are_listed_and_handed_over_on_the_same_screen(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, mode=UNSIGNED)
    client, user, colleague = client_of("receiver_admin"), person("recipient"), person("receiver_colleague")
    page = client.get(f"/admin/users/{user.id}/delete")
    for shown in (document.number, document.title, "受領側受取待ち", "担当者変更", "参照", "確定"):
        assert shown in page.text

    refused = delete(client, user)
    assert refused.status_code == 422 and "処理中の契約文書が1件" in refused.text
    assert document.number in refused.text and user.deleted_at is None

    assert delete(client, user, replacement=colleague.user_code.lower()).status_code == 302
    assert user.deleted_at is not None and document.holder is colleague
    shown = client.get(f"/documents/{document.id}").text
    assert "受取担当者：受取 太郎 → 同僚 千代" in shown and "担当者変更" in shown


@pytest.mark.requirement("B5", "I2")
@pytest.mark.parametrize("code", ["U99999999", "stranger", "recipient", "<script>"])
def test_a_replacement_who_is_no_active_colleague_is_refused_and_kept_in_the_form(
    client_of, make_document, person, code
):
    make_document(Status.receiver_receipt, mode=UNSIGNED)
    typed = person(code).user_code if code in ("stranger", "recipient") else code
    reply = delete(client_of("receiver_admin"), person("recipient"), replacement=typed)
    assert reply.status_code == 422 and "<script>" not in reply.text
    assert ("&lt;script&gt;" if code == "<script>" else f'value="{typed}"') in reply.text
    assert person("recipient").deleted_at is None


@pytest.mark.requirement("B5", "Q4")
def test_a_page_drawn_before_another_document_came_is_out_of_date(client_of, make_document, person):
    client, user = client_of("receiver_admin"), person("recipient")
    version = version_on(client.get(f"/admin/users/{user.id}/delete"))
    make_document(Status.receiver_receipt, mode=UNSIGNED)
    reply = delete(client, user, version, replacement=person("receiver_colleague").user_code)
    assert reply.status_code == 409 and "画面を開き直して" in reply.text
    assert user.deleted_at is None


@pytest.mark.requirement("I2", "I3", "S7")
def test_nobody_of_another_company_is_deleted(client_of, person):
    client = client_of("stranger")
    for who in ("colleague", "admin", "operator"):
        url = f"/admin/users/{person(who).id}/delete"
        assert client.get(url).status_code == client.post(url, {"version": ""}).status_code == 404
        assert person(who).deleted_at is None
    assert client.get("/admin/users/99999999999/delete").status_code == 404


@pytest.mark.requirement("I2")
def test_an_administrator_cannot_delete_themselves(client_of, person):
    client, admin = client_of("admin"), person("admin")
    page = client.get(f"/admin/users/{admin.id}/delete")
    assert "ご自身の利用者IDは削除できません" in page.text and "確定" not in page.text
    reply = client.post(f"/admin/users/{admin.id}/delete", {"version": "x"})
    assert reply.status_code == 409
    assert admin.deleted_at is None


@pytest.mark.requirement("I18", "B5")
def test_the_list_shows_no_draft_and_nothing_that_has_not_arrived(client_of, make_document, person):
    on_its_way = make_document(Status.sender_signature, title="極秘の契約")
    draft = make_document(Status.draft, mode=UNSIGNED, title="極秘の下書き")
    page = client_of("receiver_admin").get(f"/admin/users/{person('recipient').id}/delete").text
    assert "届くまで閲覧できません" in page
    for hidden in ("極秘", on_its_way.number, draft.number, "株式会社発出建設", f"documents/{on_its_way.id}"):
        assert hidden not in page
    page = client_of("admin").get(f"/admin/users/{person('registrar').id}/delete").text
    assert draft.number in page and on_its_way.title in page
    assert "極秘の下書き" not in page and f"documents/{draft.id}" not in page


@pytest.mark.requirement("I2", "B5")
def test_what_the_deleted_did_keeps_the_name(client_of, make_document, person):
    document = make_document(Status.receiver_receipt)
    assert delete(client_of("admin"), person("signer")).status_code == 302
    page = client_of("registrar").get(f"/documents/{document.id}").text
    assert page.count("署名 三郎（削除済）") >= 2  # at the way and among the signatures


def reassign(client, document, replaced, replacement, version=None):
    return client.post(
        f"/admin/documents/{document.id}/reassign",
        {"version": str(version or document.version), "replaced": str(replaced.id), "replacement": replacement},
    )


@pytest.mark.requirement("T17", "I3")
def test_the_administrator_finds_the_page_at_the_document_and_others_do_not(client_of, make_document):
    document = make_document(Status.receiver_receipt, mode=UNSIGNED)
    link = f"/admin/documents/{document.id}/reassign"
    assert link in client_of("admin").get(f"/documents/{document.id}").text
    assert link not in client_of("registrar").get(f"/documents/{document.id}").text
    page = client_of("receiver_admin").get(link).text
    assert re.search(r"<option selected[^>]*>受取担当者：受取 太郎", page) and "登録 花子" not in page


@pytest.mark.requirement("T17", "I3", "Q4")
def test_a_hand_over_by_the_page_has_one_effect(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, mode=UNSIGNED)
    client, colleague, version = client_of("receiver_admin"), person("receiver_colleague"), document.version
    reply = reassign(client, document, person("recipient"), colleague.user_code)
    assert reply.status_code == 302 and reply.location == f"/documents/{document.id}"
    assert document.holder is colleague
    letters = db.session.query(OutboxMessage).count()
    assert reassign(client, document, person("recipient"), colleague.user_code, version).status_code == 409
    assert db.session.query(OutboxMessage).count() == letters
    assert db.session.query(DocumentEvent).filter_by(action=Action.reassign).count() == 1
    assert document.title in client_of("receiver_colleague").get("/").text
    assert client_of("recipient").get(f"/documents/{document.id}").status_code == 404


@pytest.mark.requirement("T17")
def test_what_does_not_fit_is_refused_and_changes_nothing(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, mode=UNSIGNED)
    client, recipient = client_of("receiver_admin"), person("recipient")
    for replaced, typed, sentence in (
        (recipient, "U99999999", "自社の有効な利用者IDではありません"),
        (recipient, person("stranger").user_code, "自社の有効な利用者IDではありません"),
        (recipient, recipient.user_code, "変更前と同じ利用者"),
        (recipient, "", "新しい担当者の利用者IDを入力してください"),
        (person("registrar"), person("receiver_colleague").user_code, "form-error"),  # not of this company
    ):
        reply = reassign(client, document, replaced, typed)
        assert reply.status_code == 422 and sentence in reply.text
    assert document.holder is recipient
    assert db.session.query(DocumentEvent).filter_by(action=Action.reassign).count() == 0


@pytest.mark.requirement("T17")
def test_a_concluded_document_says_that_nothing_is_left(client_of, make_document):
    document = make_document(Status.completion_wait, mode=UNSIGNED)
    reply = client_of("admin").get(f"/admin/documents/{document.id}/reassign")
    assert reply.status_code == 409 and "残っていません" in reply.text
    assert "/reassign" not in client_of("admin").get(f"/documents/{document.id}").text


@pytest.mark.requirement("T17", "I18")
def test_the_other_company_learns_nothing_of_a_hand_over(client_of, make_document, person):
    document = make_document(Status.receiver_receipt)
    before = client_of("receiver_admin").get(f"/documents/{document.id}").text
    reassignment.reassign(document, person("admin"), person("registrar"), person("colleague"), now())
    reassignment.reassign(document, person("receiver_admin"), person("recipient"), person("receiver_colleague"), now())
    db.session.commit()
    for who, own, foreign in (
        ("admin", "登録 花子 → 同僚 五郎", ("受取 太郎", "同僚 千代")),
        ("receiver_admin", "受取 太郎 → 同僚 千代", ("登録 花子", "同僚 五郎")),
    ):
        page = client_of(who).get(f"/documents/{document.id}").text
        assert own in page and page.count("内容：") == 1
        assert not any(name in page for name in foreign)
    assert "内容：" not in before
    partner = person("receiver_admin").company_id
    letters = db.session.query(OutboxMessage).all()
    for letter in letters:
        names = ("登録 花子", "同僚 五郎") if letter.user.company_id == partner else ("受取 太郎", "同僚 千代")
        assert not any(name in str(letter.facts) for name in names)


def test_everybody_handed_over_to_may_be_found_by_the_dialog(client_of, person):
    """［参照］ offers exactly those whom the verb takes."""
    page = client_of("admin").get("/users/selection").text
    assert all(user.user_code in page for user in queries.colleagues(person("admin").company_id))
