"""More attacks on our own signed files: by what a form, a store, a table or a time stamp may hold (S1).

Most of them are saved after a genuine signature and then sealed by a genuine time stamp, which anybody may get, so
that the last revision covers the whole file and only the rules about the revisions can tell.
"""

import contextlib
import datetime as dt
import io
import re
import zlib

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigFieldSpec, append_signature_field
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.stamp import TextStampStyle

from app import clock
from app.signing import authorities as pki
from app.signing import evidence, revocation
from app.signing.timestamps import EmbeddedTsa
from tests.attacks import (
    COVER,
    EVIL,
    FORM,
    FREE,
    PAGE,
    appended,
    body_of,
    evil_page,
    last_table,
    signature_numbers,
    stamped_over,
    stream,
    with_catalog,
)
from tests.signing.test_odd_files import Stranger

RECEIVER_FIELD = 13
FIELD = (
    b"<< /FT /Sig /T (%s) /Type /Annot /Subtype /Widget /Rect [0 0 595 842] /F 4 /P 3 0 R"
    b" /AP << /N %d 0 R >> %s>>"
)
FACE = stream(b"1 g 0 0 600 900 re f 0 g " + EVIL, COVER)


def _with_field(pdf, field=b"", name=b"over", extra=b"", number=FREE + 1):
    """A signature field more, which shows the attacker's words over the whole first page."""
    page = body_of(pdf, PAGE)
    if b"/Annots" in page and re.search(rb"/Annots (\d+) 0 R", page):
        annots = int(re.search(rb"/Annots (\d+) 0 R", page)[1])
        pages = {annots: body_of(pdf, annots).rstrip().removesuffix(b"]") + b" %d 0 R ]" % number}
    elif b"/Annots" in page:
        pages = {PAGE: re.sub(rb"/Annots \[", b"/Annots [ %d 0 R " % number, page)}
    else:
        pages = {PAGE: page.rstrip().removesuffix(b">>") + b"/Annots [ %d 0 R ] >>" % number}
    form = re.sub(rb"/Fields \[", b"/Fields [ %d 0 R " % number, body_of(pdf, FORM))
    return pages | {FREE: FACE, number: field or FIELD % (name, FREE, extra), FORM: form}


def faces(given):
    """A signature field may be added after a signature: here it shows another contract."""
    for stage in ("signed_once", "archived"):
        pdf = getattr(given, stage)
        for name, extra in {
            "empty field over the page": b"",
            "empty field with a script": b"/AA << /E << /S /JavaScript /JS (app.alert\\(1\\)) >> >> ",
            "empty field with a lock": b"/Lock << /Type /SigFieldLock /Action /All >> ",
        }.items():
            changed = appended(pdf, _with_field(pdf, extra=extra))
            yield f"{name}, {stage}", stamped_over(changed, given)
        objects = _with_field(pdf, b"<< /FT /Sig /T (over) /Kids [ %d 0 R ] >>" % (FREE + 2))
        objects[FREE + 2] = (FIELD % (b"x", FREE, b"/Parent %d 0 R " % (FREE + 1))).replace(b"/T (x) ", b"")
        yield f"face of a kid, {stage}", stamped_over(appended(pdf, objects), given)
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        yield f"visible time stamp over the page, {stage}", visible_time_stamp(writer, given)
        yield f"a signer's stamp over the page, {stage}", visible_signature(pdf, given)


def stamped_faces(given):
    """First an empty field that shows nothing, or the receiver's own; then a time stamp in it, with a face."""
    stranger = Stranger(given.portal, given.sender).sign(given.unsigned, field="sender", tsa=given.portal.tsa)
    for name, pdf in {"ours": given.signed_once, "a stranger's": stranger}.items():
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
        append_signature_field(writer, SigFieldSpec("shown", on_page=0, box=(0, 0, 595, 842)))
        field = writer.root["/AcroForm"]["/Fields"][-1].get_object()
        field.pop("/AP", None)
        writer.update_container(field)
        writer.write_in_place()
        prepared = writer.prev.stream.getvalue()
        for called, before, field_name in (("a prepared field", prepared, "shown"), ("the receiver's field", pdf, "receiver-1")):
            writer = IncrementalPdfFileWriter(io.BytesIO(before), strict=False)
            fields = writer.root["/AcroForm"]["/Fields"]
            field = next(one.get_object() for one in fields if str(one.get_object()["/T"]) == field_name)
            yield f"time stamp with a face in {called}, {name}", _stamped_with_face(writer, field, field_name, given)


def visible_signature(pdf, given):
    """The receiver has the key elsewhere too, and signs with a stamp that covers the page."""
    pdf_signer = signers.PdfSigner(
        signers.PdfSignatureMetadata(field_name="stamp", md_algorithm="sha256"),
        Stranger(given.portal, given.receiver).signer, timestamper=given.portal.tsa,
        stamp_style=TextStampStyle(stamp_text="Contract, at another price"), new_field_spec=SigFieldSpec("stamp", box=(0, 0, 595, 842)),
    )  # fmt: skip
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), strict=False)
    return pdf_signer.sign_pdf(writer, bytes_reserved=32768).getvalue()


def visible_time_stamp(writer, given):
    """A genuine time stamp in a field that shows the attacker's words over the whole page."""
    append_signature_field(writer, SigFieldSpec("shown", on_page=0, box=(0, 0, 595, 842)))
    return _stamped_with_face(writer, writer.root["/AcroForm"]["/Fields"][-1].get_object(), "shown", given)


def _stamped_with_face(writer, field, field_name, given):
    face = generic.StreamObject(stream_data=b"1 g 0 0 600 900 re f 0 g " + EVIL)
    for key, value in {"/Type": "/XObject", "/Subtype": "/Form"}.items():
        face[generic.pdf_name(key)] = generic.pdf_name(value)
    face[generic.pdf_name("/BBox")] = generic.ArrayObject(map(generic.NumberObject, (0, 0, 600, 900)))
    field["/AP"] = generic.DictionaryObject({generic.pdf_name("/N"): writer.add_object(face)})
    writer.update_container(field)
    signers.PdfTimeStamper(given.portal.tsa, field_name=field_name).timestamp_pdf(
        writer, "sha256", bytes_reserved=16384, in_place=True
    )
    return writer.prev.stream.getvalue()


def own_fields(given):
    """What a receiver may do to the empty field that waits for him."""
    pdf = given.signed_once
    number, field = RECEIVER_FIELD, body_of(pdf, RECEIVER_FIELD)
    changes = {
        "rectangle widened": re.sub(rb"/Rect \[[^]]*\]", b"/Rect [0 0 595 842]", field),
        "renamed": field.replace(b"\\0551)", b"\\0552)"),
        "lock taken out": re.sub(rb"/Lock (?:\d+ 0 R|<<.*?>>)", b"", field, flags=re.S),
        "lock of all": field.rstrip().removesuffix(b">>") + b"/Lock << /Type /SigFieldLock /Action /All >> >>",
        "face without a signature": re.sub(rb"/AP <<.*?>>", b"", field, flags=re.S).rstrip().removesuffix(b">>")
        + b"/AP << /N %d 0 R >> >>" % FREE,
        "script": field.rstrip().removesuffix(b">>") + b"/AA << /E << /S /JavaScript /JS (1) >> >> >>",
        "value of the sender": field.rstrip().removesuffix(b">>") + b"/V %d 0 R >>" % signature_numbers(pdf)[0],
    }
    for name, changed in changes.items():
        if changed != field:
            yield from _sealed(f"receiver's field: {name}", appended(pdf, {number: changed, FREE: FACE}), given)
    twin = FIELD % (b"sender", FREE, b"/V %d 0 R " % signature_numbers(pdf)[0])
    yield from _sealed("a second field of the sender's name", appended(pdf, _with_field(pdf, twin)), given)
    for name in (b"\xfe\xff\x00s\x00e\x00n\x00d\x00e\x00r", b"sender ", b"\xfe\xff\xd8\x00\x00s", b"sender.x", b""):
        twin = FIELD % (name, FREE, b"/V %d 0 R " % signature_numbers(pdf)[0])
        yield from _sealed(f"field {name!r} with the sender's value", appended(pdf, _with_field(pdf, twin)), given)


def forms_and_catalogues(given):
    """Entries of the form, the catalogue and the metadata that decide what is drawn, done or told."""
    for stage, pdf in (("signed_once", given.signed_once),):
        form = body_of(pdf, FORM)
        for name, changed in {
            "SigFlags taken out": re.sub(rb"/SigFlags \d", b"", form),
            "SigFlags zero": re.sub(rb"/SigFlags \d", b"/SigFlags 0", form),
            "appearances needed": form.rstrip().removesuffix(b">>") + b"/NeedAppearances true >>",
            "XFA": form.rstrip().removesuffix(b">>") + b"/XFA %d 0 R >>" % FREE,
        }.items():
            if changed != form:
                yield from _sealed(f"form: {name}, {stage}", appended(pdf, {FORM: changed, FREE: FACE}), given)
        for name, extra in {
            "permissions of use": b"/Perms << /UR3 %d 0 R >> " % signature_numbers(pdf)[0],
            "certified": b"/Perms << /DocMDP %d 0 R >> " % signature_numbers(pdf)[0],
            "labels": b"/PageLabels << /Nums [ 0 << /S /r >> ] >> ",
            "view": b"/ViewerPreferences << /DisplayDocTitle true >> ",
            "mode": b"/PageMode /UseAttachments ",
            "files": b"/AF [ << /Type /Filespec /F (a.pdf) >> ] ",
            "requirements": b"/Requirements [ << /Type /Requirement /S /EnableJavaScripts >> ] ",
            "language": b"/Lang (ja-JP) ",
            "outlines": b"/Outlines << /Type /Outlines /Count 0 >> ",
        }.items():
            yield from _sealed(f"catalogue: {name}, {stage}", appended(pdf, {1: with_catalog(pdf, extra)}), given)
        info = b"<< /Title (Contract over 1 yen) /Author (Somebody) >>"
        yield from _sealed(f"title, {stage}", appended(pdf, {FREE: info}, extra=b"/Info %d 0 R " % FREE), given)
        xmp = (
            b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>1 yen</dc:title>'
            b"</rdf:Description></rdf:RDF></x:xmpmeta>"
        )
        meta = {FREE: stream(xmp, b"/Type /Metadata /Subtype /XML "), 1: with_catalog(pdf, b"/Metadata %d 0 R " % FREE, without=b"Metadata")}
        yield from _sealed(f"metadata, {stage}", appended(pdf, meta), given)
        bomb = (
            b'<!DOCTYPE l [<!ENTITY a0 "lol">' + b"".join(
                b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 12)
            ) + b']><x:xmpmeta xmlns:x="adobe:ns:meta/">&a11;</x:xmpmeta>'
        )  # fmt: skip
        meta[FREE] = stream(bomb, b"/Type /Metadata /Subtype /XML ")
        yield from _sealed(f"metadata that laughs, {stage}", appended(pdf, meta), given)


def tables(given):
    """Cross-reference tables that two readers read in two ways, and bodies that no table lists."""
    for stage in ("signed_once", "archived"):
        for name, changed in _tables(getattr(given, stage)):
            yield from _sealed(f"{name}, {stage}", changed, given)


def _sealed(name, changed, given):
    """An attacked file as it is, and under a genuine time stamp where it can be had."""
    yield name, changed
    with contextlib.suppress(Exception):  # what this update made of the file can be stamped no more
        yield f"{name}, time-stamped over", stamped_over(changed, given)


def _tables(pdf):
    evil = evil_page(pdf)
    yield "page content, no table", appended(pdf, evil, table=False)
    yield "page content, no table and no trailer", appended(pdf, evil, table=False, trailer=False)
    yield "page content, no end of file", appended(pdf, evil, end=False)
    yield "bodies alone", appended(pdf, evil, table=False, trailer=False, end=False)
    # the same number twice in one table
    out = bytearray(pdf if pdf.endswith(b"\n") else pdf + b"\n")
    old = [m.start(1) for m in re.finditer(rb"(?:^|\n)(%d 0 obj)" % PAGE, pdf)][-1]
    at = {}
    for number, body in evil.items():
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    for name, order in {"old first": (old, at[PAGE]), "new first": (at[PAGE], old)}.items():
        start = len(out)
        table = b"xref\n%d 1\n%010d 00000 n \n" % (FREE, at[FREE])
        table += b"".join(b"%d 1\n%010d 00000 n \n" % (PAGE, offset) for offset in order)
        trailer = b"trailer\n<< /Root 1 0 R /Size %d /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (FREE + 50, last_table(pdf), start)
        yield f"one number twice, {name}", bytes(out) + table + trailer
    # hybrid: the table keeps silent or says the old place, the stream beside it says the new one
    for name, entry in {"silent": b"", "old place": b"%d 1\n%010d 00000 n \n" % (PAGE, old), "free": b"%d 1\n0000000000 65535 f \n" % PAGE}.items():
        body = bytearray(out)
        rows = b"".join(bytes([1]) + at[number].to_bytes(4, "big") + b"\0" for number in (PAGE, FREE))
        hidden = len(body)
        body += b"%d 0 obj\n" % (FREE + 5) + stream(
            rows, b"/Type /XRef /Size %d /W [1 4 1] /Index [%d 1 %d 1] /Root 1 0 R " % (FREE + 50, PAGE, FREE)
        ) + b"\nendobj\n"
        start = len(body)
        body += b"xref\n%d 1\n%010d 00000 n \n" % (FREE + 5, hidden) + entry
        body += b"trailer\n<< /Root 1 0 R /Size %d /Prev %d /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n" % (
            FREE + 50, last_table(pdf), hidden, start)  # fmt: skip
        yield f"hybrid, table {name}", bytes(body)
    # an object stream that hides a second catalogue and page tree
    yield "second catalogue in an object stream", _object_stream(pdf, root=FREE + 3)
    yield "second page tree in an object stream", _object_stream(pdf)
    # generation numbers
    generation = bytearray(pdf if pdf.endswith(b"\n") else pdf + b"\n")
    place = len(generation)
    generation += b"%d 1 obj\n%s\nendobj\n" % (PAGE, evil[PAGE])
    content = len(generation)
    generation += b"%d 0 obj\n%s\nendobj\n" % (FREE, evil[FREE])
    start = len(generation)
    generation += b"xref\n%d 1\n%010d 00001 n \n%d 1\n%010d 00000 n \n" % (PAGE, place, FREE, content)
    generation += b"trailer\n<< /Root 1 0 R /Size %d /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (FREE + 50, last_table(pdf), start)
    yield "another generation of the page", bytes(generation)
    # an early revision read anew: /Prev leads to a table in the middle of the new revision
    ring = appended(pdf, evil)
    yield "a ring of tables", re.sub(rb"/Prev \d+ >>\nstartxref\n(\d+)\n%%EOF\n$", rb"/Prev \1 >>\nstartxref\n\1\n%%EOF\n", ring)
    skipping = appended(pdf, evil)
    first = int(re.findall(rb"startxref\s+(\d+)", pdf)[0])
    yield "the signature's revision passed over", re.sub(rb"/Prev \d+ >>\nstartxref\n(\d+)\n%%EOF\n$", b"/Prev %d >>\nstartxref\n\\1\n%%%%EOF\n" % first, skipping)
    encrypt = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -4 >> /ID [ <00> <00> ] " % (b"a" * 32, b"b" * 32)
    yield "called encrypted", appended(pdf, {FREE: b"null"}, extra=encrypt)


def _object_stream(pdf, root=1):
    catalog = body_of(pdf, 1).replace(b"/Pages 2 0 R", b"/Pages %d 0 R" % (FREE + 2))
    page = evil_page(pdf)[PAGE].replace(b"/Parent 2 0 R", b"/Parent %d 0 R" % (FREE + 2))
    inside = {FREE + 1: page, FREE + 2: b"<< /Count 1 /Kids [ %d 0 R ] /Type /Pages >>" % (FREE + 1)}
    inside[root] = catalog
    head, bodies = b"", b""
    for number, body in inside.items():
        head += b"%d %d " % (number, len(bodies))
        bodies += body + b" "
    packed = zlib.compress(head + bodies)
    out = bytearray(pdf if pdf.endswith(b"\n") else pdf + b"\n")
    text_at = len(out)
    out += b"%d 0 obj\n%s\nendobj\n" % (FREE, stream(EVIL))
    stream_at = len(out)
    out += b"%d 0 obj\n%s\nendobj\n" % (
        FREE + 4, stream(packed, b"/Type /ObjStm /N %d /First %d /Filter /FlateDecode " % (len(inside), len(head))))  # fmt: skip
    start = len(out)
    rows = {FREE: (1, text_at, 0), FREE + 4: (1, stream_at, 0), FREE + 5: (1, start, 0)}
    rows |= {number: (2, FREE + 4, position) for position, number in enumerate(inside)}
    index = b" ".join(b"%d 1" % number for number in sorted(rows))
    packed = b"".join(bytes([k]) + v.to_bytes(4, "big") + bytes([i]) for _, (k, v, i) in sorted(rows.items()))
    out += b"%d 0 obj\n%s\nendobj\n" % (FREE + 5, stream(
        packed, b"/Type /XRef /Size %d /W [1 4 1] /Index [%s] /Root %d 0 R /Prev %d " % (FREE + 50, index, root, last_table(pdf))))  # fmt: skip
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


def false_evidence(given):
    """Time stamps by keys that may not stamp, and kind words about a thief by those who may not speak."""
    portal, made, now = given.portal, given.portal.authorities, clock.now()
    for name, key in {"signer": given.sender, "CA of signers": made.signers_ca, "CA of time stamps": made.tsa_ca}.items():
        tsa = EmbeddedTsa(_as_authority(key), [made.signers_ca.certificate, made.tsa_ca.certificate])
        writer = IncrementalPdfFileWriter(io.BytesIO(given.signed_twice))
        signers.PdfTimeStamper(tsa, field_name="archive-1").timestamp_pdf(writer, "sha256", bytes_reserved=16384, in_place=True)
        yield f"time-stamped by the {name}", writer.prev.stream.getvalue()
    thief = portal.signer("株式会社ぬすびと", "JC-00000066")
    known = [thief, given.sender, made.tsa, made.root, *portal.cas.values(), given.impostor.authorities.signers_ca]
    about_tsa, lists = portal.leaf_ocsp(made.tsa.certificate), portal.ca_crls()
    speakers = {"another root": given.impostor.authorities.signers_ca, "the thief": thief, "the other CA": made.tsa_ca, "a signer": given.sender}
    for name, speaker in speakers.items():
        answer = revocation.ocsp_response(_as_authority(speaker), thief.certificate, None, now, dt.timedelta(days=7))
        writer = IncrementalPdfFileWriter(io.BytesIO(Stranger(portal, thief).sign(given.unsigned, field="sender", tsa=portal.tsa)))
        DocumentSecurityStore.supply_dss_in_writer(
            writer, None, certs=[evidence.parsed(one.certificate) for one in known],
            ocsps=[asn1_ocsp.OCSPResponse.load(one) for one in (answer, about_tsa)],
            crls=[asn1_crl.CertificateList.load(one) for one in lists],
        )  # fmt: skip
        out = io.BytesIO()
        writer.write(out)
        yield f"answer of {name}", stamped_over(out.getvalue(), given)


def _as_authority(one):
    return pki.Credential(one.certificate, one.key)


CLASSES = {
    "faces of new fields": faces,
    "faces of time stamps": stamped_faces,
    "fields": own_fields,
    "forms and catalogues": forms_and_catalogues,
    "tables": tables,
    "false evidence": false_evidence,
}
