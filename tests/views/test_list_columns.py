"""表示する項目: chosen by each person for each list, remembered, and of no matter to the CSV file."""

import csv
import io
import re

import pytest

from app.extensions import db
from app.labels import LIST_COLUMN
from app.models import ListColumn, ListLayout
from app.services import list_layouts, personal_data
from app.views.archive_list import ArchiveListView
from app.views.document_list import DocumentListView
from app.workflow import SignatureMode, Status

NO_SIGNATURE = SignatureMode.no_signature
pytestmark = pytest.mark.requirement("I20", "R90")


def heads(page):
    return re.findall(r'<a class="sort"[^>]*>([^<]+)</a>', page)


@pytest.fixture
def waiting(make_document):
    return make_document(Status.receiver_receipt, NO_SIGNATURE, partner_number="A-17")


def choose(client, *columns, query="", **more):
    return client.post(f"/documents/columns{query}", {"columns": list(columns)} | more)


def test_chosen_columns_come_back_until_others_are_chosen(client_of, waiting):
    client = client_of("recipient")
    usual = heads(client.get("/documents/").text)
    assert usual == [LIST_COLUMN[column] for column in DocumentListView.columns]
    reply = choose(client, "deadline", "partner_number", "kind", query="?title=資材&sort=title")
    assert reply.status_code == 302 and "title=%E8%B3%87%E6%9D%90" in reply.location and "sort=title" in reply.location
    page = client.get(reply.location).text
    assert heads(page) == ["文書管理番号", "文書種別", "取引先管理番号", "署名期限"]
    assert "次回からも、この項目で表示します。" in page and 'data-label="取引先管理番号">A-17<' in page
    ticked = re.findall(r'<input[^>]*checked[^>]*name="columns"[^>]*value="(\w+)"', page)
    assert ticked == ["kind", "partner_number", "deadline"]
    assert heads(client_of("receiver_viewer").get("/documents/").text) in ([], usual)  # somebody else's
    assert heads(client_of("recipient").get("/documents/").text) == heads(page)  # in another browser
    choose(client)
    assert heads(client.get("/documents/").text) == ["文書管理番号"]
    choose(client, "kind", usual="y")
    assert heads(client.get("/documents/").text) == usual
    assert db.session.query(ListLayout).count() == 0


def test_the_csv_file_holds_all_columns_and_the_page_says_so(client_of, waiting):
    client = client_of("recipient")
    choose(client, "kind")
    assert "CSVには、ここでの選択にかかわらず、すべての項目が出力されます。" in client.get("/documents/").text
    head, line = csv.reader(io.StringIO(client.get("/documents/export.csv").text.removeprefix("\ufeff")))
    assert head == [LIST_COLUMN[column] for column in ListColumn]
    assert dict(zip(head, line, strict=True))["取引先管理番号"] == "A-17"


@pytest.mark.parametrize("column", ["archived_on", "sha256", "registrar_id", "<b>", "number'--"])
def test_a_column_that_is_not_offered_is_refused(client_of, waiting, column):
    client = client_of("recipient")
    assert choose(client, "title", column).status_code == 422
    assert db.session.query(ListLayout).count() == 0


@pytest.mark.parametrize("sort", ["deadline", "-deadline", "partner_number", "-partner_number"])
def test_what_is_empty_stands_last_whichever_way_it_is_sorted(client_of, waiting, make_document, sort):
    without = make_document(Status.receiver_receipt, NO_SIGNATURE)
    waiting.deadline = waiting.sent_at.date()
    db.session.commit()
    page = client_of("recipient").get(f"/documents/?sort={sort}").text
    assert page.index(waiting.number) < page.index(without.number)


def test_a_column_of_yesterday_that_the_list_no_longer_has_is_left_out(client_of, waiting, person):
    db.session.add(ListLayout(user_id=person("recipient").id, in_archive=False, columns=["number", "gone", "retained_until", "kind"]))
    db.session.commit()
    assert heads(client_of("recipient").get("/documents/").text) == ["文書管理番号", "文書種別"]


def test_every_offered_column_has_its_cell(client_of, waiting, person):
    person("recipient").company.has_case_at_receipt = True
    client = client_of("recipient")
    for view in (DocumentListView, ArchiveListView):
        assert set(view.columns) <= set(view.choosable) and view.choosable[0] is list_layouts.ALWAYS
    choose(client, *(column.value for column in DocumentListView.choosable[1:]))
    row = client.get("/documents/").text.split("<tbody>")[1].split("</tr>")[0]
    assert re.findall(r'data-label="([^"]+)"', row) == [LIST_COLUMN[column] for column in DocumentListView.choosable]


@pytest.mark.requirement("L23")
def test_the_choice_is_part_of_the_persons_own_data(client_of, waiting, person):
    choose(client_of("recipient"), "kind")
    db.session.add(ListLayout(user_id=person("viewer").id, in_archive=True, columns=["number"]))
    told = personal_data.export(person("recipient"), waiting.created_at)["一覧に表示する項目"]
    assert told == [{"一覧": "契約文書", "項目": ["文書管理番号", "文書種別"]}]
    person("recipient").deleted_at = waiting.created_at
    personal_data.erase(person("recipient"), person("receiver_admin"), waiting.created_at)
    assert [layout.user_id for layout in db.session.query(ListLayout)] == [person("viewer").id]
    db.session.rollback()
