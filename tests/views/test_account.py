"""［アカウント情報］: what a person sees about the own account, and ends there."""

import datetime as dt
import re

import pytest
import time_machine

from app import labels
from app.clock import now
from app.extensions import db
from app.models import AccountAction, AccountEvent, CertificateActivation, LoginSession
from app.services import journal
from tests.conftest import Browser

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1"


def enter(app, user, user_agent=CHROME):
    client = Browser(app)
    client.client.environ_base["HTTP_USER_AGENT"] = user_agent
    assert client.log_in(user.user_code).status_code == 302
    return client


def session_of(client):
    with client.client.session_transaction() as session:
        return session["login_session"]


@pytest.mark.requirement("I2", "R42")
def test_the_page_shows_the_own_facts_and_is_in_the_menu(client_of, person):
    page = client_of("recipient").get("/account/").text
    user = person("recipient")
    assert "<h1>アカウント情報</h1>" in page and 'href="/account/"' in page and 'href="/password/"' in page
    for fact in (user.user_code, user.full_name, user.mail_address, user.company.name, "未設定"):
        assert fact in page
    assert person("receiver_signer").full_name not in page


@pytest.mark.requirement("I16", "R36")
@pytest.mark.parametrize("state, shown", [
    ("activated", ("有効", "完了（")), ("not activated", ("有効", "未完了")), ("revoked", ("失効",)), ("ended", ("期限切れ",)),
])  # fmt: skip
def test_the_own_certificates_are_shown_with_their_state(client_of, person, state, shown):
    link = db.session.query(CertificateActivation).filter_by(user_id=person("signer").id).one()
    if state == "not activated":
        link.activated_at = link.sealed_key = None
    elif state == "revoked":
        link.certificate.revoked_at = now()
    elif state == "ended":
        link.certificate.not_after = now()
    db.session.commit()
    page = client_of("signer").get("/account/").text
    row = re.search(rf"<tr>\s*<td[^>]*>{link.certificate.number}.*?</tr>", page, re.S).group()
    assert all(word in row for word in shown)
    assert ('href="/certificates/activation"' in row) is (state == "not activated")


@pytest.mark.requirement("S10")
def test_the_own_sessions_are_listed_with_their_browsers(app, person):
    user = person("recipient")
    enter(app, user, IPHONE)
    client = enter(app, user)
    enter(app, person("registrar"), "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0")
    page = client.get("/account/").text
    assert "Chrome（Windows）" in page and "Safari（iPhone）" in page and "Firefox" not in page
    assert page.count("この画面</span>") == 1 and page.count("127.0.0.1") >= 2


@pytest.mark.requirement("S10")
def test_one_session_is_ended_from_another_and_its_cookie_is_dead(app, person):
    user = person("recipient")
    lost, kept, third = (enter(app, user) for _ in range(3))
    for _ in range(2):
        assert kept.post(f"/account/sessions/{session_of(lost)}/end").location == "/account/"
    assert [client.get("/").status_code for client in (lost, kept, third)] == [302, 200, 200]
    assert db.session.query(AccountEvent).filter_by(action=AccountAction.session_ended).count() == 1


@pytest.mark.requirement("S10")
def test_all_other_sessions_are_ended_at_once(app, person):
    user = person("recipient")
    others, kept = [enter(app, user) for _ in range(3)], enter(app, user)
    foreign = enter(app, person("registrar"))
    assert kept.post("/account/sessions/end_others").status_code == 302
    assert "3件終了しました" in kept.get("/account/").text
    assert {client.get("/").status_code for client in others} == {302}
    assert kept.get("/").status_code == foreign.get("/").status_code == 200


@pytest.mark.requirement("S10")
def test_ending_the_own_session_is_logging_out(app, person):
    client = enter(app, person("recipient"))
    assert client.post(f"/account/sessions/{session_of(client)}/end").location == "/login/"
    assert client.get("/").status_code == 302


@pytest.mark.requirement("S7", "S10")
@pytest.mark.parametrize("who", ["receiver_admin", "stranger", "operator"])
def test_nobody_ends_the_session_of_another(client_of, person, who):
    victim = client_of("recipient")
    reply = client_of(who).post(f"/account/sessions/{session_of(victim)}/end")
    assert reply.status_code == 404 and victim.get("/").status_code == 200
    assert client_of(who).post(f"/account/sessions/{2**40}/end").status_code == 404


@pytest.mark.requirement("S10")
def test_a_session_past_its_twelve_hours_is_not_listed(app, person):
    with time_machine.travel(now(), tick=False) as clock:
        enter(app, person("recipient"), IPHONE)
        clock.shift(dt.timedelta(hours=13))
        page = enter(app, person("recipient")).get("/account/").text
    assert "Chrome（Windows）" in page and "Safari（iPhone）" not in page


@pytest.mark.requirement("I17")
def test_the_last_twenty_log_ins_and_refused_ones_are_shown(client_of, browser, person):
    user = person("recipient")
    browser().log_in(user.user_code, "Wrong-1234")
    for number in range(25):
        journal.note(AccountAction.log_in_refused, now(), user=user, note=f"試行{number:02d}")
    journal.note(AccountAction.log_in_refused, now(), user=person("registrar"), note="他人の試行")
    db.session.commit()
    page = client_of("recipient").get("/account/").text
    assert "他人の試行" not in page
    assert "試行24" in page and "試行06" in page and "試行05" not in page  # this log-in is the twentieth


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("said", ["<script>alert(1)</script>", "x" * 5000, "\u00e9\t\u0085", ""])
def test_whatever_a_browser_says_of_itself_does_no_harm(app, person, said):
    client = enter(app, person("recipient"), said)
    page = client.get("/account/")
    assert page.status_code == 200 and "不明なブラウザー" in page.text and "<script>alert" not in page.text
    assert len(db.session.query(LoginSession).one().browser) <= 255


@pytest.mark.parametrize("said, word", [
    (CHROME, "Chrome（Windows）"), (f"{CHROME} Edg/126.0", "Edge（Windows）"), (IPHONE, "Safari（iPhone）"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/17.5 Safari/605.1.15", "Safari（Mac）"),
    ("Mozilla/5.0 (Linux; Android 14) Chrome/126.0 Mobile Safari/537.36", "Chrome（Android）"),
])  # fmt: skip
def test_a_browser_is_called_what_people_call_it(said, word):
    assert labels.browser(said) == word
