"""一括ダウンロード: what is in the file, for whom, and what becomes of it."""

import csv
import datetime as dt
import hashlib
import io
import shutil
import zipfile

import pytest

from app import queries
from app.clock import japan_date, now
from app.errors import NotFound, Refused, StorageFailed
from app.extensions import db
from app.jobs import bulk_download, run_job
from app.models import (
    AccountAction,
    AccountEvent,
    ArchiveRecord,
    BulkDownload,
    BulkDownloadItem,
    Condition,
    Damage,
    DownloadState,
    Letter,
    OutboxMessage,
)
from app.services import bulk_downloads, bulk_files, delegations, documents, registration
from app.services.strongroom import strongroom
from app.signing.parcels import Parcel
from app.workflow import SignatureMode, Status
from tests.conftest import PEOPLE, kept_file
from tests.databases import of_the_page, statements_in

NO_SIGNATURE = SignatureMode.no_signature


@pytest.fixture
def three(make_document):
    """Three documents with the recipient; the first has two attachments of one hostile name."""
    names = ["../CON.pdf", "=1+1.pdf"]
    attached = [kept_file(name, f"%PDF-1.7 {position}".encode()) for position, name in enumerate(names)]
    made = [
        make_document(
            Status.receiver_receipt, NO_SIGNATURE, title=title, amount_yen=amount, conclusion_date=day,
            attached=attached if title == "A" else (),
        )
        for title, amount, day in (("A", 300, dt.date(2026, 2, 1)), ("=B", None, None), ("C/..\\D", 0, dt.date(2026, 3, 1)))
    ]  # fmt: skip
    db.session.execute(db.delete(OutboxMessage))
    db.session.commit()
    return made


@pytest.fixture
def ask(person):
    def request(who, made):
        download = bulk_downloads.request(
            person(who), now(), ids=[getattr(document, "id", document) for document in made], in_archive=False,
            conditions={"title": "A"},
        )  # fmt: skip
        db.session.commit()
        return download

    return request


def build(moment=None):
    db.session.commit()
    report = run_job("bulk-download", moment)
    db.session.expire_all()
    return report


def file_of(user, download):
    return zipfile.ZipFile(io.BytesIO(b"".join(bulk_downloads.open_file(user, download))))


@pytest.fixture(autouse=True)
def empty(app):
    shutil.rmtree(strongroom().store.folder / "downloads", ignore_errors=True)


def stored():
    return [path for path in strongroom().store.folder.glob("downloads/*") if path.is_file()]


@pytest.mark.requirement("L7", "I20")
def test_the_file_holds_pdfs_attachments_and_an_index_of_all(three, ask, person):
    download = ask("recipient", three)
    assert download.is_in_work and build()["done"] == 1
    assert (download.state, download.done, download.included, download.left_out) == (DownloadState.ready, 3, 3, 0)
    file = file_of(person("recipient"), download)
    assert file.testzip() is None
    assert file.namelist() == [
        "D00000001_契約文書_A.pdf", "D00000001_添付1_CON.pdf", "D00000001_添付2_=1+1.pdf",
        "D00000002_契約文書_=B.pdf", "D00000003_契約文書_C_.._D.pdf", "index.csv",
    ]  # fmt: skip
    assert file.read("D00000001_契約文書_A.pdf") == strongroom().store.get(three[0].pdf_sha256)
    index = file.read("index.csv")
    assert index.startswith(b"\xef\xbb\xbf")
    header, *lines = csv.reader(io.StringIO(index.decode("utf-8-sig"), newline=""), strict=True)
    assert header[:8] == [
        "取引年月日（契約締結年月日）", "契約金額(税込)", "取引先", "文書管理番号", "契約件名", "文書の区分", "ファイル名", "SHA-256",
    ]  # fmt: skip
    assert len(header) == len(set(header)) == 17
    assert lines[0][:7] == ["2026/02/01", "300", "株式会社発出建設", "D00000001", "A", "契約文書", "D00000001_契約文書_A.pdf"]
    assert lines[3][:5] == ["", "", "株式会社発出建設", "D00000002", "'=B"] and lines[4][1] == "0"
    for line in lines:
        assert hashlib.sha256(file.read(line[6])).hexdigest() == line[7]
    assert [line[6] for line in lines] == file.namelist()[:-1]


@pytest.mark.requirement("L7", "T19")
def test_the_person_alone_is_told_once_and_the_request_is_on_record(three, ask, person, post_letters):
    download = ask("recipient", three)
    build()
    assert build()["due"] == 0 and bulk_download.run_one(("build", download.id), now()) is False
    letter = post_letters()[0]
    assert db.session.query(OutboxMessage).one().letter is Letter.bulk_download
    assert letter.recipients == ["recipient@receiver.example"] and f"/downloads/{download.id}" in letter.body
    assert "3件" in letter.body and "含まれていません" not in letter.body
    noted = db.session.query(AccountEvent).filter_by(action=AccountAction.bulk_download_requested).one()
    assert (noted.actor_id, noted.note) == (person("recipient").id, "3件")


# -- who may -------------------------------------------------------------------


@pytest.mark.requirement("L7", "I18", "S7")
@pytest.mark.parametrize("who", ["stranger", "colleague", "receiver_colleague", "admin", "receiver_admin"])
def test_nobody_gets_what_they_may_not_open_by_naming_it(three, ask, person, who):
    with pytest.raises(Refused, match="PDFを開くことができる契約文書がありません"):
        ask(who, three)
    db.session.rollback()
    assert db.session.query(BulkDownload).count() == 0


@pytest.mark.requirement("I18")
def test_an_administrator_gets_what_they_are_part_of_and_all_where_the_portal_says_so(
    three, ask, person, application, monkeypatch
):
    three[0].sender.steps[0].user = person("admin")
    db.session.commit()
    download = ask("admin", three)
    build()
    assert (download.included, download.left_out) == (1, 2)
    assert db.session.query(OutboxMessage).one().facts["left_out"] == 2
    assert len(file_of(person("admin"), download).namelist()) == 4
    monkeypatch.setitem(application.config, "ADMIN_OPENS_PDF", True)
    bulk_downloads.discard(download, now())
    download = ask("admin", three)
    build()
    assert (download.included, download.left_out) == (3, 0)
    monkeypatch.setitem(application.config, "ADMIN_OPENS_PDF", False)
    with pytest.raises(Refused, match="閲覧できなくなった"):
        bulk_downloads.open_file(person("admin"), download)


@pytest.mark.requirement("L7", "I18", "T10")
def test_what_is_lost_before_the_building_is_left_out_and_after_it_closes_the_file(three, ask, person):
    download = ask("recipient", three)
    documents.remand(three[1], three[1].holder, now(), reason="x")
    build()
    assert (download.included, download.left_out) == (2, 1)
    assert not [name for name in file_of(person("recipient"), download).namelist() if "D00000002" in name]
    documents.remand(three[0], three[0].holder, now(), reason="x")
    db.session.commit()
    with pytest.raises(Refused, match="閲覧できなくなった"):
        bulk_downloads.open_file(person("recipient"), download)


@pytest.mark.requirement("L7", "I18", "S7")
@pytest.mark.parametrize("opens", [False, True])
def test_the_database_and_the_page_agree_on_what_may_be_opened(make_document, person, opens):
    """Everybody, over documents at every turn, one of them with a deputy; and the file holds no more."""
    made = [make_document(status, NO_SIGNATURE) for status in (Status.draft, Status.receiver_receipt, Status.remanded)]
    made.append(make_document(Status.sender_approval, NO_SIGNATURE))
    made[3].sender.steps[0].user = person("admin")
    today = japan_date(now())
    delegations.name_deputy(person("recipient"), person("receiver_admin"), today, today, person("recipient"), now())
    db.session.commit()
    ids = [document.id for document in made]
    for who in PEOPLE:
        user = person(who)
        seen = db.session.scalars(queries.documents_of(user)).all()
        page = {document.id for document in seen if queries.may_open_pdf(user, document, opens)}
        assert queries.openable_ids(user, ids, opens) == page, who
    assert queries.openable_ids(person("receiver_admin"), ids, False) == {made[1].id}


@pytest.mark.requirement("L7", "I18")
@pytest.mark.parametrize("deputy", ["receiver_colleague", "receiver_admin"])
def test_a_deputy_has_the_file_as_long_as_the_days_last(three, ask, person, deputy):
    today, absent = japan_date(now()), person("recipient")
    named = delegations.name_deputy(absent, person(deputy), today, today, absent, now())
    download = ask(deputy, three)
    build()
    assert len(file_of(person(deputy), download).namelist()) == 6
    named.ended_at = now()
    db.session.commit()
    with pytest.raises(Refused, match="閲覧できなくなった"):
        bulk_downloads.open_file(person(deputy), download)


@pytest.mark.requirement("L7", "T13")
def test_a_draft_that_is_deleted_closes_the_file_too(make_document, ask, person):
    draft = make_document(Status.draft, NO_SIGNATURE)
    download = ask("registrar", [draft])
    build()
    assert file_of(person("registrar"), download).testzip() is None
    registration.delete(draft, person("registrar"), now())
    db.session.commit()
    db.session.expire_all()
    with pytest.raises(Refused, match="閲覧できなくなった"):
        bulk_downloads.open_file(person("registrar"), download)


@pytest.mark.requirement("L7", "S7")
@pytest.mark.parametrize("when", ["before", "after"])
def test_who_has_left_gets_nothing_and_nothing_of_theirs_stays(three, ask, person, when):
    user = person("recipient")
    ask("recipient", three)
    if when == "after":
        build()
        assert len(stored()) == 1
    user.deleted_at, user.active = now(), False
    db.session.commit()
    build()
    assert stored() == [] and db.session.query(BulkDownload).count() == db.session.query(BulkDownloadItem).count() == 0


# -- limits, days, failures ----------------------------------------------------


@pytest.mark.requirement("L7", "Q3")
def test_one_at_a_time_and_five_kept(three, ask, person, monkeypatch):
    first = ask("recipient", three[:1])
    with pytest.raises(Refused, match="お一人につき1つまで"):
        ask("recipient", three)
    db.session.rollback()
    ask("registrar", three[:1])  # another person's is another person's
    build()
    for _ in range(bulk_downloads.MOST_KEPT - 1):
        ask("recipient", three[:1])
        build()
    with pytest.raises(Refused, match="5つまで"):
        ask("recipient", three)
    db.session.rollback()
    bulk_downloads.discard(first, now())
    db.session.commit()
    assert ask("recipient", three)


def test_too_much_and_nothing_are_refused(person):
    for ids, sentence in (([1] * 10_001, "10,000件を超えている"), ([], "ありません")):
        with pytest.raises(Refused, match=sentence):
            bulk_downloads.request(person("recipient"), now(), ids=ids, in_archive=False, conditions={})


@pytest.mark.requirement("L7")
def test_a_file_is_deleted_when_its_days_are_over(three, ask, person):
    download = ask("recipient", three)
    build()
    download_id, last = download.id, download.expires_at
    assert dt.timedelta(days=6, hours=23) < last - now() <= dt.timedelta(days=7)
    assert build(last - dt.timedelta(seconds=1))["due"] == 0 and len(stored()) == 1
    with pytest.raises(NotFound):
        queries.bulk_download_of(person("recipient"), download_id, last)
    assert build(last)["done"] == 1 and stored() == []
    assert build(last)["due"] == 0


@pytest.mark.requirement("L7")
def test_a_worker_that_died_is_followed_by_another_and_three_deaths_are_enough(three, ask, person):
    download, moment = ask("recipient", three), now()
    for attempt in range(bulk_downloads.MOST_ATTEMPTS):
        at = moment + attempt * bulk_downloads.LEASE
        token = bulk_downloads.claim(download.id, at)
        assert token and bulk_downloads.claim(download.id, at) is None
        strongroom().parcels.put(token, [b"what a dead worker finished too late"])
    assert len(stored()) == 1  # each attempt clears away what was before it
    assert build(moment + bulk_downloads.MOST_ATTEMPTS * bulk_downloads.LEASE)["done"] == 0
    assert download.state is DownloadState.failed and "途中で止まった" in download.failure and stored() == []
    assert not bulk_downloads.finish(download.id, token, Parcel(1, "0" * 64), now())


@pytest.mark.requirement("L7", "S6")
@pytest.mark.parametrize("hurt", ["damaged", "missing"])
def test_a_file_that_is_not_what_it_was_makes_no_zip_file(three, ask, person, hurt):
    db.session.query(ArchiveRecord).delete()
    record = ArchiveRecord(document_id=three[0].id, check_due_at=now() + dt.timedelta(days=20))
    db.session.add(record)
    download = ask("recipient", three)
    sha256 = three[0].attachments[0].sha256
    path = strongroom().store.folder / sha256[:2] / f"{sha256[2:]}.pdf"
    kept = path.read_bytes()
    try:
        path.write_bytes(kept + b"x") if hurt == "damaged" else path.unlink()
        assert build()["done"] == 0
    finally:
        path.write_bytes(kept)
    assert download.state is DownloadState.failed
    assert f"契約文書 {three[0].number} のファイルを読み込めませんでした" in download.failure
    assert record.check_due_at <= now()  # the next 点検 finds out, tells the operator, and the next ZIP file goes without it
    assert stored() == [] and db.session.query(OutboxMessage).one().facts["failure"] == download.failure
    with pytest.raises(Refused, match="準備できていません"):
        bulk_downloads.open_file(person("recipient"), download)


@pytest.mark.requirement("L7", "L8")
def test_one_damaged_or_disposed_document_does_not_keep_the_others_back(three, ask, person):
    db.session.query(ArchiveRecord).delete()
    found = [{"finding": Damage.altered, "sha256": three[0].pdf_sha256}]
    db.session.add(ArchiveRecord(document_id=three[0].id, condition=Condition.damaged, findings=found))
    db.session.add(ArchiveRecord(document_id=three[1].id, disposed_at=now()))
    download = ask("recipient", three)
    assert build()["done"] == 1 and (download.included, download.left_out) == (1, 2)
    file = file_of(person("recipient"), download)
    assert file.namelist() == ["D00000003_契約文書_C_.._D.pdf", "index.csv"]
    _, *lines = csv.reader(io.StringIO(file.read("index.csv").decode("utf-8-sig"), newline=""), strict=True)
    assert [(line[3], line[6]) for line in lines] == [("D00000001", ""), ("D00000002", ""), ("D00000003", file.namelist()[0])]
    assert "確認中" in lines[0][5] and "廃棄済み" in lines[1][5] and lines[0][7] == three[0].pdf_sha256


@pytest.mark.requirement("L7", "B5")
def test_a_damaged_attachment_does_not_keep_its_contract_back(three, ask, person):
    db.session.query(ArchiveRecord).delete()
    lost = three[0].attachments[0].sha256
    found = [{"finding": Damage.missing, "sha256": one, "is_attachment": True} for one in (lost, "0" * 64)]  # one of an earlier round
    db.session.add(ArchiveRecord(document_id=three[0].id, condition=Condition.damaged, findings=found))
    path = strongroom().store.folder / lost[:2] / f"{lost[2:]}.pdf"
    kept = path.read_bytes()
    path.unlink()
    try:
        download = ask("recipient", three[:1])
        assert build()["done"] == 1 and (download.included, download.left_out) == (1, 0)
    finally:
        path.write_bytes(kept)
    file = file_of(person("recipient"), download)
    _, *lines = csv.reader(io.StringIO(file.read("index.csv").decode("utf-8-sig"), newline=""), strict=True)
    assert [bool(line[6]) for line in lines] == [line[7] != lost for line in lines] and lines[0][7] == three[0].pdf_sha256
    assert [line[5] for line in lines if line[7] == lost] == ["添付1（保管ファイルの確認中のため、含まれていません）"]
    assert file.namelist() == [*(line[6] for line in lines if line[6]), "index.csv"]


@pytest.mark.requirement("L7")
def test_no_room_for_the_file_is_said(three, ask, person, monkeypatch):
    download, parcels = ask("recipient", three), strongroom().parcels
    (strongroom().store.folder / "downloads").mkdir(exist_ok=True)
    monkeypatch.setattr(parcels, "_objects", type(parcels._objects)(prefix="/proc/1"))  # where nothing can be written
    build()
    assert download.state is DownloadState.failed and "保存する場所" in download.failure
    assert "保存する場所" in db.session.query(OutboxMessage).one().facts["failure"]


@pytest.mark.requirement("L7")
def test_discarding_stops_the_building(three, ask, person, monkeypatch):
    monkeypatch.setattr(bulk_files, "DOCUMENTS_AT_ONCE", 1)
    seen = []
    ask("recipient", three)
    advance = bulk_downloads.advance

    def discarded(download_id, token, done, lost, moment):
        seen.append(done)
        if done == 2:
            db.session.execute(db.update(BulkDownload).values(expires_at=moment))
        return advance(download_id, token, done, lost, moment)

    monkeypatch.setattr(bulk_downloads, "advance", discarded)
    build()
    assert seen == [1, 2] and stored() == [] and db.session.query(OutboxMessage).count() == 0
    build(now())
    assert db.session.query(BulkDownload).count() == 0


def test_a_store_that_cannot_delete_keeps_the_row_for_another_try(three, ask, monkeypatch):
    download = ask("recipient", three)
    build()
    bulk_downloads.discard(download, now())
    with monkeypatch.context() as patch:
        def refuse(_token):
            raise StorageFailed

        patch.setattr(strongroom().parcels, "remove", refuse)
        assert build()["failed"] == 1
    assert build()["done"] == 1 and db.session.query(BulkDownload).count() == 0


# -- speed -----------------------------------------------------------------------


@pytest.mark.requirement("P4", "P5", "L7")
def test_statements_grow_by_batches_and_not_by_documents(three, ask, make_document, person):
    asked = []

    def statements(made):
        asked.clear()
        download = ask("recipient", made)
        requested = len(of_the_page(asked))
        build()
        built = len(of_the_page(asked)) - requested
        b"".join(bulk_downloads.open_file(person("recipient"), download))
        opened = len(of_the_page(asked)) - requested - built
        bulk_downloads.discard(download, now())
        build()
        return requested, built, opened

    more = [*(document.id for document in three), *(make_document(Status.receiver_receipt, NO_SIGNATURE).id for _ in range(3))]
    with statements_in(asked):
        few = [statements(more[:1]) for _ in range(2)][-1]  # the first one also reads who asks
        assert statements(more) == few
        assert few[0] <= 10 and few[1] <= 35 and few[2] <= 8
