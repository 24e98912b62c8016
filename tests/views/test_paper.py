"""取適法第4条: 明示日時, ［書面の交付を請求する］ and the sender's record (L19, L20)."""

import datetime as dt

import pytest

from app.clock import japan_date, now
from app.extensions import db
from app.labels import jst
from app.models import PaperDelivery, PaperRequest
from app.services import documents, papers, registration
from app.workflow import SignatureMode, Status
from tests.services.test_editions import correct, remand  # noqa: F401 - a fixture


@pytest.fixture
def disclosed(make_document):
    return make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, is_disclosure=True)


@pytest.fixture
def requested(disclosed, person):
    row = papers.request(disclosed, person("recipient"), now(), note="本社あてにお願いします。")
    db.session.commit()
    return row


def delivery(**changes):
    return {"delivered_on": japan_date(now()).isoformat(), "method": "post", "note": "簡易書留", "drawn": "0"} | changes


@pytest.mark.requirement("L19", "L20")
def test_both_sides_see_when_it_became_available_and_nobody_before(client_of, make_document, make_plan):
    document = make_document(Status.sender_approval, mode=SignatureMode.no_signature, is_disclosure=True)
    assert papers.disclosures_of(document, document.sender.company_id) == [(document.receivers[0], None)]
    assert "受領側に届いたときに記録されます" in client_of("registrar").get(f"/documents/{document.id}").text
    documents.approve(document, document.holder, now())
    db.session.commit()
    arrived = document.events[-1].at
    for who in ("registrar", "recipient", "admin"):
        page = client_of(who).get(f"/documents/{document.id}").text
        assert "取適法第4条（フリーランス法を含む）の明示" in page and f"<dd>{jst(arrived)}</dd>" in page, who
        assert "下請法" not in page


@pytest.mark.requirement("L19", "T11")
def test_a_new_revision_is_disclosed_anew(disclosed):
    receiver, first = disclosed.receivers[0], papers.disclosed_at(disclosed, disclosed.receivers[0])
    documents.remand(disclosed, disclosed.holder, now())
    db.session.commit()
    assert papers.disclosed_at(disclosed, receiver) == first  # what was disclosed stays so (L19)
    assert not papers.may_request(disclosed, receiver.people("recipient")[0])
    registration.send(disclosed, disclosed.registrar, now())
    db.session.commit()
    assert papers.disclosed_at(disclosed, disclosed.receivers[0]) > first


@pytest.mark.requirement("L19", "T11", "I18")
def test_earlier_rounds_stand_beside_the_present_one_each_for_who_may_know_them(client_of, disclosed, correct, person):  # noqa: F811
    """Round 2 goes to another company, round 3 comes back to the first one."""
    times = []
    for recipient in (None, "stranger", "recipient"):
        if recipient:
            remand(disclosed)
            correct(disclosed, recipient=person(recipient))
        times.append(jst(disclosed.events[-1].at))
        if recipient == "stranger":
            page = client_of("stranger").get(f"/documents/{disclosed.id}").text
            assert "明示日時</dt>" in page and "回目の発信" not in page  # its first, for all it knows
    rounds = papers.earlier_disclosures_of(disclosed, person("registrar"))
    assert [(one.number, one.company_name) for one in rounds] == [
        (1, person("recipient").company.name), (2, person("stranger").company.name),
    ]  # fmt: skip
    assert [jst(one.at) for one in rounds] == times[:2]
    assert [one.number for one in papers.earlier_disclosures_of(disclosed, person("recipient"))] == [1]
    for who in ("registrar", "recipient"):
        page = client_of(who).get(f"/documents/{disclosed.id}").text
        assert f"明示日時（1回目の発信）</dt><dd>{times[0]}</dd>" in page
        assert f"明示日時（今回の発信）</dt><dd>{times[2]}</dd>" in page
        other = f"明示日時（2回目の発信、{person('stranger').company.name}）</dt><dd>{times[1]}</dd>"
        assert (other in page) is (who == "registrar")


@pytest.mark.requirement("L19")
def test_a_round_that_was_no_disclosure_is_none_afterwards(make_document, correct, person):  # noqa: F811
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    remand(document)
    correct(document, is_disclosure=True)
    remand(document)
    correct(document)
    assert [one.number for one in papers.earlier_disclosures_of(document, person("registrar"))] == [2]


@pytest.mark.requirement("L19")
def test_the_receiver_asks_for_paper_and_the_sender_answers(client_of, disclosed, post_letters):
    url = f"/documents/{disclosed.id}"
    client, note = client_of("recipient"), {"version": str(disclosed.version), "note": "本社あてに\r\nお願いします。"}
    assert "書面の交付を請求する" in client.get(url).text
    assert client.post(f"{url}/paper_requests", note).location == url
    assert client.post(f"{url}/paper_requests", note).status_code == 409  # one at a time
    told = {m.recipients[0]: m.body for m in post_letters() if "書面交付の請求" in m.subject}
    assert set(told) == {"registrar@sender.example", "admin@sender.example"}
    assert all("本社あてに\nお願いします。" in body and f"{url}\n" in f"{body}\n" for body in told.values())
    row = db.session.query(PaperRequest).one()
    sender, page = client_of("admin"), f"{url}/paper_requests/{row.id}"
    assert page in sender.get(url).text and "本社あてに" in sender.get(page).text
    reply = sender.post(page, delivery(version=str(disclosed.version)))
    assert reply.location == url
    for who in ("recipient", "registrar"):
        shown = client_of(who).get(url).text
        assert f"交付日：{japan_date(now()):%Y/%m/%d}、方法：郵送" in shown and "簡易書留" in shown
        assert ("受取 太郎" in shown.split("disclosure")[1].split("</section>")[0]) is (who == "recipient")
    (mail,) = [m for m in post_letters() if "書面の交付 の" in m.subject]
    assert mail.recipients == ["recipient@receiver.example"] and "郵送" in mail.body
    assert "書面の交付を請求する" in client.get(url).text  # answered: it may be asked again
    # a correction is one more row; what the page no longer shows as newest is refused
    assert sender.post(page, delivery(version=str(disclosed.version), method="by_hand")).status_code == 409
    sender.post(page, delivery(version=str(disclosed.version), method="by_hand", drawn="1"))
    assert [d.method for d in db.session.query(PaperDelivery).order_by(PaperDelivery.position)] == ["post", "by_hand"]
    assert "交付の記録の訂正" in client.get(url).text


@pytest.mark.requirement("L19")
@pytest.mark.parametrize("changes, sentence", [
    ({"delivered_on": ""}, "交付日を入力してください。"), ({"delivered_on": "2026-02-31"}, "日付は"),
    ({"delivered_on": "1990-01-01"}, "日付は2000年以降"), ({"delivered_on": "2020-01-01"}, "請求日から本日まで"),
    ({"delivered_on": (japan_date(now()) + dt.timedelta(days=2)).isoformat()}, "請求日から本日まで"),
    ({"method": ""}, "交付の方法"), ({"method": "pigeon"}, "交付の方法"), ({"note": "x" * 501}, "500"), ({"drawn": "x"}, ""),
])  # fmt: skip
def test_what_cannot_be_is_refused_at_the_form(client_of, requested, changes, sentence):
    document = requested.document
    url = f"/documents/{document.id}/paper_requests/{requested.id}"
    reply = client_of("registrar").post(url, delivery(version=str(document.version), **changes))
    assert reply.status_code == 422 and sentence in reply.text
    assert db.session.query(PaperDelivery).count() == 0


@pytest.mark.requirement("L19", "S7", "I18")
def test_who_may_ask_and_who_may_answer(client_of, disclosed, person):
    url = f"/documents/{disclosed.id}"
    for who, status in (
        ("registrar", 409), ("admin", 409), ("viewer", 409), ("stranger", 404), ("receiver_colleague", 404),
        ("operator", 403), ("receiver_admin", 302),
    ):  # fmt: skip
        reply = client_of(who).post(f"{url}/paper_requests", {"version": str(disclosed.version)})
        assert reply.status_code == status, who
    (row,) = papers.queries.paper_requests_of(disclosed, disclosed.sender.company_id)
    for who, status in (
        ("recipient", 404), ("receiver_admin", 404), ("viewer", 404), ("stranger", 404), ("registrar", 200), ("admin", 200),
    ):  # fmt: skip
        assert client_of(who).get(f"{url}/paper_requests/{row.id}").status_code == status, who
    assert client_of("registrar").get(f"{url}/paper_requests/999999").status_code == 404


@pytest.mark.requirement("L19")
def test_paper_may_still_be_asked_for_after_the_conclusion_by_no_mere_viewer(make_document, make_plan, person, client_of):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature, is_disclosure=True)
    assert papers.may_request(document, person("recipient")) and not papers.may_request(document, person("receiver_viewer"))
    other = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    assert not papers.may_request(other, person("recipient"))
    assert "書面の交付" not in client_of("recipient").get(f"/documents/{other.id}").text
