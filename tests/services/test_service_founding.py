"""利用申請: the life of a token, what is kept and refused, and what an approval brings about."""

import datetime as dt
import io
import json
import uuid
import zipfile

import pytest

from app import queries
from app.clock import now
from app.errors import LinkUnknown, NotOfThisPlan, OutOfTurn, Refused
from app.extensions import db
from app.models import (
    AccountEvent,
    Certificate,
    Company,
    InvitationState,
    Letter,
    OutboxMessage,
    PortalUser,
    ServiceApplication,
    ServiceEvent,
    ServiceInvitation,
    ServiceState,
)
from app.plans import PlanKind
from app.services import applications, evidence, invitations, service_filing, service_founding, service_review
from tests import service_walk
from tests.service_walk import PDF, invite, token_mailed, wanted

DAY = dt.timedelta(days=1)


def letters(letter):
    return db.session.query(OutboxMessage).filter_by(letter=letter).order_by(OutboxMessage.id).all()


def counts():
    return [db.session.query(table).count() for table in (Company, PortalUser, Certificate, OutboxMessage)]


# -- invitations ---------------------------------------------------------------------


@pytest.mark.requirement("I9", "R101", "S9")
def test_the_token_is_nowhere_but_sealed_and_opens_for_thirty_days(person):
    moment = now()
    invitation = invite(person("admin"), moment)
    db.session.commit()
    token = token_mailed()
    assert len(token) >= 43  # 32 bytes in base64
    (letter,) = letters(Letter.service_invitation)
    assert letter.to_address == "kodama@kodama.example" and letter.user_id is None
    assert token not in json.dumps(letter.facts) and token.encode() not in letter.sealed_secret
    assert token not in invitation.token_sha256
    assert invitations.opened(token, moment + 29 * DAY).id == invitation.id
    for unknown in ("", "x", token[:-1], token + "x", invitation.token_sha256, "あ", "\udcff"):
        with pytest.raises(LinkUnknown):
            invitations.opened(unknown, moment)
    with pytest.raises(LinkUnknown):
        invitations.opened(token, moment + 30 * DAY)
    assert invitations.state_of(invitation, moment + 30 * DAY) is InvitationState.expired


@pytest.mark.requirement("I9", "S7")
def test_a_resent_invitation_kills_the_earlier_token_and_a_cancelled_one_its_own(person):
    moment = now()
    invitation = invite(person("admin"), moment)
    earlier = token_mailed()
    later = moment + 40 * DAY  # expired: it may be sent again
    invitations.invite_again(invitation, person("admin"), later)
    newer = token_mailed()
    assert newer != earlier
    with pytest.raises(LinkUnknown):
        invitations.opened(earlier, later)
    assert invitations.opened(newer, later + 29 * DAY)
    kept = service_filing.keep(invitation, later, wanted={}, version=None)
    db.session.flush()
    db.session.refresh(invitation)
    assert invitations.state_of(invitation, later) is InvitationState.filling
    invitations.cancel(invitation, person("admin"), later)
    assert kept.state is ServiceState.withdrawn
    with pytest.raises(LinkUnknown):
        invitations.opened(newer, later)
    for verb in (invitations.cancel, invitations.invite_again):
        with pytest.raises(OutOfTurn):
            verb(invitation, person("admin"), later)


@pytest.mark.requirement("I9", "R101", "S14")
def test_who_may_not_invite_and_whom(person, monkeypatch):
    for who in ("receiver_admin", "stranger"):  # 取引先専用, 双方課金
        with pytest.raises(NotOfThisPlan):
            invite(person(who))
    for given in ({"address": "a@b.example\nBcc: c@d.example"}, {"address": "x"}, {"name": ""}, {"name": "改\n行"}):
        with pytest.raises(Refused):
            invite(person("admin"), **given)
    invite(person("admin"))
    db.session.flush()
    with pytest.raises(Refused, match="すでにご案内"):
        invite(person("admin"), address="Kodama@kodama.example")
    monkeypatch.setattr(invitations, "MOST_A_DAY", 1)
    with pytest.raises(Refused, match="24時間"):
        invite(person("admin"), address="other@kodama.example")
    monkeypatch.setattr(invitations, "MOST_OPEN", 1)
    with pytest.raises(Refused, match="1件あります"):
        invite(person("admin"), now() + 2 * DAY, address="other@kodama.example")
    db.session.rollback()
    assert db.session.query(ServiceInvitation).count() == 0 and not letters(Letter.service_invitation)


# -- the form -------------------------------------------------------------------------


def broken(change):
    made = wanted()
    change(made)
    return made


@pytest.mark.requirement("I9", "S14")
@pytest.mark.parametrize(
    "change, sentence",
    [
        (lambda w: w["company"].update(name=""), "企業名を入力"),
        (lambda w: w["company"].update(name="株式会社\u202eあ"), "目に見えない文字"),
        (lambda w: w["company"].update(corporate_number="8000000000000"), "法人番号が正しくありません"),
        (lambda w: w["company"].update(phone="<script>"), "電話番号は"),
        (lambda w: w["admin"].update(mail_address=""), "管理者のメールアドレスを入力"),
        (lambda w: w["admin"].update(mail_address="a@b.example\r\nBcc: x@y.example"), "制御文字"),
        (lambda w: w["people"][0].update(full_name="\t"), "制御文字"),
        (lambda w: w["people"].append(dict(w["admin"])), "2回入力"),
        (lambda w: [one.update(signs=False) for one in (w["admin"], *w["people"])], "署名権限のある方がいません"),
        (lambda w: w["certificate"].update(pin_mail_address=""), "PIN送付先"),
        (lambda w: w["people"].extend(dict(w["people"][1], full_name=f"人{n}") for n in range(9)), "10名まで"),
    ],
)
def test_what_is_missing_or_hostile_is_refused_with_a_sentence(app, change, sentence):
    with pytest.raises(Refused, match=sentence):
        service_filing.checked(broken(change))


@pytest.mark.requirement("I9", "R101")
def test_half_a_form_is_kept_and_needs_its_印鑑証明書(person):
    invitation = invite(person("admin"))
    application = service_filing.keep(
        invitation, now(), wanted={"company": {"name": "x" * 5000, "is_admin": "1"}, "people": [{}] * 99},
        version=None,
    )  # fmt: skip
    db.session.flush()
    db.session.refresh(invitation)
    assert len(application.wanted["company"]["name"]) == service_filing.LONGEST
    assert "is_admin" not in application.wanted["company"] and len(application.wanted["people"]) == 11
    with pytest.raises(OutOfTurn):
        service_filing.keep(invitation, now(), wanted={}, version=application.version - 1)
    service_filing.keep(invitation, now(), wanted=wanted(), version=application.version)
    db.session.flush()
    with pytest.raises(Refused, match="印鑑証明書"):
        service_filing.hand_in(application, now())
    assert application.state is ServiceState.filling and not letters(Letter.service_received)


# -- the review -----------------------------------------------------------------------


@pytest.mark.requirement("I9", "R101", "R23", "L3", "I11")
def test_an_approval_founds_the_company_with_its_people_certificate_and_mails(person):
    application = service_walk.hand_in(person("admin"))
    db.session.commit()
    assert [letter.to_address for letter in letters(Letter.service_received)] == ["kodama@kodama.example"]
    service_review.start_review(application, person("operator"), now())
    db.session.commit()
    company = service_founding.found(application, person("operator"), now())
    db.session.commit()
    db.session.expire_all()
    assert (company.plan.kind, company.name, company.phone) == (PlanKind.partner, "有限会社こだま工務店", "03-0000-0303")
    people = db.session.query(PortalUser).filter_by(company_id=company.id).order_by(PortalUser.id).all()
    assert [(one.full_name, one.is_company_admin, one.must_change_password) for one in people] == [
        ("児玉 正", True, True), ("小林 薫", False, True), ("近藤 愛", False, True)
    ]  # fmt: skip
    addresses = ["kodama@kodama.example", "kobayashi@kodama.example", "kondo@kodama.example"]
    assert [letter.to_address for letter in letters(Letter.user_issued)] == addresses
    assert [letter.to_address for letter in letters(Letter.initial_password)] == addresses
    assert [letter.to_address for letter in letters(Letter.certificate_pin)] == ["pin@kodama.example"]
    (certificate,) = db.session.query(Certificate).filter_by(company_id=company.id)
    assert [one.full_name for one in certificate.people] == ["児玉 正", "小林 薫"]
    (told,) = letters(Letter.partner_approved)
    assert told.user_id == person("admin").id
    assert (told.facts["partner_code"], told.facts["user_code"]) == (company.code, people[0].user_code)
    assert invitations.state_of(application.invitation, now()) is InvitationState.approved
    assert [event.state for event in application.events] == [
        ServiceState.filling, ServiceState.received, ServiceState.in_review, ServiceState.approved
    ]  # fmt: skip
    noted = [event.note for event in db.session.query(AccountEvent).filter_by(company_id=company.id)]
    assert f"{application.number} 取引先専用プラン" in noted
    packed = zipfile.ZipFile(io.BytesIO(evidence.pack(certificate)))
    told = json.loads(packed.read("evidence.json"))["利用申請"]
    assert told["申請番号"] == application.number and told["審査者"].startswith("運営 百合")
    assert told["同意した利用規約の版"] == service_filing.TERMS_VERSION
    assert packed.read("seal-certificate.pdf") == PDF


@pytest.mark.requirement("I9")
def test_of_two_approvals_one_founds(person):
    application = service_walk.hand_in(person("admin"))
    db.session.commit()
    prepared = service_founding.prepare(application)
    service_founding.found(application, person("operator"), now(), prepared)
    db.session.commit()
    before = counts()
    with pytest.raises(OutOfTurn):
        service_founding.found(application, person("operator"), now(), prepared)
    with pytest.raises(OutOfTurn):
        service_founding.prepare(application)
    for verb in (service_founding.send_back, service_founding.reject):
        with pytest.raises(OutOfTurn):
            verb(application, person("operator"), now(), reason="x")
    db.session.rollback()
    assert counts() == before


@pytest.mark.requirement("I9")
def test_a_returned_application_is_corrected_at_a_new_address_and_a_rejected_one_ends(person):
    application, moment = service_walk.hand_in(person("admin")), now()
    earlier = token_mailed(Letter.service_received)
    db.session.commit()
    with pytest.raises(Refused, match="理由"):
        service_founding.send_back(application, person("operator"), moment, reason="  ")
    db.session.rollback()
    later = moment + 35 * DAY  # the review took longer than the address was good for
    assert invitations.opened(earlier, later)
    service_founding.send_back(application, person("operator"), later, reason="住所をご確認ください。")
    db.session.commit()
    (letter,) = letters(Letter.service_returned)
    assert letter.facts["reason"] == "住所をご確認ください。" and letter.to_address == "kodama@kodama.example"
    with pytest.raises(LinkUnknown):
        invitations.opened(earlier, later)
    invitation = invitations.opened(token_mailed(Letter.service_returned), later)
    assert invitations.state_of(invitation, later) is InvitationState.returned
    service_filing.keep(invitation, later, wanted=wanted(address="新住所"), version=application.version)
    db.session.flush()
    service_filing.hand_in(application, later)
    assert application.reason == "" and application.wanted["company"]["address"] == "新住所"
    before = db.session.query(Company).count()
    service_founding.reject(application, person("operator"), later, reason="確認できませんでした。")
    db.session.commit()
    assert db.session.query(Company).count() == before
    assert letters(Letter.service_rejected)[0].facts["reason"] == "確認できませんでした。"
    assert invitations.state_of(invitation, later) is InvitationState.rejected
    noted = [event.note for event in db.session.query(AccountEvent).filter_by(actor_id=person("operator").id)]
    assert noted == [f"{application.number} 差戻し", f"{application.number} 却下"]
    invitations.opened(token_mailed(Letter.service_returned), later + 29 * DAY)
    with pytest.raises(LinkUnknown):
        invitations.opened(token_mailed(Letter.service_returned), later + 30 * DAY)


@pytest.mark.requirement("I9", "Q5")
def test_who_lost_the_address_of_a_returned_application_is_sent_another(person):
    application, moment, admin = service_walk.hand_in(person("admin")), now(), person("admin")
    invitation = application.invitation
    with pytest.raises(OutOfTurn):
        invitations.invite_again(invitation, admin, moment)  # while it is with the operator
    service_founding.send_back(application, person("operator"), moment, reason="住所をご確認ください。")
    lost = token_mailed(Letter.service_returned)
    invitations.invite_again(invitation, admin, moment)
    db.session.commit()
    with pytest.raises(LinkUnknown):
        invitations.opened(lost, moment)
    assert invitations.opened(token_mailed(Letter.service_invitation), moment) is invitation
    assert invitations.state_of(invitation, moment) is InvitationState.returned
    with pytest.raises(OutOfTurn):
        invitations.cancel(invitation, admin, moment)


@pytest.mark.requirement("I9", "R101")
def test_a_paper_application_goes_the_same_way_to_its_plan(person):
    given = {"wanted": wanted(), "plan": PlanKind.both_sides}
    token, paper = str(uuid.uuid4()), applications.take_in("申込書.pdf", PDF)
    with pytest.raises(Refused, match="申込書類"):
        service_filing.key_in(person("operator"), now(), **given, evidence=None, form_token=token)
    db.session.rollback()
    made = service_filing.key_in(person("operator"), now(), **given, evidence=paper, form_token=token)
    db.session.commit()
    with pytest.raises(OutOfTurn, match=made.number):
        service_filing.key_in(person("operator"), now(), **given, evidence=paper, form_token=token)
    service_founding.send_back(made, person("operator"), now(), reason="押印がありません。")
    db.session.commit()
    (letter,) = letters(Letter.service_returned)
    assert letter.sealed_secret is None  # there is no address to open
    service_filing.key_in_again(
        made, person("operator"), now(), wanted=wanted(), plan=PlanKind.one_side, evidence=None
    )
    db.session.commit()
    company = service_founding.found(made, person("operator"), now())
    db.session.commit()
    assert company.plan.kind is PlanKind.one_side and not letters(Letter.partner_approved)
    (certificate,) = db.session.query(Certificate).filter_by(company_id=company.id)
    assert "application-form.pdf" in zipfile.ZipFile(io.BytesIO(evidence.pack(certificate))).namelist()
    assert db.session.query(ServiceApplication).count() == 1
    assert db.session.query(ServiceEvent).filter_by(application_id=made.id).count() == 5
    keyed_in = db.session.query(AccountEvent).filter_by(action="service_keyed_in", note=made.number)
    assert {event.actor_id for event in keyed_in} == {person("operator").id} and keyed_in.count() == 2


@pytest.mark.requirement("I9")
def test_the_operator_sees_who_is_there_already(person):
    known = person("stranger").company
    first = service_walk.hand_in(person("admin"), given=wanted(name=known.name))
    second = service_walk.hand_in(person("admin"), address="b@kodama.example")
    assert queries.companies_like(known.name, "") == [known]
    assert queries.companies_like("別の会社", service_walk.NUMBER) == []
    assert queries.undecided_applications_like(first, service_review.UNDECIDED) == [second]  # of the same 法人番号
