"""署名位置: on which page, and where on it, the stamp of each company will stand (I5, R79).

The registrar places the boxes while the document is with them; a company whose box nobody placed has its
default place.  People read and type millimetres, to a tenth; rows and PDFs hold points, from the lower left
corner of the page as it is shown.
"""

from dataclasses import dataclass
from functools import lru_cache

from app.errors import OutOfTurn, Refused
from app.labels import field_label
from app.services import files, steps
from app.services.strongroom import strongroom
from app.signing.fields import LEAST_HEIGHT, LEAST_WIDTH, MM, Box, default_boxes, field_positions, page_sizes
from app.workflow import WITH_REGISTRAR

SLACK = 0.01  # points: what a calculation with fractions may lose
NO_SUCH_PAGE = "「{}」の署名欄のページは、1から{}までの数字で指定してください。"
OUTSIDE = "「{}」の署名欄が、ページからはみ出しています。ページの内側に収まる位置と大きさにしてください。"
TOO_SMALL = "「{}」の署名欄が小さすぎます。署名の文字が読めるように、幅40mm以上、高さ14mm以上にしてください。"
OVERLAP = "「{}」と「{}」の署名欄が重なっています。重ならない位置に配置してください。"
FELL_BACK = (
    "登録内容の変更により、次の署名欄が契約文書に収まらなくなったため、既定の位置に戻しました：{}。"
    "［署名位置設定］で位置をご確認ください。"
)


@dataclass(frozen=True)
class Place:
    """Where a stamp stands.

    :param page: index from 0
    :param box: left, bottom, right, top in points of the page as it is shown
    """

    page: int
    box: Box

    @classmethod
    def from_mm(cls, page, left, bottom, width, height):
        return cls(page, tuple(float(edge) * MM for edge in (left, bottom, left + width, bottom + height)))

    def in_mm(self):
        """Left, bottom, width and height, as people read them."""
        left, bottom, right, top = (edge / MM for edge in self.box)
        return round(left, 1), round(bottom, 1), round(right - left, 1), round(top - bottom, 1)

    def overlaps(self, other):
        left, bottom, right, top = self.box
        return (
            self.page == other.page
            and left < other.box[2] - SLACK and other.box[0] < right - SLACK
            and bottom < other.box[3] - SLACK and other.box[1] < top - SLACK
        )  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A box on the picture of its page; :func:`app.labels.boxes_for_picture` turns them into drawings."""

    label: str
    page: int
    box: Box
    size: tuple[float, float]
    signed: bool


def signing_parties(document):
    return [party for party in document.parties if party.field_name]


def sizes_of(document):
    """Width and height in points of each page of the document, as it is shown."""
    return _sizes(document.unsigned_sha256)


@lru_cache(maxsize=32)
def _sizes(sha256):
    return tuple(page_sizes(strongroom().store.get(sha256)))


def default_places(document):
    """The place of each signing company where nobody placed it, by the names of their fields."""
    names = [party.field_name for party in signing_parties(document)]
    sizes = sizes_of(document)
    boxes = default_boxes(names, sizes[-1])
    return {name: Place(len(sizes) - 1, box) for name, box in zip(names, boxes, strict=True)}


def places_of(document):
    """The place of each signing company, by the names of their fields."""
    return default_places(document) | _placed(document)


def _placed(document):
    return {party.field_name: Place(*party.place) for party in signing_parties(document) if party.place}


def shown(document):
    """The boxes that stand in the file as it is now, with the labels that are or will be signed there."""
    labels = {party.field_name: field_label(party) for party in signing_parties(document)}
    return [
        Shown(labels[position.name], position.page, position.box, position.page_size, position.signed)
        for position in field_positions(strongroom().store.get(document.pdf_sha256))
        if position.name in labels
    ]


def check_may_place(document, actor):
    """Refuse whoever is not the registrar with the document on the desk."""
    steps.hold(document, actor)
    if document.status not in WITH_REGISTRAR:
        raise OutOfTurn


def place(document, actor, now, wanted):
    """署名位置設定: place the box of each signing company, and lay the file's fields anew.

    :param wanted: a :class:`Place` by the name of each field; one that people cannot tell from the default
        place is none, and moves along when the file changes
    :raises Refused: a box outside its page, too small for a stamp, or over another one
    """
    check_may_place(document, actor)
    placed = {
        name: wanted[name]
        for name, default in default_places(document).items()
        if (wanted[name].page, wanted[name].in_mm()) != (default.page, default.in_mm())
    }
    misfit = _misfit(document, placed)
    if misfit is not None:
        raise Refused(misfit[1])
    _write(document, placed)
    files.lay_fields(document, now)
    steps.mark_acted(document)


def _write(document, placed):
    for party in signing_parties(document):
        own = placed.get(party.field_name)
        party.place = (own.page, own.box) if own else None


def place_by_default(document, actor, now):
    """既定の位置に戻す: the boxes of all companies."""
    place(document, actor, now, default_places(document))


def keep(document):
    """What :func:`restore` needs once the parties have been laid anew: each company's place, in order."""
    return [(party.company_id, party.place) for party in document.parties]


def restore(document, kept):
    """Give the places back after 修正: to the company that had one, or to who stands in its place now.

    :returns: the parties whose place does not suit the document any more; they have their default place
    """
    of_company = dict(kept)
    present = {party.company.id for party in document.parties}
    for party, (company_id, place_then) in zip(document.parties, kept, strict=False):
        if company_id not in present and party.company.id not in of_company:
            party.place = place_then
    for party in document.parties:
        party.place = of_company.get(party.company.id, party.place)
    placed, fallen = _placed(document), []
    while placed and (misfit := _misfit(document, placed)):
        fallen.append(misfit[0])
        del placed[misfit[0].field_name]
    _write(document, placed)
    return sorted(fallen, key=lambda party: party.position)


def fell_back(parties):
    """The sentence for the registrar about what :func:`restore` returned."""
    return FELL_BACK.format("、".join(field_label(party) for party in parties))


def _misfit(document, placed):
    """The first party whose placed box cannot stay, with the sentence that says why; None when all can.

    Default places are not judged: they suit every page.
    """
    parties, sizes = signing_parties(document), sizes_of(document)
    for party in parties:
        own = placed.get(party.field_name)
        sentence = own and _misfit_on_page(field_label(party), own, sizes)
        if sentence:
            return party, sentence
    places = default_places(document) | placed
    for number, party in enumerate(parties):
        for other in parties[:number]:
            names = party.field_name, other.field_name
            if not placed.keys().isdisjoint(names) and places[names[0]].overlaps(places[names[1]]):
                mover = party if party.field_name in placed else other
                return mover, OVERLAP.format(field_label(other), field_label(party))
    return None


def _misfit_on_page(label, placed, sizes):
    if not 0 <= placed.page < len(sizes):
        return NO_SUCH_PAGE.format(label, len(sizes))
    left, bottom, right, top = placed.box
    if right - left < LEAST_WIDTH - SLACK or top - bottom < LEAST_HEIGHT - SLACK:
        return TOO_SMALL.format(label)
    width, height = sizes[placed.page]
    if left < -SLACK or bottom < -SLACK or right > width + SLACK or top > height + SLACK:
        return OUTSIDE.format(label)
    return None
