"""A contract for construction work: refused for want of consent, asked for, consented to from the mail, sent (L14)."""

import pytest
from playwright.sync_api import expect

from tests.browser.person import CONTRACT


@pytest.mark.requirement("L14", "L15", "I3")
def test_a_construction_contract_is_sent_once_its_receiver_has_consented(portal, person):
    registrar, administrator = person("青木 健一"), person("津田 文子")
    registrar.enter()
    registrar.choose("契約締結", "契約文書登録")
    registrar.fill(契約件名="鉄骨工事請負契約書", 企業ID=administrator.company_code, 利用者ID=administrator.code)
    registrar.field("署名なし").check()
    registrar.field("契約文書(PDF)").set_input_files(CONTRACT)
    expect(registrar.field("工事内容")).to_be_hidden()
    registrar.field("建設工事の請負契約（建設業法第19条）に該当する").check()
    registrar.field("工事内容").check()
    registrar.press("確認")
    registrar.is_on("契約文書登録確認")
    registrar.sees("つばめ鉄鋼株式会社：未承諾")
    registrar.sees("契約に関する紛争の解決方法")
    expect(registrar.page.get_by_role("button", name="確定", exact=True)).to_have_count(0)
    number, confirmation = registrar.fact("文書管理番号"), registrar.page.url
    registrar.press("承諾を依頼する")
    registrar.press("OK")
    registrar.sees("つばめ鉄鋼株式会社：依頼中")

    administrator.follow(portal.mail(administrator.address, "電子契約の承諾の依頼"))
    administrator.is_on("電子契約の承諾")
    administrator.sees("（１）ファイルへの記録の方式：PDF形式")
    administrator.press("承諾する")
    administrator.press("OK")
    administrator.sees("電子契約による締結を承諾し、株式会社あおば建設にお知らせしました。")
    assert administrator.fact("状態") == "承諾済み"

    assert "承諾がありました" in portal.mail(registrar.address, "電子契約の承諾 の", "つばめ鉄鋼").body
    registrar.page.goto(confirmation)
    registrar.press("確定")
    registrar.sees(f"契約文書 {number} を発信しました。")
