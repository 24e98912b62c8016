"""A registration half typed, left, continued, sent with two attachments, and received with them."""

import re

import pytest
from playwright.sync_api import expect

from tests import office_files
from tests.browser.person import CONTRACT


@pytest.mark.requirement("I4", "T1")
def test_a_registration_is_left_half_typed_continued_and_sent_with_attachments(person, portal, tmp_path):
    title = "資材注文書（自動保存）"
    registrar = person("青木 健一")
    registrar.enter()
    slow_script = []
    registrar.page.route("**/js/autosave.js", lambda route: slow_script.append(route), times=1)
    registrar.choose("契約締結", "契約文書登録")
    registrar.fill(契約件名=title)
    registrar.field("署名なし").check()
    slow_script[0].continue_()
    registrar.sees("下書きを自動保存しました ")
    registrar.field("自社内コメント記入欄").fill("あとで続ける")
    registrar.open()  # what was typed last is kept on leaving
    registrar.is_on("トップページ")

    registrar.choose("契約締結", "契約文書登録")
    registrar.sees("入力中の下書きがあります")
    registrar.page.get_by_role("link", name="続きから入力", exact=True).click()
    expect(registrar.field("契約件名")).to_have_value(title)
    expect(registrar.field("自社内コメント記入欄")).to_have_value("あとで続ける")
    expect(registrar.field("署名なし")).to_be_checked()

    files = {"見積明細.xlsx": office_files.office("xlsx"), "現場写真.png": office_files.picture()}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    registrar.field("契約文書(PDF)").set_input_files(CONTRACT)
    registrar.field("添付・補足書類").set_input_files([tmp_path / name for name in files])
    account = portal.accounts["水野 直樹"]
    registrar.fill(企業ID=account["company_code"], 利用者ID=account["user_code"])
    registrar.press("確認")
    registrar.is_on("契約文書登録確認")
    number = registrar.fact("文書管理番号")
    for name in files:
        registrar.sees(name)
    registrar.press("確定")
    registrar.is_on("トップページ")
    registrar.choose("契約締結", "契約文書登録")
    registrar.does_not_see("入力中の下書きがあります")

    recipient = person("水野 直樹")
    recipient.enter()
    recipient.page.get_by_role("link", name=re.compile(number)).first.click()
    for name, content in files.items():
        with recipient.page.expect_download() as download:
            recipient.page.get_by_role("link", name=name, exact=True).click()
        assert download.value.suggested_filename == name
        if name.endswith("xlsx"):
            assert download.value.path().read_bytes() == content
