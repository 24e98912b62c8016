"""回覧ルート雛形 by its pages, and ［雛形から選ぶ］ at 登録 and 受取."""

import io
import re

import pytest

from app.clock import now
from app.extensions import db
from app.models import ContractDocument, RouteTemplate
from app.services import people, route_templates
from app.services.route_templates import Wish
from app.workflow import SignatureMode, Status
from tests import pdfs


@pytest.fixture
def keep(person):
    def save(who, name, **wish):
        for field in ("approvers", "signer", "viewers"):
            wish[field] = tuple(person(one).user_code for one in wish.get(field, ()))
        kept = route_templates.save(person(who), now(), Wish(name=name, **wish))
        db.session.commit()
        return kept

    return save


def value(page, name):
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page).group()
    found = re.search(r'value="([^"]*)"', tag)
    return found.group(1) if found else ""


@pytest.mark.requirement("I8", "S7")
def test_an_administrator_keeps_changes_and_deletes_a_template_of_the_company(client_of, person):
    client, member = client_of("admin"), client_of("registrar")
    codes = f"{person('second_approver').user_code} {person('approver').user_code}"
    typed = {"name": "工事部", "approvers": codes, "is_shared": "y", "is_registration_default": "y"}
    assert client.post("/route-templates/new", typed).status_code == 302
    made = db.session.query(RouteTemplate).one()
    listed = member.get("/route-templates/").text
    assert "承認 二郎　→　承認 一郎" in listed and "登録の既定" in listed and f"/{made.id}/edit" not in listed
    assert "管理者の設定" not in member.get("/route-templates/new").text
    assert client.post("/route-templates/new", typed).status_code == 422  # a second click
    data = {"version": str(made.version)}
    for who in ("registrar", "stranger", "receiver_admin"):
        for rest in ("edit", "delete"):
            assert client_of(who).post(f"/route-templates/{made.id}/{rest}", typed | data).status_code == 404
    assert value(client.get(f"/route-templates/{made.id}/edit").text, "approvers") == codes
    assert client.post(f"/route-templates/{made.id}/edit", typed | {"name": "工事一部"} | data).status_code == 302
    assert client.post(f"/route-templates/{made.id}/delete", data).status_code == 409  # an old page
    assert client.post(f"/route-templates/{made.id}/delete", {"version": str(made.version)}).status_code == 302
    assert member.post("/route-templates/new", typed).status_code == 422  # not for everybody
    assert db.session.query(RouteTemplate).count() == 0


@pytest.mark.requirement("I4", "I8", "R53")
def test_a_template_fills_the_registration_and_keeps_what_was_typed_and_chosen(client_of, person, keep):
    template = keep("admin", "標準", approvers=("approver", "second_approver"), signer=("signer",), is_shared=True)
    people.delete(person("second_approver"), person("admin"), now())
    db.session.commit()
    client = client_of("registrar")
    page = client.get("/documents/new").text
    assert value(page, "approvers") == "" and f'<option value="{template.id}">標準' in page
    typed = {
        "title": "資材注文書", "kind": "order", "mode": "receiver_only", "fill_route": "1",
        "route_template": str(template.id), "pdf": (io.BytesIO(pdfs.contract("purchase-order")), "注文書.pdf"),
    }  # fmt: skip
    reply = client.post("/documents/new", typed, content_type="multipart/form-data")
    page = reply.text
    assert reply.status_code == 200 and value(page, "title") == "資材注文書" and value(page, "kept_file")
    assert (value(page, "approvers"), value(page, "signer")) == (person("approver").user_code, "")
    assert "「承認 二郎」様は、利用できなくなったため除きました。" in page and "選択済み：注文書.pdf" in page
    assert db.session.query(ContractDocument).count() == 0
    for number, status in ((keep("recipient", "他社", approvers=("receiver_approver",)).id, 404), (999999, 404), ("x", 200), ("", 200)):
        typed = {"fill_route": "1", "route_template": str(number)}
        assert client.post("/documents/new", typed).status_code == status


@pytest.mark.requirement("I4", "I8")
def test_new_forms_begin_with_the_default_and_a_correction_with_the_documents_own_route(
    client_of, person, keep, make_document
):
    keep("admin", "登録用", approvers=("second_approver",), is_shared=True, is_registration_default=True)
    client = client_of("registrar")
    page = client.get("/documents/new").text
    assert value(page, "approvers") == person("second_approver").user_code and "既定の雛形「登録用」" in page
    draft = make_document(Status.draft, mode=SignatureMode.no_signature)
    assert value(client.get(f"/documents/{draft.id}/edit").text, "approvers") == ""


@pytest.mark.requirement("I8", "R52")
def test_a_template_fills_the_receipt_and_the_default_is_there_at_once(client_of, person, keep, make_document):
    keep("receiver_admin", "受取用", approvers=("receiver_approver",), signer=("receiver_signer",), is_shared=True, is_receipt_default=True)
    own = keep("recipient", "自分用の雛形", approvers=("receiver_second_approver",), viewers=("receiver_viewer",))
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    client, url = client_of("recipient"), f"/documents/{document.id}/receipt"
    page = client.get(url).text
    assert value(page, "approvers") == person("receiver_approver").user_code and 'name="signer"' not in page
    assert "この契約文書に自社は署名しないため、署名者を除きました。" in page
    typed = {"version": str(document.version), "comment": "記入済み", "fill_route": "1", "route_template": str(own.id)}
    page = client.post(url, typed).text
    assert value(page, "approvers") == person("receiver_second_approver").user_code
    assert value(page, "viewers") == person("receiver_viewer").user_code and "記入済み" in page
    assert "既定の雛形" not in client_of("registrar").get("/documents/new").text
