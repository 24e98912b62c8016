"""The next generation of the own time-stamp authority, made in time: each with a key and a CA of its own."""

import datetime as dt

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app

from app.clock import japan_date
from app.services.strongroom import keep_authority, pki_urls, strongroom
from app.signing import authorities as pki
from app.signing.contents import algorithm_of
from app.signing.keys import KeyKind

# A certificate lasts eleven years.  Replaced six years on, whatever it stamps can be judged for five more.
LEAD = dt.timedelta(days=5 * 365)


def newest():
    """The number of the generation that stamps now."""
    return strongroom().tsa_generations[-1].number


def is_next_due(now):
    """Whether the own authority's certificate ends within five years, or its algorithm before a better one's.

    Outside authorities renew their certificates themselves.
    """
    config = current_app.config
    if config["TSA_URLS"]:
        return False
    certificate = strongroom().authorities.tsa.certificate
    if certificate.not_valid_after_utc - now < LEAD:
        return True
    ends, used = config["ALGORITHM_ENDS"], _algorithm_of(certificate)
    return used in ends and config["KEY_KIND"] not in ends and ends[used] <= japan_date(now + LEAD)


def make_next(former, now):
    """Make the generation after `former`; the caller commits, and then lets the strongroom read anew.

    Of two runs at once the second is refused by the database: a generation stands there once.
    """
    config = current_app.config
    number, kind, root = former + 1, KeyKind(config["KEY_KIND"]), strongroom().authorities.root
    urls, name = pki_urls(config["BASE_URL"], number), config["SERVICE_NAME"]
    ca = pki.new_tsa_ca(root, name, now, urls, kind, generation=number)
    keep_authority("tsa_ca", number, ca, now)
    keep_authority("tsa", number, pki.new_tsa(ca, name, now, urls, kind, generation=number), now)


def _algorithm_of(certificate):
    return algorithm_of(asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)))


def algorithm_in_use():
    """The kind of key by which the next time stamp will be made."""
    leaf = strongroom().desk.tsa_leaves()[0]
    return algorithm_of(asn1_x509.Certificate.load(leaf))
