"""What a thief of the database, its backup or the log would find: no secret, and no key that signs (S15, S16)."""

import base64
import logging
import re
import sqlite3
from contextlib import closing

import pytest
from cryptography import x509
from flask_appbuilder import Model
from sqlalchemy import LargeBinary, select

from app import queries
from app.clock import now
from app.errors import SecretRefused
from app.extensions import db
from app.models import Letter, OutboxMessage, SigningPassword
from app.services import certificates, credentials, digits, outbox, signing_passwords
from app.services.strongroom import Strongroom, strongroom
from app.signing.keys import KeyRefused, key_to_der
from app.workflow import SignatureMode, Status
from demo import actors

OWN = "Eigen-4711"  # a password that somebody chooses
KEEPS = {"chosen", "initial password", "PIN", "signing password", "signing code", "session secret"}


def dump():
    """Every text and every binary value of every table, as (table.column, bytes)."""
    found = []
    for table in Model.metadata.sorted_tables:
        for row in db.session.execute(select(table)).mappings():
            for column, value in row.items():
                if isinstance(value, (bytes, memoryview)):
                    found.append((f"{table.name}.{column}", bytes(value)))
                elif isinstance(value, (str, dict, list)):
                    found.append((f"{table.name}.{column}", str(value).encode()))
    return found


def spellings(secret):
    raw = secret if isinstance(secret, bytes) else secret.encode()
    return (raw, base64.b64encode(raw).rstrip(b"="), raw.hex().encode())


def holds(value, secret):
    """Whether the secret stands in the value; six digits inside a longer number or a hash are chance."""
    return any(re.search(rb"(?<![0-9a-fA-F])" + re.escape(word) + rb"(?![0-9a-fA-F])", value) for word in spellings(secret))


@pytest.fixture
def full_flow(app, person, make_document, client_of, browser, caplog, monkeypatch):
    """People enrolled, reset, activated; documents signed both ways by pages, with wrong tries in between."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "fontTools")  # pages of numbers about glyphs
    numbers = iter((271828, 314159, 577215))
    monkeypatch.setattr(digits.secrets, "randbelow", lambda most: next(numbers) if most == 10**6 else 141421356237)
    person("receiver_signer").company.signs_by_code = True
    credentials.give_initial_password(person("viewer"), now())
    certificates.issue(person("viewer").company, [person("viewer")], person("viewer"), now())
    document = make_document(Status.sender_signature)
    db.session.commit()
    secrets = {
        "initial password": actors.secret_mailed(person("viewer"), Letter.initial_password),
        "PIN": actors.secret_mailed(person("viewer"), Letter.certificate_pin),
        "signing password": actors.secret_mailed(person("signer"), Letter.signing_password),
        "chosen": OWN,
        "session secret": app.config["SECRET_KEY"],
    }
    client = browser()
    client.log_in(person("viewer").user_code, secrets["initial password"])
    change = {"current": secrets["initial password"], "new": OWN, "repeated": OWN}
    assert client.post("/password/", change).status_code == 302
    link = queries.activations_of(person("viewer"), now())[0]
    activation = {"certificate": str(link.id), "password": OWN, "pin": secrets["PIN"]}
    assert client.post("/certificates/activation", activation).status_code == 302

    signing, link = client_of("signer"), queries.activations_of(person("signer"), now())[0]
    data = {"version": str(document.version), "certificate": str(link.id)}
    url = f"/documents/{document.id}"
    assert signing.post(f"{url}/sign", data | {"signing_password": "000000"}).status_code == 422
    signed = signing.post(f"{url}/sign", data | {"signing_password": secrets["signing password"]})
    assert signed.status_code == 302
    plan = actors.Plan(None, person("recipient"), receiver_signer=person("receiver_signer"))
    db.session.refresh(document)
    actors.step(document, plan)
    outbox.give_signing_code(person("receiver_signer"), document, now())
    db.session.commit()
    secrets["signing code"] = actors.secret_mailed(person("receiver_signer"), Letter.signing_code)
    link = queries.activations_of(person("receiver_signer"), now())[0]
    data = {"version": str(document.version), "certificate": str(link.id), "signing_code": secrets["signing code"]}
    assert client_of("receiver_signer").post(f"{url}/sign", data).status_code == 302
    browser().log_in(person("viewer").user_code, OWN + "x")
    assert set(secrets) == KEEPS
    return secrets


@pytest.mark.requirement("S15", "R17", "R21", "R73")
def test_after_a_whole_flow_neither_the_database_nor_the_log_tells_a_secret(full_flow, app, caplog):
    db.session.commit()
    values = dump()
    assert len({name for name, _ in values}) > 60 and len(values) > 300
    log = caplog.text.encode()
    for what, secret in full_flow.items():
        assert not [name for name, value in values if holds(value, secret)], what
        assert not holds(log, secret), what
    for name, value in values:  # the search itself finds what is there
        if name == "ab_user.full_name":
            assert holds(value, value.decode())
    url = db.engine.url
    if url.get_backend_name() == "sqlite":  # pages that rows have left are in a copy of the file too
        with closing(sqlite3.connect(url.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with open(url.database, "rb") as file:
            raw = file.read()
        for what in KEEPS - {"session secret"}:
            assert not any(word in raw for word in spellings(full_flow[what]) if len(word) > 6), what


@pytest.mark.requirement("S16", "L2")
def test_a_database_dump_holds_no_private_key(full_flow, person):
    own = strongroom().authorities
    keys = [credential.key for credential in (own.root, own.signers_ca, own.tsa_ca, own.tsa)]
    for name in ("signer", "receiver_signer", "viewer"):
        keys += [certificates.signing_key(link, now())[0] for link in queries.activations_of(person(name), now())]
    assert len(keys) == 7
    values = dump()
    for key in keys:
        number = key.private_numbers().private_value.to_bytes(32)
        for secret in (key_to_der(key), number):
            assert not [name for name, value in values if any(word in value for word in spellings(secret))]
    assert not [name for name, value in values if b"PRIVATE KEY" in value]


@pytest.mark.requirement("S16", "L2")
def test_a_restore_without_the_kek_neither_signs_nor_opens_a_letter_nor_knows_a_password(
    app, person, make_document, monkeypatch
):
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    password = actors.secret_mailed(person("signer"), Letter.signing_password)
    certificate = queries.activations_of(person("signer"), now())[0].certificate
    thiefs = Strongroom(app.config | {"KEKS": {1: b"t" * 32}})
    monkeypatch.setitem(app.extensions, "strongroom", thiefs)
    with pytest.raises(KeyRefused):
        _ = thiefs.desk
    with pytest.raises(KeyRefused):
        certificates.signing_key(queries.activations_of(person("signer"), now())[0], now())
    with pytest.raises(KeyRefused):
        outbox.secret_of(db.session.query(OutboxMessage).filter_by(letter=Letter.signing_password).one())
    assert db.session.query(SigningPassword).one().mac
    with pytest.raises(SecretRefused):  # nor can the six digits be tried out
        signing_passwords.check(person("signer"), password, now())
    with pytest.raises(SecretRefused):
        actors.sign(document, person("signer"))
    assert x509.load_der_x509_certificate(certificate.certificate_der).public_key().key_size >= 256


@pytest.mark.requirement("S16")
def test_a_value_copied_into_another_persons_row_does_not_open(app, person):
    from app.models import CertificateActivation

    link = queries.activations_of(person("signer"), now())[0]
    stolen = CertificateActivation(
        user=person("colleague"), certificate=link.certificate, activated_at=now(), sealed_key=link.sealed_key
    )
    db.session.add(stolen)
    db.session.flush()
    with pytest.raises(KeyRefused):
        certificates.signing_key(stolen, now())


def test_the_dump_walks_every_binary_column():
    binary = [
        column.name
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    ]
    assert {"sealed_key", "sealed_secret", "totp_sealed", "mac"} <= set(binary)
