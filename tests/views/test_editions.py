"""［変更内容の確認］: who may compare what, and how what changed is said."""

import html
import re
import threading

import pytest

from app.extensions import db
from app.services import editions, pictures
from app.workflow import SignatureMode, Status
from tests import pdfs
from tests.services.test_editions import correct, redrawn, remand  # noqa: F401 - a fixture

NO_SIGNATURE = SignatureMode.no_signature
pytestmark = pytest.mark.requirement("T11", "I18", "S7")


@pytest.fixture
def corrected(make_document, correct):  # noqa: F811
    """Sent, remanded by the recipient, sent again with another title, another amount and another second page."""
    document = make_document(Status.receiver_receipt, NO_SIGNATURE, comment="発出側だけの話")
    remand(document)
    pdf = redrawn(pdfs.contract(), page=1)
    correct(document, pdf=pdf, title="資材注文書<i>改</i>", amount_yen=2_000_000)
    return document


def changes_of(document, query=""):
    return f"/documents/{document.id}/changes{query}"


@pytest.mark.parametrize("who, answer", [
    ("registrar", 200), ("recipient", 200), ("admin", 404), ("colleague", 404), ("receiver_colleague", 404),
    ("receiver_admin", 404), ("stranger", 404), ("operator", 403), ("anonymous", 302),
])  # fmt: skip
def test_who_may_compare(client_of, corrected, who, answer):
    client = client_of(who)
    assert client.get(changes_of(corrected)).status_code == answer
    for edition in (1, 2):
        reply = client.get(f"/documents/{corrected.id}/editions/{edition}/pages/1.png")
        assert reply.status_code == answer
        assert (reply.mimetype == "image/png") is (answer == 200)


def test_facts_and_pages_stand_side_by_side_and_what_changed_is_said_in_words(client_of, corrected):
    page = client_of("recipient").get(changes_of(corrected)).text
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr[ >].*?</tr>", page, re.S)]
    told = {row.split("|")[2]: row for row in rows if "変更" in row and "項目" not in row}
    assert [name for name, row in told.items() if "変更あり" in row] == [
        "契約件名", "契約金額(税込)", "契約文書(PDF)のファイル名",
    ]  # fmt: skip
    assert "1,848,000円" in told["契約金額(税込)"] and "2,000,000円" in told["契約金額(税込)"]
    assert "<i>改" not in page and html.escape("資材注文書<i>改</i>") in page
    assert page.count("change--added") == 3 and "変更のあるところに、帯を付けて" in page  # 1 page before, 4 now
    assert "発出側だけの話" not in page and "登録 花子" not in page


@pytest.mark.requirement("T11", "S4")
def test_no_transaction_is_open_while_pages_are_compared(client_of, corrected, monkeypatch):
    seen, page_rows = [], editions.page_rows

    def watched(*args):
        seen.append(db.session().in_transaction())
        return page_rows(*args)

    monkeypatch.setattr(editions, "page_rows", watched)
    editions._chunk.cache_clear()
    page = client_of("recipient").get(changes_of(corrected)).text
    assert seen == [False, False]  # one look at each file
    assert corrected.number in page and page.count("の発信</span>") == 2


@pytest.mark.parametrize("query", [
    "?from=0", "?from=2", "?from=1&to=1", "?to=3", "?from=2&to=1", "?from=-1", "?to=99999999999999999999",
])  # fmt: skip
def test_rounds_that_are_not_there_are_not_found(client_of, corrected, query):
    client = client_of("recipient")
    assert client.get(changes_of(corrected, query)).status_code == 404


@pytest.mark.parametrize("query", ["?page=0", "?page=x", "?page=999", "?from=x", "?from=1&to=2"])
def test_odd_numbers_break_nothing(client_of, corrected, query):
    assert client_of("registrar").get(changes_of(corrected, query)).status_code == 200


@pytest.mark.parametrize("edition, number", [(0, 1), (3, 1), (1, 2), (2, 5), (2, 0), (2, 99999999999999999999)])
def test_pages_that_are_not_there_are_not_found(client_of, corrected, edition, number):
    url = f"/documents/{corrected.id}/editions/{edition}/pages/{number}.png"
    assert client_of("recipient").get(url).status_code == 404


@pytest.mark.requirement("S4")
def test_pages_of_rounds_are_kept_and_drawn_a_few_at_a_time_like_all_others(client_of, corrected, monkeypatch):
    monkeypatch.setattr(pictures, "_kept", pictures._Kept(1024 * 1024))
    monkeypatch.setattr(pictures, "_drawing", threading.BoundedSemaphore(1))
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.1)
    editions._chunk.cache_clear()
    client, url = client_of("registrar"), f"/documents/{corrected.id}/editions/1/pages/1.png"
    with pictures._drawing:
        assert client.get(url).status_code == client.get(changes_of(corrected)).status_code == 503
    drawn = client.get(url)
    with pictures._drawing:
        assert client.get(url).data == drawn.data


def test_the_page_of_the_document_and_the_receipt_lead_there(client_of, corrected, make_document):
    link = f'href="{changes_of(corrected)}"'
    client = client_of("recipient")
    for url in (f"/documents/{corrected.id}", f"/documents/{corrected.id}/receipt"):
        page = client.get(url).text
        assert "前回から変更があります" in page and link in page
        assert "変更された項目：契約件名、契約金額(税込)" in page
    assert link in client_of("registrar").get(f"/documents/{corrected.id}").text
    assert link not in client_of("admin").get(f"/documents/{corrected.id}").text
    once = make_document(Status.receiver_receipt, NO_SIGNATURE)
    assert "変更内容の確認" not in client.get(f"/documents/{once.id}").text


@pytest.mark.requirement("T10")
def test_after_a_second_return_the_receiver_compares_nothing_more(client_of, corrected):
    remand(corrected)
    assert client_of("recipient").get(changes_of(corrected)).status_code == 404
    assert client_of("registrar").get(changes_of(corrected)).status_code == 200
