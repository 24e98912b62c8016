"""取下げ while the receiver has the page open: nothing happens by its button, and the mail says why (T12)."""

import pytest


@pytest.mark.requirement("T12", "I18")
def test_a_contract_is_withdrawn_while_the_receiver_has_its_page_open(person, portal):
    registrar, recipient = person("青木 健一"), person("水野 直樹")
    registrar.enter()
    number = registrar.register("署名なし", "水野 直樹")
    recipient.follow(portal.mail(recipient.address, "受取確認依頼 のお知らせ", number))
    recipient.press("受取確認")
    recipient.press("確認")
    recipient.is_on("契約文書受取確認")

    registrar.open("/documents/")
    registrar.fill(文書管理番号=number)
    registrar.press("検索")
    registrar.page.get_by_role("link", name=number, exact=True).click()
    registrar.is_on("契約文書照会")
    registrar.press("取下げ")
    dialog = registrar.page.get_by_role("dialog")
    dialog.get_by_label("取下げの理由", exact=True).fill("発注を見合わせます。")
    dialog.get_by_role("button", name="取り下げる", exact=True).click()
    registrar.sees("契約文書を取り下げました。")
    registrar.sees("この契約文書は取り下げられました")

    recipient.press("確定")
    recipient.was_refused(404)
    recipient.sees("お探しのページまたは契約文書は見つかりませんでした")
    letter = portal.mail(recipient.address, "取下げ のお知らせ", number)
    assert "発注を見合わせます。" in letter.body
    recipient.open()
    recipient.does_not_see(number)
