"""The portal's keys, authorities and file store, opened once a process.

The keys of the own authorities lie in the database, sealed under the KEK; nothing here is made up
when something is missing: :func:`found` makes a new PKI once, by the release step or the demo.
"""

import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app
from sqlalchemy import select

from app.clock import now
from app.extensions import db, reading
from app.models import Authority, Certificate, TsaRevocationList
from app.signing import authorities as pki
from app.signing import evidence, revocation
from app.signing.hardware import Token
from app.signing.keys import KeyKind, Keyring, key_to_der, load_key, new_key
from app.signing.outside import Outside
from app.signing.pades import SigningDesk
from app.signing.parcels import Parcels
from app.signing.store import FileStore
from app.signing.timestamps import EmbeddedTsa, HttpTsa, TimeStampAuthorities

NAMES = ("root", "signers_ca", "tsa_ca", "tsa")
SEAL = "seal"  # the service's own, see app.services.seals
CA_CRL_VALID_DAYS = 180
LEAF_OCSP_VALID_HOURS = 24
DESK_LIFE_HOURS = 12  # then its CRLs are made afresh


@dataclass(frozen=True)
class Sealed:
    """A column of sealed values.  The service that writes one names it in its `SEALED`, for the KEK's rotation.

    :param context: of a row, to which a value of the column is bound
    """

    column: Any
    context: Callable[[Any], bytes]


@dataclass(frozen=True)
class TsaGeneration:
    """One time-stamp authority of ours with its own CA; former ones go on answering for their certificates."""

    number: int
    ca: pki.Credential
    tsa: pki.Credential


class Strongroom:
    """What a process needs to sign, verify, seal and store; hangs on the Flask application."""

    def __init__(self, config):
        self._config = config
        module = config["PKCS11_MODULE"]
        self.token = Token(module, config["PKCS11_TOKEN"], config["PKCS11_PIN"]) if module else None
        self._lock = threading.RLock()
        self.keyring = Keyring(config["KEKS"])
        self.store = FileStore.from_url(config["STORAGE_URL"], config["STORAGE_SECRET"])
        self.parcels = Parcels(self.store)
        self._authorities = None
        self._seals = {}
        self._generations = ()
        self._opened_at = None
        self._desk = None
        self._desk_made_at = None

    @property
    def authorities(self):
        """The own PKI's certificates with their keys."""
        with self._lock:
            moment = now()
            if self._authorities is None or not _is_fresh(self._opened_at, moment):
                self._open_authorities()
                self._opened_at = moment
            return self._authorities

    @property
    def tsa_generations(self):
        """All own time-stamp authorities, the oldest first (:class:`TsaGeneration`)."""
        with self._lock:
            return self.authorities and self._generations

    def _open_authorities(self):
        rows = _read(select(Authority.__table__).order_by(Authority.generation))
        newest = {row.name: row for row in rows}
        if not set(NAMES) <= set(newest):
            raise RuntimeError("The portal has no certificate authority yet. Run: python run.py db upgrade")
        opened = {(row.name, row.generation): self._open(row) for row in rows}
        self._authorities = pki.Authorities(**{name: opened[name, newest[name].generation] for name in NAMES})
        self._generations = tuple(
            TsaGeneration(number, opened["tsa_ca", number], credential)
            for (name, number), credential in opened.items() if name == "tsa"
        )  # fmt: skip

    def forget(self):
        """Read the authorities anew at the next use; a new generation was made."""
        with self._lock:
            self._authorities = self._desk = None

    def _open(self, row):
        key = self.open_key(row.sealed_key, _context(row))
        return pki.Credential(x509.load_der_x509_certificate(row.certificate_der), key)

    def seals(self):
        """The service's own seals, the newest first; each sealed something that is to be verified for long."""
        rows = _read(select(Authority.__table__).where(Authority.name == SEAL).order_by(Authority.generation.desc()))
        with self._lock:
            for row in rows:
                if row.generation not in self._seals:
                    self._seals[row.generation] = self._open(row)
            return [self._seals[row.generation] for row in rows]

    @property
    def desk(self):
        """The signing desk, with CRLs of today."""
        with self._lock:
            moment = now()
            if self._desk is None or not _is_fresh(self._desk_made_at, moment):
                self._desk = self._make_desk(moment)
                self._desk_made_at = moment
            return self._desk

    def _make_desk(self, moment):
        own, root_crl = self.authorities, self.root_crl(moment)
        return SigningDesk(
            root=own.root.certificate,
            signers_ca=own.signers_ca,
            tsa=self._tsa(),
            ca_certificates=[
                own.signers_ca.certificate, *(one.ca.certificate for one in self.tsa_generations), *self._outside_tsa_cas,
            ],
            ca_crls=lambda: [root_crl, *self.tsa_lists()],
            leaf_ocsp=self.leaf_ocsp,
        )

    def _tsa(self):
        roots = self.stamp_roots
        if not self._config["TSA_URLS"]:
            own = self.authorities
            embedded = EmbeddedTsa(own.tsa, [own.tsa_ca.certificate, own.root.certificate])
            embedded.roots = roots  # what an outside one stamped before stays provable, and is renewed
            return embedded
        cas = self._outside_tsa_cas
        return TimeStampAuthorities(
            [HttpTsa(url, roots, between=cas, lists=self.tsa_lists) for url in self._config["TSA_URLS"]]
        )

    @property
    def outside_tsa_certificates(self):
        """Roots of the outside time-stamp authorities, present and former, and CAs below them, as the operator set."""
        path = self._config["TSA_ROOTS_FILE"]
        if not path:
            return []
        with open(path, "rb") as file:
            return x509.load_pem_x509_certificates(file.read())

    @property
    def stamp_roots(self):
        """Those that a verification trusts for time stamps, and for nothing else."""
        return [one for one in self.outside_tsa_certificates if one.issuer == one.subject]

    @property
    def _outside_tsa_cas(self):
        return [one for one in self.outside_tsa_certificates if one.issuer != one.subject]

    def tsa_lists(self):
        """The current revocation lists, DER, that tell of outside time-stamp authorities (app.services.tsa_lists)."""
        if not self._config["TSA_ROOTS_FILE"]:
            return []
        table = TsaRevocationList.__table__
        return [row.der for row in _read(select(table.c.der).where(table.c.next_update > now()).order_by(table.c.id))]

    def root_crl(self, moment):
        """The root's list of revoked authorities, DER; none is revoked so far."""
        valid_for = dt.timedelta(days=CA_CRL_VALID_DAYS)
        return revocation.crl(self.authorities.root, [], moment, number=int(moment.timestamp()), valid_for=valid_for)

    def leaf_ocsp(self, certificate):
        """A fresh OCSP answer, DER, about a certificate of ours; None about anybody else's."""
        own = self.authorities
        moment = now()
        valid_for = dt.timedelta(hours=LEAF_OCSP_VALID_HOURS)
        for generation in self.tsa_generations:
            if certificate.issuer == generation.ca.certificate.subject:
                return revocation.ocsp_response(generation.ca, certificate, None, moment, valid_for)
        if certificate.issuer != own.signers_ca.certificate.subject:
            return None  # an outside time-stamp authority's
        state = certificate_state(own.signers_ca.certificate, certificate.serial_number)
        return revocation.ocsp_response(own.signers_ca, certificate, state and state.revoked_at, moment, valid_for)

    def new_key(self):
        """A fresh key of the kind that is set; in the token where there is one."""
        return new_key(KeyKind(self._config["KEY_KIND"]), self.token)

    def open_key(self, sealed, context):
        """The key that was sealed in this context, or the one in the token that was named in its place."""
        return load_key(self.keyring.open(sealed, context), self.token)

    def token_answers(self):
        """True where the token answers, or none is used.

        :raises app.errors.HardwareFailed: it does not
        """
        if self.token is not None:
            self.token.check()
        return True

    @property
    def roots(self):
        """What a verification trusts for signers and time stamps; it needs no key, and goes on while a token is away."""
        return [self.authorities.root.certificate]


def _is_fresh(made_at, moment):
    return dt.timedelta() <= moment - made_at < dt.timedelta(hours=DESK_LIFE_HOURS)


def strongroom() -> Strongroom:
    """The strongroom of the running application."""
    return current_app.extensions["strongroom"]


def _read(statement):
    """Rows by a connection of their own, given back at once: no transaction stays open while signing goes on."""
    with reading(), db.engine.connect() as connection:
        return connection.execute(statement).all()


def pki_urls(base_url, tsa_generation=1):
    """Where the certificates say that OCSP, CRLs and the authorities' certificates are found."""
    return pki.PkiUrls.under(f"{base_url}/pki", tsa_generation)


def found(moment):
    """Make the portal's own PKI where there is none yet; the caller commits."""
    if db.session.scalar(select(Authority.id).limit(1)):
        return
    config = current_app.config
    made = pki.new_authorities(
        config["SERVICE_NAME"], moment, pki_urls(config["BASE_URL"]), KeyKind(config["KEY_KIND"]), strongroom().token
    )
    for name in NAMES:
        keep_authority(name, 1, getattr(made, name), moment)


def keep_authority(name, generation, credential, moment):
    """Add the row of one authority, with its key sealed; the caller commits."""
    der = credential.certificate.public_bytes(Encoding.DER)
    row = Authority(name=name, generation=generation, certificate_der=der, created_at=moment)
    row.sealed_key = strongroom().keyring.seal(key_to_der(credential.key), _context(row))
    db.session.add(row)


def _context(row):
    return f"authority:{row.name}:{row.generation}".encode()


SEALED = (Sealed(Authority.sealed_key, _context),)


def revoked_certificates():
    """Serial number and moment of every revoked signer certificate of ours, for the CRL."""
    rows = db.session.execute(
        select(Certificate.serial, Certificate.revoked_at).where(
            Certificate.revoked_at.is_not(None), Certificate.is_imported.is_(False)
        )
    )
    return [(int(serial), at) for serial, at in rows]


def revoked_among(numbers):
    """Since when those of these certificates of ours (管理番号) are revoked that are."""
    table = Certificate.__table__.c
    wanted = [number for number in numbers if number]
    rows = _read(
        select(table.number, table.revoked_at).where(
            table.number.in_(wanted), table.revoked_at.is_not(None), table.is_imported.is_(False)
        )
    )
    return {row.number: row.revoked_at for row in rows}


def certificate_state(ca_certificate, serial_number):
    """What OCSP says of a serial number; None where the authority never issued it."""
    for generation in strongroom().tsa_generations:
        if ca_certificate == generation.ca.certificate:
            is_its_own = serial_number == generation.tsa.certificate.serial_number
            return revocation.CertificateState() if is_its_own else None
    found = _read(
        select(Certificate.revoked_at).where(
            Certificate.serial == str(serial_number), Certificate.is_imported.is_(False)
        )
    )
    if not found and serial_number in {one.certificate.serial_number for one in strongroom().seals()}:
        return revocation.CertificateState()
    return revocation.CertificateState(found[0].revoked_at) if found else None


def outside_of(certificate):
    """Chain and revocation lists of a certificate that an outside authority issued."""
    return Outside.from_pem(certificate.chain_pem, certificate.crl_pem)


def outside_roots(pdf):
    """The roots that count for the outside certificates with which this file was signed, by certificate."""
    return outside_roots_of(evidence.signers_of(pdf))


def outside_roots_of(certificates):
    """The roots that count for those of these certificates (DER) that were brought from outside."""
    rows = _read(
        select(Certificate.certificate_der, Certificate.chain_pem).where(
            Certificate.is_imported.is_(True), Certificate.certificate_der.in_(certificates)
        )
    )
    return {row.certificate_der: Outside.from_pem(row.chain_pem, "").root for row in rows}
