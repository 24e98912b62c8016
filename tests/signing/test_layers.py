"""Layer by layer back in time, with time stamps of outside authorities whose CAs end or are revoked."""

import asyncio
import dataclasses
import datetime as dt

import pytest
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy, NonRevokedStatusAssertion
from pyhanko_certvalidator.registry import SimpleTrustManager

from app import clock
from app.errors import SigningFailed
from app.signing import authorities as pki
from app.signing import evidence, judgement, layers
from app.signing.verdict import Finding, Outcome
from app.signing.verify import verify
from tests.signing.conftest import sample_pdf
from tests.time_travel import YEAR, Journey

A_DAY = dt.timedelta(days=1)
FILES = ("extended", "unsigned, extended")


@pytest.fixture(scope="module")
def begun():
    made = Journey(ca_years=12, outside=True)
    made.sign_and_archive(sample_pdf())
    return made


@pytest.fixture
def journey(begun):
    """2026: signed and archived with time stamps of an outside authority, whose CA ends in 2038."""
    files, cas = dict(begun.files), dict(begun.cas)
    yield begun
    begun.files, begun.cas, begun.revoked_cas = files, cas, []


@pytest.fixture
def unchecked(monkeypatch):
    """The archive adds time stamps without looking what they are good for, as other programs may."""
    monkeypatch.setattr(judgement, "why_not_b_lta", lambda *_: None)


def findings(journey, years, names=FILES, ends=layers.FOR_EVER):
    with journey.at(years):
        return {verify(journey.files[name], journey.roots, ends=ends).finding for name in names}


def revoke_first_ca(journey, years, unsafe_since=None):
    """The CA of 2026 is on the list from now on, revoked so many years after the beginning."""
    at, since = (value and (journey.begun + value * YEAR).replace(microsecond=0) for value in (years, unsafe_since))
    journey.revoked_cas.append((journey.own.tsa_ca.certificate.serial_number, at, since))


@pytest.mark.requirement("L17", "R98")
def test_a_time_stamp_that_ended_before_the_next_one_proves_nothing(journey, unchecked):
    """Its CA is alive still, but nobody can tell who used its key after its end."""
    with journey.at(11.5):
        journey.extend(2)
    assert findings(journey, 11.6) == {Finding.untrusted}


@pytest.mark.requirement("L17", "R98")
def test_the_archive_adds_no_time_stamp_to_what_is_no_longer_proven(journey):
    with journey.at(11.5), pytest.raises(SigningFailed):
        journey.extend(2)


@pytest.mark.requirement("L17", "R98")
@pytest.mark.parametrize(
    "revoked, unsafe_since, finding",
    [(11, None, Finding.intact), (5, None, Finding.untrusted), (11, 5, Finding.untrusted), (11, 10.5, Finding.intact)],
    ids=["after the proof", "before it", "its key unsafe before it", "its key unsafe after it"],
)
def test_a_ca_that_was_revoked_counts_until_its_revocation(journey, unchecked, revoked, unsafe_since, finding):
    """What became known in 2045 about the CA of 2026 is weighed against the proof of 2036."""
    with journey.at(9.9):
        journey.extend(2)
    assert findings(journey, 11, ["extended"]) == {Finding.intact}, "nothing of it is in the file yet"
    revoke_first_ca(journey, revoked, unsafe_since)
    with journey.at(19.8):
        journey.extend(3)
    assert findings(journey, 30) == {finding}


@pytest.mark.requirement("L17", "R98")
def test_a_revocation_that_is_known_stops_the_extension(journey):
    revoke_first_ca(journey, 5)
    with journey.at(9.9), pytest.raises(SigningFailed):
        journey.extend(2)


@pytest.mark.requirement("L17", "R98")
def test_a_layer_taken_off_or_put_on_by_a_stranger_proves_nothing(journey, unchecked):
    stranger = Journey(ca_years=12, outside=True)
    own = stranger.own.tsa.certificate
    stranger.desk.leaf_ocsp = lambda leaf: (stranger if leaf == own else journey)._answer_about(leaf)
    stranger.desk._ca_crls = lambda: [*journey._lists_of_cas(), *stranger._lists_of_cas()]
    before = dict(journey.files)
    with journey.at(9.9):
        journey.extend(2)
    extended = dict(journey.files)
    with journey.at(13):
        for name, original in zip(FILES, ("archived", "unsigned, time-stamped"), strict=True):
            assert extended[name].startswith(before[original])
            assert verify(extended[name], journey.roots).finding is Finding.intact
            assert verify(before[original], journey.roots).finding is Finding.untrusted  # as if never extended
            cut = extended[name][: -len(b"%%EOF\n") - 40]
            assert verify(cut, journey.roots).outcome is not Outcome.valid
    with journey.at(9.9):
        foreign = {name: stranger.desk.archive(before[name]) for name in ("archived", "unsigned, time-stamped")}
        over = stranger.desk.archive(extended["extended"])
    with journey.at(10):
        for pdf in (*foreign.values(), over):
            verdict = verify(pdf, journey.roots)
            assert verdict.finding is Finding.untrusted
            assert verify(pdf, [*journey.roots, *stranger.roots]).finding is Finding.intact


@pytest.mark.requirement("L17", "R98")
@pytest.mark.parametrize(
    "end, finding",
    [(10, Finding.intact), (9, Finding.untrusted)],
    ids=["after the proof", "before it"],
)
def test_an_algorithm_is_relied_on_until_its_end(journey, rsa_portal, monkeypatch, end, finding):
    """Time-stamped again with another kind of key before P-256 ends, what was made with it stays proven."""
    monkeypatch.setattr(pki, "new_key", lambda *_: rsa_portal.authorities.tsa.key)  # which takes long to make
    with journey.at(9.9):
        journey.extend(2)
    ends = {"p_256": clock.japan_date(journey.begun + end * YEAR)}
    assert findings(journey, 13, ends=ends) == {finding}
    assert findings(journey, 8.9, ["archived", "signed"], ends) == {Finding.intact}
    assert findings(journey, 10.5, ["archived", "signed"], ends) == {Finding.untrusted}


@pytest.mark.requirement("L17", "S3")
def test_pyhanko_finds_an_archived_contract_maintainable_too(portal, archived):
    """Its own simulation of the future, with its own way back in time, agrees with the archive's self-check."""
    reader = evidence.read(archived)
    future = evidence.signer_certificate(reader.embedded_timestamp_signatures[-1].signed_data).not_valid_after - A_DAY
    known = evidence.knowledge(reader)
    authorities = [one for one in known.known_certs if one.ca or one.extended_key_usage_value.native == ["time_stamping"]]
    good = [NonRevokedStatusAssertion(one.sha256, at=future + A_DAY) for one in authorities]
    trusting = CertValidationPolicySpec(
        SimpleTrustManager.build(trust_roots=[evidence.parsed(portal.root)]), CertRevTrustPolicy(REQUIRE_REVINFO)
    )
    spec = PdfSignatureValidationSpec(
        SignatureValidationSpec(
            cert_validation_policy=trusting,
            revinfo_gathering_policy=RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY),
            local_knowledge=dataclasses.replace(known, nonrevoked_assertions=good),
            key_usage_settings=layers.SIGNERS_KEY,
        ),
        diff_policy=evidence.SIGNING_ONLY,
    )
    for signature in reader.embedded_regular_signatures:
        evidence.look_at(signature)
        found = asyncio.run(ades.simulate_future_ades_lta_validation(signature, spec, future))
        assert found.ades_subindic is ades.AdESPassed.OK, found.failure_msg
