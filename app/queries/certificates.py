"""Certificates, who may use them, and the codes one signs with."""

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.errors import NotFound
from app.extensions import db
from app.models import Certificate, CertificateActivation, CertificateApplication, SigningCode
from app.queries.typed import MOST_ID, as_code


def signer_ids(user_ids, moment):
    """Which of these people are 署名用ID: linked to a certificate that may be used at `moment` (R19)."""
    return set(
        db.session.scalars(
            select(CertificateActivation.user_id)
            .join(Certificate)
            .where(CertificateActivation.user_id.in_(user_ids), *_usable(moment))
        )
    )


def without_certificate(people, moment):
    """Those of these people who have no certificate to sign with."""
    known = signer_ids([person.id for person in people], moment)
    return [person for person in people if person.id not in known]


def activations_of(user, moment):
    """The person's links to certificates that may be used at `moment`, by certificate number."""
    return db.session.scalars(
        select(CertificateActivation)
        .join(Certificate)
        .where(CertificateActivation.user_id == user.id, *_usable(moment))
        .order_by(Certificate.number)
    ).all()


def all_activations_of(user):
    """The person's links to certificates, also of those that ended, by certificate number."""
    return db.session.scalars(
        select(CertificateActivation)
        .join(Certificate)
        .where(CertificateActivation.user_id == user.id)
        .order_by(Certificate.number)
    ).all()


def _usable(moment):
    """:meth:`Certificate.is_usable`, for the database."""
    return Certificate.revoked_at.is_(None), Certificate.not_before <= moment, Certificate.not_after > moment


def certificates_of(user, number=""):
    """自社電子証明書照会: those of the own company, the newest first, all or those whose number holds `number`."""
    found = _own_certificates(user).order_by(Certificate.number.desc())
    if number:
        found = found.where(Certificate.number.contains(as_code(number), autoescape=True))
    return db.session.scalars(found).all()


def certificate_of(user, certificate_id):
    """One of the own company's, or :class:`NotFound` for unknown and foreign alike."""
    if certificate_id > MOST_ID:
        raise NotFound
    certificate = db.session.scalar(_own_certificates(user).where(Certificate.id == certificate_id))
    if certificate is None:
        raise NotFound
    return certificate


def _own_certificates(user):
    return (
        select(Certificate)
        .where(Certificate.company_id == user.company_id)
        .options(selectinload(Certificate.activations).joinedload(CertificateActivation.user))
    )


def applications_of(user):
    """The own company's applications for certificates, the newest first."""
    return db.session.scalars(
        select(CertificateApplication)
        .where(CertificateApplication.company_id == user.company_id)
        .order_by(CertificateApplication.id.desc())
        .options(
            joinedload(CertificateApplication.applicant),
            joinedload(CertificateApplication.replaced),
            joinedload(CertificateApplication.issued),
        )
    ).all()


def valid_signing_code(user, document, moment):
    """The 署名用コード that was mailed to the person for the document as it is, and can be used still; or None."""
    code = db.session.scalar(
        select(SigningCode)
        .where(SigningCode.user_id == user.id, SigningCode.document_id == document.id)
        .order_by(SigningCode.id.desc())
        .limit(1)
    )
    return code if code is not None and code.is_valid_for(document, moment) else None
