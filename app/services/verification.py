"""検証: what can be said about a PDF, anybody's or one of our own (L1, L12).

Nothing of the file is kept, and nothing about it is logged.
"""

import threading
from dataclasses import dataclass

from flask import current_app

from app import queries
from app.errors import Busy, VerificationRefused
from app.services.strongroom import outside_roots, outside_roots_of, revoked_among, strongroom
from app.signing.authorities import SEAL_NO
from app.signing.intake import Limits
from app.signing.verdict import Verdict
from app.signing.verify import after_revocation, verify
from app.signing.verify_apart import verify_apart

AT_ONCE = 2  # in one process; each may take seconds and half a gigabyte
PATIENCE_SECONDS = 1

_free = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Report:
    """What is told about a file.

    :param kept: how the file stands to those in our store; it names no document
    :param is_certificate: it is a 合意締結証明書 of ours, as it was issued
    """

    verdict: Verdict
    size_bytes: int
    kept: queries.Kept
    is_certificate: bool = False


def examine(pdf, expected=()):
    """Judge a file by its bytes alone, and look its SHA-256 up in our store.

    :param expected: signature fields that must be signed
    :raises VerificationRefused: nothing in it, or too large
    :raises Busy: others are being examined
    """
    limit = current_app.config["MAX_VERIFIED_MB"]
    if not pdf:
        raise VerificationRefused("ファイルの中身が空（0バイト）です。検証するPDFファイルをもう一度お選びください。")
    if len(pdf) > limit * 1024 * 1024:
        raise VerificationRefused(f"ファイルの大きさが上限の{limit}MBを超えているため、検証できません。")
    return _examined(pdf, expected)


def examine_document(document):
    """The same for the stored file of a concluded document, which everybody who had to sign must have signed."""
    expected = [party.field_name for party in document.parties if party.field_name]
    return _examined(strongroom().store.get(document.pdf_sha256), expected)


def _examined(pdf, expected):
    if not _free.acquire(timeout=PATIENCE_SECONDS):
        raise Busy
    foreign = []  # signers for whom the own root is not enough

    def roots_of_foreign(certificates):
        foreign.extend(certificates)
        return outside_roots_of(certificates)

    try:
        verdict = verify_apart(
            pdf, strongroom().roots, roots_of_foreign, expected, Limits(memory_bytes=600 * 1024 * 1024),
            current_app.config["ALGORITHM_ENDS"], strongroom().stamp_roots,
        )  # fmt: skip
    finally:
        _free.release()
    return _report(verdict, len(pdf), foreign)


def examine_here(pdf):
    """The same in this process and for a file of any size, for the command line."""
    outside, strong = outside_roots(pdf), strongroom()
    ends = current_app.config["ALGORITHM_ENDS"]
    return _report(verify(pdf, strong.roots, outside, ends=ends, stamp_roots=strong.stamp_roots), len(pdf), outside)


def _report(verdict, size_bytes, foreign):
    """The verdict with what only the portal knows.

    :param foreign: signers for whom the own root is not enough
    """
    names = {one.certificate_no for one in verdict.signatures}  # under the own root, SEAL is the service
    verdict = after_revocation(verdict, revoked_among(names))
    is_certificate = verdict.is_valid and not foreign and names == {SEAL_NO}
    return Report(verdict, size_bytes, queries.kept_as(verdict.sha256), is_certificate)
