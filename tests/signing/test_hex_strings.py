import io

import pytest
from pyhanko.pdf_utils.generic import ByteStringObject
from pyhanko.pdf_utils.misc import PdfStreamError

from app.signing import hex_strings


@pytest.mark.parametrize(
    "text",
    [b"<>", b"<41>", b"<4a4B> 1", b"<4 1\n42>/Next", b"<414>", b"<feff3042>", b"<" + b"9f" * 60000 + b">>", b"<" + b"0" * 1022 + b">",
     b"<" + b"0" * 1023 + b">", b"<" + b"aB" * 700000 + b">"],
    ids=range(10),
)  # fmt: skip
def test_the_string_and_the_place_after_it_are_those_of_pyhanko(text):
    ours, theirs = io.BytesIO(b"x" + text), io.BytesIO(b"x" + text)
    ours.seek(1), theirs.seek(1)
    read, expected = hex_strings.read_hex_string(ours), hex_strings._thorough(theirs)
    assert (type(read), read, ours.tell()) == (type(expected), expected, theirs.tell())
    assert isinstance(read, (ByteStringObject, str))


@pytest.mark.parametrize("text", [b"<", b"<41", b"<4x>", b"<<41>", b"<" + b"00" * 20000])
def test_what_is_no_string_is_refused_as_before(text):
    with pytest.raises(PdfStreamError):
        hex_strings.read_hex_string(io.BytesIO(text))
