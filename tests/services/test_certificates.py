"""Certificates: links, revocation with its CRL and OCSP, keys that are gone, PINs and their lock."""

import contextlib
import datetime as dt
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from werkzeug.serving import make_server

from app import queries
from app.clock import now
from app.errors import Refused, SecretLocked, SecretRefused
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    Certificate,
    CertificateActivation,
    DocumentSignature,
    Letter,
    OutboxMessage,
    Validity,
)
from app.services import certificates, documents, signatures, signing_passwords
from app.services.strongroom import strongroom
from app.signing.keys import KeyRefused
from app.signing.verify import verify
from app.workflow import SignatureMode, Status
from demo import actors
from tests.conftest import PASSWORD, tool
from tests.independent import independently_valid


@pytest.fixture
def issued(person):
    """A new certificate of the sender, linked to two people, and its PIN."""
    people = [person("signer"), person("approver")]
    certificate = certificates.issue(people[0].company, people, people[0], now())
    db.session.commit()
    return certificate, actors.secret_mailed(people[0], Letter.certificate_pin)


def link_of(user, certificate):
    return next(link for link in user.activations if link.certificate_id == certificate.id)


def told(letter):
    return [row.to_address for row in db.session.query(OutboxMessage).filter_by(letter=letter).order_by("id")]


def noted(action):
    return [event.note for event in db.session.query(AccountEvent).filter_by(action=action).order_by(AccountEvent.id)]


@pytest.mark.requirement("I16")
def test_validity_follows_the_clock_and_the_revocation(person):
    certificate = queries.activations_of(person("signer"), now())[0].certificate
    second = dt.timedelta(seconds=1)
    assert certificate.validity(certificate.not_before - second) is Validity.not_yet
    assert certificate.validity(certificate.not_before) is Validity.valid
    assert certificate.validity(certificate.not_after - second) is Validity.valid
    assert certificate.validity(certificate.not_after) is Validity.expired
    certificate.revoked_at = now()
    assert certificate.validity(now()) is Validity.revoked


WIDE = {ord(str(digit)): ord("０") + digit for digit in range(10)}
PASTED = {
    "as it is": lambda pin: pin,
    "with blanks and a line break around it": lambda pin: f" \t{pin}\r\n",
    "in groups": lambda pin: f"{pin[:4]} {pin[4:8]}　{pin[8:]}",
    "with hyphens": lambda pin: f"{pin[:4]}-{pin[4:8]}－{pin[8:]}",
    "full-width": lambda pin: pin.translate(WIDE),
    "with its label": lambda pin: f"PIN： {pin}",
}


@pytest.mark.requirement("R37", "R21")
@pytest.mark.parametrize("form", PASTED)
def test_the_pin_is_read_as_people_paste_it(person, issued, form):
    certificate, pin = issued
    pasted = PASTED[form](pin)
    user = person("approver")
    link = certificates.activate(user, link_of(user, certificate), pasted, PASSWORD, now())
    assert link.activated_at is not None and link.pin_failures == 0
    assert noted(AccountAction.certificate_activated)[-1] == certificate.number


@pytest.mark.requirement("S8", "I16")
def test_the_fifth_wrong_pin_locks_and_is_told_once(person, issued):
    certificate, pin = issued
    user = person("approver")
    for left in (4, 3, 2, 1):
        with pytest.raises(SecretRefused, match=f"あと{left}回") as refusal:
            certificates.activate(user, link_of(user, certificate), "1", PASSWORD, now())
        assert not isinstance(refusal.value, SecretLocked)
    assert told(Letter.secret_locked) == []
    with pytest.raises(SecretLocked, match="ロック"):
        certificates.activate(user, link_of(user, certificate), "1", PASSWORD, now())
    db.session.rollback()  # as the page does with every refusal
    with pytest.raises(SecretRefused, match="ロック"):
        certificates.activate(user, link_of(user, certificate), pin, PASSWORD, now())
    db.session.rollback()
    assert told(Letter.secret_locked) == ["approver@sender.example"]
    assert noted(AccountAction.locked) == [f"PIN {certificate.number}"]
    certificates.unlock(user)
    db.session.commit()
    assert certificates.activate(user, link_of(user, certificate), pin, PASSWORD, now()).activated_at


@pytest.mark.requirement("S8", "R80")
def test_the_fifth_wrong_signing_password_locks_and_is_told_once(make_document, person):
    document, signer = make_document(Status.sender_signature, mode=SignatureMode.sender_only), person("signer")
    link = queries.activations_of(signer, now())[0]
    for _ in range(7):
        with pytest.raises(SecretRefused):
            signatures.check(document, signer, link.id, "x", now())
        db.session.rollback()
    assert told(Letter.secret_locked) == ["signer@sender.example"]
    assert noted(AccountAction.locked) == ["署名用パスワード"]


@pytest.mark.requirement("S8")
def test_of_twenty_parallel_guesses_one_sends_the_letter(application, person, issued):
    certificate, _ = issued
    user_id, link_id = person("approver").id, link_of(person("approver"), certificate).id
    db.session.remove()

    def guess(number):
        from app.extensions import begin_request
        from app.models import PortalUser

        with application.app_context():
            begin_request(True)
            user, link = db.session.get(PortalUser, user_id), db.session.get(CertificateActivation, link_id)
            with contextlib.suppress(SecretRefused):
                certificates.activate(user, link, f"{number:012d}", PASSWORD, now())
            db.session.rollback()
            db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(guess, range(20)))
    assert db.session.get(CertificateActivation, link_id).pin_failures == 5
    assert told(Letter.secret_locked) == ["approver@sender.example"]


@pytest.mark.requirement("R36", "R19", "I16")
def test_people_are_linked_and_unlinked_and_the_key_of_who_leaves_is_gone(person, issued):
    certificate, pin = issued
    approver, viewer, admin = person("approver"), person("viewer"), person("admin")
    certificates.activate(approver, link_of(approver, certificate), pin, PASSWORD, now())
    db.session.commit()
    assert certificates.link_people(certificate, [person("signer"), viewer], now(), admin)
    db.session.commit()
    db.session.expire_all()
    assert certificate.people == sorted([person("signer"), viewer], key=lambda user: user.user_code)
    assert not [link for link in approver.activations if link.certificate_id == certificate.id]
    assert link_of(viewer, certificate).activated_at is None  # everybody needs the PIN
    assert (noted(AccountAction.certificate_linked)[-1], noted(AccountAction.certificate_unlinked)) == (
        certificate.number, [certificate.number],
    )  # fmt: skip
    before = db.session.query(AccountEvent).count()
    assert not certificates.link_people(certificate, [viewer, person("signer")], now(), admin)
    db.session.commit()
    assert db.session.query(AccountEvent).count() == before
    # linked again, the PIN is asked again
    certificates.link_people(certificate, [approver, viewer], now(), admin)
    db.session.commit()
    db.session.expire_all()
    assert link_of(approver, certificate).sealed_key is None


@pytest.mark.requirement("R36", "S7")
@pytest.mark.parametrize("who", ["receiver_signer", "stranger", "deleted", "unknown"])
def test_only_active_people_of_the_own_company_are_linked(person, issued, who):
    certificate, _ = issued
    if who == "deleted":
        person("viewer").deleted_at = now()
        db.session.commit()
    code = {"deleted": person("viewer").user_code, "unknown": "U99999999"}.get(who) or person(who).user_code
    with pytest.raises(Refused, match=code):
        certificates.people_named(certificate.company, [code])


@pytest.mark.requirement("B5", "I16", "S16")
def test_a_revoked_certificate_keeps_no_key_and_tells_who_has_to_know(person, issued, post_letters):
    certificate, pin = issued
    approver = person("approver")
    link = certificates.activate(approver, link_of(approver, certificate), pin, PASSWORD, now())
    db.session.commit()
    assert certificates.revoke(certificate, now(), actor=person("admin"))
    db.session.commit()
    db.session.expire_all()
    assert certificate.sealed_key is None
    assert {link.sealed_key for link in certificate.activations} == {None}
    assert sorted(told(Letter.certificate_revoked)) == [f"{who}@sender.example" for who in ("admin", "approver", "signer")]
    mails = {mail.recipients[0]: mail.body for mail in post_letters() if "失効" in mail.subject}
    assert "/admin/certificates/application" in mails["admin@sender.example"]
    assert "/certificates/activation" in mails["signer@sender.example"]
    assert all(certificate.number in body for body in mails.values())
    assert not certificates.revoke(certificate, now(), actor=person("admin"))  # once
    assert len(told(Letter.certificate_revoked)) == 3
    assert noted(AccountAction.certificate_revoked) == [certificate.number]
    with pytest.raises(Refused, match="失効"):
        certificates.signing_key(link, now())
    with pytest.raises(Refused, match="失効"):
        certificates.activate(approver, link, pin, PASSWORD, now())
    with pytest.raises(Refused, match="失効"):
        certificates.link_people(certificate, [approver], now(), person("admin"))


@pytest.mark.requirement("B5", "R107")
@pytest.mark.parametrize("state, reason", [("revoked", "失効しています"), ("expired", "有効期限が切れています")])
def test_a_waiting_signature_is_refused_with_the_reason_and_changes_nothing(
    client_of, make_document, person, state, reason
):
    document, signer = make_document(Status.sender_signature, mode=SignatureMode.sender_only), person("signer")
    link, before = queries.activations_of(signer, now())[0], document.pdf_sha256
    password = actors.secret_mailed(signer, Letter.signing_password)
    client = client_of("signer")
    if state == "revoked":
        certificates.revoke(link.certificate, now(), actor=person("admin"))
    else:
        link.certificate.not_after = now()
    db.session.commit()
    reply = client.post(
        f"/documents/{document.id}/sign",
        {"version": str(document.version), "certificate": str(link.id), "signing_password": password},
    )
    assert reply.status_code == 422 and reason in reply.text and link.certificate.number in reply.text
    db.session.expire_all()
    assert (document.status, document.pdf_sha256) == (Status.sender_signature, before)
    assert db.session.query(DocumentSignature).count() == 0 and signer.signing_failures == 0


@pytest.mark.requirement("B5")
def test_a_certificate_revoked_while_the_signature_is_made_does_not_pass(make_document, person):
    document, signer = make_document(Status.sender_signature, mode=SignatureMode.sender_only), person("signer")
    link = queries.activations_of(signer, now())[0]
    password = actors.secret_mailed(signer, Letter.signing_password)
    order = signatures.check(document, signer, link.id, password, now())
    db.session.commit()
    file = signatures.make(order)
    certificates.revoke(link.certificate, now())
    db.session.commit()
    with pytest.raises(Refused, match="失効"):
        documents.sign(
            document, signer, now(), file=file, certificate_id=order.certificate_id,
            signing_password_id=order.signing_password_id,
        )  # fmt: skip
    db.session.rollback()
    assert document.status is Status.sender_signature


@pytest.mark.requirement("B5", "R36")
@pytest.mark.parametrize("comes_back", [False, True])
def test_a_person_unlinked_while_the_signature_is_made_does_not_sign(make_document, person, comes_back):
    document, signer = make_document(Status.sender_signature, mode=SignatureMode.sender_only), person("signer")
    link = queries.activations_of(signer, now())[0]
    order = signatures.check(document, signer, link.id, actors.secret_mailed(signer, Letter.signing_password), now())
    db.session.commit()
    file, certificate = signatures.make(order), link.certificate
    for people in ([person("colleague")], [signer])[: 1 + comes_back]:
        certificates.link_people(certificate, people, now(), person("admin"))
        db.session.commit()
    with pytest.raises(Refused, match="紐付けが解除"):
        documents.sign(
            document, signer, now(), file=file, certificate_id=order.certificate_id,
            signing_password_id=order.signing_password_id,
        )  # fmt: skip
    db.session.rollback()
    assert document.status is Status.sender_signature and db.session.query(DocumentSignature).count() == 0


@pytest.mark.requirement("B5", "R3", "I16")
def test_what_was_signed_before_the_revocation_stays_valid(make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.sender_only)
    certificate = db.session.query(DocumentSignature).one().certificate
    certificates.revoke(certificate, now() + dt.timedelta(seconds=2))
    db.session.commit()
    strong = strongroom()
    pdf = strong.store.get(document.pdf_sha256)
    assert verify(pdf, strong.roots).exit_code == 0
    independently_valid(pdf, strong.roots[0].public_bytes(Encoding.PEM))


# -- CRL and OCSP, asked by OpenSSL -----------------------------------------------


@pytest.fixture
def portal(app):
    """The portal on a free port of loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def openssl(*words):
    done = subprocess.run([tool("openssl"), *map(str, words)], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.requirement("I16", "B5")
def test_openssl_sees_a_certificate_good_before_and_revoked_right_after(portal, person, tmp_path):
    import urllib.request

    own = strongroom().authorities
    certificate = queries.activations_of(person("signer"), now())[0].certificate
    other = queries.activations_of(person("receiver_signer"), now())[0].certificate
    for name, made in {
        "root": own.root.certificate, "ca": own.signers_ca.certificate,
        "own": x509.load_der_x509_certificate(certificate.certificate_der),
        "other": x509.load_der_x509_certificate(other.certificate_der),
    }.items():  # fmt: skip
        (tmp_path / f"{name}.pem").write_bytes(made.public_bytes(Encoding.PEM))
    db.session.commit()

    def ocsp(name):
        return openssl(
            "ocsp", "-issuer", tmp_path / "ca.pem", "-cert", tmp_path / f"{name}.pem", "-url", f"{portal}/pki/ocsp",
            "-CAfile", tmp_path / "root.pem", "-verify_other", tmp_path / "ca.pem", "-no_nonce",
        )  # fmt: skip

    def crl(name):
        with urllib.request.urlopen(f"{portal}/pki/signers-ca.crl") as reply:
            (tmp_path / "list.crl").write_bytes(reply.read())
        code, said = openssl("crl", "-inform", "DER", "-in", tmp_path / "list.crl", "-out", tmp_path / "list.pem")
        assert code == 0, said
        return openssl(
            "verify", "-crl_check", "-CAfile", tmp_path / "root.pem", "-untrusted", tmp_path / "ca.pem",
            "-CRLfile", tmp_path / "list.pem", tmp_path / f"{name}.pem",
        )  # fmt: skip

    code, said = ocsp("own")
    assert code == 0 and "Response verify OK" in said and "own.pem: good" in said, said
    code, said = crl("own")
    assert code == 0 and "own.pem: OK" in said, said
    certificates.revoke(certificate, now(), actor=person("admin"))
    db.session.commit()
    code, said = ocsp("own")
    assert "Response verify OK" in said and "own.pem: revoked" in said, said
    code, said = crl("own")
    assert code != 0 and "certificate revoked" in said, said
    assert "other.pem: good" in ocsp("other")[1]
    assert crl("other")[0] == 0


@pytest.mark.requirement("S16", "I16")
def test_another_persons_copy_of_a_key_opens_for_nobody_else(person, issued):
    certificate, pin = issued
    approver, signer = person("approver"), person("signer")
    own = certificates.activate(approver, link_of(approver, certificate), pin, PASSWORD, now())
    theirs = link_of(signer, certificate)
    theirs.sealed_key, theirs.activated_at = own.sealed_key, now()
    with pytest.raises(KeyRefused):
        certificates.signing_key(theirs, now())


@pytest.mark.requirement("I16")
def test_a_key_signs_until_the_last_moment_of_its_certificate(person):
    link = queries.activations_of(person("signer"), now())[0]
    end = link.certificate.not_after
    with time_machine.travel(end - dt.timedelta(seconds=1), tick=False):
        assert certificates.signing_key(link, now())
    with pytest.raises(Refused, match="有効期限"):
        certificates.signing_key(link, end)


@pytest.mark.requirement("R77", "S17")
def test_a_reissued_signing_password_is_noted(person):
    from app.services import outbox

    outbox.give_signing_password_again(person("signer"), now())
    db.session.commit()
    (event,) = db.session.query(AccountEvent).filter_by(action=AccountAction.signing_password_reissued)
    assert (event.user_id, event.actor_id) == (person("signer").id, person("signer").id)
    assert signing_passwords.check(
        person("signer"), actors.secret_mailed(person("signer"), Letter.signing_password_reissued), now()
    )


@pytest.mark.requirement("I16", "R21")
def test_issuing_notes_the_certificate_and_everybody_it_is_linked_to(person, issued):
    certificate, _ = issued
    assert db.session.get(Certificate, certificate.id).number == noted(AccountAction.certificate_issued)[-1]
    assert noted(AccountAction.certificate_linked)[-2:] == [certificate.number] * 2
