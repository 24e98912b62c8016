"""Posting letters to a real SMTP server on loopback that can be told to refuse."""

import datetime as dt
import email
import socket
from email import policy

import pytest
from aiosmtpd.controller import Controller

from app.clock import now
from app.extensions import db, mail, writing
from app.jobs import run_job, send_mail
from app.models import JobRun, Letter, OutboxMessage
from app.services import credentials, outbox
from app.workflow import SignatureMode, Status

MINUTE = dt.timedelta(minutes=1)


class Server:
    """Keeps what it takes; answers MAIL, RCPT or DATA as told."""

    def __init__(self):
        self.taken, self.answers = [], {}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=10)

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.taken.append(envelope)
        return "250 OK"

    @property
    def mails(self):
        return [email.message_from_bytes(envelope.content, policy=policy.default) for envelope in self.taken]


@pytest.fixture
def server(app, monkeypatch):
    made = Server()
    made.controller.start()
    monkeypatch.setattr(app.extensions["mail"], "port", made.port)
    yield made
    made.controller.stop()


@pytest.fixture
def owed(person):
    """One letter with a secret."""
    credentials.give_initial_password(person("recipient"), now())
    db.session.commit()
    return db.session.query(OutboxMessage).one()


@pytest.mark.requirement("S15", "R17")
def test_a_letter_goes_out_once_and_its_secret_is_forgotten(server, owed):
    secret = outbox.secret_of(owed)
    report = run_job("send-mail")
    assert (report["due"], report["done"], report["failed"]) == (1, 1, 0)
    (sent,) = server.mails
    assert secret in sent.get_content() and sent["To"] == "recipient@receiver.example"
    assert sent["Message-ID"] == f"<{owed.message_id}>" and sent["Auto-Submitted"] == "auto-generated"
    assert sent["Subject"].startswith("【CECTRUST-Lightサービス】")
    db.session.refresh(owed)
    assert owed.sent_at and owed.due_at is None and owed.sealed_secret is None
    assert run_job("send-mail", now() + dt.timedelta(days=1))["due"] == 0
    assert len(server.taken) == 1


@pytest.mark.requirement("Q5")
@pytest.mark.parametrize("command", ["RCPT", "DATA", "MAIL"])
def test_a_passing_refusal_is_tried_again_with_the_same_message_id(server, owed, command):
    moment = now()
    server.answers[command] = "451 try again later"
    assert run_job("send-mail", moment)["done"] == 0
    db.session.refresh(owed)
    assert owed.sent_at is None and owed.sealed_secret and "自動で再送します" in owed.failure
    assert run_job("send-mail", moment + MINUTE)["due"] == 0  # not at once
    assert run_job("send-mail", moment + 6 * MINUTE)["done"] == 0
    server.answers.clear()
    assert run_job("send-mail", moment + 12 * MINUTE)["done"] == 1
    (sent,) = server.mails
    assert sent["Message-ID"] == f"<{owed.message_id}>"
    db.session.refresh(owed)
    assert owed.attempts == 3


@pytest.mark.requirement("Q5", "S15")
@pytest.mark.parametrize("command", ["RCPT", "DATA"])
def test_a_final_refusal_is_shown_and_not_repeated(server, owed, command):
    server.answers[command] = "550 no such mailbox"
    assert run_job("send-mail")["done"] == 0
    db.session.refresh(owed)
    assert owed.due_at is None and owed.sealed_secret is None and owed.sent_at is None
    assert "550" in owed.failure
    server.answers.clear()
    assert run_job("send-mail", now() + dt.timedelta(days=1))["due"] == 0
    assert server.taken == []


@pytest.mark.requirement("Q5")
def test_a_server_that_refuses_us_altogether_loses_no_letter(server, owed):
    moment = now()
    server.answers["MAIL"] = "530 authentication required"  # our setting is wrong, not the address
    assert run_job("send-mail", moment)["done"] == 0
    server.answers.clear()
    assert run_job("send-mail", moment + 6 * MINUTE)["done"] == 1


@pytest.mark.requirement("Q5")
def test_while_the_server_is_away_nothing_is_lost(server, owed):
    moment = now()
    server.controller.stop()
    report = run_job("send-mail", moment)
    assert (report["done"], report["failed"]) == (0, 0)
    db.session.refresh(owed)
    assert owed.due_at == moment + 5 * MINUTE and owed.sealed_secret
    server.controller = Controller(server, hostname="127.0.0.1", port=server.port, ready_timeout=10)
    server.controller.start()
    assert run_job("send-mail", moment + 24 * 60 * MINUTE)["done"] == 1


@pytest.mark.requirement("Q5", "D8", "S15")
def test_an_expired_secret_is_never_sent(server, make_document):
    make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    password = db.session.query(OutboxMessage).filter_by(letter=Letter.signing_password).one()
    run_job("send-mail", now() + dt.timedelta(days=9))
    assert ["署名依頼" in sent["Subject"] for sent in server.mails] == [True]
    db.session.refresh(password)
    assert password.sent_at is None and password.sealed_secret is None and password.due_at is None
    assert "有効期限" in password.failure


@pytest.mark.requirement("Q5")
def test_two_workers_send_a_letter_once(server, owed):
    moment = now()
    assert outbox.claim(owed.id, moment) is not None
    assert outbox.claim(owed.id, moment) is None
    assert send_mail.run_one(owed.id, moment) is False
    assert server.taken == []


def test_long_japanese_lines_and_leading_dots_arrive_whole(server, make_document):
    message = "契" * 1500 + "\n.\n..行頭の点\n" + "𠮷野家①髙﨑"
    make_document(
        Status.receiver_receipt, mode=SignatureMode.no_signature, message=message, title="長い件名" * 60
    )
    run_job("send-mail")
    raw = [envelope.content for envelope in server.taken]
    assert max(len(line) for content in raw for line in content.split(b"\r\n")) < 998
    sent = next(sent for sent in server.mails if "受取確認依頼" in sent["Subject"])
    assert message in sent.get_content().replace("\r\n", "\n")


@pytest.mark.requirement("S14")
def test_a_hostile_name_adds_no_receiver(server, person, make_document):
    person("recipient").full_name = "太郎\r\nBcc: evil@evil.example"
    person("registrar").company.name = "発出\r\nTo: evil@evil.example"
    make_document(
        Status.receiver_receipt,
        mode=SignatureMode.no_signature,
        title="x\r\nBcc: evil@evil.example\r\n\r\nBody",
    )
    run_job("send-mail")
    assert {address for envelope in server.taken for address in envelope.rcpt_tos} == {
        "recipient@receiver.example"
    }
    for sent in server.mails:
        assert sent["Bcc"] is None and sent["To"] == "recipient@receiver.example"


def test_one_bad_letter_stops_no_other(server, owed, person):
    bad = outbox.owe(Letter.completed, person("viewer"), now(), mode="no such mode")
    credentials.give_initial_password(person("viewer"), now())
    db.session.commit()
    report = run_job("send-mail")
    assert (report["due"], report["done"], report["failed"]) == (3, 2, 1)
    assert list(report["failures"]) == [str(bad.id)] and "ValueError" in report["failures"][str(bad.id)]
    row = db.session.query(JobRun).one()
    assert (row.name, row.done, row.failed, row.report) == ("send-mail", 2, 1, report)


def test_an_idle_run_leaves_no_row(server):
    assert run_job("send-mail")["due"] == 0
    assert db.session.query(JobRun).count() == 0


def test_nothing_is_held_while_the_mail_server_answers(make_document, monkeypatch):
    make_document(Status.receiver_receipt)
    seen = []

    def send(_letter):
        with writing(), db.engine.connect() as other:  # a second writer gets in at once
            other.execute(db.text("UPDATE plan SET note = note"))
            other.commit()
        seen.append(db.session().in_transaction())

    monkeypatch.setattr(mail, "send", send)
    assert run_job("send-mail")["failed"] == 0
    assert seen and not any(seen)
