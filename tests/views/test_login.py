"""［ログイン］: who gets in, who is locked out, how long a session lives, and where a link leads."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine

from app.clock import now
from app.extensions import db
from app.models import Letter, OutboxMessage
from app.services import credentials, outbox
from app.workflow import SignatureMode, Status
from tests.conftest import PASSWORD, Browser

WRONG = "利用者IDまたはパスワードが正しくありません。"
MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


@pytest.fixture
def newcomer(person):
    """The recipient with the first password still to be changed, and that password."""
    user = person("recipient")
    credentials.give_initial_password(user, now())
    db.session.commit()
    return user, outbox.secret_of(db.session.query(OutboxMessage).one())


@pytest.mark.requirement("R28", "R108", "R109")
def test_the_page_has_the_manuals_fields_and_button(browser):
    page = browser().get("/login/").text
    assert "<h1>ログイン</h1>" in page
    assert re.search(r'<label for="username">利用者ID</label>', page)
    assert re.search(r'<label for="password">パスワード</label>', page)
    assert re.search(r"<button[^>]*>ログイン</button>", page)


@pytest.mark.requirement("R15", "R16", "R28", "R40")
@pytest.mark.parametrize("typed", ["as issued", "lower case", "with blanks"])
def test_the_id_opens_the_top_page_however_it_is_typed(browser, person, typed):
    code = person("recipient").user_code
    code = {"as issued": code, "lower case": code.lower(), "with blanks": f" {code} "}[typed]
    client = browser()
    assert client.log_in(code).location == "/"
    page = client.get("/").text
    assert "<h1>トップページ</h1>" in page and "マイリスト" in page


@pytest.mark.requirement("S9")
def test_every_failure_reads_alike(browser, person):
    deleted, locked = person("viewer"), person("approver")
    deleted.deleted_at = now()
    locked.login_failures, locked.locked_until = 5, now() + HOUR
    db.session.commit()
    seen = set()
    for code, password in (
        ("U99999999", "Nobody-123"), (person("recipient").user_code, "Wrong-1234"), (deleted.user_code, PASSWORD),
        (locked.user_code, PASSWORD), ("' OR 1=1 --", "x"),
    ):  # fmt: skip
        reply = browser().log_in(code, password)
        page = re.sub(r'value="[^"]*"|nonce="[^"]*"', "", reply.text)
        seen.add((reply.status_code, page))
    assert len(seen) == 1
    ((status, page),) = seen
    assert status == 422 and WRONG in page


@pytest.mark.requirement("S9", "R106")
def test_an_address_is_no_login_name(browser, person):
    user = person("recipient")
    for name in (user.mail_address, user.email):
        assert browser().log_in(name).status_code == 422


@pytest.mark.parametrize("data", [{"username": ""}, {"password": ""}, {"username": "U" * 65}])
def test_what_is_no_id_is_refused_at_the_field(browser, data):
    reply = browser().post("/login/", {"username": "U00000001", "password": PASSWORD} | data)
    assert reply.status_code == 422


# -- the lock -------------------------------------------------------------------


@pytest.mark.requirement("S8")
def test_five_wrong_tries_lock_for_thirty_minutes_and_tell_the_person_once(browser, person):
    user = person("recipient")
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(5):
            assert browser().log_in(user.user_code, "Wrong-1234").status_code == 422
        for _ in range(3):
            assert browser().log_in(user.user_code).status_code == 422  # right, but locked
        clock.shift(30 * MINUTE - dt.timedelta(seconds=1))
        assert browser().log_in(user.user_code).status_code == 422
        clock.shift(dt.timedelta(seconds=1))
        assert browser().log_in(user.user_code).status_code == 302
    told = db.session.query(OutboxMessage).filter_by(letter=Letter.account_locked).all()
    assert [letter.to_address for letter in told] == [user.mail_address]


@pytest.mark.requirement("S8")
def test_the_right_password_before_the_fifth_try_forgets_the_wrong_ones(browser, person):
    code = person("recipient").user_code
    for _ in range(3):
        for _ in range(4):
            browser().log_in(code, "Wrong-1234")
        assert browser().log_in(code).status_code == 302


@pytest.mark.requirement("S8")
def test_after_a_lock_five_tries_are_there_again(browser, person):
    user = person("recipient")
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(5):
            browser().log_in(user.user_code, "Wrong-1234")
        clock.shift(31 * MINUTE)
        for _ in range(4):
            browser().log_in(user.user_code, "Wrong-1234")
        assert browser().log_in(user.user_code).status_code == 302


@pytest.mark.requirement("S8")
def test_no_header_buys_another_try(browser, person):
    code = person("recipient").user_code
    for number in range(5):
        browser().log_in(code, "Wrong-1234", headers={"X-Forwarded-For": f"192.0.2.{number}"})
    assert browser().log_in(code, headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 422


@pytest.mark.requirement("S8")
def test_twenty_guesses_at_once_count_exactly(application, browser, person):
    user = person("recipient")
    user_id, code = user.id, user.user_code
    clients = [browser() for _ in range(20)]
    tokens = [client.token() for client in clients]
    db.session.commit()
    db.session.remove()

    def guess(pair):
        client, token = pair
        data = {"csrf_token": token, "username": code, "password": "Wrong-1234"}
        return client.client.post("/login/", data=data).status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(guess, zip(clients, tokens, strict=True))) == {422}
    user = db.session.get(type(user), user_id)
    assert user.login_failures == 5
    assert user.locked_until is not None
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.account_locked).count() == 1


@pytest.mark.requirement("S8")
def test_an_outdated_first_password_locks_for_thirty_minutes_only(browser, newcomer):
    user, password = newcomer
    with time_machine.travel(now() + 15 * DAY, tick=False) as clock:
        for _ in range(5):
            assert "有効期限" in browser().log_in(user.user_code, password).text
        credentials.give_initial_password(user, now())
        db.session.commit()
        fresh = outbox.secret_of(db.session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first())
        clock.shift(31 * MINUTE)
        assert browser().log_in(user.user_code, fresh).status_code == 302


# -- the first password ------------------------------------------------------------


@pytest.mark.requirement("R17", "R18", "R27", "R29")
def test_the_first_password_opens_the_change_of_password_and_nothing_else(browser, newcomer):
    user, password = newcomer
    client = browser()
    assert client.log_in(user.user_code, password).status_code == 302
    for url in ("/", "/documents/", "/documents/new", "/archive/", "/certificates/activation", "/documents/1/pdf",
                "/users/selection", "/back", "/lang/ja", "/operator/users/list/"):  # fmt: skip
        reply = client.get(url)
        assert reply.status_code == 302 and reply.location.startswith("/password/"), url
    for url in ("/documents/new", "/documents/1/approve"):
        assert client.post(url).location.startswith("/password/")
    page = client.get("/password/").text
    assert "<h1>パスワード変更</h1>" in page and 'href="/documents/"' not in page
    assert client.post("/logout/").status_code == 302


@pytest.mark.requirement("R17", "I17")
def test_the_first_password_is_good_for_fourteen_days(browser, newcomer):
    user, password = newcomer
    with time_machine.travel(now() + 14 * DAY - MINUTE, tick=False):
        assert browser().log_in(user.user_code, password).status_code == 302
    with time_machine.travel(now() + 14 * DAY + MINUTE, tick=False):
        reply = browser().log_in(user.user_code, password)
        assert reply.status_code == 422 and "初回ログインパスワードの有効期限が切れています。" in reply.text


@pytest.mark.requirement("R29", "R47", "S12")
def test_a_link_survives_the_log_in_and_the_forced_change(browser, newcomer, make_document):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    user, password = newcomer
    client = browser()
    url = f"/documents/{document.id}?from=mail"
    reply = client.get(url)
    assert "/login/" in reply.location
    reply = client.post(reply.location, {"username": user.user_code, "password": password})
    assert reply.location == url
    reply = client.get(reply.location)
    assert reply.location.startswith("/password/")
    reply = client.post(reply.location, {"current": password, "new": "Neues-99", "repeated": "Neues-99"})
    assert reply.location == url
    assert client.get(reply.location).status_code == 200


@pytest.mark.requirement("S12")
def test_a_link_survives_an_ended_session(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    client = client_of("recipient")
    with time_machine.travel(now() + 2 * HOUR):
        reply = client.get(f"/documents/{document.id}")
        assert "/login/" in reply.location
        reply = client.post(reply.location, {"username": person("recipient").user_code, "password": PASSWORD})
        assert reply.location == f"/documents/{document.id}"


ATTACKS = (
    "https://evil.example/", "http://evil.example", "//evil.example", "///evil.example", "////evil.example",
    "/\\evil.example", "\\\\evil.example", "/\\/evil.example", "https:evil.example", "https:/evil.example",
    "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "/\t/evil.example", "/\n/evil.example",
    "\t//evil.example", " //evil.example", "\x01//evil.example", "/\r\nLocation: https://evil.example",
    "//evil.example@localhost/", "http://localhost@evil.example", "evil.example", "/\u200b/evil.example",
    "/／evil.example\\", "?next=//evil.example", "http://localhost//evil.example", "http://localhost/\\evil.example",
    "http://localhost.evil.example/", "http://localhost:80@evil.example/",
)  # fmt: skip


@pytest.mark.requirement("S12")
@pytest.mark.parametrize("target", ATTACKS)
def test_no_next_leads_away(browser, person, target):
    from urllib.parse import quote, urljoin, urlsplit

    client = browser()
    url = f"/login/?next={quote(target, safe='')}"
    reply = client.post(url, {"username": person("recipient").user_code, "password": PASSWORD})
    assert reply.status_code == 302
    for again in (reply, client.get(url)):
        assert "\\" not in again.location and "\n" not in again.location
        landing = urlsplit(urljoin("http://localhost/login/", again.location))
        assert (landing.scheme, landing.netloc) == ("http", "localhost")


# -- sessions ------------------------------------------------------------------------


def cookie_of(client):
    return client.client.get_cookie("portal_session").value


def with_cookie(app, value):
    client = Browser(app)
    client.client.set_cookie("portal_session", value)
    return client


@pytest.mark.requirement("S10")
@pytest.mark.parametrize("end", ["log out", "change password", "delete the person", "elsewhere"])
def test_an_old_cookie_is_dead_at_once(app, client_of, person, end):
    client = client_of("recipient")
    assert client.get("/").status_code == 200
    old = cookie_of(client)
    if end == "log out":
        client.post("/logout/")
    elif end == "change password":
        client.post("/password/", {"current": PASSWORD, "new": "Neues-99", "repeated": "Neues-99"})
        assert client.get("/").status_code == 200  # this browser goes on
    elif end == "delete the person":
        person("recipient").deleted_at = now()
    else:
        credentials.end_sessions(person("recipient"), now())
    db.session.commit()
    assert with_cookie(app, old).get("/").status_code == 302


@pytest.mark.requirement("S10")
def test_the_log_in_gives_a_new_session(app, browser, person):
    client = browser()
    client.get("/login/")
    with client.client.session_transaction() as session:
        session["planted"] = "by somebody else"
    client.log_in(person("recipient").user_code)
    with client.client.session_transaction() as session:
        assert "planted" not in session


@pytest.mark.requirement("S10")
def test_a_session_ends_after_thirty_idle_minutes(client_of):
    with time_machine.travel(now(), tick=False) as clock:
        client = client_of("recipient")
        for _ in range(3):
            clock.shift(29 * MINUTE)
            assert client.get("/").status_code == 200
        clock.shift(31 * MINUTE)
        reply = client.get("/")
        assert reply.status_code == 302 and "/login/" in reply.location
        assert "ログインの有効時間が過ぎたため" in client.get(reply.location).text


@pytest.mark.requirement("S10")
def test_a_session_ends_after_twelve_hours_however_busy(client_of):
    with time_machine.travel(now(), tick=False) as clock:
        client = client_of("recipient")
        for _ in range(35):
            clock.shift(20 * MINUTE)
            assert client.get("/").status_code == 200
        clock.shift(25 * MINUTE)
        assert client.get("/").status_code == 302


@pytest.mark.requirement("S10")
def test_the_cookie_is_for_the_server_alone(browser, person):
    client = browser()
    reply = client.log_in(person("recipient").user_code)
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie


@pytest.mark.requirement("S10", "S18")
def test_under_tls_the_cookie_is_secure_and_bound_to_the_host():
    import config
    from tests.conftest import settings

    made = config.Test(settings("sqlite://", "memory:///", PORTAL_BASE_URL="https://portal.example.co.jp"))
    assert made.SESSION_COOKIE_NAME.startswith("__Host-")
    assert made.SESSION_COOKIE_SECURE and made.HAS_TLS


@pytest.mark.requirement("S10")
def test_nobody_is_logged_out_by_a_link(client_of):
    client = client_of("recipient")
    assert client.get("/logout/").status_code == 405
    assert client.get("/").status_code == 200
