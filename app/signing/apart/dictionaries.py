"""What several rooms ask of the dictionaries in a PDF."""

import pikepdf


def name_in(dictionary, key):
    """The PDF name that stands under `key`, with its slash; empty where something else does, or nothing."""
    value = dictionary.get(key)
    return str(value) if isinstance(value, pikepdf.Name) else ""


def notes_on(page):
    """The annotations of a page; editors leave nulls where they deleted one."""
    notes = page.obj.get("/Annots")
    notes = notes if isinstance(notes, pikepdf.Array) else []
    return [note for note in notes if isinstance(note, pikepdf.Dictionary)]
