"""Replacing the KEK: everything opens under the new one alone, whenever the rotation was stopped."""

import base64
import json

import pytest
from click.testing import CliRunner
from flask_appbuilder import Model
from sqlalchemy import LargeBinary

from app import create_app, queries
from app.clock import now
from app.extensions import db
from app.models import Authority, Certificate, CertificateActivation, Letter, OutboxMessage, PortalUser
from app.services import certificates, drafts, key_rotation, outbox, signing_passwords
from app.services.strongroom import Strongroom, strongroom
from app.signing.keys import KeyRefused
from app.signing.verify import verify
from app.workflow import SignatureMode, Status
from demo import actors
from run import cli
from tests.conftest import PASSWORD, settings

OLD, NEW = bytes(range(32)), b"n" * 32


@pytest.fixture
def with_keks(app, monkeypatch):
    """The portal after a restart with other KEKs."""

    def restart(**keks):
        made = Strongroom(app.config | {"KEKS": {int(name[1:]): kek for name, kek in keks.items()}})
        monkeypatch.setitem(app.extensions, "strongroom", made)
        return made

    return restart


@pytest.fixture
def furnished(person, make_document):
    """Something in every sealed column; a certificate that waits for its PIN, a document for its signer."""
    certificates.issue(person("viewer").company, [person("viewer")], person("viewer"), now())
    user = person("viewer")
    (context,) = (sealed.context for sealed in key_rotation.SEALED if sealed.column is PortalUser.totp_sealed)
    user.totp_sealed = strongroom().keyring.seal(b"TOTPTOTPTOTPTOTP", context(user))
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    drafts.save(user, now(), drafts.NEW, "token", {"title": ["書きかけ"]})
    db.session.commit()
    return document


def counts(report, what="resealed"):
    return {name: column[what] for name, column in report["columns"].items()}


@pytest.mark.requirement("S16")
def test_no_sealed_column_is_forgotten():
    binary = {
        f"{table.name}.{column.name}"
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    sealed = {name for name in binary if "sealed" in name.split(".")[1]}
    covered = {key_rotation._name(sealed.column) for sealed in key_rotation.SEALED}
    macs = {str(column) for column in key_rotation._macs()}
    assert sealed == covered and len(sealed) >= 5
    assert {"signing_password.mac", "signing_code.mac"} <= macs
    assert binary - sealed - macs == {"authority.certificate_der", "certificate.certificate_der", "log_anchor.token", "tsa_revocation_list.der"}


@pytest.mark.requirement("S16", "I16")
def test_after_rotation_the_new_kek_alone_signs_activates_and_mails(furnished, person, with_keks):
    with_keks(v1=OLD, v2=NEW)
    report = key_rotation.rotate()
    assert report["newest_kek"] == 2 and set(counts(report, "refused").values()) == {0}
    assert all(count > 0 for count in counts(report).values())
    assert report["running_out"] == {"ab_user.mailed_password_mac": 0, "signing_code.mac": 0, "signing_password.mac": 1}
    assert set(counts(key_rotation.rotate()).values()) == {0}

    own, signer, viewer = with_keks(v2=NEW), person("signer"), person("viewer")
    actors.activate(viewer, actors.secret_mailed(viewer, Letter.certificate_pin), PASSWORD)
    assert all(link.activated_at for link in queries.activations_of(viewer, now()))
    outbox.give_signing_password_again(signer, now())  # its mac was under the old KEK
    actors.sign(furnished, signer)
    db.session.commit()
    assert verify(own.store.get(furnished.pdf_sha256), own.roots).exit_code == 0
    assert key_rotation.rotate()["running_out"]["signing_password.mac"] == 1


@pytest.mark.requirement("S16", "R75")
def test_a_password_mailed_before_works_while_the_old_kek_is_kept(furnished, person, with_keks):
    with_keks(v1=OLD, v2=NEW)
    key_rotation.rotate()
    mailed = actors.secret_mailed(person("signer"), Letter.signing_password)  # the letter was re-sealed, and goes out
    assert signing_passwords.check(person("signer"), mailed, now())


@pytest.mark.requirement("S16")
def test_before_rotation_the_new_kek_alone_opens_nothing(furnished, person, with_keks):
    own = with_keks(v2=NEW)
    with pytest.raises(KeyRefused):
        _ = own.authorities
    with pytest.raises(KeyRefused):
        certificates.signing_key(queries.activations_of(person("signer"), now())[0], now())


@pytest.mark.requirement("S16")
def test_a_rotation_that_was_killed_goes_on_where_it_stood(furnished, with_keks, monkeypatch):
    keyring = with_keks(v1=OLD, v2=NEW).keyring
    total = sum(
        db.session.query(sealed.column.class_).filter(sealed.column.is_not(None)).count()
        for sealed in key_rotation.SEALED
    )
    rewrap, calls = keyring.rewrap, []

    def killed(value, context):
        calls.append(context)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return rewrap(value, context)

    monkeypatch.setattr(key_rotation, "BATCH_ROWS", 2)
    monkeypatch.setattr(keyring, "rewrap", killed)
    with pytest.raises(KeyboardInterrupt):
        key_rotation.rotate()
    db.session.rollback()
    monkeypatch.setattr(keyring, "rewrap", rewrap)
    done = sum(counts(key_rotation.rotate()).values())
    assert total - 6 <= done < total
    for sealed in key_rotation.SEALED:
        for row in db.session.query(sealed.column.class_).filter(sealed.column.is_not(None)):
            value = getattr(row, sealed.column.key)
            assert keyring.is_current(value) and keyring.open(value, sealed.context(row))


@pytest.mark.requirement("S16")
def test_what_opens_under_no_kek_is_counted_and_left_as_it_is(furnished, with_keks):
    link = db.session.query(CertificateActivation).filter(CertificateActivation.sealed_key.is_not(None)).first()
    link.sealed_key = damaged = link.sealed_key[:-1] + bytes([link.sealed_key[-1] ^ 1])
    db.session.commit()
    with_keks(v1=OLD, v2=NEW)
    report = key_rotation.rotate()
    assert counts(report, "refused") == dict.fromkeys(report["columns"], 0) | {"certificate_activation.sealed_key": 1}
    assert report["columns"]["certificate_activation.sealed_key"]["resealed"] > 0
    db.session.refresh(link)
    assert link.sealed_key == damaged


@pytest.mark.requirement("S16", "S15")
def test_a_secret_that_is_erased_meanwhile_stays_erased(furnished, with_keks, monkeypatch):
    keyring = with_keks(v1=OLD, v2=NEW).keyring
    rewrap = keyring.rewrap

    def slow(value, context):
        db.session.execute(
            db.update(OutboxMessage).values(sealed_secret=None).execution_options(synchronize_session=False)
        )
        return rewrap(value, context)

    monkeypatch.setattr(keyring, "rewrap", slow)
    assert counts(key_rotation.rotate())["outbox_message.sealed_secret"] == 0
    assert db.session.query(OutboxMessage).filter(OutboxMessage.sealed_secret.is_not(None)).count() == 0


@pytest.fixture
def run(app, database, monkeypatch):
    """The command, with a KEK setting; its application's connections are closed like a process's at its end."""
    made = []

    def make():
        made.append(create_app())
        return made[-1]

    def invoke(kek):
        db.session.commit()  # the test's own transaction would keep the command waiting
        given = settings(database.url, app.config["STORAGE_URL"], PORTAL_KEK=kek)
        reply = CliRunner().invoke(cli, ["rotate-kek"], env=given)
        with made[-1].app_context():
            db.engine.dispose()
        return reply

    monkeypatch.setattr("app.create_app", make)
    return invoke


@pytest.mark.requirement("S16")
def test_the_command_says_what_to_do_and_what_it_did(furnished, run):
    old, new = (base64.b64encode(key).decode() for key in (OLD, NEW))
    refused = run(old)
    assert refused.exit_code == 1 and "PORTAL_KEK=1:OLD,2:NEW" in refused.stderr and refused.stdout == ""
    done = run(f"1:{old},2:{new}")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert counts(report)["authority.sealed_key"] == db.session.query(Authority).count()
    assert counts(report)["certificate.sealed_key"] == db.session.query(Certificate).count()
    lost = run(f"3:{new},4:{old}")  # neither is what the rows ask for
    assert lost.exit_code == 1, lost.output
    assert all(counts(json.loads(lost.stdout), "refused").values())
