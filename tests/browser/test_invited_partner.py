"""A partner without 利用者ID, from the invitation mail to a contract signed by both companies (I9, R101)."""

import pytest

from tests.browser.conftest import PHONE

ADDRESS, NEW_PASSWORD = "tsubaki@tsubaki.example", "Tsubaki-1234"
COMPANY = "株式会社つばき左官"


@pytest.mark.requirement("I9", "R101", "R23", "R15", "R16", "R17", "R21", "R33")
def test_from_the_invitation_mail_to_a_signed_contract(person, portal):
    inviter = person("青木 健一")
    inviter.enter()
    _invite(inviter)
    portal.accounts["椿 京子"] = {
        "name": "椿 京子", "user_code": "", "email": ADDRESS, "company_name": COMPANY, "company_code": "", "password": "",
    }  # fmt: skip
    partner = person("椿 京子", PHONE)
    _apply(partner, portal)
    operator = person("運営 太郎")
    operator.enter()
    _approve(operator)
    partner.page.reload()
    partner.sees("申請が承認されました")

    told = portal.mail(inviter.address, "取引先の利用開始 のお知らせ", COMPANY)
    portal.accounts["椿 京子"] |= {"company_code": told.secret("企業ID　"), "user_code": told.secret("利用者ID")}
    partner.code = portal.mail(ADDRESS, "利用者ID発行 のお知らせ").secret("利用者ID")
    assert partner.code == told.secret("利用者ID")
    _first_log_in(partner, portal)
    partner.choose("証明書管理", "証明書有効性確認")
    partner.field("証明書").select_option(index=0)
    partner.fill(PIN=portal.mail(ADDRESS, "PIN のお知らせ").secret("PIN"), パスワード=NEW_PASSWORD)
    partner.press("確定")
    partner.sees("証明書の有効性を確認しました。")

    number = inviter.register("受領側のみ署名有り", "椿 京子")
    partner.follow(portal.mail(ADDRESS, "受取確認依頼 のお知らせ", number))
    partner.receive(signer="椿 京子")
    partner.follow(portal.mail(ADDRESS, "署名依頼 のお知らせ", number))
    partner.press("署名")
    partner.sign()
    partner.sees(f"契約文書 {number} に署名しました。")
    assert inviter.status_of(number) == "完了待ち"


def _confirm(person, button):
    person.press(button)
    person.page.get_by_role("dialog").get_by_role("button", name="OK", exact=True).click()


def _invite(inviter):
    inviter.choose("管理者業務", "取引先への利用申請案内")
    inviter.is_on("取引先への利用申請案内")
    inviter.page.get_by_role("link", name="案内を送る").click()
    inviter.fill(取引先の企業名=COMPANY, ご担当者名="椿 京子", メールアドレス=ADDRESS)
    _confirm(inviter, "案内を送信")
    inviter.is_on("取引先への利用申請案内")
    inviter.sees("利用申請サイトの案内を送信しました。")


def _apply(partner, portal):
    """On a telephone: half of it, kept; then the rest, from the same mail."""
    mail = portal.mail(ADDRESS, "利用申請サイト のお知らせ")
    partner.page.goto(mail.link)
    partner.is_on("利用申請")
    partner.fill(企業名カナ="ツバキサカン", 住所="福岡県架空市椿町8番8号", 電話番号="０９２－０００－０００８")
    partner.press("利用者を追加")
    partner.field("氏名").fill("坂本 茂")
    partner.field("メールアドレス").fill("sakamoto@tsubaki.example")
    partner.press("途中保存")
    partner.sees("入力内容を保存しました。")
    partner.page.goto(mail.link)
    assert partner.field("氏名").input_value() == "坂本 茂"
    partner.press("確認")
    partner.was_refused(422)
    partner.sees("印鑑証明書（PDF）を選択してください。")
    evidence = {"name": "印鑑証明書.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n%%EOF\n"}
    partner.field("印鑑証明書(PDF)").set_input_files(evidence)
    partner.press("確認")
    partner.is_on("利用申請の確認")
    partner.sees("092-000-0008")
    partner.field("利用規約に同意します").check()
    partner.field("契約を電子契約で締結することを承諾します").check()
    _confirm(partner, "申請する")
    partner.is_on("利用申請の状況")
    partner.sees("申請を受け付けました")


def _approve(operator):
    operator.choose("運営者業務", "利用申請")
    operator.is_on("利用申請")
    operator.row(COMPANY).get_by_role("link").first.click()
    operator.sees("坂本 茂")
    operator.press("審査開始")
    operator.sees("の審査を開始しました。")
    _confirm(operator, "承認")
    operator.sees("を承認し")


def _first_log_in(partner, portal):
    mail = portal.mail(ADDRESS, "初回ログインパスワード のお知らせ")
    first = mail.secret("初回ログインパスワード")
    partner.page.goto(mail.link)
    partner.log_in(first)
    partner.is_on("パスワード変更")
    partner.fill(現在のパスワード=first, 新しいパスワード=NEW_PASSWORD)
    partner.field("新しいパスワード(確認)").fill(NEW_PASSWORD)
    partner.press("確定")
    partner.sees("パスワードを変更しました。")
    partner.password = NEW_PASSWORD
