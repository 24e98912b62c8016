"""代理: a signer is away, a colleague signs in that place, and each company reads what is its own."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect


@pytest.mark.requirement("I8", "R53", "T8", "I18")
def test_a_deputy_signs_and_the_own_company_alone_reads_for_whom(person, portal):
    registrar, recipient, signer, deputy = (
        person(name) for name in ("青木 健一", "水野 直樹", "緑川 花子", "山口 実")
    )
    signer.enter()
    signer.choose("設定", "代理者の指定")
    signer.is_on("代理者の指定")
    signer.pick("代理者", "山口 実")
    signer.fill(終了日=(dt.datetime.now(ZoneInfo("Asia/Tokyo")).date() + dt.timedelta(days=3)).isoformat())
    signer.press("確定")
    signer.sees("「山口 実」様を代理者に指定し、メールでお知らせします。")
    portal.mail(deputy.address, "代理者 のお知らせ", "緑川 花子様")

    registrar.enter()
    number = registrar.register("受領側のみ署名有り", "水野 直樹")
    recipient.follow(portal.mail(recipient.address, "受取確認依頼 のお知らせ", number))
    recipient.receive(signer="緑川 花子")

    mail = portal.mail(deputy.address, "署名依頼 のお知らせ", number)
    assert "※緑川 花子様の代理者としてお送りしております。" in mail.body
    deputy.enter()
    expect(deputy.row(number)).to_contain_text("代理：緑川 花子様")
    _activate(deputy, portal)
    deputy.follow(mail)
    deputy.sees("代理：緑川 花子様の処理待ちです。")
    assert deputy.open_pdf().startswith(b"%PDF-")
    deputy.press("署名")
    deputy.sees("「緑川 花子」様の代理として処理します。")
    again = "署名用パスワード 再発行のお知らせ"  # an earlier test of the day may have asked for it
    deputy.sign(again if portal.mails_to(deputy.address, again) else "署名用パスワード 発行のお知らせ")
    deputy.sees(f"契約文書 {number} に署名しました。")

    recipient.follow(portal.mail(recipient.address, "文書回覧完了 のお知らせ", number))
    recipient.sees("署名者　山口 実（緑川 花子の代理）")
    expect(recipient.page.get_by_role("listitem").get_by_text("山口 実（緑川 花子の代理）", exact=True)).to_be_visible()
    assert registrar.status_of(number) == "完了待ち"
    registrar.page.get_by_role("link", name=number, exact=True).click()
    registrar.is_on("契約文書照会")
    expect(registrar.page.get_by_role("listitem").get_by_text("山口 実", exact=True)).to_be_visible()
    registrar.does_not_see("緑川 花子")

    signer.press("終了")
    signer.page.get_by_role("dialog").get_by_role("button", name="OK", exact=True).click()
    signer.sees("「山口 実」様による代理を終了しました。")


def _activate(deputy, portal):
    """証明書有効性確認, where no test before this one has done it."""
    deputy.choose("証明書管理", "証明書有効性確認")
    deputy.is_on("証明書有効性確認")
    if deputy.field("PIN").is_visible():
        deputy.field("証明書").select_option(index=0)
        deputy.fill(PIN=portal.accounts[deputy.name]["certificates"][0]["pin"], パスワード=deputy.password)
        deputy.press("確定")
        deputy.sees("証明書の有効性を確認しました。")
