"""What people run into: the first log-in, a certificate not checked yet, 差戻, fees, a second tab."""

import pytest
from playwright.sync_api import expect

FEE_WARNING = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、確定ボタンを押してください。"
FEE_DIALOG = "発出側企業と受領側企業の双方に利用料金が発生いたします。了承の上、OKボタンを押してください。"
NOT_ACTIVATED = (
    "証明書有効性確認の操作が未完了です。"
    "証明書管理メニューより証明書有効性確認を選択し証明書有効性確認の操作を実行してください。"
)


@pytest.mark.requirement("R18", "R29", "R30", "R31", "R32", "R106", "R112")
def test_the_first_log_in_comes_by_a_mail_and_still_ends_at_the_document(person, portal):
    registrar, newcomer = person("青木 健一"), person("岡本 翔")
    registrar.enter()
    number = registrar.register("受領側のみ署名有り", "水野 直樹", approvers=["岡本 翔"])
    newcomer.follow(portal.mail(newcomer.address, "承認依頼 のお知らせ", number))
    newcomer.is_on("パスワード変更")
    newcomer.open("/documents/")
    newcomer.is_on("パスワード変更")
    newcomer.follow(portal.mail(newcomer.address, "承認依頼 のお知らせ", number))
    for weak, sentence in (
        ("Ab-1234", "8桁以上"),
        ("Abcd12345", "記号が含まれていません"),
        ("Abcdefg-", "半角数字が含まれていません"),
        ("1234567-", "半角英字が含まれていません"),
        ("Abcd-123@", "使用できる文字は"),
        ("Ａbcd-1234", "使用できる文字は"),
    ):
        _change_password(newcomer, weak)
        newcomer.was_refused(422)
        newcomer.sees(sentence)
    _change_password(newcomer, "Abcd‘1234")
    newcomer.sees("パスワードを変更しました。")
    newcomer.is_on("契約文書照会")
    assert newcomer.fact("文書管理番号") == number
    portal.accounts["岡本 翔"]["password"] = "Abcd'1234"
    again = person("岡本 翔")
    again.enter()


def _change_password(person, new):
    person.fill(現在のパスワード=person.password, 新しいパスワード=new)
    person.field("新しいパスワード(確認)").fill(new)
    person.press("確定")
    expect(person.page.get_by_role("button", name="処理中です…")).to_have_count(0)


@pytest.mark.requirement("R1", "R33", "R34", "R35", "R36", "R37", "R38", "R77", "R82", "R107")
def test_a_signer_is_sent_to_the_certificate_check_and_then_signs(person, portal):
    registrar, recipient, signer = person("青木 健一"), person("水野 直樹"), person("山口 実")
    registrar.enter()
    number = registrar.register("受領側のみ署名有り", "水野 直樹")
    recipient.follow(portal.mail(recipient.address, "受取確認依頼 のお知らせ", number))
    recipient.receive(signer="山口 実")
    recipient.choose("証明書管理", "証明書有効性確認")
    recipient.sees("証明書の有効性確認操作は不要です。")

    mail = portal.mail(signer.address, "署名依頼 のお知らせ", number)
    signer.follow(mail)
    signer.press("署名")
    signer.sees(NOT_ACTIVATED)
    signer.sign()
    signer.was_refused(422)
    signer.sees(NOT_ACTIVATED)
    assert registrar.status_of(number) == "受領側署名待ち"

    signer.choose("証明書管理", "証明書有効性確認")
    signer.is_on("証明書有効性確認")
    pin = portal.accounts["山口 実"]["certificates"][0]["pin"]
    signer.field("証明書").select_option(index=0)
    signer.fill(PIN=f"　 {pin}\t ", パスワード=signer.password)
    signer.press("確定")
    signer.sees("証明書の有効性を確認しました。")
    signer.sees("証明書の内容")

    signer.follow(mail)
    signer.press("署名用パスワード再発行")
    signer.page.get_by_role("dialog").get_by_role("button", name="OK", exact=True).click()
    signer.sees("署名用パスワードを再発行し、メールでお送りしました。")
    signer.press("署名")
    signer.sign("署名用パスワード 再発行のお知らせ")
    signer.sees(f"契約文書 {number} に署名しました。")
    assert registrar.status_of(number) == "完了待ち"


@pytest.mark.requirement("R50", "R78", "R110")
def test_a_remanded_document_is_corrected_and_sent_again(person, portal):
    registrar, recipient = person("青木 健一"), person("水野 直樹")
    registrar.enter()
    number = registrar.register("署名なし", "水野 直樹")
    mail = portal.mail(recipient.address, "受取確認依頼 のお知らせ", number)
    recipient.follow(mail)
    recipient.press("差戻")
    dialog = recipient.page.get_by_role("dialog", name="契約文書の差戻")
    dialog.get_by_label("差戻の理由", exact=True).fill("現場の住所をご訂正ください。")
    dialog.get_by_role("button", name="差し戻す", exact=True).click()
    recipient.sees("差し戻しました。")
    recipient.follow(mail)
    recipient.was_refused(404)
    recipient.is_on("ページが見つかりません")

    letter = portal.mail(registrar.address, "差戻 のお知らせ", number)
    assert "現場の住所をご訂正ください。" in letter.body
    registrar.follow(letter)
    registrar.sees("現場の住所をご訂正ください。")
    registrar.press("修正")
    registrar.is_on("契約文書修正")
    registrar.fill(契約件名="住所を訂正した送付状")
    registrar.press("確認")
    registrar.is_on("契約文書登録確認")
    registrar.press("確定")
    recipient.follow(portal.mail(recipient.address, "受取確認依頼 のお知らせ", number, at_least=2))
    recipient.is_on("契約文書照会")
    assert recipient.fact("契約件名") == "住所を訂正した送付状"


@pytest.mark.requirement("R60", "R61", "R88")
def test_the_fee_is_asked_about_before_the_receipt(person, portal):
    registrar, recipient = person("青木 健一"), person("平井 誠")
    registrar.enter()
    number = registrar.register("署名なし", "平井 誠")
    recipient.follow(portal.mail(recipient.address, "受取確認依頼 のお知らせ", number))
    recipient.press("受取確認")
    recipient.press("確認")
    recipient.is_on("契約文書受取確認")
    recipient.sees(FEE_WARNING)
    dialog = recipient.page.get_by_role("dialog")
    recipient.press("確定")
    expect(dialog).to_contain_text(FEE_DIALOG)
    dialog.get_by_role("button", name="キャンセル", exact=True).click()
    expect(dialog).to_have_count(0)
    recipient.is_on("契約文書受取確認")
    assert registrar.status_of(number) == "受領側受取待ち"
    recipient.press("確定")
    dialog.get_by_role("button", name="OK", exact=True).click()
    recipient.is_on("トップページ")
    assert registrar.status_of(number) == "完了待ち"


def test_a_second_tab_learns_that_the_document_moved_on(person, portal):
    registrar, recipient = person("青木 健一"), person("水野 直樹")
    registrar.enter()
    number = registrar.register("署名なし", "水野 直樹")
    recipient.follow(portal.mail(recipient.address, "受取確認依頼 のお知らせ", number))
    address, first = recipient.page.url, recipient.page
    second = recipient.context.new_page()
    for recipient.page in (first, second):
        recipient.page.goto(address)
        recipient.press("受取確認")
        recipient.press("確認")
        recipient.is_on("契約文書受取確認")
    recipient.page = first
    recipient.press("確定")
    recipient.is_on("トップページ")
    recipient.page = second
    recipient.press("確定")
    recipient.sees("他の利用者が処理済みです")
    recipient.was_refused(409)
    recipient.page.get_by_role("link", name="契約文書照会へ").click()
    recipient.is_on("契約文書照会")
    recipient.sees("完了待ち")


@pytest.mark.requirement("R43")
def test_the_name_of_the_contract_opens_its_pdf(person, portal):
    registrar = person("青木 健一")
    registrar.enter()
    number = registrar.register("署名なし", "水野 直樹")
    registrar.status_of(number)
    registrar.page.get_by_role("link", name=number, exact=True).click()
    with registrar.context.expect_page() as opened:
        registrar.page.get_by_role("link", name="purchase-order.pdf").click()
    tab = opened.value
    tab.wait_for_load_state()
    assert tab.url.startswith(portal.url) and tab.url.endswith("/pdf")
