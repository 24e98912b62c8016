"""Personal data: a person gets all that is theirs and nothing else; of a deleted person only what the law keeps stays."""

import json

import pytest

from app.clock import now
from app.errors import Refused
from app.extensions import begin_request, db
from app.models import (
    AccountAction,
    AccountEvent,
    BulkOperation,
    CertificateActivation,
    DocumentSignature,
    LoginSession,
    OutboxMessage,
    SavedSearch,
    SigningPassword,
)
from app.services import journal, personal_data, searches
from app.workflow import Action, SignatureMode, Status

OTHERS = ("署名 三郎", "承認 一郎", "管理 六郎", "signer@", "approver@", "admin@", "10.0.0.9")


@pytest.fixture
def signer(person, make_document):
    """Somebody about whom everything is known."""
    made = person("signer")
    made.kana, made.department, made.title = "ショメイ サブロウ", "工事部", "部長"
    db.session.add(LoginSession(user_id=made.id, started_at=now(), ip_address="192.0.2.7", browser="Firefox"))
    begin_request(True, "192.0.2.7")
    journal.note(AccountAction.log_in, now(), user=made, actor=made)
    journal.note(AccountAction.log_in_refused, now(), user=made)
    begin_request(True, "10.0.0.9")
    journal.note(AccountAction.user_changed, now(), user=made, actor=person("admin"), note="alt@sender.example")
    journal.note(AccountAction.log_in, now(), user=person("admin"), actor=person("admin"))
    begin_request(True)
    make_document(Status.receiver_receipt, mode=SignatureMode.sender_only, title="署名した契約")
    make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, title="他の人の契約")
    db.session.commit()
    return made


@pytest.mark.requirement("L23", "S15")
def test_the_export_tells_a_person_everything_of_theirs_and_nothing_secret_or_of_others(signer):
    found = personal_data.export(signer, now())
    db.session.commit()
    text = json.dumps(found, ensure_ascii=False)
    assert found["利用者"] | {"氏名": "署名 三郎", "カナ": "ショメイ サブロウ", "部署": "工事部", "役職": "部長",
                           "メールアドレス": "signer@sender.example", "企業名": "株式会社発出建設"} == found["利用者"]  # fmt: skip
    assert [row["IPアドレス"] for row in found["ログイン"]] == ["192.0.2.7"]
    assert [(row["内容"], row["操作"], row["IPアドレス"]) for row in found["操作履歴"]][-4:] == [
        ("ログイン", "本人", "192.0.2.7"),
        ("ログイン失敗", "システム", "192.0.2.7"),
        ("利用者情報変更", "管理者または運営者", None),
        ("個人データの出力", "本人", ""),
    ]
    assert [row["管理番号"] for row in found["電子証明書"]] == [link.certificate.number for link in signer.activations]
    (document,) = found["契約文書"]
    assert (document["契約件名"], document["役割"], len(document["署名"])) == ("署名した契約", ["署名者"], 1)
    assert {"署名用パスワード発行", "署名依頼"} <= {row["種類"] for row in found["送信メール"]}
    assert not [word for word in OTHERS[1:] if word in text.replace("signer@sender.example", "")]
    assert signer.password not in text and "alt@sender.example" not in text and "sealed" not in text
    event = db.session.query(AccountEvent).filter_by(action=AccountAction.personal_data_exported).one()
    assert event.user_id == event.actor_id == signer.id


@pytest.mark.requirement("L23", "I20")
def test_saved_searches_are_in_the_export_and_go_with_the_person(signer, person):
    for owner, name in ((signer, "自分の検索"), (person("admin"), "他人の検索")):
        searches.save(owner, now(), name=name, in_archive=False, conditions={"partner": "設備"})
    assert personal_data.export(signer, now())["保存した検索条件"] == [{"名前": "自分の検索", "条件": {"partner": "設備"}}]
    signer.deleted_at = now()
    personal_data.erase(signer, person("admin"), now())
    assert [saved.name for saved in db.session.query(SavedSearch)] == ["他人の検索"]


@pytest.mark.requirement("L23", "I18")
def test_an_administrator_exports_the_own_data_and_not_the_companys(signer, person):
    found = personal_data.export(person("admin"), now())
    assert found["契約文書"] == [] and "署名した契約" not in json.dumps(found, ensure_ascii=False)


@pytest.mark.requirement("L23", "I18")
def test_a_document_that_the_person_may_no_longer_see_is_not_in_the_export(make_document, person):
    from app.services import documents

    document = make_document(Status.receiver_signature, mode=SignatureMode.receiver_only)
    assert len(personal_data.export(person("receiver_signer"), now())["契約文書"]) == 1
    documents.remand(document, person("receiver_signer"), now())
    assert personal_data.export(person("receiver_signer"), now())["契約文書"] == []


@pytest.mark.requirement("L23")
def test_nothing_of_a_person_who_is_not_deleted_is_erased(signer, person):
    before = (signer.mail_address, signer.password)
    with pytest.raises(Refused, match="先に利用者を削除"):
        personal_data.erase(signer, person("admin"), now())
    db.session.rollback()
    assert (signer.mail_address, signer.password) == before
    assert db.session.query(LoginSession).filter_by(user_id=signer.id).count() == 1
    assert not personal_data.is_erased(signer)


@pytest.mark.requirement("L23", "L10", "S15")
def test_of_a_deleted_person_only_name_number_and_evidence_stay(signer, person):
    signer.deleted_at = now()
    db.session.add(BulkOperation(token="t", user_id=signer.id, action=Action.sign, requested_at=now(), ip_address="192.0.2.9"))
    db.session.flush()
    epoch, code, hashed = signer.session_epoch, signer.user_code, signer.password
    personal_data.erase(signer, person("admin"), now())
    db.session.commit()
    assert (signer.full_name, signer.user_code) == ("署名 三郎", code)
    assert {signer.mail_address, signer.kana, signer.department, signer.title} == {""}
    assert signer.password is None and signer.last_login is None and signer.session_epoch > epoch
    assert signer.earlier_passwords == [] and signer.recovery_codes == []
    assert db.session.query(LoginSession).filter_by(user_id=signer.id).count() == 0
    assert {row.mac for row in db.session.query(SigningPassword).filter_by(user_id=signer.id)} == {None}
    assert {row.sealed_key for row in db.session.query(CertificateActivation).filter_by(user_id=signer.id)} == {None}
    assert db.session.query(BulkOperation).one().ip_address == ""
    letters = db.session.query(OutboxMessage).filter_by(user_id=signer.id).all()
    assert {(row.to_address, str(row.facts), row.sealed_secret, row.due_at) for row in letters} == {("", "{}", None, None)}
    events = db.session.query(AccountEvent).filter_by(user_id=signer.id).all()
    assert {row.ip_address for row in events} == {"", "10.0.0.9"}  # that of the administrator who acted
    assert "alt@sender.example" not in {row.note for row in events}
    signature = db.session.query(DocumentSignature).one()
    assert signature.user_id == signer.id and signature.ip_address == "127.0.0.1"  # evidence
    from tests.test_secrets import dump

    everything = b"\n".join(value for _, value in dump())
    assert b"192.0.2.7" not in everything and hashed.encode() not in everything
    for word in ("signer@sender.example", "ショメイ サブロウ", "工事部", "alt@sender.example"):
        found = {name for name, value in dump() if word.encode() in value}
        assert found <= {"certificate.pin_mail_address"}, word  # of the company's application


@pytest.mark.requirement("L23")
def test_others_keep_theirs_and_a_second_time_takes_only_what_has_come_since(signer, person):
    admin, outbox_before = person("admin"), db.session.query(OutboxMessage).filter(OutboxMessage.to_address != "").count()
    own = db.session.query(OutboxMessage).filter_by(user_id=signer.id).count()
    signer.deleted_at = now()
    personal_data.erase(signer, admin, now())
    begin_request(True, "192.0.2.8")
    journal.note(AccountAction.log_in_refused, now(), user=signer)
    begin_request(True)
    personal_data.erase(signer, admin, now())
    db.session.commit()
    erased = db.session.query(AccountEvent).filter_by(action=AccountAction.personal_data_erased).one()
    assert (erased.user_id, erased.actor_id, erased.note) == (signer.id, admin.id, signer.user_code)
    assert db.session.query(AccountEvent).filter_by(ip_address="192.0.2.8").count() == 0
    assert personal_data.is_erased(signer) and not personal_data.is_erased(admin)
    assert admin.mail_address == "admin@sender.example" and admin.password
    assert db.session.query(OutboxMessage).filter(OutboxMessage.to_address != "").count() == outbox_before - own
    assert db.session.query(AccountEvent).filter_by(user_id=admin.id, ip_address="10.0.0.9").count() == 1


@pytest.mark.requirement("L23")
def test_whoever_was_erased_logs_in_by_nothing(signer, person, browser):
    code, signer.deleted_at = signer.user_code, now()
    personal_data.erase(signer, person("admin"), now())
    db.session.commit()
    for password in ("Test-1234", "", "None"):
        assert browser().log_in(code, password).status_code == 422
