"""The plan matrix of the manual's page 29: all nine cells."""

import pytest

from app.errors import PairNotAvailable
from app.plans import MATRIX, Charge, PlanKind, charge, must_acknowledge_fee

OWN = "ご利用いただけません 片方課金プランもしくは双方課金プランへの変更が必要です お取引前に弊社宛にご連絡ください"
THEIRS = "ご利用いただけません お取引先が片方課金プランもしくは双方課金プランへの変更が必要です お取引前に弊社宛にご連絡ください"
CELLS = {
    ("one_side", "one_side"): (True, True),
    ("one_side", "partner"): (True, False),
    ("one_side", "both_sides"): (True, False),
    ("partner", "one_side"): (False, True),
    ("partner", "partner"): OWN,
    ("partner", "both_sides"): OWN,
    ("both_sides", "one_side"): (False, True),
    ("both_sides", "partner"): THEIRS,
    ("both_sides", "both_sides"): (True, True),
}


def test_there_are_nine_cells():
    assert set(MATRIX) == {(own, partner) for own in PlanKind for partner in PlanKind} == set(CELLS)


@pytest.mark.requirement("R102", "R103", "D11")
@pytest.mark.parametrize("own, partner", CELLS)
def test_every_cell_is_the_manuals(own, partner):
    cell = CELLS[own, partner]
    own, partner = PlanKind(own), PlanKind(partner)
    if isinstance(cell, str):
        with pytest.raises(PairNotAvailable) as refusal:
            charge(own, partner)
        assert refusal.value.sentence == cell
    else:
        assert charge(own, partner) == Charge(*cell)


@pytest.mark.requirement("R60", "R102")
@pytest.mark.parametrize("own, partner", CELLS)
def test_only_two_one_side_companies_must_acknowledge(own, partner):
    assert must_acknowledge_fee(PlanKind(own), PlanKind(partner)) is (own == partner == "one_side")
