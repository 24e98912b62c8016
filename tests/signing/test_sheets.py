"""The sheet that facts are written on: its pages, its QR code, the room for the seal."""

import pypdfium2
import pytest
import segno

from app.signing import sheets
from app.signing.sheets import Section, Sheet, draw

ADDRESS = "https://portal.example/verify/"
LAST = Section("検証の方法", [("検証ページ", ADDRESS)], qr=ADDRESS)


def sheet(*sections):
    return Sheet("証明書", "次のとおりです。", [*sections, LAST], "証明書 D00000001")


def test_the_same_facts_give_the_same_bytes_and_others_do_not():
    facts = Section("文書", [("件名", "工事請負契約")])
    assert draw(sheet(facts)) == draw(sheet(facts))
    assert draw(sheet(facts)).pdf != draw(sheet(Section("文書", [("件名", "工事請負契約書")]))).pdf


@pytest.mark.parametrize("rows", [1, 29, 33, 36, 40, 200])
def test_nothing_is_lost_or_written_over_the_foot_however_many_rows_there_are(rows):
    drawn = draw(sheet(Section("経過", [(f"R{n}.", "株式会社" + "あ" * 90) for n in range(rows)])))
    with pypdfium2.PdfDocument(drawn.pdf) as pdf:
        texts = [page.get_textpage() for page in pdf]
        whole = "".join(text.get_text_range() for text in texts)
        assert all(f"R{n}." in whole for n in range(rows))
        assert all(f"{n}/{len(pdf)}ページ" in texts[n - 1].get_text_range() for n in range(1, len(pdf) + 1))
        for text in texts:
            words = text.get_text_bounded(bottom=50, top=sheets.FOOT - 3)
            assert not words.strip(), "between the last row and the foot nothing stands"
        assert drawn.seal_page == len(pdf) - 1
        left, bottom, right, top = drawn.seal_box
        assert sheets.FOOT <= bottom and top <= sheets.TOP and right <= sheets.RIGHT and left >= sheets.LEFT
        seal_page = texts[drawn.seal_page]
        assert not seal_page.get_text_bounded(left, bottom, right, top).strip()
        assert "検証ページ" in seal_page.get_text_range(), "the seal stands beside what explains it"


def test_a_row_taller_than_a_page_goes_on_and_an_unknown_letter_holds_its_place():
    drawn = draw(sheet(Section("文書", [("件名", "長" * 5000), ("備考", "\U000e0041\U0001f680")])))
    with pypdfium2.PdfDocument(drawn.pdf) as pdf:
        whole = "".join(page.get_textpage().get_text_range() for page in pdf)
    assert whole.count("長") == 5000 and "〓" in whole


def test_the_qr_code_is_the_address_module_by_module():
    drawn = draw(sheet())
    matrix = [[bool(module) for module in row] for row in segno.make(ADDRESS, error="m", micro=False).matrix]
    scale = 6
    with pypdfium2.PdfDocument(drawn.pdf) as pdf:
        picture = pdf[0].render(scale=scale).to_pil().convert("L")
    black = picture.point(lambda value: 255 if value == 0 else 0).getbbox()  # nothing else on the sheet is pure black
    module = (black[2] - black[0]) / len(matrix)
    assert module == pytest.approx(sheets._QR_SIZE * scale / len(matrix), rel=0.02)
    seen = [
        [picture.getpixel((int(black[0] + (x + 0.5) * module), int(black[1] + (y + 0.5) * module))) < 128 for x in range(len(matrix))]
        for y in range(len(matrix))
    ]
    assert seen == matrix
