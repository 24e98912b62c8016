"""［契約文書署名］ and the signing password: one mail a day, seven days, five tries, five re-issues an hour."""

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from zoneinfo import ZoneInfo

import pytest
import time_machine

from app import queries
from app.clock import japan_date, now
from app.errors import SecretRefused
from app.extensions import db
from app.models import DocumentSignature, Letter, OutboxMessage, SigningPassword
from app.services import digits, outbox, signing_passwords
from app.services.certificates import NOT_ACTIVATED
from app.workflow import SignatureMode, Status

JAPAN = ZoneInfo("Asia/Tokyo")
LETTERS = (Letter.signing_password, Letter.signing_password_reissued)


@pytest.fixture
def to_sign(make_document):
    """Documents that wait for the signer of the sender; no signature has been made yet."""

    def make(**kwargs):
        return make_document(Status.sender_signature, mode=SignatureMode.sender_only, **kwargs)

    return make


def passwords(user, letter=LETTERS):
    letters = letter if isinstance(letter, tuple) else (letter,)
    rows = db.session.query(OutboxMessage).filter(
        OutboxMessage.user_id == user.id, OutboxMessage.letter.in_(letters)
    )
    return [outbox.secret_of(row) for row in rows.order_by(OutboxMessage.id)]


def sign(client, document, person, password, **changes):
    link = queries.activations_of(person, now())[0]
    data = {
        "version": str(document.version),
        "certificate": str(link.id),
        "signing_password": password,
    } | changes
    return client.post(f"/documents/{document.id}/sign", data)


@pytest.mark.requirement(
    "R1", "R3", "R22", "R46", "R76", "R80", "R81", "R107", "R108", "R109", "R113", "S17", "I6"
)
def test_the_page_of_the_manual_signs(client_of, to_sign, person):
    from app.services.strongroom import strongroom
    from app.signing.verify import verify

    document, client, signer = to_sign(), client_of("signer"), person("signer")
    before = document.pdf_sha256
    page = client.get(f"/documents/{document.id}/signature").text
    assert "<h1>契約文書署名</h1>" in page
    order = [
        page.index(word)
        for word in (
            ">署名位置確認<",
            ">証明書</label>",
            ">署名用パスワード</label>",
            ">自社内コメント記入欄</label>",
            ">確定</button>",
        )
    ]
    assert order == sorted(order)
    reply = sign(client, document, signer, passwords(signer)[0], comment="署名しました")
    assert reply.location == "/"
    db.session.refresh(document)
    assert document.status is Status.receiver_receipt and document.sender.comment == "署名しました"
    row = db.session.query(DocumentSignature).one()
    assert (row.user_id, row.signed_sha256, row.result_sha256) == (signer.id, before, document.pdf_sha256)
    assert row.ip_address == "127.0.0.1" and row.field_name == "sender"
    strong = strongroom()
    assert verify(strong.store.get(document.pdf_sha256), strong.roots).exit_code == 0


@pytest.mark.requirement("R1", "R82", "R107")
def test_without_the_check_of_the_certificate_the_manuals_sentence_is_shown(client_of, to_sign, person):
    document, client, signer = to_sign(), client_of("signer"), person("signer")
    link = queries.activations_of(signer, now())[0]
    link.activated_at = link.sealed_key = None
    db.session.commit()
    assert NOT_ACTIVATED == (
        "証明書有効性確認の操作が未完了です。証明書管理メニューより証明書有効性確認を選択し"
        "証明書有効性確認の操作を実行してください。"
    )
    page = client.get(f"/documents/{document.id}/signature").text
    assert NOT_ACTIVATED in page and f'id="certificate-help">{link.certificate}' in page  # the whole name, beside the list
    reply = sign(client, document, signer, passwords(signer)[0])
    assert reply.status_code == 422 and NOT_ACTIVATED in reply.text
    db.session.refresh(document)
    db.session.refresh(signer)
    assert document.status is Status.sender_signature and signer.signing_failures == 0


@pytest.mark.requirement("R107")
@pytest.mark.parametrize("state", ["revoked", "expired", "another's", "none"])
def test_only_an_own_usable_certificate_signs(client_of, to_sign, person, state):
    document, client, signer = to_sign(), client_of("signer"), person("signer")
    link = queries.activations_of(signer, now())[0]
    choice = str(link.id)
    if state == "revoked":
        link.certificate.revoked_at = now()
    elif state == "expired":
        link.certificate.not_after = now()
    elif state == "another's":
        choice = str(queries.activations_of(person("receiver_signer"), now())[0].id)
    else:
        choice = ""
    db.session.commit()
    data = {"version": str(document.version), "certificate": choice, "signing_password": passwords(signer)[0]}
    reply = client.post(f"/documents/{document.id}/sign", data)
    assert reply.status_code == 422
    db.session.refresh(document)
    assert document.status is Status.sender_signature and db.session.query(DocumentSignature).count() == 0


# -- one mail a day --------------------------------------------------------------------------------


@pytest.mark.requirement("R22", "R72", "R74", "R75", "D7", "Q7")
def test_one_password_a_japanese_day_signs_every_document(client_of, to_sign, person):
    signer = person("signer")
    with time_machine.travel(dt.datetime(2027, 1, 14, 9, 0, tzinfo=JAPAN), tick=False):
        first, second = to_sign(), to_sign()
        (password,) = passwords(signer)
        client = client_of("signer")
        assert sign(client, first, signer, password).status_code == 302
        assert sign(client, second, signer, password).status_code == 302


@pytest.mark.requirement("R74", "R75", "D7", "D8", "Q7")
def test_the_day_changes_at_midnight_in_japan_and_yesterdays_password_still_works(client_of, to_sign, person):
    signer = person("signer")
    with time_machine.travel(dt.datetime(2027, 1, 14, 23, 59, 58, tzinfo=JAPAN), tick=False) as clock:
        to_sign()
        third = to_sign()
        (yesterdays,) = passwords(signer)
        clock.move_to(dt.datetime(2027, 1, 15, 0, 0, 1, tzinfo=JAPAN))
        to_sign()
        todays = passwords(signer)[1:]
        assert len(todays) == 1
        to_sign()
        assert len(passwords(signer)) == 2
        client = client_of("signer")
        assert sign(client, third, signer, yesterdays).status_code == 302
    days = db.session.scalars(db.select(SigningPassword.issued_on).order_by(SigningPassword.id)).all()
    assert days == [dt.date(2027, 1, 14), dt.date(2027, 1, 15)]


@pytest.mark.requirement("D8", "R73", "R75")
def test_a_password_is_good_through_its_printed_day(client_of, to_sign, person):
    signer = person("signer")
    with time_machine.travel(dt.datetime(2027, 1, 7, 9, 0, tzinfo=JAPAN), tick=False) as clock:
        document, other = to_sign(), to_sign()
        (password,) = passwords(signer)
        assert db.session.query(SigningPassword).one().last_day == dt.date(2027, 1, 14)
        clock.move_to(dt.datetime(2027, 1, 14, 23, 59, 59, tzinfo=JAPAN))
        assert sign(client_of("signer"), document, signer, password).status_code == 302
        clock.move_to(dt.datetime(2027, 1, 15, 0, 0, 0, tzinfo=JAPAN))
        reply = sign(client_of("signer"), other, signer, password)
        assert reply.status_code == 422 and "署名用パスワードの有効期限が切れています。" in reply.text
        assert "署名用パスワード再発行" in reply.text


@pytest.mark.requirement("D7", "R74")
def test_two_circulations_at_once_mail_one_password(person):
    from sqlalchemy.exc import IntegrityError

    signer, moment = person("signer"), now()
    outbox.give_signing_password(signer, moment)
    db.session.commit()
    outbox.give_signing_password(signer, moment)
    db.session.commit()
    assert len(passwords(signer)) == 1
    twin = SigningPassword(
        user_id=signer.id,
        mac=b"x",
        issued_at=moment,
        issued_on=japan_date(moment),
        is_automatic=True,
        last_day=japan_date(moment),
    )
    db.session.add(twin)
    with pytest.raises(IntegrityError):
        db.session.flush()
    db.session.rollback()


# -- re-issue ---------------------------------------------------------------------------------------


def ask_again(client, document, **data):
    return client.post(
        f"/documents/{document.id}/signing_password", {"version": str(document.version)} | data
    )


@pytest.mark.requirement("R77", "D7")
def test_a_reissue_comes_by_mail_and_voids_all_earlier_ones(client_of, to_sign, person):
    document, client, signer = to_sign(), client_of("signer"), person("signer")
    (first,) = passwords(signer)
    reply = ask_again(client, document)
    assert reply.location == f"/documents/{document.id}"
    assert "再発行し、メールでお送りしました" in client.get(reply.location).text
    (again,) = passwords(signer, Letter.signing_password_reissued)
    refused = sign(client, document, signer, first)
    if first != again:
        assert refused.status_code == 422 and "再発行により無効になっています" in refused.text
    assert sign(client, document, signer, again).status_code == 302
    to_sign()  # the day's automatic mail is not sent after a re-issue
    assert len(passwords(signer)) == 2


@pytest.mark.requirement("R77", "Q3")
def test_a_second_click_on_reissue_sends_no_second_mail(client_of, to_sign, person):
    document, client = to_sign(), client_of("signer")
    data = {"version": str(document.version)}
    url = f"/documents/{document.id}/signing_password"
    assert [client.post(url, data).status_code for _ in range(2)] == [302, 409]
    assert len(passwords(person("signer"), Letter.signing_password_reissued)) == 1


@pytest.mark.requirement("D7", "R77")
def test_five_reissues_an_hour(client_of, to_sign, person):
    with time_machine.travel(now(), tick=False) as clock:
        document, client, signer = to_sign(), client_of("signer"), person("signer")
        for _ in range(5):
            assert ask_again(client, document, **{"from": "signature"}).status_code == 302
        reply = ask_again(client, document)
        assert reply.status_code == 422 and "1時間に5回まで" in reply.text
        assert len(passwords(signer, Letter.signing_password_reissued)) == 5
        clock.shift(3601)
        client = client_of("signer")
        assert ask_again(client, document).status_code == 302


@pytest.mark.requirement("S8", "R77")
def test_five_wrong_passwords_lock_and_a_reissue_unlocks(client_of, to_sign, person):
    document, client, signer = to_sign(), client_of("signer"), person("signer")
    (right,) = passwords(signer)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for left in (4, 3, 2, 1):
        reply = sign(client, document, signer, wrong, comment="消えないでほしい")
        assert reply.status_code == 422 and f"あと{left}回誤ると" in reply.text
        assert "署名用パスワードが正しくありません。" in reply.text and "消えないでほしい" in reply.text
        assert wrong not in reply.text
    assert "署名の操作をロックしました" in sign(client, document, signer, wrong).text
    assert "署名の操作をロックしました" in sign(client, document, signer, right).text
    ask_again(client, document)
    assert sign(client, document, signer, passwords(signer)[-1]).status_code == 302
    db.session.refresh(signer)
    assert signer.signing_failures == 0


@pytest.mark.requirement("S8")
def test_twenty_signing_passwords_at_once_count_exactly(application, to_sign, client_of, person):
    document, signer = to_sign(), person("signer")
    clients = [client_of("signer") for _ in range(5)]
    tokens = [client.token() for client in clients]
    (right,) = passwords(signer)
    link, url = queries.activations_of(signer, now())[0].id, f"/documents/{document.id}/sign"
    wrong, version, signer_id = f"{(int(right) + 7) % 10**6:06d}", str(document.version), signer.id
    db.session.remove()

    def lane(number):
        data = {
            "csrf_token": tokens[number],
            "version": version,
            "certificate": str(link),
            "signing_password": wrong,
        }
        return [clients[number].client.post(url, data=data).status_code for _ in range(4)]

    with ThreadPoolExecutor(5) as pool:
        assert {status for statuses in pool.map(lane, range(5)) for status in statuses} == {422}
    assert db.session.get(type(signer), signer_id).signing_failures == 5


@pytest.mark.requirement("R73", "R107", "S17")
def test_a_password_is_the_persons_own(client_of, make_document, to_sign, person):
    first, other = to_sign(), make_document(Status.receiver_signature, mode=SignatureMode.receiver_only)
    foreign = passwords(person("receiver_signer"))[0]
    own = passwords(person("signer"))[0]
    reply = sign(client_of("signer"), first, person("signer"), foreign)
    assert reply.status_code == (422 if foreign != own else 302)
    db.session.refresh(other)
    assert other.status is Status.receiver_signature


@pytest.mark.requirement("R73", "S15")
def test_six_digits_with_their_leading_zero_and_only_a_keyed_hash_kept(person, monkeypatch):
    monkeypatch.setattr(digits.secrets, "randbelow", lambda most: 30430)
    issued = signing_passwords.reissue(person("signer"), now())
    assert issued.secret == "030430"
    row = db.session.query(SigningPassword).one()
    assert b"030430" not in row.mac and len(row.mac) >= 16
    for typed in (" 030430\n", "０３０４３０", "030\u3000430", "\u00a0030430"):
        assert signing_passwords.check(person("signer"), typed, now()).id == row.id
    for typed in ("30430", "0304300", "O3O43O", "〇三〇四三〇", "030430😀", ""):
        with pytest.raises(SecretRefused, match="正しくありません"):
            signing_passwords.check(person("signer"), typed, now())
        signing_passwords.digits.give_back_tries(person("signer").id)


def test_an_empty_password_costs_no_try(client_of, to_sign, person):
    document, client = to_sign(), client_of("signer")
    reply = sign(client, document, person("signer"), "")
    assert reply.status_code == 422 and "署名用パスワードを入力してください。" in reply.text
    db.session.refresh(person("signer"))
    assert person("signer").signing_failures == 0


@pytest.mark.requirement("L18")
def test_without_a_time_stamp_nothing_is_signed_and_the_page_says_so(client_of, to_sign, person, monkeypatch):
    from app.errors import SigningFailed
    from app.services.strongroom import strongroom

    document, client, signer = to_sign(), client_of("signer"), person("signer")
    (password,) = passwords(signer)

    def out_of_order(*args, **kwargs):
        raise SigningFailed

    monkeypatch.setattr(strongroom().desk, "sign", out_of_order, raising=True)
    reply = sign(client, document, signer, password)
    assert reply.status_code == 503 and "署名を完了できませんでした。" in reply.text
    db.session.refresh(document)
    assert document.status is Status.sender_signature and db.session.query(DocumentSignature).count() == 0
    monkeypatch.undo()
    assert sign(client, document, signer, password).status_code == 302


@pytest.mark.requirement("R78", "R50", "T5", "T10", "R76")
def test_a_signer_may_remand(client_of, make_document, person):
    document = make_document(Status.receiver_signature, mode=SignatureMode.receiver_only)
    client = client_of("receiver_signer")
    assert "署名待ち" in client.get("/").text
    assert (
        client.post(f"/documents/{document.id}/remand", {"version": str(document.version)}).status_code == 302
    )
    assert client.get(f"/documents/{document.id}").status_code == 404
    db.session.refresh(document)
    assert document.holder_id == person("registrar").id
    assert re.search(r"差戻", client_of("registrar").get("/").text)


@pytest.mark.requirement("R79", "R81", "R113", "R92")
def test_receiver_only_shows_one_place_and_concludes_by_the_receivers_signature(
    client_of, make_document, person
):
    document = make_document(Status.receiver_signature, mode=SignatureMode.receiver_only)
    client, signer = client_of("receiver_signer"), person("receiver_signer")
    page = client.get(f"/documents/{document.id}/signature/position").text
    assert re.findall(r'signature-page__name"[^>]*>([^<]+)<', page) == ["受領"]
    assert sign(client, document, signer, passwords(signer)[0]).location == "/"
    db.session.refresh(document)
    assert document.status is Status.completion_wait and document.concluded_at is not None
    assert document.conclusion_date == japan_date(document.concluded_at)
