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
from app.models import Authority, Certificate
from app.signing import authorities as pki
from app.signing import evidence
from app.signing.keys import KeyKind, Keyring, key_to_der, load_key
from app.signing.outside import Outside
from app.signing.pades import SigningDesk
from app.signing.parcels import Parcels
from app.signing.store import FileStore
from app.signing.timestamps import EmbeddedTsa, HttpTsa, TimeStampAuthorities

NAMES = ("root", "signers_ca", "tsa_ca", "tsa")
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


class Strongroom:
    """What a process needs to sign, verify, seal and store; hangs on the Flask application."""

    def __init__(self, config):
        self._config = config
        self._lock = threading.RLock()
        self.keyring = Keyring(config["KEKS"])
        self.store = FileStore.from_url(config["STORAGE_URL"])
        self.parcels = Parcels(self.store)
        self._authorities = None
        self._desk = None
        self._desk_made_at = None

    @property
    def authorities(self):
        """The own PKI's certificates with their keys."""
        with self._lock:
            if self._authorities is None:
                self._authorities = self._open_authorities()
            return self._authorities

    def _open_authorities(self):
        newest = {row.name: row for row in _read(select(Authority.__table__).order_by(Authority.generation))}
        if set(newest) != set(NAMES):
            raise RuntimeError("The portal has no certificate authority yet. Run: python run.py db upgrade")
        return pki.Authorities(**{name: self._open(newest[name]) for name in NAMES})

    def _open(self, row):
        key = load_key(self.keyring.open(row.sealed_key, _context(row)))
        return pki.Credential(x509.load_der_x509_certificate(row.certificate_der), key)

    @property
    def desk(self):
        """The signing desk, with CRLs of today."""
        with self._lock:
            moment = now()
            life = dt.timedelta(hours=DESK_LIFE_HOURS)
            if self._desk is None or not dt.timedelta() <= moment - self._desk_made_at < life:
                self._desk = self._make_desk(moment)
                self._desk_made_at = moment
            return self._desk

    def _make_desk(self, moment):
        own = self.authorities
        return SigningDesk(
            root=own.root.certificate,
            signers_ca=own.signers_ca,
            tsa=self._tsa(),
            ca_certificates=[own.signers_ca.certificate, own.tsa_ca.certificate],
            ca_crls=[self.root_crl(moment)],
            leaf_ocsp=self.leaf_ocsp,
        )

    def _tsa(self):
        if not self._config["TSA_URLS"]:
            own = self.authorities
            return EmbeddedTsa(own.tsa, [own.tsa_ca.certificate, own.root.certificate])
        roots = []
        if self._config["TSA_ROOTS_FILE"]:
            with open(self._config["TSA_ROOTS_FILE"], "rb") as file:
                roots = x509.load_pem_x509_certificates(file.read())
        return TimeStampAuthorities([HttpTsa(url, roots) for url in self._config["TSA_URLS"]])

    def root_crl(self, moment):
        """The root's list of revoked authorities, DER; none is revoked so far."""
        valid_for = dt.timedelta(days=CA_CRL_VALID_DAYS)
        return pki.crl(self.authorities.root, [], moment, number=int(moment.timestamp()), valid_for=valid_for)

    def leaf_ocsp(self, certificate):
        """A fresh OCSP answer, DER, about a certificate of ours; None about anybody else's."""
        own = self.authorities
        moment = now()
        valid_for = dt.timedelta(hours=LEAF_OCSP_VALID_HOURS)
        if certificate.issuer == own.tsa_ca.certificate.subject:
            return pki.ocsp_response(own.tsa_ca, certificate, None, moment, valid_for)
        if certificate.issuer != own.signers_ca.certificate.subject:
            return None  # an outside time-stamp authority's
        state = certificate_state(own.signers_ca.certificate, certificate.serial_number)
        return pki.ocsp_response(own.signers_ca, certificate, state and state.revoked_at, moment, valid_for)

    @property
    def roots(self):
        """What a verification trusts."""
        return self.desk.trusted_roots


def strongroom() -> Strongroom:
    """The strongroom of the running application."""
    return current_app.extensions["strongroom"]


def _read(statement):
    """Rows by a connection of their own, given back at once: no transaction stays open while signing goes on."""
    with reading(), db.engine.connect() as connection:
        return connection.execute(statement).all()


def pki_urls(base_url):
    """Where the certificates say that OCSP, CRLs and the authorities' certificates are found."""
    return pki.PkiUrls.under(f"{base_url}/pki")


def found(moment):
    """Make the portal's own PKI where there is none yet; the caller commits."""
    if db.session.scalar(select(Authority.id).limit(1)):
        return
    config = current_app.config
    made = pki.new_authorities(
        config["SERVICE_NAME"], moment, pki_urls(config["BASE_URL"]), KeyKind(config["KEY_KIND"])
    )
    keyring = strongroom().keyring
    for name in NAMES:
        credential = getattr(made, name)
        row = Authority(
            name=name,
            generation=1,
            certificate_der=credential.certificate.public_bytes(Encoding.DER),
            created_at=moment,
        )
        row.sealed_key = keyring.seal(key_to_der(credential.key), _context(row))
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


def certificate_state(ca_certificate, serial_number):
    """What OCSP says of a serial number; None where the authority never issued it."""
    own = strongroom().authorities
    if ca_certificate == own.tsa_ca.certificate:
        return pki.CertificateState() if serial_number == own.tsa.certificate.serial_number else None
    found = _read(
        select(Certificate.revoked_at).where(
            Certificate.serial == str(serial_number), Certificate.is_imported.is_(False)
        )
    )
    return pki.CertificateState(found[0].revoked_at) if found else None


def outside_of(certificate):
    """Chain and revocation lists of a certificate that an outside authority issued."""
    return Outside.from_pem(certificate.chain_pem, certificate.crl_pem)


def outside_roots(pdf):
    """The roots that count for the outside certificates with which this file was signed, by certificate."""
    rows = _read(
        select(Certificate.certificate_der, Certificate.chain_pem).where(
            Certificate.is_imported.is_(True), Certificate.certificate_der.in_(evidence.signers_of(pdf))
        )
    )
    return {row.certificate_der: Outside.from_pem(row.chain_pem, "").root for row in rows}
