import datetime as dt
import io
import re
import subprocess
import zlib

import pikepdf
import pypdfium2
import pytest

from app import clock
from app.errors import IntakeRefused
from app.signing import stamps
from app.signing.fields import (
    LEAST_HEIGHT,
    LEAST_WIDTH,
    FieldSpec,
    default_boxes,
    field_positions,
    page_sizes,
    place_fields,
)
from app.signing.intake import render_page
from app.signing.stamps import Stamp
from tests.signing.conftest import sample_pdf

A4 = (595.0, 842.0)


@pytest.mark.requirement("R79", "I5")
def test_fields_stand_side_by_side_at_the_foot_of_the_last_page():
    pdf = place_fields(sample_pdf(3), [FieldSpec("sender"), FieldSpec("receiver-1")])
    sender, receiver = field_positions(pdf)
    assert (sender.name, receiver.name) == ("sender", "receiver-1")
    assert sender.page == receiver.page == 2 and sender.page_size == A4
    assert sender.box[1] == receiver.box[1] < 60 and sender.box[2] < receiver.box[0]
    assert not sender.signed and not receiver.signed


@pytest.mark.requirement("R79")
def test_a_signed_field_is_known_as_such_and_time_stamps_are_not_shown(signed_once, archived):
    assert [position.signed for position in field_positions(signed_once)] == [True, False]
    assert [position.name for position in field_positions(archived)] == ["sender", "receiver-1"]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("size", [A4, (842, 595), (420, 595), (200, 150), (90, 60), (2384, 3370)])
def test_default_boxes_lie_in_the_page_and_apart(size, count):
    boxes = default_boxes(["x"] * count, size)
    assert len(boxes) == count
    for number, (left, bottom, right, top) in enumerate(boxes):
        assert 0 <= left < right <= size[0] and 0 <= bottom < top <= size[1]
        for other in boxes[:number]:
            assert right <= other[0] or other[2] <= left or top <= other[1] or other[3] <= bottom


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("origin", [(0, 0), (100, -50)])
def test_boxes_are_those_of_the_page_as_it_is_shown(rotate, origin):
    box = (30.0, 40.0, 200.0, 100.0)
    pdf = place_fields(sample_pdf(1, rotate=rotate, origin=origin), [FieldSpec("sender", 0, box)])
    (position,) = field_positions(pdf)
    assert position.box == pytest.approx(box)
    shown = pypdfium2.PdfDocument(pdf)[0].get_size()
    assert position.page_size == pytest.approx(shown)


@pytest.mark.parametrize(
    "spec",
    [
        FieldSpec("sender", 0, (500, 10, 700, 60)),
        FieldSpec("sender", 0, (-5, 10, 100, 60)),
        FieldSpec("sender", 0, (10, 10, 10, 60)),
        FieldSpec("sender", 0, (100, 60, 10, 10)),
        FieldSpec("sender", 7),
        FieldSpec("sender", -3),
    ],
)
def test_a_field_outside_its_page_is_refused(spec):
    with pytest.raises(IntakeRefused):
        place_fields(sample_pdf(2), [spec])


def test_a_name_is_used_once(contract):
    with pytest.raises(IntakeRefused):
        place_fields(sample_pdf(), [FieldSpec("sender"), FieldSpec("sender")])
    with pytest.raises(IntakeRefused):
        place_fields(contract, [FieldSpec("sender")])


@pytest.mark.requirement("I5")
def test_a_box_placed_by_hand_leaves_the_other_its_default_place():
    (_, receiver) = field_positions(place_fields(sample_pdf(), [FieldSpec("sender"), FieldSpec("receiver-1")]))
    placed = place_fields(
        sample_pdf(), [FieldSpec("sender", 0, (50.0, 500.0, 200.0, 560.0)), FieldSpec("receiver-1")]
    )
    sender, other = field_positions(placed)
    assert (sender.page, sender.box) == (0, pytest.approx((50, 500, 200, 560)))
    assert other == receiver


def test_placing_is_an_incremental_update_and_locks_only_the_own_field():
    pdf = sample_pdf()
    placed = place_fields(pdf, [FieldSpec("sender"), FieldSpec("receiver-1")])
    assert placed.startswith(pdf)
    with pikepdf.open(io.BytesIO(placed)) as opened:
        for field in opened.Root.AcroForm.Fields:
            assert field.Lock.Action == "/Include" and list(field.Lock.Fields) == [field.T]


NAMES = [
    ("発出", "株式会社みなと建設", "港 太郎"),
    ("受領", "㈱髙﨑・塚󠄀本商店", "髙﨑 﨑子"),
    ("株式会社みなと建設", "株" * 255, "名" * 255),
    ("発出", "International Holdings Corporation of Tokyo", "John Smith"),
    ("受領", "株式会社🏗️\x00\x07\u202e\n建設", "👩‍👩‍👧 花子"),
    ("", "", ""),
    ("受領", " " * 40, "A" * 255),
]


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("names", NAMES, ids=range(len(NAMES)))
@pytest.mark.parametrize("size", [(172, 60), (400, 300), (60, 40), (20, 200), (8, 8)])
def test_any_name_fits_into_any_box(names, size):
    drawing, font = stamps._drawn(Stamp(*names, clock.now()), *size)
    assert drawing and font.file


@pytest.mark.requirement("I5")
def test_the_stamp_shows_inside_its_box_on_a_turned_page(portal, sender, tmp_path):
    """Rendered by poppler: vermilion inside the field, none outside it."""
    for rotate in (0, 90):
        pdf = place_fields(sample_pdf(1, rotate=rotate), [FieldSpec("sender")])
        stamp = Stamp("発出", "株式会社みなと建設", "港 太郎", dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
        signed = portal.desk.sign(
            pdf, key=sender.key, certificate=sender.certificate, field="sender", stamp=stamp
        )
        (tmp_path / "signed.pdf").write_bytes(signed)
        try:
            subprocess.run(
                ["pdftoppm", "-r", "72", "-png", "-singlefile", "signed.pdf", "page"],
                cwd=tmp_path,
                check=True,
            )
        except FileNotFoundError:
            pytest.skip("pdftoppm is not installed (Debian: apt-get install poppler-utils)")
        from PIL import Image

        with Image.open(tmp_path / "page.png") as image:
            picture = image.convert("RGB")
        (position,) = field_positions(signed)
        left, bottom, right, top = position.box
        height = position.page_size[1]
        data, width = picture.tobytes(), picture.width
        red = [
            (place % width, height - place // width)
            for place in range(len(data) // 3)
            if data[3 * place] > data[3 * place + 2] + 60
        ]
        assert len(red) > 200
        assert all(left - 2 <= x <= right + 2 and bottom - 2 <= y <= top + 2 for x, y in red)


LEAST = (LEAST_WIDTH, LEAST_HEIGHT)


@pytest.mark.requirement("I5", "R79")
@pytest.mark.parametrize("rotate, size, origin, box_size", [
    (0, A4, (0, 0), LEAST), (90, A4, (0, 0), LEAST), (180, A4, (0, 0), (172, 60)), (270, (842, 595), (0, 0), (300, 150)),
    (0, (842, 595), (0, 0), (172, 60)), (90, A4, (100, -50), (172, 60)), (270, (420, 595), (-30, 40), LEAST),
], ids=str)  # fmt: skip
def test_the_ink_of_a_stamp_fills_exactly_its_box(portal, sender, rotate, size, origin, box_size):
    """On page 2 of three; the first and the last are of another size and not turned."""
    with pikepdf.open(io.BytesIO(sample_pdf(3))) as whole:
        with pikepdf.open(io.BytesIO(sample_pdf(1, size=size, rotate=rotate, origin=origin))) as single:
            whole.pages[1] = single.pages[0]
            out = io.BytesIO()
            whole.save(out)
    box = (61.0, 143.0, 61.0 + box_size[0], 143.0 + box_size[1])
    pdf = place_fields(out.getvalue(), [FieldSpec("sender", 1, box)])
    stamp = Stamp("発出", "株式会社みなと建設", "港 太郎", clock.now())
    signed = portal.desk.sign(pdf, key=sender.key, certificate=sender.certificate, field="sender", stamp=stamp)
    width, height = page_sizes(signed)[1]
    assert (width, height) == pytest.approx(pypdfium2.PdfDocument(signed)[1].get_size())
    left, bottom, right, top = ink_of(render_page(signed, 1, round(2 * width)), width, height)
    assert (left, bottom, right, top) == pytest.approx(box, abs=1.5)
    assert not ink_of(render_page(signed, 2, 600), *A4)


def ink_of(picture, width, height):
    """The box of what is vermilion in the picture of a page of that size, in points; None where nothing is."""
    from PIL import Image

    with Image.open(io.BytesIO(picture)) as image:
        data, across, down = image.convert("RGB").tobytes(), image.width, image.height
    red = [place for place in range(len(data) // 3) if data[3 * place] > data[3 * place + 2] + 60]
    if not red:
        return None
    columns, rows = [place % across for place in red], [place // across for place in red]
    x, y = width / across, height / down
    return min(columns) * x, height - (max(rows) + 1) * y, (max(columns) + 1) * x, height - min(rows) * y


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("names", NAMES[:1] + NAMES[3:4], ids=["ja", "en"])
def test_the_words_of_the_smallest_stamp_can_be_read(names):
    """In print, Japanese needs about five points."""
    stamp = Stamp(*names, clock.now())
    drawing, _ = stamps._drawn(stamp, LEAST_WIDTH, LEAST_HEIGHT)
    text = zlib.decompress(drawing).decode()
    scale = float(re.search(r"^([\d.]+) 0 0 ", text, re.M).group(1))
    sizes = [float(size) * scale for size in re.findall(r"/F1 ([\d.]+) Tf", text)]
    assert len(sizes) >= 4 and min(sizes) >= 4.8
