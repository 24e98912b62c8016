"""The typeface of whatever the portal writes into a PDF: subsets of Noto Sans JP, and the breaking of lines.

Cutting a subset out of a font of 4.5 MB is what costs, so it is kept for each set of letters.  The font must have
1000 units per em: pyHanko and those who use this write widths unscaled.
"""

import functools
import hashlib
import io
import threading
import unicodedata
import zlib
from pathlib import Path

import pylopdf_fonts_jp
from fontTools import subset
from fontTools.ttLib import TTFont

FONT_FILE = Path(pylopdf_fonts_jp.__file__).parent / "NotoSansJP-Regular.otf"

_MISSING = "〓"  # the geta mark, with which Japanese printers hold the place of a letter they lack
_NOT_AT_LINE_START = frozenset("、。，．・：；！？）」』】〕〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…-")


def wrap(font, text, width, size):
    """The lines of `text` at `size` points in a column of `width` points; Latin words stay whole where they fit."""
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


def printable(text):
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


class Font:
    """A subset of the typeface with exactly the letters that are to be written."""

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
def font_for(letters: str) -> Font:
    """The subset with exactly these letters, sorted and each once; they must be :func:`printable`."""
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
    return Font(cff, metrics, {"ascent": hhea.ascent, "descent": hhea.descent, "box": box})


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
