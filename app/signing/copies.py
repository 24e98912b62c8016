"""The copy for print of a contract: what its pages show, and at the foot of each that it is a copy (L22).

It is a file of its own: no signature, no form, no evidence, nothing that acts goes into it, so that nobody can take it
for the original.  Each page is drawn a little smaller above the foot; nothing of it is hidden.
"""

import io
from dataclasses import dataclass

import pikepdf
from pikepdf import Array, Dictionary, Name, Rectangle

from app.signing import fields
from app.signing.canvas import GREY, INK, Canvas, embed
from app.signing.typeface import font_for, printable

_STRIP = 34.0  # points at the foot of A4, less on smaller pages
_STRIP_SHARE = 0.1
_SIZES = (9.0, 6.6)  # of the two lines


@dataclass(frozen=True)
class Foot:
    """What each page says of itself.

    :param mark: the words that say it is a copy
    :param number: 文書管理番号
    :param sentence: that it carries no signature, and where the original is
    :param sha256: of the original, hexadecimal
    """

    mark: str
    number: str
    sentence: str
    sha256: str

    def lines(self, page, pages):
        return (
            f"{self.mark}　文書管理番号 {self.number}　{page}/{pages}ページ",
            f"{self.sentence}　原本のSHA-256 {self.sha256}",
        )


def print_copy(pdf: bytes, foot: Foot, title: str) -> bytes:
    """The copy of a stored contract, in pages as large as those of the original."""
    with pikepdf.open(io.BytesIO(pdf)) as original, pikepdf.new() as made:
        original.flatten_annotations("print")
        count = len(original.pages)
        letters = "".join(map(printable, foot.lines(0, count))) + "0123456789"
        typeface = font_for("".join(sorted(set(letters))))
        font = embed(made, typeface)
        for number, page in enumerate(original.pages, start=1):
            lines = [printable(line) for line in foot.lines(number, count)]
            made.pages.append(_page(made, page, lines, typeface, font))
        made.Root.Lang = "ja"
        made.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        with made.open_metadata(set_pikepdf_as_editor=False) as metadata:
            metadata["dc:title"] = title
            metadata["dc:language"] = ["ja"]
        written = io.BytesIO()
        made.save(written, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return written.getvalue()


def _page(made, page, lines, typeface, font):
    """One page as it is shown, cropped and turned, above the foot."""
    shown = fields.read_page(page.obj)
    scale = float(page.obj.get("/UserUnit", 1))
    width, height = (measure * scale for measure in shown.size)
    visible = Array([round(edge, 4) for edge in shown.visible])
    for box in ("/TrimBox", "/ArtBox", "/BleedBox"):
        if box in page.obj:
            del page.obj[box]  # a form is cut out along the smallest of them
    page.obj.MediaBox = page.obj.CropBox = visible
    page.obj.Rotate = shown.rotation
    strip = min(_STRIP, height * _STRIP_SHARE)
    sheet = pikepdf.Page(
        made.make_indirect(
            Dictionary(
                Type=Name.Page, MediaBox=Array([0, 0, round(width, 4), round(height, 4)]),
                Resources=Dictionary(Font=Dictionary(F1=font), XObject=Dictionary()),
                Contents=made.make_stream(_foot(lines, typeface, width, strip)),
            )
        )
    )  # fmt: skip
    form = made.copy_foreign(page.as_form_xobject())
    name = sheet.add_resource(form, Name.XObject, prefix="Contract")
    place = sheet.calc_form_xobject_placement(
        form, name, Rectangle(0, strip, width, height), allow_shrink=True, allow_expand=False
    )
    sheet.contents_add(place, prepend=True)
    return sheet


def _foot(lines, typeface, width, strip):
    canvas = Canvas(typeface)
    margin = min(28.0, width * 0.05)
    ratio = strip / _STRIP
    canvas.stroke(GREY, 0.5)
    canvas.line(margin, strip - 3 * ratio, width - margin)
    for line, largest, y, colour in zip(lines, _SIZES, (19.5, 9.0), (INK, GREY), strict=True):
        largest *= ratio
        size = min(largest, largest * (width - 2 * margin) / typeface.width(line, largest))
        canvas.fill(colour)
        canvas.text(line, (width - typeface.width(line, size)) / 2, y * ratio, size)
    return canvas.operators()
