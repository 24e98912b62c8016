"""The mails: subjects to the letter, bodies line by line, to whom, and what they must not tell."""

import re

import pytest

from app import letters
from app.clock import japan_date, now
from app.extensions import db
from app.labels import day
from app.models import Letter, OutboxMessage
from app.services import certificates, companies, credentials, documents, outbox
from app.workflow import SignatureMode, Status
from demo import actors

# R110, and the names the matrix gives to those the manual does not name; blanks do not count (D6)
SUBJECTS = {
    Letter.user_issued: "利用者ID発行のお知らせ",
    Letter.initial_password: "初回ログインパスワードのお知らせ",
    Letter.certificate_pin: "PINのお知らせ",
    Letter.receipt_request: "受取確認依頼のお知らせ",
    Letter.approval_request: "承認依頼のお知らせ",
    Letter.signature_request: "署名依頼のお知らせ",
    Letter.signing_password: "署名用パスワード発行のお知らせ",
    Letter.signing_password_reissued: "署名用パスワード再発行のお知らせ",
    Letter.progress: "処理状況のお知らせ",
    Letter.remanded: "差戻のお知らせ",
    Letter.withdrawn: "取下げのお知らせ",
    Letter.completed: "文書回覧完了のお知らせ",
    Letter.account_locked: "ログインの一時停止のお知らせ",
    Letter.application_decided: "申請の審査結果のお知らせ",
    Letter.mail_address_changed: "メールアドレス変更のお知らせ",
    Letter.turn_reassigned: "担当者変更のお知らせ",
    Letter.deadline: "署名期限のお知らせ",
    Letter.deputy_changed: "代理者のお知らせ",
    Letter.returned_inside: "社内差戻のお知らせ",
    Letter.term_end: "契約期間の終了のお知らせ",
    Letter.retention_ending: "長期保管期間満了のお知らせ",
    Letter.archive_alert: "長期保管の異常のお知らせ",
    Letter.archive_recovered: "長期保管の復旧のお知らせ",
    Letter.bulk_download: "一括ダウンロードのお知らせ",
    Letter.account_unlocked: "ロック解除のお知らせ",
    Letter.secret_locked: "PINのロックのお知らせ",
    Letter.certificate_expiry: "電子証明書有効期限のお知らせ",
    Letter.certificate_revoked: "電子証明書失効のお知らせ",
    Letter.signing_code: "署名用コードのお知らせ",
    Letter.password_changed: "パスワード変更のお知らせ",
    Letter.password_forgotten: "パスワード再発行のお知らせ",
    Letter.second_factor_changed: "二段階認証の変更のお知らせ",
    Letter.consent_requested: "電子契約の承諾の依頼のお知らせ",
    Letter.consent_answered: "電子契約の承諾のお知らせ",
    Letter.paper_requested: "書面交付の請求のお知らせ",
    Letter.paper_delivered: "書面の交付のお知らせ",
    Letter.log_broken: "監査ログの不一致のお知らせ",
    Letter.service_invitation: "利用申請サイトのお知らせ",
    Letter.service_received: "利用申請の受付のお知らせ",
    Letter.service_returned: "利用申請の差戻しのお知らせ",
    Letter.service_rejected: "利用申請の審査結果のお知らせ",
    Letter.partner_approved: "取引先の利用開始のお知らせ",
    Letter.statement: "利用明細のお知らせ",
    Letter.company_standing: "ご利用の停止・再開のお知らせ",
    Letter.storage_alert: "ファイル保存先の異常のお知らせ",
    Letter.tsa_list_alert: "時刻認証局の失効リストの期限のお知らせ",
    Letter.consent_on_paper: "書面による承諾の登録のお知らせ",
}
FACTS = {
    "person": "受取 太郎", "company": "受領設備株式会社", "user_code": "U00000008", "certificate_no": "JC-00000001",
    "number": "D00000001", "title": "資材注文書", "sender": "発出", "receivers": ["受領"], "message": "", "reason": "",
    "by": "受領側", "is_registrar": True, "mode": "no_signature", "done": "署名", "new_status": "completion_wait",
    "roles": ["承認者"], "is_new": True, "what": "PIN", "outcome": "承認", "detail": "電話番号",
    "last_day": "2027/01/14", "minutes": 30, "unlocked": "ログイン", "side": "receiver",
    "path": "/", "subject_name": "受領", "certificate_id": 1, "is_admin": True, "is_signer": True,
    "at": "2027/01/14 10:00", "until": "2027/01/14 10:00", "days_left": 1, "successor": "", "valid_until": "10:20",
    "change": "recovery_code_used", "left": 9, "absent": "承認 七海", "deputy": "同僚 千代", "first_day": "2027/01/14", "is_ended": False,
    "sees": True, "is_holder": True, "deadline": "2027/01/20",
    "partner": "発出", "act": "given", "delivered_on": "2027/01/20", "received_on": "2027/01/20", "method": "post", "note": "",
    "download_id": 1, "failure": "", "included": 2, "left_out": 1,
    "term": "2026/04/01 ～ 2027/03/31", "renews_itself": True,
    "inviter": "株式会社発出建設", "application_number": "A00000001", "partner_code": "C00000002", "administrator": "受取 太郎",
    "order": "一括ダウンロード", "month": "2026年11月", "statement_no": "S00000001", "statement_id": 1,
    "has_option": True, "grace_days": 365, "listed": [{"number": "D00000001", "what": "正常"}], "others": 0, "problems": ["期限切れ"], "is_resumed": False,
}  # fmt: skip


@pytest.mark.requirement("R16", "R17", "R21", "R22", "R27", "R47", "R62", "R72", "R81", "R110", "D5", "D6")
@pytest.mark.parametrize("letter", Letter)
def test_the_subject_is_the_manuals(app, letter):
    row = OutboxMessage(
        letter=letter, to_address="a@b.example", facts=dict(FACTS), message_id="x@y", document_id=1
    )
    mail = letters.compose(row, "secret")
    assert "".join(mail.subject.split()) == f"【CECTRUST-Lightサービス】{SUBJECTS[letter]}"
    lines = mail.body.splitlines()
    assert lines[0] == "※本メールはCECTRUST-Lightサービスより自動で送信しております。"
    assert lines[2:4] == ["受領設備株式会社", "受取 太郎様"]
    assert not re.search(r"\{\{|\{%|None|Undefined", mail.body)


@pytest.mark.requirement("S8", "S19")
@pytest.mark.parametrize("what, certificate_no, shown, hidden", [
    ("署名用コード", "", "ロックの解除は、貴社の管理者にご依頼ください。", "署名用パスワード"),
    ("署名用パスワード", "", "［署名用パスワード再発行］", "PIN"),
    ("PIN", "JC-00000001", "PINの再発行を管理者に", "署名用パスワード"),
])  # fmt: skip
def test_the_letter_of_a_lock_names_the_way_out_that_there_is(app, what, certificate_no, shown, hidden):
    facts = FACTS | {"what": what, "certificate_no": certificate_no}
    row = OutboxMessage(letter=Letter.secret_locked, to_address="a@b.example", facts=facts, message_id="x@y")
    body = letters.compose(row).body
    assert shown in body and hidden not in body and f"{what}の誤りが続いたため" in body


@pytest.mark.requirement("R110")
def test_the_services_name_is_a_setting(app, monkeypatch):
    monkeypatch.setitem(app.config, "SERVICE_NAME", "甲乙契約")
    row = OutboxMessage(
        letter=Letter.completed, to_address="a@b.example", facts=dict(FACTS), message_id="x@y", document_id=1
    )
    mail = letters.compose(row)
    assert mail.subject.startswith("【甲乙契約サービス】") and "CECTRUST" not in mail.subject + mail.body


@pytest.mark.requirement("R73", "R74", "R112", "D8")
def test_the_mail_with_the_signing_password_is_the_manuals_line_by_line(make_document, person, post_letters):
    make_document(Status.sender_signature)
    (mail,) = (mail for mail in post_letters() if "署名用パスワード" in mail.subject)
    last_day = japan_date(now()).fromordinal(japan_date(now()).toordinal() + 7)
    row = db.session.query(OutboxMessage).filter_by(letter=Letter.signing_password).one()
    assert [line for line in mail.body.splitlines() if line] == [
        "※本メールはCECTRUST-Lightサービスより自動で送信しております。",
        "株式会社発出建設",
        "署名 三郎様",
        "CECTRUST-Lightサービスでの署名依頼に基づき、署名用パスワードを発行いたしました。",
        "下記有効期限内に案件の処理をお願いいたします。",
        f"署名用パスワード： {outbox.secret_of(row)}",
        f"署名用パスワード有効期限： {day(last_day)}",
        "署名用パスワードは、1日1回のみ発行されます。",
        "※本メールは配信専用のアドレスからお送りしております。",
        "そのため、本メールに返信いただいても、お答えすることはできません。",
        "※本メールにお心当たりのない方、ご不明点のある方は、下記へお問い合わせください。",
        "【問い合わせ先】",
        "電子契約ポータル運営事務局",
        "CECTRUST-Lightサービス",
        "help@portal.example",
    ]
    assert re.fullmatch(r"\d{6}", outbox.secret_of(row))
    assert "http" not in mail.body  # the address is in the other mail (R112)
    assert mail.recipients == ["signer@sender.example"]


@pytest.mark.requirement("R62", "R81", "R87", "D3")
@pytest.mark.parametrize("mode, sentence", [
    ("both_sides", "受信者が署名を完了し、契約締結となりました。"),
    ("receiver_only", "受信者が署名を完了し、契約締結となりました。"),
    ("sender_only", "受信者が受取確認を完了し、契約締結となりました。"),
    ("no_signature", "受信者が受取確認を完了し、文書の回覧が完了しました。"),
])  # fmt: skip
def test_the_end_is_told_in_the_words_of_the_mode_to_everyone(
    make_document, make_plan, post_letters, mode, sentence
):
    plan = make_plan(viewers=True)
    document = make_document(Status.completion_wait, mode=SignatureMode(mode), plan=plan)
    mails = [mail for mail in post_letters() if "文書回覧完了" in mail.subject]
    assert sorted(mail.recipients[0] for mail in mails) == sorted(
        {step.user.mail_address for step in document.route}
    )
    assert {address.split("@")[1] for mail in mails for address in mail.recipients} == {
        "sender.example",
        "receiver.example",
    }
    for mail in mails:
        assert sentence in mail.body and document.number in mail.body
        assert ("署名を完了し" in mail.body) is ("署名を完了し" in sentence)


@pytest.mark.requirement("R16", "R17", "R27", "R106", "R15")
def test_id_and_first_password_come_by_two_mails_to_the_address_of_the_application(person, post_letters):
    from app.models import PortalUser
    from app.queries import role_rows

    roles = role_rows("Member")
    made = PortalUser(
        full_name="新人 一", company=person("recipient").company, mail_address="new@receiver.example"
    )
    companies.enrol(made, now(), roles=roles, to_address="application@receiver.example")
    db.session.commit()
    first, second = post_letters()
    assert first.recipients == second.recipients == ["application@receiver.example"]
    assert made.user_code in first.body and made.user_code not in second.body
    password = outbox.secret_of(
        db.session.query(OutboxMessage).filter_by(letter=Letter.initial_password).one()
    )
    assert password in second.body and password not in first.body
    assert re.fullmatch(r"U\d{8}", made.user_code) and made.must_change_password


@pytest.mark.requirement("R47", "R72", "R106", "R112", "R59")
@pytest.mark.parametrize("status, subject, address", [
    (Status.sender_approval, "承認依頼", "approver@sender.example"),
    (Status.sender_signature, "署名依頼", "signer@sender.example"),
    (Status.receiver_receipt, "受取確認依頼", "recipient@receiver.example"),
    (Status.receiver_approval, "承認依頼", "receiver_approver@receiver.example"),
    (Status.receiver_signature, "署名依頼", "receiver_signer@receiver.example"),
])  # fmt: skip
def test_the_next_person_is_asked_with_a_link_to_the_document(
    make_document, post_letters, client_of, status, subject, address
):
    document = make_document(status, message="至急お願いします。")
    mail = [mail for mail in post_letters() if subject in mail.subject][-1]
    assert mail.recipients == [address]
    link = re.search(r"http://127\.0\.0\.1:8080(/\S+)", mail.body).group(1)
    assert link == f"/documents/{document.id}"
    assert client_of(address.split("@")[0]).get(link).status_code == 200
    assert ("至急お願いします。" in mail.body) is (status is Status.receiver_receipt)


@pytest.mark.requirement("R48", "R54", "I18")
def test_the_sender_hears_of_every_step_and_of_no_person_of_the_receiver(
    make_document, make_plan, post_letters
):
    make_document(Status.completion_wait, plan=make_plan(approvers=1, receiver_approvers=2, viewers=True))
    mails = [mail for mail in post_letters() if "処理状況" in mail.subject]
    assert [re.search(r"完了した処理　： (.*)", mail.body).group(1) for mail in mails] == [
        "発出側（株式会社発出建設）の承認",
        "発出側（株式会社発出建設）の署名",
        "受領側（受領設備株式会社）の受取確認",
        "受領側（受領設備株式会社）の承認",
        "受領側（受領設備株式会社）の承認",
        "受領側（受領設備株式会社）の署名",
    ]
    receivers = ("受取 太郎", "承認 七海", "承認 八重", "署名 九美", "参照 十和")
    for mail in post_letters():
        if mail.recipients[0].endswith("@sender.example"):
            assert not any(name in mail.body for name in receivers)
        else:
            assert not any(name in mail.body for name in ("登録 花子", "承認 一郎", "署名 三郎", "参照 四郎"))
    assert {mail.recipients[0] for mail in mails} == {"registrar@sender.example"}
    assert re.findall(r"現在のステータス： (.*)", mails[-1].body) == ["完了待ち"]


@pytest.mark.requirement("R50", "R78")
def test_a_remand_is_told_to_the_registrar_and_the_senders_who_acted(make_document, make_plan, post_letters):
    plan = make_plan(approvers=1, viewers=True)
    document = make_document(Status.receiver_receipt, plan=plan)
    documents.remand(document, document.holder, now(), reason="金額をご確認ください。")
    mails = [mail for mail in post_letters() if "差戻" in mail.subject]
    assert {mail.recipients[0] for mail in mails} == {
        "registrar@sender.example",
        "approver@sender.example",
        "signer@sender.example",
    }
    for mail in mails:
        assert (
            "受領側（受領設備株式会社）より差し戻されました" in mail.body
            and "金額をご確認ください。" in mail.body
        )
        assert "受取 太郎" not in mail.body


@pytest.mark.requirement("S14")
@pytest.mark.parametrize("title", ["見積\r\nBcc: all@evil.example", "見積\nSubject: x", "<b>x</b>&amp;"])
def test_hostile_titles_and_names_add_no_header_and_no_markup(make_document, person, post_letters, title):
    person("recipient").full_name = "太郎\r\nBcc: all@evil.example"
    make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, title=title)
    mail = post_letters()[-1]
    text = mail.as_string()
    headers = text.split("\n\n")[0]
    assert "Bcc" not in headers and headers.count("Subject:") == 1
    assert "<b>x</b>&amp;" in mail.body or "<b>" not in title


@pytest.mark.requirement("S14", "R106")
@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "a@b.example\n",
        "nobody",
        "@b.example",
        "a@b",
        "",
        "a\x00@b.example",
    ],
)
def test_what_is_no_address_is_refused_at_the_entry(person, address):
    from app.errors import Refused
    from app.models import PortalUser

    with pytest.raises(Refused):
        companies.enrol(PortalUser(full_name="x", mail_address=address), now(), roles=[])
    db.session.rollback()


@pytest.mark.requirement("S15")
def test_facts_of_a_letter_hold_no_secret(make_document, person):
    credentials.give_initial_password(person("viewer"), now())
    user = person("signer")
    certificates.issue(user.company, [user], user, now())
    make_document(Status.sender_signature)
    rows = db.session.query(OutboxMessage).filter(OutboxMessage.sealed_secret.is_not(None)).all()
    assert {row.letter for row in rows} == {
        Letter.initial_password,
        Letter.certificate_pin,
        Letter.signing_password,
    }
    for row in rows:
        secret = outbox.secret_of(row)
        assert secret not in str(row.facts) and secret.encode() not in row.sealed_secret


@pytest.mark.requirement("R62", "R106")
def test_who_left_meanwhile_gets_no_mail_of_the_end(make_document, make_plan, person, post_letters):
    plan = make_plan(viewers=True)
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, plan=plan)
    person("viewer").deleted_at = now()
    actors.step(document, plan)
    told = {mail.recipients[0] for mail in post_letters() if "文書回覧完了" in mail.subject}
    assert told == {
        "registrar@sender.example",
        "recipient@receiver.example",
        "receiver_viewer@receiver.example",
    }
