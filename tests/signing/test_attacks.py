"""S1 and S2: no attacked file is ever shown as unaltered, and no sound one is called altered."""

import datetime as dt
import io
from collections import Counter

import pytest
import time_machine
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.validation.dss import DocumentSecurityStore

from app import clock
from app.signing import evidence
from app.signing.fields import FieldSpec, place_fields
from app.signing.keys import KeyKind
from app.signing.verdict import Finding, Outcome
from app.signing.verify import verify
from tests import attacks
from tests.signing.conftest import Portal, sample_pdf
from tests.signing.test_odd_files import Stranger

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


@pytest.mark.requirement("S1", "R3")
@pytest.mark.parametrize("days", [0, 30])
def test_an_answer_about_revocation_proves_nothing_after_it_ran_out(days):
    """A stolen key signs after the revocation, with an answer of before, which any older contract carries."""
    portal = Portal(KeyKind.p_256)
    signer = portal.signer()
    old = [asn1_ocsp.OCSPResponse.load(portal.leaf_ocsp(signer.certificate))]
    with time_machine.travel(clock.now() + dt.timedelta(days=days)):
        new = asn1_ocsp.OCSPResponse.load(portal.leaf_ocsp(portal.authorities.tsa.certificate))
        signed = Stranger(portal, signer).sign(sample_pdf(), tsa=portal.tsa)
        known = [signer, portal.authorities.tsa, portal.authorities.root, *portal.cas.values()]
        writer = IncrementalPdfFileWriter(io.BytesIO(signed))
        DocumentSecurityStore.supply_dss_in_writer(
            writer, None, certs=[evidence.parsed(one.certificate) for one in known], ocsps=[*old, new],
            crls=[asn1_crl.CertificateList.load(one) for one in portal.ca_crls()],
        )  # fmt: skip
        out = io.BytesIO()
        writer.write(out)
        stamped = IncrementalPdfFileWriter(io.BytesIO(out.getvalue()))
        out = signers.PdfTimeStamper(portal.tsa, field_name="over").timestamp_pdf(stamped, "sha256", bytes_reserved=32768)
        verdict = verify(out.getvalue(), portal.roots)
    assert verdict.finding is (Finding.untrusted if days else Finding.intact), verdict.sentence
    assert verdict.signatures[0].trusted is not bool(days)
