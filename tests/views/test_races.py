"""Q3: one form sent many times, and many people, in one moment: one effect, and the others are told so."""

import contextvars
import datetime as dt
import threading
import uuid
from collections import Counter

import pytest
import time_machine

from app.clock import japan_date, month_of, now
from app.extensions import db
from app.jobs import run_job
from app.models import (
    ArchiveExtension,
    ArchiveRecord,
    BulkDownload,
    Company,
    DocumentEvent,
    Letter,
    OutboxMessage,
    ServiceApplication,
    ServiceInvitation,
    UsageRecord,
)
from app.services import fee_table, usage
from app.workflow import Action, SignatureMode, Status
from tests import service_walk

MANY = 8


@pytest.fixture
def at_once(app):
    """`at_once([(browser, url, data), ...])`: how many answers of each status, all asked for in one moment."""

    def send(posts):
        start, answers = threading.Barrier(len(posts)), []
        tokens = {browser: browser.token() for browser, _, _ in posts}
        db.session.commit()
        db.session.remove()

        def post(browser, url, data):
            client = app.test_client()
            client._cookies = browser.client._cookies.copy()
            start.wait(timeout=30)
            reply = client.post(url, data={"csrf_token": tokens[browser]} | data)
            answers.append(reply.status_code)

        threads = [threading.Thread(target=contextvars.Context().run, args=(post, *one)) for one in posts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        db.session.expire_all()
        return Counter(answers)

    return send


def count(table, **facts):
    return db.session.query(table).filter_by(**facts).count()


@pytest.mark.requirement("Q3", "R98")
def test_two_companies_extend_the_same_documents_in_opposite_orders(make_document, person, client_of, at_once):
    for who in ("admin", "receiver_admin"):
        person(who).company.has_archive_extension = True
    made = [make_document(Status.completion_wait, mode=SignatureMode.no_signature) for _ in range(3)]
    with time_machine.travel(now() + dt.timedelta(days=1), tick=False):
        assert run_job("archive-transfer")["done"] == 3
        for document in made:
            db.session.refresh(document)
        chosen = [f"{document.id}:{document.retained_until.isoformat()}" for document in made]
        clients = client_of("admin"), client_of("receiver_admin")
        posts = [(client, "/archive/extension/", {"document": order}) for client, order in zip(clients, (chosen, chosen[::-1]), strict=True)]
        assert at_once(posts * (MANY // 2)) == {302: 1, 409: MANY - 1}
    assert count(ArchiveExtension) == 3


@pytest.mark.requirement("Q3", "L8")
def test_a_correction_by_two_people(make_document, client_of, at_once):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    given = {"version": str(document.version), "conclusion_date": document.conclusion_date.isoformat(), "amount_yen": "2", "partner_number": "", "reason": "誤り"}
    url, clients = f"/documents/{document.id}/correction", (client_of("registrar"), client_of("admin"))
    assert at_once([(client, url, given) for client in clients] * (MANY // 2)) == {302: 1, 409: MANY - 1}
    assert count(DocumentEvent, action=Action.correct) == 1


@pytest.mark.requirement("Q3", "I9", "I11")
def test_a_plan_is_applied_for_once_and_a_company_founded_once(client_of, person, at_once):
    wish = {"wanted_on": japan_date(now()).isoformat(), "plan": "both_sides", "note": "", "form_token": str(uuid.uuid4())}
    assert at_once([(client_of("admin"), "/admin/service/plan", wish)] * MANY) == {302: 1, 409: MANY - 1}
    assert count(ServiceApplication) == 1
    application, before = service_walk.hand_in(person("admin")), count(Company)
    db.session.commit()
    approval = f"/operator/service-applications/approval/{application.id}", {"version": str(application.version)}
    assert at_once([(client_of("operator"), *approval)] * MANY) == {302: 1, 409: MANY - 1}
    assert count(Company) == before + 1


@pytest.mark.requirement("Q3", "R101", "B5")
def test_an_invitation_and_an_export_are_made_once(client_of, at_once):
    client, given = client_of("admin"), {"partner_name": "有限会社こだま工務店", "contact_name": "", "mail_address": "k@kodama.example"}
    assert at_once([(client, "/admin/invitations/new", given)] * MANY) == {302: 1, 422: MANY - 1}  # says what to press instead
    assert count(ServiceInvitation) == count(OutboxMessage, letter=Letter.service_invitation) == 1
    address = f"/admin/invitations/{db.session.query(ServiceInvitation).one().id}"
    answers = at_once([(client, f"{address}/{what}", {}) for what in ("again", "cancel")] * (MANY // 2))
    assert set(answers) == {302, 409} and count(ServiceInvitation, cancelled_at=None) == 0
    assert count(OutboxMessage, letter=Letter.service_invitation) == answers[302]
    assert at_once([(client, "/admin/export/", {})] * MANY) == {302: 1, 422: MANY - 1}
    assert count(BulkDownload) == 1


@pytest.mark.requirement("Q3", "I10")
def test_a_charge_is_taken_back_once(client_of, person, at_once):
    fee_table.lay_samples(now() - dt.timedelta(days=62))
    usage.record_monthly(person("admin").company, month_of(japan_date(now())), now())
    db.session.commit()
    record_id = db.session.query(UsageRecord.id).filter(UsageRecord.yen > 5).first().id
    given = {"reason": "誤り", "new_yen": "5", "outcome": "amount"}
    assert at_once([(client_of("operator"), f"/operator/usage/records/{record_id}/correction", given)] * MANY) == {302: 1, 409: MANY - 1}
    assert count(UsageRecord, corrects_id=record_id) == 2


@pytest.mark.requirement("Q3", "T16")
def test_a_disposal_is_recorded_once(make_document, client_of, at_once):
    with time_machine.travel(dt.datetime(2027, 1, 14, 3, tzinfo=dt.UTC), tick=False) as clock:
        make_document(Status.completion_wait, mode=SignatureMode.no_signature)
        clock.move_to(dt.datetime(2027, 1, 15, 3, tzinfo=dt.UTC))
        assert run_job("archive-transfer")["done"] == 1
        clock.move_to(dt.datetime(2038, 3, 15, 3, tzinfo=dt.UTC))
        run_job("archive-expiry")
        record_id = db.session.query(ArchiveRecord.id).one().id
        at_once([(client_of("operator"), f"/operator/archive/action/dispose/{record_id}", {})] * MANY)
    assert count(DocumentEvent, action=Action.dispose) == 1
