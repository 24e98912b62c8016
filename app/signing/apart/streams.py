"""The streams of a PDF, expanded as far as their filters are ours to judge, within limits."""

import base64
import zlib
from itertools import chain

import pikepdf
from dictionaries import name_in
from refusal import Refusal

MEBIBYTE = 1024 * 1024
# One expanded stream, and all of them together.  An uncompressed A4 colour scan at 600 dpi is 104 MB.
STREAM_BYTES = 256 * MEBIBYTE
EXPANDED_BYTES = 1024 * MEBIBYTE
IMAGE_PIXELS = 600_000_000
FILTERS = 4


def check_stream(stream):
    """Expand one stream as far as its filters are ours to judge; returns the bytes it grew to."""
    about = stream.stream_dict
    if about.get("/F") is not None or about.get("/Ref") is not None:
        raise Refusal("external")
    if name_in(about, "/Subtype") == "/Image":
        if abs(int(about.get("/Width", 0))) * abs(int(about.get("/Height", 0))) > IMAGE_PIXELS:
            raise Refusal("too_complex")
    filters = about.get("/Filter", [])
    filters = [str(filters)] if isinstance(filters, pikepdf.Name) else [str(name) for name in filters]
    if len(filters) > FILTERS:
        raise Refusal("too_complex")
    filters = [ABBREVIATIONS.get(name, name) for name in filters]
    raw = stream.read_raw_bytes()
    pieces = iter([raw])
    repairs = []
    for name in filters:
        if name == "/FlateDecode":
            pieces = _inflate(pieces, repairs)
        elif name in UNTEXT:
            pieces = iter([UNTEXT[name](b"".join(pieces))])
        elif name in ("/LZWDecode", "/RunLengthDecode") and set(filters) <= OURS:
            return len(stream.read_bytes(pikepdf.StreamDecodeLevel.specialized))
        else:  # picture formats: left to whoever draws them, inside limits of their own
            break
    grown = 0
    for piece in pieces:
        grown += len(piece)
        if grown > STREAM_BYTES:
            raise Refusal("too_complex")
    if repairs and (len(repairs) > 1 or filters[0] != "/FlateDecode"):
        raise Refusal("damaged")
    for surplus, checksum in repairs:
        data = raw[: len(raw) - surplus] + checksum
        stream.write(data, filter=about.get("/Filter"), decode_parms=about.get("/DecodeParms"))
    return grown


def _inflate(pieces, repairs):
    """Expand Flate data a mebibyte at a time, so that a bomb is seen before it has gone off.

    A wrong checksum, or an end too early, is damage.  Some writers leave the checksum out: then `repairs`
    receives the number of bytes left in its place, and the checksum.
    """
    pieces = iter(pieces)
    head = b""
    while len(head) < 2:
        piece = next(pieces, None)
        if piece is None:
            break
        head += piece
    if not head:
        return
    if len(head) < 2 or head[0] & 15 != 8 or int.from_bytes(head[:2]) % 31:
        raise Refusal("damaged")
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    checksum, rest = 1, b""
    for piece in chain([head[2:]], pieces, [b""]):
        if inflater.eof:
            rest = (rest + piece)[:4]
            continue
        while not inflater.eof:
            try:
                expanded = inflater.decompress(piece, MEBIBYTE)
            except zlib.error:
                raise Refusal("damaged")
            piece = inflater.unconsumed_tail
            if expanded:
                checksum = zlib.adler32(expanded, checksum)
                yield expanded
            elif not piece:
                break
        if inflater.eof:
            rest = inflater.unused_data[:4]
    if not inflater.eof or (len(rest) == 4 and rest != checksum.to_bytes(4)):
        raise Refusal("damaged")
    if len(rest) < 4:
        repairs.append((len(rest), checksum.to_bytes(4)))


def _from_ascii85(data):
    return base64.a85decode(data.strip().removeprefix(b"<~").partition(b"~")[0], ignorechars=b" \t\n\r\v\f\0")


def _from_hexadecimal(data):
    digits = b"".join(data.partition(b">")[0].split())
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))


ABBREVIATIONS = {
    "/Fl": "/FlateDecode",
    "/LZW": "/LZWDecode",
    "/RL": "/RunLengthDecode",
    "/A85": "/ASCII85Decode",
    "/AHx": "/ASCIIHexDecode",
}


UNTEXT = {"/ASCII85Decode": _from_ascii85, "/ASCIIHexDecode": _from_hexadecimal}


OURS = {"/FlateDecode", "/LZWDecode", "/RunLengthDecode", *UNTEXT}
