"""［一括ダウンロード］: from the list to the file, taken up again where it was cut off, and whose it is."""

import hashlib
import html
import io
import re
import shutil
import zipfile

import pytest

from app.clock import japan_date, now
from app.extensions import db
from app.jobs import run_job
from app.models import BulkDownload
from app.services import archive, documents
from app.services.signatures import SignedFile
from app.services.strongroom import strongroom
from app.workflow import SignatureMode, Status

NO_SIGNATURE = SignatureMode.no_signature


@pytest.fixture
def two(make_document):
    shutil.rmtree(strongroom().store.folder / "downloads", ignore_errors=True)
    return [make_document(Status.receiver_receipt, NO_SIGNATURE, title=title, amount_yen=amount) for title, amount in (("A", 1), ("B", None))]


def build():
    db.session.commit()
    run_job("bulk-download")
    db.session.commit()


def ask(client, query="", place="documents"):
    """Press the button that stands on the list."""
    page = client.get(f"/{place}/?{query}").text
    action = html.unescape(re.search(rf'<form action="(/{place}/downloads[^"]*)" method="post">', page).group(1))
    return client.post(action)


@pytest.fixture
def ready(client_of, two):
    client = client_of("recipient")
    url = ask(client).location
    build()
    return client, url


@pytest.mark.requirement("L7", "I20", "R90")
def test_from_the_list_to_the_file(client_of, two):
    client = client_of("recipient")
    assert "作成したファイルはありません" in client.get("/downloads/").text
    reply = ask(client, "title=A&sort=amount")
    assert reply.status_code == 302 and re.fullmatch(r"/downloads/\d+", reply.location)
    page = client.get(reply.location).text
    assert "受け付けました" in page and "作成待ち" in page and "1件のうち0件" in page and "data-progress" in page
    assert f"{reply.location}/file" not in page and "/documents/?sort=amount&amp;title=A" in page.replace("title=A&amp;sort=amount", "sort=amount&amp;title=A")
    refused = client.get(f"{reply.location}/file")
    assert refused.status_code == 422 and "まだ準備できていません" in refused.text
    build()
    page = client.get(reply.location).text
    assert "ファイルの準備ができました" in page and "data-progress" not in page
    file = client.get(f"{reply.location}/file")
    assert file.mimetype == "application/zip" and file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Content-Disposition"] == f'attachment; filename="documents-{japan_date(now()):%Y%m%d}.zip"'
    assert zipfile.ZipFile(io.BytesIO(file.data)).namelist() == ["D00000001_契約文書_A.pdf", "index.csv"]
    listed = client.get("/downloads/").text
    assert "準備完了" in listed and f'href="{reply.location}"' in listed


@pytest.mark.requirement("L7", "R94", "R95")
def test_the_archive_has_the_button_too(client_of, make_document):
    document = make_document(Status.completion_wait, NO_SIGNATURE, title="保管")
    revision = document.revisions[-1]
    archive.archive(document, now(), file=SignedFile(document.pdf_sha256, revision.sha256, revision.size_bytes, revision.level))
    db.session.commit()
    client = client_of("recipient")
    reply = ask(client, "amount_from=1", "archive")
    build()
    file = client.get(f"{reply.location}/file")
    assert file.headers["Content-Disposition"].startswith('attachment; filename="archive-')
    index = zipfile.ZipFile(io.BytesIO(file.data)).read("index.csv").decode("utf-8-sig")
    assert "保管開始日" in index and document.archived_on.strftime("%Y/%m/%d") in index
    assert 'href="/archive/?amount_from=1"' in client.get(reply.location).text
    assert client.post("/documents/downloads").status_code == 422  # nothing is in process


@pytest.mark.requirement("L7", "I20")
@pytest.mark.parametrize("query, sentence", [
    ("amount_from=2&amount_to=1", "金額の範囲"), ("title=無い", "PDFを開くことができる契約文書がありません"), ("kind=x", "選択肢が正しくありません"),
])  # fmt: skip
def test_what_finds_nothing_is_refused_and_nothing_is_kept(client_of, two, query, sentence):
    reply = client_of("recipient").post(f"/documents/downloads?{query}")
    assert reply.status_code == 422 and sentence in reply.text
    assert db.session.query(BulkDownload).count() == 0


@pytest.mark.requirement("L7", "Q3")
def test_a_second_click_makes_no_second_file(client_of, two):
    client = client_of("recipient")
    assert ask(client).status_code == 302
    reply = ask(client)
    assert reply.status_code == 422 and "作成中です" in reply.text
    assert db.session.query(BulkDownload).count() == 1


# -- the file ------------------------------------------------------------------


@pytest.mark.requirement("L7")
def test_a_download_is_taken_up_where_it_was_cut_off(ready):
    client, url = ready
    whole = client.get(f"{url}/file")
    row = db.session.query(BulkDownload).one()
    size, etag = len(whole.data), whole.headers["ETag"]
    assert whole.status_code == 200 and whole.headers["Accept-Ranges"] == "bytes" and whole.content_length == size == row.size_bytes
    assert etag == f'"{row.sha256}"' and hashlib.sha256(whole.data).hexdigest() == row.sha256
    for asked, first, last in ((f"bytes={size - 100}-", size - 100, size), ("bytes=10-19", 10, 20), ("bytes=-5", size - 5, size)):
        part = client.get(f"{url}/file", headers={"Range": asked, "If-Range": etag})
        assert part.status_code == 206 and part.data == whole.data[first:last]
        assert part.headers["Content-Range"] == f"bytes {first}-{last - 1}/{size}"
    other = client.get(f"{url}/file", headers={"Range": "bytes=10-19", "If-Range": '"another"'})
    assert other.status_code == 200 and len(other.data) == size
    assert client.get(f"{url}/file", headers={"Range": f"bytes={size}-"}).status_code == 416
    assert client.get(f"{url}/file", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.requirement("L7", "I18", "S7")
@pytest.mark.parametrize("who", ["registrar", "receiver_admin", "receiver_colleague", "stranger", "admin", "operator", "anonymous"])
def test_a_file_is_its_persons_alone(client_of, ready, who):
    _, url = ready
    client, answer = client_of(who), {"operator": 403, "anonymous": 302}.get(who, 404)
    assert client.get(url).status_code == client.get(f"{url}/file").status_code == answer
    assert client.post(f"{url}/delete").status_code == answer
    if answer == 404:
        assert url not in client.get("/downloads/").text
    db.session.expire_all()
    assert db.session.query(BulkDownload).one().expires_at > now()


@pytest.mark.requirement("L7", "I18", "T10")
def test_who_has_lost_a_document_gets_neither_file_nor_part_but_one_made_anew_by_one_press(client_of, ready, two):
    client, url = ready
    assert "作り直す" not in client.get(url).text
    documents.remand(two[0], two[0].holder, now(), reason="x")
    page = client.get(url).text
    assert "閲覧できなくなった契約文書が1件含まれている" in page and f"{url}/file" not in page and f'action="{url}/remake"' in page
    for headers in ({}, {"Range": "bytes=0-9"}):
        reply = client.get(f"{url}/file", headers=headers)
        assert reply.status_code == 422 and "［作り直す］" in reply.text
    made = client.post(f"{url}/remake").location
    assert made != url and client.get(url).status_code == client.post(f"{url}/remake").status_code == 404
    assert client.post(f"{made}/remake").status_code == 422  # it is being made
    build()
    page = client.get(made).text
    assert "2件のうち1件は" in page and "作り直す" not in page
    names = zipfile.ZipFile(io.BytesIO(client.get(f"{made}/file").data)).namelist()
    assert [name[:9] for name in names] == [two[1].number, "index.csv"]
    documents.remand(two[1], two[1].holder, now(), reason="x")
    reply = client.post(f"{made}/remake")
    assert reply.status_code == 422 and "契約文書がありません" in reply.text and client.get(made).status_code == 200


@pytest.mark.requirement("L7")
def test_a_file_that_is_gone_from_the_store_is_said(ready):
    client, url = ready
    shutil.rmtree(strongroom().store.folder / "downloads")
    reply = client.get(f"{url}/file")
    assert reply.status_code == 503 and "読み込めませんでした" in reply.text


@pytest.mark.requirement("L7")
def test_deleting_makes_room(ready):
    client, url = ready
    reply = client.post(f"{url}/delete")
    assert reply.status_code == 302 and "削除しました" in client.get(reply.location).text
    assert client.get(url).status_code == client.get(f"{url}/file").status_code == client.post(f"{url}/delete").status_code == 404
    build()
    assert db.session.query(BulkDownload).count() == 0
    assert not list((strongroom().store.folder / "downloads").glob("*.zip"))
