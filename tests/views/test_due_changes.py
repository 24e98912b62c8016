"""From the first moment of its 適用日 a change counts for whoever acts, while no worker runs (B5, I9, I11)."""

import datetime as dt
import uuid

import pytest

from app.clock import japan_date, now
from app.errors import CompanyNotActive
from app.extensions import db
from app.jobs import run_job
from app.models import (
    AccountAction,
    AccountEvent,
    BulkOperation,
    CompanyOption,
    CompanyStatus,
    DocumentSignature,
    LogEntry,
    ServiceApplication,
    ServiceKind,
)
from app.services import service_changes
from app.services.service_changes import Wish
from app.workflow import SignatureMode, Status
from tests.views.test_bulk_pages import chosen, secret_of
from tests.views.test_signature import passwords, sign

BY_RECEIVER, NO_SIGNATURE = SignatureMode.receiver_only, SignatureMode.no_signature

# verb -> who posts it, where the document waits, in which mode
VERBS = {
    "send": ("registrar", Status.draft, NO_SIGNATURE),
    "approve": ("receiver_approver", Status.receiver_approval, NO_SIGNATURE),
    "sign": ("receiver_signer", Status.receiver_signature, BY_RECEIVER),
    "remand": ("receiver_approver", Status.receiver_approval, NO_SIGNATURE),
    "return_inside": ("receiver_approver", Status.receiver_approval, NO_SIGNATURE),
    "confirm_receipt": ("recipient", Status.receiver_receipt, NO_SIGNATURE),
    "withdraw": ("registrar", Status.receiver_approval, NO_SIGNATURE),
}
BULK_VERBS = ("approve", "sign", "confirm_receipt")


@pytest.fixture
def due(person):
    """`due("admin", ...)`: that company's change was approved yesterday for today, and no worker has run since."""

    def make(who, kind=ServiceKind.termination, **wanted):
        admin, today = person(who), japan_date(now())
        application = service_changes.apply_for(
            admin.company, admin, now(), form_token=str(uuid.uuid4()), wish=Wish(kind, today + dt.timedelta(days=1), **wanted)
        )
        service_changes.approved(application, person("operator"), now(), effective_on=today + dt.timedelta(days=1))
        application.effective_on = today
        db.session.commit()
        return application

    return make


def post(verb, client, document, person, who):
    if verb == "sign":
        return sign(client, document, person(who), passwords(person(who))[-1])
    return client.post(f"/documents/{document.id}/{verb}", {"version": str(document.version), "reason": "確認のため"})


@pytest.mark.requirement("B5", "I11")
@pytest.mark.parametrize("verb", VERBS)
def test_nobody_acts_for_a_company_or_with_one_on_the_day_it_has_left(make_document, client_of, due, person, verb):
    who, status, mode = VERBS[verb]
    document = make_document(status, mode)
    person("recipient").company.returns_inside = True
    own, other = ("admin", "receiver_admin") if who == "registrar" else ("receiver_admin", "admin")
    client, version = client_of(who), document.version
    leaving = due(other)
    if verb != "withdraw":  # a sender may take back what it sent to one that has left (B5)
        reply = post(verb, client, document, person, who)
        assert reply.status_code == 422 and f"「{person(other).company.name}」のご利用が停止されているため" in reply.text
        assert leaving.took_effect_at is None  # looking and being refused change nothing; a worker, or its own people, do
    due(own)
    assert client.get(f"/documents/{document.id}").status_code == 200 and person(own).company.status is CompanyStatus.active
    reply = post(verb, client, document, person, who)
    assert reply.status_code == 403 and CompanyNotActive.sentence in reply.text
    db.session.expire_all()
    assert (document.status, document.version) == (status, version) and db.session.query(DocumentSignature).count() == 0
    company = person(own).company
    assert company.status is CompanyStatus.terminated and company.ended_on is not None
    run_job("service-changes")  # finds its own company's done, and does the other's
    db.session.expire_all()
    assert all(one.took_effect_at for one in db.session.query(ServiceApplication))


@pytest.mark.requirement("B5", "I13", "R99")
@pytest.mark.parametrize("verb", BULK_VERBS)
def test_nothing_is_done_at_once_either_whichever_job_comes_first(make_document, client_of, due, person, verb):
    who, status, mode = VERBS[verb]
    person(who).company.has_bulk_signing = True
    made = [make_document(status, mode) for _ in range(2)]
    typed = chosen(made, token=str(uuid.uuid4()))
    if verb == "sign":
        typed |= secret_of(person(who))
    client = client_of(who)
    location = client.post(f"/bulk/{verb}/operations", typed).location
    due("admin")  # the sender
    run_job("bulk-operation")
    db.session.expire_all()
    assert [one.status for one in made] == [status] * 2
    page = client.get(location).text
    assert "2件のうち2件を完了できませんでした" in page or "2件は完了できませんでした" in page
    assert "のご利用が停止されているため" in page and person("admin").company.name in page
    due("receiver_admin")
    reply = client.post(f"/bulk/{verb}/operations", typed | {"token": str(uuid.uuid4())})
    assert reply.status_code == 403 and db.session.query(BulkOperation).count() == 1


@pytest.mark.requirement("R99", "I11", "I13")
def test_an_option_that_has_ended_signs_no_more_and_one_that_has_begun_does(make_document, client_of, due, person):
    made = [make_document(Status.receiver_signature, BY_RECEIVER) for _ in range(2)]
    client, signer = client_of("receiver_signer"), person("receiver_signer")
    typed = chosen(made) | secret_of(signer)
    assert client.post("/bulk/sign/operations", typed | {"token": str(uuid.uuid4())}).status_code == 403
    due("receiver_admin", ServiceKind.option_start, option=CompanyOption.bulk_signing)
    location = client.post("/bulk/sign/operations", typed | {"token": str(uuid.uuid4())}).location
    assert signer.company.has_bulk_signing
    due("receiver_admin", ServiceKind.option_end, option=CompanyOption.bulk_signing)
    run_job("bulk-operation")
    db.session.expire_all()
    assert [one.status for one in made] == [Status.receiver_signature] * 2 and not signer.company.has_bulk_signing
    assert "一括署名オプション（有料）の利用申請が必要です" in client.get(location).text


@pytest.mark.requirement("I11", "S7")
def test_nobody_reads_the_address_of_whoever_acted_first_on_the_day(make_document, client_of, due, person):
    document = make_document(Status.receiver_approval, NO_SIGNATURE)
    due("admin", ServiceKind.option_start, option=CompanyOption.archive_extension)
    assert post("approve", client_of("receiver_approver"), document, person, "receiver_approver").status_code == 302
    due("receiver_admin", ServiceKind.option_start, option=CompanyOption.archive_extension)
    client_of("operator").post("/operator/plans/edit/1", {})  # for whom all that is due takes effect
    effects = db.session.query(AccountEvent).filter_by(action=AccountAction.service_change_took_effect).all()
    assert [(one.company, one.ip_address) for one in effects] == [(person("admin").company, ""), (person("receiver_admin").company, "")]
    approval = db.session.query(LogEntry).filter_by(kind="document.approve", document_id=document.id).one()
    assert approval.ip_address  # the approver's own act keeps it


@pytest.mark.requirement("I11", "B5")
def test_a_change_that_cannot_take_effect_holds_back_no_operator(client_of, due, person, monkeypatch):
    application, operator, other = due("receiver_admin"), client_of("operator"), person("admin").company

    def broken(*_):
        raise RuntimeError("not foreseen")

    monkeypatch.setattr(service_changes, "take_effect", broken)
    assert run_job("service-changes")["failed"] == 1
    assert operator.post(f"/operator/companies/action/suspend/{other.id}").status_code == 302
    db.session.expire_all()
    assert other.status is CompanyStatus.suspended and application.took_effect_at is None
