"""［ログイン］: who gets in, who is locked out, how long a session lives, and where a link leads."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine

from app.clock import now
from app.extensions import db
from app.models import AccountAction, AccountEvent, Letter, LoginSession, OutboxMessage
from app.services import credentials, outbox
from app.workflow import SignatureMode, Status
from demo import actors
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


@pytest.mark.requirement("S8", "I17")
def test_log_ins_refusals_and_the_lock_are_written_down(browser, person):
    user = person("recipient")
    browser().log_in("U99999999", "Wrong-1234")  # nobody's: neither a name nor what was typed is kept
    for _ in range(6):
        browser().log_in(user.user_code, "Wrong-1234")
    user.login_failures, user.locked_until = 0, None
    db.session.commit()
    client = browser()
    client.log_in(user.user_code)
    client.post("/logout/")
    nobodys, *events = db.session.query(AccountEvent).order_by(AccountEvent.id).all()
    assert (nobodys.action, nobodys.user_id, nobodys.company_id, nobodys.note) == (AccountAction.log_in_refused, None, None, "")
    assert {(event.user_id, event.company_id, event.ip_address) for event in events} == {
        (user.id, user.company_id, "127.0.0.1")
    }
    refused = [AccountAction.log_in_refused]
    assert [event.action for event in events] == [
        *refused * 5, AccountAction.locked, *refused, AccountAction.log_in, AccountAction.log_out,
    ]  # fmt: skip


@pytest.fixture
def comparisons(monkeypatch):
    """How often a password was compared by its slow hash."""
    counted, compare = [], credentials.check_password_hash

    def count(*arguments):
        counted.append(1)
        return compare(*arguments)

    monkeypatch.setattr(credentials, "check_password_hash", count)
    return counted


@pytest.mark.requirement("S9")
@pytest.mark.parametrize("who", ["nobody", "wrong", "deleted", "locked", "with a mailed password"])
def test_every_failure_costs_one_slow_comparison(browser, person, comparisons, who):
    user = person("recipient")
    if who == "deleted":
        user.deleted_at = now()
    elif who == "locked":
        user.login_failures, user.locked_until = 5, now() + HOUR
    elif who == "with a mailed password":
        credentials.mail_forgotten_password(user.user_code, user.mail_address, now())
    db.session.commit()
    comparisons.clear()
    assert browser().log_in("U99999999" if who == "nobody" else user.user_code, "Wrong-1234").status_code == 422
    assert len(comparisons) == 1


# -- the forgotten password ----------------------------------------------------------


def forgotten(client, user_code, address):
    return client.post("/login/forgotten", {"username": user_code, "address": address})


def reissued(user):
    return actors.secret_mailed(user, Letter.password_forgotten)


def mails(letter=Letter.password_forgotten):
    return db.session.query(OutboxMessage).filter_by(letter=letter).all()


@pytest.mark.requirement("I17")
def test_a_forgotten_password_is_replaced_by_one_from_the_mail(browser, person):
    user, client = person("recipient"), browser()
    assert 'href="/login/forgotten"' in client.get("/login/").text
    assert "<h1>パスワードをお忘れの方</h1>" in client.get("/login/forgotten").text
    assert forgotten(client, user.user_code.lower(), f" {user.mail_address.upper()} ").location == "/login/"
    assert "一致する場合は" in client.get("/login/").text
    (letter,) = mails()
    assert letter.to_address == user.mail_address
    password = reissued(user)
    assert client.log_in(user.user_code, password).location == "/"
    assert client.get("/").location.startswith("/password/")
    assert "パスワード再発行 のお知らせ" in client.get("/password/").text
    data = {"current": password, "new": "Neues-99", "repeated": "Neues-99"}
    assert client.post("/password/", data).location == "/"
    assert client.get("/").status_code == 200
    assert [browser().log_in(user.user_code, old).status_code for old in (password, PASSWORD)] == [422, 422]
    assert browser().log_in(user.user_code, "Neues-99").status_code == 302
    assert len(mails(Letter.password_changed)) == 1


@pytest.mark.requirement("I17", "S8", "S10")
def test_asking_for_it_takes_nothing_away_from_the_person(client_of, browser, person):
    user, client = person("recipient"), client_of("recipient")
    forgotten(browser(), user.user_code, user.mail_address)
    assert client.get("/").status_code == 200
    assert browser().log_in(user.user_code).location == "/"
    assert client.get("/").status_code == 200 and not user.must_change_password
    assert browser().log_in(user.user_code, reissued(user)).status_code == 422  # void, for the own one was used


@pytest.mark.requirement("S9", "I17")
def test_the_answer_to_a_forgotten_password_tells_nothing(browser, person, comparisons):
    user, deleted, answers = person("recipient"), person("viewer"), set()
    deleted.deleted_at = now()
    db.session.commit()
    for code, address in (
        (user.user_code, user.mail_address), (user.user_code, "other@receiver.example"), (user.user_code, user.email),
        ("U99999999", user.mail_address), (deleted.user_code, deleted.mail_address), ("'--", "x"),
    ):  # fmt: skip
        comparisons.clear()
        client = browser()
        reply = forgotten(client, code, address)
        page = re.sub(r'value="[^"]*"|nonce="[^"]*"', "", client.get("/login/").text)
        answers.add((reply.status_code, reply.location, page, len(comparisons)))
    assert len(answers) == 1
    assert [letter.to_address for letter in mails()] == [user.mail_address]


@pytest.mark.requirement("S8", "I17")
def test_three_an_hour_are_mailed_and_the_last_one_counts(browser, person):
    user, passwords = person("recipient"), []
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(5):
            forgotten(browser(), user.user_code, user.mail_address)
            passwords.append(reissued(user))
        assert len(mails()) == 3 and len(set(passwords)) == 3
        assert browser().log_in(user.user_code, passwords[1]).status_code == 422
        assert browser().log_in(user.user_code, passwords[-1]).status_code == 302
        clock.shift(HOUR + MINUTE)
        forgotten(browser(), user.user_code, user.mail_address)
        assert len(mails()) == 4


@pytest.mark.requirement("I17")
def test_the_mailed_password_is_good_for_an_hour(browser, person):
    user = person("recipient")
    with time_machine.travel(now(), tick=False) as clock:
        forgotten(browser(), user.user_code, user.mail_address)
        clock.shift(HOUR)
        assert browser().log_in(user.user_code, reissued(user)).status_code == 422


@pytest.mark.requirement("I17", "S8")
def test_the_mailed_password_opens_a_locked_log_in(browser, person):
    user = person("recipient")
    for _ in range(5):
        browser().log_in(user.user_code, "Wrong-1234")
    forgotten(browser(), user.user_code, user.mail_address)
    client = browser()
    assert client.log_in(user.user_code, reissued(user)).location == "/"
    assert client.get("/").location.startswith("/password/")


@pytest.mark.requirement("I17", "L2")
def test_the_mailed_password_does_not_pass_by_the_second_factor(browser, person):
    from app.services import second_factor

    user = person("recipient")
    with time_machine.travel(now(), tick=False):
        offer = second_factor.offer(user)
        code = second_factor.pyotp.TOTP(offer.key).at(now())
        codes = second_factor.switch_on(user, offer.sealed, code, PASSWORD, now())
        db.session.commit()
        forgotten(browser(), user.user_code, user.mail_address)
        client = browser()
        assert client.log_in(user.user_code, reissued(user)).location == "/login/second-factor"
        assert not user.must_change_password
        assert client.post("/login/second-factor", {"code": "000000"}).status_code == 422
        assert client.post("/login/second-factor", {"code": codes[0]}).location == "/"
        assert client.get("/").location.startswith("/password/")
    db.session.refresh(user)
    assert user.has_second_factor


@pytest.mark.requirement("S15")
def test_the_mailed_password_is_kept_nowhere_in_the_clear(browser, person):
    user = person("recipient")
    forgotten(browser(), user.user_code, user.mail_address)
    password, (letter,) = reissued(user), mails()
    assert password not in str(letter.facts) and password.encode() not in letter.sealed_secret
    assert password.encode() not in user.mailed_password_mac


@pytest.mark.requirement("S8")
def test_log_in_and_forgotten_password_are_limited_by_address(tmp_path):
    import config
    from app import create_app, schema
    from tests.conftest import settings

    limited = type("Limited", (config.Test,), {"RATELIMIT_ENABLED": True})
    made = create_app(limited(settings(f"sqlite:///{tmp_path}/portal.db", tmp_path.as_uri())))
    with made.app_context():
        schema.upgrade()
    for url in ("/login/", "/login/forgotten", "/login/second-factor"):
        client = Browser(made)
        token = client.TOKEN.search(client.client.get("/login/").text).group(1)
        answers = [client.client.post(url, data={"csrf_token": token}).status_code for _ in range(61)]
        assert answers[0] in (302, 422) and answers[-1] == 429, url


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


@pytest.mark.requirement("S10")
def test_logging_out_ends_this_session_and_no_other(app, client_of, person):
    first, second = client_of("recipient"), client_of("recipient")
    old = cookie_of(first)
    first.post("/logout/")
    assert first.get("/").status_code == 302 and with_cookie(app, old).get("/").status_code == 302
    assert second.get("/").status_code == 200
    ends = [row.ended_at is not None for row in db.session.query(LoginSession).order_by(LoginSession.id)]
    assert ends == [True, False]


@pytest.mark.requirement("S10")
def test_a_new_password_ends_every_other_session(client_of, person):
    first, second = client_of("recipient"), client_of("recipient")
    first.post("/password/", {"current": PASSWORD, "new": "Neues-99", "repeated": "Neues-99"})
    assert first.get("/").status_code == 200 and second.get("/").status_code == 302
    rows = db.session.query(LoginSession).order_by(LoginSession.id).all()
    assert [row.ended_at is not None for row in rows] == [True, True, False]


@pytest.mark.requirement("S10")
@pytest.mark.parametrize("end", ["reset", "disabled"])
def test_what_an_administrator_does_ends_the_sessions_at_once(client_of, person, end):
    client, user = client_of("recipient"), person("recipient")
    if end == "reset":
        credentials.reset_password(user, now(), person("receiver_admin"))
    else:
        user.active = False
    db.session.commit()
    assert client.get("/").status_code == 302


@pytest.mark.requirement("S10")
def test_a_cookie_of_one_person_names_no_session_of_another(client_of):
    one, other = client_of("recipient"), client_of("registrar")
    with other.client.session_transaction() as session:
        foreign = session["login_session"]
    with one.client.session_transaction() as session:
        session["login_session"] = foreign
    assert one.get("/").status_code == 302


@pytest.mark.requirement("S8")
def test_a_password_changed_while_it_was_compared_opens_nothing(app, person, monkeypatch):
    from app.errors import SecretRefused

    user, compare = person("recipient"), credentials.check_password_hash

    def change_meanwhile(*arguments):
        answer = compare(*arguments)
        actors.choose_password(person("recipient"), "Neues-99")
        db.session.commit()
        return answer

    monkeypatch.setattr(credentials, "check_password_hash", change_meanwhile)
    with pytest.raises(SecretRefused):
        credentials.log_in(user.user_code, PASSWORD, now())
