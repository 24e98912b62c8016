"""Expired signing passwords are forgotten; valid ones are not."""

import datetime as dt

import pytest

from app.clock import now
from app.errors import SecretRefused
from app.extensions import db
from app.jobs import run_job
from app.models import JobRun, SigningPassword
from app.services import signing_passwords

NAME = "signing-password-expiry"


@pytest.mark.requirement("D8", "S15")
def test_the_hash_of_an_expired_password_is_erased_and_its_row_stays(person):
    moment = now()
    issued = signing_passwords.issue_automatically(person("signer"), moment)
    db.session.commit()
    last_moment = signing_passwords.dt.datetime.combine(issued.last_day, dt.time(14, 59), dt.UTC)
    assert run_job(NAME, last_moment)["due"] == 0  # 23:59 of the last day in Japan
    report = run_job(NAME, last_moment + dt.timedelta(minutes=2))
    assert (report["due"], report["done"], report["failed"]) == (1, 1, 0)
    assert db.session.query(SigningPassword).one().mac is None
    assert run_job(NAME, last_moment + dt.timedelta(minutes=3))["due"] == 0
    with pytest.raises(SecretRefused, match="有効期限"):
        signing_passwords.check(person("signer"), issued.secret, last_moment + dt.timedelta(minutes=4))
    assert [(run.name, run.done) for run in db.session.query(JobRun).order_by(JobRun.id)] == [
        (NAME, 0),
        (NAME, 1),
        (NAME, 0),
    ]


def test_an_unknown_job_is_no_job(app):
    with pytest.raises(KeyError):
        run_job("no-such-job")
