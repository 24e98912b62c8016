"""［二段階認証］: set up, asked for at the log-in, demanded by a company, given up."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
import time_machine

from app import letters
from app.clock import now
from app.extensions import db
from app.models import AccountAction, AccountEvent, Letter, LoginSession, OutboxMessage
from app.services import credentials, second_factor
from app.workflow import SignatureMode, Status
from tests.conftest import PASSWORD, Browser

STEP = dt.timedelta(seconds=30)
OFFER = re.compile(r'name="offer" value="([^"]+)"')
KEY = re.compile(r'<code class="secret">([A-Z2-7 ]+)</code>')
CODES = re.compile(r'<code class="secret">((?:[a-z0-9]{5}-){2}[a-z0-9]{5})</code>')
WRONG = "Wrong-1234"


@pytest.fixture
def clock():
    """Time stands still, so that a test knows which code is whose."""
    with time_machine.travel(now(), tick=False) as made:
        yield made


@pytest.fixture
def protected(person, clock):
    """The recipient with a second factor: the person, the app and the recovery codes; the app's first code is used."""
    user = person("recipient")
    offer = second_factor.offer(user)
    app = pyotp.TOTP(offer.key)
    codes = second_factor.switch_on(user, offer.sealed, app.at(now()), PASSWORD, now())
    db.session.commit()
    clock.shift(2 * STEP)
    return user, app, codes


def code_of(app, steps=0):
    return app.at(now() + steps * STEP)


def first_step(client, user, **kwargs):
    return client.log_in(user.user_code, **kwargs)


def second_step(client, code, url="/login/second-factor"):
    return client.post(url, {"code": code})


def events(user, *actions):
    found = db.session.query(AccountEvent).filter_by(user_id=user.id).order_by(AccountEvent.id)
    return [event.action for event in found if event.action in actions]


def told(user):
    rows = db.session.query(OutboxMessage).filter_by(letter=Letter.second_factor_changed, user_id=user.id).all()
    return [row.facts["change"] for row in rows]


# -- setting up ------------------------------------------------------------------------


@pytest.mark.requirement("L2", "I17")
def test_a_person_sets_it_up_with_an_app_and_gets_ten_recovery_codes(client_of, person, clock):
    client, user = client_of("recipient"), person("recipient")
    page = client.get("/second-factor/").text
    assert 'src="data:image/svg+xml' in page
    key = KEY.search(page).group(1).replace(" ", "")
    data = {"offer": OFFER.search(page).group(1), "code": pyotp.TOTP(key).at(now()), "password": PASSWORD}
    reply = client.post("/second-factor/", data)
    codes = CODES.findall(reply.text)
    assert reply.status_code == 200 and len(set(codes)) == 10
    assert not CODES.search(client.get("/second-factor/").text)
    db.session.refresh(user)
    assert user.has_second_factor and told(user) == ["second_factor_on"]
    assert events(user, AccountAction.second_factor_on) == [AccountAction.second_factor_on]
    again = client.post("/second-factor/", data)
    assert again.status_code == 422 and "すでに設定されています" in again.text


@pytest.mark.requirement("S15", "L2")
def test_neither_key_nor_recovery_codes_are_kept_in_the_clear(protected):
    user, app, codes = protected
    kept = b"|".join([user.totp_sealed, "|".join(user.recovery_codes).encode()])
    assert app.secret.encode() not in kept
    assert not any(code.replace("-", "").encode() in kept for code in codes)


@pytest.mark.parametrize("code, password, cause", [
    ("000000", PASSWORD, "確認コードが正しくありません"),
    (None, WRONG, "パスワードが正しくありません"),
    ("", PASSWORD, "確認コードを入力してください"),
])  # fmt: skip
def test_a_refused_set_up_names_its_cause_and_keeps_the_qr_code(client_of, person, clock, code, password, cause):
    client, user = client_of("recipient"), person("recipient")
    offer = second_factor.offer(user)
    right = pyotp.TOTP(offer.key).at(now())
    code = right if code is None else code
    reply = client.post("/second-factor/", {"offer": offer.sealed, "code": code, "password": password})
    assert reply.status_code == 422 and cause in reply.text
    assert OFFER.search(reply.text).group(1) == offer.sealed and password not in reply.text
    db.session.refresh(user)
    assert not user.has_second_factor


@pytest.mark.requirement("S16")
def test_a_key_offered_to_one_person_is_no_use_to_another(client_of, person, clock):
    offer = second_factor.offer(person("registrar"))
    data = {"offer": offer.sealed, "code": pyotp.TOTP(offer.key).at(now()), "password": PASSWORD}
    reply = client_of("recipient").post("/second-factor/", data)
    assert reply.status_code == 422 and "QRコードを確認できませんでした" in reply.text
    assert not person("recipient").has_second_factor


@pytest.mark.requirement("S16")
def test_a_key_copied_to_another_person_does_not_open(protected, browser, person):
    _, app, _ = protected
    other = person("registrar")
    other.totp_sealed, other.totp_step = person("recipient").totp_sealed, 0
    db.session.commit()
    client = browser()
    first_step(client, other)
    assert second_step(client, code_of(app)).status_code != 302
    assert client.get("/").status_code == 302


# -- logging in ----------------------------------------------------------------------------


@pytest.mark.requirement("L2", "S10", "S12")
def test_the_log_in_asks_for_both_and_a_link_survives_it(browser, protected, make_document):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    user, app, _ = protected
    client, url = browser(), f"/documents/{document.id}?from=mail"
    reply = first_step(client, user, url=client.get(url).location)
    assert reply.location.startswith("/login/second-factor?next=")
    assert "/login/" in client.get("/").location  # half-way is not logged in
    page = client.get(reply.location).text
    assert "<h1>二段階認証</h1>" in page and "メールでは届きません" in page
    reply = second_step(client, code_of(app), reply.location)
    assert reply.location == url
    assert client.get(url).status_code == 200


@pytest.mark.requirement("S8")
def test_half_way_nothing_is_counted_as_a_log_in(browser, protected):
    user, _, _ = protected
    first_step(browser(), user)
    db.session.refresh(user)
    assert user.login_failures == 0 and not events(user, AccountAction.log_in)
    assert db.session.query(LoginSession).filter_by(user_id=user.id).count() == 0


@pytest.mark.requirement("L2")
@pytest.mark.parametrize("steps, answer", [(-2, 422), (-1, 302), (0, 302), (1, 302), (2, 422)])
def test_a_clock_may_be_one_step_wrong(browser, protected, steps, answer):
    user, app, _ = protected
    client = browser()
    first_step(client, user)
    assert second_step(client, code_of(app, steps)).status_code == answer


@pytest.mark.requirement("L2", "S8")
def test_a_code_is_taken_once_and_the_refusal_says_so(browser, protected):
    user, app, _ = protected
    code = code_of(app)
    for client, answer in ((browser(), 302), (browser(), 422)):
        first_step(client, user)
        reply = second_step(client, code)
        assert reply.status_code == answer
    assert "すでに使用されています" in reply.text
    assert second_step(client, code_of(app, -1)).status_code == 422  # nor an older one after it
    assert second_step(client, code_of(app, 1)).status_code == 302


@pytest.mark.requirement("L2", "S8")
def test_one_code_in_many_browsers_at_once_opens_one_session(browser, protected):
    user, app, _ = protected
    user_id, code = user.id, code_of(app)
    clients = [browser() for _ in range(4)]
    for client in clients:
        first_step(client, user)
    tokens = [Browser.TOKEN.search(client.get("/login/second-factor").text).group(1) for client in clients]
    db.session.commit()
    db.session.remove()

    def enter(pair):
        client, token = pair
        return client.client.post("/login/second-factor", data={"csrf_token": token, "code": code}).location

    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(enter, zip(clients, tokens, strict=True)))
    assert places.count("/") == 1
    assert db.session.query(LoginSession).filter_by(user_id=user_id).count() == 1


@pytest.mark.requirement("L2")
@pytest.mark.parametrize("typed", ["123 456", "１２３４５６", " 123456 ", "123-456"])
def test_a_code_may_be_typed_with_blanks_and_in_full_width(typed):
    assert second_factor._normalise(typed) == "123456"


@pytest.mark.requirement("S8")
def test_five_wrong_codes_lock_the_log_in_and_are_told_and_noted(browser, protected, clock):
    user, app, _ = protected
    client = browser()
    first_step(client, user)
    for _ in range(5):
        reply = second_step(client, "000000")
        assert reply.status_code == 422 and "確認コードが正しくありません" in reply.text
        assert "000000" not in reply.text
    reply = second_step(client, code_of(app))
    assert reply.status_code == 422 and "確認を停止しています" in reply.text
    assert first_step(browser(), user).status_code == 422  # the password is refused as well
    letter = db.session.query(OutboxMessage).filter_by(letter=Letter.account_locked).one()
    assert "パスワードまたは確認コードの誤りが続いたため" in letters.compose(letter).body
    assert events(user, AccountAction.log_in_refused, AccountAction.locked).count(AccountAction.log_in_refused) == 7
    clock.shift(dt.timedelta(minutes=31))
    client = browser()
    first_step(client, user)
    assert second_step(client, code_of(app)).status_code == 302


@pytest.mark.requirement("S8")
def test_the_right_password_buys_no_more_tries_at_the_code(browser, protected):
    user, app, _ = protected
    for _ in range(5):
        client = browser()
        assert first_step(client, user).status_code == 302
        second_step(client, "000000")
    assert first_step(browser(), user).status_code == 422
    assert second_step(client, code_of(app)).status_code == 422


@pytest.mark.requirement("S8")
def test_twenty_guesses_at_the_code_at_once_count_exactly(browser, protected):
    user, _, _ = protected
    user_id = user.id
    clients = [browser() for _ in range(20)]
    for client in clients:
        first_step(client, user)
    tokens = [Browser.TOKEN.search(client.get("/login/second-factor").text).group(1) for client in clients]
    db.session.commit()
    db.session.remove()

    def guess(pair):
        client, token = pair
        reply = client.client.post("/login/second-factor", data={"csrf_token": token, "code": "000000"})
        return "確認コードが正しくありません" in reply.text

    with ThreadPoolExecutor(20) as pool:
        compared = list(pool.map(guess, zip(clients, tokens, strict=True)))
    assert sum(compared) == 5
    assert db.session.get(type(user), user_id).login_failures == 5


@pytest.mark.requirement("S10")
@pytest.mark.parametrize("what", ["five minutes", "used", "new password", "logged in elsewhere", "switched off"])
def test_the_marker_between_the_steps_dies(app, browser, protected, clock, what):
    user, totp, _ = protected
    client = browser()
    first_step(client, user)
    half_way = client.client.get_cookie("portal_session").value
    if what == "five minutes":
        clock.shift(dt.timedelta(minutes=5, seconds=1))
    elif what == "new password":
        credentials.end_sessions(user, now())
    elif what == "switched off":
        second_factor.switch_off(user, now(), user)
    else:
        other = client if what == "used" else browser()
        if what != "used":
            first_step(other, user)
        assert second_step(other, code_of(totp)).status_code == 302
    db.session.commit()
    thief = Browser(app)
    thief.client.set_cookie("portal_session", half_way)
    assert thief.get("/login/second-factor").location == "/login/"
    assert second_step(thief, code_of(totp, 1)).location == "/login/"
    assert thief.get("/").status_code == 302


@pytest.mark.requirement("S12")
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
def test_the_second_step_leads_nowhere_else(browser, protected, target):
    user, app, _ = protected
    client = browser()
    reply = first_step(client, user, url=f"/login/?next={target}")
    assert second_step(client, code_of(app), reply.location).location == "/"


def test_the_second_step_without_the_first_leads_to_the_log_in(browser):
    client = browser()
    assert client.get("/login/second-factor").location == "/login/"
    assert second_step(client, "123456").location == "/login/"


# -- recovery codes ------------------------------------------------------------------------------


@pytest.mark.requirement("L2", "I17")
def test_each_recovery_code_opens_once_and_is_told(browser, protected):
    user, _, codes = protected
    typed = codes[0].upper().replace("-", " ")
    for answer in (302, 422):
        client = browser()
        first_step(client, user)
        reply = second_step(client, typed)
        assert reply.status_code == answer
    assert "まだ使用していない回復コード" in reply.text
    assert second_step(client, codes[1]).status_code == 302
    db.session.refresh(user)
    assert len(user.recovery_codes) == 8
    used = [AccountAction.recovery_code_used]
    assert told(user) == ["second_factor_on", "recovery_code_used", "recovery_code_used"]
    assert events(user, *used) == used * 2
    row = db.session.query(OutboxMessage).filter_by(letter=Letter.second_factor_changed).all()[-1]
    assert "未使用の回復コードは、残り8個です。" in letters.compose(row).body


@pytest.mark.requirement("L2")
def test_new_recovery_codes_replace_the_old_ones(browser, protected):
    user, app, old = protected
    client = browser()
    first_step(client, user)
    second_step(client, code_of(app))
    data = {"code": code_of(app, 1), "password": PASSWORD}
    assert client.post("/second-factor/recovery_codes", data | {"password": WRONG}).status_code == 422
    reply = client.post("/second-factor/recovery_codes", data)
    new = CODES.findall(reply.text)
    assert len(set(new)) == 10 and not set(new) & set(old)
    other = browser()
    first_step(other, user)
    assert second_step(other, old[0]).status_code == 422
    assert second_step(other, new[0]).status_code == 302


# -- giving it up, and having to have it -------------------------------------------------------------


@pytest.fixture
def inside(browser, protected):
    """A browser in which the protected recipient is logged in."""
    user, app, _ = protected
    client = browser()
    first_step(client, user)
    assert second_step(client, code_of(app)).status_code == 302
    return client


@pytest.mark.requirement("L2")
def test_switching_off_needs_password_and_code(inside, protected, browser):
    user, app, codes = protected
    for code, password, cause in (
        (code_of(app, 1), WRONG, "パスワードが正しくありません"), ("000000", PASSWORD, "確認コードが正しくありません"),
        (code_of(app), PASSWORD, "すでに使用されています"),
    ):  # fmt: skip
        reply = inside.post("/second-factor/off", {"code": code, "password": password})
        assert reply.status_code == 422 and cause in reply.text
    assert inside.post("/second-factor/off", {"code": codes[9], "password": PASSWORD}).location == "/account/"
    db.session.refresh(user)
    assert not user.has_second_factor and user.recovery_codes == []
    assert told(user)[-1] == "second_factor_off"
    assert first_step(browser(), user).location == "/"
    reply = inside.post("/second-factor/off", {"code": codes[8], "password": PASSWORD})
    assert reply.status_code == 422 and "設定されていません" in reply.text


@pytest.mark.requirement("S8", "I17")
@pytest.mark.parametrize("page", ["off", "recovery_codes"])
def test_inside_too_the_right_password_buys_no_guesses_at_the_code(inside, protected, page):
    user = protected[0]
    answers = [
        inside.post(f"/second-factor/{page}", {"code": "000000", "password": PASSWORD}) for _ in range(7)
    ]
    assert {reply.status_code for reply in answers} == {422}
    db.session.refresh(user)
    assert user.locked_until is not None and user.has_second_factor


@pytest.mark.requirement("L2")
def test_what_the_company_demands_nobody_switches_off_alone(inside, protected):
    user, app, _ = protected
    user.company.requires_second_factor = True
    db.session.commit()
    page = inside.get("/second-factor/").text
    assert "必須のため" in page and 'formaction="/second-factor/off"' not in page
    reply = inside.post("/second-factor/off", {"code": code_of(app, 1), "password": PASSWORD})
    assert reply.status_code == 422 and "必須のため、解除できません" in reply.text
    assert user.has_second_factor


@pytest.mark.requirement("L2", "S12")
def test_a_company_that_demands_it_opens_nothing_else_before(client_of, person, make_document, clock):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    client, user = client_of("recipient"), person("recipient")
    user.company.requires_second_factor = True
    db.session.commit()
    for url in ("/", "/documents/", f"/documents/{document.id}/pdf", "/account/", "/password/", "/users/selection"):
        reply = client.get(url)
        assert reply.status_code == 302 and reply.location.startswith("/second-factor/"), url
    assert client.post(f"/documents/{document.id}/approve").location.startswith("/second-factor/")
    url = client.get(f"/documents/{document.id}").location
    page = client.get(url).text
    assert "貴社では二段階認証が必須です" in page and 'href="/documents/"' not in page
    key = KEY.search(page).group(1).replace(" ", "")
    data = {"offer": OFFER.search(page).group(1), "code": pyotp.TOTP(key).at(now()), "password": PASSWORD}
    assert f'href="/documents/{document.id}"' in client.post(url, data).text
    assert client.get(f"/documents/{document.id}").status_code == 200
    assert client_of("stranger").get("/").status_code == 200  # another company's rule


@pytest.mark.requirement("L2", "R29")
def test_the_first_password_comes_before_the_second_factor(browser, person):
    user = person("recipient")
    user.company.requires_second_factor = True
    user.must_change_password = True
    db.session.commit()
    client = browser()
    client.log_in(user.user_code)
    assert client.get("/").location.startswith("/password/")
    assert client.get("/second-factor/").location.startswith("/password/")
    client.post("/password/", {"current": PASSWORD, "new": "Neues-99", "repeated": "Neues-99"})
    assert client.get("/").location.startswith("/second-factor/")


@pytest.mark.requirement("I17", "L2")
def test_an_administrator_takes_a_lost_one_away_and_the_person_is_told(protected, person, browser):
    user, _, _ = protected
    admin = person("receiver_admin")
    for _ in range(2):
        second_factor.switch_off(user, now(), admin)
        db.session.commit()
    assert told(user) == ["second_factor_on", "second_factor_off"]
    event = db.session.query(AccountEvent).filter_by(action=AccountAction.second_factor_off).one()
    assert (event.user_id, event.actor_id, event.company_id) == (user.id, admin.id, admin.company_id)
    assert first_step(browser(), user).location == "/"


@pytest.mark.requirement("R17", "L2")
def test_a_reset_password_leaves_the_second_factor_alone(protected, person):
    user, _, _ = protected
    credentials.reset_password(user, now(), person("receiver_admin"))
    db.session.commit()
    assert user.has_second_factor and len(user.recovery_codes) == 10
