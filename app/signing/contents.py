"""What a PDF holds of signatures and time stamps, and until when its last time stamp can be judged.

Read, not judged: that is :mod:`app.signing.verify`.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from asn1crypto import x509 as asn1_x509

from app import clock
from app.signing import evidence


@dataclass(frozen=True)
class Contents:
    """The signatures of a file, as they can be compared with what was recorded of them.

    :param signatures: field name and SHA-256 of the signer's certificate, of each
    :param time_stamps: number of document time stamps
    """

    signatures: frozenset[tuple[str, str]]
    time_stamps: int


@dataclass(frozen=True)
class Proof:
    """How long the evidence in a file suffices.

    :param until: the last day, in Japan, on which its last document time stamp can be judged
    :param algorithm: kind of key of that time stamp, such as ``rsa_3072``
    """

    until: dt.date
    algorithm: str


def contents_of(pdf: bytes) -> Contents | None:
    """The signatures in `pdf`; None where it cannot be read."""
    try:
        reader = evidence.read(pdf)
        signatures = {
            (one.field_name, hashlib.sha256(one.signer_cert.dump()).hexdigest())
            for one in reader.embedded_regular_signatures
        }
        return Contents(frozenset(signatures), len(reader.embedded_timestamp_signatures))
    except Exception:  # damaged bytes: parsers raise nearly anything
        return None


def proof_of(pdf: bytes, algorithm_ends: Mapping[str, dt.date]) -> Proof:
    """Until when the last document time stamp of an archived file lasts: its certificate, or its algorithm.

    :param algorithm_ends: kind of key -> the last day on which it is relied on
    """
    certificate = evidence.signer_certificate(evidence.read(pdf).embedded_timestamp_signatures[-1].signed_data)
    algorithm = algorithm_of(certificate)
    until = clock.japan_date(certificate.not_valid_after)
    return Proof(min(until, algorithm_ends.get(algorithm, until)), algorithm)


def algorithm_of(certificate: asn1_x509.Certificate) -> str:
    """The kind of key in a certificate, in the words of :class:`app.signing.keys.KeyKind`."""
    key = certificate.public_key
    if key.algorithm == "rsa":
        return f"rsa_{key.bit_size}"
    if key.algorithm == "ec":
        return f"p_{key.bit_size}"
    return key.algorithm
