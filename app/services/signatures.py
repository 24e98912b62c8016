"""One 署名, from the checks to the signed file; the step itself is :func:`app.services.documents.sign`.

Checking reads and counts a try, making is slow and runs outside any transaction, the step is a short
transaction that checks the turn again.  A request that dies in between leaves an unnamed file.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from app.errors import Refused, SecretLocked
from app.extensions import db
from app.labels import field_label
from app.models import CertificateActivation, Level
from app.services import certificates, documents, lock_notices, signing_codes, signing_passwords
from app.services.files import SignedFile
from app.services.strongroom import strongroom
from app.signing.outside import Outside
from app.signing.stamps import Stamp
from app.workflow import Action


@dataclass(frozen=True)
class Order:
    """All that signing needs; plain values, so that no row is touched while it runs."""

    pdf_sha256: str
    field_name: str
    stamp: Stamp
    reason: str
    key: Any
    x509: Any
    certificate_id: int
    outside: Outside | None = None  # where an outside authority issued the certificate
    signing_password_id: int | None = None
    signing_code_id: int | None = None


@dataclass(frozen=True)
class Means:
    """What one person signs with: a certificate, and the key that was opened for it."""

    key: Any
    x509: Any
    certificate_id: int
    outside: Outside | None


def check(document, actor, activation_id, typed, now):
    """Everything R107 asks of a signature; a wrong password or code costs a try.

    :param activation_id: the row chosen in 「証明書」
    :param typed: the 署名用パスワード, or the 署名用コード of this document where the company chose that (S19)
    :raises app.errors.OutOfTurn: not the holder, or not 署名待ち
    :raises Refused: no certificate chosen, never activated (R82), expired, no current revocation list of an
        outside authority, wrong password
    """
    documents.check_turn(Action.sign, document, actor, now)
    means = means_of(actor, activation_id, now)
    return order_of(document, actor, means, now, **check_secret(actor, document, typed, now))


def means_of(actor, activation_id, now):
    """The certificate that was chosen, with its key; whoever signs many documents at once asks for it once.

    :raises Refused: as in :func:`check`
    """
    activation = db.session.get(CertificateActivation, activation_id) if activation_id else None
    if activation is None or activation.user_id != actor.id:
        raise Refused("署名に使用する証明書を選択してください。")
    key, x509 = certificates.signing_key(activation, now)
    outside = certificates.outside_evidence(activation.certificate, now)
    return Means(key, x509, activation.certificate_id, outside)


def check_secret(actor, document, typed, now):
    """The 署名用パスワード or 署名用コード that was typed, as the column that names it; commits the try.

    :param document: the one that a code has to be of; a password is good for every document
    """
    by_code = actor.company.signs_by_code
    try:
        if by_code:
            return {"signing_code_id": signing_codes.check(actor, document, typed, now).id}
        return {"signing_password_id": signing_passwords.check(actor, typed, now).id}
    except SecretLocked:
        lock_notices.tell(actor, "署名用コード" if by_code else "署名用パスワード", now)
        raise


def order_of(document, actor, means, now, *, signing_password_id=None, signing_code_id=None):
    """What :func:`make` needs to sign this document."""
    party = document.party_of(actor.company_id)
    return Order(
        pdf_sha256=document.pdf_sha256,
        field_name=party.field_name,
        stamp=stamp_of(party, actor, now),
        reason=f"{document.number} {document.title}",
        key=means.key, x509=means.x509, certificate_id=means.certificate_id, outside=means.outside,
        signing_password_id=signing_password_id, signing_code_id=signing_code_id,
    )  # fmt: skip


def stamp_of(party, signer, moment: dt.datetime):
    """What the visible stamp of a company says."""
    return Stamp(field_label(party), party.company.name, signer.full_name, moment)


def make(order):
    """Sign the stored file into a new stored file, PAdES B-LT (R3, R81).

    :raises app.errors.SigningFailed: no time stamp, no signature: nothing was changed
    """
    strong = strongroom()
    signed = strong.desk.sign(
        strong.store.get(order.pdf_sha256),
        key=order.key, certificate=order.x509, field=order.field_name, stamp=order.stamp, reason=order.reason,
        outside=order.outside,
    )  # fmt: skip
    return SignedFile(strong.store.put(signed), order.pdf_sha256, len(signed), Level.b_lt)
