"""電子証明書: issue, 証明書有効性確認, and the key for one signature.

The private key lies sealed under the PIN and the KEK.  証明書有効性確認 opens it with the PIN and seals it
for that one person under the KEK; from then on signing needs the 署名用パスワード (R107).
"""

import datetime as dt
import secrets

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app

from app.clock import years_later
from app.errors import Refused, SecretRefused
from app.extensions import db
from app.models import Certificate, CertificateActivation, Letter
from app.services import credentials, digits, outbox, tries
from app.services.numbers import next_number
from app.services.strongroom import Sealed, pki_urls, strongroom
from app.signing import authorities as pki
from app.signing.keys import KeyKind, KeyRefused, key_to_der, load_key, new_key, open_with_pin, seal_with_pin

PIN_DIGITS = 12
NOT_ACTIVATED = (
    "証明書有効性確認の操作が未完了です。"
    "証明書管理メニューより証明書有効性確認を選択し証明書有効性確認の操作を実行してください。"
)

_PIN_LOCKED = (
    "PINを{limit}回続けて誤ったため、この証明書の有効性確認をロックしました。貴社の管理者またはお問い合わせ窓口にご連絡ください。"
)


def issue(company, users, pin_recipient, now, *, department="", title="", pin_mail_address=None):
    """Issue one certificate of a company, linked to `users`, and owe the mail with its PIN (I16, R21).

    :param pin_recipient: the person whose name stands in the PIN mail
    :param pin_mail_address: the address of the application; the recipient's own when not given (R39)
    """
    config = current_app.config
    own = strongroom()
    key = new_key(KeyKind(config["KEY_KIND"]))
    number = next_number("certificate")
    not_after = dt.datetime.combine(years_later(now.date(), config["CERTIFICATE_YEARS"]), now.timetz())
    made = pki.issue_signer(
        own.authorities.signers_ca, key.public_key(),
        pki.Subject(company.name, number, department, title),
        now, pki_urls(config["BASE_URL"]), expires_at=not_after,
    )  # fmt: skip
    pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
    certificate = Certificate(
        number=number, company=company, serial=str(made.serial_number), not_before=now, not_after=not_after,
        certificate_der=made.public_bytes(Encoding.DER),
        subject_name=" ".join(filter(None, (company.name, department, title)))[:255],
        pin_mail_address=pin_mail_address or pin_recipient.mail_address,
        sealed_key=seal_with_pin(own.keyring, key_to_der(key), pin, _context(number)),
    )  # fmt: skip
    db.session.add(certificate)
    for user in users:
        db.session.add(CertificateActivation(user=user, certificate=certificate))
    outbox.owe(
        Letter.certificate_pin, pin_recipient, now, to_address=certificate.pin_mail_address,
        secret=pin, certificate_no=number,
    )  # fmt: skip
    return certificate


def issue_first(user, now):
    """A certificate for a person who has none to use, so that a second click issues no second one.

    :raises Refused: no company, not active, or there is one already
    """
    if user is None or user.company is None or not user.is_selectable or not user.company.is_active:
        raise Refused("利用中の企業の有効な利用者にのみ、電子証明書を発行できます。")
    if any(link.certificate.is_usable(now) for link in user.activations):
        raise Refused("この利用者には、すでに利用できる電子証明書があります。")
    return issue(user.company, [user], user, now, department=user.department, title=user.title)


def activate(user, activation, pin, password, now):
    """［証明書有効性確認］: make a certificate usable for this one person (R33-R37).

    :param pin: as typed or pasted; blanks do not count, full-width digits do (R37)
    :raises SecretRefused: the log-in password or the PIN is wrong, or the PIN is locked
    """
    limit = current_app.config["SECRET_TRIES"]
    activation_id, number = activation.id, activation.certificate.number
    sealed = activation.certificate.sealed_key
    if not credentials.is_own_password(user, password, now):
        raise SecretRefused("パスワードが正しくありません。ログイン時のパスワードを入力してください。")
    left = tries.take(CertificateActivation.pin_failures, activation_id, limit)
    if left is None:
        raise SecretRefused(_PIN_LOCKED.format(limit=limit))
    keyring = strongroom().keyring
    try:
        key = open_with_pin(keyring, sealed, digits.typed(pin), _context(number))  # slow, and in no transaction
    except KeyRefused:
        if left == 0:
            raise SecretRefused(_PIN_LOCKED.format(limit=limit))
        raise SecretRefused(
            "PINが正しくありません。件名「PIN のお知らせ」のメールに記載のPINを入力してください。"
            f"あと{left}回誤ると、この証明書の有効性確認がロックされます。"
        )
    tries.give_back(CertificateActivation.pin_failures, activation_id)
    activation = db.session.get(CertificateActivation, activation_id)
    activation.sealed_key = keyring.seal(key, _user_context(activation))
    activation.activated_at = now
    return activation


def unlock(user):
    """Give back all tries at the person's PINs and signing password."""
    for activation in user.activations:
        activation.pin_failures = 0
    user.signing_failures = 0


def signing_key(activation, now):
    """The key and the X.509 certificate of one person's link; the key object is for one signature.

    :raises Refused: never activated (R82), expired or revoked
    """
    certificate = activation.certificate
    if not certificate.is_usable(now):
        raise Refused("選択した電子証明書は有効期限切れ、または失効しています。貴社の管理者またはお問い合わせ窓口に、証明書の更新をご依頼ください。")
    if activation.activated_at is None:
        raise Refused(NOT_ACTIVATED)
    key = strongroom().keyring.open(activation.sealed_key, _user_context(activation))
    return load_key(key), x509.load_der_x509_certificate(certificate.certificate_der)


def _context(certificate_no):
    return f"certificate:{certificate_no}".encode()


def _user_context(activation):
    certificate = activation.certificate
    return f"activation:{certificate.company_id}:{activation.user_id}:{certificate.number}".encode()


SEALED = (
    Sealed(Certificate.sealed_key, lambda certificate: _context(certificate.number)),
    Sealed(CertificateActivation.sealed_key, _user_context),
)
