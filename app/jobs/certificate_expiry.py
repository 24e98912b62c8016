"""Tell administrators and signers that a certificate ends: 30, 14 and 1 days before (I16)."""

from app.extensions import db
from app.services import certificates


def due(now):
    """Ids of the certificates of which a notice is owed."""
    return certificates.ending(now)


def run_one(certificate_id, now):
    """Owe the letters of one certificate; False when they are owed already or nobody needs them."""
    told = certificates.tell_of_end(certificate_id, now)
    db.session.commit()
    return told
