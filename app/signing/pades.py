"""Signing and archiving PDFs: PAdES B-LT in one revision, B-LTA by a document time stamp.

A level is claimed only after it was found in the bytes produced, with nothing but these bytes and the trusted
roots at hand.  Approval signatures only: each locks its own field and nothing else, so that the next
company can sign after it.

Source: ETSI EN 319 142-1, 6 (baseline levels); design.md 5
"""

import contextlib
import io
import logging
import threading
from collections.abc import Callable, Iterable

from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields as pdf_fields
from pyhanko.sign import signers
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.generic_cms import extract_tst_data_iter
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from app import clock
from app.errors import PortalError, SigningFailed
from app.signing import evidence, judgement
from app.signing.authorities import Credential
from app.signing.keys import SigningKey, sign_sha256, signature_bytes
from app.signing.outside import Outside
from app.signing.stamps import Stamp, StampStyle
from app.signing.timestamps import CertifiedTimeStamper
from app.signing.whole import WholeAttributes, WholeCertificate

log = logging.getLogger(__name__)

ARCHIVE_FIELD = "archive-{}"
_CMS_OVERHEAD_BYTES = 3072  # attributes, names and the time stamp's own content

_FIELD_MISSING = (
    "契約文書に署名欄が見つからないため、署名できませんでした。"
    "お手数ですが、お問い合わせ窓口までご連絡ください。"
)
_FIELD_TAKEN = "この署名欄にはすでに署名されています。最新の状態を表示して、内容をご確認ください。"


class SigningDesk:
    """What the portal needs at hand to sign: its authorities, time stamps and evidence about certificates.

    May be shared by threads.  asn1crypto's objects may not (they parse lazily), so each thread parses its
    own.

    :param root: the trusted root of the portal
    :param signers_ca: the CA that issued the signers' certificates
    :param ca_certificates: every CA between the root and a signer or TSA, those of former generations too
    :param ca_crls: the root's revocation lists over these CAs (DER), or a function that returns the newest
        ones
    :param leaf_ocsp: returns a fresh OCSP answer (DER) for a signer's or a TSA's certificate, or None
        where only a revocation list speaks about it (outside TSAs)
    """

    def __init__(
        self,
        root: x509.Certificate,
        signers_ca: Credential,
        tsa: CertifiedTimeStamper,
        ca_certificates: list[x509.Certificate],
        ca_crls: list[bytes] | Callable[[], list[bytes]],
        leaf_ocsp: Callable[[x509.Certificate], bytes | None],
    ):
        self.root = root
        self.tsa = tsa
        self.leaf_ocsp = leaf_ocsp
        self._ca_crls = ca_crls
        self._signers_ca_der = signers_ca.certificate.public_bytes(Encoding.DER)
        self._ca_ders = list(
            dict.fromkeys(
                c.public_bytes(Encoding.DER) for c in (root, signers_ca.certificate, *ca_certificates)
            )
        )
        self._of_thread = threading.local()

    def sign(
        self,
        pdf: bytes,
        *,
        key: SigningKey,
        certificate: x509.Certificate,
        field: str,
        stamp: Stamp | None = None,
        reason: str | None = None,
        outside: Outside | None = None,
    ) -> bytes:
        """Sign the empty signature field `field`; see :func:`sign_pdf`."""
        return sign_pdf(
            self, pdf, key=key, certificate=certificate, field=field, stamp=stamp, reason=reason, outside=outside
        )

    def archive(self, pdf: bytes, outside: evidence.OutsideRoots = evidence.NOBODY) -> bytes:
        """Add a document time stamp over everything; see :func:`timestamp_archive`."""
        return timestamp_archive(self, pdf, outside)

    @property
    def trusted_roots(self) -> list[x509.Certificate]:
        """Our root, and those that outside time stamps lead to."""
        return [self.root, *self.tsa.roots]

    @property
    def ca_crls(self) -> list[bytes]:
        """The newest revocation lists over the CAs, as DER."""
        return self._ca_crls() if callable(self._ca_crls) else self._ca_crls

    def parsed_ca_certificates(self) -> list[asn1_x509.Certificate]:
        """The root and the CAs, in objects of the calling thread."""
        if not hasattr(self._of_thread, "cas"):
            self._of_thread.cas = [asn1_x509.Certificate.load(der) for der in self._ca_ders]
        return self._of_thread.cas

    def parsed_signers_ca(self) -> asn1_x509.Certificate:
        """The signers' CA, in an object of the calling thread."""
        return self.parsed_ca_certificates()[self._ca_ders.index(self._signers_ca_der)]

    def answers_about(self, leaves: Iterable[bytes]) -> list[asn1_ocsp.OCSPResponse]:
        """Fresh OCSP answers about these certificates (DER); those that have none are left out."""
        answers = (self.leaf_ocsp(x509.load_der_x509_certificate(der)) for der in dict.fromkeys(leaves))
        return [asn1_ocsp.OCSPResponse.load(answer) for answer in answers if answer]

    def validation_context(self, leaves: Iterable[bytes], outside: Outside | None = None) -> ValidationContext:
        """What must be believable when a signature is made: every certificate with its revocation state."""
        chain = outside.chain if outside else ()
        return ValidationContext(
            trust_roots=[_parsed(root) for root in (*self.trusted_roots, *chain[-1:])],
            other_certs=[*self.parsed_ca_certificates(), *map(_parsed, chain)],
            crls=[
                *(asn1_crl.CertificateList.load(der) for der in self.ca_crls),
                *(outside.parsed_crls() if outside else ()),
            ],
            ocsps=self.answers_about(leaves),
            allow_fetching=False,
            revocation_mode="require",
        )

    def tsa_leaves(self) -> list[bytes]:
        """The certificates (DER) of the time-stamp authorities that may answer."""
        return [chain[0] for chain in self.tsa.certificate_chains()]


def sign_pdf(
    desk: SigningDesk,
    pdf: bytes,
    *,
    key: SigningKey,
    certificate: x509.Certificate,
    field: str,
    stamp: Stamp | None = None,
    reason: str | None = None,
    outside: Outside | None = None,
) -> bytes:
    """Add one PAdES B-LT signature to a PDF; signatures already in it stay valid.

    :param pdf: the whole file
    :param field: name of an empty signature field that :func:`app.signing.fields.place_fields` made
    :param stamp: what is shown in the field; None leaves it blank
    :param outside: chain and current revocation lists, where an outside authority issued the certificate
    :returns: the whole signed file: `pdf`, unchanged, plus an incremental update
    :raises SigningFailed: the file, the key, the certificate or the time-stamp authority refused.  The
        server's own clock never stands in for a time stamp.

    Source: ETSI EN 319 142-1, baseline level B-LT
    """
    with _only_signing_failures():
        known_before = None
        roots = {certificate.public_bytes(Encoding.DER): outside.root} if outside else evidence.NOBODY
        while True:
            chains = desk.tsa.certificate_chains()
            signed = _sign_once(desk, chains, pdf, key, certificate, field, stamp, reason, outside)
            failure = judgement.why_not_b_lt(signed, field, [desk.root], roots, desk.tsa.roots)
            if failure is None:
                return signed
            # an outside TSA may have answered with a certificate it did not have before: known from now on
            if chains in (known_before, desk.tsa.certificate_chains()):
                raise SigningFailed from ValueError(failure)
            known_before = chains


def timestamp_archive(
    desk: SigningDesk, pdf: bytes, outside: evidence.OutsideRoots = evidence.NOBODY
) -> bytes:
    """Add a document time stamp (B-LTA), after the evidence about everything in the file.

    Serves for 長期保管 of signed documents and of documents without signatures, and for the extension by a
    further ten years: then the evidence is about the former time stamp's chain, and former signers, whose
    certificates have expired meanwhile, get no new one.  Nor do signers of outside authorities: what was current when
    they signed lies in the file.

    :param outside: the roots of the outside certificates among the signers'
    :raises SigningFailed: no time stamp, or the result would not be provable until that time stamp expires

    Source: ETSI EN 319 142-1, 5.5 and baseline level B-LTA
    """
    with _only_signing_failures():
        writer = _open(pdf)
        now = clock.now()
        embedded = writer.prev.embedded_signatures
        certificates = [c for signature in embedded for c in _certificates_of(signature)]
        leaves = [signature.signer_cert for signature in embedded]
        for signature in writer.prev.embedded_regular_signatures:
            for token in extract_tst_data_iter(signature.signer_info, signed=False):
                leaves.append(evidence.signer_certificate(token))
        chains = desk.tsa.certificate_chains()
        alive = [c.dump() for c in leaves if c.not_valid_after > now]
        tsa_certificates = [asn1_x509.Certificate.load(der) for chain in chains for der in chain]
        DocumentSecurityStore.supply_dss_in_writer(
            writer,
            None,
            certs=[
                *desk.parsed_ca_certificates(),
                *map(_parsed, desk.tsa.roots),
                *tsa_certificates,
                *certificates,
            ],
            ocsps=desk.answers_about([*desk.tsa_leaves(), *alive]),
            crls=[asn1_crl.CertificateList.load(der) for der in desk.ca_crls],
        )
        number = 1 + len(writer.prev.embedded_timestamp_signatures)
        signers.PdfTimeStamper(desk.tsa, field_name=ARCHIVE_FIELD.format(number)).timestamp_pdf(
            writer, "sha256", bytes_reserved=_reserve(chains), in_place=True
        )
        archived = writer.prev.stream.getvalue()
        failure = judgement.why_not_b_lta(archived, [desk.root], outside, desk.tsa.roots)
        if failure:
            raise SigningFailed from ValueError(failure)
        return archived


class _HeldKeySigner(signers.Signer):
    """Signs with a key object that is already open, instead of loading and checking it for each document."""

    def __init__(self, key, certificate, issuers):
        super().__init__(
            signing_cert=WholeCertificate.read(certificate.dump()),
            cert_registry=SimpleCertificateStore.from_certs([WholeCertificate.read(one.dump()) for one in issuers]),
            embed_roots=True,  # the root's existence must be provable too, so it goes into the DSS
        )
        self._key = key

    async def async_sign_prescribed_attributes(self, digest_algorithm, signed_attrs, **more):
        settled = WholeAttributes.read(signed_attrs.dump())
        return await super().async_sign_prescribed_attributes(digest_algorithm, settled, **more)

    async def unsigned_attrs(self, *args, **more):
        attributes = await super().unsigned_attrs(*args, **more)
        return attributes and WholeAttributes.read(attributes.dump())

    async def async_sign_raw(self, data, digest_algorithm, dry_run=False):
        return bytes(signature_bytes(self._key)) if dry_run else sign_sha256(self._key, data)


def _sign_once(desk, chains, pdf, key, certificate, field, stamp, reason, outside):
    if certificate.public_key() != key.public_key():
        raise SigningFailed from ValueError("the key does not belong to the certificate")
    writer = _open(pdf)
    _refuse_unless_open(writer, field)
    parsed = _parsed(certificate)
    # all that the signature and its time stamp will carry, also what no path leads over
    DocumentSecurityStore.supply_dss_in_writer(
        writer, None, certs=[asn1_x509.Certificate.load(der) for chain in chains for der in chain]
    )
    context = desk.validation_context([parsed.dump(), *desk.tsa_leaves()], outside)
    issuers = [_parsed(one) for one in outside.chain] if outside else [desk.parsed_signers_ca()]
    metadata = signers.PdfSignatureMetadata(
        field_name=field,
        md_algorithm="sha256",
        subfilter=pdf_fields.SigSeedSubFilter.PADES,
        reason=reason,
        embed_validation_info=True,
        validation_context=context,
        dss_settings=signers.pdf_signer.DSSContentSettings(
            include_vri=False,
            placement=signers.pdf_signer.SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE,
        ),
    )
    signer = signers.PdfSigner(
        metadata,
        signer=_HeldKeySigner(key, parsed, issuers),
        timestamper=desk.tsa,
        stamp_style=StampStyle(stamp=stamp),
    )
    chain = [one.dump() for one in (parsed, *issuers)]
    signer.sign_pdf(writer, bytes_reserved=_reserve([*chains, chain]), in_place=True)
    return writer.prev.stream.getvalue()


def _open(pdf):
    return IncrementalPdfFileWriter(io.BytesIO(pdf), decode_limits=evidence.DECODE_LIMITS)


def _refuse_unless_open(writer, field):
    found = list(pdf_fields.enumerate_sig_fields(writer.prev, with_name=field))
    if not found:
        raise SigningFailed(_FIELD_MISSING)
    if found[0][1] is not None:
        raise SigningFailed(_FIELD_TAKEN)


def _reserve(chains):
    """Hexadecimal digits to keep free for a signature that carries these certificates (DER)."""
    needed = sum(len(der) for chain in chains for der in chain) + _CMS_OVERHEAD_BYTES
    return 2 * (needed + -needed % 1024)


def _parsed(certificate):
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def _certificates_of(signature):
    yield signature.signer_cert
    yield from signature.other_embedded_certs


@contextlib.contextmanager
def _only_signing_failures():
    """Whatever goes wrong becomes :class:`SigningFailed`: nobody may take half a result for a signature."""
    try:
        yield
    except PortalError:
        raise
    except Exception as failure:
        log.exception("signing failed")
        raise SigningFailed from failure
