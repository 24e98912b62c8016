"""Attacks on signed PDFs, grown from our own signed files; none of them may ever be shown as unaltered (S1).

:func:`samples` gives every sample with the class it belongs to.  They are built by hand, byte by byte, as an
attacker would: a library that writes PDFs refuses much of what is tried here.

Source: Mladenov et al., "1 Trillion Dollar Refund" (universal forgery, incremental saving, wrapping);
Mainka et al., "Shadow Attacks" (hide, replace, hide-and-replace)
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers

EVIL = b"BT /F1 18 Tf 72 722 Td (Contract, page 1, at another price) Tj ET"
PAGES, PAGE, FONT, FORM, SENDER_FIELD = 2, 3, 6, 9, 10  # object numbers of tests.signing.conftest.sample_pdf
FREE = 900  # numbers from here on are used by no sample


@dataclass(frozen=True)
class Originals:
    """Genuine files, and whoever made them.

    :param other: another contract of the same two companies, archived
    :param unsigned: with empty fields for both companies
    """

    portal: Any
    sender: Any
    receiver: Any
    impostor: Any
    unsigned: bytes
    signed_once: bytes
    signed_twice: bytes
    archived: bytes
    other: bytes


@dataclass(frozen=True)
class Sample:
    """One attacked file."""

    kind: str
    name: str
    pdf: bytes


def samples(given: Originals) -> Iterator[Sample]:
    """Every sample of every class."""
    for kind, make in CLASSES.items():
        for name, pdf in make(given):
            yield Sample(kind, name, pdf)


# -- the attacker's tools ---------------------------------------------------------------------


def appended(pdf, objects, *, root=1, table=True, trailer=True, end=True, extra=b"", freed=(), offsets=None):
    """An incremental update by hand.

    :param objects: number -> what stands between ``obj`` and ``endobj``
    :param offsets: number -> offset, for objects that are in the file already
    """
    out = bytearray(pdf if pdf.endswith(b"\n") else pdf + b"\n")
    at = dict(offsets or {})
    for number, body in objects.items():
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    if table:
        entries = {number: b"%010d 00000 n \n" % offset for number, offset in at.items()}
        entries |= dict.fromkeys(freed, b"0000000000 65535 f \n")
        out += b"xref\n" + b"".join(b"%d 1\n%s" % (number, entries[number]) for number in sorted(entries))
    if trailer:
        size = max(FREE + 50, *map(int, re.findall(rb"/Size (\d+)", pdf)))
        out += b"trailer\n<< /Root %d 0 R /Size %d /Prev %d %s>>\n" % (root, size, last_table(pdf), extra)
        out += b"startxref\n%d\n" % start
    if end:
        out += b"%%EOF\n"
    return bytes(out)


def last_table(pdf):
    return int(re.findall(rb"startxref\s+(\d+)", pdf)[-1])


def body_of(pdf, number):
    """The newest body of an object."""
    return re.findall(rb"(?:^|\n)%d 0 obj\s(.*?)\sendobj" % number, pdf, re.S)[-1]


def stream(data, entries=b""):
    return b"<< /Length %d %s>>\nstream\n%s\nendstream" % (len(data), entries, data)


def signature_numbers(pdf):
    """Object numbers of the signature dictionaries, oldest first."""
    return [
        int(found[1])
        for found in re.finditer(rb"(?:^|\n)(\d+) 0 obj\s<<\s/Contents <[0-9A-F]+>\s/ByteRange", pdf)
    ]


def evil_page(pdf, **replaced):
    """The objects that make the first page show other words."""
    page = re.sub(rb"/Contents \d+ 0 R", b"/Contents %d 0 R" % FREE, body_of(pdf, PAGE))
    for old, new in replaced.items():
        page = page.replace(old.encode(), new)
    return {FREE: stream(EVIL), PAGE: page}


def with_catalog(pdf, extra=b"", without=None):
    """The newest catalogue with something added, or without one of its entries."""
    catalog = body_of(pdf, 1)
    if without:
        catalog = re.sub(rb"/%s \d+ 0 R" % without, b"", catalog)
    return catalog.rstrip().removesuffix(b">>") + extra + b">>"


def stamped_over(pdf, given):
    """The same file after a genuine document time stamp, which anybody may get."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    signers.PdfTimeStamper(given.portal.tsa, field_name="over").timestamp_pdf(
        writer, "sha256", bytes_reserved=16384, in_place=True
    )
    return writer.prev.stream.getvalue()


def signed_over(pdf, given):
    """The same file after the receiver's genuine signature."""
    return given.portal.desk.sign(
        pdf, key=given.receiver.key, certificate=given.receiver.certificate, field="receiver-1"
    )


def _and_sealed(name, changed, given):
    """An attacked file as it is, then under a genuine later signature, then under a genuine time stamp."""
    yield name, changed
    for how, over in (("signed over", signed_over), ("time-stamped over", stamped_over)):
        try:
            sealed = over(changed, given)
        except Exception:  # noqa: S112 - what this update made of the file can be signed no more
            continue
        yield f"{name}, {how}", sealed


def parsed(der):
    """A CMS structure as nested lists ``[tag, parts or bytes]``, to be taken apart and put together again."""
    return _elements(der)[0]


def _elements(der):
    found, at = [], 0
    while at < len(der):
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(der[start : start + size], "big"), start + size
        inner = der[start : start + length]
        found.append([tag, _elements(inner) if tag & 0x20 else inner])
        at = start + length
        if tag == 0:
            break  # the zeros after the structure
    return found


def written(element):
    """The DER of what :func:`parsed` gave."""
    tag, inner = element
    content = inner if isinstance(inner, bytes) else b"".join(map(written, inner))
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def signed_data(structure):
    """Parts of a SignedData: version, digest algorithms, content, certificates, signer infos."""
    return structure[1][1][1][0][1]


def signer_info(structure):
    """Parts of a SignerInfo: version, signer, digest algorithm, signed attributes, algorithm, value, unsigned."""
    return signed_data(structure)[-1][1][0][1]


def contents_of(pdf, position):
    """The bytes in the /Contents of the signature at `position`, and where their digits stand."""
    found = list(re.finditer(rb"/Contents <([0-9A-F]+)>\s/ByteRange", pdf))[position]
    return bytes.fromhex(found[1].decode()), found.span(1)


def with_contents(pdf, position, contents):
    """The file with other bytes in a /Contents, which no byte range covers; nothing moves."""
    _, (start, end) = contents_of(pdf, position)
    digits = contents.hex().upper().encode()
    assert len(digits) <= end - start, "the new structure does not fit"
    return pdf[:start] + digits.ljust(end - start, b"0") + pdf[end:]


# -- universal signature forgery --------------------------------------------------------------

CONTENTS = {
    "contents missing": b"",
    "contents null": b"/Contents null",
    "contents empty": b"/Contents <>",
    "contents zero": b"/Contents <00>",
    "contents a number": b"/Contents 0",
    "contents text": b"/Contents (signed)",
}
BYTE_RANGES = {
    "byte range missing": b"",
    "byte range null": b"/ByteRange null",
    "byte range empty": b"/ByteRange []",
    "byte range all zero": b"/ByteRange [0 0 0 0]",
    "byte range of one pair": b"/ByteRange [0 100]",
    "byte range of three": b"/ByteRange [0 100 200]",
    "byte range negative": b"/ByteRange [0 -1 -1 -1]",
    "byte range a name": b"/ByteRange /All",
    "byte range real": b"/ByteRange [0.0 9.5 20.0 30.0]",
    "byte range beyond the end": b"/ByteRange [0 100 200 99999999]",
    "byte range text": b"/ByteRange [(0) (1) (2) (3)]",
}


def universal_forgery(given):
    """The signature dictionary loses or twists what a validator would compare."""
    for name, written in (CONTENTS | BYTE_RANGES).items():
        what = rb"/Contents <[0-9A-F]+>" if name in CONTENTS else rb"/ByteRange \[[0-9 ]*\]"
        pdf = given.archived
        changed = {
            number: re.sub(what, written, body_of(pdf, number), count=1) for number in signature_numbers(pdf)
        }
        yield f"{name}, by an update", appended(pdf, evil_page(pdf) | changed)
        flat = given.signed_twice.replace(b"(Contract", b"(Covenant").replace(b"0 0 595 842", b"0 0 595 420")
        yield f"{name}, in place", re.sub(what, lambda old, new=written: new.ljust(len(old[0])), flat)


# -- incremental saving -------------------------------------------------------------------------


def incremental_saving(given):
    """Something is saved after the last signature or time stamp."""
    for stage in ("signed_twice", "archived"):
        pdf = getattr(given, stage)
        for name, attacked in _saved_after(pdf):
            yield f"{name}, {stage}", attacked


def _saved_after(pdf):
    evil = evil_page(pdf)
    yield "page content", appended(pdf, evil)
    yield "page content, no table", appended(pdf, evil, table=False)
    yield "page content, no table and no trailer", appended(pdf, evil, table=False, trailer=False)
    yield "page content, no end of file", appended(pdf, evil, end=False)
    yield "bodies alone", appended(pdf, evil, table=False, trailer=False, end=False)
    yield "table without trailer", appended(pdf, evil, trailer=False)
    yield "page content, with the last trailer's end copied", appended(pdf, evil) + pdf[pdf.rindex(b"startxref") :]
    again = {number: body_of(pdf, number) for number in signature_numbers(pdf)}
    yield "page content and the signatures once more", appended(pdf, evil | again)
    yield "page content in a comment's shadow", appended(pdf + b"%%EOF\n%", evil)
    pages = body_of(pdf, PAGES)
    more = re.sub(rb"/Kids \[", b"/Kids [ %d 0 R" % (FREE + 1), pages.replace(b"/Count 2", b"/Count 3"))
    yield "a page more", appended(pdf, {FREE: stream(EVIL), FREE + 1: evil[PAGE], PAGES: more})
    yield "a page less", appended(pdf, {PAGES: re.sub(rb"3 0 R", b"", pages.replace(b"/Count 2", b"/Count 1"))})
    note = b"<< /Type /Annot /Subtype /FreeText /Rect [50 50 500 700] /Contents (void) /P 3 0 R >>"
    page = re.sub(rb"/Annots \[[^]]*\]", b"", body_of(pdf, PAGE)).rstrip().removesuffix(b">>")
    yield "an annotation", appended(pdf, {FREE: note, PAGE: page + b"/Annots [ %d 0 R ] >>" % FREE})
    field = b"<< /FT /Tx /T (price) /V (1) /Type /Annot /Subtype /Widget /Rect [50 50 200 90] /P 3 0 R >>"
    form = re.sub(rb"/Fields \[", b"/Fields [ %d 0 R " % FREE, body_of(pdf, FORM))
    yield "a form field", appended(pdf, {FREE: field, FORM: form})
    for name, tail in {
        "a blank": b"\n", "a zero": b"\0", "an end of file": b"%%EOF\n", "another start": b"startxref\n0\n%%EOF\n",
        "a ZIP": b"PK\3\4" * 20, "a second file": pdf,
    }.items():  # fmt: skip
        yield f"bytes after the end: {name}", pdf + tail


# -- signature wrapping ---------------------------------------------------------------------------


def wrapping(given):
    """The signed bytes move, or something moves in between them."""
    for stage in ("signed_once", "signed_twice", "archived"):
        pdf = getattr(given, stage)
        yield f"second part moved, {stage}", _relocated(pdf)
        yield f"objects in the signature's reserve, {stage}", _in_reserve(pdf)
        yield f"entries in the signature's reserve, {stage}", _in_reserve(pdf, entries_only=True)


def _relocated(pdf):
    """Variant 1: the attacker's objects and their table lie between both parts, just where startxref points."""
    number, table = signature_numbers(pdf)[-1], last_table(pdf)
    first, length, second, rest = map(int, re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", pdf)[-1])
    gap = pdf[length:second]
    moved = table + 6000
    new = re.sub(rb"/ByteRange \[[0-9 ]*\]", b"/ByteRange [0 %d %d %d]" % (length, moved, rest), body_of(pdf, number))
    out = bytearray(pdf[:length] + gap + b" >> endobj\n")
    at = {}
    for key, body in (evil_page(pdf) | {number: new}).items():
        if len(out) < table < len(out) + len(body) + 100:
            break
        at[key] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (key, body)
    if len(out) > table:  # the copied signature does not fit before the table: it stays where it was
        out = bytearray(pdf[:length] + gap + b" >> endobj\n")
        at = {}
    out += b" " * (table - len(out))
    found = re.findall(rb"/Prev (\d+)", pdf)
    entries = b"".join(b"%d 1\n%010d 00000 n \n" % pair for pair in sorted(at.items()))
    out += b"xref\n0 1\n0000000000 65535 f \n" + entries
    out += b"trailer\n<< /Root 1 0 R /Size %d /Prev %s >>\n" % (FREE + 50, found[-1])
    out += b" " * (moved - len(out))
    return bytes(out) + pdf[second:]


def _in_reserve(pdf, entries_only=False):
    """Variant 2: the zeros behind the CMS structure give way to the attacker's words; no offset changes."""
    _, (start, end) = contents_of(pdf, -1)
    digits = pdf[start:end].rstrip(b"0")
    digits += b"0" * (len(digits) % 2)
    evil = b"".join(b"%d 0 obj\n%s\nendobj\n" % pair for pair in evil_page(pdf).items())
    words = b"> /Name (Somebody else) /Reason <" if entries_only else b">>>\nendobj\n" + evil + b"<</Contents <"
    return pdf[:start] + digits + words.ljust(end - start - len(digits), b"0") + pdf[end:]


# -- overlapping byte ranges ----------------------------------------------------------------------


def overlapping(given):
    """Byte ranges that overlap, or leave out more than the signature."""
    for stage in ("signed_twice", "archived"):
        pdf = getattr(given, stage)
        written = list(re.finditer(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\] *", pdf))[-1]
        _, length, second, rest = map(int, written.groups())
        for name, numbers in {
            "second part begins in the first": (0, length, length - 40, rest),
            "second part is the first": (0, length, 0, length),
            "first part to the end": (0, len(pdf), second, rest),
            "no first part": (second, 0, second, rest),
            "not from the first byte": (9, length - 9, second, rest),
            "page left out": (0, 129, second, rest),
            "end left out": (0, length, second, rest - 30),
            "gap one byte wider": (0, length - 1, second, rest),
            "gap one byte longer": (0, length, second + 1, rest - 1),
        }.items():
            new = (b"/ByteRange [%d %d %d %d]" % numbers).ljust(len(written[0]))
            yield f"{name}, {stage}", pdf[: written.start()] + new[: len(written[0])] + pdf[written.end() :]


# -- shadows -----------------------------------------------------------------------------------------


def shadow(given):
    """The attacker prepares the contract, the sender signs it, then it changes its face."""
    for name, prepared, after in _prepared(given.unsigned):
        signed = given.portal.desk.sign(
            prepared, key=given.sender.key, certificate=given.sender.certificate, field="sender"
        )
        yield from _and_sealed(name, after(signed), given)


def _prepared(pdf):
    """Name, file before signing, and what is done to it after."""
    cover, empty = stream(b"1 g 0 0 600 900 re f", COVER), stream(b"", COVER)
    page = body_of(pdf, PAGE).replace(b"/Font", b"/XObject << /Cover %d 0 R >> /Font" % FREE)
    drawn = re.sub(rb"/Contents \d+ 0 R", b"/Contents %d 0 R" % (FREE + 1), page)
    shown = {FREE: cover, FREE + 1: stream(EVIL + b" /Cover Do"), PAGE: drawn}
    yield "hide: cover emptied", appended(pdf, shown), lambda signed: appended(signed, {FREE: empty})
    yield "hide: cover freed", appended(pdf, shown), lambda signed: appended(signed, {}, freed=[FREE])
    noted = body_of(pdf, PAGE).rstrip().removesuffix(b">>") + b"/Annots [ %d 0 R ] >>" % (FREE + 2)
    note = b"<< /Type /Annot /Subtype /Stamp /Rect [0 0 595 842] /F 4 /P 3 0 R /AP << /N %d 0 R >> >>" % FREE
    over = {FREE: cover, FREE + 2: note, PAGE: noted}
    hidden = note.replace(b"/F 4", b"/F 2")
    yield "hide: annotation hidden", appended(pdf, over), lambda signed: appended(signed, {FREE + 2: hidden})
    field = b"<< /FT /Tx /T (price) /V (100) /Type /Annot /Subtype /Widget /Rect [0 0 99 99] /F 4 /P 3 0 R /AP << /N %d 0 R >> >>"
    form = re.sub(rb"/Fields \[", b"/Fields [ %d 0 R " % (FREE + 2), body_of(pdf, FORM))
    filled = {FREE: cover, FREE + 2: field % FREE, FORM: form, PAGE: noted}
    other = {FREE + 2: (field % (FREE + 3)).replace(b"(100)", b"(900)"), FREE + 3: stream(b"0 0 9 9 re f", COVER)}
    yield "replace: field filled", appended(pdf, filled), lambda signed: appended(signed, other)
    yield (
        "replace: appearance alone", appended(pdf, filled),
        lambda signed: appended(signed, {FREE: stream(b"0 0 9 9 re f", COVER)}),
    )  # fmt: skip
    font = b"<< /BaseFont /ZapfDingbats /Subtype /Type1 /Type /Font >>"
    yield "replace: font", pdf, lambda signed: appended(signed, {FONT: font})
    yield from _hidden_pages(pdf)


COVER = b"/Type /XObject /Subtype /Form /BBox [0 0 600 900] "


def _hidden_pages(pdf):
    """Hide and replace: the other page lies in the file before it is signed, and no table leads to it."""
    evil = evil_page(pdf)
    hidden = b"".join(b"%d 0 obj\n%s\nendobj\n" % pair for pair in evil.items())
    ghost = appended(pdf + hidden, {FREE + 9: b"null"})
    at = {number: ghost.index(b"\n%d 0 obj\n" % number, len(pdf) - 1) + 1 for number in evil}
    yield (
        "hide and replace: table alone", ghost, lambda signed: appended(signed, {}, offsets=at),
    )  # fmt: skip
    tree = {
        FREE: stream(EVIL), FREE + 1: evil[PAGE].replace(b"/Parent 2 0 R", b"/Parent %d 0 R" % (FREE + 2)),
        FREE + 2: b"<< /Count 1 /Kids [ %d 0 R ] /Type /Pages >>" % (FREE + 1),
    }  # fmt: skip
    catalog = body_of(pdf, 1).replace(b"/Pages 2 0 R", b"/Pages %d 0 R" % (FREE + 2))
    yield (
        "hide and replace: second catalogue", appended(pdf, tree | {FREE + 3: catalog}),
        lambda signed: appended(signed, {}, root=FREE + 3),
    )  # fmt: skip
    yield (
        "hide and replace: second page tree", appended(pdf, tree),
        lambda signed: appended(signed, {1: body_of(signed, 1).replace(b"/Pages 2 0 R", b"/Pages %d 0 R" % (FREE + 2))}),
    )  # fmt: skip


# -- time stamps from elsewhere ----------------------------------------------------------------------


def copied_time_stamps(given):
    """Time stamps taken from another file, or from another signature of the same one."""
    foreign, _ = contents_of(given.other, -1)
    yield "document time stamp of another file", with_contents(given.archived, -1, foreign)
    ours, _ = contents_of(given.archived, -1)
    yield "document time stamp in place of a signature", with_contents(given.signed_twice, -1, ours)
    yield "signature of another file", with_contents(given.archived, 0, contents_of(given.other, 0)[0])
    first, second = contents_of(given.archived, 0)[0], contents_of(given.archived, 1)[0]
    yield "signatures exchanged", with_contents(with_contents(given.archived, 0, second), 1, first)
    for stage in ("signed_twice", "archived"):
        for name, donor in (("another file", contents_of(given.other, 0)[0]), ("the other signature", second)):
            structure = parsed(first)
            signer_info(structure)[6] = signer_info(parsed(donor))[6]
            changed = with_contents(getattr(given, stage), 0, written(structure))
            yield f"signature time stamp of {name}, {stage}", changed
        structure = parsed(first)
        del signer_info(structure)[6]
        yield f"signature time stamp taken off, {stage}", with_contents(getattr(given, stage), 0, written(structure))


# -- revisions that nobody may add ---------------------------------------------------------------------


def illegal_revisions(given):
    """Updates after the sender's signature, bare and under a later genuine signature or time stamp."""
    for name, changed in _illegal(given.signed_once):
        yield from _and_sealed(name, changed, given)


def _illegal(pdf):
    evil = evil_page(pdf)
    yield "page content", appended(pdf, evil)
    yield "page box", appended(pdf, {PAGE: body_of(pdf, PAGE).replace(b"842", b"420")})
    yield "page turned", appended(pdf, {PAGE: body_of(pdf, PAGE).replace(b"/Type /Page", b"/Type /Page /Rotate 180")})
    yield "content stream in place", appended(pdf, {5: stream(EVIL)})
    catalog = with_catalog(pdf)
    yield "catalogue swapped", appended(pdf, {FREE + 3: catalog.replace(b"/Pages 2", b"/Pages %d" % (FREE + 2))} | {
        FREE: stream(EVIL), FREE + 1: evil[PAGE], FREE + 2: b"<< /Count 1 /Kids [ %d 0 R ] /Type /Pages >>" % (FREE + 1),
    }, root=FREE + 3)  # fmt: skip
    for name, extra in {
        "action on opening": b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>",
        "names": b"/Names << /JavaScript << /Names [ (a) << /S /JavaScript /JS (1) >> ] >> >>",
        "layers": b"/OCProperties << /OCGs [] /D << >> >>",
    }.items():
        yield name, appended(pdf, {1: with_catalog(pdf, extra)})
    yield "form removed", appended(pdf, {1: with_catalog(pdf, without=b"AcroForm")})
    yield "form emptied", appended(pdf, {FORM: b"<< /Fields [] /SigFlags 3 >>"})
    yield "signature freed", appended(pdf, {}, freed=signature_numbers(pdf))
    yield "signature's value taken out", appended(
        pdf, {SENDER_FIELD: re.sub(rb"/V \d+ 0 R", b"", body_of(pdf, SENDER_FIELD))}
    )
    field = body_of(pdf, SENDER_FIELD)
    yield "stamp replaced", appended(pdf, {12: stream(b"1 0 0 rg 0 0 99 99 re f", COVER)})
    yield "stamp redirected", appended(
        pdf, {SENDER_FIELD: re.sub(rb"/N \d+ 0 R", b"/N %d 0 R" % FREE, field), FREE: stream(b"0 0 9 9 re f", COVER)}
    )
    yield "stamp moved", appended(pdf, {SENDER_FIELD: re.sub(rb"/Rect \[[^]]*\]", b"/Rect [0 0 595 842]", field)})
    yield "stamp hidden", appended(pdf, {SENDER_FIELD: field.replace(b"/F 132", b"/F 2")})
    yield "field renamed", appended(pdf, {SENDER_FIELD: field.replace(b"(sender)", b"(nobody)")})
    store = re.search(rb"/DSS (\d+) 0 R", pdf)
    yield "store: leads to the pages", appended(pdf, {1: body_of(pdf, 1).replace(store[0], b"/DSS 2 0 R")} | evil)
    yield "store: with a page in it", appended(
        pdf, evil | {int(store[1]): body_of(pdf, int(store[1])).rstrip().removesuffix(b">>") + b"/Evil %d 0 R >>" % PAGE}
    )
    yield "store: taken out", appended(pdf, {1: with_catalog(pdf, without=b"DSS")})
    yield "store: certificates taken out", appended(pdf, {int(store[1]): b"<< /Certs [] /OCSPs [] /CRLs [] >>"})
    yield "second signature value", appended(
        pdf, {SENDER_FIELD: re.sub(rb"/V \d+ 0 R", b"/V %d 0 R" % FREE, field), FREE: body_of(pdf, signature_numbers(pdf)[0])}
        | {FREE + 1: stream(EVIL), PAGE: evil[PAGE]},
    )  # fmt: skip


# -- weak or swapped cryptography -----------------------------------------------------------------------


def wrong_algorithms(given):
    """Names of algorithms changed where no signature protects them, and signatures by SHA-1."""
    names = {"sha1": "2b0e03021a", "md5": "2a864886f70d0205", "sha512": "608648016503040203", "sha224": "608648016503040204"}
    sha256 = bytes.fromhex("0609608648016503040201")
    for stage, position in (("signed_twice", 0), ("archived", 0), ("archived", -1)):
        pdf = getattr(given, stage)
        contents, _ = contents_of(pdf, position)
        for name, oid in names.items():
            oid = bytes.fromhex(oid)
            if len(oid) == len(sha256) - 2:  # the lengths around it stay right
                for count in (1, contents.count(sha256)):
                    changed = contents.replace(sha256, b"\x06" + bytes([len(oid)]) + oid, count)
                    yield f"{name} in {count} places, {stage} {position}", with_contents(pdf, position, changed)
        for name in ("sha1", "md5"):
            structure, oid = parsed(contents), bytes.fromhex(names[name])
            signer_info(structure)[2] = [0x30, [[0x06, oid]]]
            changed = with_contents(pdf, position, written(structure))
            yield f"digest algorithm {name}, {stage} {position}", changed
    for algorithm in ("sha1", "sha256"):
        yield f"signed anew by an impostor with {algorithm}", signed_by_impostor(given.unsigned, given, algorithm)


def signed_by_impostor(pdf, given, algorithm="sha256", field="sender"):
    """Signed under the genuine names, by certificates that somebody else issued."""
    from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

    own = given.impostor
    signer = own.signer(department="工事部", title="部長")
    store = pkcs12.serialize_key_and_certificates(
        b"", signer.key, signer.certificate, [own.authorities.signers_ca.certificate, own.root], NoEncryption()
    )
    return signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)),
        signers.PdfSignatureMetadata(field_name=field, md_algorithm=algorithm),
        signer=signers.SimpleSigner.load_pkcs12_data(store, other_certs=[]),
        timestamper=own.tsa if algorithm == "sha256" else None,
        bytes_reserved=32768,
    ).getvalue()


def strangers(given):
    """Right names, wrong keys."""
    own = given.impostor
    signer = own.signer(department="工事部", title="部長")
    key = {"key": signer.key, "certificate": signer.certificate}
    once = own.desk.sign(given.unsigned, **key, field="sender")
    yield "all signed by an impostor", once
    yield "all signed and archived by an impostor", own.desk.archive(once)
    yield "the second signed by an impostor", signed_by_impostor(given.signed_once, given, field="receiver-1")
    forged = signed_by_impostor(given.unsigned, given)
    yield from _and_sealed("the first signed by an impostor", forged, given)
    writer = IncrementalPdfFileWriter(io.BytesIO(given.signed_twice))
    signers.PdfTimeStamper(own.tsa, field_name="archive-1").timestamp_pdf(
        writer, "sha256", bytes_reserved=16384, in_place=True
    )
    yield "time-stamped by an impostor", writer.prev.stream.getvalue()
    for stage, position in (("signed_twice", 0), ("archived", 0)):
        contents, _ = contents_of(getattr(given, stage), position)
        theirs, _ = contents_of(once, 0)
        structure = parsed(contents)
        signed_data(structure)[3] = signed_data(parsed(theirs))[3]
        changed = with_contents(getattr(given, stage), position, written(structure))
        yield f"certificates swapped, {stage}", changed


CLASSES = {
    "universal signature forgery": universal_forgery,
    "incremental saving": incremental_saving,
    "signature wrapping": wrapping,
    "overlapping byte ranges": overlapping,
    "shadow": shadow,
    "copied time stamps": copied_time_stamps,
    "illegal revisions": illegal_revisions,
    "weak or wrong algorithms": wrong_algorithms,
    "wrong signers": strangers,
}
