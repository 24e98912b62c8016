"""A PDF without what can be filled in, moved or started: its notes drawn into the pages, the rest taken out."""

import re

import pikepdf
from dictionaries import name_in, notes_on
from refusal import Refusal

# What a catalogue keeps; forms, actions, signatures and everything unknown go.
CATALOG_KEYS = {
    "/Type", "/Pages", "/PageLabels", "/Names", "/Dests", "/ViewerPreferences", "/PageLayout", "/PageMode",
    "/Outlines", "/Metadata", "/StructTreeRoot", "/MarkInfo", "/Lang", "/OutputIntents", "/OCProperties",
    "/Extensions", "/URI", "/Version",
}  # fmt: skip
PAGE_MODES = {"/UseNone", "/UseOutlines", "/UseThumbs", "/UseOC"}


def flatten(pdf):
    """Draw form fields and notes into their pages, so that nothing seen can be filled in or moved."""
    form = pdf.Root.get("/AcroForm")
    if form is not None:
        _complete_appearances(pdf, form)
    before = [notes_on(page) for page in pdf.pages]
    if not any("/AP" in note for notes in before for note in notes):
        return
    pdf.flatten_annotations("all")
    for page, notes in zip(pdf.pages, before, strict=True):
        kept = {note.objgen for note in notes_on(page)}
        for note in notes:
            if note.is_indirect and note.objgen not in kept:
                _empty(note)  # the structure tree may still lead to it, and from it to old values


def _complete_appearances(pdf, form):
    """Let fields show what they hold; refuse Japanese text without an appearance."""
    values = []
    unseen = False
    for page in pdf.pages:
        for note in notes_on(page):
            if name_in(note, "/Subtype") != "/Widget" or _inherited(note, "/FT") not in ("/Tx", "/Ch"):
                continue
            value = _inherited(note, "/V")
            if value is not None and str(value):
                values.append(str(value))
                unseen = unseen or not _shows_text(note)
    if unseen and not all(value.isascii() for value in values):
        raise Refusal("form_values")
    if unseen or (values and form.get("/NeedAppearances", False) and all(map(str.isascii, values))):
        form.NeedAppearances = True
        pdf.generate_appearance_streams()
    if "/NeedAppearances" in form:
        del form["/NeedAppearances"]


def _shows_text(widget):
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


def strip(pdf):
    """Remove what no reader of a contract needs, and make every annotation an object of its own."""
    root = pdf.Root
    for key in set(root.keys()) - CATALOG_KEYS:
        del root[key]
    if "/Names" in root:
        for key in set(root.Names.keys()) - {"/Dests"}:
            del root.Names[key]
    if name_in(root, "/PageMode") not in PAGE_MODES and "/PageMode" in root:
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
            for note in notes_on(page)
            if name_in(note, "/Subtype") not in ("/Popup", "/Widget")
        ]
        for note in notes:
            for key in {"/AA", "/AF", "/Popup"} & set(note.keys()):
                del note[key]
        if notes:
            kept = [note if note.is_indirect else pdf.make_indirect(note) for note in notes]
            page.obj.Annots = pdf.make_indirect(pikepdf.Array(kept))
        else:
            del page.obj["/Annots"]
