"""Every object that a PDF leads to, looked at for what no contract needs: programs, other files, signatures."""

import re

import pikepdf
from dictionaries import name_in
from refusal import Refusal
from streams import EXPANDED_BYTES, check_stream

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


def check_objects(pdf):
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
            found |= _findings(described)
        if is_stream:
            budget -= check_stream(value)
            if budget < 0:
                raise Refusal("too_complex")
    for cause in ("signed", "xfa", "javascript", "launch", "embedded", "media", "form_action", "external"):
        if cause in found:
            raise Refusal(cause)


def _references(text):
    return [(int(number), int(generation)) for number, generation in REFERENCE.findall(text)]


def _findings(value):
    """The causes for refusal in one object; objects it refers to are looked at in their own turn."""
    if isinstance(value, pikepdf.Name):  # an action may name its kind through a reference
        return {ACTIONS[str(value)]} if str(value) in ACTIONS else set()
    found = set()
    queue = [value]
    while queue:
        value = queue.pop()
        if isinstance(value, pikepdf.Array):
            queue += [item for item in value if _is_direct_container(item)]
        if not isinstance(value, pikepdf.Dictionary):
            continue
        queue += [item for item in value.as_dict().values() if _is_direct_container(item)]
        kind, action, subtype = (name_in(value, key) for key in ("/Type", "/S", "/Subtype"))
        if action in ACTIONS:
            found.add(ACTIONS[action])
        if subtype in SUBTYPES:
            found.add(SUBTYPES[subtype])
        if isinstance(value.get("/JS"), pikepdf.String | pikepdf.Stream):
            found.add("javascript")
        if kind == "/EmbeddedFile" or _names_a_file(value.get("/EF")):
            found.add("embedded")
        if "/XFA" in value:
            found.add("xfa")
        if "/ByteRange" in value or kind == "/DocTimeStamp":
            found.add("signed")
        if name_in(value, "/FT") == "/Sig" and value.get("/V") is not None:
            found.add("signed")
    return found


def _is_direct_container(value):
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect


def _names_a_file(value):
    return isinstance(value, pikepdf.Dictionary) and any(
        isinstance(item, pikepdf.Stream) for item in value.as_dict().values()
    )
