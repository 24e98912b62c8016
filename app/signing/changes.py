"""What may change in a PDF after a signature: signing goes on, and nothing else.

pyHanko's own default also lets text fields change, by which a contract can be made to show other words.  Its rules
about signature fields and metadata are used, and are too kind in four ways that are mended here.
"""

from pyhanko.pdf_utils import generic
from pyhanko.sign import diff_analysis as diff

TOLD = ("/Title", "/Author", "/Subject", "/Keywords")
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
ACTIONS = ("/A", "/AA")


def at(entries: generic.DictionaryObject, key: str, default=None):
    """An entry itself, where pyHanko's own `get` may give a reference to it."""
    return entries[key] if key in entries else default


def shows(field: generic.DictionaryObject) -> bool:
    """Whether a signature field puts anything on a page or does anything: a face with an area, or an action."""
    if any(key in field for key in ACTIONS):
        return True
    face, place = at(field, "/AP"), at(field, "/Rect")
    if face is not None and not (_is_flat(place) or _is_blank(face)):
        return True
    return any(shows(kid.get_object()) for kid in at(field, "/Kids", ()))


def _is_flat(place):
    if place is None:
        return True
    left, low, right, high = map(float, place)
    return left == right or low == high


def _is_blank(face):
    shown = at(face, "/N")
    return isinstance(shown, generic.StreamObject) and not shown.data.strip() and set(face) <= {"/N"}


def _is_signed(field):
    value = at(field, "/V")
    return isinstance(value, generic.DictionaryObject) and at(value, "/Type", "/Sig") == "/Sig"


class NewFields(diff.SigFieldCreationRule):
    """A signature field that is added may show something only where somebody signs in it.

    An empty field, or one with a time stamp, which anybody may get, could cover the page with other words.  The same
    counts for a field that was empty before and is filled by a time stamp.
    """

    def apply(self, context):
        for name, spec in context.field_specs.items():
            if spec.new_field_ref is None or spec.field_type != "/Sig":
                continue
            field, former = spec.new_field_ref.get_object(), spec.old_field_ref and spec.old_field_ref.get_object()
            is_filled = former is not None and "/V" in field and "/V" not in former
            if (former is None or is_filled) and shows(field) and not _is_signed(field):
                raise diff.SuspiciousModification(f"The field {name!r} shows something and nobody signed in it.")
        yield from super().apply(context)


class Form(diff.FormUpdatingRule):
    """No update may have readers draw the fields anew: what a text field holds need not be what it showed."""

    def apply(self, old, new):
        before, after = (at(one.root, "/AcroForm", {}) for one in (old, new))
        if _draws_anew(after) and not (_draws_anew(before) and all(at(before, key) == at(after, key) for key in ("/DR", "/DA"))):
            raise diff.SuspiciousModification("An update has the fields drawn anew.")
        yield from super().apply(old, new)


def _draws_anew(form):
    value = at(form, "/NeedAppearances")
    return value is not None and getattr(value, "value", True) is not False


class Facts(diff.DocInfoRule):
    """Title, author, subject and keywords stay; when and by what program a file was written may change."""

    def apply(self, old, new):
        if "/Info" in new.trailer_view and _told(new) != _told(old):
            raise diff.SuspiciousModification("An update changes title, author, subject or keywords.")
        yield from super().apply(old, new)


def _told(revision):
    given = revision.trailer_view["/Info"] if "/Info" in revision.trailer_view else {}
    return {key: str(given[key]) for key in TOLD if key in given}


class Metadata(diff.MetadataUpdateRule):
    """The same for the metadata in XML."""

    def apply(self, old, new):
        yield from super().apply(old, new)  # first of all whether it is XML without entities
        before, after = _described(old), _described(new)
        if not after <= before | set(_told(old).values()) or not (before <= after or "/Metadata" not in new.root):
            raise diff.SuspiciousModification("An update changes what the metadata say about the contents.")


def _described(revision):
    if "/Metadata" not in revision.root:
        return set()
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, encoding="utf-8")
    root = etree.fromstring(revision.root["/Metadata"].data, parser=parser)  # noqa: S320 - no entities, and checked before
    texts = {"".join(one.itertext()).strip() for one in root.iter(f"{DUBLIN_CORE}*") if one.tag != f"{DUBLIN_CORE}format"}
    return texts - {""}


_UPDATES = diff.ModificationLevel.LTA_UPDATES
SIGNING_ONLY = diff.StandardDiffPolicy(
    global_rules=[
        diff.CatalogModificationRule(),
        Facts().as_qualified(_UPDATES),
        diff.XrefStreamRule().as_qualified(_UPDATES),
        diff.ObjectStreamRule().as_qualified(_UPDATES),
        diff.DSSCompareRule().as_qualified(_UPDATES),
        Metadata().as_qualified(_UPDATES),
    ],
    form_rule=Form(field_rules=[NewFields(), diff.SigFieldModificationRule()]),
)
