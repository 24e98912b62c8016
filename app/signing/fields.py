"""Signature fields: placed once at registration, one for each company that signs (I5, R79)."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields as pdf_fields

from app.errors import IntakeRefused
from app.signing import evidence

Box = tuple[float, float, float, float]

BOX_WIDTH = 172.0
NARROWEST_BOX = 160.0  # where it lets one more company stand in the row: three on A4
BOX_HEIGHT = 60.0
MARGIN = 36.0
FOOT = 54.0  # page numbers and document numbers stand below; a stamp must hide nothing
GAP = 12.0
MIN_SIDE = 8.0
MM = 72 / 25.4  # points in a millimetre
LEAST_WIDTH, LEAST_HEIGHT = 40 * MM, 14 * MM  # of a box that somebody draws: smaller, a stamp cannot be read

_DOES_NOT_FIT = "署名欄をページの中に配置できません。署名位置とページの大きさをご確認ください。"
_NAME_TWICE = "同じ名前の署名欄が複数あるため、配置できません。"


@dataclass(frozen=True)
class FieldSpec:
    """A signature field to place.

    :param name: unique in the file, such as ``sender`` or ``receiver-1``
    :param page: index from 0; -1 is the last page
    :param box: left, bottom, right, top in points of the page **as it is shown**, from its lower left corner;
        None is the default place at the foot of the page, side by side with those of the other companies
    """

    name: str
    page: int = -1
    box: Box | None = None


@dataclass(frozen=True)
class Position:
    """Where a field is shown, for 署名位置確認.

    :param page: index from 0
    :param box: as in :class:`FieldSpec`
    :param page_size: width and height of the page as it is shown, in points
    :param signed: whether it carries a signature
    """

    name: str
    page: int
    box: Box
    page_size: tuple[float, float]
    signed: bool


def default_boxes(labels: Sequence[str], page_size: tuple[float, float]) -> list[Box]:
    """Boxes for `labels` at the foot of a page, from left to right, in as many rows as they need.

    They shrink on small pages, so that each lies inside.
    """
    width, height = page_size
    margin = min(MARGIN, width * 0.06, height * 0.06)
    foot = min(FOOT, height * 0.09)
    gap = min(GAP, margin / 2)
    count = max(len(labels), 1)
    inner = width - 2 * margin
    per_row = max(1, min(count, int((inner + gap) // (NARROWEST_BOX + gap))))
    box_width = min(BOX_WIDTH, (inner - (per_row - 1) * gap) / per_row)
    rows = -(-count // per_row)
    box_height = min(BOX_HEIGHT, (height - margin - foot - (rows - 1) * gap) / rows)
    boxes = []
    for index in range(len(labels)):
        row, column = divmod(index, per_row)
        left = margin + column * (box_width + gap)
        bottom = foot + (rows - 1 - row) * (box_height + gap)
        boxes.append((left, bottom, left + box_width, bottom + box_height))
    return boxes


def place_fields(pdf: bytes, specs: Sequence[FieldSpec]) -> bytes:
    """Add empty, invisible-until-signed signature fields to an unsigned PDF, in one incremental update.

    Each field locks only itself once signed (FieldMDP INCLUDE): a lock on everything would forbid the next
    company's signature.

    :raises IntakeRefused: a box outside its page, a page that does not exist, a name used twice
    """
    if not specs:
        return pdf
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf), decode_limits=evidence.DECODE_LIMITS)
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names) or any(
        name in names for name, *_ in pdf_fields.enumerate_sig_fields(writer.prev)
    ):
        raise IntakeRefused(_NAME_TWICE)
    pages = _pages(writer.prev)
    for number, spec in enumerate(specs):
        if not -len(pages) <= spec.page < len(pages):
            raise IntakeRefused(_DOES_NOT_FIT)
        page = pages[spec.page]
        box = spec.box or default_boxes(names, page.size)[number]
        if not page.holds(box):
            raise IntakeRefused(_DOES_NOT_FIT)
        field_spec = pdf_fields.SigFieldSpec(
            spec.name,
            on_page=spec.page % len(pages),
            box=page.to_page(box),
            field_mdp_spec=pdf_fields.FieldMDPSpec(pdf_fields.FieldMDPAction.INCLUDE, fields=[spec.name]),
            visible_sig_settings=pdf_fields.VisibleSigSettings(rotate_with_page=True),
        )
        pdf_fields.append_signature_field(writer, field_spec)
    writer.write_in_place()
    return writer.prev.stream.getvalue()


def page_sizes(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page in points, as it is shown; boxes are measured in them.

    :param pdf: a file that :func:`app.signing.intake.receive` returned, or a signed revision of it
    """
    return [page.size for page in _pages(evidence.read(pdf))]


def field_positions(pdf: bytes) -> list[Position]:
    """The signature fields of `pdf` that are shown, in the order in which they stand in the file."""
    reader = evidence.read(pdf)
    pages = _pages(reader)
    numbers = {}
    for number, page in enumerate(pages):
        annotations = page.dictionary["/Annots"] if "/Annots" in page.dictionary else ()
        for place in range(len(annotations)):
            numbers[_key(annotations.raw_get(place))] = number
    positions = []
    for name, value, reference in pdf_fields.enumerate_sig_fields(reader):
        field = reference.get_object()
        rectangle = [float(edge) for edge in field["/Rect"]] if "/Rect" in field else [0.0] * 4
        number = numbers.get(_key(reference))
        if number is None or rectangle[0] == rectangle[2] or rectangle[1] == rectangle[3]:
            continue  # a document time stamp: it shows nothing
        page = pages[number]
        positions.append(Position(name, number, page.from_page(rectangle), page.size, value is not None))
    return positions


class _Page:
    """Coordinates of one page: between what is shown (cropped, turned) and what the file says."""

    def __init__(self, dictionary, media, crop, rotation):
        self.dictionary = dictionary
        media, crop = _ordered(media), _ordered(crop)
        left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
        right, top = min(media[2], crop[2]), min(media[3], crop[3])
        if right <= left or top <= bottom:  # a crop box beside the page: viewers ignore it
            left, bottom, right, top = media
        self.visible = (left, bottom, right, top)
        self.rotation = rotation % 360

    @property
    def size(self):
        left, bottom, right, top = self.visible
        width, height = right - left, top - bottom
        return (height, width) if self.rotation in (90, 270) else (width, height)

    def holds(self, box):
        width, height = self.size
        left, bottom, right, top = box
        slack = 0.01
        return (
            -slack <= left <= right - MIN_SIDE
            and right <= width + slack
            and -slack <= bottom <= top - MIN_SIDE
            and top <= height + slack
        )

    def to_page(self, box):
        return _ordered([*self._to_page(box[0], box[1]), *self._to_page(box[2], box[3])])

    def from_page(self, box):
        return _ordered([*self._from_page(box[0], box[1]), *self._from_page(box[2], box[3])])

    def _to_page(self, x, y):
        left, bottom, right, top = self.visible
        return {
            0: (left + x, bottom + y),
            90: (right - y, bottom + x),
            180: (right - x, top - y),
            270: (left + y, top - x),
        }.get(self.rotation, (left + x, bottom + y))

    def _from_page(self, x, y):
        left, bottom, right, top = self.visible
        return {
            0: (x - left, y - bottom),
            90: (y - bottom, right - x),
            180: (right - x, top - y),
            270: (top - y, x - left),
        }.get(self.rotation, (x - left, y - bottom))


def _pages(reader):
    """Every page, in order, in one walk through the tree: asking for each by its number takes seconds for 1000."""
    pages, ahead, walked = [], [reader.root["/Pages"]], {}
    while ahead:
        node = ahead.pop()
        if id(node) in walked:
            continue  # a branch that leads back into itself
        if "/Kids" in node:
            walked[id(node)] = node
            ahead += reversed([kid.get_object() for kid in node["/Kids"]])
        else:
            pages.append(read_page(node))
    return pages


def read_page(dictionary):
    """What is shown of one page, from its dictionary, in whichever library opened the file."""
    media = _inherited(dictionary, "/MediaBox", (0, 0, 595, 842))
    crop = _inherited(dictionary, "/CropBox", media)
    rotation = int(_inherited(dictionary, "/Rotate", 0))
    return _Page(dictionary, [float(e) for e in media], [float(e) for e in crop], rotation)


def _inherited(page, key, default):
    seen = 0
    while page is not None and seen < 64:
        if key in page:
            return page[key]
        page, seen = (page["/Parent"] if "/Parent" in page else None), seen + 1
    return default


def _ordered(box):
    left, bottom, right, top = box
    return (min(left, right), min(bottom, top), max(left, right), max(bottom, top))


def _key(reference):
    reference = getattr(reference, "reference", reference)
    return (reference.idnum, reference.generation) if hasattr(reference, "idnum") else id(reference)
