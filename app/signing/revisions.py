"""What the revisions of a signed PDF did to the evidence in it, to its pages, and to whoever reads its tables.

PAdES lets a later revision drop evidence that is no longer needed.  Ours never do: in a file of the portal the
store only grows, and what is gone was taken out by somebody who wants the signatures to look weaker.
"""

from collections.abc import Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

from app.signing import changes

KINDS = ("/Certs", "/OCSPs", "/CRLs")
END, BLANKS = b"%%EOF", b"\0\t\n\f\r "


def has_lost_evidence(reader: PdfFileReader, roots: Sequence[x509.Certificate]) -> bool:
    """Whether a file of ours lost certificates, OCSP answers or CRLs that an earlier revision had."""
    own = {root.public_bytes(Encoding.DER) for root in roots}
    begun = {signature.signed_revision for signature in reader.embedded_signatures}
    last = _evidence_in(reader, reader.xrefs.total_revisions - 1)
    for revision in sorted(begun):
        then = _evidence_in(reader, revision)
        if then & own and not then <= last:
            return True
    return False


def _evidence_in(reader, revision):
    catalog = reader.get_historical_resolver(revision).root
    if "/DSS" not in catalog:
        return set()
    store = catalog["/DSS"]
    return {stream.get_object().data for kind in KINDS if kind in store for stream in store[kind]}


def has_new_faces(reader: PdfFileReader, roots: Sequence[x509.Certificate]) -> bool:
    """Whether in a file of ours a field that shows something was added after the first signature.

    Ours have all fields from the beginning; a company that has its own key elsewhere could sign in one that covers the page.
    """
    own = {root.public_bytes(Encoding.DER) for root in roots}
    last = reader.xrefs.total_revisions - 1
    if not _evidence_in(reader, last) & own:
        return False
    first = min(signature.signed_revision for signature in reader.embedded_signatures)
    then = set(_fields_in(reader, first))
    return any(name not in then and changes.shows(field) for name, field in _fields_in(reader, last).items())


def _fields_in(reader, revision):
    catalog = reader.get_historical_resolver(revision).root
    if "/AcroForm" not in catalog:
        return {}
    fields = (one.get_object() for one in changes.at(catalog["/AcroForm"], "/Fields", ()))
    return {str(changes.at(field, "/T", "")): field for field in fields}


def are_plain(reader: PdfFileReader, pdf: bytes) -> bool:
    """Whether each revision after the first signature begins where the one before ended and says once where each object is.

    Readers differ in which of two places they take, and some look for objects that no table lists.
    """
    ends = {one.signed_revision: sum(map(int, list(one.byte_range)[-2:])) for one in reader.embedded_signatures}
    for revision in range(min(ends) + 1, reader.xrefs.total_revisions):
        table, listed = reader.xrefs.get_xref_container_info(revision), reader.xrefs.get_xref_data(revision)
        places = [place for _, place in listed.standard_xrefs.values() if place]
        begin = min([*places, table.start_location])
        before = reader.xrefs.get_xref_container_info(revision - 1)
        end = max(pdf.find(END, before.end_location) + len(END), ends.get(revision - 1, 0))
        if pdf[end:begin].strip(BLANKS) or begin < end:
            return False
        if not _lists_once(table, pdf):
            return False
    return True


def _lists_once(table, pdf):
    """Whether no object number stands twice in one table or cross-reference stream."""
    if table.stream_ref is not None:
        index = list(map(int, changes.at(table.stream_ref.get_object(), "/Index", (0, table.size))))
        spans = sorted(zip(index[::2], index[1::2], strict=True))
    else:
        written = pdf[table.start_location : table.end_location].split(b"trailer")[0]
        words = iter(written.strip(BLANKS).removeprefix(b"xref").split())
        spans = []
        for first in words:
            spans.append((int(first), int(next(words))))
            for _ in range(3 * spans[-1][1]):
                next(words)
        spans.sort()
    return all(first + count <= following for (first, count), (following, _) in pairwise(spans))
