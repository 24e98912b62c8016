"""S1: attacks by forms, faces, tables and evidence, most of them under a genuine time stamp."""

import time

import pytest

from app.signing.verdict import Finding
from app.signing.verify import verify
from tests import attacks, disguises
from tests.signing.conftest import sample_pdf
from tests.signing.test_attacks import originals  # noqa: F401 - a fixture
from tests.signing.test_odd_files import Stranger

# how many samples there are of each class; docs/verification.md quotes the sums
COUNTED = {"faces of new fields": 12, "faces of time stamps": 4, "fields": 25, "forms and catalogues": 31, "tables": 52, "false evidence": 7}


@pytest.mark.requirement("L1", "L12", "S1")
@pytest.mark.parametrize("kind", disguises.CLASSES)
def test_no_disguised_file_is_shown_as_unaltered(originals, kind):  # noqa: F811
    valid, slow, count = [], [], 0
    for name, pdf in disguises.CLASSES[kind](originals):
        begun = time.process_time()
        count += 1
        if verify(pdf, originals.portal.roots).is_valid:
            valid.append(name)
        if time.process_time() - begun > 8:
            slow.append(name)
    assert (valid, slow) == ([], [])
    assert count == COUNTED[kind]


@pytest.mark.requirement("S2")
def test_a_stranger_may_sign_visibly_after_another(originals):  # noqa: F811
    """Other programs add a field, its stamp and the signature in one revision, and write their own metadata."""
    once = Stranger(originals.portal, originals.sender).sign(sample_pdf())
    twice = disguises.visible_signature(once, originals)
    assert verify(twice, originals.portal.roots).finding in (Finding.untrusted, Finding.untimed)
    assert all(one.intact for one in verify(attacks.stamped_over(twice, originals), originals.portal.roots).signatures)


@pytest.mark.requirement("S1", "S4")
def test_a_chain_of_thousands_of_revisions_is_not_walked(originals):  # noqa: F811
    """Each is compared with the one before, which took more than nine seconds for three thousand empty ones."""
    chain, last = bytearray(originals.signed_once), attacks.last_table(originals.signed_once)
    for _ in range(3000):
        here = len(chain)
        chain += b"xref\n0 0\ntrailer\n<< /Root 1 0 R /Size 99 /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (last, here)
        last = here
    begun = time.process_time()
    verdict = verify(bytes(chain), originals.portal.roots)
    assert verdict.finding is Finding.too_complex and time.process_time() - begun < 1


@pytest.mark.requirement("S1", "S2", "L12")
@pytest.mark.parametrize("stage, position", [("archived", 0), ("archived", -1), ("signed_once", 0)])
def test_a_digest_algorithm_that_nobody_knows_is_an_answer_too(originals, stage, position):  # noqa: F811
    """Its name stands where no signature protects it; the page said 500."""
    pdf = getattr(originals, stage)
    contents, _ = attacks.contents_of(pdf, position)
    sha256, unknown = bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040219")
    for count in (1, 2, contents.count(sha256)):
        changed = attacks.with_contents(pdf, position, contents.replace(sha256, unknown, count))
        assert verify(changed, originals.portal.roots).finding in (Finding.broken, Finding.altered)
