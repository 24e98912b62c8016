"""The service's own seal: the certificate by which the portal signs what it certifies itself.

Made by the release step and renewed by a job, never while a page is asked for: a GET changes no row.  A former
generation stays, so that OCSP goes on answering about it.
"""

import datetime as dt

from flask import current_app
from sqlalchemy import func, select

from app.clock import now as clock_now
from app.errors import SigningFailed
from app.extensions import db
from app.models import Authority
from app.services.strongroom import SEAL, keep_authority, pki_urls, strongroom
from app.signing import authorities as pki
from app.signing.keys import KeyKind

LEAD = dt.timedelta(days=365)
MISSING = "証明書に付与する電子署名の準備ができていません。お手数ですが、お問い合わせ窓口までご連絡ください。"


def newest():
    """The seal in use, with its key.

    :raises SigningFailed: there is none, or it has expired
    """
    seals = strongroom().seals()
    if not seals or seals[0].certificate.not_valid_after_utc <= clock_now():
        raise SigningFailed(MISSING)
    return seals[0]


def is_due(now):
    """Whether the portal has no seal yet, or the one in use ends within a year."""
    seals = strongroom().seals()
    return not seals or seals[0].certificate.not_valid_after_utc - now < LEAD


def generation():
    """The number of the newest generation; 0 where there is none."""
    return db.session.scalar(select(func.max(Authority.generation)).where(Authority.name == SEAL)) or 0


def make_next(former, now):
    """Make the generation after `former`; the caller commits.

    Of two runs at once the second is refused by the database: a generation stands there once.
    """
    config = current_app.config
    made = pki.new_seal(
        strongroom().authorities.signers_ca, config["SERVICE_NAME"], config["OPERATOR_NAME"], now,
        pki_urls(config["BASE_URL"]), KeyKind(config["KEY_KIND"]),
    )  # fmt: skip
    keep_authority(SEAL, former + 1, made, now)


def found(now):
    """Make the first seal where there is none; the authorities are committed already.  The caller commits."""
    if generation() == 0:
        make_next(0, now)
