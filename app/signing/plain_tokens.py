"""A time-stamp token (RFC 3161) checked with the standard library and `cryptography` alone.

A second, independent reader beside pyHanko's, for those who check an exported 監査ログ without the portal.
"""

import datetime as dt
import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
HASHES = {
    bytes.fromhex("0609608648016503040201"): hashes.SHA256(),
    bytes.fromhex("0609608648016503040202"): hashes.SHA384(),
    bytes.fromhex("0609608648016503040203"): hashes.SHA512(),
}
MOST_LINKS = 8  # certificates from the authority up to its root


class TokenInvalid(Exception):
    """The token does not hold; the text says why."""


class _Der:
    """One DER element: its tag, its content and all its bytes."""

    def __init__(self, source, at=0):
        try:
            self.tag, length, start = source[at], source[at + 1], at + 2
            if length & 0x80:
                size = length & 0x7F
                if not 1 <= size <= 4:
                    raise TokenInvalid("unreadable")
                length, start = int.from_bytes(source[start : start + size], "big"), start + size
        except IndexError:
            raise TokenInvalid("unreadable") from None
        self.end = start + length
        if self.end > len(source):
            raise TokenInvalid("cut off")
        self.content, self.whole = source[start : self.end], source[at : self.end]

    def parts(self):
        found, at = [], 0
        while at < len(self.content):
            found.append(_Der(self.content, at))
            at = found[-1].end
        return found


def check(token: bytes, digest: bytes, roots) -> dt.datetime:
    """The time at which the token says that the digest existed.

    :param digest: SHA-256 of what was time-stamped
    :param roots: certificates, one of which the authority must lead to.  Certificates are judged at the token's
        own time; revocation is not looked at
    :raises TokenInvalid: it does not hold

    Source: RFC 3161, 2.4.2; RFC 5652, 5; RFC 5816
    """
    try:
        return _check(token, digest, roots)
    except (IndexError, ValueError, TypeError, KeyError) as error:
        raise TokenInvalid(f"unreadable ({type(error).__name__})") from error


def _check(token, digest, roots):
    content_type, wrapped = _Der(token).parts()
    if content_type.whole != SIGNED_DATA:
        raise TokenInvalid("no signed data")
    _version, _algorithms, encapsulated, *rest = _Der(wrapped.content).parts()
    inner_type, inner = encapsulated.parts()
    if inner_type.whole != TST_INFO:
        raise TokenInvalid("no time-stamp token")
    info = _Der(inner.content).content
    certificates = [
        x509.load_der_x509_certificate(der.whole) for part in rest if part.tag == 0xA0 for der in part.parts()
    ]
    (signer,) = next(part for part in rest if part.tag == 0x31).parts()
    stamped_at = _info(info, digest)
    leaf = _check_signer(signer, info, certificates)
    _check_usage(leaf)
    _check_chain(leaf, certificates, roots, stamped_at)
    return stamped_at


def _info(info, digest):
    """The time in a TSTInfo over this digest."""
    _version, _policy, imprint, _serial, at, *_rest = _Der(info).parts()
    algorithm, hashed = imprint.parts()
    if not isinstance(HASHES.get(algorithm.parts()[0].whole), hashes.SHA256) or hashed.content != digest:
        raise TokenInvalid("it is over something else")
    plain = at.content.decode("ascii").rstrip("Z").partition(".")[0]
    return dt.datetime.strptime(plain, "%Y%m%d%H%M%S").replace(tzinfo=dt.UTC)


def _check_signer(signer, info, certificates):
    """The certificate whose key signed the token."""
    _version, named, digest_algorithm, signed, signature_algorithm, signature, *_rest = signer.parts()
    algorithm = HASHES.get(digest_algorithm.parts()[0].whole)
    if algorithm is None or signed.tag != 0xA0:
        raise TokenInvalid("weak or unsigned")
    attributes = {part.parts()[0].whole: part.parts()[1].parts()[0] for part in signed.parts()}
    if attributes[CONTENT_TYPE].whole != TST_INFO:
        raise TokenInvalid("signed as something else")
    if attributes[MESSAGE_DIGEST].content != hashlib.new(algorithm.name, info).digest():
        raise TokenInvalid("changed after signing")
    leaf = next((c for c in certificates if _is_named(c, named)), None)
    if leaf is None:
        raise TokenInvalid("the authority's certificate is missing")
    if SIGNING_CERTIFICATE_V2 in attributes:
        _check_named(attributes[SIGNING_CERTIFICATE_V2], leaf)
    message, key = b"\x31" + signed.whole[1:], leaf.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature.content, message, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature.content, message, ec.ECDSA(algorithm))
        else:
            raise TokenInvalid("unknown kind of key")
    except InvalidSignature:
        raise TokenInvalid("its signature does not hold") from None
    return leaf


def _is_named(certificate, named):
    if named.tag == 0x80:  # subject key identifier
        try:
            extension = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
        except x509.ExtensionNotFound:
            return False
        return extension.value.digest == named.content
    issuer, serial = named.parts()
    number = int.from_bytes(serial.content, "big", signed=True)
    return certificate.issuer.public_bytes() == issuer.whole and certificate.serial_number == number


def _check_named(attribute, leaf):
    """The signed attribute must name this very certificate (RFC 5816)."""
    first = attribute.parts()[0].parts()[0].parts()
    algorithm = HASHES[first[0].parts()[0].whole] if first[0].tag == 0x30 else hashes.SHA256()
    named = (first[1] if first[0].tag == 0x30 else first[0]).content
    if leaf.fingerprint(algorithm) != named:
        raise TokenInvalid("it names another certificate")


def _check_usage(leaf):
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        raise TokenInvalid("the certificate is not for time stamping") from None
    if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise TokenInvalid("the certificate is not for time stamping")


def _check_chain(certificate, others, roots, at):
    """Up to one of the roots, each certificate in its time and issued by the next."""
    for _ in range(MOST_LINKS):
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise TokenInvalid("a certificate was out of its time")
        if certificate in roots:
            return
        issuer = next((c for c in (*roots, *others) if c != certificate and _issued(c, certificate)), None)
        if issuer is None:
            break
        certificate = issuer
    raise TokenInvalid("it leads to no trusted root")


def _issued(issuer, certificate):
    try:
        if not issuer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    return True
