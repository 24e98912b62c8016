"""The copy for print: marked on every page, as the page is shown, and never a second original (L22)."""

import io

import pikepdf
import pypdfium2
import pytest

from app.signing.copies import Foot, print_copy
from app.signing.verify import Outcome, verify
from tests.signing.conftest import sample_pdf

FOOT = Foot("電子契約の写し（控え）", "D00000001", "この写しに電子署名はありません。", "ab" * 32)


def text_of(page):
    return "".join(page.get_textpage().get_text_range().split())


@pytest.mark.requirement("L22", "L9")
def test_each_page_says_that_it_is_a_copy_of_what_and_loses_nothing(archived):
    copy = print_copy(archived, FOOT, "写し")
    with pypdfium2.PdfDocument(archived) as original, pypdfium2.PdfDocument(copy) as made:
        assert len(made) == len(original)
        for number in range(len(made)):
            text = text_of(made[number])
            for part in ("電子契約の写し（控え）", "D00000001", "ab" * 32, "この写しに電子署名はありません", f"{number + 1}/{len(made)}ページ"):
                assert part in text
            assert text_of(original[number]) in text


@pytest.mark.requirement("L22")
def test_it_carries_no_signature_form_or_evidence(portal, archived):
    copy = print_copy(archived, FOOT, "写し")
    verdict = verify(copy, portal.roots)
    assert verdict.outcome is Outcome.invalid and not verdict.signatures and not verdict.time_stamps
    assert b"/ByteRange" not in copy and b"ETSI" not in copy
    with pikepdf.open(io.BytesIO(copy)) as made:
        assert not {"/AcroForm", "/DSS", "/Perms", "/OpenAction", "/Names"} & set(made.Root.keys())
        assert not any("/Annots" in page.obj for page in made.pages)


@pytest.mark.requirement("L22")
@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (40, 500, 340, 800)])
def test_turned_and_cropped_pages_are_copied_as_they_are_shown(turn, crop):
    with pikepdf.open(io.BytesIO(sample_pdf())) as pdf:
        page = pdf.pages[0]
        page.obj.Rotate = turn
        page.obj.TrimBox = pikepdf.Array([100, 100, 120, 120])  # of the printer's trade: viewers ignore it
        if crop:
            page.obj.CropBox = pikepdf.Array(crop)
        written = io.BytesIO()
        pdf.save(written)
    with pypdfium2.PdfDocument(written.getvalue()) as original, pypdfium2.PdfDocument(
        print_copy(written.getvalue(), FOOT, "写し")
    ) as made:
        size = original[0].get_size()
        assert made[0].get_size() == pytest.approx(size, abs=0.1)
        assert made[0].get_rotation() == 0
        # shrunk above the foot, the page is what it was: two pictures that hardly differ
        width, height = size
        strip = min(34.0, height * 0.1)
        scale = (height - strip) / height
        shown = original[0].render(scale=scale).to_pil().convert("L")
        margin = (width - width * scale) / 2
        copied = made[0].render(scale=1).to_pil().convert("L")
        copied = copied.crop((round(margin), 0, round(margin) + shown.width, shown.height))
        darkness = [255 - sum(picture.histogram()[v] * v for v in range(256)) / (picture.width * picture.height) for picture in (shown, copied)]
        assert darkness[0] > 0.05 and darkness[1] == pytest.approx(darkness[0], rel=0.25)
        boxes = [picture.point(lambda v: 255 if v < 128 else 0).getbbox() for picture in (shown, copied)]
        assert boxes[0] and boxes[1] and all(abs(a - b) <= 3 for a, b in zip(*boxes, strict=True))
