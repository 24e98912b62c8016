"""［パスワード変更］ and the manual's rule for passwords."""

import html
import re

import pytest

from app.extensions import db
from app.services import credentials
from tests.conftest import PASSWORD

GOOD = ["Abcd-123", "a1!aaaaa", "abc#1234", "abc$1234", "abc%1234", "abc&1234", "abc'1234", "abc-1234", "abc_1234",
        "ABCDEF1!", "x" * 60 + "1_", "abc\u20181234", "abc\u20191234"]  # fmt: skip
BAD = {
    "Abc-123": "8桁以上",
    "": "8桁以上",
    "abcd1234": "記号が含まれていません",
    "abcd-efg": "半角数字が含まれていません",
    "1234-567": "半角英字が含まれていません",
    "12345678": "半角英字、記号が含まれていません",
    "abcd-123 ": "使用できる文字",
    " abcd-123": "使用できる文字",
    "abc d-123": "使用できる文字",
    "ａbcd-1234": "使用できる文字",
    "abcd-１234": "使用できる文字",
    "abcd－1234": "使用できる文字",
    "abcd！1234": "使用できる文字",
    "パスワード-abc1": "使用できる文字",
    "abcd-123\t": "使用できる文字",
    "abcd`1234": "使用できる文字",
    "abcd\u201c1234": "使用できる文字",
    "abcd-123\u200b": "使用できる文字",
    "abcé-1234": "使用できる文字",
} | {f"abc{symbol}-123": "使用できる文字" for symbol in '"()*+,./:;<=>?@[\\]^{|}~¥'}


def change(client, new, repeated=None, current=PASSWORD, url="/password/"):
    return client.post(
        url, {"current": current, "new": new, "repeated": new if repeated is None else repeated}
    )


@pytest.mark.requirement("R30", "R108", "R109")
def test_the_page_has_the_manuals_fields_and_button(client_of):
    page = client_of("recipient").get("/password/").text
    assert "<h1>パスワード変更</h1>" in page
    labels = re.findall(r"<label for=\"\w+\">([^<]+)</label>", page)
    assert labels == ["現在のパスワード", "新しいパスワード", "新しいパスワード(確認)"]
    assert re.search(r"<button[^>]*>確定</button>", page)


@pytest.mark.requirement("R31", "R32", "D1")
@pytest.mark.parametrize("password", GOOD)
def test_a_password_of_the_manuals_kind_is_taken_and_logs_in(browser, client_of, person, password):
    reply = change(client_of("recipient"), password)
    assert reply.status_code == 302 and reply.location == "/"
    assert browser().log_in(person("recipient").user_code, password).status_code == 302
    assert browser().log_in(person("recipient").user_code).status_code == 422


@pytest.mark.requirement("D1")
def test_the_printed_quote_and_the_typed_apostrophe_are_one(browser, client_of, person):
    change(client_of("recipient"), "abc\u20181234", repeated="abc'1234")
    for quote in ("'", "\u2018", "\u2019"):
        assert browser().log_in(person("recipient").user_code, f"abc{quote}1234").status_code == 302


@pytest.mark.requirement("R31", "R32", "D1")
@pytest.mark.parametrize("password", BAD)
def test_a_password_of_another_kind_is_refused_with_the_cause(app, password):
    from app.errors import Refused

    with pytest.raises(Refused) as refusal:
        credentials.check_policy(credentials.normalise(password))
    assert BAD[password] in refusal.value.sentence


@pytest.mark.requirement("R32", "D1")
@pytest.mark.parametrize("typed, named", [
    ("abcd-12３４", "全角の「３」、全角の「４」"),
    ("ａbcd-1234", "全角の「ａ」"),
    ("abcd\uff071234", "全角の「\uff07」"),
    ("abcd\u02bc1234", "「\u02bc」（' に似た別の文字）"),
    ("abcd\u22121234", "「\u2212」（- に似た別の文字）"),
    ("abcdー1234", "「ー」（- に似た別の文字）"),
    ("abcd-1234\u00a0", "空白"),
    ("abcd-1234\u3000", "空白"),
    ("abcd-1234\u200b\u202e", "目に見えない文字"),
    ("abcd-1234😀", "「😀」"),
    ("abcd-1234\U0001f468\u200d\U0001f469", "「\U0001f468」、目に見えない文字、「\U0001f469」"),
    ("caf\u00e9-1234", "「\u00e9」"),
    ("cafe\u0301-1234", "濁点やアクセントなどの結合文字"),
    ("ｶﾞｶﾞ-abc1", "「ｶ」、「ﾞ」"),
    ("髙﨑㈱-abc1", "「髙」、「﨑」、「㈱」"),
])  # fmt: skip
def test_what_no_password_may_hold_is_named(client_of, person, typed, named):
    before = person("recipient").password
    reply = change(client_of("recipient"), typed)
    assert reply.status_code == 422
    assert f"使用できない文字が含まれています：{named}</p>" in html.unescape(reply.text)
    assert typed not in reply.text  # what stands in the password's allowed part is not shown
    db.session.refresh(person("recipient"))
    assert person("recipient").password == before


@pytest.mark.requirement("D1")
@pytest.mark.parametrize("typed", [
    "abc\uff071234", "abc\u02bc1234", "abc\u00b41234", "abc`1234", "ａbc'1234", "abc'１２３４", "abc'1234\u00a0", "abc'1234 ",
])  # fmt: skip
def test_the_log_in_reads_exactly_the_two_quotes_as_the_apostrophe(browser, client_of, person, typed):
    """Setting and log-in agree: what could not be set does not open either."""
    change(client_of("recipient"), "abc'1234")
    assert browser().log_in(person("recipient").user_code, typed).status_code == 422
    assert browser().log_in(person("recipient").user_code, "abc\u20191234").status_code == 302


@pytest.mark.requirement("D1")
def test_the_current_password_is_read_like_at_the_log_in(client_of, browser, person):
    client = client_of("recipient")
    change(client, "abc'1234")
    assert change(client, "def'5678", current="abc\u20181234").status_code == 302
    assert browser().log_in(person("recipient").user_code, "def\u20195678").status_code == 302


@pytest.mark.requirement("R30", "R31")
def test_a_refused_change_changes_nothing(client_of, person):
    client, before = client_of("recipient"), person("recipient").password
    for reply, cause in (
        (change(client, "kurz-1"), "8桁以上"),
        (change(client, "Neues-99", repeated="Neues-98"), "一致しません"),
        (change(client, PASSWORD), "異なるパスワード"),
        (change(client, "Neues-99", current="Wrong-1234"), "現在のパスワードが正しくありません"),
        (change(client, ""), "新しいパスワードを入力してください"),
    ):
        assert reply.status_code == 422 and cause in reply.text
        assert "Neues-99" not in reply.text
    db.session.refresh(person("recipient"))
    assert person("recipient").password == before


@pytest.mark.requirement("R18", "R29", "R30")
def test_the_forced_change_ends_with_the_top_page(browser, person):
    from app.clock import now
    from app.models import OutboxMessage
    from app.services import outbox

    user = person("recipient")
    credentials.give_initial_password(user, now())
    db.session.commit()
    first = outbox.secret_of(db.session.query(OutboxMessage).one())
    credentials.check_policy(first)  # what we send obeys the rule as well
    client = browser()
    client.log_in(user.user_code, first)
    assert change(client, "Neues-99", current=first).location == "/"
    assert client.get("/").status_code == 200
    assert browser().log_in(user.user_code, first).status_code == 422


@pytest.mark.requirement("S8")
def test_guessing_the_current_password_locks_as_well(client_of, browser, person):
    client = client_of("recipient")
    for _ in range(5):
        change(client, "Neues-99", current="Wrong-1234")
    assert change(client, "Neues-99").status_code == 422
    assert browser().log_in(person("recipient").user_code).status_code == 422


@pytest.mark.requirement("S15")
def test_only_a_slow_hash_is_kept(person):
    import config

    assert PASSWORD not in person("recipient").password
    assert config.Production.PASSWORD_HASH_METHOD.startswith("scrypt:131072")


# -- earlier passwords, and what follows from a change ----------------------------------


@pytest.mark.requirement("I17")
def test_the_last_three_passwords_and_the_current_one_are_refused(client_of, person):
    client, current = client_of("recipient"), PASSWORD
    for number in range(4):
        assert change(client, f"Neues-{number}0", current=current).status_code == 302
        current = f"Neues-{number}0"
    for used, sentence in (
        ("Neues-30", "現在のパスワードと異なる"), ("Neues-20", "過去3回"), ("Neues-10", "過去3回"), ("Neues-00", "過去3回"),
    ):  # fmt: skip
        reply = change(client, used, current=current)
        assert reply.status_code == 422 and sentence in reply.text, used
    db.session.refresh(person("recipient"))
    assert len(person("recipient").earlier_passwords) == 3
    assert change(client, PASSWORD, current=current).status_code == 302  # the fourth before is free again


@pytest.mark.requirement("I17")
def test_a_reset_is_no_way_round_the_history(browser, client_of, person):
    from app.clock import now
    from app.models import Letter
    from demo.actors import secret_mailed

    user = person("recipient")
    for _ in range(4):
        credentials.reset_password(user, now(), person("receiver_admin"))
    db.session.commit()
    first, client = secret_mailed(user, Letter.initial_password), browser()
    client.log_in(user.user_code, first)
    assert "過去3回" in change(client, PASSWORD, current=first).text
    assert change(client, "Neues-99", current=first).status_code == 302


@pytest.mark.requirement("I17", "S15")
def test_a_new_password_is_told_by_mail_without_the_password(client_of, person, post_letters):
    change(client_of("recipient"), "Neues-99")
    (mail,) = post_letters()
    assert "パスワード変更 のお知らせ" in mail.subject
    assert mail.recipients == [person("recipient").mail_address]
    assert "Neues-99" not in mail.body and PASSWORD not in mail.body


@pytest.mark.requirement("S8", "I17")
def test_two_changes_at_once_are_one(client_of, person):
    from concurrent.futures import ThreadPoolExecutor

    user_id, clients = person("recipient").id, [client_of("recipient") for _ in range(2)]
    tokens = [client.token() for client in clients]
    db.session.commit()
    db.session.remove()

    def send(number):
        new = f"Neues-{number}9"
        data = {"csrf_token": tokens[number], "current": PASSWORD, "new": new, "repeated": new}
        return clients[number].client.post("/password/", data=data).status_code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(send, range(2)))
    from werkzeug.security import check_password_hash

    from app.models import PortalUser

    assert answers.count(302) >= 1
    kept = db.session.get(PortalUser, user_id)
    assert [check_password_hash(kept.password, f"Neues-{number}9") for number in range(2)].count(True) == 1
    assert len(kept.earlier_passwords) == 1


@pytest.mark.requirement("I17", "S10")
def test_a_password_changed_meanwhile_is_not_changed_again(app, person, monkeypatch):
    from app.clock import now
    from app.errors import Refused
    from demo.actors import choose_password

    user, is_own = person("recipient"), credentials.is_own_password

    def change_meanwhile(*arguments):
        answer = is_own(*arguments)
        choose_password(person("recipient"), "Anders-88")
        db.session.commit()
        return answer

    monkeypatch.setattr(credentials, "is_own_password", change_meanwhile)
    with pytest.raises(Refused, match="ほかの画面ですでに変更されています"):
        credentials.change_password(user, PASSWORD, "Neues-99", "Neues-99", now())
