"""One address invited twice, and two 利用申請 of one company: who is told what, and what becomes of them (I9, S7)."""

import pytest

from app import queries
from app.clock import now
from app.errors import AlreadyInvited, OutOfTurn, Refused
from app.extensions import db
from app.models import (
    AccountEvent,
    Company,
    InvitationState,
    Letter,
    OutboxMessage,
    Plan,
    ServiceApplication,
    ServiceInvitation,
    ServiceState,
)
from app.plans import PlanKind
from app.services import invitations, service_founding, service_merging, service_review
from tests import service_walk
from tests.service_walk import NUMBER, invite, token_mailed, wanted

BASE = "/operator/service-applications"


@pytest.fixture
def inviters(person):
    """Administrators of two companies that may invite, and know nothing of one another."""
    other = person("stranger")
    other.company.plan = db.session.query(Plan).filter_by(kind=PlanKind.one_side).one()
    db.session.commit()
    return person("admin"), other


@pytest.fixture
def applied_twice(inviters):
    """The same partner invited by two companies, and both addresses filled in."""
    made = [service_walk.hand_in(one) for one in inviters]
    db.session.commit()
    return made


def state(application):
    return invitations.state_of(application.invitation, now())


def told(letter):
    return db.session.query(OutboxMessage).filter_by(letter=letter).order_by(OutboxMessage.id).all()


@pytest.mark.requirement("I9", "R101", "S7")
def test_a_company_invites_an_address_once_until_all_is_over(inviters, person):
    own, _ = inviters
    first = service_walk.hand_in(own)
    for become, words in ((None, "申請済み"), (ServiceState.returned, "修正中")):
        if become:
            service_review.move(first, become, now())
        with pytest.raises(AlreadyInvited, match=words) as refusal:
            invite(own, address="KODAMA@kodama.example")
        assert refusal.value.invitation is first.invitation
    service_review.move(first, ServiceState.received, now())
    company = service_founding.found(first, person("operator"), now())
    with pytest.raises(AlreadyInvited, match=f"企業ID {company.code} で利用を開始しています"):
        invite(own)
    company.status = "terminated"  # it has left, and may come back
    again = invite(own)
    db.session.commit()
    invitations.cancel(again, own, now())
    assert invite(own).id != again.id


@pytest.mark.requirement("I9", "R101", "S7", "S9")
def test_the_page_offers_to_send_the_same_again_and_tells_nothing_of_other_companies(client_of, browser, inviters):
    own, other = inviters
    client, foreign = client_of("admin"), client_of("stranger")
    given = {"partner_name": "有限会社こだま工務店", "contact_name": "児玉 正", "mail_address": "kodama@kodama.example"}
    assert client.post("/admin/invitations/new", given).status_code == 302
    first = token_mailed()
    again = client.post("/admin/invitations/new", given | {"partner_name": "別の表記"})
    assert again.status_code == 422 and "「有限会社こだま工務店」としてすでにご案内しています（案内済み）" in again.text
    assert 'value="別の表記"' in again.text and "この案内を再送" in again.text
    invitation = db.session.query(ServiceInvitation).one()
    assert f'action="/admin/invitations/{invitation.id}/again"' in again.text
    assert client.post(f"/admin/invitations/{invitation.id}/again").status_code == 302
    second = token_mailed()
    assert [browser().get(f"/apply/{token}").status_code for token in (first, second)] == [404, 200]
    assert db.session.query(ServiceInvitation).count() == 1
    # another company reads and gets the same whether or not somebody has invited the address
    pages = []
    for address in ("kodama@kodama.example", "nobody@kodama.example"):
        reply = foreign.post("/admin/invitations/new", given | {"mail_address": address})
        assert reply.status_code == 302
        pages.append(foreign.get("/admin/invitations/").text.count(own.company.name))
    assert pages == [0, 0] and "すでに" not in browser().get(f"/apply/{token_mailed()}").text


@pytest.mark.requirement("I9", "R101", "S7")
def test_whoever_has_the_mailbox_reads_that_one_application_is_enough(browser, inviters):
    own, other = inviters
    service_walk.hand_in(own)
    invite(other)
    token = token_mailed()
    invite(other, address="someone@else.example")
    elsewhere = token_mailed()
    db.session.commit()
    page = browser().get(f"/apply/{token}").text
    assert "同じ企業の申請は1回で足ります" in page and own.company.name not in page
    assert "同じ企業の申請は1回で足ります" not in browser().get(f"/apply/{elsewhere}").text


@pytest.mark.requirement("I9", "R23", "S7")
def test_a_duplicate_is_declined_for_the_other_and_both_inviters_learn_the_end(client_of, applied_twice, inviters, person):
    first, second = applied_twice
    client = client_of("operator")
    page = client.get(f"{BASE}/show/{second.id}").text
    assert first.number in page and f"{BASE}/duplicate/{second.id}" in page
    page = client.get(f"{BASE}/duplicate/{second.id}").text
    assert f'value="{first.id}"' in page and "取り消すことはできません" in page
    url, version = f"{BASE}/duplicate/{second.id}", {"version": str(second.version)}
    for bad in ({}, {"into": ""}, {"into": str(second.id)}, {"into": "x"}):
        assert client.post(url, version | bad).status_code == 422
    assert client.post(url, {"version": "0", "into": str(first.id)}).status_code == 409
    assert db.session.query(ServiceApplication).filter_by(state=ServiceState.rejected).count() == 0
    assert client.post(url, version | {"into": str(first.id)}).location.endswith(f"/show/{first.id}")
    assert client.post(url, version | {"into": str(first.id)}).status_code == 409
    db.session.expire_all()
    assert second.state is ServiceState.rejected and second.decided_by_id == person("operator").id
    (letter,) = told(Letter.service_rejected)
    assert first.number in letter.facts["reason"] and inviters[0].company.name not in letter.facts["reason"]
    noted = db.session.query(AccountEvent).filter_by(note=f"{second.number} 却下（{first.number} と重複）").one()
    assert noted.company_id is None and noted.actor_id == person("operator").id
    assert second.number in client.get(f"{BASE}/show/{first.id}").text
    # its inviter sees it wait, and nothing of the other company
    page = client_of("stranger").get("/admin/invitations/").text
    assert "申請済み" in page and "却下" not in page and first.number not in page
    companies = db.session.query(Company).count()
    company = service_founding.found(first, person("operator"), now())
    db.session.commit()
    assert db.session.query(Company).count() == companies + 1 and second.company is company
    assert [state(one) for one in applied_twice] == [InvitationState.approved] * 2
    assert {one.user.company_id for one in told(Letter.partner_approved)} == {one.company_id for one in inviters}
    assert len(told(Letter.partner_approved)) == sum(len(queries.administrators_of(one.company_id)) for one in inviters)
    assert company.code in client_of("stranger").get("/admin/invitations/").text


@pytest.mark.requirement("I9", "S7")
def test_a_duplicate_ends_as_the_other_ends_also_through_a_third(applied_twice, inviters, person):
    first, second = applied_twice
    third = service_walk.hand_in(inviters[0], address="third@kodama.example")
    operator = person("operator")
    service_merging.merge(second, third, operator, now())
    service_merging.merge(third, first, operator, now())
    db.session.commit()
    assert [state(one) for one in (first, second, third)] == [InvitationState.applied] * 3
    for gone, into in ((second, first), (first, second)):  # decided already; and what was declined takes in nothing
        with pytest.raises((OutOfTurn, Refused)):
            service_merging.merge(gone, into, operator, now())
        db.session.rollback()
    service_founding.reject(first, operator, now(), reason="確認できませんでした。")
    db.session.commit()
    assert [state(one) for one in (first, second, third)] == [InvitationState.rejected] * 3
    assert not told(Letter.partner_approved)


@pytest.mark.requirement("I9", "S7")
def test_who_waits_for_one_that_was_sent_back_and_never_comes_again_may_invite_anew(applied_twice, inviters, person):
    (first, second), operator = applied_twice, person("operator")
    service_merging.merge(second, first, operator, now())
    with pytest.raises(AlreadyInvited, match="審査の結果をお待ちください"):
        invite(inviters[1])
    service_founding.send_back(first, operator, now(), reason="住所をご確認ください。")
    again = invite(inviters[1])
    assert (state(second), invitations.state_of(again, now())) == (InvitationState.applied, InvitationState.invited)
    db.session.commit()


@pytest.mark.requirement("I9", "R23")
def test_a_duplicate_of_a_company_that_is_here_is_declined_at_once(applied_twice, inviters, person):
    first, second = applied_twice
    company = service_founding.found(first, person("operator"), now())
    stranger = service_walk.hand_in(
        inviters[1], given=wanted(name="株式会社べつもの", corporate_number="") | {"admin": wanted()["admin"] | {"mail_address": "b@b.example"}},
        address="b@b.example",
    )  # fmt: skip
    db.session.commit()
    assert service_merging.candidates_of(second) == [first] and service_merging.candidates_of(stranger) == []
    with pytest.raises(Refused, match="重複していない"):
        service_merging.merge(stranger, first, person("operator"), now())
    db.session.rollback()
    service_merging.merge(second, first, person("operator"), now())
    db.session.commit()
    assert second.company is company and state(second) is InvitationState.approved
    assert "すでに承認されています" in second.reason and company.corporate_number == NUMBER
    assert {one.user.company_id for one in told(Letter.partner_approved)} == {one.company_id for one in inviters}
