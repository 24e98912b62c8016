"""A PDF as it was uploaded: refused, or rewritten once."""

import io
import re

import pikepdf
from cleaning import flatten, strip
from dictionaries import name_in
from objects import check_objects
from refusal import Refusal

PAGE_SIDE_POINTS = (36, 14400)
ANSWER_FACTOR = 3  # the rewritten file may be larger than the upload: object streams are unpacked
# What a lenient reader may pass over without guessing: white space, line ends, a page listed twice.
HARMLESS_WARNINGS = re.compile(
    r"stream keyword|extraneous whitespace|invalid xref table entry|expected endobj"
    r"|more than once in the pages tree|Resources is missing|/Type entry|linearization|hint table"
    r"|reported number of objects",
    re.IGNORECASE,
)


def inspect(upload, options):
    """Refuse the upload or rewrite it; see :func:`app.signing.intake.receive`."""
    pdf = _open(upload)
    if pdf.is_encrypted:
        raise Refusal("encrypted")
    page_count = len(pdf.pages)
    if page_count == 0:
        raise Refusal("no_pages")
    if page_count > options["pages"]:
        raise Refusal("too_many_pages")
    if re.search(rb"/XRefStm[\x00\s]+\d", upload):
        _check_hybrid(pdf, upload)
    check_objects(pdf)
    _check_pages(pdf)
    flatten(pdf)
    strip(pdf)
    if any(not HARMLESS_WARNINGS.search(str(warning)) for warning in pdf.get_warnings()):
        raise Refusal("damaged")
    rewritten = _save(pdf)
    if len(rewritten) > ANSWER_FACTOR * options["size_bytes"]:
        raise Refusal("too_complex")
    with pikepdf.open(io.BytesIO(rewritten), attempt_recovery=False) as again:
        if len(again.pages) != page_count or again.get_warnings():
            raise Refusal("damaged")
    return {"page_count": page_count}, rewritten


def _open(upload):
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


def _check_hybrid(pdf, upload):
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


def _check_pages(pdf):
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


def _save(pdf):
    """Write one revision with a classic cross-reference table; the same upload gives the same bytes."""
    version = name_in(pdf.Root, "/Version").removeprefix("/")
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
