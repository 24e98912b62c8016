"""Files as people upload them: `GOOD` ones are accepted at intake, `BAD` ones are refused.

Real files lie in ``demo/contracts`` and ``tests/fixtures/pdf``; large and broken ones are grown here from
them.  Each builder gives the same bytes every time it is called in one run.
"""

import base64
import io
import random
import struct
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pikepdf
from pikepdf import Array, Dictionary, Name, String

ROOT = Path(__file__).resolve().parents[1]
CONTRACTS = ROOT / "demo" / "contracts"
SAMPLES = ROOT / "tests" / "fixtures" / "pdf"
MEBIBYTE = 1024 * 1024
SIZE_LIMIT = 20 * MEBIBYTE


def contract(name="construction-contract"):
    """One of the demo's contracts, as bytes."""
    return (CONTRACTS / f"{name}.pdf").read_bytes()


def sample(name):
    """One of the test samples, as bytes."""
    return (SAMPLES / f"{name}.pdf").read_bytes()


def _changed(change, source="estimate-breakdown", **how):
    """A contract after `change(pdf)`, saved with the options `how`."""
    with pikepdf.open(io.BytesIO(contract(source))) as pdf:
        change(pdf)
        out = io.BytesIO()
        pdf.save(out, **({"deterministic_id": True} | how))
        return out.getvalue()


def _annotate(pdf, **entries):
    """Add an annotation, direct as many writers leave it, to the first page."""
    note = Dictionary(Type=Name.Annot, Rect=Array([50, 50, 150, 90]), **entries)
    notes = list(pdf.pages[0].obj.get("/Annots", []))
    pdf.pages[0].obj.Annots = Array([*notes, note])


def _script(text="app.alert(1);"):
    return Dictionary(S=Name.JavaScript, JS=String(text))


# ---------------------------------------------------------------- large


@cache
def hundred_pages():
    """A hundred pages, each with its own content and a link."""

    def grow(pdf):
        while len(pdf.pages) < 100:
            pdf.pages.append(pdf.pages[len(pdf.pages) % 4])
        for page in pdf.pages:
            link = Dictionary(S=Name.URI, URI=String("https://www.example.co.jp/"))
            page.obj.Annots = Array(
                [Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=link)]
            )

    return _changed(grow, "construction-contract")


@cache
def at_size_limit(size_bytes=SIZE_LIMIT):
    """A valid one-page PDF of exactly `size_bytes`, with a picture that does not compress."""

    def build(picture_bytes, padding):
        pdf = pikepdf.new()
        page = pdf.add_blank_page(page_size=(595, 842))
        noise = random.Random(1).randbytes(picture_bytes)
        picture = pdf.make_stream(
            noise, Type=Name.XObject, Subtype=Name.Image, Width=2000, Height=picture_bytes // 2000,
            ColorSpace=Name.DeviceGray, BitsPerComponent=8,
        )  # fmt: skip
        page.obj.Resources = Dictionary(XObject=Dictionary(Scan=picture))
        page.obj.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Scan Do Q" + b" " * padding)
        out = io.BytesIO()
        pdf.save(out, compress_streams=False, static_id=True)
        return out.getvalue()

    height = (size_bytes - 4096) // 2000
    short = size_bytes - len(build(height * 2000, 1000))
    made = build(height * 2000, 1000 + short)
    return build(height * 2000, 1000 + short - (len(made) - size_bytes))  # the length has digits of its own


def too_many_pages(count=1001):
    """One page more than the limit, all of them empty."""
    pdf = pikepdf.new()
    for _ in range(count):
        pdf.add_blank_page(page_size=(595, 842))
    out = io.BytesIO()
    pdf.save(out, static_id=True)
    return out.getvalue()


def over_size_limit():
    """One byte too many."""
    return at_size_limit(SIZE_LIMIT) + b"\n"


# ---------------------------------------------------------------- odd, but whole


def object_streams_and_linearized():
    """As web servers like them."""
    return _changed(
        lambda pdf: None,
        "construction-contract",
        object_stream_mode=pikepdf.ObjectStreamMode.generate,
        linearize=True,
    )


def junk_before_header():
    """A mail gateway's lines before the header; offsets count from the header."""
    return b"X-Scanned: yes\r\n" * 8 + contract("estimate-breakdown")


def junk_before_header_counted():
    """The same, but the offsets count from the first byte of the file."""
    prefix = b"X-Scanned-By: gateway\r\n" * 8
    return prefix + _raw(_PAGE_OBJECTS, shift=len(prefix))


def junk_after_end():
    """Three kilobytes of padding after the end."""
    return contract("estimate-breakdown") + b"\r\n" + b"\0" * 3000


def missing_end():
    """The last line is gone, the cross-reference is not."""
    data = contract("estimate-breakdown").rstrip()
    return data.removesuffix(b"%%EOF")


def two_revisions():
    """Changed once and saved by appending, as PDF editors do."""
    from pyhanko.pdf_utils.generic import TextStringObject, pdf_name
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(contract("non-disclosure-agreement")))
    writer.root[pdf_name("/Lang")] = TextStringObject("ja")
    writer.update_root()
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def direct_links():
    """Link annotations written inside the page, as Word does: to the web, and to another page."""

    def change(pdf):
        target = Array([pdf.pages[0].obj, Name.Fit])
        _annotate(pdf, Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String("http://192.0.2.1/never")))
        _annotate(pdf, Subtype=Name.Link, A=Dictionary(S=Name.GoTo, D=target))
        pdf.Root.OpenAction = Dictionary(S=Name.GoTo, D=target)

    return _changed(change)


def stamped():
    """A 電子印鑑 laid over the page as an annotation, with the note window that belongs to it."""

    def change(pdf):
        seal = pdf.make_stream(
            b"0.8 0.1 0.1 RG 2 w 5 5 30 30 re S",
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array([0, 0, 40, 40]),
        )
        _annotate(
            pdf, Subtype=Name.Stamp, F=4, AP=Dictionary(N=seal), Contents=String("検印"),
            Popup=Dictionary(Type=Name.Annot, Subtype=Name.Popup, Rect=Array([0, 0, 9, 9])),
        )  # fmt: skip

    return _changed(change)


def empty_signature_field():
    """A place for a signature, prepared elsewhere and never used."""

    def change(pdf):
        field = Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Sig,
            T=String("Signature1"),
            Rect=Array([50, 50, 150, 90]),
        )
        field = pdf.make_indirect(field)
        pdf.pages[0].obj.Annots = Array([field])
        pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=1)

    return _changed(change)


def version_1_3():
    """An old multifunction printer's header."""
    return _changed(lambda pdf: None, "non-disclosure-agreement", force_version="1.3")


def null_annotation():
    """An editor deleted a note and left a null in its place."""

    def change(pdf):
        pdf.pages[0].obj.Annots = Array([None, None])

    return _changed(change)


def old_filters():
    """Page content and a picture as PostScript converters of the nineties packed them."""

    def change(pdf):
        from PIL import Image

        out = io.BytesIO()
        Image.new("L", (20, 20), 128).save(out, "JPEG")
        picture = pdf.make_stream(
            base64.a85encode(out.getvalue()) + b"~>", Type=Name.XObject, Subtype=Name.Image, Width=20,
            Height=20, ColorSpace=Name.DeviceGray, BitsPerComponent=8,
            Filter=Array([Name.ASCII85Decode, Name.DCTDecode]),
        )  # fmt: skip
        pdf.pages[0].add_resource(picture, Name.XObject, Name.Old)
        drawing = zlib.compress(b"q 40 0 0 40 20 20 cm /Old Do Q")
        content = pdf.make_stream(drawing[:-4], Filter=Name.FlateDecode)  # without the checksum
        empty = pdf.make_stream(b"", Filter=Name.FlateDecode)
        packed = pdf.make_stream(b"\x04q Q\n \x80", Filter=Name.RunLengthDecode)
        pdf.pages[0].contents_coalesce()
        pdf.pages[0].obj.Contents = Array(
            [pdf.make_indirect(pdf.pages[0].obj.Contents), content, empty, packed]
        )

    return _changed(change, stream_decode_level=pikepdf.StreamDecodeLevel.none)


# ---------------------------------------------------------------- written by hand

_PAGE_OBJECTS = {
    1: b"<< /Type /Catalog /Pages 2 0 R >>",
    2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> /Contents 4 0 R >>",
    4: b"<< /Length 27 >>\nstream\n72 72 200 100 re 0.5 g f   \nendstream",
}


def _raw(objects, shift=0):
    """Put objects, a cross-reference table and a trailer together; `shift` is added to every offset."""
    out, offsets = _bodies(objects, shift)
    size = max(objects) + 1
    return bytes(out + _table(size, offsets, len(out) + shift, b"/Root 1 0 R"))


def _bodies(objects, shift=0):
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    offsets = {}
    for number, body in objects.items():
        offsets[number] = len(out) + shift
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    return out, offsets


def _table(size, offsets, at, trailer):
    """A cross-reference table that calls every object free that is not in `offsets`."""
    lines = [b"%010d 00000 n " % offsets[n] if n in offsets else b"0000000000 65535 f " for n in range(size)]
    return b"xref\n0 %d\n%s\ntrailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        size, b"\n".join(lines), size, trailer, at,
    )  # fmt: skip


def _hybrid(objects, hidden, *, like_word):
    """A file with both kinds of cross-reference; only the cross-reference stream tells of `hidden`.

    Word appends an empty table that names the stream; others name it where the table calls the objects free.
    """
    out, offsets = _bodies({**objects, **hidden})
    told = {number: at for number, at in offsets.items() if number not in hidden}
    stream, size = len(out), max(offsets) + 2
    entries = b"".join(struct.pack(">BIH", 1, at, 0) for at in offsets.values())
    index = b" ".join(b"%d 1" % number for number in offsets)
    out += b"%d 0 obj\n<< /Type /XRef /Size %d /W [1 4 2] /Index [%s] /Root 1 0 R /Length %d >>\nstream\n" % (
        size - 1, size, index, len(entries),
    )  # fmt: skip
    out += entries + b"\nendstream\nendobj\n"
    table = len(out)
    if not like_word:
        return bytes(out + _table(size, told, table, b"/Root 1 0 R /XRefStm %d" % stream))
    out += _table(size, told, table, b"/Root 1 0 R")
    end = len(out)
    out += b"xref\n0 0\ntrailer\n<< /Size %d /Root 1 0 R /Prev %d /XRefStm %d >>\n" % (size, table, stream)
    return bytes(out) + b"startxref\n%d\n%%%%EOF" % end


def hybrid():
    """Both kinds of cross-reference, as Word writes them; the hidden object is of no matter to the page."""
    objects = _PAGE_OBJECTS | {1: b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences 5 0 R >>"}
    return _hybrid(objects, {5: b"<< /DisplayDocTitle true >>"}, like_word=True)


def two_faced_hybrid(like_word=True):
    """Both kinds of cross-reference, and old readers see an empty page where new ones see a contract."""
    objects = dict(_PAGE_OBJECTS)
    return _hybrid(objects, {4: objects.pop(4)}, like_word=like_word)


def xref_damaged():
    """Every offset in the table is wrong."""
    data = _raw(_PAGE_OBJECTS)
    head, table = data.split(b"\nxref\n")
    return head.replace(b"\n1 0 obj", b"\n% moved by an editor\n1 0 obj") + b"\nxref\n" + table


def missing_object():
    """The table points to a place where the page's content does not begin."""
    data = _raw(_PAGE_OBJECTS)
    return data.replace(b"4 0 obj", b"4 0 abc")


def stream_damaged():
    """A compressed page content with a piece overwritten."""
    packed = zlib.compress(bytes(random.Random(3).choices(b"0123456789 lmre\n", k=4000)))
    packed = packed[:300] + b"\0" * 200 + packed[500:]
    body = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
    return _raw(_PAGE_OBJECTS | {4: body})


def no_pages():
    """A page tree without a page."""
    return _raw({1: _PAGE_OBJECTS[1], 2: b"<< /Type /Pages /Kids [] /Count 0 >>"})


def sheet_without_size():
    """A page a point wide."""
    return _raw(_PAGE_OBJECTS | {3: _PAGE_OBJECTS[3].replace(b"595 842", b"1 842")})


def cut(fraction):
    """What is left of a download that broke off."""
    data = contract()
    return data[: int(len(data) * fraction)]


def cut_revision():
    """The second revision breaks off; the first is whole, and older than what the author sees."""
    data = two_revisions()
    return data[: data.rfind(b"xref", 0, data.rfind(b"startxref"))]


# ---------------------------------------------------------------- bombs


def _zeros(mebibytes, start=b""):
    """Flate data of `start` and so many MiB of zeros, quickly made: one flushed block, repeated."""
    packer = zlib.compressobj(9)
    head = packer.compress(start) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * MEBIBYTE) + packer.flush(zlib.Z_FULL_FLUSH)
    check = zlib.adler32(start)
    low, high = check & 0xFFFF, check >> 16
    high = (high + low * mebibytes * MEBIBYTE) % 65521
    return head + block * mebibytes + b"\x03\x00" + struct.pack(">I", high << 16 | low)


def stream_bomb():
    """Four megabytes of page content that expand to four gigabytes."""
    packed = _zeros(4096)
    body = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
    return _raw(_PAGE_OBJECTS | {4: body})


def nested_bomb():
    """A few kilobytes, packed twice, that expand to sixteen gigabytes."""
    packed = zlib.compress(_zeros(16384), 9)
    body = b"<< /Filter [/FlateDecode /FlateDecode] /Length %d >>\nstream\n%s\nendstream" % (
        len(packed),
        packed,
    )
    return _raw(_PAGE_OBJECTS | {4: body})


def nested_bomb_in_text():
    """The same, written as text first."""
    packed = base64.a85encode(zlib.compress(_zeros(16384), 9)) + b"~>"
    filters = b"[/A85 /Fl /FlateDecode]"
    body = b"<< /Filter %s /Length %d >>\nstream\n%s\nendstream" % (filters, len(packed), packed)
    return _raw(_PAGE_OBJECTS | {4: body})


def many_bombs():
    """Sixty pictures, none of them too large, that expand to twelve gigabytes together."""
    packed = _zeros(200)
    body = b"<< /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (len(packed), packed)
    pictures = {number: body for number in range(5, 65)}
    names = b" ".join(b"/I%d %d 0 R" % (number, number) for number in pictures)
    page = _PAGE_OBJECTS[3].replace(b"/Resources << >>", b"/Resources << /XObject << %s >> >>" % names)
    return _raw(_PAGE_OBJECTS | {3: page} | pictures)


def object_stream_bomb():
    """The catalogue lies in an object stream that expands to two gigabytes."""
    packed = _zeros(2048, b"1 0     << /Type /Catalog /Pages 2 0 R >> ")
    objects = {number: body for number, body in _PAGE_OBJECTS.items() if number > 1}
    about = b"/Type /ObjStm /N 1 /First 8 /Filter /FlateDecode /Length %d" % len(packed)
    objects[5] = b"<< %s >>\nstream\n%s\nendstream" % (about, packed)
    out, offsets = _bodies(objects)
    table = len(out)
    entries = struct.pack(">BIHBIH", 0, 0, 65535, 2, 5, 0)
    entries += b"".join(struct.pack(">BIH", 1, at, 0) for at in [*offsets.values(), table])
    out += b"6 0 obj\n<< /Type /XRef /Size 7 /W [1 4 2] /Root 1 0 R /Length %d >>\nstream\n" % len(entries)
    return bytes(out) + entries + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % table


# ---------------------------------------------------------------- locked and signed


def _locked(**passwords):
    return _changed(lambda pdf: None, deterministic_id=False, encryption=pikepdf.Encryption(**passwords))


@cache
def already_signed():
    """Signed by somebody else's program, with a certificate of its own."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import pkcs12
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign.signers import PdfSignatureMetadata, SimpleSigner, sign_pdf

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sample Signer")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    store = pkcs12.serialize_key_and_certificates(b"", key, certificate, None, serialization.NoEncryption())
    signer = SimpleSigner.load_pkcs12_data(store, other_certs=[])
    writer = IncrementalPdfFileWriter(io.BytesIO(contract("estimate-breakdown")))
    return sign_pdf(writer, PdfSignatureMetadata(field_name="Signature1"), signer=signer).getvalue()


def signed_then_rewritten():
    """A signed file saved anew by another program: the signature is void, and still there."""
    with pikepdf.open(io.BytesIO(already_signed())) as pdf:
        out = io.BytesIO()
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return out.getvalue()


def certified():
    """Rights granted in the catalogue, as by a certifying signature."""

    def change(pdf):
        value = pdf.make_indirect(Dictionary(Type=Name.Sig, Contents=String("x")))
        pdf.Root.Perms = Dictionary(DocMDP=value)

    return _changed(change)


# ---------------------------------------------------------------- active


def script_on_opening():
    return _changed(lambda pdf: pdf.Root.__setattr__("OpenAction", _script()))


def script_by_name():
    def change(pdf):
        pdf.Root.Names = Dictionary(JavaScript=Dictionary(Names=Array([String("a"), _script()])))

    return _changed(change, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def script_on_annotation():
    return _changed(lambda pdf: _annotate(pdf, Subtype=Name.Link, AA=Dictionary(E=_script())))


def script_on_page():
    return _changed(lambda pdf: pdf.pages[0].obj.__setattr__("AA", Dictionary(O=_script())))


def script_after_link():
    """A harmless action, followed by one that is not."""
    action = Dictionary(S=Name.URI, URI=String("https://www.example.co.jp/"), Next=Array([_script()]))
    return _changed(lambda pdf: _annotate(pdf, Subtype=Name.Link, A=action))


def script_in_disguise():
    """Names written with escapes, and the kind of the action given by reference."""
    objects = _PAGE_OBJECTS | {
        1: b"<< /Type /Catalog /Pages 2 0 R /Open#41ction << /S 5 0 R /J#53 (app.alert\\(1\\)) >> >>",
        5: b"/Java#53cript",
    }
    return _raw(objects)


def launch():
    return _changed(
        lambda pdf: _annotate(pdf, Subtype=Name.Link, A=Dictionary(S=Name.Launch, F=String("calc.exe")))
    )


def embedded_file():
    def change(pdf):
        pdf.attachments["内訳.xlsx"] = b"PK\x03\x04 not really"

    return _changed(change)


def file_attachment():
    """A paper clip on the page."""

    def change(pdf):
        content = pdf.make_stream(b"hello", Type=Name.EmbeddedFile)
        file = Dictionary(Type=Name.Filespec, F=String("a.txt"), EF=Dictionary(F=content))
        _annotate(pdf, Subtype=Name.FileAttachment, FS=pdf.make_indirect(file))

    return _changed(change)


def associated_file():
    """An invoice's data in XML, associated with the document."""

    def change(pdf):
        content = pdf.make_stream(b"<invoice/>", Type=Name.EmbeddedFile)
        file = Dictionary(Type=Name.Filespec, F=String("a.xml"), EF=Dictionary(F=content))
        pdf.Root.AF = Array([pdf.make_indirect(file)])

    return _changed(change)


def xfa():
    def change(pdf):
        pdf.Root.AcroForm = Dictionary(Fields=Array(), XFA=pdf.make_stream(b"<xdp:xdp/>"))

    return _changed(change)


def submit_form():
    action = Dictionary(S=Name.SubmitForm, F=String("http://192.0.2.1/never"))
    return _changed(lambda pdf: _annotate(pdf, Subtype=Name.Link, A=action))


def movie():
    return _changed(lambda pdf: _annotate(pdf, Subtype=Name.RichMedia))


def external_stream():
    """The page's content lies in another file."""
    body = _PAGE_OBJECTS[4].replace(b"/Length 27", b"/Length 27 /F (http://192.0.2.1/never)")
    return _raw(_PAGE_OBJECTS | {4: body})


# ---------------------------------------------------------------- not PDF


def word_file():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<w:document/>")
    return out.getvalue()


def zip_file():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("contract.pdf", contract("estimate-breakdown"))
    return out.getvalue()


def picture():
    from PIL import Image

    out = io.BytesIO()
    Image.new("L", (20, 20)).save(out, "PNG")
    return out.getvalue()


GOOD = {
    "construction contract (Word)": contract,
    "non-disclosure agreement (Word)": lambda: contract("non-disclosure-agreement"),
    "estimate (Excel)": lambda: contract("estimate-breakdown"),
    "purchase order (browser)": lambda: contract("purchase-order"),
    "order acknowledgement (browser)": lambda: contract("order-acknowledgement"),
    "safety cover letter (browser)": lambda: contract("safety-cover-letter"),
    "scan": lambda: sample("scan"),
    "turned and cropped": lambda: sample("turned-and-cropped"),
    "form fields": lambda: sample("form-fields"),
    "object streams and linearized": object_streams_and_linearized,
    "hundred pages": hundred_pages,
    "at the size limit": at_size_limit,
    "junk before the header": junk_before_header,
    "junk before the header, counted": junk_before_header_counted,
    "junk after the end": junk_after_end,
    "missing end": missing_end,
    "two revisions": two_revisions,
    "direct links": direct_links,
    "stamped": stamped,
    "empty signature field": empty_signature_field,
    "version 1.3": version_1_3,
    "null annotation": null_annotation,
    "old filters": old_filters,
    "hybrid": hybrid,
}

BAD = {
    "empty": (lambda: b"", "0バイト"),
    "over the size limit": (over_size_limit, "20MB"),
    "too many pages": (too_many_pages, "1,000ページ"),
    "no pages": (no_pages, "ページがありません"),
    "sheet without size": (sheet_without_size, "用紙の大きさ"),
    "Word file": (word_file, "Word"),
    "ZIP file": (zip_file, "ZIP"),
    "old Excel file": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "Excel"),
    "picture": (picture, "画像ファイル"),
    "web page": (lambda: b"<!DOCTYPE html><html><title>x</title></html>", "HTML"),
    "text": (lambda: "工事請負契約書".encode("cp932"), "PDFファイルではありません"),
    "header only": (lambda: b"%PDF-1.7\n", "壊れている"),
    "cut at 50 %": (lambda: cut(0.5), "壊れている"),
    "cut at 99 %": (lambda: cut(0.99), "壊れている"),
    "linearized, cut": (lambda: object_streams_and_linearized()[:-40_000], "壊れている"),
    "cut revision": (cut_revision, "壊れている"),
    "cross-reference damaged": (xref_damaged, "壊れている"),
    "object missing": (missing_object, "壊れている"),
    "stream damaged": (stream_damaged, "壊れている"),
    "two-faced hybrid": (two_faced_hybrid, "異なる内容"),
    "two-faced hybrid, other order": (lambda: two_faced_hybrid(like_word=False), "異なる内容"),
    "line ends converted": (lambda: contract().replace(b"\n", b"\r\n"), "壊れている"),
    "password to open": (lambda: _locked(user="user", owner="owner"), "パスワード"),
    "password to change": (lambda: _locked(user="", owner="owner"), "パスワード"),
    "password, old cipher": (
        lambda: _locked(user="user", owner="owner", R=3, aes=False, metadata=False),
        "パスワード",
    ),
    "already signed": (already_signed, "すでに電子署名"),
    "signed, then rewritten": (signed_then_rewritten, "すでに電子署名"),
    "certified": (certified, "すでに電子署名"),
    "script on opening": (script_on_opening, "JavaScript"),
    "script by name": (script_by_name, "JavaScript"),
    "script on an annotation": (script_on_annotation, "JavaScript"),
    "script on a page": (script_on_page, "JavaScript"),
    "script after a link": (script_after_link, "JavaScript"),
    "script in disguise": (script_in_disguise, "JavaScript"),
    "launch": (launch, "起動"),
    "embedded file": (embedded_file, "添付"),
    "file attachment": (file_attachment, "添付"),
    "associated file": (associated_file, "添付"),
    "XFA": (xfa, "XFA"),
    "form to submit": (submit_form, "送信"),
    "film": (movie, "動画"),
    "external stream": (external_stream, "外部"),
    "Japanese form values without appearance": (lambda: sample("form-fields-japanese"), "入力フォーム"),
    "stream bomb": (stream_bomb, "複雑すぎる"),
    "nested bomb in text": (nested_bomb_in_text, "複雑すぎる"),
    "nested bomb": (nested_bomb, "複雑すぎる"),
    "many bombs": (many_bombs, "複雑すぎる"),
    "object stream bomb": (object_stream_bomb, "複雑すぎる"),
}
