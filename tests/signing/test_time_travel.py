"""Ten years and ten more, and what goes wrong on the way (signing-notes of the design: the clock is moved)."""

import pytest

from app.signing.verdict import Finding
from tests import time_travel
from tests.signing.conftest import sample_pdf
from tests.time_travel import Journey


@pytest.mark.requirement("L1", "L16", "L17", "R98", "I14", "I15")
def test_a_contract_proves_itself_for_as_long_as_it_was_extended():
    """The portal and OpenSSL agree at every stop: 2026, 2028, 2035, 2036, 2038, 2046, 2055.

    Meanwhile the signers' certificates expire, one of them is revoked after it signed, and the authority of the
    first time stamp ends.
    """
    stops = list(time_travel.travel(sample_pdf()))
    for stop in stops:
        should = time_travel.expected(stop)
        assert (stop.finding == Finding.intact) == should, stop
        assert stop.finding in (Finding.intact, Finding.untrusted), "never called altered"
        assert stop.openssl == should, stop
    assert {stop.level for stop in stops if stop.file == "extended"} == {"B-LTA"}
    assert sum(time_travel.expected(stop) for stop in stops) == len(stops) - 6


@pytest.mark.requirement("L17", "R98")
def test_a_ca_that_ends_before_the_archive_leaves_the_portal_without_a_judgement():
    """Our own CAs last 59 years for this reason; an outside authority's may not."""
    journey = Journey(ca_years=12)
    journey.sign_and_archive(sample_pdf())
    with journey.at(9.9):
        journey.extend(2)
    with journey.at(11.9):
        assert journey.judge("extended", 11.9).finding == Finding.intact
    with journey.at(13):
        for name in ("archived", "unsigned, time-stamped"):
            stop = journey.judge(name, 13)
            assert stop.finding == Finding.untrusted and not stop.openssl
        # sound for OpenSSL, and our judge cannot tell: it goes back in time past an expired leaf only
        stop = journey.judge("extended", 13)
        assert stop.openssl and stop.finding == Finding.untrusted
