"""The end of keys in a token (PKCS#11): revoked by a row, destroyed by a job.

A certificate is revoked whether its token answers or not, and no transaction that may still fail destroys a key.
From the commit on nothing can use the key, for its reference is erased; the token follows within minutes.
"""

from sqlalchemy import select

from app.errors import HardwareFailed
from app.extensions import db
from app.models import Certificate
from app.services.strongroom import strongroom


def to_destroy():
    """Ids of the revoked certificates whose keys lie in a token still."""
    return db.session.scalars(
        select(Certificate.id)
        .where(Certificate.revoked_at.is_not(None), Certificate.token_key.is_not(None))
        .order_by(Certificate.id)
    ).all()


def destroy(certificate_id):
    """Destroy one key for ever, and note that; the caller commits.

    :returns: False where it was gone already
    :raises HardwareFailed: the token does not answer, or none is set up
    """
    certificate = db.session.get(Certificate, certificate_id)
    token_key, token = certificate.token_key, strongroom().token
    db.session.rollback()  # the token may be slow, and nothing waits for it
    if token_key is None:
        return False
    if token is None:
        raise HardwareFailed
    was_there = token.destroy(bytes.fromhex(token_key))
    db.session.get(Certificate, certificate_id).token_key = None
    return was_there
