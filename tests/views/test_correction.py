"""契約文書情報の訂正: appended with old, new, who, when and why; found by the new value; the file untouched (L8)."""

import datetime as dt

import pytest
import time_machine

from app.clock import now
from app.extensions import db
from app.jobs import run_job
from app.models import OutboxMessage
from app.services import conclusion_certificates
from app.workflow import Action, SignatureMode, Status


@pytest.fixture
def archived(make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    with time_machine.travel(now() + dt.timedelta(days=1), tick=False):
        assert run_job("archive-transfer")["done"] == 1
        db.session.refresh(document)
        yield document


def typed(document, **changed):
    return {
        "version": str(document.version), "conclusion_date": document.conclusion_date.isoformat(),
        "amount_yen": "1,848,000", "partner_number": "", "reason": "消費税の計算誤り",
    } | changed  # fmt: skip


@pytest.mark.requirement("L8", "L5", "L6")
@pytest.mark.parametrize("who", ["registrar", "admin"])
def test_a_correction_is_appended_shown_to_both_and_found_by_the_new_value(archived, client_of, person, who):
    client, url, file = client_of(who), f"/documents/{archived.id}/correction", archived.pdf_sha256
    assert url in client.get(f"/documents/{archived.id}").text and client.get(url).status_code == 200
    new = typed(archived, amount_yen="2,032,800", partner_number="P-77")
    assert client.post(url, new).status_code == 302
    assert client.post(url, new).status_code == 409  # the second click
    db.session.refresh(archived)
    (event,) = (event for event in archived.events if event.action is Action.correct)
    assert (event.actor_id, event.at, event.pdf_sha256) == (person(who).id, now(), file)
    assert event.reason == "契約金額(税込)：1,848,000円 → 2,032,800円、取引先管理番号：（空欄） → P-77（理由：消費税の計算誤り）"
    assert archived.pdf_sha256 == file and archived.status is Status.archived
    assert client.post(url, typed(archived, amount_yen="", partner_number="P-77")).status_code == 302
    reader = client_of("recipient")
    page = reader.get(f"/documents/{archived.id}").text
    assert "1,848,000円 → 2,032,800円" in page and "2,032,800円 → 金額なし" in page and url not in page
    assert person(who).full_name not in page
    assert archived.number in reader.get("/archive/?without_amount=y").text
    assert archived.number not in reader.get("/archive/?amount_from=1848000").text


@pytest.mark.requirement("L8", "T14")
def test_what_waits_for_its_transfer_is_corrected_without_a_second_mail_of_its_end(make_document, client_of):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    concluded_at, file, letters = document.concluded_at, document.pdf_sha256, db.session.query(OutboxMessage).count()
    client, url = client_of("registrar"), f"/documents/{document.id}/correction"
    assert url in client.get(f"/documents/{document.id}").text and client.get(url).status_code == 200
    assert client.post(url, typed(document, amount_yen="2,032,800")).status_code == 302
    db.session.refresh(document)
    assert (document.status, document.amount_yen, document.concluded_at) == (Status.completion_wait, 2_032_800, concluded_at)
    assert db.session.query(OutboxMessage).count() == letters
    assert "1,848,000円 → 2,032,800円" in client_of("recipient").get(f"/documents/{document.id}").text
    with time_machine.travel(now() + dt.timedelta(days=1), tick=False):
        assert run_job("archive-transfer")["done"] == run_job("archive-check")["done"] == 1
    db.session.refresh(document)
    assert document.status is Status.archived and not document.archive_record.findings
    sheet = conclusion_certificates.order(document, document.sender.company_id)
    assert sheet.files[0][2] == file


@pytest.mark.requirement("L8")
def test_refused_corrections_change_nothing(archived, client_of):
    url, events = f"/documents/{archived.id}/correction", len(archived.events)
    for who, answer in (("viewer", 409), ("recipient", 409), ("receiver_admin", 409), ("stranger", 404), ("colleague", 404)):
        assert client_of(who).post(url, typed(archived, amount_yen="1")).status_code == answer, who
    client = client_of("registrar")
    for wrong in ({}, {"amount_yen": "x"}, {"amount_yen": "-1"}, {"conclusion_date": ""}, {"reason": " ", "amount_yen": "5"}, {"amount_yen": "5", "reason": "長" * 501}):
        assert client.post(url, typed(archived, **wrong)).status_code == 422, wrong
    db.session.refresh(archived)
    assert archived.amount_yen == 1_848_000 and len(archived.events) == events
