"""A ZIP file made piece by piece, however large, with names that every system takes.

Sizes stand behind each file's bytes, since nothing can be mended in what has left already; the ZIP64 records come
by themselves where 4 GB or 65,535 files are passed.
Source: PKWARE APPNOTE 6.3.10, 4.3.9 (data descriptor), 4.3.14 (ZIP64), 4.4.4 (bit 11: names in UTF-8)
"""

import unicodedata
import zipfile

from app.clock import JAPAN

PIECE_BYTES = 1024 * 1024
MOST_BYTES_OF_A_NAME = 120  # UTF-8; with the number before it far from the 255 of Linux, and from Windows' 260 of a path
FORBIDDEN = frozenset('<>:"/\\|?*')  # by Windows; / and \\ would make folders


def pieces(entries, moment):
    """The bytes of a ZIP file.

    :param entries: pairs of a name and the pieces of its content, asked for one after the other
    :param moment: what the files are dated by, in Japan, as ZIP files have no time zone
    """
    outlet = _Outlet()
    date_time = moment.astimezone(JAPAN).timetuple()[:6]
    with zipfile.ZipFile(outlet, "w") as file:
        for name, content in entries:
            entry = zipfile.ZipInfo(name, date_time)
            entry.compress_type = zipfile.ZIP_DEFLATED  # stored files with the size behind them are not read everywhere
            with file.open(entry, "w") as member:
                for piece in content:
                    member.write(piece)
                    if outlet.size >= PIECE_BYTES:
                        yield outlet.take()
    yield outlet.take()


class _Outlet:
    """Takes what ZipFile writes; having no `tell`, it is not gone back in."""

    def __init__(self):
        self._held = bytearray()

    @property
    def size(self):
        return len(self._held)

    def write(self, written):
        self._held += written
        return len(written)

    def flush(self):
        pass

    def take(self):
        held, self._held = bytes(self._held), bytearray()
        return held


def safe_name(number, part, called, ending):
    """A name in the ZIP file: 文書管理番号, which part of the document, and what people call it.

    Number and part make it unique and no name of a device; what is called has no folder, no character that Windows
    refuses, nothing invisible, and no dot or blank at its end.
    """
    text = " ".join(unicodedata.normalize("NFC", called).split())
    text = "".join("_" if one in FORBIDDEN else one for one in text if unicodedata.category(one)[0] != "C")
    text = text.removesuffix(f".{ending}").encode()[:MOST_BYTES_OF_A_NAME].decode(errors="ignore").strip(" ._")
    return "_".join(filter(None, (number, part, text))) + f".{ending}"
