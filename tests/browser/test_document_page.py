"""The page of a document: its PDF beside the facts, and what changed after a 差戻."""

import io

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from playwright.sync_api import expect

PAGES = ("工事請負契約書", "第二頁　請負代金は壱千万円とする。")


def written_in_shift_jis(*pages):
    """A PDF as old Japanese programs write it: no font in it, and words that only a character map can read."""
    pdf = pikepdf.new()
    descendant = Dictionary(
        Type=Name.Font, Subtype=Name.CIDFontType0, BaseFont=Name("/HeiseiMin-W3"),
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Japan1", Supplement=2),
        FontDescriptor=pdf.make_indirect(Dictionary(
            Type=Name.FontDescriptor, FontName=Name("/HeiseiMin-W3"), Flags=4, FontBBox=Array([-123, -257, 1001, 910]),
            ItalicAngle=0, Ascent=709, Descent=-241, CapHeight=709, StemV=69,
        )),
    )  # fmt: skip
    font = pdf.make_indirect(Dictionary(
        Type=Name.Font, Subtype=Name.Type0, BaseFont=Name("/HeiseiMin-W3-90ms-RKSJ-H"), Encoding=Name("/90ms-RKSJ-H"),
        DescendantFonts=Array([pdf.make_indirect(descendant)]),
    ))  # fmt: skip
    for text in pages:
        page = pdf.add_blank_page(page_size=(595, 842))
        page.Resources = Dictionary(Font=Dictionary(F1=font))
        page.Contents = pdf.make_stream(b"BT /F1 20 Tf 60 700 Td <%s> Tj ET" % text.encode("cp932").hex().encode())
    out = io.BytesIO()
    pdf.save(out)
    return {"name": "sjis.pdf", "mimeType": "application/pdf", "buffer": out.getvalue()}


@pytest.mark.requirement("R43", "R44", "T10", "T11")
def test_the_contract_is_read_on_its_page_and_compared_after_it_came_back_corrected(person, portal):
    registrar, recipient = person("青木 健一"), person("水野 直樹")
    registrar.enter()
    number = registrar.register("署名なし", "水野 直樹", pdf=written_in_shift_jis(*PAGES))
    recipient.follow(portal.mail(recipient.address, "受取確認依頼 のお知らせ", number))
    pages = recipient.page.get_by_role("region", name="契約文書のページ")
    expect(pages.get_by_role("group", name="1ページ目")).to_contain_text(PAGES[0])
    recipient.press("次のページ")
    expect(recipient.field("表示するページ")).to_have_value("2")
    second = pages.get_by_role("group", name="2ページ目")
    expect(second).to_contain_text(PAGES[1])
    assert second.locator("canvas").evaluate(IS_DRAWN)
    before = second.bounding_box()["width"]
    recipient.press("拡大")
    assert second.bounding_box()["width"] > before
    recipient.press("差戻")
    dialog = recipient.page.get_by_role("dialog")
    dialog.get_by_label("差戻の理由").fill("金額をご確認ください。")
    dialog.get_by_role("button", name="差し戻す").click()
    recipient.is_on("トップページ")
    recipient.sees("差し戻しました。")

    registrar.open()
    registrar.page.get_by_role("link", name=number, exact=True).click()
    registrar.press("修正")
    registrar.fill(**{"契約金額(税込)": "2,000,000"})
    registrar.field("契約文書(PDF)").set_input_files(written_in_shift_jis(PAGES[0], PAGES[1] + "（改）"))
    registrar.press("確認")
    registrar.press("確定")
    registrar.is_on("トップページ")

    recipient.open()
    recipient.page.get_by_role("link", name=number, exact=True).click()
    recipient.sees("前回から変更があります")
    recipient.page.get_by_role("link", name="変更内容の確認").click()
    recipient.is_on("変更内容の確認")
    expect(recipient.row("契約金額(税込)")).to_contain_text("金額なし")
    expect(recipient.row("契約金額(税込)")).to_contain_text("2,000,000円")
    expect(recipient.page.get_by_role("heading", name="1ページ目 変更なし")).to_be_visible()
    expect(recipient.page.get_by_role("heading", name="2ページ目 変更あり")).to_be_visible()
    picture = recipient.page.get_by_role("img", name="変更後の契約文書の2ページ目")
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") == 900


IS_DRAWN = """canvas => new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height / 2).data.buffer)
  .some((pixel) => pixel !== 0xffffffff && pixel !== 0)"""


@pytest.mark.requirement("L8")
def test_on_a_telephone_a_file_that_cannot_be_read_sends_nobody_to_another_tab(person):
    registrar = person("青木 健一")
    registrar.enter()
    registrar.page.set_viewport_size({"width": 375, "height": 800})
    registrar.page.route("**/documents/*/pdf", lambda route: route.fulfill(status=503, content_type="text/html", body=""))
    registrar.open("/documents/21")  # in 長期保管
    registrar.press("契約文書を表示")
    dialog = registrar.page.get_by_role("dialog", name="契約文書")
    expect(dialog.get_by_role("status")).to_contain_text("読み込めないため、現在表示できません。しばらくしてから")
    expect(dialog.get_by_role("status")).not_to_contain_text("別のタブ")
    dialog.get_by_role("button", name="閉じる").click()
    expect(dialog).to_be_hidden()
    registrar.was_refused(503)
