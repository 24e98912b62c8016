"""What the revisions of a signed PDF did to the evidence in it.

PAdES lets a later revision drop evidence that is no longer needed.  Ours never do: in a file of the portal the
store only grows, and what is gone was taken out by somebody who wants the signatures to look weaker.
"""

from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.reader import PdfFileReader

KINDS = ("/Certs", "/OCSPs", "/CRLs")


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
