"""Keys in a PKCS#11 token, from the issue of a certificate to its revocation; and what a token's absence leaves."""

import shutil

import pytest

import config
from app import queries
from app.clock import now
from app.errors import HardwareFailed, SecretRefused
from app.extensions import db
from app.jobs import run_job
from app.models import Authority, Certificate, CertificateActivation, DocumentEvent, Letter, OutboxMessage
from app.services import certificates, key_rotation, personal_data, signatures, strongroom, token_keys
from app.services.strongroom import Strongroom
from app.signing.keys import REFERENCE, key_to_der, sign_sha256
from app.signing.verify import verify
from app.workflow import SignatureMode, Status
from demo import actors
from tests.conftest import PASSWORD, settings

JOB = "key-destruction"
cut_off = pytest.mark.filterwarnings("ignore:Exception ignored in.*OperationContext")


@pytest.fixture
def restart(app, softhsm, monkeypatch):
    """The portal after a restart with a token, and with other settings if given."""

    def start(**other):
        made = Strongroom(app.config | softhsm.settings | other)
        monkeypatch.setitem(app.extensions, "strongroom", made)
        return made

    return start


@pytest.fixture
def issued(restart, person):
    """A certificate of the sender's signer with its key in the token; its PIN is on its way."""
    restart()
    user = person("signer")
    certificate = certificates.issue(user.company, [user], user, now())
    db.session.commit()
    return certificate


@pytest.fixture
def without_token(softhsm):
    """Takes the token out of its slot, until the test ends."""
    away = softhsm.folder.with_name("away")

    def take_out():
        strong = strongroom.strongroom()
        strong.token._reopen_module()
        shutil.move(softhsm.folder, away)
        softhsm.folder.mkdir()

    yield take_out
    if away.exists():
        softhsm.folder.rmdir()
        shutil.move(away, softhsm.folder)


def link_of(certificate):
    return db.session.query(CertificateActivation).filter_by(certificate_id=certificate.id).one()


def activate(certificate, user):
    pin = actors.secret_mailed(user, Letter.certificate_pin)
    certificates.activate(user, link_of(certificate), pin, PASSWORD, now())
    db.session.commit()


def sign(document, signer, certificate):
    password = actors.secret_mailed(signer, Letter.signing_password)
    order = signatures.check(document, signer, link_of(certificate).id, password, now())
    db.session.commit()
    return order, signatures.make(order)


@pytest.mark.requirement("S16", "L2", "I16", "R33")
def test_from_issue_to_signature_the_rows_hold_no_key(issued, person, make_document):
    signer = person("signer")
    assert issued.token_key and link_of(issued).sealed_key is None
    with pytest.raises(SecretRefused):
        certificates.activate(signer, link_of(issued), "000000000000", PASSWORD, now())
    activate(issued, signer)
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    order, file = sign(document, signer, issued)
    assert order.key.key_id.hex() == issued.token_key
    strong = strongroom.strongroom()
    verdict = verify(strong.store.get(file.sha256), strong.roots)
    assert verdict.exit_code == 0 and len(verdict.signatures) == 1

    # the database and the KEK together open a reference, and no key
    link = link_of(issued)
    opened = strong.keyring.open(link.sealed_key, certificates._user_context(link))
    assert opened == key_to_der(order.key) and opened.startswith(REFERENCE)


@pytest.mark.requirement("S16", "L2")
def test_the_keys_of_before_go_on_and_those_of_a_token_need_it(issued, restart, person, make_document):
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    older = next(link for link in queries.activations_of(person("signer"), now()) if link.activated_at)
    assert older.certificate.token_key is None
    activate(issued, person("signer"))
    assert sign(document, person("signer"), older.certificate)[1].sha256
    restart(PKCS11_MODULE="")
    with pytest.raises(HardwareFailed):
        certificates.signing_key(link_of(issued), now())
    assert certificates.signing_key(older, now())


@pytest.mark.requirement("S16", "I16")
def test_revoking_erases_the_reference_at_once_and_the_job_destroys_the_key(issued, person):
    activate(issued, person("signer"))
    key, _ = certificates.signing_key(link_of(issued), now())
    assert run_job(JOB)["due"] == 0
    certificates.revoke(issued, now())
    db.session.commit()
    assert issued.sealed_key is None and link_of(issued).sealed_key is None
    report = run_job(JOB)
    assert (report["due"], report["done"], report["failed"]) == (1, 1, 0)
    db.session.refresh(issued)
    assert issued.token_key is None
    with pytest.raises(HardwareFailed):
        sign_sha256(key, b"message")
    assert run_job(JOB)["due"] == 0 and token_keys.destroy(issued.id) is False


@cut_off
@pytest.mark.requirement("S16", "I16")
def test_a_certificate_is_revoked_also_while_the_token_is_away(issued, without_token, restart):
    without_token()
    certificates.revoke(issued, now())
    db.session.commit()
    report = run_job(JOB)
    assert (report["done"], report["failed"]) == (0, 1)
    restart(PKCS11_MODULE="")
    assert run_job(JOB)["failed"] == 1
    db.session.refresh(issued)
    assert issued.token_key and issued.sealed_key is None


@cut_off
@pytest.mark.requirement("S16", "Q5")
def test_without_the_token_nothing_is_signed_or_issued_and_nothing_has_changed(
    issued, person, make_document, without_token, client_of
):
    signer = person("signer")
    activate(issued, signer)
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    before = document.pdf_sha256, document.version, db.session.query(DocumentEvent).count()
    rows = [db.session.query(table).count() for table in (Certificate, OutboxMessage)]
    password = actors.secret_mailed(signer, Letter.signing_password)
    client = client_of("signer")
    assert client.get("/healthz").json["token"] is True
    without_token()

    reply = client.post(
        f"/documents/{document.id}/sign",
        {"version": document.version, "certificate": link_of(issued).id, "signing_password": password},
    )
    assert reply.status_code == 503 and "署名鍵を保管する装置" in reply.text
    db.session.refresh(document)
    assert before == (document.pdf_sha256, document.version, db.session.query(DocumentEvent).count())
    assert document.status is Status.sender_signature and person("signer").signing_failures == 0
    with pytest.raises(HardwareFailed):
        certificates.issue(signer.company, [signer], signer, now())
    db.session.rollback()
    assert rows == [db.session.query(table).count() for table in (Certificate, OutboxMessage)]
    health = client.get("/healthz")
    assert (health.status_code, health.json["token"]) == (200, False)  # all else goes on
    assert client.get(f"/documents/{document.id}").status_code == 200


@pytest.mark.requirement("S16", "L23")
def test_a_new_kek_and_the_erasure_of_a_person_treat_references_as_keys(issued, restart, person, make_document):
    signer = person("signer")
    activate(issued, signer)
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    old = bytes(range(32))
    restart(KEKS={1: old, 2: b"n" * 32})
    report = key_rotation.rotate()
    assert report["columns"]["certificate_activation.sealed_key"]["refused"] == 0
    assert report["columns"]["certificate.sealed_key"]["resealed"] > 0
    restart(KEKS={2: b"n" * 32})
    key, _ = certificates.signing_key(link_of(issued), now())
    assert key.key_id.hex() == issued.token_key and sign_sha256(key, b"message")
    assert document.status is Status.sender_signature
    signer.deleted_at = now()
    personal_data.erase(signer, person("admin"), now())
    db.session.commit()
    assert link_of(issued).sealed_key is None and issued.token_key


@cut_off
@pytest.mark.requirement("S16")
def test_a_portal_that_begins_with_a_token_has_its_authorities_there(restart, without_token):
    strong = restart()
    db.session.query(Authority).delete()
    strongroom.found(now())
    db.session.commit()
    rows = db.session.query(Authority).all()
    assert sorted(row.name for row in rows) == sorted(strongroom.NAMES)
    for row in rows:
        assert strong.keyring.open(row.sealed_key, strongroom._context(row)).startswith(REFERENCE)
    own = restart()
    assert own.token_answers() and own.desk.trusted_roots == own.roots
    own = restart()
    without_token()
    assert len(own.roots) == 1  # verifying goes on
    with pytest.raises(HardwareFailed):
        _ = own.desk


@pytest.mark.requirement("S16")
@pytest.mark.parametrize("left_out", ["PORTAL_PKCS11_TOKEN", "PORTAL_PKCS11_PIN"])
def test_a_token_that_is_half_set_up_stops_the_start(left_out, tmp_path):
    pytest.importorskip("pkcs11")
    given = {"PORTAL_PKCS11_MODULE": "module.so", "PORTAL_PKCS11_TOKEN": "portal", "PORTAL_PKCS11_PIN": "1234"}
    environment = settings("sqlite://", tmp_path.as_uri(), **given)
    assert config.Test(environment).PKCS11_TOKEN == "portal"
    with pytest.raises(config.MissingSetting, match=left_out):
        config.Test({name: value for name, value in environment.items() if name != left_out})
