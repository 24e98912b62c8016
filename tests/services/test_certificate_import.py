"""Certificates of outside authorities: taken in, signed with, archived, verified, and refused with the cause."""

import datetime as dt

import pytest
import time_machine
from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from app import queries
from app.clock import now
from app.errors import Refused
from app.extensions import db
from app.models import AccountEvent, Certificate, DocumentSignature, Letter, OutboxMessage
from app.services import (
    applications,
    certificate_import,
    certificates,
    documents,
    signatures,
    stamping,
    strongroom,
)
from app.services.strongroom import outside_of, outside_roots
from app.signing import outside as outside_module
from app.signing.authorities import Credential
from app.signing.verify import Outcome, verify
from app.workflow import SignatureMode, Status
from demo import actors
from tests.conftest import PASSWORD
from tests.independent import independently_valid
from tests.outside_ca import FILE_PASSWORD, OutsideCa, p12, pem, self_signed


@pytest.fixture(scope="module")
def outside_ca():
    return OutsideCa()


@pytest.fixture(scope="module")
def issued(outside_ca):
    return outside_ca.issue()


@pytest.fixture
def take_in(person):
    """Import as the sender's administrator, for the sender's signer."""

    def do(file, lists=(), password=FILE_PASSWORD, by="admin", users=("signer",)):
        imported = certificate_import.read(file, password, lists)
        made = certificate_import.take_in(imported, [person(one) for one in users], "pin@sender.example", now(), person(by))
        db.session.commit()
        return made

    return do


@pytest.fixture
def ready(take_in, outside_ca, issued, person):
    """An imported certificate with current lists, activated by the signer; his link to it."""
    return activated(take_in(outside_ca.file(*issued), outside_ca.lists()), person)


def activated(certificate, person):
    """証明書有効性確認 by the signer, with the PIN that was mailed; the link."""
    pin = actors.secret_mailed(person("admin"), Letter.certificate_pin)
    (link,) = certificate.activations
    certificates.activate(person("signer"), link, pin, PASSWORD, now())
    db.session.commit()
    return link


@pytest.mark.requirement("L4", "I16", "S16")
def test_an_imported_certificate_gets_a_number_a_sealed_key_and_a_mailed_pin(take_in, outside_ca, issued, person):
    certificate, key = issued
    made = take_in(outside_ca.file(certificate, key), outside_ca.lists())
    assert made.number.startswith("JC-") and made.is_imported and made.company == person("admin").company
    assert made.subject_name == "Hasshutsu Kensetsu K.K. 署名 三郎"
    assert made.certificate_der == certificate.public_bytes(Encoding.DER)
    assert [one.subject for one in outside_of(made).chain] == [one.subject for one in outside_ca.chain]
    assert made.people == [person("signer")]
    letter = db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_pin).one()
    assert letter.to_address == "pin@sender.example"
    plain = key.private_numbers().private_value.to_bytes(32, "big")
    assert plain not in made.sealed_key
    assert [event.action for event in db.session.query(AccountEvent).filter_by(note=made.number)] == [
        "certificate_imported", "certificate_linked",
    ]  # fmt: skip


@pytest.mark.requirement("L4", "S16")
@pytest.mark.parametrize("make, sentence", [
    (lambda ca, one: b"%PDF-1.7", "PKCS#12形式"),
    (lambda ca, one: b"", "PKCS#12形式"),
    (lambda ca, one: ca.file(*one)[:400], "PKCS#12形式"),
    (lambda ca, one: ca.file(*one) + bytes(100 * 1024), "100KB"),
    (lambda ca, one: ca.file(*one, password="another"), "証明書ファイルのパスワードが正しくありません"),
    (lambda ca, one: p12(None, one[1], ca.chain), "秘密鍵の組が入っていません"),
    (lambda ca, one: ca.file(*one, chain=[]), "認証局の証明書が不足"),
    (lambda ca, one: ca.file(*one, chain=ca.chain[:1]), "認証局の証明書が不足"),
    (lambda ca, one: ca.file(*one, chain=OutsideCa().chain), "認証局の証明書が不足"),
    (lambda ca, one: ca.file(*ca.issue(rsa.generate_private_key(65537, 2048))), "鍵の証明書を、認証局から取得"),
    (lambda ca, one: ca.file(*ca.issue(ec.generate_private_key(ec.SECP224R1()))), "鍵の強度が不足"),
    (lambda ca, one: ca.file(*ca.issue(ec.generate_private_key(ec.SECP256K1()))), "種類の鍵です"),
    (lambda ca, one: ca.file(*ca.issue(usage="key_encipherment")), "署名に使用できない証明書"),
    (lambda ca, one: ca.file(*ca.issue(days=(1, 9))), "有効期間が始まってから"),
    (lambda ca, one: ca.file(*ca.issue(days=(-9, -1))), "は過ぎています"),
    (lambda ca, one: p12(*self_signed()), "自己署名証明書"),
], ids=range(16))  # fmt: skip
def test_a_file_that_cannot_serve_is_refused_with_its_cause_and_nothing_is_kept(
    take_in, outside_ca, issued, make, sentence
):
    count = db.session.query(Certificate).count()
    with pytest.raises(Refused, match=sentence):
        take_in(make(outside_ca, issued))
    db.session.rollback()
    assert db.session.query(Certificate).count() == count
    assert db.session.query(OutboxMessage).count() == 0


@pytest.mark.requirement("L4", "S16")
@pytest.mark.parametrize("key", [lambda: rsa.generate_private_key(65537, 3072), lambda: ec.generate_private_key(ec.SECP384R1())])
def test_strong_keys_of_other_kinds_are_taken_in(take_in, outside_ca, person, key):
    made = take_in(outside_ca.file(*outside_ca.issue(key(), usage="digital_signature")), outside_ca.lists())
    opened, certificate = certificates.signing_key(activated(made, person), now())
    assert opened.public_key() == certificate.public_key()


@pytest.mark.requirement("L4", "S4")
def test_a_file_that_wants_its_password_stretched_for_hours_is_given_up(app, outside_ca, issued, monkeypatch):
    parsed = asn1_pkcs12.Pfx.load(outside_ca.file(*issued))
    parsed["mac_data"]["iterations"] = 2_000_000_000
    monkeypatch.setattr(outside_module, "WALL_SECONDS", 1)
    with pytest.raises(Refused, match="計算が多すぎる"):
        certificate_import.read(parsed.dump(force=True), FILE_PASSWORD, [])


@pytest.mark.requirement("L4")
def test_the_same_certificate_is_taken_in_once_whoever_brings_it(take_in, outside_ca, issued):
    made = take_in(outside_ca.file(*issued))
    with pytest.raises(Refused, match=f"電子証明書 {made.number} として"):
        take_in(outside_ca.file(*issued))
    db.session.rollback()
    with pytest.raises(Refused, match="すでに取り込まれています") as refusal:
        take_in(outside_ca.file(*issued), by="receiver_admin", users=["receiver_signer"])
    assert made.number not in refusal.value.sentence
    db.session.rollback()
    certificates.revoke(made, now())
    db.session.commit()
    with pytest.raises(Refused, match=made.number):  # its key was erased for good
        take_in(outside_ca.file(*issued))


@pytest.mark.requirement("L4")
def test_serial_numbers_count_for_each_authority_alone(take_in, outside_ca, person):
    own = queries.activations_of(person("signer"), now())[0].certificate
    take_in(outside_ca.file(*outside_ca.issue(serial=int(own.serial))))
    other = OutsideCa("別の認証")
    made = take_in(other.file(*other.issue(serial=int(own.serial))))
    certificates.revoke(made, now())
    db.session.commit()
    ca = strongroom.strongroom().authorities.signers_ca.certificate
    assert strongroom.certificate_state(ca, int(own.serial)).revoked_at is None
    assert strongroom.revoked_certificates() == []  # our list speaks of our own


@pytest.mark.requirement("L4", "L2")
def test_an_authority_that_bears_the_name_of_ours_is_refused(take_in, outside_ca):
    impostor = OutsideCa()
    own = strongroom.strongroom().authorities.signers_ca.certificate
    forged = x509.CertificateBuilder().subject_name(own.subject).issuer_name(impostor.root.certificate.subject)
    forged = (
        forged.public_key(impostor.ca.key.public_key()).serial_number(3)
        .not_valid_before(own.not_valid_before_utc).not_valid_after(own.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(impostor.root.key, hashes.SHA256())
    )  # fmt: skip
    impostor.ca = Credential(forged, impostor.ca.key)
    with pytest.raises(Refused, match="同じ名称の認証局"):
        take_in(impostor.file(*impostor.issue(), chain=[forged, impostor.root.certificate]))


@pytest.mark.requirement("L4")
def test_the_operator_may_name_the_authorities_and_their_roots_complete_a_chain(
    take_in, outside_ca, issued, application, monkeypatch, tmp_path
):
    roots = tmp_path / "roots.pem"
    roots.write_bytes(outside_ca.root.certificate.public_bytes(Encoding.PEM))
    monkeypatch.setitem(application.config, "SIGNER_ROOTS_FILE", str(roots))
    assert take_in(outside_ca.file(*issued, chain=outside_ca.chain[:1])).is_imported
    other = OutsideCa("別の認証")
    with pytest.raises(Refused, match="取り扱っている認証局"):
        take_in(other.file(*other.issue()))


# -- revocation lists ---------------------------------------------------------------


@pytest.mark.requirement("L4", "S13")
@pytest.mark.parametrize("lists, sentence", [
    (lambda ca, one: [b"nonsense"], "失効リストのファイルではありません"),
    (lambda ca, one: OutsideCa().lists(), "認証局が発行した失効リストではありません"),
    (lambda ca, one: ca.lists(at=now() - dt.timedelta(days=9)), "過ぎています"),
    (lambda ca, one: ca.lists(revoked=[one[0]]), "失効した"),
    (lambda ca, one: [bytes(1024 * 1024 + 1)], "1MB"),
])  # fmt: skip
def test_lists_that_do_not_serve_are_refused_at_the_import(take_in, outside_ca, issued, lists, sentence):
    with pytest.raises(Refused, match=sentence):
        take_in(outside_ca.file(*issued), lists(outside_ca, issued))


@pytest.mark.requirement("L4")
def test_newer_lists_take_the_place_of_older_ones_and_never_the_other_way_round(take_in, outside_ca, issued, person):
    made = take_in(outside_ca.file(*issued), outside_ca.lists()[:1])
    assert len(outside_of(made).lacking(now())) == 1
    newer = outside_ca.lists(at=now(), number=2)
    assert certificate_import.renew_lists(made, [b"".join(map(pem, newer))], now(), person("admin"))
    db.session.commit()
    assert outside_of(made).lacking(now()) == [] and len(outside_of(made).crls) == 2
    with pytest.raises(Refused, match="登録済みの失効リストのほうが新しい"):
        certificate_import.renew_lists(made, outside_ca.lists(at=now() - dt.timedelta(hours=2)), now(), person("admin"))
    with pytest.raises(Refused, match="ファイルを選択"):
        certificate_import.renew_lists(made, [b""], now(), person("admin"))


@pytest.mark.requirement("L4", "B5")
def test_a_list_that_names_the_certificate_revokes_it_here_as_well(ready, outside_ca, issued, person):
    made = ready.certificate
    lists = outside_ca.lists(revoked=[issued[0]], at=now(), number=2)[:1]
    assert not certificate_import.renew_lists(made, lists, now(), person("admin"))
    db.session.commit()
    db.session.expire_all()
    assert made.revoked_at is not None and made.sealed_key is None and ready.sealed_key is None
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_revoked).count() == 2


# -- signing ------------------------------------------------------------------------


@pytest.fixture
def waiting(make_document):
    return make_document(Status.sender_signature, mode=SignatureMode.sender_only)


def order_of(document, signer, link, at=None):
    code = actors.secret_mailed(signer, Letter.signing_password)
    return signatures.check(document, signer, link.id, code, at or now())


@pytest.mark.requirement("L4", "R3", "S1", "S2", "I14")
def test_signed_with_an_outside_certificate_verified_archived_and_provable_for_years(
    make_document, ready, person, outside_ca
):
    signer = person("signer")
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    order = order_of(document, signer, ready)
    file = signatures.make(order)
    documents.sign(
        document, signer, now(), file=file, certificate_id=order.certificate_id, ip_address="",
        signing_password_id=order.signing_password_id,
    )  # fmt: skip
    db.session.commit()
    room = strongroom.strongroom()
    pdf = room.store.get(document.pdf_sha256)
    verdict = verify(pdf, room.roots, outside_roots(pdf))
    assert (verdict.outcome, verdict.level) == (Outcome.valid, "B-LT")
    assert verdict.signatures[0].company == "Hasshutsu Kensetsu K.K."
    assert verify(pdf, room.roots).outcome is Outcome.unjudged  # our root alone says nothing of it
    pems = [one.public_bytes(Encoding.PEM) for one in (*room.roots, outside_ca.root.certificate)]
    independently_valid(pdf, b"".join(pems))
    altered = pdf[:900] + bytes([pdf[900] ^ 1]) + pdf[901:]
    assert verify(altered, room.roots, outside_roots(pdf)).outcome is Outcome.invalid
    assert db.session.query(DocumentSignature).filter_by(document_id=document.id).one().certificate_id == ready.certificate_id

    with time_machine.travel(now() + dt.timedelta(days=20), tick=False):  # the lists at hand are old by now
        archived = room.store.get(stamping.stamp(document.id, document.pdf_sha256, True).sha256)
    roots, outside = room.roots, outside_roots(archived)
    for days in (21, 300, 1500, 3900):  # before and after the ends of the lists and of the certificate
        with time_machine.travel(now() + dt.timedelta(days=days), tick=False):
            verdict = verify(archived, roots, outside)
            assert (verdict.outcome, verdict.level) == (Outcome.valid, "B-LTA"), days
    with time_machine.travel(now() + dt.timedelta(days=4100), tick=False):  # past the time-stamp authority's end
        assert verify(archived, roots, outside).outcome is not Outcome.valid


@pytest.mark.requirement("L4", "S7")
def test_an_outside_root_counts_for_the_imported_certificate_alone(ready, outside_ca, make_document, person):
    """Whoever holds an outside CA cannot put another company's name under it and be believed."""
    forged, key = outside_ca.issue(company="株式会社他社")
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    order = order_of(document, person("signer"), ready)
    room = strongroom.strongroom()
    pdf = room.desk.sign(
        room.store.get(order.pdf_sha256), key=key, certificate=forged, field=order.field_name, outside=order.outside
    )
    assert outside_roots(pdf) == {}
    known = {ready.certificate.certificate_der: order.outside.root}
    assert verify(pdf, room.roots, known).outcome is Outcome.unjudged
    assert verify(pdf, room.roots, {forged.public_bytes(Encoding.DER): order.outside.root}).outcome is Outcome.valid


@pytest.mark.requirement("L4", "B5")
def test_without_current_lists_signing_is_refused_before_a_try_at_the_password_is_taken(
    take_in, outside_ca, issued, person, waiting
):
    signer, link = person("signer"), activated(take_in(outside_ca.file(*issued), outside_ca.lists()[:1]), person)
    with pytest.raises(Refused, match=f"{link.certificate.number} は外部の認証局が発行.*失効リスト（CRL）が必要.*貴社の管理者に"):
        signatures.check(waiting, signer, link.id, "000000", now())
    db.session.rollback()
    assert signer.signing_failures == 0
    certificate_import.renew_lists(link.certificate, outside_ca.lists()[1:], now(), person("admin"))
    db.session.commit()
    assert order_of(waiting, signer, link).outside is not None
    with pytest.raises(Refused, match="失効リスト"):  # a week later they have ended
        signatures.check(waiting, signer, link.id, "000000", now() + dt.timedelta(days=8))


@pytest.mark.requirement("L4", "R39")
@pytest.mark.parametrize("kind", ["renewal", "pin_reissue"])
def test_the_portal_cannot_renew_what_it_did_not_issue(ready, kind):
    assert "外部の認証局" in applications.why_not(kind, ready.certificate, now())
