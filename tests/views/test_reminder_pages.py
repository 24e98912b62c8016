"""リマインド by its page, who sees in the history that there was one, and where a 署名期限 is shown."""

import datetime as dt

import pytest

from app.clock import japan_date, now
from app.extensions import db
from app.models import DocumentEvent, OutboxMessage
from app.services import reminders
from app.workflow import Action, SignatureMode, Status

RECEIVERS = ("受取 太郎", "承認 七海", "署名 九美", "参照 十和")
BUTTON = ">リマインド</button>"


@pytest.fixture
def waiting(make_document):
    return make_document(Status.receiver_approval)


@pytest.mark.requirement("T18", "I18", "S7", "Q3")
def test_the_registrar_reminds_once_and_learns_no_name(waiting, client_of):
    url, data = f"/documents/{waiting.id}", {"version": str(waiting.version)}
    registrar = client_of("registrar")
    assert BUTTON in registrar.get(url).text
    letters = db.session.query(OutboxMessage).count()
    reply = registrar.post(f"{url}/remind", data, follow_redirects=True)
    assert "現在の担当者に、依頼のお知らせを再送しました。" in reply.text
    assert "リマインド</b>" in reply.text  # in the history
    assert not [name for name in RECEIVERS if name in reply.text]
    again = registrar.post(f"{url}/remind", data)
    assert again.status_code == 422 and "1時間に1回" in again.text
    assert not [name for name in RECEIVERS if name in again.text]
    assert db.session.query(OutboxMessage).count() == letters + 1
    assert db.session.query(DocumentEvent).filter_by(action=Action.remind).count() == 1


@pytest.mark.requirement("T18", "Q4")
def test_the_page_the_holder_has_open_stays_good(waiting, client_of):
    url, data = f"/documents/{waiting.id}", {"version": str(waiting.version)}
    holder = client_of("receiver_approver")
    assert client_of("registrar").post(f"{url}/remind", data).status_code == 302
    assert holder.post(f"{url}/approve", data).status_code == 302
    old = client_of("registrar").post(f"{url}/remind", data)  # it waits for somebody else by now
    assert old.status_code == 409 and "他の利用者が処理済みです" in old.text


@pytest.mark.requirement("T18", "S7")
@pytest.mark.parametrize("who, seen", [
    ("registrar", True), ("viewer", True), ("admin", True),
    ("recipient", False), ("receiver_approver", False), ("receiver_admin", False),
])  # fmt: skip
def test_reminders_stand_in_the_senders_history_alone(waiting, person, client_of, who, seen):
    reminders.remind(waiting, person("registrar"), now())
    db.session.add(
        DocumentEvent(
            document=waiting, action=Action.remind, at=now(), revision=1, new_status=waiting.status, pdf_sha256="",
        )
    )  # fmt: skip
    db.session.commit()
    page = client_of(who).get(f"/documents/{waiting.id}").text
    assert page.count("リマインド</b>") == (2 if seen else 0)
    assert (BUTTON in page) is (who == "registrar")


@pytest.mark.requirement("T18", "R40")
@pytest.mark.parametrize("days, is_overdue", [(1, False), (0, False), (-1, True)])
def test_a_deadline_is_shown_to_both_sides_and_marked_when_it_is_past(make_document, client_of, days, is_overdue):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    document.deadline = japan_date(now()) + dt.timedelta(days=days)
    db.session.commit()
    day = document.deadline.strftime("%Y/%m/%d")
    pages = [client_of(who).get(f"/documents/{document.id}").text for who in ("recipient", "registrar")]
    pages.append(client_of("recipient").get("/").text)
    for page in pages:
        assert day in page and ("期限超過</span>" in page) is is_overdue
