"""S1 and S2: no attacked file is ever shown as unaltered, and no sound one is called altered."""

from collections import Counter

import pytest

from app.signing.fields import FieldSpec, place_fields
from app.signing.keys import KeyKind
from app.signing.verdict import Finding, Outcome
from app.signing.verify import verify
from tests import attacks
from tests.signing.conftest import Portal, sample_pdf

# how many samples there are of each class; docs/verification.md quotes the sums
COUNTED = {
    "universal signature forgery": 34,
    "incremental saving": 38,
    "signature wrapping": 9,
    "overlapping byte ranges": 18,
    "shadow": 25,
    "copied time stamps": 10,
    "illegal revisions": 61,
    "weak or wrong algorithms": 20,
    "wrong signers": 8,
}


@pytest.fixture(scope="module")
def originals(portal, sender, receiver, contract, signed_once, signed_twice, archived):
    keys = [{"key": one.key, "certificate": one.certificate} for one in (sender, receiver)]
    other = place_fields(sample_pdf(3), [FieldSpec("sender"), FieldSpec("receiver-1")])
    for key, field in zip(keys, ("sender", "receiver-1"), strict=True):
        other = portal.desk.sign(other, **key, field=field)
    return attacks.Originals(
        portal, sender, receiver, Portal(KeyKind.p_256), contract, signed_once, signed_twice, archived,
        portal.desk.archive(other),
    )  # fmt: skip


@pytest.mark.requirement("L1", "L12", "S1")
@pytest.mark.parametrize("kind", attacks.CLASSES)
def test_no_attacked_file_is_shown_as_unaltered(originals, kind):
    genuine = {originals.unsigned, originals.signed_once, originals.signed_twice, originals.archived}
    seen, valid = Counter(), []
    for name, pdf in attacks.CLASSES[kind](originals):
        assert pdf not in genuine, f"{name} attacks nothing"
        verdict = verify(pdf, originals.portal.roots)
        seen[verdict.outcome] += 1
        if verdict.is_valid:
            valid.append(name)
    assert valid == []
    assert seen.total() == COUNTED[kind], seen


@pytest.mark.requirement("L1", "S1")
def test_the_genuine_files_among_them_are_valid(originals):
    for pdf in (originals.signed_once, originals.signed_twice, originals.archived, originals.other):
        assert verify(pdf, originals.portal.roots).finding is Finding.intact


@pytest.mark.requirement("L1", "S1")
def test_an_older_revision_is_sound_but_incomplete(portal, signed_once, archived):
    """Cut back to the sender's signature, a file holds by itself; who knows that two signed sees it."""
    expected = ("sender", "receiver-1")
    assert archived.startswith(signed_once)
    assert verify(signed_once, portal.roots).outcome is Outcome.valid
    verdict = verify(signed_once, portal.roots, expected=expected)
    assert (verdict.outcome, verdict.finding) == (Outcome.invalid, Finding.incomplete)
    assert verify(archived, portal.roots, expected=expected).outcome is Outcome.valid
