"""Where a person lands after log-in when something had been sent without one: on a page, told that nothing was done (S12)."""

import re

import pyotp
import pytest
import time_machine

from app.clock import now
from app.extensions import db
from app.services import credentials, outbox, second_factor
from app.workflow import SignatureMode, Status
from tests.conftest import PASSWORD
from tests.views.test_login import HOUR
from tests.views.test_permissions import address, rules

NOT_DONE = "直前の操作は実行されていません。"
OWN_ANSWER = ("/login", "/logout", "/pki", "/healthz", "/static", "/verify", "/apply")  # need no log-in


@pytest.fixture
def waiting(make_document):
    return make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)


@pytest.mark.requirement("S12", "R47")
def test_what_was_sent_after_the_session_ended_leads_to_the_documents_page(client_of, person, waiting):
    client, url = client_of("recipient"), f"/documents/{waiting.id}"
    with time_machine.travel(now() + 2 * HOUR):
        reply = client.post(f"{url}/remand", {"version": str(waiting.version), "reason": "x"})
        assert "/login/" in reply.location and NOT_DONE not in client.get(reply.location).text
        reply = client.post(reply.location, {"username": person("recipient").user_code, "password": PASSWORD})
        assert reply.location == url
        page = client.get(url).text
        assert NOT_DONE in page and waiting.number in page
        assert NOT_DONE not in client.get(url).text  # said once
    db.session.refresh(waiting)
    assert waiting.status is Status.receiver_receipt


@pytest.mark.requirement("S12", "S11")
def test_a_cookie_that_is_gone_leads_there_as_well(browser, person, waiting):
    client, url = browser(), f"/documents/{waiting.id}"
    reply = client.post_without_token(f"{url}/confirm_receipt", {"version": "1"})
    assert "/login/" in reply.location
    reply = client.post(reply.location, {"username": person("recipient").user_code, "password": PASSWORD})
    assert reply.location == url and NOT_DONE in client.get(url).text


@pytest.mark.requirement("S12", "R29")
def test_the_sentence_outlives_the_forced_change_of_password(browser, person, waiting):
    user = person("recipient")
    credentials.give_initial_password(user, now())
    db.session.commit()
    first = outbox.secret_of(db.session.scalars(db.select(outbox.OutboxMessage).order_by(outbox.OutboxMessage.id.desc())).first())
    client, url = browser(), f"/documents/{waiting.id}"
    reply = client.post(f"{url}/remand", {"version": "1"})
    reply = client.post(reply.location, {"username": user.user_code, "password": first})
    assert reply.location == url
    reply = client.get(url)
    assert reply.location.startswith("/password/")
    assert NOT_DONE not in client.get(reply.location).text
    reply = client.post(reply.location, {"current": first, "new": "Neues-99", "repeated": "Neues-99"})
    assert reply.location == url and NOT_DONE in client.get(url).text


@pytest.mark.requirement("S12", "S19")
def test_the_sentence_outlives_the_second_factor(browser, person, waiting):
    user = person("recipient")
    offer = second_factor.offer(user)
    codes = second_factor.switch_on(user, offer.sealed, pyotp.TOTP(offer.key).at(now()), PASSWORD, now())
    db.session.commit()
    client, url = browser(), f"/documents/{waiting.id}"
    reply = client.post(f"{url}/remand", {"version": "1"})
    reply = client.post(reply.location, {"username": user.user_code, "password": PASSWORD})
    assert "/login/second-factor" in reply.location
    reply = client.post(reply.location, {"code": codes[0]})
    assert reply.location == url and NOT_DONE in client.get(url).text


@pytest.mark.requirement("S12")
def test_every_address_that_is_sent_to_leads_back_to_a_page(browser, application, waiting):
    """Each POST of the portal, without a log-in: the page named for afterwards answers a GET, a document's with its own."""
    adapter = application.url_map.bind("localhost")
    client = browser()
    for method, rule in sorted(rules(application)):
        if method != "POST" or rule.startswith(OWN_ANSWER):
            continue
        reply = client.post(address(rule, waiting))
        found = re.search(r"next=([^&]*)", reply.location or "")
        assert reply.status_code == 302 and found, rule
        page = found.group(1).replace("%2F", "/")
        assert adapter.match(page, method="GET"), rule
        if "<int:document_id>" in rule:
            assert page == f"/documents/{waiting.id}", rule


@pytest.mark.requirement("S12")
@pytest.mark.parametrize("target, page", [
    ("/documents/7/approve", "/documents/7"), ("/documents/7/receipt/confirmation", "/documents/7"),
    ("/account/sessions/3/end", "/account/"), ("/documents/7?from=mail", "/documents/7?from=mail"),
    ("/nowhere", "/nowhere"),
])  # fmt: skip
def test_a_next_that_takes_no_get_is_not_gone_to(browser, person, target, page):
    reply = browser().log_in(person("recipient").user_code, url=f"/login/?next={target}")
    assert reply.location == page
