"""署名用コード: one person, one document, these bytes, once, within ten minutes."""

import datetime as dt

import pytest
from sqlalchemy.exc import IntegrityError

from app import queries
from app.clock import now
from app.errors import Refused, SecretLocked, SecretRefused
from app.extensions import db
from app.jobs import run_job
from app.models import (
    AccountAction,
    AccountEvent,
    DocumentSignature,
    Letter,
    OutboxMessage,
    SigningCode,
    SigningPassword,
)
from app.services import digits, documents, outbox, signatures, signing_codes, signing_passwords
from app.workflow import SignatureMode, Status
from demo import actors

MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def signer(person):
    person("signer").company.signs_by_code = True
    db.session.commit()
    return person("signer")


@pytest.fixture
def to_sign(signer, make_document):
    return lambda **facts: make_document(Status.sender_signature, mode=SignatureMode.sender_only, **facts)


def other_than(secret):
    return f"{(int(secret) + 1) % 10**6:06d}"


def letters_of(user):
    rows = db.session.scalars(db.select(OutboxMessage).filter_by(user_id=user.id).order_by(OutboxMessage.id))
    return [row.letter for row in rows]


@pytest.mark.requirement("S19")
def test_where_the_company_chose_codes_no_daily_password_is_mailed(signer, person, make_document):
    make_document(Status.receiver_signature)
    assert Letter.signing_password not in letters_of(signer)
    assert Letter.signing_password in letters_of(person("receiver_signer"))
    assert {row.user_id for row in db.session.query(SigningPassword)} == {person("receiver_signer").id}
    with pytest.raises(Refused, match="署名用コードで署名します"):
        signing_passwords.reissue(signer, now())


@pytest.mark.requirement("S19", "S17")
def test_a_code_signs_its_document_and_the_row_names_it(signer, to_sign):
    document = to_sign()
    actors.sign(document, signer)
    db.session.commit()
    signature, code = db.session.query(DocumentSignature).one(), db.session.query(SigningCode).one()
    assert (signature.signing_code_id, signature.signing_password_id) == (code.id, None)
    assert code.pdf_sha256 == signature.signed_sha256 != signature.result_sha256
    assert code.used_at is not None and code.mac is None


@pytest.mark.requirement("S17")
def test_the_database_takes_no_signature_without_exactly_one_factor(signer, to_sign):
    document = to_sign()
    actors.sign(document, signer)
    db.session.commit()
    signature = db.session.query(DocumentSignature).one()
    signature.signing_code_id = None
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


@pytest.mark.requirement("S19", "S15")
def test_the_letter_names_document_code_and_the_end_of_its_ten_minutes(signer, to_sign, post_letters):
    document, moment = to_sign(title="資材注文書"), dt.datetime(2027, 1, 14, 0, 55, tzinfo=dt.UTC)
    outbox.give_signing_code(signer, document, moment)
    row = db.session.query(OutboxMessage).filter_by(letter=Letter.signing_code).one()
    secret, mail = outbox.secret_of(row), post_letters()[-1]
    assert mail.recipients == ["signer@sender.example"] and secret.isdigit() and len(secret) == 6
    lines = mail.body.splitlines()
    assert lines[2:4] == ["株式会社発出建設", "署名 三郎様"]
    for line in (f"文書管理番号： {document.number}", "契約件名　　： 資材注文書", f"署名用コード： {secret}", "有効期限　　： 10:05 まで"):
        assert line in lines
    assert secret not in str(row.facts) and row.expires_at == moment + 10 * MINUTE
    kept = db.session.query(SigningCode).one()
    assert secret.encode() not in kept.mac and kept.expires_at == moment + 10 * MINUTE
    event = db.session.query(AccountEvent).filter_by(action=AccountAction.signing_code_sent).one()
    assert (event.user_id, event.actor_id, event.note) == (signer.id, signer.id, document.number)


@pytest.mark.requirement("S19", "S17")
def test_a_code_of_another_document_other_bytes_another_person_or_too_old_is_refused_with_its_cause(
    signer, person, to_sign, monkeypatch
):
    numbers = iter((111111, 222222))
    monkeypatch.setattr(digits.secrets, "randbelow", lambda most: next(numbers))
    first, second, moment = to_sign(), to_sign(), now()
    with pytest.raises(SecretRefused, match="まだ送信されていません"):
        signing_codes.check(signer, first, "111111", moment)
    signing_codes.issue(signer, first, moment)
    signing_codes.issue(signer, second, moment)
    with pytest.raises(SecretRefused, match=f"別の契約文書のものです。文書管理番号 {second.number}"):
        signing_codes.check(signer, second, "111111", moment)
    with pytest.raises(SecretRefused, match="正しくありません"):
        signing_codes.check(signer, first, "333333", moment)
    with pytest.raises(SecretRefused, match="まだ送信されていません"):
        signing_codes.check(person("approver"), first, "111111", moment)
    with pytest.raises(SecretRefused, match="有効期限が切れているか"):
        signing_codes.check(signer, first, "111111", moment + 10 * MINUTE)
    assert signing_codes.check(signer, first, "111111", moment + 9 * MINUTE).document_id == first.id
    first.pdf_sha256 = "0" * 64
    with pytest.raises(SecretRefused, match="契約文書が変わった"):
        signing_codes.check(signer, first, "111111", moment)
    db.session.rollback()


@pytest.mark.requirement("S19")
def test_a_new_code_voids_the_earlier_one_and_spares_those_of_other_documents(signer, to_sign, monkeypatch):
    numbers = iter((111111, 222222, 333333))
    monkeypatch.setattr(digits.secrets, "randbelow", lambda most: next(numbers))
    document, other, moment = to_sign(), to_sign(), now()
    signing_codes.issue(signer, document, moment)
    signing_codes.issue(signer, other, moment)
    signing_codes.issue(signer, document, moment)
    with pytest.raises(SecretRefused, match="最後に届いたメール"):
        signing_codes.check(signer, document, "111111", moment)
    assert signing_codes.check(signer, document, "333333", moment)
    assert signing_codes.check(signer, other, "222222", moment)


@pytest.mark.requirement("S19", "S17")
def test_one_code_passes_one_step_only(signer, to_sign):
    document = to_sign()
    issued = signing_codes.issue(signer, document, now())
    link = queries.activations_of(signer, now())[0]
    orders = [signatures.check(document, signer, link.id, issued.secret, now()) for _ in range(2)]
    assert orders[0].signing_code_id == orders[1].signing_code_id
    signing_codes.use(orders[0].signing_code_id, signer, document, now())
    with pytest.raises(SecretRefused, match="すでに使用された"):
        signing_codes.use(orders[1].signing_code_id, signer, document, now())


@pytest.mark.requirement("S19", "S17")
def test_a_code_checked_for_one_document_signs_no_other_and_no_other_bytes(signer, person, to_sign):
    document, other = to_sign(), to_sign()
    code = signing_codes.issue(signer, document, now())
    code_id = signing_codes.check(signer, document, code.secret, now()).id
    with pytest.raises(SecretRefused):
        signing_codes.use(code_id, signer, other, now())
    with pytest.raises(SecretRefused):
        signing_codes.use(code_id, person("approver"), document, now())
    document.pdf_sha256 = "0" * 64
    with db.session.no_autoflush, pytest.raises(SecretRefused):
        signing_codes.use(code_id, signer, document, now())
    db.session.rollback()


@pytest.mark.requirement("S19")
def test_a_step_that_fails_leaves_the_code_as_it_was(signer, to_sign):
    document = to_sign()
    issued = signing_codes.issue(signer, document, now())
    db.session.commit()
    link = queries.activations_of(signer, now())[0]
    order = signatures.check(document, signer, link.id, issued.secret, now())
    db.session.commit()
    file = signatures.make(order)
    with pytest.raises(Refused):
        documents.sign(
            document, signer, now(), file=file, certificate_id=order.certificate_id,
            signing_code_id=order.signing_code_id, comment="長" * 2001,
        )  # fmt: skip
    db.session.rollback()
    assert signing_codes.check(signer, document, issued.secret, now()).used_at is None


@pytest.mark.requirement("S8", "S19")
def test_wrong_codes_lock_signing_and_no_new_code_opens_it(signer, to_sign):
    document = to_sign()
    right = signing_codes.issue(signer, document, now()).secret
    db.session.commit()
    for left in (4, 3, 2, 1):
        with pytest.raises(SecretRefused, match=f"あと{left}回誤ると"):
            signing_codes.check(signer, document, other_than(right), now())
    for typed, kind in ((other_than(right), SecretLocked), (right, SecretRefused)):
        with pytest.raises(SecretRefused, match="貴社の管理者にロック解除をご依頼ください") as refusal:
            signing_codes.check(signer, document, typed, now())
        assert refusal.type is kind  # the last try alone tells the person by mail
    db.session.refresh(signer)
    with pytest.raises(SecretRefused, match="貴社の管理者にロック解除をご依頼ください"):
        signing_codes.issue(signer, document, now())
    assert signer.signing_failures == 5
    signer.signing_failures = 0  # the administrator
    assert signing_codes.check(signer, document, right, now())


@pytest.mark.requirement("S8", "S19")
def test_five_codes_an_hour(signer, to_sign):
    document, moment = to_sign(), now()
    for _ in range(5):
        signing_codes.issue(signer, document, moment)
    with pytest.raises(SecretRefused, match="1時間に5回まで"):
        signing_codes.issue(signer, document, moment + 59 * MINUTE)
    assert signing_codes.issue(signer, document, moment + 61 * MINUTE)


@pytest.mark.requirement("S19")
@pytest.mark.parametrize("minutes", [1, 30])
def test_its_minutes_are_a_setting(app, signer, to_sign, monkeypatch, minutes):
    monkeypatch.setitem(app.config, "SIGNING_CODE_MINUTES", minutes)
    moment = now()
    assert signing_codes.issue(signer, to_sign(), moment).expires_at == moment + minutes * MINUTE


@pytest.mark.requirement("S19", "S15")
def test_the_hash_of_an_expired_code_is_erased_and_its_row_stays(signer, to_sign):
    moment = now()
    signing_codes.issue(signer, to_sign(), moment)
    db.session.commit()
    assert run_job("signing-password-expiry", moment + 9 * MINUTE)["due"] == 0
    report = run_job("signing-password-expiry", moment + 10 * MINUTE)
    assert (report["due"], report["done"], report["failed"]) == (1, 1, 0)
    assert db.session.query(SigningCode).one().mac is None
    assert run_job("signing-password-expiry", moment + 11 * MINUTE)["due"] == 0


@pytest.mark.requirement("S19")
def test_a_code_is_refused_to_whoever_signs_by_the_days_password(person, make_document):
    document = make_document(Status.sender_signature, mode=SignatureMode.sender_only)
    with pytest.raises(Refused, match="署名用パスワードで署名します"):
        signing_codes.issue(person("signer"), document, now())
