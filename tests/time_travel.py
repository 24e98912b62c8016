"""A contract on its way through twenty years, with the clock moved: `python -m tests.time_travel`.

2026 two companies sign, the archive time-stamps; 2036 the archive is extended by a new generation of the
time-stamp authority; 2046 it must still prove itself.  Without the extension it must not.  Each stop is judged
twice: by the portal's strict verification, and by OpenSSL walking the chains from the newest time stamp down.
"""

import contextlib
import datetime as dt
import logging
import sys
from dataclasses import dataclass, field

import time_machine
from cryptography.hazmat.primitives.serialization import Encoding

from app import clock
from app.signing import authorities as pki
from app.signing.fields import FieldSpec, place_fields
from app.signing.keys import KeyKind, new_key
from app.signing.pades import SigningDesk
from app.signing.timestamps import EmbeddedTsa
from app.signing.verify import verify
from tests.independent import independently_valid

A_WEEK = dt.timedelta(days=7)
YEAR = dt.timedelta(days=365.25)
URLS = pki.PkiUrls.under("https://portal.example/pki")


@dataclass
class Stop:
    """What was found about one file at one moment."""

    file: str
    years: float
    finding: str
    level: str | None
    openssl: bool | None


@dataclass
class Journey:
    """One portal whose clock is moved, and the files that travel.

    :param begun: the day of signing
    :param ca_years: how long the CA of the first time-stamp authority is valid
    """

    ca_years: int = pki.CA_YEARS
    begun: dt.datetime = field(default_factory=clock.now)
    files: dict = field(default_factory=dict)

    def __post_init__(self):
        self.own = self._authorities()
        self.cas = {ca.certificate.subject: ca for ca in (self.own.signers_ca, self.own.tsa_ca)}
        self.revoked, self.lists = {}, 0
        self.desk = self._desk(EmbeddedTsa(self.own.tsa, [self.own.tsa_ca.certificate]))
        self.signers = [self._signer("株式会社みなと建設", 1), self._signer("有限会社やまと設備", 2)]

    def at(self, years):
        """The clock `years` after the beginning."""
        return time_machine.travel(self.begun + years * YEAR)

    def sign_and_archive(self, pdf):
        """2026: both companies sign, and the archive adds its time stamp."""
        pdf = place_fields(pdf, [FieldSpec("sender"), FieldSpec("receiver-1")])
        self.files["unsigned, time-stamped"] = self.desk.archive(pdf)
        for (key, certificate), name in zip(self.signers, ("sender", "receiver-1"), strict=True):
            pdf = self.desk.sign(pdf, key=key, certificate=certificate, field=name)
        self.files["signed"] = pdf
        self.files["archived"] = self.desk.archive(pdf)

    def revoke_first(self):
        """The sender's certificate is revoked, after it has signed."""
        self.revoked[self.signers[0][1].serial_number] = clock.now()

    def extend(self, generation):
        """A new generation of the time-stamp authority, under a CA of its own, extends what is archived."""
        made = pki.new_tsa_ca(self.own.root, "契約ポータル", clock.now(), URLS, KeyKind.p_256, generation=generation)
        tsa = pki.new_tsa(made, "契約ポータル", clock.now(), URLS, KeyKind.p_256, generation=generation)
        self.cas[made.certificate.subject] = made
        desk = self._desk(EmbeddedTsa(tsa, [made.certificate]))
        for first, extended in (("archived", "extended"), ("unsigned, time-stamped", "unsigned, extended")):
            self.files[extended] = desk.archive(self.files.get(extended, self.files[first]))

    def judge(self, name, years):
        """What the portal and OpenSSL find about a file, at the present position of the clock."""
        pdf = self.files[name]
        verdict = verify(pdf, [self.own.root.certificate])
        try:
            independently_valid(pdf, self.own.root.certificate.public_bytes(Encoding.PEM))
            holds = True
        except AssertionError:
            holds = False
        return Stop(name, years, verdict.finding, verdict.level, holds)

    def _authorities(self):
        with _years_of_cas(self.ca_years):
            root = pki.new_root("契約ポータル", self.begun, KeyKind.p_256)
            tsa_ca = pki.new_tsa_ca(root, "契約ポータル", self.begun, URLS, KeyKind.p_256)
        signers_ca = pki.new_signers_ca(root, "契約ポータル", self.begun, URLS, KeyKind.p_256)
        tsa = pki.new_tsa(tsa_ca, "契約ポータル", self.begun, URLS, KeyKind.p_256)
        return pki.Authorities(root, signers_ca, tsa_ca, tsa)

    def _desk(self, tsa):
        return SigningDesk(
            self.own.root.certificate, self.own.signers_ca, tsa, [ca.certificate for ca in self.cas.values()],
            self._lists_of_cas, self._answer_about,
        )  # fmt: skip

    def _lists_of_cas(self):
        self.lists += 1
        return [pki.crl(self.own.root, [], clock.now(), self.lists, A_WEEK)]

    def _answer_about(self, leaf):
        return pki.ocsp_response(
            self.cas[leaf.issuer], leaf, self.revoked.get(leaf.serial_number), clock.now(), A_WEEK
        )

    def _signer(self, company, number):
        key = new_key(KeyKind.p_256)
        subject = pki.Subject(company, f"JC-{number:08d}", "工事部", "部長")
        made = pki.issue_signer(self.own.signers_ca, key.public_key(), subject, clock.now(), URLS)
        return key, made


@contextlib.contextmanager
def _years_of_cas(years):
    before, pki.CA_YEARS = pki.CA_YEARS, years
    try:
        yield
    finally:
        pki.CA_YEARS = before


def travel(pdf):
    """The whole way; yields a :class:`Stop` for each file at each moment."""
    journey = Journey()
    journey.sign_and_archive(pdf)
    for years in (0, 0.5, 2.5, 9):
        with journey.at(years):
            if years == 2.5:
                journey.revoke_first()  # also its natural end lies behind it now
            for name in ("signed", "archived", "unsigned, time-stamped"):
                yield journey.judge(name, years)
    with journey.at(9.9):
        journey.extend(2)
        yield journey.judge("extended", 9.9)
    for years in (12, 19.9):
        with journey.at(years):
            for name in ("signed", "archived", "unsigned, time-stamped", "extended", "unsigned, extended"):
                yield journey.judge(name, years)
    with journey.at(20):
        journey.extend(3)
    with journey.at(29):
        for name in ("extended", "unsigned, extended"):
            yield journey.judge(name, 29)


def main():
    from tests.signing.conftest import sample_pdf

    logging.disable(logging.CRITICAL)
    print(f"{'year':>6}  {'file':<24}{'portal':<12}{'level':<7}OpenSSL")
    wrong = 0
    for stop in travel(sample_pdf()):
        print(f"{2026 + stop.years:>6.1f}  {stop.file:<24}{stop.finding:<12}{stop.level or '-':<7}{'holds' if stop.openssl else 'fails'}")
        wrong += (stop.finding == "intact") != expected(stop)
    sys.exit(wrong)


def expected(stop):
    """Whether a file must hold: until the last of its time stamps ends, and no longer."""
    end = {"signed": 11, "archived": 11, "unsigned, time-stamped": 11, "extended": 20.9, "unsigned, extended": 20.9}
    return stop.years <= (end[stop.file] if stop.years < 21 else 31)


if __name__ == "__main__":
    main()
