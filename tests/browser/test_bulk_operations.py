"""［一括署名］: read by keyboard, signed three at once, beside one whose file is away (R99, I13)."""

from contextlib import contextmanager

import pytest
from playwright.sync_api import expect


@contextmanager
def file_gone(portal, sha256):
    """The stored file cannot be found meanwhile."""
    (file,) = portal.data.glob(f"**/*{sha256[4:]}*")
    aside = file.rename(file.with_name("aside"))
    try:
        yield
    finally:
        aside.rename(file)


@pytest.mark.requirement("R99", "I13", "R107", "S17")
def test_three_are_signed_at_once_and_one_that_cannot_be_is_named(portal, person):
    signer = person("緑川 花子")
    signer.enter()
    signer.page.get_by_role("button", name="一括署名").click()
    signer.is_on("一括署名")
    page = signer.page
    rows = page.locator("[data-bulk-document]")
    expect(page.locator("[data-bulk-count]")).to_be_visible()  # its script listens
    names = [name.split("（")[0].strip() for name in rows.get_by_role("heading").get_by_role("link").all_inner_texts()]
    assert len(names) >= 4
    gone, staying = names[0], names[1:4]  # the first is signed already: a file of its own
    sha256 = rows.first.locator("[data-bulk-take]").get_attribute("value").rpartition(":")[2]
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("[data-bulk-shown]")).to_contain_text(names[0])
    expect(page.locator(".bulk__pdf .viewer__page canvas").first).to_be_visible()
    for _ in names:
        page.keyboard.press(" ")
        page.keyboard.press("ArrowDown")
    expect(page.locator("[data-bulk-count]")).to_have_text(f"対象{len(names)}件のうち{len(names)}件を確認済み")
    for name in set(names) - {gone, *staying}:
        page.get_by_label(f"一括署名の対象にする（{name}）").uncheck()
    signer.press("確認")
    signer.is_on("一括署名の内容確認")
    signer.fill(署名用パスワード=portal.mail(signer.address, "署名用パスワード 発行のお知らせ").secret("署名用パスワード"))
    with file_gone(portal, sha256):
        signer.press("確定")
        signer.is_on("一括署名の状況")
        expect(page.locator("progress")).to_be_visible()
        expect(page.get_by_text("4件のうち3件が完了し、1件は完了できませんでした").first).to_be_visible(timeout=60_000)
    for name in staying:
        expect(signer.row(name)).to_contain_text("完了")
    expect(signer.row(gone)).to_contain_text("未完了")
    expect(signer.row(gone)).to_contain_text("契約文書のファイルを読み込めませんでした")
    signer.open()
    signer.sees("4件のうち1件を完了できませんでした")
