"""データの一括出力: what is in the file, and what of other companies is not."""

import csv
import hashlib
import io
import json
import zipfile

import pytest

from app.clock import japan_date, now
from app.errors import Refused
from app.extensions import db
from app.jobs import run_job
from app.models import (
    AccountAction,
    AccountEvent,
    BulkDownload,
    Certificate,
    CompanyStatus,
    ContractCase,
    Fee,
    FeeItem,
    UsageRecord,
)
from app.services import bulk_downloads, consents, documents, log_audit, paper_consents
from app.signing import log_chain
from app.workflow import SignatureMode, Status
from tests.conftest import kept_file
from tests.pdfs import contract

NO_SIGNATURE = SignatureMode.no_signature


def build():
    db.session.commit()
    run_job("bulk-download")
    db.session.expire_all()


def file_of(user, download):
    return zipfile.ZipFile(io.BytesIO(b"".join(bulk_downloads.open_file(user, download))))


def table(file, name):
    header, *lines = csv.reader(io.StringIO(file.read(name).decode("utf-8-sig"), newline=""), strict=True)
    return [dict(zip(header, line, strict=True)) for line in lines]


@pytest.fixture
def order(person):
    def request(who):
        download = bulk_downloads.request_all(person(who), now())
        build()
        return download

    return request


@pytest.mark.requirement("B5", "S7", "S14", "L7")
def test_the_file_holds_all_that_a_company_owns_and_nothing_of_others(make_document, order, person):
    waiting = make_document(
        Status.receiver_receipt, NO_SIGNATURE, comment="社外秘の原価", title="=1+1", attached=[kept_file("明細.pdf")]
    )
    done = make_document(Status.completion_wait, NO_SIGNATURE)
    unseen = make_document(Status.sender_approval)
    remanded = make_document(Status.receiver_receipt, NO_SIGNATURE)
    documents.write_comment(done, person("recipient"), "受領側の内緒話")
    documents.remand(remanded, person("recipient"), now(), reason="x")
    consents.give(person("registrar").company, person("receiver_admin"), now(), drawn=0)
    sender, receiver = person("admin").company, person("receiver_admin").company
    for company, name in ((sender, "発出側の案件"), (receiver, "受領側の案件")):
        db.session.add(ContractCase(company=company, number="=K1", name=name, created_at=now()))
    db.session.add(Fee(item=FeeItem.document, plan=sender.plan.kind, effective_on=now().date(), yen=500))
    db.session.add(UsageRecord(
        key="d1", company=sender, item=FeeItem.document, used_on=now().date(), yen=500, document=done, subject=done.number, recorded_at=now()
    ))  # fmt: skip
    download = order("receiver_admin")
    file = file_of(person("receiver_admin"), download)
    assert file.testzip() is None
    # the administrator is on no route, and takes along what the company may see all the same
    index = table(file, "index.csv")
    assert {line["文書管理番号"] for line in index} == {waiting.number, done.number}
    for line in index:
        assert hashlib.sha256(file.read(line["ファイル名"])).hexdigest() == line["SHA-256"]
    overview = {line["文書管理番号"]: line for line in table(file, "契約文書一覧.csv")}
    assert set(overview) == {waiting.number, done.number} and unseen.number not in overview
    assert overview[waiting.number]["契約件名"] == "'=1+1" and "受取 太郎" in overview[done.number]["自社回覧先"]
    assert overview[done.number]["自社内コメント"] == "受領側の内緒話"
    assert [line["案件名"] for line in table(file, "案件.csv")] == ["受領側の案件"]
    assert table(file, "利用実績.csv") == [] and table(file, "電子契約の承諾.csv")[0]["内容"] == "承諾"
    people = {line["氏名"] for line in table(file, "利用者.csv")}
    assert "受取 太郎" in people and "登録 花子" not in people
    certificate = db.session.query(Certificate).filter_by(company_id=receiver.id).one()
    assert file.read(f"電子証明書_{certificate.number}.pem").startswith(b"-----BEGIN CERTIFICATE-----")
    text = "".join(file.read(name).decode("utf-8-sig") for name in file.namelist() if name.endswith((".csv", ".txt")))
    for secret in ("社外秘の原価", "登録 花子", "承認 一郎", "registrar@", "発出側の案件", "PRIVATE"):
        assert secret not in text
    event = db.session.query(AccountEvent).filter_by(action=AccountAction.company_export_requested).one()
    assert (event.company_id, event.note) == (receiver.id, "契約文書2件")
    own = file_of(person("admin"), order("admin"))
    assert [line["金額（円、税抜）"] for line in table(own, "利用実績.csv")] == ["0", "500"]  # the first had no price when it was concluded
    assert {unseen.number, remanded.number} < {line["文書管理番号"] for line in table(own, "契約文書一覧.csv")}
    assert "受領側の内緒話" not in own.read("契約文書一覧.csv").decode()


@pytest.mark.requirement("B5", "S7")
def test_only_administrators_and_also_after_the_end(make_document, order, person, monkeypatch):
    make_document(Status.completion_wait, NO_SIGNATURE)
    with pytest.raises(Refused, match="管理者のみ"):
        bulk_downloads.request_all(person("recipient"), now())
    admin = person("receiver_admin")
    admin.company.status = CompanyStatus.terminated
    download = order("receiver_admin")
    assert download.is_ready and download.included == 1
    assert "解約" in file_of(person("receiver_admin"), download).read("企業情報.csv").decode()
    with pytest.raises(Refused, match="お一人につき|作成中"):
        for _ in range(bulk_downloads.MOST_KEPT):
            order("receiver_admin")
    db.session.rollback()
    admin = person("receiver_admin")
    admin.roles = [role for role in admin.roles if role.name != "CompanyAdmin"]
    db.session.commit()
    with pytest.raises(Refused, match="管理者のみ"):
        bulk_downloads.open_file(admin, download)


@pytest.mark.requirement("B5", "I19", "Q13", "S7")
def test_the_own_chain_of_the_log_is_checked_without_the_portal(make_document, order, person):
    make_document(Status.completion_wait)
    log_audit.anchor(now())
    own = person("admin").company_id
    lines = file_of(person("admin"), order("admin")).read("監査ログ.jsonl").decode().splitlines()
    findings, count = log_chain.check_export(lines, [])
    made = [json.loads(line) for line in lines]
    entries = [line for line in made if line.get("type") == "entry"]
    assert findings == [] and count == len(entries) > 3
    assert {line["chain"] for line in entries} == {own} and {line.get("chain", own) for line in made} == {own}
    assert any(line.get("type") == "anchored" for line in made) and not any("token" in line for line in made)
    assert not {"ip_address", "ip_salt", "source_salt"} & {name for line in entries for name in line}
    texts = [line["row"] for line in entries if "row" in line]
    assert texts and {row["facts"]["company_id"] for row in texts} == {own}
    for change, what in ((('"kind":"document.send"', '"kind":"document.sign"'), "changed"), (('"action":"send"', '"action":"sign"'), "row_changed")):
        changed, _ = log_chain.check_export([line.replace(*change) for line in lines], [])
        assert [finding.what for finding in changed] == [what]
    at = next(number for number, line in enumerate(made) if line.get("type") == "entry")
    cut = lines[:at] + lines[at + 1 : -1] + [lines[-1].replace(f'"entries":{count}', f'"entries":{count - 1}')]
    assert "missing" in {finding.what for finding in log_chain.check_export(cut, [])[0]}


@pytest.mark.requirement("B5", "L14", "S7")
def test_the_papers_of_consents_are_in_the_files_of_both_companies(order, person):
    paper_consents.record(
        person("recipient").company, person("admin"), now(), received_on=japan_date(now()), file_name="承諾書.pdf", pdf=contract(), note="社内の控え"
    )  # fmt: skip
    db.session.commit()
    for who, note in (("admin", "社内の控え"), ("receiver_admin", ""), ("stranger", None)):
        file = file_of(person(who), order(who))
        lines = table(file, "電子契約の承諾.csv")
        assert [line["備考"] for line in lines] == ([] if note is None else [note])
        for line in lines:
            assert hashlib.sha256(file.read(line["書面のファイル名"])).hexdigest() == line["書面のSHA-256"]
        assert len([name for name in file.namelist() if name.startswith("承諾の書面")]) == len(lines)


@pytest.mark.requirement("B5", "S14", "I10")
def test_what_a_correction_gives_back_stays_a_number(order, person):
    for key, yen in (("m1", -1500), ("m2", 0)):
        db.session.add(UsageRecord(
            key=key, company=person("admin").company, item=FeeItem.monthly_base, used_on=now().date(), yen=yen, recorded_at=now(), reason="-1+1"
        ))  # fmt: skip
    lines = table(file_of(person("admin"), order("admin")), "利用実績.csv")
    assert [line["金額（円、税抜）"] for line in lines] == ["-1500", "0"] and lines[0]["訂正の理由"] == "'-1+1"


@pytest.mark.requirement("B5", "S7", "T10", "I18")
def test_after_a_remand_the_file_is_made_anew_as_the_company_sees_itself_then(make_document, order, person):
    taken, stays = (make_document(Status.receiver_receipt, NO_SIGNATURE, title=title) for title in ("戻る契約", "残る契約"))
    admin = person("receiver_admin")
    download = order("receiver_admin")
    documents.remand(taken, person("recipient"), now(), reason="x")
    added = make_document(Status.receiver_receipt, NO_SIGNATURE)
    with pytest.raises(Refused, match="データの一括出力の後に、.*1件含まれている.*［作り直す］"):
        bulk_downloads.open_file(admin, download)
    made = bulk_downloads.remake(admin, download, now())
    assert made.is_of_company and made.id != download.id
    build()
    assert db.session.get(BulkDownload, download.id) is None  # the former file is gone
    file = file_of(admin, made)
    assert {line["文書管理番号"] for line in table(file, "契約文書一覧.csv")} == {stays.number, added.number}
    assert not any("戻る契約" in file.read(name).decode() for name in file.namelist() if name.endswith((".csv", ".txt")))
    admin.roles = [role for role in admin.roles if role.name != "CompanyAdmin"]
    db.session.commit()
    with pytest.raises(Refused, match="管理者のみ"):
        bulk_downloads.remake(admin, made, now())


def test_a_company_without_documents_gets_the_rest(order, person):
    file = file_of(person("stranger"), order("stranger"))
    assert table(file, "契約文書一覧.csv") == [] and len(table(file, "利用者.csv")) == 1
