"""［署名位置設定］: a box is dragged and nudged on the second of four pages, and the stamp then stands there."""

import io
import re

import pytest
from playwright.sync_api import expect

from app.signing.intake import render_page
from tests.browser.person import CONTRACT

MM = 72 / 25.4


@pytest.mark.requirement("I5", "R79", "R113")
def test_the_stamp_stands_where_the_box_was_dragged(person, portal):
    registrar = person("青木 健一")
    registrar.enter()
    draft_a_contract(registrar, portal.accounts["水野 直樹"])
    registrar.page.get_by_role("link", name="署名位置設定", exact=True).click()
    registrar.is_on("署名位置設定")
    left, bottom, width, height = drag_to_page_two(registrar.page)
    registrar.press("保存")
    registrar.is_on("契約文書登録確認")
    registrar.sees("2ページ目（全4ページ）")
    number = registrar.fact("文書管理番号")
    registrar.press("確定")
    registrar.is_on("トップページ")

    signer = person("青葉 一郎")
    mail = portal.mail(signer.address, "署名依頼 のお知らせ", number)
    signer.follow(mail)
    signer.press("署名")
    signer.is_on("契約文書署名")
    signer.sign()
    signer.is_on("トップページ")
    signer.follow(mail)
    signer.is_on("契約文書照会")
    pdf = signer.open_pdf()
    box = [left * MM, bottom * MM, (left + width) * MM, (bottom + height) * MM]
    assert ink(pdf, 1) == pytest.approx(box, abs=2)
    assert ink(pdf, 3) is None  # nothing at the default place


def draft_a_contract(registrar, recipient):
    registrar.choose("契約締結", "契約文書登録")
    registrar.is_on("契約文書登録")
    registrar.fill(契約件名="工事請負契約書（署名位置）")
    registrar.field("発出側のみ署名有り").check()
    registrar.field("契約文書(PDF)").set_input_files(CONTRACT.with_name("construction-contract.pdf"))
    registrar.fill(企業ID=recipient["company_code"], 利用者ID=recipient["user_code"])
    registrar.pick("署名者", "青葉 一郎")
    registrar.press("確認")
    registrar.is_on("契約文書登録確認")


def drag_to_page_two(page):
    """By mouse and by keyboard; what the inputs say then: left, bottom, width and height in mm."""
    box, place = page.get_by_role("application", name="発出"), page.get_by_role("group", name="発出の署名欄")
    expect(box).to_be_visible()
    page.get_by_role("button", name="前へ").click()
    page.get_by_label("表示するページ", exact=True).select_option("2")
    expect(page.get_by_role("img", name="契約文書の2ページ目")).to_be_visible()
    expect(box).to_be_hidden()
    place.get_by_role("button", name="表示中のページに移動").click()
    expect(place.get_by_label("ページ", exact=True)).to_have_value("2")
    measures = [place.get_by_label(name) for name in ("左端からの距離", "下端からの距離", "幅", "高さ")]
    before = [float(measure.input_value()) for measure in measures]

    box.scroll_into_view_if_needed()
    drawn = box.bounding_box()
    x, y = drawn["x"] + drawn["width"] / 2, drawn["y"] + drawn["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 80, steps=4)
    page.mouse.move(x + 120, y - 160, steps=4)
    page.mouse.up()
    dragged = [float(measure.input_value()) for measure in measures]
    in_mm = before[2] / drawn["width"]
    assert dragged == pytest.approx([before[0] + 120 * in_mm, before[1] + 160 * in_mm, *before[2:]], abs=0.3)

    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"):
        box.press(key)
    left, bottom, width, height = (float(measure.input_value()) for measure in measures)
    nudged = [dragged[0] + 2, dragged[1], dragged[2] + 1, dragged[3] + 1]  # up by one, and one taller downwards
    assert [left, bottom, width, height] == pytest.approx(nudged, abs=0.05)
    expect(page.locator("output", has_text="発出：2ページ目")).to_have_text(re.compile(f"左端から{left:g}mm"))
    return left, bottom, width, height


def ink(pdf, page_index):
    """The box of the stamp's vermilion on a page A4, in points; None where there is none."""
    from PIL import Image

    with Image.open(io.BytesIO(render_page(pdf, page_index, 1200))) as image:
        data, across, down = image.convert("RGB").tobytes(), image.width, image.height
    red = [at for at in range(len(data) // 3) if data[3 * at] > 140 and data[3 * at + 2] < 90 and data[3 * at + 1] < 110]
    if not red:
        return None
    columns, rows, point = [at % across for at in red], [at // across for at in red], 595.3 / across
    return [min(columns) * point, (down - max(rows) - 1) * point, (max(columns) + 1) * point, (down - min(rows)) * point]
