"""A portal that takes its time stamps from outside, with the revocation lists that prove them (L18, S13)."""

import contextlib
import datetime as dt
import http.server
import threading

import pytest
import time_machine
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

import config
import run
from app.clock import now
from app.errors import Refused, SigningFailed
from app.extensions import db
from app.jobs import run_job
from app.models import JobRun, Letter, OutboxMessage, TsaRevocationList
from app.services import tsa_lists
from app.services.strongroom import strongroom
from app.signing import authorities as pki
from app.signing import revocation
from app.signing.authorities import PkiUrls
from app.signing.keys import KeyKind
from app.signing.timestamps import EmbeddedTsa
from app.signing.verify import Outcome, verify
from app.workflow import Status
from tests.conftest import settings

JOB = "tsa-crl"
DAY = dt.timedelta(days=1)


class Authority:
    """Somebody else's time-stamp authority, with a root, a CA, and the lists of both, on loopback."""

    def __init__(self):
        urls = PkiUrls.under("https://tsa.invalid/pki")
        self.pki = pki.new_authorities("時刻認証局", now(), urls, KeyKind.p_256)
        self.tsa = EmbeddedTsa(self.pki.tsa, [self.pki.tsa_ca.certificate])
        self.pem = b"".join(one.certificate.public_bytes(Encoding.PEM) for one in (self.pki.root, self.pki.tsa_ca))
        self.asked, self.answers, self.revoked, self.redirected = [], {}, [], False
        self.publish()

    def publish(self, days=7):
        moment = now()
        self.answers = {
            "/root.crl": revocation.crl(self.pki.root, [], moment, int(moment.timestamp()), dt.timedelta(days=days)),
            "/ca.crl": revocation.crl(self.pki.tsa_ca, self.revoked, moment, int(moment.timestamp()), dt.timedelta(days=days)),
        }


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.authority.asked.append(self.path)
        self.answer(self.server.authority.tsa.answer(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_GET(self):
        self.server.authority.asked.append(self.path)
        self.answer(self.server.authority.answers[self.path])

    def answer(self, body):
        self.send_response(302 if self.server.authority.redirected else 200)
        if self.server.authority.redirected:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def authority(app, tmp_path, monkeypatch):
    made = Authority()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.authority = made
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    base = made.base = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "tsa.pem").write_bytes(made.pem)
    monkeypatch.setitem(app.config, "TSA_URLS", [f"{base}/tsa"])
    monkeypatch.setitem(app.config, "TSA_ROOTS_FILE", str(tmp_path / "tsa.pem"))
    monkeypatch.setitem(app.config, "TSA_CRL_URLS", [f"{base}/root.crl", f"{base}/ca.crl"])
    strongroom().forget()
    yield made
    strongroom().forget()
    server.shutdown()
    server.server_close()
    thread.join()


def judged(document):
    strong = strongroom()
    return verify(strong.store.get(document.pdf_sha256), strong.roots, stamp_roots=strong.stamp_roots)


@pytest.mark.requirement("L18", "S13", "R3")
def test_a_portal_with_an_outside_authority_signs_archives_and_renews(authority, make_document, monkeypatch, app):
    report = run_job(JOB)
    assert (report["done"], report["failed"]) == (2, 0) and authority.asked == ["/root.crl", "/ca.crl"]
    assert run_job(JOB)["done"] == 0, "the same lists are no news"
    document = make_document(Status.completion_wait)
    signed = judged(document)
    assert (signed.outcome, signed.level) == (Outcome.valid, "B-LT")
    authority.asked.clear()
    with time_machine.travel(now() + DAY):
        authority.publish()
        assert run_job(JOB)["done"] == 2
        assert run_job("archive-transfer")["done"] == 1
        db.session.refresh(document)
        assert document.status is Status.archived
        archived = judged(document)
        assert (archived.outcome, archived.level) == (Outcome.valid, "B-LTA")
        assert len(archived.time_stamps) == 1
    assert set(authority.asked) == {"/root.crl", "/ca.crl", "/tsa"}
    with time_machine.travel(now() + 2 * DAY):  # back to the embedded authority; the former one's root stays
        monkeypatch.setitem(app.config, "TSA_URLS", [])
        strongroom().forget()
        document.archive_record.renew_on = document.archived_on
        db.session.commit()
        report = run_job("archive-extension")
        assert (report["done"], report["failed"]) == (1, 0), report
        db.session.refresh(document)
        assert len(judged(document).time_stamps) == 2


@pytest.mark.requirement("L18")
def test_without_current_lists_nothing_is_signed_and_operators_are_told_once_a_day(authority, make_document, monkeypatch, app):
    with pytest.raises(SigningFailed, match="時刻認証局の証明書が失効していないことを確認できない"):
        make_document(Status.completion_wait)
    assert authority.asked == [], "no time stamp is paid for that nobody could prove"
    db.session.rollback()
    run_job(JOB)
    strongroom().desk.tsa.certificate_chains()
    authority.answers.clear()
    monkeypatch.setitem(app.config, "ALGORITHM_ENDS", {"rsa_3072": dt.date(2031, 3, 31)})
    strongroom().forget()
    with time_machine.travel(now() + 8 * DAY):
        assert run_job("archive-extension")["failed"] == 0, "which key will stamp next is not known now"
        report = run_job(JOB)
        assert (report["done"], report["failed"]) == (1, 2)
        assert run_job(JOB)["done"] == 0
        told = db.session.query(OutboxMessage).filter_by(letter=Letter.tsa_list_alert).all()
        assert len(told) == 1 and len(told[0].facts["problems"]) == 2 and "期限切れ" in told[0].facts["problems"][0]
        with pytest.raises(SigningFailed, match="失効していないことを確認できない"):
            strongroom().desk.tsa.token_over(bytes(32))
    assert "/tsa" not in authority.asked[3:]


@pytest.mark.requirement("L18")
def test_a_time_stamp_of_a_revoked_authority_is_refused(authority):
    run_job(JOB)
    strongroom().desk.tsa.token_over(bytes(32))
    authority.revoked.append((authority.pki.tsa.certificate.serial_number, now()))
    with time_machine.travel(now() + dt.timedelta(minutes=1)):
        authority.publish()
        run_job(JOB)
        with pytest.raises(SigningFailed, match="失効していないことを確認できない"):
            strongroom().desk.tsa.token_over(bytes(32))


@pytest.mark.requirement("S13")
def test_neither_a_redirect_nor_a_foreign_old_or_too_large_list_is_taken(authority):
    older = authority.answers["/ca.crl"]
    with time_machine.travel(now() + dt.timedelta(minutes=1)):
        authority.publish()
    authority.redirected = True
    assert run_job(JOB)["failed"] == 2 and db.session.query(TsaRevocationList).count() == 0
    assert authority.base not in str(db.session.query(JobRun).one().report["failures"].keys())
    authority.redirected = False
    with time_machine.travel(now() + dt.timedelta(minutes=2)):
        run_job(JOB)
        for refused in (older, Authority().answers["/ca.crl"], b"", b"garbage"):
            with pytest.raises(Refused):
                tsa_lists.store(refused, now())
            db.session.rollback()
        kept = {row.der for row in db.session.query(TsaRevocationList)}
        assert kept == set(authority.answers.values())
        authority.answers["/ca.crl"] = bytes(tsa_lists.MOST_BYTES + 1)
        assert run_job(JOB)["failed"] == 1
    assert set(authority.asked) <= {"/root.crl", "/ca.crl"}


def test_lists_are_stored_by_hand_where_nothing_can_be_fetched(authority, make_document, monkeypatch, app, tmp_path):
    monkeypatch.setitem(app.config, "TSA_CRL_URLS", [])
    paths = []
    for number, der in enumerate(authority.answers.values()):
        paths.append(tmp_path / f"{number}.crl")
        paths[-1].write_bytes(x509.load_der_x509_crl(der).public_bytes(Encoding.PEM) if number else der)
    monkeypatch.setattr("app.create_app", lambda: app)
    db.session.commit()
    done = CliRunner().invoke(run.cli, ["tsa-crl", *map(str, paths)])
    assert done.exit_code == 0 and done.output.count("1 new") == 2, done.output
    assert run_job(JOB)["due"] == 1 and make_document(Status.completion_wait).status is Status.completion_wait
    db.session.commit()
    done = CliRunner().invoke(run.cli, ["tsa-crl", str(tmp_path / "tsa.pem")])
    assert done.exit_code == 1 and "失効リスト" in done.output


@pytest.mark.parametrize("more", [
    {"PORTAL_TSA_URLS": "https://tsa.example/"},
    {"PORTAL_TSA_CRL_URLS": "ftp://crl.example/ca.crl"},
])  # fmt: skip
def test_settings_with_which_nothing_could_be_signed_stop_the_start(more):
    with pytest.raises(config.MissingSetting, match="PORTAL_TSA_"):
        config.Test(settings("sqlite://", "file:///tmp/none", **more))
