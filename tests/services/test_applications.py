"""Applications for certificates: 追加発行, 更新 and PIN再発行, from the form to the operator's decision."""

import datetime as dt
import io
import json
import uuid
import zipfile
from functools import partial

import pytest
from cryptography import x509

from app import queries
from app.clock import months_earlier, now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    ApplicationKind,
    ApplicationState,
    Certificate,
    CertificateApplication,
    Company,
    CompanyStatus,
    Letter,
    OutboxMessage,
    Validity,
)
from app.services import applications, certificates, evidence, personal_data
from app.services.applications import Evidence, Wish
from demo import actors
from tests.conftest import PASSWORD

PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
def hand_in(person):
    """An application of the sender's administrator; additional, or for `replaced`."""

    def apply(kind=ApplicationKind.additional, replaced=None, people=("signer",), moment=None, **given):
        wish = Wish(
            [person(name) for name in people], given.pop("address", "pin@sender.example"),
            given.pop("department", "経理部"), given.pop("title", "部長"),
        )  # fmt: skip
        evidence = given.pop("evidence", None) or applications.take_in("印鑑証明書.pdf", PDF)
        application = applications.apply(
            kind, person("admin"), moment or now(), token=given.pop("token", str(uuid.uuid4())), wish=wish,
            evidence=evidence, replaced=replaced,
        )  # fmt: skip
        db.session.commit()
        return application

    return apply


@pytest.fixture
def own(person):
    """The certificate of the sender's signer."""
    return queries.activations_of(person("signer"), now())[0].certificate


def letters(letter):
    return db.session.query(OutboxMessage).filter_by(letter=letter).order_by(OutboxMessage.id).all()


def noted(action):
    return [event.note for event in db.session.query(AccountEvent).filter_by(action=action)]


@pytest.mark.requirement("I3", "I16", "L3", "R21", "R39", "L1")
def test_an_approved_application_issues_a_certificate_whose_pin_goes_to_the_address_given(hand_in, person):
    application = hand_in(people=("signer", "approver"))
    made = applications.approve(application, person("operator"), now())
    db.session.commit()
    db.session.expire_all()
    assert [user.id for user in made.people] == sorted([person("signer").id, person("approver").id])
    subject = x509.load_der_x509_certificate(made.certificate_der).subject.rfc4514_string()
    assert "経理部" in subject and "部長" in subject and "株式会社発出建設" in subject
    (pin,) = letters(Letter.certificate_pin)
    assert pin.to_address == "pin@sender.example"
    actors.activate(person("approver"), actors.secret_mailed(person("admin"), Letter.certificate_pin), PASSWORD)
    assert (application.state, application.issued, application.decided_by) == (
        ApplicationState.approved, made, person("operator"),
    )  # fmt: skip
    assert application.decided_at is not None
    assert applications.evidence_of(application) == PDF and application.evidence_name == "印鑑証明書.pdf"
    (told,) = letters(Letter.application_decided)
    assert told.to_address == "admin@sender.example"
    assert (told.facts["outcome"], told.facts["what"]) == ("承認", "電子証明書の追加発行")
    assert noted(AccountAction.certificate_applied) == ["追加発行"]
    assert noted(AccountAction.certificate_issued)[-1] == made.number


@pytest.mark.requirement("Q3")
def test_the_same_form_twice_is_one_application(hand_in):
    token = str(uuid.uuid4())
    hand_in(token=token)
    with pytest.raises(OutOfTurn, match="すでに受け付けています"):
        hand_in(token=token)
    db.session.rollback()
    assert db.session.query(CertificateApplication).count() == 1


@pytest.mark.requirement("Q3", "I16")
@pytest.mark.parametrize("first, second", [("approve", "approve"), ("approve", "reject"), ("reject", "approve")])
def test_an_application_is_decided_once(hand_in, person, first, second):
    application, count = hand_in(), db.session.query(Certificate).count()
    decide = {"approve": applications.approve, "reject": partial(applications.reject, reason="印影が不鮮明です。")}
    decide[first](application, person("operator"), now())
    db.session.commit()
    with pytest.raises(Refused, match="すでに審査済み"):
        decide[second](application, person("operator"), now())
    db.session.rollback()
    assert db.session.query(Certificate).count() == count + (first == "approve")
    assert len(letters(Letter.application_decided)) == 1


@pytest.mark.requirement("I3")
def test_a_rejected_application_issues_nothing_and_is_told(hand_in, person, post_letters):
    application, count = hand_in(), db.session.query(Certificate).count()
    applications.reject(application, person("operator"), now(), reason="印影が不鮮明です。")
    db.session.commit()
    assert db.session.query(Certificate).count() == count and letters(Letter.certificate_pin) == []
    (mail,) = post_letters()
    assert "審査結果　： 却下" in mail.body and "却下の理由：印影が不鮮明です。" in mail.body
    assert mail.recipients == ["admin@sender.example"]
    assert noted(AccountAction.certificate_rejected) == ["追加発行"]


@pytest.mark.requirement("I16")
def test_a_renewal_is_possible_from_one_month_before_the_end_and_after_it(hand_in, person, own):
    end = own.not_after = dt.datetime(2027, 3, 31, 3, 0, tzinfo=dt.UTC)  # noon in Japan
    db.session.commit()
    first_day = dt.datetime(2027, 2, 28, tzinfo=dt.UTC) - dt.timedelta(hours=9)  # 28 February, 0:00 in Japan
    with pytest.raises(Refused, match="2027/02/28"):
        hand_in(ApplicationKind.renewal, own, moment=first_day - dt.timedelta(seconds=1))
    db.session.rollback()
    assert applications.why_not(ApplicationKind.renewal, own, first_day) == ""
    assert applications.why_not(ApplicationKind.renewal, own, end + dt.timedelta(days=9)) == ""
    application = hand_in(ApplicationKind.renewal, own, moment=first_day, evidence=Evidence())
    made = applications.approve(application, person("operator"), first_day)
    db.session.commit()
    assert made.number != own.number and own.validity(first_day) is Validity.valid  # until its end
    assert made.people == own.people
    with pytest.raises(Refused, match=made.number):  # renewed already
        hand_in(ApplicationKind.renewal, own, moment=first_day)


@pytest.mark.parametrize(
    "day, earlier", [((2027, 3, 31), (2027, 2, 28)), ((2028, 3, 30), (2028, 2, 29)), ((2027, 1, 15), (2026, 12, 15))]
)
def test_a_month_earlier(day, earlier):
    assert months_earlier(dt.date(*day), 1) == dt.date(*earlier)


@pytest.mark.requirement("I16", "R21", "S16")
def test_a_new_pin_is_a_new_key_and_certificate_and_the_earlier_one_is_revoked(hand_in, person, own, post_letters):
    application = hand_in(ApplicationKind.pin_reissue, own, evidence=Evidence())
    assert own.validity(now()) is Validity.valid  # until it is approved
    made = applications.approve(application, person("operator"), now())
    db.session.commit()
    db.session.expire_all()
    assert own.validity(now()) is Validity.revoked and own.sealed_key is None
    keys = [x509.load_der_x509_certificate(c.certificate_der).public_key() for c in (own, made)]
    assert keys[0] != keys[1] and made.people == own.people
    assert noted(AccountAction.pin_reissued) == [f"{own.number} → {made.number}"]
    bodies = [mail.body for mail in post_letters() if "失効" in mail.subject]
    assert len(bodies) == 2 and all(made.number in body and own.number in body for body in bodies)
    assert [link.certificate for link in queries.activations_of(person("signer"), now())] == [made]


@pytest.mark.requirement("I16", "Q3")
def test_one_open_application_of_a_kind_for_a_certificate(hand_in, person, own):
    first = hand_in(ApplicationKind.pin_reissue, own)
    with pytest.raises(Refused, match="すでに申請中"):
        hand_in(ApplicationKind.pin_reissue, own)
    db.session.rollback()
    applications.reject(first, person("operator"), now(), reason="重複しています。")
    db.session.commit()
    assert hand_in(ApplicationKind.pin_reissue, own).state is ApplicationState.received


@pytest.mark.requirement("I16")
def test_what_is_revoked_or_expired_is_not_given_a_new_pin(hand_in, own):
    own.not_after = now()
    db.session.commit()
    with pytest.raises(Refused, match="更新を申請"):
        hand_in(ApplicationKind.pin_reissue, own)
    db.session.rollback()
    certificates.revoke(own, now())
    db.session.commit()
    for kind in (ApplicationKind.pin_reissue, ApplicationKind.renewal):
        with pytest.raises(Refused, match="追加発行を申請"):
            hand_in(kind, own)


@pytest.mark.requirement("I3", "R106")
@pytest.mark.parametrize("given, sentence", [
    ({"people": ()}, "署名用ID"),
    ({"address": "a@b.example\r\nBcc: x@y.example"}, "メールアドレス"),
    ({"evidence": Evidence()}, "印鑑証明書"),
])  # fmt: skip
def test_what_is_missing_is_named_and_nothing_is_handed_in(hand_in, given, sentence):
    with pytest.raises(Refused, match=sentence):
        hand_in(**given)
    db.session.rollback()
    assert db.session.query(CertificateApplication).count() == 0


@pytest.mark.requirement("L3", "S5")
@pytest.mark.parametrize("file, sentence", [
    (b"<html>", "PDFではありません"),
    (b"", "PDFではありません"),
    (b"PK\x03\x04", "PDFではありません"),
    (b"%PDF-1.7" + b"0" * (5 * 1024 * 1024), "5MB"),
], ids=["a web page", "nothing", "a zip", "too large"])  # fmt: skip
def test_evidence_is_a_pdf_of_five_megabytes_at_most(app, file, sentence):
    with pytest.raises(Refused, match=sentence):
        applications.take_in("x.pdf", file)


@pytest.mark.requirement("L3")
@pytest.mark.parametrize("name, kept", [
    ("C:\\Users\\a\\印鑑.pdf", "印鑑.pdf"), ("../../etc/x.pdf", "x.pdf"), ("a\r\nb.pdf", "ab.pdf"), ("", "evidence.pdf"),
])  # fmt: skip
def test_the_name_of_the_evidence_is_a_name_only(app, name, kept):
    assert applications.take_in(name, PDF).name == kept


@pytest.mark.requirement("I3", "B5")
def test_who_left_meanwhile_is_not_linked_and_an_idle_company_gets_none(hand_in, person):
    application = hand_in(people=("signer", "viewer"))
    person("viewer").deleted_at = now()
    db.session.commit()
    assert applications.approve(application, person("operator"), now()).people == [person("signer")]
    db.session.commit()
    second, third = hand_in(people=("signer",)), hand_in(people=("signer",))
    person("signer").deleted_at = now()
    db.session.commit()
    with pytest.raises(Refused, match="すべて削除"):
        applications.approve(second, person("operator"), now())
    db.session.rollback()
    assert second.state is ApplicationState.received
    db.session.get(Company, person("admin").company_id).status = CompanyStatus.suspended
    db.session.commit()
    with pytest.raises(Refused, match="利用中の企業ではない"):
        applications.approve(third, person("operator"), now())


@pytest.mark.requirement("I16", "B5")
@pytest.mark.parametrize("kind", [ApplicationKind.renewal, ApplicationKind.pin_reissue])
def test_nothing_is_issued_in_place_of_what_was_revoked_since(hand_in, person, own, kind):
    own.not_after = now() + dt.timedelta(days=10)
    application, count = hand_in(kind, own), db.session.query(Certificate).count()
    certificates.revoke(own, now())
    db.session.commit()
    with pytest.raises(Refused, match=f"{own.number} は失効しているため"):
        applications.approve(application, person("operator"), now())
    db.session.rollback()
    assert application.state is ApplicationState.received and db.session.query(Certificate).count() == count


@pytest.mark.requirement("I16", "I3")
def test_a_revocation_rejects_what_was_applied_for_in_its_place_and_says_so(hand_in, person, own, client_of, post_letters):
    waiting, other = hand_in(ApplicationKind.pin_reissue, own), hand_in()
    reply = client_of("admin").post(f"/admin/certificates/{own.id}/revocation", {"password": PASSWORD})
    assert reply.status_code == 302
    db.session.expire_all()
    assert own.revoked_at is not None
    assert (waiting.state, waiting.decided_by) == (ApplicationState.rejected, person("admin"))
    assert other.state is ApplicationState.received
    (told,) = letters(Letter.application_decided)
    assert told.facts["outcome"] == "却下" and f"{own.number} が失効したため" in told.facts["detail"]
    assert any(f"{own.number} が失効したため" in mail.body for mail in post_letters())
    assert noted(AccountAction.certificate_rejected) == [f"PIN再発行 {own.number}"]
    with pytest.raises(Refused, match="すでに審査済み"):
        applications.approve(waiting, person("operator"), now())


@pytest.mark.requirement("I16", "Q3")
def test_an_open_application_of_either_kind_stands_in_the_way_of_the_other(hand_in, own):
    own.not_after = now() + dt.timedelta(days=10)
    hand_in(ApplicationKind.renewal, own)
    with pytest.raises(Refused, match=f"{own.number} の更新は、すでに申請中"):
        hand_in(ApplicationKind.pin_reissue, own)


@pytest.mark.requirement("I16", "L23", "B5")
def test_the_pin_reaches_its_address_though_the_applicant_is_gone_and_erased(hand_in, person):
    before, after, admin = hand_in(), hand_in(), person("admin")
    applications.approve(before, person("operator"), now())
    admin.deleted_at = now()
    db.session.commit()
    personal_data.erase(admin, person("operator"), now())
    applications.approve(after, person("operator"), now())
    personal_data.erase(admin, person("operator"), now())
    db.session.commit()
    first, second = letters(Letter.certificate_pin)
    for letter in (first, second):
        assert letter.to_address == "pin@sender.example" and letter.due_at is not None and letter.sealed_secret
    assert (first.user_id, second.user_id) == (admin.id, person("signer").id)
    first.due_at = None
    personal_data.erase(admin, person("operator"), now())
    db.session.commit()
    assert letters(Letter.certificate_pin)[0].to_address == ""  # once it was sent


@pytest.mark.requirement("I1", "B5")
@pytest.mark.parametrize("status", [CompanyStatus.suspended, CompanyStatus.terminated])
def test_a_suspended_company_applies_for_nothing_and_links_nobody(hand_in, person, own, status):
    person("admin").company.status = status
    db.session.commit()
    with pytest.raises(Refused, match="ご利用が停止"):
        hand_in()
    db.session.rollback()
    with pytest.raises(Refused, match="ご利用が停止"):
        certificates.link_people(own, [person("colleague")], now(), person("admin"))
    db.session.rollback()
    assert db.session.query(CertificateApplication).count() == 0 and own.people == [person("signer")]


@pytest.mark.requirement("L3", "S15")
def test_the_evidence_of_a_certificate_leaves_with_it(hand_in, person):
    application = hand_in()
    made = applications.approve(application, person("operator"), now())
    db.session.commit()
    with zipfile.ZipFile(io.BytesIO(evidence.pack(made))) as packed:
        assert sorted(packed.namelist()) == ["certificate.pem", "evidence.json", "seal-certificate.pdf"]
        assert packed.read("seal-certificate.pdf") == PDF
        assert x509.load_pem_x509_certificate(packed.read("certificate.pem")).serial_number == int(made.serial)
        told = packed.read("evidence.json").decode()
    facts = json.loads(told)
    assert facts["管理番号"] == made.number and "PRIVATE" not in told
    assert facts["申請"]["申請者"] == str(person("admin")) and facts["申請"]["審査者"] == str(person("operator"))
    assert facts["申請"]["印鑑証明書のSHA-256"] == application.evidence_sha256
    assert [event["操作"] for event in facts["経過"]][:1] == ["電子証明書の発行"]


@pytest.mark.requirement("L3")
def test_a_certificate_that_nobody_applied_for_says_who_issued_it(own):
    with zipfile.ZipFile(io.BytesIO(evidence.pack(own))) as packed:
        assert sorted(packed.namelist()) == ["certificate.pem", "evidence.json"]
        assert json.loads(packed.read("evidence.json"))["申請"] is None
