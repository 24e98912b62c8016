"""［電子署名の検証］ for everybody, and the report about a stored document."""

import datetime as dt
import io
import json
import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.clock import now
from app.errors import Busy, VerificationRefused
from app.extensions import db
from app.jobs import archive_transfer
from app.models import Certificate, Level
from app.services import conclusion_certificates, verification
from app.services.strongroom import strongroom
from app.signing import authorities as pki
from app.signing.intake import Limits
from app.signing.keys import KeyKind, new_key
from app.signing.verdict import Finding
from app.workflow import SignatureMode, Status
from tests import pdfs
from tests.conftest import Browser, settings
from tests.signing.conftest import Signer
from tests.signing.test_odd_files import Stranger

RUN_PY = Path(__file__).parents[2] / "run.py"
GOOD, ALTERED = "改ざんは検出されませんでした", "署名後の変更（改ざん）が検出されました"
KEPT = "当サービスに保管されている締結済みの契約文書と一致します"
EARLIER, SUPERSEDED = "締結済みの契約文書ではありません", "当サービスで締結された契約文書と一致します"
NOT_KEPT = "当サービスに保管されているファイルとは一致しません"


def hand_in(client, pdf, name="contract.pdf"):
    return client.post("/verify/", {"pdf": (io.BytesIO(pdf), name)}, content_type="multipart/form-data")


@pytest.fixture
def archived(make_document):
    document = make_document(status=Status.completion_wait)
    archive_transfer.run_one(document.id, now())
    db.session.refresh(document)
    return document


@pytest.mark.requirement("L1", "L12", "L18", "L16")
def test_anybody_may_have_a_concluded_contract_verified(client_of, archived):
    pdf = strongroom().store.get(archived.pdf_sha256)
    page = hand_in(client_of("anonymous"), pdf)
    assert page.status_code == 200
    for words in (GOOD, KEPT, "株式会社発出建設", "受領設備株式会社", "PAdES B-LTA", "証明できる期限", archived.pdf_sha256):
        assert words in page.text, words
    people = [signature.user.full_name for signature in archived.valid_signatures]
    for secret in (archived.number, archived.title, archived.file_name, "1,848,000", *people):
        assert secret not in page.text, secret
    assert "認定タイムスタンプ" not in page.text and "認定" not in page.text.replace("国の認定制度", "")


@pytest.mark.requirement("I19", "L12")
def test_a_certificate_of_the_service_is_recognised_and_a_changed_one_is_not(client_of, archived):
    pdf = conclusion_certificates.make(conclusion_certificates.order(archived, archived.sender.company_id))
    client = client_of("anonymous")
    page = hand_in(client, pdf, "certificate.pdf").text
    assert GOOD in page and "当サービスが発行した証明書です" in page and NOT_KEPT not in page
    assert "（当サービスの証明用の証明書）" in page and ">SEAL<" not in page
    place = pdf.index(b"/MediaBox") + 12
    page = hand_in(client, pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]).text
    assert "当サービスが発行した証明書です" not in page and NOT_KEPT in page


@pytest.mark.requirement("L1", "L12")
def test_the_command_judges_by_a_demos_roots_and_looks_into_its_archive(archived, app, tmp_path):
    given = settings(app.config["SQLALCHEMY_DATABASE_URI"], app.config["STORAGE_URL"])
    (tmp_path / "settings.env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    (tmp_path / "contract.pdf").write_bytes(strongroom().store.get(archived.pdf_sha256))

    def verify(*options):
        command = [sys.executable, "run.py", "verify", str(tmp_path / "contract.pdf"), *options]
        environ = {"PATH": "", "PYTHONUTF8": "1"}
        return subprocess.run(command, cwd=RUN_PY.parent, capture_output=True, text=True, env=environ)

    told = verify("--data", str(tmp_path))
    assert told.returncode == 0 and KEPT in told.stdout, told
    assert json.loads(verify("--data", str(tmp_path), "--json").stdout)["kept"] == "concluded"
    assert verify("--data", str(tmp_path), "--root", "x.pem").returncode == 2
    told = verify("--root", str(tmp_path / "none.pem"))
    assert (told.returncode, told.stderr) == (2, f"検証できません：「{tmp_path / 'none.pem'}」が見つかりません。ファイルの場所と名前をご確認ください。\n")
    told = verify("--root", str(tmp_path))
    assert (told.returncode, told.stderr) == (2, f"検証できません：「{tmp_path}」はフォルダーです。ファイルを指定してください。\n")
    made = conclusion_certificates.make(conclusion_certificates.order(archived, archived.sender.company_id))
    (tmp_path / "contract.pdf").write_bytes(made)
    told = verify("--data", str(tmp_path))
    assert told.returncode == 0 and "当サービスが発行した証明書です" in told.stdout and NOT_KEPT not in told.stdout
    assert "Start the demo first" in verify("--data", str(tmp_path / "nothing")).stderr


@pytest.mark.requirement("L1", "S1")
def test_a_changed_or_older_file_is_told_apart(client_of, archived):
    client, store = client_of("anonymous"), strongroom().store
    pdf = store.get(archived.pdf_sha256)
    place = pdf.index(b"/MediaBox") + 12
    page = hand_in(client, pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :])
    assert ALTERED in page.text and NOT_KEPT in page.text and "企業名（未確認）" in page.text
    page = hand_in(client, pdf + b"\n% added").text
    assert ALTERED in page and "変更はありません" not in page and "企業名（未確認）" in page  # of no part of the file
    by_sender = next(one for one in archived.revisions if one.level is Level.b_lt)
    page = hand_in(client, store.get(by_sender.sha256))
    assert EARLIER in page.text and KEPT not in page.text and SUPERSEDED not in page.text
    before_archive = [one for one in archived.revisions if one.level is Level.b_lt][-1]
    page = hand_in(client, store.get(before_archive.sha256))
    assert SUPERSEDED in page.text and GOOD in page.text and EARLIER not in page.text


@pytest.mark.requirement("S2", "S14")
def test_what_is_no_signed_pdf_is_called_so_and_its_name_is_not_shown(client_of):
    client = client_of("anonymous")
    page = hand_in(client, pdfs.contract(), "<script>alert(1)</script>.pdf")
    assert "電子署名がありません" in page.text and NOT_KEPT in page.text and "alert(1)" not in page.text
    page = hand_in(client, b"hello").text
    assert "検証できません" in page and "確認できません</dd>" in page and "0件" not in page
    page = hand_in(client, pdfs.already_signed()).text
    assert "検証できません（署名者を確認できません）" in page and "そのサービスまたは証明書の発行者" in page


@pytest.mark.requirement("S4")
def test_nothing_and_too_much_are_refused_in_words(client_of, app, monkeypatch):
    client = client_of("anonymous")
    page = client.post("/verify/")
    assert page.status_code == 422 and "検証するPDFファイルを選択してください。" in page.text
    page = hand_in(client, b"")
    assert page.status_code == 422 and "0バイト" in page.text
    assert app.config["MAX_UPLOAD_MB"] + 10 <= app.config["MAX_VERIFIED_MB"]  # the largest contract grows by being signed
    assert app.config["MAX_VERIFIED_MB"] * 1024 * 1024 < app.config["MAX_CONTENT_LENGTH"]
    monkeypatch.setitem(app.config, "MAX_VERIFIED_MB", 1)
    with pytest.raises(VerificationRefused, match="上限の1MB"):
        verification.examine(bytes(1024 * 1024 + 1))


@pytest.mark.requirement("S4")
def test_an_upload_beyond_every_limit_is_answered_by_a_page(client_of, app, monkeypatch):
    client = client_of("anonymous")
    token = client.token()
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 10_000)
    with client.post_without_token(
        "/verify/", {"csrf_token": token, "pdf": (io.BytesIO(bytes(10_001)), "large.pdf")},
        content_type="multipart/form-data",
    ) as reply:  # fmt: skip
        assert reply.status_code == 413 and "ファイルが大きすぎるため、受け付けられませんでした" in reply.text
        assert "ファイルが大きすぎます｜" in reply.text and GOOD not in reply.text


@pytest.mark.requirement("S4")
def test_a_bomb_is_answered(client_of):
    page = hand_in(client_of("anonymous"), pdfs.nested_bomb())
    assert page.status_code == 200 and GOOD not in page.text


@pytest.mark.requirement("S4", "S2")
@pytest.mark.parametrize("name", ["stream bomb", "nested bomb in text", "many bombs", "object stream bomb"])
def test_no_bomb_takes_long_or_is_called_altered(name):
    begun = time.monotonic()
    verdict = verification.verify_apart(pdfs.BAD[name][0](), [])
    assert verdict.finding in (Finding.unsigned, Finding.unreadable, Finding.too_complex)
    assert time.monotonic() - begun < 10


@pytest.mark.requirement("S4")
def test_an_examination_that_takes_too_long_is_stopped(app, archived, monkeypatch):
    pdf = strongroom().store.get(archived.pdf_sha256)
    hurried = Limits(wall_seconds=0.05)
    verdict = verification.verify_apart(pdf, strongroom().roots, limits=hurried)
    assert verdict.outcome == "unjudged" and "時間内に確認を終えられませんでした" in verdict.sentence


@pytest.mark.requirement("S4")
def test_many_at_once_wait_or_are_asked_to_come_again(client_of, monkeypatch):
    monkeypatch.setattr(verification, "PATIENCE_SECONDS", 0.01)
    for _ in range(verification.AT_ONCE):
        verification._free.acquire()
    try:
        page = hand_in(client_of("anonymous"), pdfs.contract())
    finally:
        for _ in range(verification.AT_ONCE):
            verification._free.release()
    assert page.status_code == Busy.status == 429 and "混み合っています" in page.text


@pytest.mark.requirement("S15")
def test_nothing_of_the_file_is_kept_or_logged(client_of, archived, app, caplog):
    before = sorted(_files(app))
    with caplog.at_level(logging.DEBUG):
        hand_in(client_of("anonymous"), pdfs.already_signed(), "himitsu.pdf")
    assert sorted(_files(app)) == before
    assert "himitsu" not in caplog.text and "Sample Signer" not in caplog.text


def _files(app):
    return Path(app.config["STORAGE_URL"].removeprefix("file://")).rglob("*")


@pytest.mark.requirement("L1", "L12")
def test_the_report_about_a_stored_document(client_of, archived):
    url = f"/documents/{archived.id}"
    assert f'action="{url}/verification"' in client_of("registrar").get(url).text
    page = client_of("recipient").get(f"{url}/verification").text
    assert GOOD in page and KEPT in page and archived.number in page
    for signature in archived.valid_signatures:
        assert page.count(signature.user.full_name) == 1  # from the record
    assert client_of("receiver_viewer").get(f"{url}/verification").status_code == 200
    assert f'action="{url}/verification"' not in client_of("admin").get(url).text
    for who, answer in {"admin": 404, "stranger": 404, "colleague": 404, "operator": 403, "anonymous": 302}.items():
        assert client_of(who).get(f"{url}/verification").status_code == answer, who


@pytest.mark.requirement("L12")
def test_a_stored_document_must_carry_every_signature(client_of, archived):
    """An older revision put in the place of the archived one is seen, though it is sound by itself."""
    by_sender = next(one for one in archived.revisions if one.level is Level.b_lt)
    archived.pdf_sha256 = by_sender.sha256
    db.session.commit()
    page = client_of("registrar").get(f"/documents/{archived.id}/verification").text
    assert "必要な電子署名がそろっていません" in page and GOOD not in page


@pytest.mark.requirement("I14")
def test_a_document_without_signatures_says_so(client_of, make_document):
    waiting = make_document(status=Status.completion_wait, mode=SignatureMode.no_signature)
    page = client_of("registrar").get(f"/documents/{waiting.id}/verification").text
    assert "電子署名がありません" in page and KEPT in page


@pytest.mark.requirement("L1", "S2")
def test_of_a_signature_without_a_time_stamp_the_page_says_that_only_the_time_is_missing(client_of):
    key = new_key(KeyKind.p_256)
    subject, urls = pki.Subject("株式会社発出建設", "JC-99999999"), pki.PkiUrls.under("https://portal.example/pki")
    made = pki.issue_signer(strongroom().authorities.signers_ca, key.public_key(), subject, now(), urls)
    page = hand_in(client_of("anonymous"), Stranger(strongroom(), Signer(key, made)).sign(pdfs.contract())).text
    assert "信頼する認証局の証明書ですが、署名の時点で有効だったことを確認できません" in page
    assert "信頼できると確認できません" not in page and "企業名（未確認）" in page


@pytest.mark.requirement("L1", "S1", "R3")
def test_a_signature_after_the_revocation_is_not_valid_even_where_the_file_keeps_silent(client_of, person):
    """Another program signs with the stolen key, with a real time stamp and without evidence: B-T by the file alone."""
    row = db.session.query(Certificate).filter_by(company=person("signer").company).one()
    key = new_key(KeyKind.p_256)
    subject, urls = pki.Subject("株式会社発出建設", row.number), pki.PkiUrls.under("https://portal.example/pki")
    made = pki.issue_signer(strongroom().authorities.signers_ca, key.public_key(), subject, now(), urls)
    pdf = Stranger(strongroom(), Signer(key, made)).sign(pdfs.contract(), tsa=strongroom().desk.tsa)
    client = client_of("anonymous")
    assert GOOD in hand_in(client, pdf).text
    row.revoked_at = now() - dt.timedelta(hours=1)
    db.session.commit()
    page = hand_in(client, pdf).text
    assert "署名の時点で、署名者の証明書は失効していました" in page and GOOD not in page
    row.revoked_at = now() + dt.timedelta(hours=1)
    db.session.commit()
    assert GOOD in hand_in(client, pdf).text


def test_a_large_upload_leaves_no_temporary_file_open(client_of):
    page = hand_in(client_of("anonymous"), b"%PDF-1.7" + bytes(600 * 1024))
    assert page.status_code == 200 and page.request.environ["wsgi.input"].closed


@pytest.mark.requirement("S4", "S8")
def test_verifications_are_limited_by_address(tmp_path):
    import config
    from app import create_app, schema

    limited = type("Limited", (config.Test,), {"RATELIMIT_ENABLED": True})
    more = {"PORTAL_VERIFICATIONS_PER_MINUTE": "3"}
    made = create_app(limited(settings(f"sqlite:///{tmp_path}/portal.db", tmp_path.as_uri(), **more)))
    with made.app_context():
        schema.upgrade()
    client = Browser(made)
    token = client.TOKEN.search(client.client.get("/verify/").text).group(1)
    answers = [client.client.post("/verify/", data={"csrf_token": token}).status_code for _ in range(4)]
    assert answers == [422, 422, 422, 429]
    assert client.client.get("/verify/").status_code == 200
