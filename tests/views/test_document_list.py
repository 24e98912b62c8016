"""The two search pages: conditions in the address, heads that sort, CSV files, saved searches."""

import csv
import datetime as dt
import html
import io
import re
from itertools import combinations

import pytest

from app.clock import japan_date, now
from app.extensions import db
from app.labels import LIST_COLUMN
from app.models import ContractDocument, Level, ListColumn, SavedSearch
from app.queries import SORTABLE
from app.services import archive, documents, listing, searches
from app.services.signatures import SignedFile
from app.workflow import SignatureMode, Status
from tests.databases import statements_in

NO_SIGNATURE = SignatureMode.no_signature
ROW = re.compile(r'data-label="契約件名"[^>]*>([^<]*)<')
DAY = dt.date


def titles(reply):
    assert reply.status_code == 200, reply.text
    return [html.unescape(title) for title in ROW.findall(reply.text)]


@pytest.fixture
def three(make_document):
    """A, B and C wait for their recipient; each differs from the others in every fact."""
    made = [
        make_document(Status.receiver_receipt, NO_SIGNATURE, title=title, amount_yen=amount, conclusion_date=day)
        for title, amount, day in (("A", 300, DAY(2026, 2, 1)), ("B", None, None), ("C", 100, DAY(2026, 3, 1)))
    ]
    for number, document in enumerate(made, start=1):
        document.created_at = dt.datetime(2026, 1, number, 3, tzinfo=dt.UTC)
        document.sent_at = dt.datetime(2026, 6, number, 3, tzinfo=dt.UTC)
    db.session.commit()
    return made


def archive_it(document, moment):
    file = SignedFile(f"{document.id:064d}", document.pdf_sha256, 1, Level.timestamped)
    archive.archive(document, moment, file=file)
    db.session.commit()


# -- conditions ----------------------------------------------------------------


@pytest.mark.requirement("L5", "R90", "R94", "I20")
@pytest.mark.parametrize("page, first, last, sentence", [
    ("documents", "concluded_from=2026-02-02", "concluded_to=2026-02-01", "日付の順序"),
    ("documents", "registered_from=2026-02-02", "registered_to=2026-02-01", "日付の順序"),
    ("documents", "amount_from=2", "amount_to=1", "金額の範囲"),
    ("archive", "archived_from=2026-02-02", "archived_to=2026-02-01", "日付の順序"),
    ("archive", "retained_from=2036-02-02", "retained_to=2036-02-01", "日付の順序"),
])  # fmt: skip
def test_a_range_that_ends_before_it_begins_is_named_and_what_was_typed_stays(
    client_of, page, first, last, sentence
):
    client = client_of("recipient")
    reply = client.get(f"/{page}/?{first}&{last}")
    assert reply.status_code == 422 and sentence in reply.text
    assert all(f'value="{half.split("=")[1]}"' in reply.text for half in (first, last))
    assert client.get(f"/{page}/export.csv?{first}&{last}").status_code == 422
    for open_range in (first, last):
        assert client.get(f"/{page}/?{open_range}").status_code == 200


@pytest.mark.parametrize("query, sentence", [
    ("registered_to=9999-12-31", "2000年以降"),
    ("registered_from=0001-01-01", "2000年以降"),
    ("kind=x", "選択肢が正しくありません"),
    ("side=x", "選択肢が正しくありません"),
    ("sort=sha256", "選択肢が正しくありません"),
    ("sort=registrar_id", "選択肢が正しくありません"),
    ("number=" + "9" * 17, "16文字以内"),
])  # fmt: skip
def test_what_no_form_offers_is_refused_in_japanese(client_of, query, sentence):
    reply = client_of("recipient").get(f"/documents/?{query}")
    assert reply.status_code == 422 and sentence in reply.text


@pytest.mark.parametrize("query", ["endpoint=x&page=2", "_scheme=javascript", "_external=1", "_anchor=x", "size=7"])
def test_a_strange_address_neither_breaks_the_page_nor_reaches_its_links(client_of, three, query):
    reply = client_of("recipient").get(f"/documents/?{query}")
    assert reply.status_code in (200, 422)
    assert not re.search(r'href="(http|javascript|[^"]*#x|[^"]*endpoint)', reply.text)


@pytest.mark.requirement("I20", "L5")
def test_any_two_conditions_together_find_what_both_find(client_of, three, person):
    client = client_of("recipient")
    alone = {
        condition: set(titles(client.get(f"/documents/?{condition}")))
        for condition in (
            "number=D00000001", "title=a", "partner=発出", "kind=order", "mode=no_signature", "side=receiver",
            "person=受取太郎", "status=receiver_receipt", "registered_from=2026-06-02", "registered_to=2026-06-02",
            "concluded_from=2026-02-02", "concluded_to=2026-02-28", "amount_from=200", "amount_to=200", "without_amount=y",
        )
    }  # fmt: skip
    assert alone["person=受取太郎"] == alone["side=receiver"] == {"A", "B", "C"}
    assert alone["concluded_to=2026-02-28"] == alone["amount_from=200"] == {"A"} and alone["without_amount=y"] == {"B"}
    for one, other in combinations(alone, 2):
        assert set(titles(client.get(f"/documents/?{one}&{other}"))) == alone[one] & alone[other], (one, other)


@pytest.mark.requirement("I20", "L5", "R94", "R95")
@pytest.mark.parametrize("query, found", [
    ("", ["B", "A"]),
    ("archived_from=2027-02-05", ["B"]),
    ("archived_to=2027-01-05", ["A"]),
    ("retained_from=2037-02-01", ["B"]),
    ("retained_to=2037-02-01", ["A"]),
    ("retained_from=2037-01-01&retained_to=2037-12-31&archived_to=2027-01-31", ["A"]),
    ("retained_to=2036-12-31", []),
    ("sort=retained_until", ["A", "B"]),
])  # fmt: skip
def test_the_archive_is_searched_by_the_days_of_keeping(client_of, make_document, query, found):
    for title, month in (("A", 1), ("B", 2)):
        document = make_document(Status.completion_wait, NO_SIGNATURE, title=title)
        archive_it(document, dt.datetime(2027, month, 4, 17, tzinfo=dt.UTC))
    assert titles(client_of("recipient").get(f"/archive/?{query}")) == found


@pytest.mark.requirement("R90", "R94", "I20")
def test_rare_conditions_are_folded_until_one_is_used_or_wrong(client_of, three):
    client = client_of("recipient")
    for query, is_open in (("", False), ("title=A", False), ("kind=order", True), ("sort=title", True), ("kind=x", True),
                           ("registered_from=2026-02-01&registered_to=2026-01-01", True)):  # fmt: skip
        assert ('<details class="more" open' in client.get(f"/documents/?{query}").text) is is_open, query


@pytest.mark.requirement("I18", "I20")
def test_the_receiver_does_not_learn_when_the_sender_began(client_of, three):
    sender, receiver = client_of("registrar"), client_of("recipient")
    began = "registered_from=2026-01-01&registered_to=2026-01-31"
    assert titles(sender.get(f"/documents/?{began}")) == ["C", "B", "A"]
    assert titles(receiver.get(f"/documents/?{began}")) == []
    assert "2026/01/0" in sender.get("/documents/").text
    assert "2026/01/0" not in receiver.get("/documents/").text and "2026/06/01" in receiver.get("/documents/").text
    assert "2026/01/0" not in receiver.get("/documents/export.csv").text


# -- order and pages -----------------------------------------------------------


@pytest.mark.requirement("I20")
@pytest.mark.parametrize("sort, found", [
    ("number", "ABC"), ("-number", "CBA"), ("title", "ABC"), ("-title", "CBA"), ("amount", "CAB"), ("-amount", "ACB"),
    ("conclusion_date", "ACB"), ("-conclusion_date", "CAB"), ("registered_on", "ABC"), ("-registered_on", "CBA"),
    ("kind", "CBA"), ("-status", "CBA"), ("partner", "CBA"),
])  # fmt: skip
def test_the_result_is_sorted_with_what_is_empty_last_and_equals_newest_first(client_of, three, sort, found):
    assert titles(client_of("registrar").get(f"/documents/?sort={sort}")) == list(found)


@pytest.mark.requirement("I20")
def test_statuses_and_partners_are_sorted_too(client_of, make_document, person):
    for title, status in (("A", Status.receiver_receipt), ("B", Status.completion_wait), ("C", Status.draft)):
        make_document(status, NO_SIGNATURE, title=title)
    client = client_of("registrar")
    assert titles(client.get("/documents/?sort=status")) == ["C", "A", "B"]
    assert titles(client.get("/documents/?sort=-status")) == ["B", "A", "C"]
    document = db.session.query(ContractDocument).filter_by(title="B").one()
    document.receivers[0].company = person("stranger").company  # 第三電工 comes before or after 受領設備
    db.session.commit()
    up, down = (titles(client.get(f"/documents/?sort={sort}partner")) for sort in ("", "-"))
    assert {tuple(up), tuple(down)} == {("B", "C", "A"), ("C", "A", "B")}


@pytest.mark.requirement("I20", "R108")
def test_the_heads_of_the_table_sort_and_keep_the_conditions(client_of, three):
    client = client_of("registrar")
    page = client.get("/documents/?title=&amount_from=1&size=50").text
    heads = {word: html.unescape(href) for href, word in re.findall(r'<a class="sort" href="([^"]+)">([^<]+)<', page)}
    assert list(heads) == ["文書管理番号", "契約件名", "取引先", "契約締結年月日", "契約金額(税込)", "登録日", "ステータス"]
    assert re.findall(r'<th scope="col" aria-sort="(\w+)"', page) == ["descending"]
    for href in heads.values():
        assert "amount_from=1" in href and "size=50" in href
    assert titles(client.get(heads["契約金額(税込)"])) == ["C", "A"]
    page = client.get(heads["契約金額(税込)"]).text
    assert 'aria-sort="ascending"' in page and "sort=-amount" in page
    assert len(re.findall(r'<a class="sort"', client_of("admin").get("/archive/").text)) == 0  # nothing found


@pytest.mark.requirement("I20")
def test_each_column_of_either_list_can_be_sorted_by(client_of, three, person):
    person("registrar").company.has_case_at_registration = True
    client = client_of("registrar")
    archive_only = {ListColumn.archived_on, ListColumn.retained_until}
    for column in SORTABLE:
        for sign in ("", "-"):
            assert client.get(f"/archive/?sort={sign}{column}").status_code == 200
            expected = 422 if column in archive_only else 200
            assert client.get(f"/documents/?sort={sign}{column}").status_code == expected


@pytest.mark.requirement("I20")
def test_pages_keep_the_conditions_and_the_last_one_is_the_last(client_of, make_document, upload):
    for number in range(21):
        make_document(Status.draft, NO_SIGNATURE, title=f"第{number:02d}号", amount_yen=number)
    client = client_of("registrar")
    first = client.get("/documents/?title=号&sort=title")
    assert titles(first) == [f"第{number:02d}号" for number in range(20)] and "21件（1ページ目、全2ページ）" in first.text
    following = html.unescape(re.search(r'<a href="([^"]+)" rel="next"', first.text).group(1))
    assert titles(client.get(following)) == ["第20号"]
    assert titles(client.get("/documents/?title=号&sort=title&page=99")) == ["第20号"]
    larger = html.unescape(re.search(r'<a href="([^"]+)">50件', first.text).group(1))
    assert len(titles(client.get(larger))) == 21 and "page=" not in larger
    assert 'name="size" value="50"' in client.get(larger).text  # the next search keeps it


# -- CSV -------------------------------------------------------------------------


def lines_of(reply):
    assert reply.status_code == 200 and reply.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(reply.data.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.requirement("L7", "I20", "L6")
def test_the_csv_file_holds_every_column_of_every_document_found(client_of, three):
    client = client_of("registrar")
    reply = client.get("/documents/export.csv?sort=amount")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert reply.headers["Content-Disposition"] == f'attachment; filename="documents-{japan_date(now()):%Y%m%d}.csv"'
    assert reply.data.count(b"\r\n") == 4
    header, *rows = lines_of(reply)
    assert header == ["文書管理番号", "契約件名", "文書種別", "署名区分", "ステータス", "取引先", "契約締結年月日", "契約金額(税込)",
                      "保管開始日", "保管満了日", "登録日", "SHA-256", "署名期限", "取引先管理番号", "案件"]  # fmt: skip
    assert header == list(LIST_COLUMN.values())
    assert [row[1] for row in rows] == ["C", "A", "B"]
    assert rows[1] == ["D00000001", "A", "注文書", "署名なし", "受領側受取待ち", "受領設備株式会社", "2026/02/01", "300", "", "",
                       "2026/01/01", three[0].pdf_sha256, "", "", ""]  # fmt: skip
    assert rows[2][6:8] == ["", ""]
    assert [row[1] for row in lines_of(client.get("/documents/export.csv?amount_from=200"))[1:]] == ["A"]
    assert lines_of(client.get("/documents/export.csv?title=無い")) == [header]


@pytest.mark.requirement("L7", "R94")
def test_the_csv_file_of_the_archive_has_the_days_of_keeping(client_of, make_document):
    document = make_document(Status.completion_wait, NO_SIGNATURE)
    archive_it(document, dt.datetime(2027, 1, 4, 17, tzinfo=dt.UTC))
    reply = client_of("recipient").get("/archive/export.csv?archived_from=2027-01-05")
    assert reply.headers["Content-Disposition"].startswith('attachment; filename="archive-')
    assert lines_of(reply)[1][8:10] == ["2027/01/05", "2037/01/05"]
    assert len(lines_of(client_of("recipient").get("/documents/export.csv"))) == 1


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("title", [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =HYPERLINK(\"http://x\")", "＝1+1", "－（仮）", "＠社",
])  # fmt: skip
def test_no_cell_is_taken_for_a_formula(client_of, three, title):
    three[0].title, three[0].receivers[0].company.name = title, title
    db.session.commit()
    row = lines_of(client_of("registrar").get("/documents/export.csv?sort=number"))[1]
    assert row[1] == row[5] == f"'{title}"


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("title", ['"契約", の\n件名', "A=B", "工事-1", "<b>x</b>", "", "2026/01/01"])
def test_what_is_no_formula_stays_as_it_is(client_of, three, title):
    three[0].title = title
    db.session.commit()
    assert lines_of(client_of("registrar").get("/documents/export.csv?sort=number"))[1][1] == title


@pytest.mark.requirement("L7", "P4")
def test_a_long_file_comes_in_batches_in_one_order(client_of, three, monkeypatch):
    monkeypatch.setattr(listing, "LINES_AT_ONCE", 2)
    assert [row[1] for row in lines_of(client_of("registrar").get("/documents/export.csv?sort=-title"))[1:]] == ["C", "B", "A"]


@pytest.mark.requirement("L7", "I18")
def test_what_is_taken_away_meanwhile_is_not_in_the_rest_of_the_file(app, three, person, monkeypatch):
    monkeypatch.setattr(listing, "LINES_AT_ONCE", 1)
    recipient = person("recipient").id
    pieces = listing.pieces(app, recipient, [document.id for document in three])
    assert "文書管理番号" in next(pieces) and ",A," in next(pieces)
    documents.remand(three[1], three[1].holder, now(), reason="x")
    db.session.commit()
    assert next(pieces) == "" and ",C," in next(pieces)


@pytest.mark.requirement("L7")
def test_too_much_for_one_file_is_said_on_the_page_and_at_its_address(client_of, three, monkeypatch):
    monkeypatch.setattr(listing, "MOST_LINES", 2)
    client = client_of("registrar")
    page = client.get("/documents/").text
    assert "CSVを出力できません" in page and ">CSV出力<" not in page
    reply = client.get("/documents/export.csv")
    assert reply.status_code == 422 and "範囲を分けて" in reply.text
    assert ">CSV出力<" in client.get("/documents/?amount_from=1").text
    assert len(lines_of(client.get("/documents/export.csv?amount_from=1"))) == 3


@pytest.mark.requirement("R89", "I18", "L7")
@pytest.mark.parametrize("who, found", [
    ("registrar", 3), ("viewer", 3), ("admin", 3), ("recipient", 3), ("receiver_admin", 3),
    ("colleague", 0), ("receiver_colleague", 0), ("stranger", 0),
])  # fmt: skip
def test_page_and_file_hold_what_the_person_may_see(client_of, three, who, found):
    client = client_of(who)
    assert len(titles(client.get("/documents/"))) == found
    assert len(lines_of(client.get("/documents/export.csv"))) == found + 1


# -- saved searches ----------------------------------------------------------------


def save(client, query, name, place="documents"):
    return client.post(f"/{place}/searches?{query}", {"save-name": name})


def saved_links(page):
    found = re.search(r'<ul class="saved-searches.*?</ul>', page, re.S)
    return {name: html.unescape(href) for href, name in re.findall(r'<a href="([^"]+)">([^<]+)</a>', found.group() if found else "")}


@pytest.mark.requirement("I20")
def test_a_search_is_saved_used_and_deleted(client_of, three):
    client = client_of("registrar")
    assert "この検索条件を保存" not in client.get("/documents/?sort=title").text
    page = client.get("/documents/?amount_from=１００&sort=-amount&page=1").text
    action = html.unescape(re.search(r'<form action="(/documents/searches[^"]*)" method="post">', page).group(1))
    reply = client.post(action, {"save-name": " 高い順 "})
    assert reply.status_code == 302 and "「高い順」を保存しました" in client.get(reply.location).text
    links = saved_links(client.get("/documents/").text)
    assert list(links) == ["高い順"] and titles(client.get(links["高い順"])) == ["A", "C"]
    assert saved_links(client.get("/archive/").text) == {}
    saved = db.session.query(SavedSearch).one()
    assert saved.conditions == {"amount_from": 100, "sort": "-amount"} and saved.in_archive is False
    delete = f"searches/{saved.id}/delete"
    assert client.post(f"/archive/{delete}").status_code == 404
    reply = client.post(f"/documents/{delete}")
    assert reply.status_code == 302 and "「高い順」を削除しました" in client.get(reply.location).text
    assert db.session.query(SavedSearch).count() == 0
    assert client.post(f"/documents/{delete}").status_code == 404


@pytest.mark.requirement("I20", "S12")
def test_of_an_address_only_checked_conditions_are_kept(client_of, three):
    client = client_of("registrar")
    save(client, "title=A&next=https://evil.example&_external=1&_scheme=javascript&endpoint=x&page=7&status=draft", "条件")
    assert db.session.query(SavedSearch).one().conditions == {"title": "A", "status": ["draft"]}
    assert saved_links(client.get("/documents/").text)["条件"] in (
        "/documents/?title=A&status=draft", "/documents/?status=draft&title=A"
    )  # fmt: skip


@pytest.mark.requirement("I20")
@pytest.mark.parametrize("query, name, sentence", [
    ("title=A", "", "検索条件の名前を入力してください"),
    ("title=A", "あ" * 65, "64文字以内"),
    ("title=A", "a\u202eb", "目に見えない文字"),
    ("title=A", "使用中", "別の名前を入力してください"),
    ("", "空", "検索条件が指定されていません"),
    ("sort=title&size=50", "空", "検索条件が指定されていません"),
    ("amount_from=2&amount_to=1", "逆", "金額の範囲"),
])  # fmt: skip
def test_what_cannot_be_saved_is_refused_and_nothing_is_kept(client_of, three, query, name, sentence):
    client = client_of("registrar")
    save(client, "title=B", "使用中")
    reply = save(client, query, name)
    assert reply.status_code == 422 and sentence in reply.text
    assert [saved.name for saved in db.session.query(SavedSearch)] == ["使用中"]
    if query == "title=A":
        assert '<details class="more save-search no-print" open' in reply.text and f'value="{name}"' in reply.text
        assert titles(client.get("/documents/?title=A")) == ["A"]


@pytest.mark.requirement("I20", "Q3")
def test_sent_twice_a_search_is_saved_once(client_of, three):
    client = client_of("registrar")
    assert [save(client, "title=A", "工事").status_code for _ in range(2)] == [302, 422]
    assert save(client, "title=A", "工事", place="archive").status_code == 302
    assert db.session.query(SavedSearch).count() == 2


@pytest.mark.requirement("I20")
def test_a_person_keeps_twenty_searches_of_either_list(client_of, person):
    for number in range(searches.MOST_SAVED):
        searches.save(person("registrar"), now(), name=f"{number}", in_archive=False, conditions={"title": "A"})
    db.session.commit()
    client = client_of("registrar")
    reply = save(client, "title=A", "多い")
    assert reply.status_code == 422 and "20件まで" in reply.text and len(saved_links(reply.text)) == 20
    assert save(client, "title=A", "長期", place="archive").status_code == 302
    assert save(client_of("approver"), "title=A", "多い").status_code == 302


@pytest.mark.requirement("I20", "I18", "S7")
@pytest.mark.parametrize("who", ["colleague", "admin", "recipient", "stranger"])
def test_saved_searches_are_the_persons_own(client_of, person, who):
    assert save(client_of("registrar"), "partner=秘密の取引先", "極秘").status_code == 302
    saved, client = db.session.query(SavedSearch).one(), client_of(who)
    assert "極秘" not in client.get("/documents/").text
    for search_id in (saved.id, 999_999, 2**40):
        assert client.post(f"/documents/searches/{search_id}/delete").status_code == 404
    assert db.session.query(SavedSearch).count() == 1


@pytest.mark.requirement("I20", "S14")
def test_a_hostile_name_of_a_search_is_only_a_text(client_of):
    client = client_of("registrar")
    save(client, "title=A", '"><script>alert(1)</script>')
    page = client.get("/documents/").text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)&lt;/script&gt;" in page


# -- speed -----------------------------------------------------------------------------


@pytest.mark.requirement("P4")
def test_the_number_of_statements_does_not_grow_with_the_result(client_of, three, make_document, monkeypatch):
    client, asked = client_of("recipient"), []

    def statements(url):
        asked.clear()
        assert client.get(url).data
        return len(asked)

    save(client, "title=A", "一")
    with statements_in(asked):
        page, file = statements("/documents/?sort=partner&person=太郎"), statements("/documents/export.csv")
        assert page <= 8, asked
        for _ in range(3):
            make_document(Status.receiver_receipt, NO_SIGNATURE)
        save(client, "title=A", "二")
        assert statements("/documents/?sort=partner&person=太郎") == page
        assert statements("/documents/export.csv") == file <= 12
