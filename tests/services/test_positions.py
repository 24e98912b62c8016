"""署名位置: what may be placed, what is kept through 修正 and 差戻, and what falls back to its default place."""

import pytest

from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.services import documents, positions, registration, routes
from app.services.positions import Place
from app.services.strongroom import strongroom
from app.signing.fields import field_positions
from app.workflow import SignatureMode, Status
from demo import actors

HERE = Place.from_mm(1, 30.0, 120.0, 60.0, 20.0)
BESIDE = Place.from_mm(1, 100.0, 120.0, 60.0, 20.0)


@pytest.fixture
def contract(make_plan, upload):
    """A draft of four pages A4 that both companies will sign."""

    def make(mode=SignatureMode.both_sides, file="construction-contract"):
        plan = make_plan()
        facts = registration.Facts("工事請負契約書", "contract", mode)
        document = actors.register(plan, facts, upload(file))
        return document, plan

    return make


def place(document, **wanted):
    given = {name.replace("_", "-"): place for name, place in wanted.items()}
    positions.place(document, document.registrar, now(), positions.places_of(document) | given)
    db.session.commit()


def revise(document, plan, upload=None, recipient=None, **facts):
    given = {name: getattr(document, name) for name in registration.Facts.__dataclass_fields__} | facts
    choice = routes.Choice((), plan.signer if given["mode"] is not SignatureMode.receiver_only else None)
    fallen = registration.revise(
        document, document.registrar, now(), registration.Facts(**given), upload, [recipient or plan.recipient], choice
    )  # fmt: skip
    db.session.commit()
    return [party.field_name for party in fallen]


def in_file(document):
    found = field_positions(strongroom().store.get(document.pdf_sha256))
    return {position.name: Place(position.page, tuple(map(float, position.box))) for position in found}


def same(place, other):
    return place.page == other.page and place.box == pytest.approx(other.box, abs=0.02)


@pytest.mark.requirement("I5", "R79")
def test_a_placed_box_is_where_the_field_and_later_the_stamp_is(contract):
    document, plan = contract()
    before, version = document.pdf_sha256, document.version
    place(document, sender=HERE)
    assert document.pdf_sha256 != before and document.version > version
    assert document.sender.place == (HERE.page, HERE.box) and document.receivers[0].place is None
    assert same(in_file(document)["sender"], HERE)
    assert same(in_file(document)["receiver-1"], positions.default_places(document)["receiver-1"])
    actors.walk(document, plan, Status.completion_wait)
    shown = {one.label: one for one in positions.shown(document)}
    assert set(shown) == {"発出", "受領"} and all(one.signed for one in shown.values())
    assert same(Place(shown["発出"].page, shown["発出"].box), HERE)


@pytest.mark.requirement("I5")
def test_what_nobody_moved_keeps_the_default_place_also_in_a_longer_file(contract, upload):
    document, plan = contract(file="purchase-order")
    place(document)
    assert [party.place for party in document.parties] == [None, None]
    assert revise(document, plan, upload("construction-contract")) == []
    assert {place.page for place in in_file(document).values()} == {3}


@pytest.mark.requirement("I5")
def test_back_to_the_default_place(contract):
    document, _ = contract()
    before = in_file(document)
    place(document, sender=HERE, receiver_1=BESIDE)
    positions.place_by_default(document, document.registrar, now())
    db.session.commit()
    assert in_file(document) == before and not any(party.place for party in document.parties)


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("wrong, sentence", [
    (Place.from_mm(4, 30, 120, 60, 20), "「発出」の署名欄のページは、1から4まで"),
    (Place.from_mm(-1, 30, 120, 60, 20), "「発出」の署名欄のページは、1から4まで"),
    (Place.from_mm(1, 160, 120, 60, 20), "「発出」の署名欄が、ページからはみ出しています"),
    (Place.from_mm(1, 30, 280, 60, 20), "「発出」の署名欄が、ページからはみ出しています"),
    (Place.from_mm(1, 30, 120, 39.9, 20), "幅40mm以上、高さ14mm以上"),
    (Place.from_mm(1, 30, 120, 60, 13.9), "幅40mm以上、高さ14mm以上"),
    (Place.from_mm(3, 77.5, 30, 60, 20), "「発出」と「受領」の署名欄が重なっています"),
])  # fmt: skip
def test_a_box_that_cannot_be_is_refused_with_the_reason(contract, wrong, sentence):
    document, _ = contract()
    place(document, sender=HERE)
    before, version = document.pdf_sha256, document.version
    with pytest.raises(Refused, match=sentence):
        place(document, sender=wrong)
    db.session.rollback()
    assert (document.pdf_sha256, document.version) == (before, version)
    assert document.sender.place == (HERE.page, pytest.approx(HERE.box))


@pytest.mark.requirement("I5")
def test_boxes_may_touch_and_reach_the_edge_of_the_page(contract):
    document, _ = contract()
    place(document, sender=Place.from_mm(0, 0, 0, 60, 20), receiver_1=Place.from_mm(0, 60, 0, 150, 297))
    assert same(in_file(document)["receiver-1"], Place.from_mm(0, 60, 0, 150, 297))


@pytest.mark.requirement("I5")
def test_a_shorter_file_sends_boxes_back_that_no_longer_fit(contract, upload):
    document, plan = contract()
    kept = Place.from_mm(0, 30.0, 120.0, 60.0, 20.0)
    place(document, sender=kept, receiver_1=HERE)
    assert revise(document, plan, upload("purchase-order")) == ["receiver-1"]
    assert same(in_file(document)["sender"], kept) and document.receivers[0].place is None
    assert "受領" in positions.fell_back(document.receivers)
    assert revise(document, plan) == []  # told once


@pytest.mark.requirement("I5")
def test_a_box_that_meets_one_that_fell_back_gives_way_too(contract, upload):
    document, plan = contract()
    place(document, sender=Place.from_mm(0, 80.0, 20.0, 60.0, 20.0), receiver_1=HERE)
    assert revise(document, plan, upload("purchase-order")) == ["sender", "receiver-1"]
    defaults = positions.default_places(document)
    assert all(same(found, defaults[name]) for name, found in in_file(document).items())


@pytest.mark.requirement("I5", "T10", "T11")
def test_a_second_round_keeps_the_places(contract):
    document, plan = contract()
    place(document, sender=HERE, receiver_1=BESIDE)
    actors.walk(document, plan, Status.receiver_receipt)
    documents.remand(document, document.holder, now())
    db.session.commit()
    assert same(in_file(document)["sender"], HERE) and revise(document, plan) == []
    actors.walk(document, plan, Status.receiver_receipt)
    assert same(in_file(document)["sender"], HERE) and same(in_file(document)["receiver-1"], BESIDE)


@pytest.mark.requirement("I5")
def test_a_place_goes_over_to_another_receiver_and_outlives_a_change_of_mode(contract, person):
    document, plan = contract()
    place(document, sender=HERE, receiver_1=BESIDE)
    revise(document, plan, recipient=person("stranger"), mode=SignatureMode.receiver_only)
    assert set(in_file(document)) == {"receiver-1"} and same(in_file(document)["receiver-1"], BESIDE)
    revise(document, plan, recipient=person("stranger"), mode=SignatureMode.both_sides)
    assert same(in_file(document)["sender"], HERE)


@pytest.mark.requirement("I5", "I18")
@pytest.mark.parametrize("status, who", [
    (Status.draft, "approver"), (Status.sender_approval, "registrar"), (Status.receiver_receipt, "recipient"),
])  # fmt: skip
def test_only_the_registrar_places_and_only_before_the_sending(make_document, person, status, who):
    document = make_document(status, mode=SignatureMode.receiver_only)
    with pytest.raises(OutOfTurn):
        positions.place(document, person(who), now(), positions.default_places(document))
