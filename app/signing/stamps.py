"""The visible stamp of a signature: a small vermilion seal, the company, the person and the moment.

Text stays text (it can be searched and read aloud), in an embedded subset of Noto Sans JP, kept for each set of
names; the date uses letters that are always in it.
"""

import datetime as dt
import functools
import zlib
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.stamp import BaseStampStyle

from app import clock
from app.signing.canvas import GREY, INK, VERMILION, Canvas
from app.signing.typeface import font_for, printable, wrap

_ALWAYS = "0123456789/: 日本時間電子署名…〓"

# The drawing is laid out for a box of 172 x 60 points and scaled to the field's own.
_HEIGHT = 60.0
_PAD = 6.0
_SEAL = 30.0
_NAME_SIZES = (10.5, 10, 9.5, 9, 8.5, 8, 7.5, 7, 6.5, 6, 5.5, 5, 4.5, 4, 3.6, 3.2, 2.8, 2.4, 2, 1.6, 1.2)
_LEADING = 1.22
_TALLEST = 72.0
_SMALL = 0.85  # below this scale the words would be too small to read


@dataclass(frozen=True)
class Stamp:
    """What a signature shows.

    :param label: whose signature it is: 発出, 受領, or a company's name where there are more than two
    :param signed_at: about the time-stamped moment; shown to the minute, in Japan time
    """

    label: str
    company_name: str
    person_name: str
    signed_at: dt.datetime


@dataclass(frozen=True)
class StampStyle(BaseStampStyle):
    """What pyHanko draws into a signature field; without a stamp, nothing."""

    stamp: Stamp | None = None

    def create_stamp(self, writer, box, text_params):
        return _Appearance(writer, self.stamp, box.width, box.height) if self.stamp else None


class _Appearance:
    """A stamp in one field of one file."""

    def __init__(self, writer, stamp, width, height):
        self._writer, self._stamp, self._width, self._height = writer, stamp, width, height

    def apply_appearance(self, annotation):
        turn = _rotation(annotation["/P"]) if "/P" in annotation else 0
        width, height = self._width, self._height
        if turn in (90, 270):
            width, height = height, width
        drawing, font = _drawn(self._stamp, round(width, 3), round(height, 3))
        form = generic.StreamObject(
            {
                pdf_name("/Type"): pdf_name("/XObject"),
                pdf_name("/Subtype"): pdf_name("/Form"),
                pdf_name("/BBox"): _numbers(0, 0, width, height),
                pdf_name("/Matrix"): _numbers(*_UPRIGHT[turn]),
                pdf_name("/Resources"): _dictionary(Font=_dictionary(F1=_add_font(self._writer, font))),
                pdf_name("/Filter"): pdf_name("/FlateDecode"),
            },
            encoded_data=drawing,
        )
        annotation[pdf_name("/AP")] = _dictionary(N=self._writer.add_object(form))


# On a page that is shown turned, the stamp is turned back.
_UPRIGHT = {
    0: (1, 0, 0, 1, 0, 0),
    90: (0, 1, -1, 0, 0, 0),
    180: (-1, 0, 0, -1, 0, 0),
    270: (0, -1, 1, 0, 0, 0),
}


def _rotation(page):
    for _ in range(64):
        if "/Rotate" in page:
            return int(page["/Rotate"]) % 360 if int(page["/Rotate"]) % 90 == 0 else 0
        if "/Parent" not in page:
            break
        page = page["/Parent"]
    return 0


@functools.lru_cache(maxsize=256)
def _drawn(stamp, width, height):
    """The stamp's drawing operators, deflated, and the font they use."""
    lines = (stamp.label, stamp.company_name, stamp.person_name)
    font = font_for("".join(sorted(set("".join(map(printable, lines)) + _ALWAYS))))
    return zlib.compress(_operators(stamp, width, height, font)), font


def _operators(stamp, width, height, font):
    scale = min(height / _HEIGHT, width / 130.0)
    canvas = Canvas(font)
    wide, high = width / scale, height / scale
    canvas.add(f"{scale:.4f} 0 0 {scale:.4f} 0 0 cm")

    canvas.stroke(VERMILION, 0.7)
    canvas.rounded_rectangle(0.6, 0.6, wide - 1.2, high - 1.2, 3.2)

    seal_bottom = (high - _SEAL) / 2
    canvas.stroke(VERMILION, 1.3)
    canvas.rounded_rectangle(_PAD + 0.6, seal_bottom, _SEAL, _SEAL, 4.2)
    _draw_seal(canvas, printable(stamp.label), _PAD + 0.6 + _SEAL / 2, high / 2)

    left = _PAD + 0.6 + _SEAL + 7
    spare = max(0.0, high - _TALLEST) / 2  # in a tall box the lines stay together
    _write_words(canvas, stamp, left, wide - left - _PAD, spare + _PAD, high - spare - _PAD, scale)
    return canvas.operators()


def _write_words(canvas, stamp, left, room, foot, top, scale):
    """The heading, the names and the moment, between `foot` and `top`; in a small box larger, without the heading."""
    font, is_small = canvas.font, scale < _SMALL
    date_text = f"{stamp.signed_at.astimezone(clock.JAPAN).strftime('%Y/%m/%d %H:%M')} 日本時間"
    date_size = 7.6 if is_small else 5.8
    date_size = min(date_size, date_size * room / font.width(date_text, date_size))
    canvas.fill(GREY)
    if not is_small:
        canvas.text("電子署名", left, top - 5.2, 5.4, spacing=0.6)
    canvas.text(date_text, left, foot + 0.9, date_size)

    middle_top = top if is_small else top - 9.2
    middle_bottom = foot + date_size + 2.8
    person_height, person_size, person_lines = 0.0, 0.0, []
    if person := printable(stamp.person_name):
        person_size, person_lines = _fit(font, person, room, 13.0, 9.5 if is_small else 7.6)
        person_height = len(person_lines) * person_size * _LEADING + 1.2
    company_room = middle_top - middle_bottom - person_height
    company_size, company_lines = _fit(font, printable(stamp.company_name), room, company_room, 10.5)
    y = middle_top - (company_room - len(company_lines) * company_size * _LEADING) / 2
    canvas.fill(INK)
    for line in company_lines:
        y -= company_size * _LEADING
        canvas.text(line, left, y + company_size * 0.26, company_size)
    y -= 1.2
    for line in person_lines:
        y -= person_size * _LEADING
        canvas.text(line, left, y + person_size * 0.26, person_size)


def _draw_seal(canvas, label, x, y):
    """Up to four letters as on a seal: from top to bottom, four as two columns from the right."""
    letters = label if 1 <= len(label) <= 4 and " " not in label else "署名"
    canvas.fill(VERMILION)
    columns = [letters] if len(letters) < 4 else [letters[:2], letters[2:]]
    size = {1: 20.0, 2: 12.4, 3: 8.6}.get(len(letters), 12.0)
    for number, column in enumerate(columns):
        center = x + (len(columns) - 1) * size / 2 * 1.02 - number * size * 1.02
        height = len(column) * size * 1.02
        for place, letter in enumerate(column):
            bottom = y + height / 2 - (place + 1) * size * 1.02
            canvas.text(letter, center - canvas.font.width(letter, size) / 2, bottom + size * 0.13, size)


def _fit(font, text, width, height, largest):
    """Size and lines with which `text` fits into `width` x `height`: as large as may be, never cut off."""
    lines = [text]
    for size in (size for size in _NAME_SIZES if size <= largest):
        lines = wrap(font, text, width, size)
        if len(lines) * size * _LEADING <= height + 0.01 and (len(lines) < 3 or size <= 7):
            break
    return size, lines


def _add_font(writer, font):
    file = generic.StreamObject(
        {
            pdf_name("/Subtype"): pdf_name("/CIDFontType0C"),
            pdf_name("/Filter"): pdf_name("/FlateDecode"),
        },
        encoded_data=font.file,
    )
    to_unicode = generic.StreamObject(
        {pdf_name("/Filter"): pdf_name("/FlateDecode")}, encoded_data=font.to_unicode
    )
    descriptor = _dictionary(
        Type=pdf_name("/FontDescriptor"),
        FontName=pdf_name("/" + font.name),
        Flags=generic.NumberObject(4),
        FontBBox=_numbers(*font.measures["box"]),
        ItalicAngle=generic.NumberObject(0),
        Ascent=generic.NumberObject(font.measures["ascent"]),
        Descent=generic.NumberObject(font.measures["descent"]),
        CapHeight=generic.NumberObject(733),
        StemV=generic.NumberObject(80),
        FontFile3=writer.add_object(file),
    )
    widths = generic.ArrayObject()
    for code, width in font.widths():
        widths.append(generic.NumberObject(code))
        widths.append(_numbers(width))
    descendant = _dictionary(
        Type=pdf_name("/Font"),
        Subtype=pdf_name("/CIDFontType0"),
        BaseFont=pdf_name("/" + font.name),
        CIDSystemInfo=_dictionary(
            Registry=generic.pdf_string("Adobe"),
            Ordering=generic.pdf_string("Identity"),
            Supplement=generic.NumberObject(0),
        ),
        FontDescriptor=writer.add_object(descriptor),
        DW=generic.NumberObject(1000),
        W=widths,
    )
    return writer.add_object(
        _dictionary(
            Type=pdf_name("/Font"),
            Subtype=pdf_name("/Type0"),
            BaseFont=pdf_name(f"/{font.name}-Identity-H"),
            Encoding=pdf_name("/Identity-H"),
            DescendantFonts=generic.ArrayObject([writer.add_object(descendant)]),
            ToUnicode=writer.add_object(to_unicode),
        )
    )


def _dictionary(**entries):
    return generic.DictionaryObject({pdf_name("/" + key): value for key, value in entries.items()})


def _numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject(
        generic.NumberObject(value) if value == int(value) else generic.FloatObject(f"{value:.3f}")
        for value in values
    )
