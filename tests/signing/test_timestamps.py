import contextlib
import datetime as dt
import hashlib
import http.server
import os
import threading
import time

import pytest
import time_machine
from asn1crypto import core, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from app import clock
from app.errors import SigningFailed
from app.signing import outgoing, timestamps, token_answers
from app.signing.authorities import Credential
from app.signing.keys import KeyKind, new_key
from app.signing.timestamps import EmbeddedTsa, HttpTsa, TimeStampAuthorities
from app.signing.token_answers import TokenRefused, check_answer
from app.signing.verdict import Finding
from app.signing.verify import Outcome, verify
from app.signing.verify_apart import verify_apart
from tests.independent import independently_valid
from tests.signing.conftest import Portal

DIGEST = hashlib.sha256(b"contract").digest()
NONCE = 0x4711_0815_1234_5678


def request(digest=DIGEST, algorithm="sha256", nonce=NONCE):
    imprint = {"hash_algorithm": {"algorithm": algorithm}, "hashed_message": digest}
    asked = {"version": 1, "message_imprint": imprint, "nonce": nonce, "cert_req": True}
    return tsp.TimeStampReq(asked).dump()


def check(portal, answer, **changes):
    arguments = {
        "message_digest": DIGEST,
        "md_algorithm": "sha256",
        "nonce": NONCE,
        "roots": portal.roots,
        "now": clock.now(),
    }
    return check_answer(answer, **(arguments | changes))


@pytest.mark.requirement("L18")
@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_a_token_of_our_own_holds(portal, algorithm):
    digest = hashlib.new(algorithm, b"contract").digest()
    answer = portal.tsa.answer(request(digest, algorithm))
    token, chain = check(portal, answer, message_digest=digest, md_algorithm=algorithm)
    assert chain[0] == portal.authorities.tsa.certificate.public_bytes(Encoding.DER)


def test_serial_numbers_are_unique(portal):
    answers = [tsp.TimeStampResp.load(portal.tsa.answer(request())) for _ in range(50)]
    infos = [
        answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed for answer in answers
    ]
    assert len({info["serial_number"].native for info in infos}) == 50


@pytest.mark.requirement("L18")
@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": NONCE + 1},
        {"message_digest": bytes(32)},
        {"md_algorithm": "sha512"},
        {"seconds": 75},
        {"seconds": -75},
        {"seconds": 400 * 86400},
    ],
)
def test_a_token_for_something_else_or_another_time_is_refused(portal, changes):
    if "seconds" in changes:
        changes = {"now": clock.now() + dt.timedelta(seconds=changes["seconds"])}
    with pytest.raises(TokenRefused):
        check(portal, portal.tsa.answer(request()), **changes)


def test_a_token_of_an_unknown_authority_is_refused(portal, rsa_portal):
    with pytest.raises(TokenRefused, match="not trusted"):
        check(rsa_portal, portal.tsa.answer(request()))


def test_a_token_signed_by_a_certificate_not_made_for_it_is_refused(portal, sender):
    impostor = EmbeddedTsa(
        Credential(sender.certificate, sender.key), [portal.authorities.signers_ca.certificate]
    )
    with pytest.raises(TokenRefused, match="not for time stamping"):
        check(portal, impostor.answer(request()))


def test_no_flipped_byte_of_a_token_raises_anything_but_a_refusal(portal):
    answer = portal.tsa.answer(request())
    for place in range(0, len(answer), 37):
        flipped = bytearray(answer)
        flipped[place] ^= 0x10
        with contextlib.suppress(TokenRefused):
            check(portal, bytes(flipped))


@pytest.mark.parametrize(
    "asked",
    [b"", b"garbage", request(bytes(20), "sha1"), request(bytes(5))],
    ids=["empty", "garbage", "sha1", "short"],
)
def test_the_embedded_authority_refuses_what_it_cannot_stamp(portal, asked):
    answer = portal.tsa.answer(asked)
    assert core.Sequence.load(answer)[0][0].native == 2  # rejection, and no token
    with pytest.raises(TokenRefused):
        check(portal, answer)


class Tsa(http.server.BaseHTTPRequestHandler):
    """A time-stamp authority over HTTP that misbehaves as told."""

    def do_POST(self):
        self.server.asked += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        behaviour = self.server.behaviour
        if behaviour == "nothing":
            time.sleep(self.server.patience)
            return
        if behaviour == "error":
            return self.reply(500, b"")
        if behaviour == "redirect":
            return self.reply(302, b"", ("Location", "http://127.0.0.1:1/"))
        if behaviour == "huge":
            return self.reply(200, bytes(2 * 1024 * 1024))
        if behaviour == "garbage":
            return self.reply(200, os.urandom(500))
        if behaviour == "empty":
            return self.reply(200, b"")
        if behaviour == "wrong nonce":
            asked = tsp.TimeStampReq.load(body)
            asked["nonce"] = asked["nonce"].native + 1
            body = asked.dump(force=True)
        if behaviour == "wrong imprint":
            asked = tsp.TimeStampReq.load(body)
            asked["message_imprint"]["hashed_message"] = bytes(32)
            body = asked.dump(force=True)
        if behaviour == "refusal":
            return self.reply(200, self.server.tsa.answer(request(bytes(20), "sha1")))
        if behaviour == "slow":
            return self.drip(self.server.tsa.answer(body))
        if behaviour == "slow header":
            with contextlib.suppress(OSError):
                for byte in b"HTTP/1.1 200 OK\r\nX-Wait: " + 40 * b"a":
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.15)
            return None
        if seconds := {"clock over a minute ahead": 70, "wrong clock": -400 * 86400}.get(behaviour):
            with time_machine.travel(clock.now() + dt.timedelta(seconds=seconds)):
                answer = self.server.tsa.answer(body)
            return self.reply(200, answer)  # by then the clock, which all threads share, is right again
        return self.reply(200, self.server.tsa.answer(body))

    def reply(self, status, body, *headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        for header in headers:
            self.send_header(*header)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def drip(self, body):
        """Byte by byte, so that no single wait is long."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            for byte in body[:40]:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.05)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(tsa, behaviour="right"):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Tsa)
        server.tsa, server.behaviour, server.asked, server.patience = tsa, behaviour, 0, 1.0
        server.url = f"http://127.0.0.1:{server.server_address[1]}/tsa"
        server.worker = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        server.worker.start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
        server.worker.join()


@pytest.fixture(scope="module")
def outside():
    """The authorities of somebody else, who stamps for us."""
    return Portal(KeyKind.p_256, "時刻認証局")


def desk_with(portal, outside, *urls):
    """A desk of ours that takes its time stamps from outside."""
    authorities = TimeStampAuthorities([HttpTsa(url, roots=outside.roots) for url in urls])
    desk = portal.desk_with(authorities)
    theirs = {ca.certificate.subject for ca in (outside.authorities.tsa_ca,)}
    ours = portal.leaf_ocsp
    desk.leaf_ocsp = lambda c: outside.leaf_ocsp(c) if c.issuer in theirs else ours(c)
    desk._ca_crls = lambda: [*portal.ca_crls(), *outside.ca_crls()]
    return desk


@pytest.mark.requirement("L18")
def test_contracts_are_stamped_by_an_outside_authority(portal, outside, sender, contract, serve):
    server = serve(outside.tsa)
    desk = desk_with(portal, outside, server.url)
    key = {"key": sender.key, "certificate": sender.certificate, "field": "sender"}
    signed = desk.sign(contract, **key)
    assert server.asked == 2  # once to learn its certificates, which were not configured
    archived = desk.archive(desk.sign(contract, **key))
    assert server.asked == 4
    roots = [*portal.roots, *outside.roots]
    assert verify(signed, portal.roots, stamp_roots=outside.roots).level == "B-LT"
    assert verify(archived, portal.roots, stamp_roots=outside.roots).level == "B-LTA"
    assert verify(archived, portal.roots).outcome is Outcome.unjudged
    independently_valid(archived, b"".join(root.public_bytes(Encoding.PEM) for root in roots))


@pytest.mark.requirement("L18", "S1")
def test_the_root_of_a_time_stamp_authority_vouches_for_no_signer(portal, outside, contract):
    """Its CAs issue certificates to anybody, with any company's name in them."""
    impostor = outside.signer("株式会社みなと建設")
    key = {"key": impostor.key, "certificate": impostor.certificate, "field": "sender"}
    signed = outside.desk.sign(contract, **key)
    for pdf in (signed, outside.desk.archive(signed)):
        verdict = verify(pdf, portal.roots, stamp_roots=outside.roots)
        assert verdict.finding is Finding.untrusted and not verdict.signatures[0].trusted
        assert all(stamp.trusted for stamp in verdict.time_stamps)
        assert verify_apart(pdf, portal.roots, stamp_roots=outside.roots) == verdict


@pytest.mark.requirement("L18")
@pytest.mark.parametrize(
    "behaviour",
    [
        "wrong nonce", "wrong imprint", "wrong clock", "clock over a minute ahead", "garbage", "empty", "error", "refusal",
        "redirect", "huge", "slow", "nothing", "unknown", "no usage",
    ],
)
def test_a_failing_authority_is_passed_over(portal, outside, sender, contract, serve, behaviour, monkeypatch):
    monkeypatch.setattr(timestamps, "TIMEOUT_SECONDS", 0.8)
    bad = serve({"unknown": portal.tsa, "no usage": _for_anything(outside)}.get(behaviour, outside.tsa), behaviour)
    good = serve(outside.tsa)
    desk = desk_with(portal, outside, bad.url, good.url)
    desk.tsa.authorities[0].chain = desk.tsa.authorities[1].chain = tuple(outside.tsa.certificate_chains()[0])
    signed = desk.sign(contract, key=sender.key, certificate=sender.certificate, field="sender")
    assert (bad.asked, good.asked) == (1, 1)
    assert verify(signed, [*portal.roots, *outside.roots]).outcome is Outcome.valid
    desk.sign(contract, key=sender.key, certificate=sender.certificate, field="sender")
    assert (bad.asked, good.asked) == (1, 2), "it rests for a while"


@pytest.mark.requirement("S13", "Q6")
def test_a_host_that_sends_its_header_byte_by_byte_is_hung_up_on_in_time(serve, outside):
    """No single wait is long, and together they are longer than what was allowed."""
    address, begun = outgoing.split(serve(outside.tsa, "slow header").url), time.monotonic()
    with pytest.raises(outgoing.NoAnswer):
        outgoing.call(address, 0.3, 1000, body=b"")
    assert time.monotonic() - begun < 6  # the whole header would take nine seconds


def _for_anything(outside):
    """An authority whose certificate comes from the right CA, and is not made for time stamping."""
    ca, key = outside.authorities.tsa_ca, new_key(KeyKind.p_256)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TSA")]))
        .issuer_name(ca.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - dt.timedelta(minutes=5))
        .not_valid_after(clock.now() + dt.timedelta(days=30))
        .sign(ca.key, hashes.SHA256())
    )
    return EmbeddedTsa(Credential(certificate, key), [ca.certificate])


@pytest.mark.requirement("L18", "S13")
def test_authorities_are_asked_in_order_within_the_time_that_a_person_waits(outside, serve, monkeypatch):
    """Q6: the first that answers rightly gives the time stamp; all together have nine seconds."""
    monkeypatch.setattr(timestamps, "TIMEOUT_SECONDS", 0.8)
    servers = [serve(outside.tsa, "nothing"), serve(outside.tsa, "garbage"), serve(outside.tsa), serve(outside.tsa)]
    for server in servers:
        server.patience = 3.0
    authorities = TimeStampAuthorities([HttpTsa(server.url, roots=outside.roots) for server in servers])
    authorities._first_token(DIGEST, "sha256")
    assert [server.asked for server in servers] == [1, 1, 1, 0]
    monkeypatch.setattr(timestamps, "TOTAL_SECONDS", 1.8)
    stalled = [serve(outside.tsa, "nothing") for _ in range(4)]
    for server in stalled:
        server.patience = 3.0
    waiting = TimeStampAuthorities([HttpTsa(server.url, roots=outside.roots) for server in stalled])
    begun = time.monotonic()
    with pytest.raises(SigningFailed):
        waiting._first_token(DIGEST, "sha256")
    assert time.monotonic() - begun < 10 and [server.asked for server in stalled][-1] == 0


def test_the_product_waits_no_longer_than_promised():
    assert timestamps.TIMEOUT_SECONDS <= 5 and timestamps.TOTAL_SECONDS < 10
    assert timestamps.ANSWER_MAX_BYTES == 1024 * 1024 and token_answers.CLOCK_TOLERANCE == dt.timedelta(seconds=60)


@pytest.mark.requirement("L18")
def test_without_any_time_stamp_nothing_is_signed(portal, outside, sender, contract, serve):
    bad = serve(outside.tsa, "wrong nonce")
    desk = desk_with(portal, outside, bad.url, "http://127.0.0.1:9/tsa")
    with pytest.raises(SigningFailed, match="タイムスタンプを取得できなかった"):
        desk.sign(contract, key=sender.key, certificate=sender.certificate, field="sender")
    with pytest.raises(SigningFailed, match="タイムスタンプを取得できなかった"):
        desk.archive(contract)


@pytest.mark.parametrize("url", ["ftp://tsa.example/", "tsa.example", "http://"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValueError):
        HttpTsa(url)
