"""What an administrator does for the archive: ［長期保管延長］ and ［監査ログの検証］."""

import pytest
from playwright.sync_api import expect


@pytest.mark.requirement("R98", "I15", "I19")
def test_an_administrator_extends_a_document_and_has_the_log_checked(person):
    administrator = person("青木 健一")
    administrator.enter()
    administrator.choose("長期保管文書", "長期保管文書照会")
    administrator.is_on("長期保管契約文書検索／一覧")
    administrator.press("長期保管延長")
    administrator.sees("延長する契約文書を選択してください。")
    box = administrator.page.get_by_role("checkbox", name="を長期保管延長の対象に選択").first
    number = box.get_attribute("aria-label").removesuffix("を長期保管延長の対象に選択")
    box.check()
    administrator.press("長期保管延長")
    administrator.is_on("長期保管延長確認")
    *_, former, later = (cell.inner_text().split()[-1] for cell in administrator.row(number).get_by_role("cell").all())
    assert int(later[:4]) == int(former[:4]) + 10 and later[4:] == former[4:]
    administrator.press("確定")
    administrator.is_on("長期保管契約文書検索／一覧")
    administrator.sees("長期保管延長を受け付けました（1件）。")
    administrator.page.get_by_role("link", name=number, exact=True).click()
    administrator.is_on("長期保管文書照会")
    administrator.sees(f"{former} → {later}")

    administrator.choose("管理者業務", "監査ログの検証")
    administrator.is_on("監査ログの検証")
    administrator.press("検証")
    administrator.sees("改ざんは検出されていません")
    expect(administrator.page.get_by_text("不一致の箇所")).to_have_count(0)
    assert administrator.fact("最後の検証") != "－"
