"""操作履歴照会: own company only, newest first, by person, kind and day in Japan."""

import datetime as dt
import re

import pytest

from app.clock import now
from app.extensions import db
from app.models import AccountAction, AccountEvent
from app.services import journal

NOON = dt.datetime(2026, 4, 1, 3, tzinfo=dt.UTC)  # 12:00 in Japan


@pytest.fixture
def history(person):
    """Five lines about the sender's company and one about another."""
    db.session.query(AccountEvent).delete()
    user, admin, operator = person("registrar"), person("admin"), person("operator")
    for action, at, about, actor, note in (
        (AccountAction.user_enrolled, NOON, user, operator, "一行目"),
        (AccountAction.log_in, NOON + dt.timedelta(hours=11, minutes=59), user, user, "二行目"),  # 23:59
        (AccountAction.password_reset, NOON + dt.timedelta(hours=12), user, admin, "三行目"),  # 0:00 of the 2nd
        (AccountAction.log_in, NOON + dt.timedelta(days=3), admin, admin, "四行目"),
        (AccountAction.log_in_refused, NOON + dt.timedelta(days=4), user, None, "五行目"),
        (AccountAction.log_in, NOON, person("stranger"), person("stranger"), "他社の行"),
    ):
        journal.note(action, at, user=about, actor=actor, note=note)
    db.session.commit()


def lines(page):
    return re.findall(r"[一二三四五]行目|他社の行", page.text)


@pytest.mark.requirement("I3", "I19")
def test_the_own_companys_lines_newest_first(client_of, history):
    page = client_of("admin").get("/admin/history/?last=2026-04-30")
    assert lines(page) == ["五行目", "四行目", "三行目", "二行目", "一行目"]
    assert "2026/04/01 23:59:00" in page.text
    assert "運営 百合" not in page.text and "運営者" in page.text
    assert lines(client_of("stranger").get("/admin/history/")) == ["他社の行"]


@pytest.mark.requirement("I3", "I19")
@pytest.mark.parametrize("query, expected", [
    ("first=2026-04-01&last=2026-04-01", ["二行目", "一行目"]),
    ("first=2026/04/02&last=2026/04/02", ["三行目"]),
    ("kind=log_in&last=2026-04-30", ["四行目", "二行目"]),
    ("kind=log_in&first=2026-04-02&last=2026-04-30", ["四行目"]),
    ("user=U99999999", []),
])  # fmt: skip
def test_conditions_narrow_the_list(client_of, history, query, expected):
    page = client_of("admin").get(f"/admin/history/?{query}")
    assert lines(page) == expected
    assert ("見つかりませんでした" in page.text) is (not expected)


@pytest.mark.requirement("I3")
def test_a_person_is_found_as_actor_and_as_the_one_concerned(client_of, history, person):
    page = client_of("admin").get(f"/admin/history/?last=2026-04-30&user={person('admin').user_code.lower()}")
    assert lines(page) == ["四行目", "三行目"]


@pytest.mark.requirement("I3")
def test_long_histories_come_in_pages_that_keep_the_conditions(client_of, person):
    db.session.query(AccountEvent).delete()
    for number in range(51):
        journal.note(AccountAction.unlocked, NOON, user=person("registrar"), note=f"第{number}回")
    db.session.commit()
    first = client_of("admin").get("/admin/history/?kind=unlocked")
    assert "51件" in first.text and "第50回" in first.text and "第0回" not in first.text
    assert re.search(r'href="/admin/history/\?[^"]*page=2[^"]*kind=unlocked|kind=unlocked[^"]*page=2', first.text)
    second = client_of("admin").get("/admin/history/?kind=unlocked&page=2")
    assert "第0回" in second.text and "第1回" not in second.text


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("query", ["first=soon", "last=9999-12-31", "first=0001-01-01", "kind=none", "user=" + "U" * 17])
def test_an_unreadable_condition_is_named_and_shows_no_line(client_of, history, query):
    page = client_of("admin").get(f"/admin/history/?{query}")
    assert page.status_code == 422 and lines(page) == []
    assert "form-error" in page.text


@pytest.mark.requirement("I19")
def test_a_note_is_shown_as_typed(client_of, person):
    journal.note(AccountAction.user_changed, NOON, user=person("registrar"), note="<b>髙﨑㈱</b>")
    db.session.commit()
    assert "&lt;b&gt;髙﨑㈱&lt;/b&gt;" in client_of("admin").get("/admin/history/").text


@pytest.mark.requirement("I19", "S7")
def test_the_operator_reads_all_lines_and_changes_none(client_of, history):
    client = client_of("operator")
    page = client.get("/operator/history/list/")
    assert "他社の行" in page.text and "パスワード初期化" in page.text and "None" not in page.text
    event = db.session.query(AccountEvent).first()
    for url in ("add", f"edit/{event.id}", f"delete/{event.id}"):
        assert client.post(f"/operator/history/{url}").status_code == 404


def test_an_address_made_by_hand_does_not_break_the_pages_of_the_list(client_of, person):
    for _ in range(60):
        journal.note(AccountAction.log_in, now(), user=person("admin"), actor=person("admin"))
    db.session.commit()
    reply = client_of("admin").get("/admin/history/?endpoint=x&page=2&_external=1")
    assert reply.status_code == 200 and "/admin/history/?" in reply.text and "endpoint" not in reply.text
