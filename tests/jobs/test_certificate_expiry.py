"""Notices before a certificate ends: 30, 14 and 1 days, each once, to whom it concerns."""

import datetime as dt

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.jobs import TIMETABLE, run_job
from app.models import CertificateActivation, CompanyStatus, Letter, OutboxMessage
from app.services import certificates

NAME = "certificate-expiry"
DAY = dt.timedelta(days=1)
END = dt.datetime(2027, 6, 30, 1, 0, tzinfo=dt.UTC)  # 10:00 in Japan
MORNING = END - dt.timedelta(hours=2, minutes=30)  # 7:30 of the last day


@pytest.fixture
def ending(person):
    """The signer's certificate, which ends on 30 June; everybody else's ends later."""
    certificate = queries.activations_of(person("signer"), now())[0].certificate
    for link in db.session.query(CertificateActivation):
        link.certificate.not_before = END - 400 * DAY
        link.certificate.not_after = END + 300 * DAY
    certificate.not_after = END
    db.session.commit()
    return certificate


def told():
    rows = db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_expiry).order_by(OutboxMessage.id)
    return [(row.to_address.split("@")[0], row.facts["days_left"]) for row in rows]


@pytest.mark.requirement("I16")
def test_each_notice_goes_out_once_to_administrators_and_signers(ending):
    days = [31, 30, 29, 15, 14, 13, 2, 1, 0]
    done = [run_job(NAME, MORNING - left * DAY)["done"] for left in days]
    assert done == [0, 1, 0, 0, 1, 0, 0, 1, 0]
    assert told() == [("admin", 30), ("signer", 30), ("admin", 14), ("signer", 14), ("admin", 1), ("signer", 1)]
    assert run_job(NAME, END + DAY)["due"] == 0


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("left, notice", [(20, 30), (14, 14), (5, 14), (1, 1), (0, 1)])
def test_a_late_run_sends_the_one_that_fits_and_no_earlier_one(ending, left, notice):
    assert run_job(NAME, MORNING - left * DAY)["done"] == 1
    assert run_job(NAME, MORNING - left * DAY)["due"] == 0
    assert told() == [("admin", left), ("signer", left)]
    db.session.refresh(ending)
    assert ending.expiry_told_days == notice


@pytest.mark.requirement("I16")
def test_two_workers_tell_once(ending):
    assert [certificates.tell_of_end(ending.id, MORNING - 30 * DAY) for _ in range(2)] == [True, False]


@pytest.mark.requirement("I16", "B5")
def test_a_revoked_one_and_an_idle_company_hear_nothing(ending):
    ending.company.status = CompanyStatus.terminated
    db.session.commit()
    assert run_job(NAME, MORNING - 30 * DAY)["done"] == 0
    ending.company.status = CompanyStatus.active
    ending.revoked_at = MORNING - 40 * DAY
    db.session.commit()
    assert run_job(NAME, MORNING - 30 * DAY)["due"] == 0
    assert told() == []


@pytest.mark.requirement("I16")
def test_who_has_a_longer_one_needs_no_notice(ending, person):
    longer = certificates.issue(ending.company, [person("signer")], person("signer"), MORNING - 31 * DAY)
    db.session.commit()
    assert run_job(NAME, MORNING - 30 * DAY)["done"] == 0
    db.session.add(CertificateActivation(user=person("approver"), certificate=ending))  # and one who has none
    db.session.commit()
    assert run_job(NAME, MORNING - 29 * DAY)["done"] == 1
    assert told() == [("admin", 29), ("approver", 29)]
    certificates.revoke(longer, MORNING - 20 * DAY)
    db.session.commit()
    assert run_job(NAME, MORNING - 14 * DAY)["done"] == 1
    assert {name for name, left in told() if left == 14} == {"admin", "approver", "signer"}


@pytest.mark.requirement("I16")
def test_the_letter_says_what_to_do_and_leads_there(ending, client_of, post_letters):
    run_job(NAME, MORNING - 30 * DAY)
    mails = {mail.recipients[0].split("@")[0]: mail.body for mail in post_letters()}
    for body in mails.values():
        assert ending.number in body and "残り30日" in body and "2027/06/30 10:00" in body
    assert f"/admin/certificates/{ending.id}/renewal" in mails["admin"]
    assert "/certificates/activation" in mails["signer"] and "/admin/" not in mails["signer"]
    assert client_of("admin").get(f"/admin/certificates/{ending.id}/renewal").status_code == 200


def test_the_job_runs_each_morning_in_japan():
    assert TIMETABLE[NAME] == {"hour": 7, "minute": 30}
