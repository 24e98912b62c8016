"""The pages that explain the portal: there for everybody, and saying only what is so."""

import re
from pathlib import Path

import pytest

from app.clock import now
from app.extensions import db
from app.jobs import archive_transfer
from app.models import OutboxMessage
from app.services import credentials, outbox, resending, retention
from app.views.archive_extension import MOST_AT_ONCE
from app.views.guide import EDITIONS, FOR_OPERATORS, PAGES
from app.views.operator import VIEWS
from app.views.operator_archive import ArchiveRecordModelView
from app.views.operator_fees import FeeModelView
from app.views.operator_users import OperatorUserModelView
from app.workflow import Status

ALL = ["", *EDITIONS, *PAGES]


def text_of(page):
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", page.split("<main")[1].split("</main>")[0]))


@pytest.mark.requirement("R4", "R5", "L9")
def test_every_edition_can_be_read_by_whoever_asks(browser):
    reader = browser()
    index = reader.get("/guide/").text
    for page in (*EDITIONS, *PAGES):
        reply = reader.get(f"/guide/{page}")
        assert reply.status_code == 200 and f"<h1>{(EDITIONS | PAGES)[page]}</h1>" in reply.text
        assert f'href="/guide/{page}"' in index
    assert reader.get("/guide/unknown").status_code == 404
    assert 'href="/guide/system"' in reader.get("/login/").text


@pytest.mark.requirement("L9", "L11", "L12", "L13", "L21")
def test_the_system_description_says_how_records_are_kept_shown_searched_and_proved(browser, application):
    text = text_of(browser().get("/guide/system").text)
    for part in ("システム概要書", "見読性", "検索性", "原本性", "本人性", "完全性", "機密性", "契約締結年月日、契約金額、取引先",
                 "範囲で指定", f"{application.config['ARCHIVE_YEARS']}年", "訂正・削除", "第19条第3項"):  # fmt: skip
        assert part in text, part


@pytest.mark.requirement("L12", "L18")
def test_nothing_is_claimed_that_is_not_so(browser, application, monkeypatch):
    pages = {page: text_of(browser().get(f"/guide/{page}").text) for page in ALL}
    for page, text in pages.items():
        for word in ("認定", "適合"):
            for found in re.finditer(word, text):
                around = text[found.start() : found.end() + 40]
                assert re.search(r"(ではありません|ものではありません)", around), (page, around)
    assert "総務大臣の認定を受けた時刻認証業務ではありません" in pages["system"]
    monkeypatch.setitem(application.config, "TSA_URLS", ["https://tsa.example/"])
    assert "認定を受けた時刻認証" not in text_of(browser().get("/guide/system").text)


@pytest.mark.requirement("L22")
def test_the_faq_answers_on_stamp_duty_and_on_printed_copies(browser):
    text = text_of(browser().get("/guide/faq").text)
    assert "印紙税法基本通達第44条" in text and "「電子契約の写し（控え）」" in text and "原本の代わりにはなりません" in text


def test_who_must_change_the_password_first_may_read_them_too(app, browser, person):
    credentials.give_initial_password(person("recipient"), now())
    db.session.commit()
    secret = outbox.secret_of(db.session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first())
    reader = browser()
    reader.log_in(person("recipient").user_code, secret)
    assert reader.get("/").status_code == 302
    assert reader.get("/guide/receiver").status_code == 200


# what a link or a button of a template is called
CALLED = re.compile(r'(?:button\(|code_field\([^"]+)"([^"]+)"|>([^<>{}]+)</(?:a|button)>')
WRITTEN = {
    name
    for template in (Path(__file__).parents[2] / "templates").rglob("*.html") if template.parent.name != "guide"
    for found in CALLED.findall(template.read_text("utf-8")) for name in found if name
}  # fmt: skip


def shown_to(client, *urls):
    """What the links and buttons of some pages are called."""
    pages = "".join(client.get(url).text for url in urls)
    return {re.sub(r"<[^>]+>", "", text).strip().removesuffix("▼") for text in re.findall(r"<(?:a|button)\b[^>]*>(.*?)</(?:a|button)>", pages, re.S)}


@pytest.mark.requirement("R4", "I21")
def test_the_operators_editions_are_for_operators_and_name_only_what_is_there(client_of, browser):
    operator = client_of("operator")
    urls = ["/operator/mails/list/", "/operator/fees/list/", "/operator/fees/add", "/operator/users/show/1", "/operator/plans/list/"]
    there = WRITTEN | shown_to(operator, *urls) | shown_to(client_of("admin"), "/")
    for view in (*(view for view, _ in VIEWS), ArchiveRecordModelView, FeeModelView, OperatorUserModelView):
        there |= {getattr(view, name)._action[1] for name in dir(view) if hasattr(getattr(view, name, None), "_action")}
    instead = set(re.findall(r"［([^］]+)］", "".join(resending.INSTEAD.values())))
    assert len(instead) > 5 and instead <= there, instead - there
    for page, title in FOR_OPERATORS.items():
        reply = operator.get(f"/guide/{page}")
        assert reply.status_code == 200 and f"<h1>{title}</h1>" in reply.text
        assert f'href="/guide/{page}"' in operator.get("/guide/").text
        named = set(re.findall(r"［([^］]+)］", text_of(reply.text)))
        assert len(named) > 8 and named <= there, named - there
        for reader in (browser(), client_of("admin")):
            assert reader.get(f"/guide/{page}").status_code == 404 and title not in reader.get("/guide/").text


@pytest.mark.requirement("R4", "I21")
def test_the_operators_editions_tell_of_every_page_of_their_menu(client_of):
    operator = client_of("operator")
    told = "".join(text_of(operator.get(f"/guide/{page}").text) for page in FOR_OPERATORS)
    menu = re.search(r"運営者業務.*?</ul>", operator.get("/guide/").text, re.S).group()
    items = re.findall(r"<a [^>]*>([^<]+)</a>", menu)
    assert len(items) > 12 and [item for item in items if f"［{item}］" not in told] == []


@pytest.mark.requirement("L9", "R94", "R98")
def test_the_manual_of_the_archive_names_what_its_pages_have(browser, client_of, make_document, application):
    text = text_of(browser().get("/guide/archive").text)
    archived = make_document(Status.completion_wait)
    archive_transfer.run_one(archived.id, now())
    page, listed = (text_of(client_of("registrar").get(url).text) for url in (f"/documents/{archived.id}", "/archive/"))
    for word, where in (
        ("この契約文書を検証する", page), ("印刷用の写しを表示", page), ("合意締結証明書をダウンロード", page), ("情報の訂正", page),
        ("変更契約書・覚書を作成", page), ("金額なし", listed), ("一括ダウンロード", listed), ("作成したファイルの一覧", listed),
        ("表示する項目を選ぶ", listed),
    ):  # fmt: skip
        assert word in text and word in where, word
    for days in retention.NOTICE_DAYS:
        assert f"{days}日前" in text
    assert f"満了から{application.config['ARCHIVE_GRACE_DAYS']}日間" in text and f"{MOST_AT_ONCE}件まで" in text
