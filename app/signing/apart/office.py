"""A Word or Excel file that is to lie beside a contract."""

import io
import re
import struct
import zipfile
from xml.parsers import expat

from refusal import Refusal

MEBIBYTE = 1024 * 1024
MOST_PARTS = 2000
EXPANDED_BYTES = 256 * MEBIBYTE
PIECE_BYTES = 64 * 1024

MAIN_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
}
MAIN_PARTS = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}
PROGRAMS = re.compile(r"vbaproject|vbadata|macrosheets/|activex|dialogsheets/", re.IGNORECASE)
EMBEDDED = re.compile(r"(?:^|/)(?:embeddings/|oleobject|package\d)|\.(?:bin|exe|dll|js|vbs|ps1|bat|cmd|lnk|hta|jar)$", re.IGNORECASE)
HARMLESS_BIN = re.compile(r"(?:^|/)printersettings\d*\.bin$", re.IGNORECASE)  # what Excel keeps of each printer
LINKED = re.compile(r"(?:^|/)(?:externallinks|querytables|webextensions)/|(?:^|/)connections\.xml$", re.IGNORECASE)
TYPES_OF_PROGRAMS = re.compile(r"macroenabled|vbaproject|activex|ms-office\.(?:vba|intlmacro)", re.IGNORECASE)
MAY_LEAD_OUT = "/hyperlink"  # the end of the relationship type; all else would be fetched on opening
DDE = re.compile(r"\bDDE(?:AUTO)?\b", re.IGNORECASE)


def office(given, options):
    """A Word or Excel file of the present kind that runs, embeds and fetches nothing; kept as it is."""
    if not given.startswith(b"PK\x03\x04") or not _ends_with_its_directory(given):
        raise Refusal("damaged")
    archive = zipfile.ZipFile(io.BytesIO(given))
    parts = archive.infolist()
    _check_list(parts)
    names = {part.filename for part in parts}
    if "[Content_Types].xml" not in names:
        raise Refusal("zip")
    spent = 0
    for part in parts:
        content, spent = _expanded(archive, part, spent)
        _check_part(part.filename, content)
    types = _types(archive.read("[Content_Types].xml"))
    if any(TYPES_OF_PROGRAMS.search(content_type) for content_type in types.values()):
        raise Refusal("program")
    for kind, main_part in MAIN_PARTS.items():
        if main_part in names and types.get("/" + main_part) == MAIN_TYPES[kind]:
            return {"kind": kind}, given
    raise Refusal("other_office")


def _ends_with_its_directory(given):
    """Whether the file ends with the zip's directory: nothing behind it, no comment, one disk."""
    if len(given) < 22 or given[-22:-18] != b"PK\x05\x06":
        return False
    disk, start_disk, _, _, size, offset, comment = struct.unpack("<HHHHIIH", given[-18:])
    return (disk, start_disk, comment) == (0, 0, 0) and offset + size == len(given) - 22


def _check_list(parts):
    names = [part.filename.casefold() for part in parts]
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > EXPANDED_BYTES:
        raise Refusal("too_complex")
    if len(set(names)) != len(names):
        raise Refusal("damaged")
    for name, part in zip(names, parts, strict=True):
        if part.flag_bits & 1:
            raise Refusal("encrypted")
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise Refusal("damaged")
        if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Refusal("damaged")
        if PROGRAMS.search(name):
            raise Refusal("program")
        if EMBEDDED.search(name) and not HARMLESS_BIN.search(name):
            raise Refusal("embedded")
        if LINKED.search(name):
            raise Refusal("linked")


def _expanded(archive, part, spent):
    """One part, never more of it than the file may expand to; reading to its end compares its checksum."""
    pieces = []
    with archive.open(part) as stream:
        while piece := stream.read(PIECE_BYTES):
            spent += len(piece)
            if spent > EXPANDED_BYTES:
                raise Refusal("too_complex")
            pieces.append(piece)
    return b"".join(pieces), spent


def _check_part(name, content):
    lower = name.casefold()
    if lower.endswith(".rels"):
        _parse(content, start=_check_relationship)
    elif lower.startswith("word/") and lower.endswith(".xml"):
        _check_fields(content)
    elif lower.endswith((".xml", ".vml")):
        _parse(content)


def _check_relationship(name, attributes):
    if name.rpartition(":")[2] != "Relationship" or attributes.get("TargetMode", "").lower() != "external":
        return
    if not attributes.get("Type", "").endswith(MAY_LEAD_OUT):
        raise Refusal("linked")


def _check_fields(content):
    """A field that starts another program may be spread over any number of runs."""
    instructions, inside = [], [False]

    def start(name, attributes):
        inside[0] = name.rpartition(":")[2] == "instrText"
        instructions.extend(value for key, value in attributes.items() if key.endswith("instr"))

    def text(value):
        if inside[0]:
            instructions.append(value)

    def end(_name):
        inside[0] = False

    _parse(content, start=start, text=text, end=end)
    if DDE.search("".join(instructions)):
        raise Refusal("program")


def _types(content):
    found = {}

    def start(name, attributes):
        if name.rpartition(":")[2] in ("Override", "Default"):
            key = attributes.get("PartName") or "." + attributes.get("Extension", "")
            found[key] = attributes.get("ContentType", "")

    _parse(content, start=start)
    return found


def _parse(content, start=None, text=None, end=None):
    """Read XML without a document type, which no Office file has and which entity bombs need."""
    parser = expat.ParserCreate()

    def refuse(*_):
        raise Refusal("damaged")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    parser.Parse(content, True)
