"""ダッシュボード: its pictures are drawn, and its numbers lead to their lists; nothing is fetched from elsewhere."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.requirement("I3", "I21", "S18")


def test_the_pictures_stand_beside_tables_whose_numbers_lead_on(person):
    admin = person("青木 健一")
    admin.enter()
    admin.choose("管理者業務", "ダッシュボード")
    admin.is_on("ダッシュボード")
    drawn = admin.page.get_by_role("img", name="ステータス別の件数のグラフ。数値は表をご覧ください。")
    drawn.wait_for()
    has_ink = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(value => value)"
    assert drawn.evaluate(has_ink)
    expect(admin.page.locator("canvas")).to_have_count(admin.page.locator("[data-chart]").count())
    number = admin.page.get_by_role("row", name="受領側受取待ち").get_by_role("link").first
    count = number.inner_text()
    number.click()
    admin.is_on("契約文書検索／一覧")
    expect(admin.page.locator(".list-head > p")).to_contain_text(f"{count}件")
    expect(admin.page.get_by_label("受領側受取待ち", exact=True)).to_be_checked()

    operator = person("運営 太郎", viewport={"width": 375, "height": 740})
    operator.enter()  # ダッシュボード is what comes first
    operator.page.get_by_role("img", name="月別の締結件数と新規の企業数").wait_for()
    assert operator.page.evaluate("document.documentElement.scrollWidth") == 375
    number = operator.page.get_by_role("row", name="受領側受取待ち").get_by_role("link").first
    count = int(number.inner_text())
    number.click()
    operator.is_on("契約文書")
    operator.sees("「ステータスが『受領側受取待ち』の契約文書」だけを表示しています")
    values = operator.page.locator("td[data-label='登録日時']")  # the last column
    expect(values).to_have_count(min(count, 20))
    box = values.first.bounding_box()
    assert 0 <= box["x"] and box["x"] + box["width"] <= 375
    assert operator.page.evaluate("document.documentElement.scrollWidth") == 375
