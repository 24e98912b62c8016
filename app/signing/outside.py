"""Certificates of outside authorities: read from PKCS#12, with the chain and the lists that prove them.

Nothing is fetched (S13): what an authority says about revocation comes as the revocation lists (CRLs) that
somebody uploads, one of each authority from the certificate's issuer up to the root.
"""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError

from app.signing.keys import KeyRefused, SigningKey, load_key

log = logging.getLogger(__name__)

RSA_BITS = range(3072, 8193)
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
MOST_AUTHORITIES = 8
WALL_SECONDS = 15
_CHILD = Path(__file__).parent / "_pkcs12_child.py"
_PEM_CRL = b"-----BEGIN X509 CRL-----"
# what reading a certificate or a list raises that somebody made wrongly, and perhaps signed
_MALFORMED = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion)


class OutsideRefused(Exception):
    """What was uploaded is not what is needed; `cause` is one word for it."""

    def __init__(self, cause: str):
        super().__init__(cause)
        self.cause = cause


@dataclass(frozen=True)
class Outside:
    """What stands behind a signer's certificate that the portal did not issue.

    :param chain: from the certificate's issuer up to the self-signed root
    :param crls: revocation lists, at most one of each authority of the chain
    """

    chain: tuple[x509.Certificate, ...]
    crls: tuple[x509.CertificateRevocationList, ...] = ()

    @classmethod
    def from_pem(cls, chain_pem: str, crl_pem: str) -> "Outside":
        """As :attr:`chain_pem` and :attr:`crl_pem` wrote it."""
        return cls(tuple(x509.load_pem_x509_certificates(chain_pem.encode())), tuple(read_crls(crl_pem.encode())))

    @property
    def root(self) -> x509.Certificate:
        return self.chain[-1]

    @property
    def chain_pem(self) -> str:
        return _pem(self.chain)

    @property
    def crl_pem(self) -> str:
        return _pem(self.crls)

    def crl_of(self, authority: x509.Certificate) -> x509.CertificateRevocationList | None:
        """The revocation list that this authority signed, if there is one."""
        return next((crl for crl in self.crls if _is_signed_by(crl, authority)), None)

    def lacking(self, moment) -> list[x509.Certificate]:
        """The authorities of the chain without a revocation list that is current at `moment`."""
        return [one for one in self.chain if not _is_current(self.crl_of(one), moment)]

    def with_crls(self, crls: Sequence[x509.CertificateRevocationList]) -> "Outside":
        """With these lists added, each in the place of its authority's former one.

        :raises OutsideRefused: ``foreign_crl``, ``old_crl`` (the one at hand is newer), ``partial_crl``
        """
        kept = self
        for crl in crls:
            authority = next((one for one in self.chain if _is_signed_by(crl, one)), None)
            if authority is None:
                raise OutsideRefused("foreign_crl")
            if crl.next_update_utc is None or _has(crl, x509.DeltaCRLIndicator):
                raise OutsideRefused("partial_crl")
            former = kept.crl_of(authority)
            if former is not None and former.last_update_utc > crl.last_update_utc:
                raise OutsideRefused("old_crl")
            kept = replace(kept, crls=(*(one for one in kept.crls if one is not former), crl))
        return kept

    def revoked(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """The first of `certificate` and the chain that a list at hand names as revoked, or None."""
        for one, issuer in zip((certificate, *self.chain), (*self.chain, self.root), strict=True):
            crl = self.crl_of(issuer)
            if crl is not None and crl.get_revoked_certificate_by_serial_number(one.serial_number) is not None:
                return one
        return None

    def proves(self, certificate: x509.Certificate) -> bool:
        """Whether chain and lists show a validator, now, that the certificate may sign and is not revoked."""
        context = ValidationContext(
            trust_roots=[_parsed(self.root)], crls=list(self.parsed_crls()), allow_fetching=False,
            revocation_mode="require",
        )  # fmt: skip
        validator = CertificateValidator(
            _parsed(certificate), [_parsed(one) for one in self.chain], validation_context=context
        )
        try:
            asyncio.run(validator.async_validate_usage(set()))
        except (PathBuildingError, PathValidationError, ValueError, TypeError, KeyError) as failure:
            log.info("outside certificate not proven: %s", failure)
            return False
        return True

    def parsed_crls(self) -> list[asn1_crl.CertificateList]:
        return [asn1_crl.CertificateList.load(crl.public_bytes(Encoding.DER)) for crl in self.crls]


@dataclass(frozen=True)
class Imported:
    """The contents of a PKCS#12 file that may be used for signing."""

    key: SigningKey
    certificate: x509.Certificate
    outside: Outside


def open_pkcs12(file: bytes, password: str, more_authorities: Sequence[x509.Certificate] = ()) -> Imported:
    """The key and certificate of a PKCS#12 file, with the chain up to the root.

    :param more_authorities: certificates with which to complete a chain, beside those of the file
    :raises OutsideRefused: ``not_pkcs12``, ``wrong_password``, ``unsupported``, ``too_complex``, ``no_key``,
        ``weak_key``, ``strange_key``, ``not_for_signing``, ``weak_signature``, ``self_signed``, ``no_chain``
    """
    found = _in_child(file, password)
    if found.get("cause"):
        raise OutsideRefused(found["cause"])
    if found["key"] is None or not found["has_own"]:
        raise OutsideRefused("no_key")
    try:
        certificate, *others = [x509.load_der_x509_certificate(bytes.fromhex(one)) for one in found["certificates"]]
        key = load_key(bytes.fromhex(found["key"]))  # whose arithmetic was checked when the file was opened
        _check_key(key, certificate)
        _check_certificate(certificate)
        chain = _chain(certificate, [*others, *more_authorities])
    except KeyRefused:
        raise OutsideRefused("strange_key") from None
    except _MALFORMED as error:
        log.info("certificate not readable: %r", error)
        raise OutsideRefused("unsupported") from None
    return Imported(key, certificate, Outside(tuple(chain)))


def read_crls(uploaded: bytes) -> list[x509.CertificateRevocationList]:
    """The revocation lists of one file, DER or PEM with any number of them.

    :raises OutsideRefused: ``not_crl``
    """
    try:
        if _PEM_CRL not in uploaded:
            found = [x509.load_der_x509_crl(uploaded)] if uploaded else []
        else:
            found = [x509.load_pem_x509_crl(_PEM_CRL + part) for part in uploaded.split(_PEM_CRL)[1:]]
        for crl in found:
            len(crl.extensions)  # read only now
    except _MALFORMED:
        raise OutsideRefused("not_crl") from None
    return found


def _in_child(file, password):
    given = json.dumps({"file": file.hex(), "password": password.encode().hex()})
    try:
        done = subprocess.run(  # noqa: S603 - fixed command, no shell
            [sys.executable, "-I", "-B", str(_CHILD)],
            input=given.encode(), capture_output=True, timeout=WALL_SECONDS, env={"LANG": "C.UTF-8"}, cwd="/",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"cause": "too_complex"}
    if done.returncode < 0:
        return {"cause": "too_complex"}
    if done.returncode:
        raise RuntimeError(f"The PKCS#12 program failed: {done.stderr[-2000:].decode(errors='replace')}")
    return json.loads(done.stdout)


def _check_key(key, certificate):
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < RSA_BITS.start:
            raise OutsideRefused("weak_key")
        if key.key_size not in RSA_BITS:
            raise OutsideRefused("strange_key")
    elif key.curve.key_size < 256:
        raise OutsideRefused("weak_key")
    elif not isinstance(key.curve, CURVES):
        raise OutsideRefused("strange_key")
    if key.public_key() != certificate.public_key():
        raise OutsideRefused("no_key")


def _check_certificate(certificate):
    usage = _extension(certificate, x509.KeyUsage)
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        raise OutsideRefused("not_for_signing")
    if certificate.issuer == certificate.subject:
        raise OutsideRefused("self_signed")
    if isinstance(certificate.signature_hash_algorithm, hashes.MD5 | hashes.SHA1):
        raise OutsideRefused("weak_signature")


def _chain(certificate, candidates):
    chain = []
    while not chain or chain[-1].issuer != chain[-1].subject:
        last = chain[-1] if chain else certificate
        issuer = next((one for one in candidates if _is_issuer(one, last)), None)
        if issuer is None or len(chain) == MOST_AUTHORITIES:
            raise OutsideRefused("no_chain")
        chain.append(issuer)
    if not _is_issuer(chain[-1], chain[-1]):
        raise OutsideRefused("no_chain")
    if any(isinstance(one.signature_hash_algorithm, hashes.MD5 | hashes.SHA1) for one in chain[:-1]):
        raise OutsideRefused("weak_signature")
    return chain


def _is_issuer(authority, certificate):
    constraints = _extension(authority, x509.BasicConstraints)
    if authority.subject != certificate.issuer or constraints is None or not constraints.ca:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _is_signed_by(crl, authority):
    try:
        return crl.issuer == authority.subject and crl.is_signature_valid(authority.public_key())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _is_current(crl, moment):
    return crl is not None and crl.last_update_utc <= moment < crl.next_update_utc


def _extension(certificate, kind):
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _has(crl, kind):
    return any(isinstance(one.value, kind) for one in crl.extensions)


def _pem(values):
    return "".join(value.public_bytes(Encoding.PEM).decode() for value in values)


def _parsed(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
