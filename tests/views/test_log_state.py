"""［監査ログの検証］ and ［監査ログ］: what is recorded of views and downloads, and what the pages say of a chain."""

import pytest
from sqlalchemy import text

from app.clock import now
from app.extensions import db
from app.models import LogEntry
from app.services import log_audit, personal_data
from app.workflow import SignatureMode, Status
from tests.conftest import kept_file
from tests.databases import statements_in


def recorded():
    """What was recorded of the GETs so far: kind, whose, document, details."""
    kinds = ("view", "download")
    entries = db.session.scalars(db.select(LogEntry).where(LogEntry.kind.in_(kinds)).order_by(LogEntry.at))
    return [(entry.kind, entry.actor_id, entry.document_id, entry.details, entry.ip_address) for entry in entries]


@pytest.mark.requirement("I19")
def test_views_and_downloads_are_recorded_and_what_is_refused_is_not(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, attached=[kept_file("図面.pdf")])
    attachment = document.attachments[0].id
    own, strange = client_of("registrar"), client_of("stranger")
    for client in (strange, own):
        for page in ("", "/pdf", f"/attachments/{attachment}", "/pages/1.png"):
            client.get(f"/documents/{document.id}{page}").close()
    own.get("/").close()
    own.get("/documents/export.csv").close()
    client_of("operator").get(f"/operator/documents/show/{document.id}").close()
    mine, operator, address = person("registrar").id, person("operator").id, "127.0.0.1"
    assert recorded() == [
        ("view", mine, document.id, {"page": "DocumentView.show"}, address),
        ("download", mine, document.id, {"page": "DocumentView.pdf"}, address),
        ("download", mine, document.id, {"page": "AttachmentView.download", "attachment_id": attachment}, address),
        ("view", mine, document.id, {"page": "SignatureView.page_picture", "number": 1}, address),
        ("download", mine, None, {"page": "DocumentListView.export"}, address),
        ("view", operator, document.id, {"page": "DocumentModelView.show", "pk": str(document.id)}, address),
    ]
    assert log_audit.check_all()[0] == []
    told = personal_data.export(person("registrar"), now())["閲覧とダウンロード"]
    assert [(row["種類"], row["IPアドレス"]) for row in told] == [(word, address) for word in ("閲覧", "ダウンロード", "ダウンロード", "閲覧", "ダウンロード")]


@pytest.mark.requirement("I19")
def test_what_is_had_of_a_concluded_contract_is_recorded_for_both_companies(client_of, make_document, person):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    client, pages = client_of("recipient"), ("conclusion_certificate", "print_copy", "verification")
    for page in pages:
        client_of("stranger").get(f"/documents/{document.id}/{page}").close()
        with client.get(f"/documents/{document.id}/{page}") as reply:
            assert reply.status_code == 200
    reader, address = person("recipient").id, "127.0.0.1"
    expected = [
        ("download", reader, document.id, {"page": "ConclusionView.certificate"}, address),
        ("download", reader, document.id, {"page": "ConclusionView.print_copy"}, address),
        ("view", reader, document.id, {"page": "DocumentVerificationView.show"}, address),
    ]
    assert [entry for entry in recorded() if entry[1] == reader] == recorded() == expected
    assert log_audit.check_all()[0] == []


@pytest.mark.requirement("I19")
def test_what_cannot_be_recorded_is_not_shown(client_of, make_document, application, monkeypatch):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    client = client_of("registrar")
    db.session.execute(text("ALTER TABLE log_entry RENAME TO log_entry_away"))
    db.session.commit()
    monkeypatch.setitem(application.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(application.config, "TESTING", False)
    reply = client.get(f"/documents/{document.id}/pdf")
    assert reply.status_code == 500 and b"%PDF" not in reply.data


@pytest.mark.requirement("P4", "I19")
def test_recording_a_view_costs_three_statements(client_of, make_document):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    client, asked = client_of("registrar"), []
    client.get(f"/documents/{document.id}").close()
    with statements_in(asked):
        client.get(f"/documents/{document.id}").close()
    assert len([one for one in asked if "log_" in one and not one.startswith("SELECT")]) == 3


@pytest.mark.requirement("I19")
def test_the_administrator_sees_the_state_of_the_own_chain_alone(client_of, make_document, person):
    make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    admin, foreign, operator = client_of("admin"), client_of("receiver_admin"), client_of("operator")
    assert "まだ検証されていません" in admin.get("/admin/log/").text
    assert admin.post("/admin/log/verify").status_code == 302
    page = admin.get("/admin/log/").text
    assert "改ざんは検出されていません" in page and "すべての記録" in page
    chain = person("admin").company_id
    db.session.execute(text("UPDATE log_entry SET kind = 'x' WHERE chain = :chain AND sequence = 1"), {"chain": chain})
    db.session.commit()
    admin.post("/admin/log/verify")
    page = admin.get("/admin/log/").text
    assert "記録の不一致が検出されました" in page and "改ざんは検出されていません" not in page and "書き換え" in page
    assert "不一致が検出" not in foreign.get("/admin/log/").text
    page = operator.get("/operator/log/").text
    assert "記録の不一致が検出されました" in page and person("admin").company.name in page
    assert operator.post("/operator/log/verify").status_code == 302
    assert "改ざんは検出されていません" in operator.get("/operator/log/").text  # of what belongs to no company
