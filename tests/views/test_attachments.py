"""添付・補足書類 on the pages: chosen, kept through a refusal, taken off, downloaded by who may, and by nobody else."""

import io
import re
from urllib.parse import quote

import pytest
from werkzeug.datastructures import FileStorage

from app.clock import now
from app.extensions import db
from app.models import AttachmentKind, ContractDocument
from app.services import documents
from app.workflow import SignatureMode, Status
from tests import office_files
from tests.conftest import kept_file
from tests.databases import of_the_page, statements_in
from tests.views.test_registration import documents_there_are, filled, upload  # noqa: F401  a fixture

HOSTILE = '見積"; filename=evil.exe 　<b>.xlsx'


def file(content, name):
    return FileStorage(io.BytesIO(content), name)


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*value="([^"]*)"', page).group(1)


@pytest.mark.requirement("I4", "T1", "S14")
def test_files_are_kept_through_a_refusal_taken_off_again_and_shown_before_sending(client_of, filled):  # noqa: F811
    client = client_of("registrar")
    office = office_files.office("xlsx")
    data = filled(title="") | {"more_attachments": [file(office, HOSTILE), file(office_files.picture(), "現場.png")]}
    page = upload(client, data).text
    assert "契約件名を入力してください。" in page and "選択済み：注文書.pdf" in page
    assert "「現場.png」の添付を取りやめる" in page and "<b>.xlsx" not in page
    data = filled(pdf=None) | {name: hidden(page, name) for name in ("kept_file", "kept_attachments", "token")}
    picture_sha = re.findall(r'name="removed_attachments" value="(\w+)"', page)[1]
    page = upload(client, data | {"removed_attachments": picture_sha, "title": ""}).text
    data |= {"kept_attachments": hidden(page, "kept_attachments")}
    assert "現場.png" not in page
    page = client.get(upload(client, data).location).text
    (document,) = documents_there_are()
    (row,) = document.attachments
    assert (row.kind, row.size_bytes) == (AttachmentKind.xlsx, len(office)) and row.sha256 in page
    reply = client.get(f"/documents/{document.id}/attachments/{row.id}")
    assert reply.data == office
    assert reply.headers["Content-Disposition"] == (
        f"attachment; filename=\"attachment-1.xlsx\"; filename*=UTF-8''{quote(row.file_name, safe='')}"
    )
    assert reply.headers["X-Content-Type-Options"] == "nosniff" and reply.headers["Cache-Control"] == "no-store"
    assert reply.mimetype.endswith("spreadsheetml.sheet")
    assert not set('"<>\r\n') & set(row.file_name)


@pytest.mark.requirement("I4", "S5", "Q4")
def test_a_refused_file_changes_nothing_and_the_others_stay(client_of, filled):  # noqa: F811
    data = filled() | {"more_attachments": [file(office_files.picture(), "良.png"), file(b"MZ\x90", "悪.exe")]}
    reply = upload(client_of("registrar"), data)
    assert reply.status_code == 422 and "「悪.exe」：添付できない形式のファイルです。" in reply.text
    assert "「良.png」の添付を取りやめる" in reply.text and "選択済み：注文書.pdf" in reply.text
    assert documents_there_are() == []


@pytest.mark.requirement("I4", "S7")
def test_accepted_files_are_good_for_this_person_and_this_document_alone(client_of, filled, make_document):  # noqa: F811
    page = upload(client_of("registrar"), filled(user_code="U99999999") | {"more_attachments": [file(office_files.picture(), "a.png")]}).text
    stolen = {"kept_attachments": hidden(page, "kept_attachments")}
    upload(client_of("colleague"), filled() | stolen)
    (document,) = documents_there_are()
    assert document.attachments == []
    own = make_document(mode=SignatureMode.no_signature)
    upload(client_of("registrar"), filled(pdf=None) | stolen | {"version": str(own.version)}, f"/documents/{own.id}/edit")
    db.session.refresh(own)
    assert own.attachments == []


@pytest.mark.requirement("I4", "T11", "I18")
def test_a_receiver_of_round_2_gets_no_file_of_round_1(client_of, filled, make_document, person):  # noqa: F811
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, attached=[kept_file("一.pdf", b"1")])
    first, recipient, registrar = document.attachments[0].id, client_of("recipient"), client_of("registrar")
    url = f"/documents/{document.id}"
    assert recipient.get(f"{url}/attachments/{first}").data == b"1"
    assert "一.pdf" in recipient.get(f"{url}/receipt").text
    documents.remand(document, document.holder, now())
    db.session.commit()
    assert recipient.get(f"{url}/attachments/{first}").status_code == 404
    page = registrar.get(f"{url}/edit").text
    (sha256,) = re.findall(r'name="removed_attachments" value="(\w+)"', page)
    fields = {name: hidden(page, name) for name in ("version", "kept_attachments")}
    new = file(office_files.picture(), "二.png")
    upload(registrar, filled(pdf=None) | fields | {"removed_attachments": sha256, "more_attachments": new}, f"{url}/edit")
    document = db.session.get(ContractDocument, document.id, populate_existing=True)
    registrar.post(f"{url}/send", {"version": str(document.version)})
    page = recipient.get(url).text
    assert "二.png" in page and "一.pdf" not in page
    for client in (recipient, registrar):
        assert client.get(f"{url}/attachments/{first}").status_code == 404
    other = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    assert recipient.get(f"/documents/{other.id}/attachments/{document.attachments[0].id}").status_code == 404


@pytest.mark.requirement("I4", "I18")
def test_an_administrator_off_the_route_learns_their_number_only(client_of, make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature, attached=[kept_file("極秘.pdf")])
    page = client_of("receiver_admin").get(f"/documents/{document.id}").text
    assert "添付・補足書類（1件）" in page and "極秘.pdf" not in page


def statements_of(client, url):
    asked = []
    with statements_in(asked):
        assert client.get(url).status_code == 200
    return of_the_page(asked)


@pytest.mark.requirement("P4")
def test_a_document_that_waits_at_the_other_company_is_shown_within_eight_statements(client_of, make_document):
    document = make_document(Status.receiver_signature, mode=SignatureMode.both_sides)
    url = f"/documents/{document.id}"
    for who in ("registrar", "viewer", "receiver_signer"):
        assert len(statements_of(client_of(who), url)) <= 8, who


@pytest.mark.requirement("P4", "L14", "I7")
def test_the_consents_of_all_receivers_are_asked_for_at_once(client_of, make_document, make_plan):
    document = make_document(plan=make_plan(third=True), is_construction=True)
    document_id = document.id
    assert len(statements_of(client_of("registrar"), f"/documents/{document_id}/registration")) <= 8


@pytest.mark.requirement("P4")
def test_a_document_with_all_its_parts_is_shown_within_eight_statements(client_of, make_document):
    original = make_document(Status.completion_wait, mode=SignatureMode.no_signature, attached=[kept_file("一.pdf")])
    amendment = make_document(mode=SignatureMode.no_signature, attached=[kept_file("一.pdf")], original=original)
    client, urls = client_of("registrar"), [f"/documents/{original.id}", f"/documents/{amendment.id}/edit"]
    for url in (*urls, f"/documents/{amendment.id}/registration"):
        assert len(statements_of(client, url)) <= 8, url
