"""The half of :mod:`app.signing.intake` that opens files of unknown origin, run as a program of its own.

It is started by path, without the portal's environment, limits its own memory and time before it reads
a byte, reads the file from standard input and answers on standard output: one line of JSON, then bytes.
It imports the standard library and one PDF library, nothing of the portal, so that it starts quickly
and has nothing to give away when a file turns out to be an attack.
"""

import base64
import io
import json
import os
import re
import resource
import struct
import sys
import zlib
from itertools import chain

MEBIBYTE = 1024 * 1024

# One expanded stream, and all of them together.  An uncompressed A4 colour scan at 600 dpi is 104 MB.
STREAM_BYTES = 256 * MEBIBYTE
EXPANDED_BYTES = 1024 * MEBIBYTE
IMAGE_PIXELS = 600_000_000
FILTERS = 4
PAGE_SIDE_POINTS = (36, 14400)
ANSWER_FACTOR = 3  # the rewritten file may be larger than the upload: object streams are unpacked

# What a lenient reader may pass over without guessing: white space, line ends, a page listed twice.
HARMLESS_WARNINGS = re.compile(
    r"stream keyword|extraneous whitespace|invalid xref table entry|expected endobj"
    r"|more than once in the pages tree|Resources is missing|/Type entry|linearization|hint table"
    r"|reported number of objects",
    re.IGNORECASE,
)

REFERENCE = re.compile(rb"(\d+) (\d+) R(?![^\s/<>\[\]()])")

# Names that deserve a closer look.  The same word may stand in a string, so a hit is not yet a finding.
SUSPECT = re.compile(
    rb"/(?:JavaScript|JS|Launch|SubmitForm|ImportData|Rendition|Movie|Sound|GoTo3DView|RichMediaExecute"
    rb"|RichMedia|Screen|3D|GoToE|FileAttachment|EF|EmbeddedFile|XFA|ByteRange|DocTimeStamp|Sig)"
    rb"(?![^\s/<>\[\]()])"
)
ACTIONS = {
    "/JavaScript": "javascript",
    "/Launch": "launch",
    "/SubmitForm": "form_action",
    "/ImportData": "form_action",
    "/Rendition": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/GoTo3DView": "media",
    "/RichMediaExecute": "media",
    "/GoToE": "embedded",
}
SUBTYPES = {
    "/FileAttachment": "embedded",
    "/RichMedia": "media",
    "/Screen": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/3D": "media",
}

# What a catalogue keeps; forms, actions, signatures and everything unknown go.
CATALOG_KEYS = {
    "/Type", "/Pages", "/PageLabels", "/Names", "/Dests", "/ViewerPreferences", "/PageLayout", "/PageMode",
    "/Outlines", "/Metadata", "/StructTreeRoot", "/MarkInfo", "/Lang", "/OutputIntents", "/OCProperties",
    "/Extensions", "/URI", "/Version",
}  # fmt: skip
PAGE_MODES = {"/UseNone", "/UseOutlines", "/UseThumbs", "/UseOC"}


class Refusal(Exception):
    """The file is refused; `cause` is a key of the sentences in :mod:`app.signing.intake`."""

    def __init__(self, cause):
        super().__init__(cause)
        self.cause = cause


def main(task, options):
    """Do one task, answer, and leave without tidying up: the process ends here anyway."""
    limit_resources(options["memory_bytes"], options["cpu_seconds"])
    given = sys.stdin.buffer.read()
    try:
        answer = TASKS[task](given, options)
    except Refusal as refusal:
        answer = {"cause": refusal.cause}, b""
    except (MemoryError, RecursionError):
        answer = {"cause": "too_complex"}, b""
    except ImportError:
        raise  # a broken installation is not the uploader's doing
    except Exception as error:
        answer = {"cause": "damaged", "detail": f"{type(error).__name__}: {error}"[:500]}, b""
    facts, body = answer
    if facts.get("cause") == "damaged" and _peak_bytes() > options["memory_bytes"] // 2:
        facts["cause"] = "too_complex"  # the library calls a failed allocation damage
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
    sys.stdout.buffer.write(body)
    sys.stdout.flush()
    os._exit(0)


def limit_resources(memory_bytes, cpu_seconds):
    """Cap memory and CPU time; forbid writing files and core dumps."""
    for what, amount in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (amount, amount))


def _peak_bytes():
    """The most memory this process has held; 0 where the system does not tell."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return 0


def inspect(upload, options):
    """Refuse the upload or rewrite it; see :func:`app.signing.intake.receive`."""
    import pikepdf

    pdf = _open(pikepdf, upload)
    if pdf.is_encrypted:
        raise Refusal("encrypted")
    page_count = len(pdf.pages)
    if page_count == 0:
        raise Refusal("no_pages")
    if page_count > options["pages"]:
        raise Refusal("too_many_pages")
    if re.search(rb"/XRefStm[\x00\s]+\d", upload):
        _check_hybrid(pikepdf, pdf, upload)
    _check_objects(pikepdf, pdf)
    _check_pages(pikepdf, pdf)
    _flatten(pikepdf, pdf)
    _strip(pikepdf, pdf)
    if any(not HARMLESS_WARNINGS.search(str(warning)) for warning in pdf.get_warnings()):
        raise Refusal("damaged")
    rewritten = _save(pikepdf, pdf)
    if len(rewritten) > ANSWER_FACTOR * options["size_bytes"]:
        raise Refusal("too_complex")
    with pikepdf.open(io.BytesIO(rewritten), attempt_recovery=False) as again:
        if len(again.pages) != page_count or again.get_warnings():
            raise Refusal("damaged")
    return {"page_count": page_count}, rewritten


def _open(pikepdf, upload):
    """Open without repair; bytes before the header and after the end are left out, not guessed at."""
    start = upload.find(b"%PDF-", 0, 1024 + 5)
    candidates = [_without_tail(upload[start:])]
    if start > 16:  # whoever put the bytes in front may have counted them in the offsets
        candidates.append(_without_tail(b"%PDF-1.7\n".ljust(start - 1) + b"\n" + upload[start:]))
    for candidate in candidates:
        try:
            return pikepdf.open(io.BytesIO(candidate), attempt_recovery=False)
        except pikepdf.PasswordError:
            raise Refusal("encrypted")
        except pikepdf.PdfError:
            if b"/Encrypt" in candidate[-2048:]:
                raise Refusal("encrypted")
    raise Refusal("damaged")


def _without_tail(data):
    """The file up to its last ``startxref``, with the end it should have.

    Objects behind that point mean that a later revision was cut off, which nobody may overlook.
    """
    ends = list(re.finditer(rb"startxref[\x00\s]+\d+[\x00\s]*(?:%%EOF)?", data))
    if not ends:
        raise Refusal("damaged")
    end = ends[-1].end()
    if re.search(rb"\d\s+\d+\s+obj\b", data[end:]):
        raise Refusal("damaged")
    return data[:end].removesuffix(b"%%EOF") + b"\n%%EOF\n"


def _check_hybrid(pikepdf, pdf, upload):
    """A file with both kinds of cross-reference must show old and new readers the same pages.

    Word's do: they append an empty table that names the stream.  Where a table with entries of its own
    names it, readers differ in which of the two they believe.
    """
    for name in re.finditer(rb"/XRefStm[\x00\s]+\d", upload):
        table = upload.rfind(b"xref", 0, name.start())
        if not re.match(rb"xref\s+0\s+0\s+trailer\b", upload[table : table + 64]):
            raise Refusal("two_faced")
    start = upload.find(b"%PDF-", 0, 1024 + 5)
    try:
        old = pikepdf.open(
            io.BytesIO(_without_tail(upload[start:])), ignore_xref_streams=True, attempt_recovery=False
        )
        same = [_page_bytes(page) for page in old.pages] == [_page_bytes(page) for page in pdf.pages]
    except pikepdf.PdfError:
        same = False
    if not same:
        raise Refusal("two_faced")


def _page_bytes(page):
    contents = page.obj.get("/Contents")
    streams = [] if contents is None else contents if contents._type_name == "array" else [contents]
    return [stream.read_raw_bytes() for stream in streams]


def _check_objects(pikepdf, pdf):
    """Look at every object that the file's catalogue or information dictionary leads to."""
    if pdf.Root.get("/Perms"):
        raise Refusal("signed")
    found = set()
    budget = EXPANDED_BYTES
    queue = _references(pdf.trailer.unparse())
    seen = set(queue)
    while queue:
        value = pdf.get_object(queue.pop())
        if not isinstance(value, pikepdf.Object):
            continue  # a number, a truth value, or nothing
        is_stream = isinstance(value, pikepdf.Stream)
        described = value.stream_dict if is_stream else value
        text = described.unparse(resolved=True)
        new = set(_references(text)) - seen
        seen |= new
        queue += new
        if SUSPECT.search(text):
            found |= _findings(pikepdf, described)
        if is_stream:
            budget -= _check_stream(pikepdf, value)
            if budget < 0:
                raise Refusal("too_complex")
    for cause in ("signed", "xfa", "javascript", "launch", "embedded", "media", "form_action", "external"):
        if cause in found:
            raise Refusal(cause)


def _references(text):
    return [(int(number), int(generation)) for number, generation in REFERENCE.findall(text)]


def _findings(pikepdf, value):
    """The causes for refusal in one object; objects it refers to are looked at in their own turn."""
    if isinstance(value, pikepdf.Name):  # an action may name its kind through a reference
        return {ACTIONS[str(value)]} if str(value) in ACTIONS else set()
    found = set()
    queue = [value]
    while queue:
        value = queue.pop()
        if isinstance(value, pikepdf.Array):
            queue += [item for item in value if _is_direct_container(pikepdf, item)]
        if not isinstance(value, pikepdf.Dictionary):
            continue
        queue += [item for item in value.as_dict().values() if _is_direct_container(pikepdf, item)]
        kind, action, subtype = (_name(pikepdf, value, key) for key in ("/Type", "/S", "/Subtype"))
        if action in ACTIONS:
            found.add(ACTIONS[action])
        if subtype in SUBTYPES:
            found.add(SUBTYPES[subtype])
        if isinstance(value.get("/JS"), pikepdf.String | pikepdf.Stream):
            found.add("javascript")
        if kind == "/EmbeddedFile" or _names_a_file(pikepdf, value.get("/EF")):
            found.add("embedded")
        if "/XFA" in value:
            found.add("xfa")
        if "/ByteRange" in value or kind == "/DocTimeStamp":
            found.add("signed")
        if _name(pikepdf, value, "/FT") == "/Sig" and value.get("/V") is not None:
            found.add("signed")
    return found


def _is_direct_container(pikepdf, value):
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


def _name(pikepdf, dictionary, key):
    value = dictionary.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""


def _names_a_file(pikepdf, value):
    return isinstance(value, pikepdf.Dictionary) and any(
        isinstance(item, pikepdf.Stream) for item in value.as_dict().values()
    )


def _check_stream(pikepdf, stream):
    """Expand one stream as far as its filters are ours to judge; returns the bytes it grew to."""
    about = stream.stream_dict
    if about.get("/F") is not None or about.get("/Ref") is not None:
        raise Refusal("external")
    if _name(pikepdf, about, "/Subtype") == "/Image":
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


def _check_pages(pikepdf, pdf):
    """Every page needs a size on which a person can read and a signature can be placed."""
    for page in pdf.pages:
        try:
            left, bottom, right, top = (float(side) for side in page.cropbox)
        except (AttributeError, TypeError, ValueError, KeyError):
            raise Refusal("page_shape")
        unit = float(page.obj.get("/UserUnit", 1))
        for side in (abs(right - left) * unit, abs(top - bottom) * unit):
            if not PAGE_SIDE_POINTS[0] <= side <= PAGE_SIDE_POINTS[1]:
                raise Refusal("page_shape")


def _flatten(pikepdf, pdf):
    """Draw form fields and notes into their pages, so that nothing seen can be filled in or moved."""
    form = pdf.Root.get("/AcroForm")
    if form is not None:
        _complete_appearances(pikepdf, pdf, form)
    before = [_notes(pikepdf, page) for page in pdf.pages]
    if not any("/AP" in note for notes in before for note in notes):
        return
    pdf.flatten_annotations("all")
    for page, notes in zip(pdf.pages, before, strict=True):
        kept = {note.objgen for note in _notes(pikepdf, page)}
        for note in notes:
            if note.is_indirect and note.objgen not in kept:
                _empty(note)  # the structure tree may still lead to it, and from it to old values


def _notes(pikepdf, page):
    """The annotations of a page; editors leave nulls where they deleted one."""
    notes = page.obj.get("/Annots")
    notes = notes if isinstance(notes, pikepdf.Array) else []
    return [note for note in notes if isinstance(note, pikepdf.Dictionary)]


def _complete_appearances(pikepdf, pdf, form):
    """Let fields show what they hold; refuse Japanese text without an appearance."""
    values = []
    unseen = False
    for page in pdf.pages:
        for note in _notes(pikepdf, page):
            if _name(pikepdf, note, "/Subtype") != "/Widget" or _inherited(note, "/FT") not in ("/Tx", "/Ch"):
                continue
            value = _inherited(note, "/V")
            if value is not None and str(value):
                values.append(str(value))
                unseen = unseen or not _shows_text(pikepdf, note)
    if unseen and not all(value.isascii() for value in values):
        raise Refusal("form_values")
    if unseen or (values and form.get("/NeedAppearances", False) and all(map(str.isascii, values))):
        form.NeedAppearances = True
        pdf.generate_appearance_streams()
    if "/NeedAppearances" in form:
        del form["/NeedAppearances"]


def _shows_text(pikepdf, widget):
    """Whether the widget's appearance writes any text, or is an empty frame."""
    appearances = widget.get("/AP")
    normal = appearances.get("/N") if isinstance(appearances, pikepdf.Dictionary) else None
    return isinstance(normal, pikepdf.Stream) and re.search(rb"\bT[jJ]\b", normal.read_bytes()) is not None


def _inherited(field, key, depth=32):
    while field is not None and depth:
        if key in field:
            return field[key]
        field, depth = field.get("/Parent"), depth - 1
    return None


def _empty(dictionary):
    for key in list(dictionary.keys()):
        del dictionary[key]


def _strip(pikepdf, pdf):
    """Remove what no reader of a contract needs, and make every annotation an object of its own."""
    root = pdf.Root
    for key in set(root.keys()) - CATALOG_KEYS:
        del root[key]
    if "/Names" in root:
        for key in set(root.Names.keys()) - {"/Dests"}:
            del root.Names[key]
    if _name(pikepdf, root, "/PageMode") not in PAGE_MODES and "/PageMode" in root:
        del root["/PageMode"]
    for key in set(pdf.trailer.keys()) - {"/Root", "/Info", "/ID", "/Size"}:
        del pdf.trailer[key]
    for page in pdf.pages:
        for key in {"/AA", "/AF", "/PieceInfo", "/Thumb"} & set(page.obj.keys()):
            del page.obj[key]
        if "/Annots" not in page.obj:
            continue
        notes = [
            note
            for note in _notes(pikepdf, page)
            if _name(pikepdf, note, "/Subtype") not in ("/Popup", "/Widget")
        ]
        for note in notes:
            for key in {"/AA", "/AF", "/Popup"} & set(note.keys()):
                del note[key]
        if notes:
            kept = [note if note.is_indirect else pdf.make_indirect(note) for note in notes]
            page.obj.Annots = pdf.make_indirect(pikepdf.Array(kept))
        else:
            del page.obj["/Annots"]


def _save(pikepdf, pdf):
    """Write one revision with a classic cross-reference table; the same upload gives the same bytes."""
    version = _name(pikepdf, pdf.Root, "/Version").removeprefix("/")
    version = version if re.fullmatch(r"[12]\.\d", version) else "1.4"
    out = io.BytesIO()
    pdf.save(
        out,
        min_version=max("1.4", pdf.pdf_version, version),
        object_stream_mode=pikepdf.ObjectStreamMode.disable,
        stream_decode_level=pikepdf.StreamDecodeLevel.none,
        fix_metadata_version=False,
        deterministic_id=True,
    )
    return out.getvalue()


def measure(pdf, options):
    """The size of every page as it is shown; see :func:`app.signing.intake.page_sizes`."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    return {"sizes": [document.get_page_size(index) for index in range(len(document))]}, b""


def render(pdf, options):
    """Draw one page; see :func:`app.signing.intake.render_page`."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    if not 0 <= options["page_index"] < len(document):
        raise Refusal("no_such_page")
    document.init_forms()  # without it, the stamps in signature fields are left out
    page = document[options["page_index"]]
    width, height = page.get_size()
    scale = min(options["width_px"] / width, options["height_px"] / height)
    image = page.render(scale=scale, draw_annots=True).to_pil()
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=3)
    return {"width": image.width, "height": image.height}, out.getvalue()


def rows(pdf, options):
    """Draw pages small and sum up each row of pixels; see :func:`app.signing.intake.page_rows`."""
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    last = min(options["first"] + options["count"], len(document))
    pages = []
    for index in range(options["first"], last):
        page = document[index]
        scale = min(1, options["longest_px"] / max(page.get_size()))
        picture = page.render(scale=scale, draw_annots=True, grayscale=True)
        pixels = memoryview(picture.buffer).cast("B")
        sums = [zlib.crc32(pixels[at * picture.stride :][: picture.width]) for at in range(picture.height)]
        pages.append(struct.pack(f">{len(sums) + 1}I", picture.width, *sums))
        picture.close()
        page.close()
    return {"lengths": [len(page) for page in pages]}, b"".join(pages)


TASKS = {"inspect": inspect, "measure": measure, "render": render, "rows": rows}

if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
