"""［証明書有効性確認］: PIN, log-in password, tries, and whose certificate it is."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine

from app import queries
from app.clock import now
from app.extensions import db
from app.models import Certificate, CertificateActivation, Letter
from app.services import certificates
from app.workflow import Status
from demo import actors
from tests.conftest import PASSWORD

URL = "/certificates/activation"


@pytest.fixture
def issued(person):
    """A new certificate of the sender, linked to two people, and its PIN."""
    people = [person("signer"), person("approver")]
    certificate = certificates.issue(people[0].company, people, people[0], now())
    db.session.commit()
    return certificate, actors.secret_mailed(people[0], Letter.certificate_pin)


def link_of(user, certificate):
    return (
        db.session.query(CertificateActivation)
        .filter_by(user_id=user.id, certificate_id=certificate.id)
        .one()
    )


def confirm(client, link_id, pin, password=PASSWORD):
    return client.post(URL, {"certificate": str(link_id), "pin": pin, "password": password})


@pytest.mark.requirement("R33", "R34", "R35", "R36", "R37", "R17", "R21", "R108", "R109")
@pytest.mark.parametrize("around", ["{}", " {} ", "{}\r\n", "\t{}"])
def test_the_pin_of_the_mail_makes_the_certificate_valid_for_this_person(client_of, person, issued, around):
    certificate, pin = issued
    link = link_of(person("approver"), certificate)
    client = client_of("approver")
    page = client.get(URL).text
    assert "<h1>証明書有効性確認</h1>" in page and f">{certificate.number} " in page
    for label in ("証明書", "PIN", "パスワード"):
        assert f">{label}</label>" in page
    assert ">確定</button>" in page and f'href="{URL}"' in page
    reply = confirm(client, link.id, around.format(pin))
    assert reply.status_code == 302
    shown = client.get(reply.location).text
    assert "証明書の内容" in shown and certificate.number in shown and certificate.serial in shown
    db.session.refresh(link)
    assert link.activated_at is not None
    assert link_of(person("signer"), certificate).activated_at is None  # per person, not per company


@pytest.mark.requirement("R33", "R38")
def test_who_is_no_signer_is_told_that_nothing_need_be_done(client_of):
    page = client_of("recipient").get(URL)
    assert page.status_code == 200
    assert (
        "現在ログイン中の利用者IDは、署名操作ができる署名用IDではありません。証明書の有効性確認操作は不要です。"
        in page.text
    )
    assert "<select" not in page.text
    assert (
        client_of("recipient").post(URL, {"certificate": "1", "pin": "1", "password": "x"}).status_code == 200
    )


@pytest.mark.requirement("R33", "R38")
def test_the_form_is_folded_once_nothing_is_left_to_do_and_open_again_where_it_was_refused(client_of, person, issued):
    certificate, pin = issued
    client, link = client_of("approver"), link_of(person("approver"), certificate)
    assert "<details" not in client.get(URL).text
    confirm(client, link.id, pin)
    page = client.get(URL).text
    assert "ほかに必要な操作はありません。" in page
    assert page.index(certificate.number) < page.index("<details><summary>") < page.index('name="pin"')
    refused = confirm(client, link.id, "1")
    assert refused.status_code == 422 and "<details open>" in refused.text
    assert confirm(client, link.id, pin).status_code == 302  # once more does no harm


@pytest.mark.requirement("R17", "R35", "R21")
def test_wrong_pin_and_wrong_password_are_told_apart_and_the_tries_counted(client_of, person, issued):
    certificate, pin = issued
    link, client = link_of(person("approver"), certificate), client_of("approver")
    reply = confirm(client, link.id, pin, "Wrong-1234")
    assert reply.status_code == 422 and "パスワードが正しくありません。ログイン時のパスワード" in reply.text
    for left in (4, 3, 2, 1):
        reply = confirm(client, link.id, "000000000000")
        assert reply.status_code == 422 and f"あと{left}回誤ると" in reply.text
        assert "PIN のお知らせ" in reply.text and "000000000000" not in reply.text.replace(
            'value="000000000000"', ""
        )
    assert "ロックしました" in confirm(client, link.id, "000000000000").text
    assert "ロックしました" in confirm(client, link.id, pin).text
    db.session.refresh(link)
    assert link.activated_at is None
    # the lock is this person's with this certificate; the other signer goes on
    other = link_of(person("signer"), certificate)
    assert confirm(client_of("signer"), other.id, pin).status_code == 302


@pytest.mark.requirement("S8")
def test_the_right_pin_gives_the_tries_back(client_of, person, issued):
    certificate, pin = issued
    link, client = link_of(person("approver"), certificate), client_of("approver")
    for _ in range(2):
        for _ in range(4):
            confirm(client, link.id, "1")
        assert confirm(client, link.id, pin).status_code == 302


@pytest.mark.requirement("R36", "R107", "S17")
@pytest.mark.parametrize("given", ["another person's", "another company's", "999999", "x", ""])
def test_only_the_own_certificates_can_be_chosen(client_of, person, issued, given):
    certificate, pin = issued
    choice = {
        "another person's": link_of(person("signer"), certificate).id,
        "another company's": queries.activations_of(person("receiver_signer"), now())[0].id,
    }.get(given, given)
    reply = confirm(client_of("approver"), choice, pin)
    assert reply.status_code == 422
    assert link_of(person("signer"), certificate).activated_at is None


@pytest.mark.requirement("S8")
def test_twenty_pins_at_once_count_exactly(client_of, person, issued):
    certificate, _ = issued
    link_id = link_of(person("approver"), certificate).id
    clients = [client_of("approver") for _ in range(3)]
    tokens = [client.token() for client in clients]
    db.session.remove()

    def guess(number):
        data = {
            "csrf_token": tokens[number % 3],
            "certificate": link_id,
            "pin": f"{number:012d}",
            "password": PASSWORD,
        }
        return clients[number % 3].client.post(URL, data=data).status_code

    # three cookies, twenty requests: test clients are not shared between threads at the same time
    with ThreadPoolExecutor(3) as pool:
        lanes = pool.map(lambda lane: [guess(number) for number in range(lane, 20, 3)], range(3))
        assert {status for lane in lanes for status in lane} == {422}
    assert db.session.get(CertificateActivation, link_id).pin_failures == 5


@pytest.mark.requirement("R107", "I16")
@pytest.mark.parametrize("state", ["revoked", "expired"])
def test_an_unusable_certificate_is_not_offered(client_of, person, issued, state):
    certificate, pin = issued
    link = link_of(person("approver"), certificate)
    if state == "revoked":
        certificate.revoked_at = now()
    else:
        certificate.not_after = now()
    db.session.commit()
    client = client_of("approver")
    assert certificate.number not in client.get(URL).text
    confirm(client, link.id, pin)
    db.session.refresh(link)
    assert link.activated_at is None


@pytest.mark.requirement("R39", "R106", "R21")
def test_the_pin_goes_to_the_address_of_the_application(person, post_letters):
    user = person("signer")
    certificates.issue(user.company, [user], user, now(), pin_mail_address="application@sender.example")
    (letter,) = post_letters()
    assert letter.recipients == ["application@sender.example"]
    assert "".join(letter.subject.split()) == "【CECTRUST-Lightサービス】PINのお知らせ"


@pytest.mark.requirement("R19", "R33")
def test_the_top_page_reminds_a_signer_until_it_is_done(client_of, person):
    link = queries.activations_of(person("signer"), now())[0]
    assert "証明書有効性確認が未完了です" not in client_of("signer").get("/").text
    link.activated_at = link.sealed_key = None
    db.session.commit()
    assert "証明書有効性確認が未完了です" in client_of("signer").get("/").text
    assert "証明書有効性確認が未完了です" not in client_of("viewer").get("/").text


@pytest.mark.requirement("I16", "S16", "S15")
def test_neither_pin_nor_key_lies_open_in_the_database(person, issued):
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    certificate, pin = issued
    assert len(pin) == 12 and pin.isdigit()
    for row in db.session.query(Certificate):
        with pytest.raises(ValueError):
            load_der_private_key(row.sealed_key, None)
    dump = str(db.session.execute(db.text("SELECT * FROM outbox_message")).all())
    dump += str(db.session.execute(db.text("SELECT * FROM certificate")).all())
    assert pin not in dump


def test_an_activation_outlives_a_change_of_password_and_a_day(client_of, make_document, person):
    document = make_document(Status.sender_signature)
    with time_machine.travel(now() + dt.timedelta(days=1)):
        actors.sign(document, person("signer"))
        db.session.commit()
    assert document.status is Status.receiver_receipt
