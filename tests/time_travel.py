"""A contract on its way through twenty years, with the clock moved: `python -m tests.time_travel`.

2026 two companies sign, the archive time-stamps; 2036 the archive is extended by a new generation of the
time-stamp authority; 2046 it must still prove itself.  Without the extension it must not.  A second journey has outside
time-stamp authorities, whose CAs end a year after the time stamps.  Each stop is judged twice: by the portal's strict
verification, and by OpenSSL walking the chains from the newest time stamp down.
"""

import contextlib
import datetime as dt
import logging
import sys
from dataclasses import dataclass, field

import time_machine
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from app import clock
from app.signing import authorities as pki
from app.signing import revocation
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
    :param ca_years: how long the CA of a time-stamp authority is valid
    :param outside: the time stamps come from an authority under a root of its own
    """

    ca_years: int = pki.CA_YEARS
    outside: bool = False
    begun: dt.datetime = field(default_factory=clock.now)
    files: dict = field(default_factory=dict)

    def __post_init__(self):
        self.own = self._authorities()
        self.cas = {ca.certificate.subject: ca for ca in (self.own.signers_ca, self.own.tsa_ca)}
        self.revoked, self.revoked_cas, self.lists = {}, [], 0
        self.desk = self.desk_of(self.own.tsa, self.own.tsa_ca)
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
        with _years_of_cas(self.ca_years):
            made = pki.new_tsa_ca(self.tsa_root, "契約ポータル", clock.now(), URLS, KeyKind.p_256, generation=generation)
        tsa = pki.new_tsa(made, "契約ポータル", clock.now(), URLS, KeyKind.p_256, generation=generation)
        self.extend_by(self.desk_of(tsa, made))

    def extend_by(self, desk):
        """What is archived is extended at this desk."""
        for first, extended in (("archived", "extended"), ("unsigned, time-stamped", "unsigned, extended")):
            self.files[extended] = desk.archive(self.files.get(extended, self.files[first]))

    def judge(self, name, years):
        """What the portal and OpenSSL find about a file, at the present position of the clock."""
        pdf = self.files[name]
        verdict = verify(pdf, self.roots)
        try:
            independently_valid(pdf, b"".join(root.public_bytes(Encoding.PEM) for root in self.roots))
            holds = True
        except AssertionError:
            holds = False
        return Stop(name, years, verdict.finding, verdict.level, holds)

    @property
    def roots(self):
        return list(dict.fromkeys((self.own.root.certificate, self.tsa_root.certificate)))

    def desk_of(self, tsa, ca):
        """A desk that takes its time stamps from this authority."""
        self.cas[ca.certificate.subject] = ca
        stamper = EmbeddedTsa(tsa, [ca.certificate])
        if self.outside:
            stamper.roots = (self.tsa_root.certificate,)
        return self._desk(stamper)

    def _authorities(self):
        root = pki.new_root("契約ポータル", self.begun, KeyKind.p_256)
        self.tsa_root = pki.new_root("時刻認証局", self.begun, KeyKind.p_256) if self.outside else root
        with _years_of_cas(self.ca_years):
            tsa_ca = pki.new_tsa_ca(self.tsa_root, "契約ポータル", self.begun, URLS, KeyKind.p_256)
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
        return [_list_of(root, self.revoked_cas, self.lists) for root in (self.own.root, self.tsa_root)]

    def _answer_about(self, leaf):
        return revocation.ocsp_response(
            self.cas[leaf.issuer], leaf, self.revoked.get(leaf.serial_number), clock.now(), A_WEEK
        )

    def _signer(self, company, number):
        key = new_key(KeyKind.p_256)
        subject = pki.Subject(company, f"JC-{number:08d}", "工事部", "部長")
        made = pki.issue_signer(self.own.signers_ca, key.public_key(), subject, clock.now(), URLS)
        return key, made


def _list_of(root, revoked, number):
    """A root's list of revoked CAs: of each its serial number, the moment, and since when its key was unsafe, or None."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(root.certificate.subject)
    builder = builder.last_update(clock.now()).next_update(clock.now() + A_WEEK)
    key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    builder = builder.add_extension(x509.CRLNumber(number), critical=False).add_extension(key_id, critical=False)
    for serial_number, at, unsafe_since in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(serial_number).revocation_date(at)
        if unsafe_since:
            reason = x509.CRLReason(x509.ReasonFlags.key_compromise)
            entry = entry.add_extension(reason, False).add_extension(x509.InvalidityDate(unsafe_since), False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(root.key, hashes.SHA256()).public_bytes(Encoding.DER)


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


def travel_with_outside_authorities(pdf):
    """The way of a contract whose time stamps come from outside, 2026, 2036, 2046: CAs end with what they issued."""
    journey = Journey(ca_years=12, outside=True)
    journey.sign_and_archive(pdf)
    for years, generation in ((9.9, 2), (19.8, 3)):
        with journey.at(years):
            journey.extend(generation)
            for name in ("extended", "unsigned, extended"):
                yield journey.judge(name, years)
    with journey.at(30):  # two of the three CAs have ended, and the signers' certificates
        for name in ("archived", "unsigned, time-stamped", "extended", "unsigned, extended"):
            yield journey.judge(name, 30)
    with journey.at(31):
        yield journey.judge("extended", 31)


def main():
    from tests.signing.conftest import sample_pdf

    logging.disable(logging.CRITICAL)
    wrong = 0
    for title, stops in (
        ("own time stamps", travel(sample_pdf())),
        ("outside time stamps, CAs of 12 years", travel_with_outside_authorities(sample_pdf())),
    ):
        print(f"{title}\n{'year':>6}  {'file':<24}{'portal':<12}{'level':<7}OpenSSL")
        for stop in stops:
            print(f"{2026 + stop.years:>6.1f}  {stop.file:<24}{stop.finding:<12}{stop.level or '-':<7}{'holds' if stop.openssl else 'fails'}")
            wrong += (stop.finding == "intact") != expected(stop) or stop.openssl != expected(stop)
    sys.exit(bool(wrong))


def expected(stop):
    """Whether a file must hold: until the last of its time stamps ends, and no longer."""
    end = {"signed": 11, "archived": 11, "unsigned, time-stamped": 11, "extended": 20.9, "unsigned, extended": 20.9}
    return stop.years <= (30.8 if stop.years > 19.9 and "extended" in stop.file else end[stop.file])


if __name__ == "__main__":
    main()
