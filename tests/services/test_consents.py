"""電子契約の承諾: who asks, who answers, what the gate lets through, and what is kept (L14)."""

import datetime as dt

import pytest
import time_machine
from sqlalchemy.exc import IntegrityError

from app import construction_law, queries
from app.clock import now
from app.errors import ConsentMissing, OutOfTurn, Refused
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    ConsentAct,
    ConsentMethod,
    DocumentParty,
    ElectronicConsent,
    Letter,
    OutboxMessage,
)
from app.services import consents, documents, fees, papers, personal_data, registration
from app.workflow import Action, Side, SignatureMode, Status
from demo import actors

DAY = dt.timedelta(days=1)


@pytest.fixture
def sender(person):
    return person("registrar").company


@pytest.fixture
def draft(make_document):
    def make(**facts):
        return make_document(mode=SignatureMode.no_signature, is_construction=True, **facts)

    return make


@pytest.fixture
def consent(person, sender):
    """`consent(consents.give)`: an act of the receiver's administrator towards the sender; committed."""

    def do(verb, who="receiver_admin", drawn=None):
        newest = queries.newest_consent(person(who).company_id, sender.id)
        row = verb(sender, person(who), now(), drawn=drawn if drawn is not None else (newest.position if newest else 0))
        db.session.commit()
        return row

    return do


@pytest.fixture
def letters_to():
    return lambda act: {row.to_address for row in letters_owed(Letter.consent_answered) if row.facts["act"] == act}


def letters_owed(letter):
    return db.session.scalars(db.select(OutboxMessage).where(OutboxMessage.letter == letter)).all()


@pytest.mark.requirement("L14")
def test_without_consent_nothing_is_sent_and_with_it_all_is(draft, consent, person):
    document = draft()
    with pytest.raises(ConsentMissing, match="受領設備株式会社の承諾が得られていない"):
        registration.send(document, document.registrar, now())
    db.session.rollback()
    assert document.status is Status.draft and document.events[-1].new_status is Status.draft
    assert letters_owed(Letter.receipt_request) == []
    consent(consents.give)
    registration.send(document, document.registrar, now())
    assert document.status is Status.receiver_receipt


@pytest.mark.requirement("L14", "I7", "I18")
def test_a_receiver_is_not_told_which_other_receiver_lacks_it(make_document, make_plan, consent, person, sender):
    plan = make_plan(third=True)
    consent(consents.give)
    consents.give(sender, person("stranger"), now(), drawn=0)
    document = make_document(Status.receiver_receipt, plan=plan, is_construction=True)
    consents.withdraw(sender, person("stranger"), now(), drawn=1)
    db.session.commit()
    with pytest.raises(ConsentMissing, match="発信者にお問い合わせください") as refusal:
        documents.check_receipt(document, person("recipient"))
    assert "第三電工" not in refusal.value.sentence
    with pytest.raises(ConsentMissing, match="第三電工株式会社の承諾が得られていない"):
        consents.check(Action.sign, document, person("signer"))


@pytest.mark.requirement("L14")
def test_a_contract_for_no_construction_work_needs_none(make_document):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    assert consents.lacking(document) == [] and document.article_19 == []


@pytest.mark.requirement("L14")
def test_the_two_directions_are_separate(draft, person, sender):
    consents.give(person("recipient").company, person("admin"), now(), drawn=0)  # the sender's, towards the receiver
    db.session.commit()
    assert [company.name for company, _ in consents.lacking(draft())] == ["受領設備株式会社"]
    consents.give(sender, person("stranger"), now(), drawn=0)  # a third company's, towards the sender
    db.session.commit()
    assert len(consents.lacking(draft())) == 1


@pytest.mark.requirement("L14", "I3")
def test_a_request_goes_to_the_administrators_and_tells_nothing_of_the_document(draft, person, post_letters):
    document = draft(title="極秘の工事")
    asked = consents.request(document, document.registrar, now())
    db.session.commit()
    assert [company.name for company in asked] == ["受領設備株式会社"]
    (mail,) = [mail for mail in post_letters() if "承諾の依頼" in mail.subject]
    assert mail.recipients == ["receiver_admin@receiver.example"]
    assert f"/admin/consents/{document.sender.company_id}\n" in f"{mail.body}\n" and "株式会社発出建設" in mail.body
    assert "極秘の工事" not in mail.body and document.number not in mail.body and "登録 花子" not in mail.body
    with pytest.raises(Refused, match="1日に1回まで"):
        consents.request(document, document.registrar, now())
    with time_machine.travel(now() + DAY):
        assert consents.request(document, document.registrar, now())
    db.session.rollback()


@pytest.mark.requirement("L14")
def test_an_answer_is_told_to_the_registrar_who_waits_and_to_the_administrators(draft, consent, person, post_letters):
    document = draft()
    consents.request(document, document.registrar, now())
    db.session.commit()
    row = consent(consents.give)
    assert row.method is ConsentMethod.on_request
    told = {mail.recipients[0]: mail.body for mail in post_letters() if "電子契約の承諾 のお知らせ" in mail.subject}
    assert set(told) == {"registrar@sender.example", "admin@sender.example"}
    assert "/admin/consents/" not in told["registrar@sender.example"]  # not theirs to open
    assert all("承諾がありました" in body and "管理 万里" not in body for body in told.values())


@pytest.mark.requirement("L14")
def test_a_withdrawal_is_told_to_the_registrar_of_what_stands_still(draft, consent, make_plan, letters_to, post_letters):
    consent(consents.give)
    actors.walk(draft(), make_plan(), Status.completion_wait)
    consent(consents.withdraw)
    assert letters_to("withdrawn") == {"admin@sender.example"}  # nothing is open
    assert "電子契約で締結することについて、承諾が撤回されました。" in post_letters()[-1].body
    consent(consents.give)
    actors.walk(draft(), make_plan(), Status.receiver_receipt)
    consent(consents.withdraw)
    assert letters_to("withdrawn") == {"admin@sender.example", "registrar@sender.example"}


@pytest.mark.requirement("L14")
def test_every_act_is_kept_with_who_when_how_and_the_text(consent, person):
    consent(consents.give)
    consent(consents.withdraw)
    consent(consents.give)
    rows = db.session.scalars(db.select(ElectronicConsent).order_by(ElectronicConsent.position)).all()
    assert [(row.position, row.act, row.method) for row in rows] == [
        (1, ConsentAct.given, ConsentMethod.beforehand), (2, ConsentAct.withdrawn, None),
        (3, ConsentAct.given, ConsentMethod.beforehand),
    ]  # fmt: skip
    assert {(row.actor_id, row.text_version, row.text) for row in rows} == {
        (person("receiver_admin").id, construction_law.CONSENT_VERSION, construction_law.CONSENT_TEXT)
    }
    events = db.session.scalars(db.select(AccountEvent).order_by(AccountEvent.id)).all()
    assert [event.action for event in events] == [
        AccountAction.consent_given, AccountAction.consent_withdrawn, AccountAction.consent_given,
    ]  # fmt: skip
    assert {event.note for event in events} == {f"株式会社発出建設（{rows[0].partner.code}）"}


@pytest.mark.requirement("L14")
def test_after_a_withdrawal_new_and_unfinished_contracts_stand_still_and_old_ones_stay(
    draft, consent, person, make_plan
):
    consent(consents.give)
    concluded, under_way, new = draft(), draft(), draft()
    actors.walk(concluded, make_plan(), Status.completion_wait)
    actors.walk(under_way, make_plan(), Status.receiver_receipt)
    consent(consents.withdraw)
    with pytest.raises(ConsentMissing):
        registration.send(new, new.registrar, now())
    with pytest.raises(ConsentMissing, match="貴社は、この取引先との"):
        documents.check_receipt(under_way, under_way.holder)
    db.session.rollback()
    assert concluded.status is Status.completion_wait and under_way.status is Status.receiver_receipt
    documents.remand(under_way, under_way.holder, now())  # the way out stays open
    documents.withdraw(new, new.registrar, now())
    db.session.commit()
    assert (under_way.status, new.status) == (Status.remanded, Status.withdrawn)


@pytest.mark.requirement("L14")
@pytest.mark.parametrize("status", [Status.sender_approval, Status.receiver_approval])
def test_no_step_towards_conclusion_passes_the_gate(make_document, consent, status):
    consent(consents.give)
    document = make_document(status, mode=SignatureMode.no_signature, is_construction=True)
    consent(consents.withdraw)
    with pytest.raises(ConsentMissing):
        documents.approve(document, document.holder, now())
    consent(consents.give)
    documents.approve(document, document.holder, now())


@pytest.mark.requirement("L14")
def test_a_consent_to_an_earlier_text_counts_no_more(draft, consent, monkeypatch):
    consent(consents.give)
    assert consents.lacking(draft()) == []
    monkeypatch.setattr("app.services.consents.CONSENT_VERSION", "2027-01")
    monkeypatch.setattr("app.tables.consent.CONSENT_VERSION", "2027-01")
    ((_, row),) = consents.lacking(draft())
    assert row.is_outdated
    assert consent(consents.give).text_version == "2027-01"
    assert consents.lacking(draft()) == []


@pytest.mark.requirement("L14")
def test_of_two_administrators_the_second_is_told_that_somebody_acted(draft, consent, person):
    consent(consents.give)
    for verb, drawn in ((consents.give, 0), (consents.give, 1), (consents.decline, 1), (consents.withdraw, 0)):
        with pytest.raises(OutOfTurn):
            consent(verb, drawn=drawn)
        db.session.rollback()
    consent(consents.withdraw)
    with pytest.raises(OutOfTurn):
        consent(consents.withdraw)
    db.session.rollback()
    assert db.session.query(ElectronicConsent).count() == 2


@pytest.mark.requirement("L14")
def test_the_database_itself_takes_one_act_at_a_time(consent, person, sender):
    first = consent(consents.give)
    twin = {c.name: getattr(first, c.name) for c in ElectronicConsent.__table__.columns if c.name != "id"}
    db.session.add(ElectronicConsent(**twin))
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


@pytest.mark.requirement("L14")
def test_a_declined_request_lets_nothing_through_and_only_a_request_is_declined(draft, consent):
    document = draft()
    with pytest.raises(OutOfTurn):
        consent(consents.decline, drawn=0)
    db.session.rollback()
    consents.request(document, document.registrar, now())
    db.session.commit()
    consent(consents.decline)
    assert len(consents.lacking(document)) == 1
    (letter,) = {row.facts["act"] for row in letters_owed(Letter.consent_answered)}
    assert letter == "declined"


@pytest.mark.requirement("L14")
@pytest.mark.parametrize("name", ["株式会社発出建設", "発出建設", "(株)発出建設", "㈱ 発出 建設", "発出建設株式会社"])
def test_a_partner_is_named_by_code_and_name_however_it_is_written(person, sender, name):
    assert consents.partner_named(sender.code.lower(), name, person("recipient").company) is sender


@pytest.mark.requirement("L14", "I18")
@pytest.mark.parametrize("code, name", [("C99999999", "株式会社発出建設"), (None, "別の会社"), (None, ""), (None, "株式会社")])
def test_nobody_reads_a_list_of_companies_by_their_codes(person, sender, code, name):
    with pytest.raises(Refused, match="企業IDまたは企業名が正しくありません"):
        consents.partner_named(code or sender.code, name, person("recipient").company)


@pytest.mark.requirement("L15")
def test_the_items_are_the_sixteen_and_are_kept_only_for_construction_work(make_document):
    assert len(construction_law.ARTICLE_19_ITEMS) == 16
    kept = make_document(mode=SignatureMode.no_signature, is_construction=True, article_19=("work", "price"))
    assert kept.article_19 == ["work", "price"] and len(construction_law.unticked(kept.article_19)) == 14
    other = make_document(mode=SignatureMode.no_signature, article_19=("work",))
    assert other.article_19 == []


@pytest.mark.requirement("R61", "R103")
def test_who_pays_is_read_from_the_plans_kept_at_sending(make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    sender_id, receiver_id = (party.company_id for party in document.parties)
    own, theirs = fees.fees_of(document, sender_id), fees.fees_of(document, receiver_id)
    assert (own.own, own.partner, theirs.own, theirs.partner) == (True, False, False, True)
    assert not own.must_acknowledge and theirs.partner_plans[0][0] is document.sender.company
    document.sender.plan_at_sending = document.receivers[0].plan_at_sending = "one_side"
    db.session.flush()
    db.session.refresh(document.sender), db.session.refresh(document.receivers[0])
    shared = fees.fees_of(document, receiver_id)
    assert shared.own and shared.partner and shared.must_acknowledge
    assert not fees.fees_of(document, receiver_id, as_sent=False).must_acknowledge


@pytest.mark.requirement("L14", "I7")
def test_every_receiver_must_have_consented(draft, consent, person, sender):
    document = draft()
    third = person("stranger").company
    document.parties.append(DocumentParty(position=2, side=Side.receiver, company=third))
    db.session.commit()
    consent(consents.give)
    assert [company for company, _ in consents.lacking(document)] == [third]
    assert consents.request(document, document.registrar, now()) == [third]
    consent(consents.give, who="stranger", drawn=1)
    assert consents.lacking(document) == []


@pytest.mark.requirement("L23", "L14", "L19")
def test_a_persons_data_holds_what_they_answered_and_wrote(consent, make_document, person):
    consent(consents.give)
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, is_disclosure=True)
    papers.request(document, person("receiver_admin"), now(), note="本社あて")
    found = personal_data.export(person("receiver_admin"), now())
    assert [row["内容"] for row in found["電子契約の承諾"]] == ["承諾"]
    assert [(row["内容"], row["連絡事項"]) for row in found["書面の交付"]] == [("請求", "本社あて")]
    assert personal_data.export(person("admin"), now())["電子契約の承諾"] == []
