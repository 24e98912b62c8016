"""Reading long hexadecimal strings in one piece.

pyHanko 0.38 reads them digit by digit, and a signature is tens of thousands of digits: a third of the work of archiving
or judging a file.  Whatever is not plain (blanks, an odd number of digits, no end) is left to pyHanko.
"""

import re

from pyhanko.pdf_utils import generic

LONGEST = 1024 * 1024
_PLAIN = re.compile(rb"<((?:[0-9A-Fa-f]{2})*)>")
_thorough = generic.read_hex_string_from_stream


def read_hex_string(stream):
    """What pyHanko's function of this purpose returns, and the stream where it leaves it."""
    start, size = stream.tell(), 1024
    while size <= LONGEST:
        piece = stream.read(size)
        found = _PLAIN.match(piece)
        if found:
            stream.seek(start + found.end())
            return generic.pdf_string(bytes.fromhex(found[1].decode()))
        stream.seek(start)
        if b">" in piece or len(piece) < size:
            break
        size *= 32
    return _thorough(stream)


def install():
    """From now on pyHanko reads hexadecimal strings this way."""
    generic.read_hex_string_from_stream = read_hex_string
