"""The visible stamp of a signature: a small vermilion seal, the company, the person and the moment.

Text stays text (it can be searched and read aloud), in an embedded subset of Noto Sans JP.  Cutting the
subset out of a font of 4.5 MB is what costs, so it is kept for each set of names; the date uses letters
that are always in it.  The font must have 1000 units per em: pyHanko and this module write widths unscaled.
"""

import datetime as dt
import functools
import hashlib
import io
import threading
import unicodedata
import zlib
from dataclasses import dataclass
from pathlib import Path

import pylopdf_fonts_jp
from fontTools import subset
from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.stamp import BaseStampStyle

from app import clock

FONT_FILE = Path(pylopdf_fonts_jp.__file__).parent / "NotoSansJP-Regular.otf"

VERMILION = (0.76, 0.19, 0.15)
INK = (0.13, 0.14, 0.16)
GREY = (0.42, 0.44, 0.47)

_ALWAYS = "0123456789/: 日本時間電子署名…〓"
_MISSING = "〓"  # the geta mark, with which Japanese printers hold the place of a letter they lack
_NOT_AT_LINE_START = frozenset("、。，．・：；！？）」』】〕〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…-")

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
    font = _font_for("".join(sorted(set("".join(map(_printable, lines)) + _ALWAYS))))
    return zlib.compress(_operators(stamp, width, height, font)), font


def _operators(stamp, width, height, font):
    scale = min(height / _HEIGHT, width / 130.0)
    canvas = _Canvas(font)
    wide, high = width / scale, height / scale
    canvas.add(f"{scale:.4f} 0 0 {scale:.4f} 0 0 cm")

    canvas.stroke(VERMILION, 0.7)
    canvas.rounded_rectangle(0.6, 0.6, wide - 1.2, high - 1.2, 3.2)

    seal_bottom = (high - _SEAL) / 2
    canvas.stroke(VERMILION, 1.3)
    canvas.rounded_rectangle(_PAD + 0.6, seal_bottom, _SEAL, _SEAL, 4.2)
    _draw_seal(canvas, _printable(stamp.label), _PAD + 0.6 + _SEAL / 2, high / 2)

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
    if person := _printable(stamp.person_name):
        person_size, person_lines = _fit(font, person, room, 13.0, 9.5 if is_small else 7.6)
        person_height = len(person_lines) * person_size * _LEADING + 1.2
    company_room = middle_top - middle_bottom - person_height
    company_size, company_lines = _fit(font, _printable(stamp.company_name), room, company_room, 10.5)
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


class _Canvas:
    """Collects drawing operators."""

    def __init__(self, font):
        self.font = font
        self._operators = ["q"]

    def add(self, operator):
        self._operators.append(operator)

    def stroke(self, colour, line_width):
        self.add("{:.2f} {:.2f} {:.2f} RG".format(*colour) + f" {line_width:.2f} w")

    def fill(self, colour):
        self.add("{:.2f} {:.2f} {:.2f} rg".format(*colour))

    def rounded_rectangle(self, x, y, width, height, radius):
        right, top, bend = x + width, y + height, radius * 0.4477
        self.add(
            f"{x + radius:.2f} {y:.2f} m {right - radius:.2f} {y:.2f} l "
            f"{right - bend:.2f} {y:.2f} {right:.2f} {y + bend:.2f} {right:.2f} {y + radius:.2f} c "
            f"{right:.2f} {top - radius:.2f} l "
            f"{right:.2f} {top - bend:.2f} {right - bend:.2f} {top:.2f} {right - radius:.2f} {top:.2f} c "
            f"{x + radius:.2f} {top:.2f} l "
            f"{x + bend:.2f} {top:.2f} {x:.2f} {top - bend:.2f} {x:.2f} {top - radius:.2f} c "
            f"{x:.2f} {y + radius:.2f} l "
            f"{x:.2f} {y + bend:.2f} {x + bend:.2f} {y:.2f} {x + radius:.2f} {y:.2f} c s"
        )

    def text(self, text, x, y, size, spacing=0.0):
        codes = self.font.codes(text)
        self.add(f"BT /F1 {size:.2f} Tf {spacing:.2f} Tc {x:.2f} {y:.2f} Td <{codes}> Tj ET")

    def operators(self):
        return ("\n".join(self._operators) + "\nQ").encode("ascii")


def _fit(font, text, width, height, largest):
    """Size and lines with which `text` fits into `width` x `height`: as large as may be, never cut off."""
    lines = [text]
    for size in (size for size in _NAME_SIZES if size <= largest):
        lines = _wrap(font, text, width, size)
        if len(lines) * size * _LEADING <= height + 0.01 and (len(lines) < 3 or size <= 7):
            break
    return size, lines


def _wrap(font, text, width, size):
    lines, line, used = [], "", 0.0
    for letter in text:
        advance = font.width(letter, size)
        if line and used + advance > width:
            if letter == " ":
                lines.append(line)
                line, used = "", 0.0
                continue
            kept, space, carried = line.rpartition(" ")
            if not space or not letter.isascii() or not carried.isascii():
                kept, carried = line, ""
                if letter in _NOT_AT_LINE_START and len(line) > 1:
                    kept, carried = line[:-1], line[-1]
            lines.append(kept)
            line = carried
            used = font.width(line, size)
        line += letter
        used += advance
    return [*lines, line] if line else lines or [""]


def _printable(text):
    """`text` as it can be set: one line, without control characters; what the font lacks becomes 〓."""
    known = _letters()
    result = []
    for letter in unicodedata.normalize("NFC", text):
        category = unicodedata.category(letter)
        if letter.isspace():
            result.append(" ")
        elif category in ("Mn", "Me", "Cf", "Sk") or 0xFE00 <= ord(letter) <= 0xFE0F:
            continue  # variation selectors, joiners, skin tones: parts of the letter before
        elif category.startswith("C") or ord(letter) not in known:
            result.append(_MISSING)
        else:
            result.append(letter)
    return " ".join("".join(result).split(" ")).strip()


class _Font:
    """A subset of the typeface with exactly the letters of one stamp."""

    def __init__(self, cff: bytes, metrics: dict[str, tuple[int, int]], measures: dict[str, float]):
        self.file = zlib.compress(cff, 9)
        self._metrics = metrics
        self.measures = measures
        digest = hashlib.sha256(cff).digest()
        self.name = "".join(chr(65 + byte % 26) for byte in digest[:6]) + "+NotoSansJP-Regular"
        self.to_unicode = zlib.compress(_to_unicode(metrics))

    def width(self, text, size):
        return sum(self._metrics[letter][1] for letter in text) * size / 1000

    def codes(self, text):
        return "".join(f"{self._metrics[letter][0]:04X}" for letter in text)

    def widths(self):
        return sorted(set(self._metrics.values()))


@functools.lru_cache(maxsize=512)
def _font_for(letters: str) -> _Font:
    font = _open_font()
    if font["head"].unitsPerEm != 1000:
        raise ValueError("the stamp's typeface must have 1000 units per em")
    options = subset.Options(
        layout_features=[],
        hinting=False,
        desubroutinize=True,
        notdef_outline=True,
        name_IDs=[],
        name_languages=[],
    )
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(letter) for letter in letters])
    subsetter.subset(font)
    names = font.getBestCmap()
    top = font["CFF "].cff.topDictIndex[0]
    keyed = hasattr(top, "ROS")
    metrics = {}
    for letter in letters:
        name = names[ord(letter)]
        code = int(name[3:]) if keyed and name.startswith("cid") else font.getGlyphID(name)
        metrics[letter] = (code, font["hmtx"][name][0])
    cff = font.getTableData("CFF ")
    head, hhea = font["head"], font["hhea"]
    box = [head.xMin, head.yMin, head.xMax, head.yMax]
    return _Font(cff, metrics, {"ascent": hhea.ascent, "descent": hhea.descent, "box": box})


_of_thread = threading.local()


def _open_font():
    # a fresh object each time, since cutting a subset changes it; the file's bytes are read once
    if not hasattr(_of_thread, "file"):
        _of_thread.file = FONT_FILE.read_bytes()
    return TTFont(io.BytesIO(_of_thread.file), lazy=True)


@functools.cache
def _letters() -> frozenset[int]:
    with TTFont(FONT_FILE, lazy=True) as font:
        return frozenset(font.getBestCmap())


def _to_unicode(metrics: dict[str, tuple[int, int]]) -> bytes:
    """The map from codes back to letters, so that the stamp's text can be copied and searched."""
    pairs = sorted((code, letter) for letter, (code, _) in metrics.items())
    blocks = []
    for start in range(0, len(pairs), 100):
        block = pairs[start : start + 100]
        rows = "\n".join(
            f"<{code:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for code, letter in block
        )
        blocks.append(f"{len(block)} beginbfchar\n{rows}\nendbfchar")
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        + "\n".join(blocks)
        + "\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode("ascii")


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
