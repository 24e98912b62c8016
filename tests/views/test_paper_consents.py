"""書面による承諾: recorded by who received the paper, seen by both companies, and a consent like any other (L14)."""

import datetime as dt
import io

import pytest
import time_machine

from app import queries
from app.clock import japan_date, now
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    ConsentAct,
    ConsentMethod,
    ElectronicConsent,
    Letter,
    OutboxMessage,
)
from app.services import consents
from app.workflow import SignatureMode, Status

URL = "/admin/consents/paper/"
PAPER = b"%PDF-1.4 scanned"


@pytest.fixture
def partner(person):
    return person("recipient").company


@pytest.fixture
def fill(partner):
    """What the administrator of the sender fills in; the file anew for each post."""

    def form(**changed):
        typed = {
            "company_code": partner.code, "name": "受領設備", "received_on": japan_date(now()).isoformat(),
            "note": "本社の金庫", "states_measures": "y", "paper": (io.BytesIO(PAPER), "承諾書.pdf"),
        } | changed  # fmt: skip
        return {name: value for name, value in typed.items() if value is not None}

    return form


def post(client, form):
    return client.post(URL, form, content_type="multipart/form-data")


def newest(partner, person):
    db.session.expire_all()
    return queries.newest_consent(partner.id, person("admin").company_id)


@pytest.mark.requirement("L14", "I3", "I18")
def test_a_consent_on_paper_counts_and_both_companies_see_it_and_no_other(client_of, partner, person, fill, make_document, post_letters):
    document = make_document(mode=SignatureMode.no_signature, is_construction=True, article_19=("work",))
    admin = client_of("admin")
    assert URL in admin.get("/admin/consents/").text
    page = admin.get(URL).text
    assert "書面による承諾の登録" in page and "PAdES形式" in page
    reply = post(admin, fill())
    assert reply.location == "/admin/consents/"
    page = admin.get(reply.location).text
    assert "受領設備株式会社の書面による承諾を登録し" in page and "承諾済み" in page
    row = newest(partner, person)
    assert (row.act, row.method, row.actor_id, row.counts) == (ConsentAct.given, ConsentMethod.on_paper, person("admin").id, True)
    paper = f"/admin/consents/paper/{row.id}.pdf"
    shown = admin.get(f"/admin/consents/{partner.id}").text
    for words in ("書面による承諾", "管理 六郎", "承諾書.pdf", "本社の金庫", paper):
        assert words in shown, words
    theirs = client_of("receiver_admin")
    seen = theirs.get(f"/admin/consents/{row.partner_id}").text
    assert "書面による承諾" in seen and paper in seen and "承諾を撤回する" in seen
    assert "管理 六郎" not in seen and "本社の金庫" not in seen  # who recorded it, and where it lies, is the other company's
    for client, answer in ((admin, 200), (theirs, 200), (client_of("stranger"), 404), (client_of("registrar"), 403)):
        with client.get(paper) as file:
            assert file.status_code == answer and (answer != 200 or file.data == PAPER)
            assert answer != 200 or file.headers["Content-Disposition"].startswith("attachment")
    letters = db.session.scalars(db.select(OutboxMessage).order_by(OutboxMessage.id)).all()
    assert [(one.letter, one.to_address) for one in letters] == [
        (Letter.consent_on_paper, "receiver_admin@receiver.example"), (Letter.consent_answered, "registrar@sender.example"),
    ]  # fmt: skip
    assert f"/admin/consents/{row.partner_id}" in post_letters()[0].body
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.consent_on_paper).one().note.startswith(partner.name)
    assert client_of("registrar").post(f"/documents/{document.id}/send", {"version": str(document.version)}).status_code == 302
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt
    assert post(admin, fill()).status_code == 422  # the second click

    assert theirs.post(f"/admin/consents/{row.partner_id}/withdraw", {"drawn": "1"}).status_code == 302
    assert newest(partner, person).act is ConsentAct.withdrawn


@pytest.mark.requirement("L14", "S14")
@pytest.mark.parametrize(
    "changed, sentence",
    [
        ({"paper": (io.BytesIO(b"MZ"), "a.pdf")}, "PDFではありません"), ({"paper": None}, "選択してください"),
        ({"received_on": "2999-01-01"}, "今日までの日付"), ({"received_on": "x"}, "日付"), ({"states_measures": None}, "ご確認ください"),
        ({"name": "別の会社"}, "企業IDまたは企業名が正しくありません"), ({"company_code": "C99999999"}, "企業IDまたは企業名が正しくありません"),
        ({"note": "長" * 501}, "500"),
    ],
)  # fmt: skip
def test_what_is_refused_records_nothing(client_of, fill, changed, sentence):
    reply = post(client_of("admin"), fill(**changed))
    assert reply.status_code == 422 and sentence in reply.text
    assert db.session.query(ElectronicConsent).count() == db.session.query(OutboxMessage).count() == 0


@pytest.mark.requirement("L14")
def test_an_old_paper_does_not_undo_a_later_withdrawal(client_of, partner, person, fill):
    today = japan_date(now())
    consents.give(person("admin").company, person("receiver_admin"), now(), drawn=0)
    consents.withdraw(person("admin").company, person("receiver_admin"), now(), drawn=1)
    db.session.commit()
    reply = post(client_of("admin"), fill(received_on=(today - dt.timedelta(days=1)).isoformat()))
    assert reply.status_code == 422 and "承諾を撤回しています" in reply.text
    with time_machine.travel(now() + dt.timedelta(days=1), tick=False):
        assert post(client_of("admin"), fill(received_on=(today + dt.timedelta(days=1)).isoformat())).status_code == 302
    assert newest(partner, person).counts
