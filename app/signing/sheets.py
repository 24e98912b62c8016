"""A sheet of facts as an A4 PDF to be kept and printed: headings, rows, a QR code, room for a seal.

The same facts give the same bytes: no date and no chance goes in.  All letters are embedded, text stays text, XMP
says title and language, nothing in the file acts.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import pikepdf
import segno
from pikepdf import Array, Dictionary, Name

from app.signing.canvas import GREY, INK, VERMILION, Canvas, embed
from app.signing.typeface import font_for, printable, wrap

WIDTH, HEIGHT = 595.28, 841.89  # A4 in points
LEFT, RIGHT, TOP, FOOT = 56.0, WIDTH - 56.0, HEIGHT - 56.0, 64.0
SEAL_SIZE = (190.0, 60.0)

_SIZE, _LEADING, _ROW_GAP, _COLUMN_GAP = 8.8, 1.42, 4.6, 8.0
_QR_SIZE = 86.0
_TOGETHER = 240.0  # a section that is not taller is not broken by the end of a page
_RULE = (0.82, 0.83, 0.85)


@dataclass(frozen=True)
class Section:
    """A heading with rows below.

    :param rows: each as many texts as there are `columns`; the first column is the quieter one
    :param columns: their shares of the width
    :param figures: which of the columns, from 0, are set to the right
    :param note: a sentence below the rows
    :param qr: an address to be drawn as a QR code beside the rows
    """

    heading: str
    rows: Sequence[Sequence[str]]
    columns: Sequence[float] = (0.25, 0.75)
    note: str = ""
    qr: str = ""
    figures: Sequence[int] = ()


@dataclass(frozen=True)
class Sheet:
    """What is written.

    :param foot: stands at the foot of each page, before the number of the page
    :param is_sealed: whether room for a seal is left at the end
    """

    title: str
    lead: str
    sections: Sequence[Section]
    foot: str
    is_sealed: bool = True


@dataclass(frozen=True)
class Drawn:
    """The file, and where its seal is to stand: page from 0, and left, bottom, right, top in points, if it gets one."""

    pdf: bytes
    seal_page: int
    seal_box: tuple[float, float, float, float] | None


def draw(sheet: Sheet) -> Drawn:
    """Write the sheet; rows go on to further pages where they have to."""
    pen = _Pen(font_for(_letters_of(sheet)))
    _write_head(pen, sheet)
    for section in sheet.sections:
        _write_section(pen, section)
    if not sheet.is_sealed:
        return Drawn(_file(sheet, pen), len(pen.pages) - 1, None)
    width, height = SEAL_SIZE
    pen.need(height + 14)
    pen.y -= height + 14
    box = (RIGHT - width, pen.y, RIGHT, pen.y + height)
    return Drawn(_file(sheet, pen), len(pen.pages) - 1, box)


def _letters_of(sheet):
    texts = [sheet.title, sheet.lead, sheet.foot, "0123456789/ ページ"]
    for section in sheet.sections:
        texts += [section.heading, section.note, *(text for row in section.rows for text in row)]
    return "".join(sorted(set("".join(map(printable, texts)))))


@dataclass
class _Pen:
    """Where on which page the next line stands."""

    font: object
    pages: list[Canvas] = field(default_factory=list)
    y: float = TOP

    def __post_init__(self):
        self.turn_page()

    @property
    def page(self):
        return self.pages[-1]

    def turn_page(self):
        self.pages.append(Canvas(self.font))
        self.y = TOP

    def need(self, height):
        """Go on to the next page where less than `height` is left on this one."""
        if self.y - height < FOOT:
            self.turn_page()

    def lines(self, text, width, size=_SIZE):
        return wrap(self.font, printable(text), width, size)

    def write(self, lines, x, y, size=_SIZE, colour=INK, edge=None):
        """Lines below one another, from `x` on, or up to `edge` where there is one."""
        self.page.fill(colour)
        for line in lines:
            y -= size * _LEADING
            self.page.text(line, x if edge is None else edge - self.font.width(line, size), y + size * 0.3, size)


def _write_head(pen, sheet):
    size = 20.0
    title = printable(sheet.title)
    pen.write([title], (WIDTH - pen.font.width(title, size)) / 2, pen.y, size)
    pen.y -= size * _LEADING + 8
    pen.page.stroke(VERMILION, 1.0)
    pen.page.line(LEFT, pen.y, RIGHT)
    pen.y -= 8
    lines = pen.lines(sheet.lead, RIGHT - LEFT)
    pen.write(lines, LEFT, pen.y)
    pen.y -= len(lines) * _SIZE * _LEADING


def _write_section(pen, section):
    room = RIGHT - LEFT - (_QR_SIZE + 14 if section.qr else 0)
    left = RIGHT - room
    rows = [_Row(pen, row, section, left, room) for row in section.rows]
    note = pen.lines(section.note, room, 7.6) if section.note else []
    whole = sum(row.height for row in rows) + len(note) * 7.6 * _LEADING
    inseparable = whole if whole < _TOGETHER else rows[0].height
    beside = max(inseparable, _QR_SIZE) + SEAL_SIZE[1] + 14 if section.qr else inseparable  # the seal stays near
    pen.need(34 + beside)
    pen.y -= 14
    pen.write([printable(section.heading)], LEFT, pen.y, 10.6)
    pen.y -= 10.6 * _LEADING + 2
    pen.page.stroke(_RULE, 0.6)
    pen.page.line(LEFT, pen.y, RIGHT)
    pen.y -= 4
    top = pen.y
    if section.qr:
        _draw_qr(pen.page, section.qr, LEFT, top - _QR_SIZE)
    for row in rows:
        row.write(pen)
    if note:
        pen.need(len(note) * 7.6 * _LEADING)
        pen.write(note, left, pen.y - 1, 7.6, GREY)
        pen.y -= 1 + len(note) * 7.6 * _LEADING
    if section.qr:
        pen.y = min(pen.y, top - _QR_SIZE - 2)


class _Row:
    """Texts side by side, each broken into lines; taller than a page, it goes on to the next."""

    def __init__(self, pen, texts, section, left, room):
        shares = [room * share for share in section.columns]
        self._cells = []
        self._edges = {number: left + sum(shares[: number + 1]) for number in section.figures}
        for number, text in enumerate(texts):
            x = left + sum(shares[:number])
            self._cells.append((x, pen.lines(text, shares[number] - (_COLUMN_GAP if number < len(shares) - 1 else 0))))
        self.height = max(len(lines) for _, lines in self._cells) * _SIZE * _LEADING + _ROW_GAP

    def write(self, pen):
        cells = self._cells
        while any(lines for _, lines in cells):
            pen.need(min(self.height, TOP - FOOT))
            fit = max(1, int((pen.y - FOOT) / (_SIZE * _LEADING)))
            for number, (x, lines) in enumerate(cells):
                pen.write(lines[:fit], x, pen.y, colour=INK if number else GREY, edge=self._edges.get(number))
            used = max(len(lines[:fit]) for _, lines in cells)
            cells = [(x, lines[fit:]) for x, lines in cells]
            pen.y -= used * _SIZE * _LEADING + _ROW_GAP


def _draw_qr(page, address, left, bottom):
    matrix = list(segno.make(address, error="m", micro=False).matrix)
    module = _QR_SIZE / len(matrix)
    page.fill((0, 0, 0))
    for number, row in enumerate(matrix):
        start = None
        for column, dark in enumerate([*row, 0]):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                y = bottom + _QR_SIZE - (number + 1) * module
                page.rectangle(left + start * module, y, (column - start) * module, module)
                start = None


def _file(sheet, pen):
    with pikepdf.new() as pdf:
        font = embed(pdf, pen.font)
        for number, page in enumerate(pen.pages, start=1):
            _write_foot(page, sheet.foot, f"{number}/{len(pen.pages)}ページ")
            pdf.pages.append(
                pikepdf.Page(
                    Dictionary(
                        Type=Name.Page, MediaBox=Array([0, 0, WIDTH, HEIGHT]), Contents=pdf.make_stream(page.operators()),
                        Resources=Dictionary(Font=Dictionary(F1=font)),
                    )
                )
            )  # fmt: skip
        pdf.Root.Lang = "ja"
        pdf.Root.ViewerPreferences = Dictionary(DisplayDocTitle=True)
        with pdf.open_metadata(set_pikepdf_as_editor=False) as metadata:
            metadata["dc:title"] = sheet.title
            metadata["dc:language"] = ["ja"]
        written = io.BytesIO()
        pdf.save(written, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
        return written.getvalue()


def _write_foot(page, foot, number):
    page.stroke(_RULE, 0.6)
    page.line(LEFT, 48, RIGHT)
    page.fill(GREY)
    page.text(printable(foot), LEFT, 36, 7.4)
    page.text(number, RIGHT - page.font.width(number, 7.4), 36, 7.4)
