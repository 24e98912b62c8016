"""Ten years and ten more, and what goes wrong on the way (signing-notes of the design: the clock is moved)."""

import pytest

from app.signing.verdict import Finding
from tests import time_travel
from tests.signing.conftest import sample_pdf


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
def test_a_ca_that_ends_hurts_nothing_that_was_extended_before():
    """Outside authorities of 2026, 2036 and 2046, each under a CA of twelve years, seen until 2057; OpenSSL agrees."""
    stops = list(time_travel.travel_with_outside_authorities(sample_pdf()))
    for stop in stops:
        should = time_travel.expected(stop)
        assert (stop.finding == Finding.intact) == should, stop
        assert stop.finding in (Finding.intact, Finding.untrusted), "never called altered"
        assert stop.openssl == should, stop
    assert [time_travel.expected(stop) for stop in stops].count(False) == 3
