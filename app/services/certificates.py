"""電子証明書: issue, 証明書有効性確認, and the key for one signature.

The private key lies sealed under the PIN and the KEK.  証明書有効性確認 opens it with the PIN and seals it
for that one person under the KEK; from then on signing needs the 署名用パスワード (R107).  Revoking erases
every copy of it.
"""

import datetime as dt
import secrets
import unicodedata

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app
from sqlalchemy import or_, select, update

from app import queries
from app.clock import end_of_japan_day, japan_date, years_later
from app.errors import OutOfTurn, Refused, SecretLocked, SecretRefused
from app.extensions import db
from app.labels import jst
from app.models import (
    AccountAction,
    Certificate,
    CertificateActivation,
    FeeItem,
    Letter,
    PortalUser,
    Validity,
)
from app.services import companies, credentials, journal, lock_notices, outbox, tries, usage
from app.services.numbers import next_number
from app.services.strongroom import Sealed, outside_of, pki_urls, strongroom
from app.signing import authorities as pki
from app.signing.keys import KeyRefused, key_id, key_to_der, open_with_pin, seal_with_pin

PIN_DIGITS = 12
EXPIRY_NOTICE_DAYS = (30, 14, 1)  # before the end of a certificate
NOT_ACTIVATED = (
    "証明書有効性確認の操作が未完了です。"
    "証明書管理メニューより証明書有効性確認を選択し証明書有効性確認の操作を実行してください。"
)
UNLINKED = "電子証明書 {number} との紐付けが解除されました。貴社の管理者にご確認ください。"
UNUSABLE = {
    Validity.revoked: "電子証明書 {number} は失効しています。ほかの電子証明書を選択するか、貴社の管理者に追加発行をご依頼ください。",
    Validity.expired: "電子証明書 {number} は有効期限が切れています。貴社の管理者に更新をご依頼ください。",
    Validity.not_yet: "電子証明書 {number} は、まだ有効期間が始まっていません。",
}
NO_LISTS = (
    "電子証明書 {number} は外部の認証局が発行した証明書のため、署名には認証局の有効な失効リスト（CRL）が必要です。"
    "貴社の管理者に、最新の失効リストの登録をご依頼ください（自社電子証明書照会の「失効リスト」）。"
)

_PIN_LOCKED = (
    "PINを{limit}回続けて誤ったため、この証明書の有効性確認をロックしました。貴社の管理者またはお問い合わせ窓口にご連絡ください。"
)


def issue(
    company, users, pin_recipient, now, *, department="", title="", pin_mail_address=None, actor=None, key=None,
    charged_as=FeeItem.certificate_issue,
):  # fmt: skip
    """Issue one certificate of a company, linked to `users`, and owe the mail with its PIN (I16, R21).

    :param pin_recipient: the person whose name stands in the PIN mail
    :param pin_mail_address: the address of the application; the recipient's own when not given (R39)
    :param actor: the operator who issues it
    :param key: made beforehand, outside of any transaction; made here when not given
    :param charged_as: the 料金 it costs; None where it costs none
    """
    config = current_app.config
    key = key or strongroom().new_key()
    number = next_number("certificate")
    not_after = dt.datetime.combine(years_later(now.date(), config["CERTIFICATE_YEARS"]), now.timetz())
    made = pki.issue_signer(
        strongroom().authorities.signers_ca, key.public_key(),
        pki.Subject(company.name, number, department, title),
        now, pki_urls(config["BASE_URL"]), expires_at=not_after,
    )  # fmt: skip
    certificate = Certificate(
        number=number, company=company, serial=str(made.serial_number), not_before=now, not_after=not_after,
        certificate_der=made.public_bytes(Encoding.DER),
        subject_name=" ".join(filter(None, (company.name, department, title)))[:255],
        pin_mail_address=pin_mail_address or pin_recipient.mail_address,
    )  # fmt: skip
    keep(certificate, key, users, pin_recipient, now, AccountAction.certificate_issued, actor=actor)
    if charged_as is not None:
        usage.certificate_issued(certificate, charged_as, now)
    return certificate


def keep(certificate, key, users, pin_recipient, now, action, *, actor):
    """Add a new row with its key sealed under a new PIN, link it, and owe the mail with the PIN."""
    number, pin = certificate.number, f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
    certificate.sealed_key = seal_with_pin(strongroom().keyring, key_to_der(key), pin, _context(number))
    certificate.token_key = key_id(key) and key_id(key).hex()
    db.session.add(certificate)
    journal.note(action, now, actor=actor, company=certificate.company, note=number)
    for user in users:
        _link(certificate, user, now, actor)
    outbox.owe(
        Letter.certificate_pin, pin_recipient, now, to_address=certificate.pin_mail_address,
        secret=pin, certificate_no=number,
    )  # fmt: skip
    return certificate


def issue_first(user, now, actor=None):
    """A certificate for a person who has none to use, so that a second click issues no second one.

    :raises Refused: no company, not active, or there is one already
    """
    if user is None or user.company is None or not user.is_selectable or not user.company.is_active:
        raise Refused("利用中の企業の有効な利用者にのみ、電子証明書を発行できます。")
    if any(link.certificate.is_usable(now) for link in user.activations):
        raise Refused("この利用者には、すでに利用できる電子証明書があります。")
    return issue(user.company, [user], user, now, department=user.department, title=user.title, actor=actor)


# -- 紐付け更新 -----------------------------------------------------------------


def people_named(company, user_codes):
    """The people of the company with these 利用者IDs, each once, in the order given.

    :raises Refused: one of them is unknown, deleted or another company's, which all read alike
    """
    user_codes = list(dict.fromkeys(queries.as_code(code) for code in user_codes))
    people = queries.people_by_code(company.id, user_codes)
    missing = [code for code in user_codes if code not in people]
    if missing:
        raise Refused(f"利用者ID {'、'.join(missing)} は、貴社の利用者として登録されていません。［参照］から選択してください。")
    return [people[code] for code in user_codes]


def link_people(certificate, people, now, actor, *, drawn=None):
    """紐付け更新: exactly these people may use the certificate from now on (R36).

    Whoever leaves loses the key sealed for them; whoever comes has to do 証明書有効性確認 first.

    :param drawn: 利用者IDs of those who might use it when the page was drawn
    :returns: whether anything changed
    :raises OutOfTurn: somebody else has changed the links since
    :raises Refused: expired or revoked, or the company's use is suspended
    """
    companies.check_active(certificate.company)
    certificate = hold(certificate)
    check_usable(certificate, now)
    links = {link.user_id: link for link in certificate.activations}
    wanted = {person.id: person for person in people}
    if links.keys() == wanted.keys():
        return False
    if drawn is not None and set(drawn) != {link.user.user_code for link in links.values()}:
        raise OutOfTurn("画面を開いた後に、この電子証明書の紐付けが変わりました。画面を開き直して、内容をご確認ください。")
    for link in [links[user_id] for user_id in links.keys() - wanted.keys()]:
        journal.note(AccountAction.certificate_unlinked, now, user=link.user, actor=actor, note=certificate.number)
        db.session.delete(link)
    for person in [wanted[user_id] for user_id in wanted.keys() - links.keys()]:
        _link(certificate, person, now, actor)
    return True


def _link(certificate, user, now, actor):
    db.session.add(CertificateActivation(user=user, certificate=certificate))
    journal.note(AccountAction.certificate_linked, now, user=user, actor=actor, note=certificate.number)


def hold(certificate):
    """The row as it is now; nobody else changes it or its links until the transaction ends."""
    return db.session.get(Certificate, certificate.id, with_for_update={"of": Certificate}, populate_existing=True)


def check_still_usable(certificate_id, user, now):
    """Refuse to end a signature with a certificate that was revoked or taken from the person meanwhile (B5).

    The certificate and its links stay as they are until the transaction ends.

    :raises Refused: expired, revoked or unlinked meanwhile
    """
    certificate = db.session.get(Certificate, certificate_id, with_for_update={"read": True}, populate_existing=True)
    check_usable(certificate, now)
    is_activated = db.session.scalar(
        select(CertificateActivation.activated_at.is_not(None)).where(
            CertificateActivation.certificate_id == certificate_id, CertificateActivation.user_id == user.id
        )
    )
    if not is_activated:
        raise Refused(UNLINKED.format(number=certificate.number))


def check_usable(certificate, now):
    """
    :raises Refused: revoked, expired or not yet valid
    """
    validity = certificate.validity(now)
    if validity is not Validity.valid:
        raise Refused(UNUSABLE[validity].format(number=certificate.number))


def department_and_title(certificate):
    """部署 and 役職 as the certificate itself names them; "" where it names none."""
    subject = x509.load_der_x509_certificate(certificate.certificate_der).subject
    return [
        "".join(str(name.value) for name in subject.get_attributes_for_oid(kind))
        for kind in (x509.NameOID.ORGANIZATIONAL_UNIT_NAME, x509.NameOID.TITLE)
    ]


# -- 失効 -----------------------------------------------------------------------


def revoke(certificate, now, *, actor=None, successor=None):
    """失効: from now on it signs nothing, and OCSP and CRL say so; what it has signed stays valid.

    All copies of its key are erased, for nobody needs them again; one in a token is destroyed by a job (token_keys.py).

    :param successor: the certificate issued in its place, which the letter then names
    :returns: False where it had been revoked before, and nothing was done
    """
    people = certificate.people
    revoked = db.session.execute(
        update(Certificate)
        .where(Certificate.id == certificate.id, Certificate.revoked_at.is_(None))
        .values(revoked_at=now, sealed_key=None)
    ).rowcount
    if not revoked:
        return False
    db.session.execute(
        update(CertificateActivation)
        .where(CertificateActivation.certificate_id == certificate.id)
        .values(sealed_key=None)
    )
    journal.note(
        AccountAction.certificate_revoked, now, actor=actor, company=certificate.company, note=certificate.number
    )
    _tell(
        Letter.certificate_revoked, certificate, people, now, at=jst(now),
        successor=successor.number if successor else "",
    )  # fmt: skip
    return True


def _tell(letter, certificate, people, now, **facts):
    """Owe a letter about a certificate to the company's administrators and to `people`, each one letter."""
    administrators = queries.administrators_of(certificate.company_id)
    for person in {person.id: person for person in [*administrators, *people]}.values():
        if person.is_selectable:
            outbox.owe(
                letter, person, now, certificate_no=certificate.number, subject_name=certificate.subject_name,
                certificate_id=certificate.id, is_admin=person in administrators, is_signer=person in people, **facts,
            )  # fmt: skip


# -- 有効期限のお知らせ ----------------------------------------------------------


def ending(now):
    """Ids of the certificates of which a notice of expiry is owed at `now`."""
    last = end_of_japan_day(japan_date(now) + dt.timedelta(days=max(EXPIRY_NOTICE_DAYS)))
    found = db.session.execute(
        select(Certificate.id, Certificate.not_after, Certificate.expiry_told_days)
        .where(Certificate.revoked_at.is_(None), Certificate.not_after > now, Certificate.not_after < last)
        .order_by(Certificate.id)
    )
    return [
        certificate_id for certificate_id, not_after, told in found if told is None or told > _notice(not_after, now)[0]
    ]


def tell_of_end(certificate_id, now):
    """Owe the notice that fits the days left, once; False where it is owed already or nobody needs it.

    A signer who has a certificate that outlives this one needs none.
    """
    certificate = db.session.get(Certificate, certificate_id)
    concerned = [person for person in certificate.people if not _has_longer(person, certificate, now)]
    if not concerned or not certificate.company.is_active or not certificate.is_usable(now):
        return False
    notice, days_left = _notice(certificate.not_after, now)
    claimed = db.session.execute(
        update(Certificate)
        .where(
            Certificate.id == certificate_id,
            Certificate.revoked_at.is_(None),
            or_(Certificate.expiry_told_days.is_(None), Certificate.expiry_told_days > notice),
        )
        .values(expiry_told_days=notice)
    ).rowcount
    if not claimed:
        return False
    _tell(
        Letter.certificate_expiry, certificate, concerned, now, days_left=days_left, until=jst(certificate.not_after)
    )
    return True


def _notice(not_after, now):
    """Which of the notices fits, and how many days are left in Japan."""
    days_left = (japan_date(not_after) - japan_date(now)).days
    return min(days for days in EXPIRY_NOTICE_DAYS if days >= days_left), days_left


def _has_longer(person, certificate, now):
    return not person.is_selectable or any(
        link.certificate.is_usable(now) and link.certificate.not_after > certificate.not_after
        for link in person.activations
    )


# -- 証明書有効性確認 ------------------------------------------------------------


def activate(user, activation, pin, password, now):
    """［証明書有効性確認］: make a certificate usable for this one person (R33-R37).

    :param pin: as typed or pasted; only its digits count (R37)
    :raises SecretRefused: the log-in password or the PIN is wrong, or the PIN is locked
    :raises Refused: unlinked, expired or revoked
    """
    check_usable(activation.certificate, now)
    limit = current_app.config["SECRET_TRIES"]
    activation_id, user_id, number = activation.id, user.id, activation.certificate.number
    sealed = activation.certificate.sealed_key
    credentials.check_own_password(user, password, now)
    left = tries.take(CertificateActivation.pin_failures, activation_id, limit)
    if left is None:
        raise SecretRefused(_PIN_LOCKED.format(limit=limit))
    keyring = strongroom().keyring
    try:
        key = open_with_pin(keyring, sealed, _digits(pin), _context(number))  # slow, and in no transaction
    except KeyRefused:
        if left == 0:
            lock_notices.tell(db.session.get(PortalUser, user_id), "PIN", now, certificate_no=number)
            raise SecretLocked(_PIN_LOCKED.format(limit=limit))
        raise SecretRefused(
            "PINが正しくありません。件名「PIN のお知らせ」のメールに記載のPINを入力してください。"
            f"あと{left}回誤ると、この証明書の有効性確認がロックされます。"
        )
    tries.give_back(CertificateActivation.pin_failures, activation_id)
    activation = db.session.get(
        CertificateActivation, activation_id, with_for_update={"of": CertificateActivation}, populate_existing=True
    )
    if activation is None:
        raise Refused(UNLINKED.format(number=number))
    check_usable(activation.certificate, now)
    activation.sealed_key = keyring.seal(key, _user_context(activation))
    activation.activated_at = now
    journal.note(AccountAction.certificate_activated, now, user=activation.user, actor=activation.user, note=number)
    return activation


def _digits(pin):
    """The digits of what was typed or pasted: full-width ones are the same, blanks and hyphens do not count."""
    return "".join(character for character in unicodedata.normalize("NFKC", pin) if character.isdecimal())


def unlock(user):
    """Give back all tries at the person's PINs and signing password."""
    for activation in user.activations:
        activation.pin_failures = 0
    user.signing_failures = 0


def outside_evidence(certificate, now):
    """What a signature with an outside authority's certificate must carry besides; None for one of our own.

    :raises Refused: the revocation list of an authority is missing or no longer current
    """
    if not certificate.is_imported:
        return None
    outside = outside_of(certificate)
    if outside.lacking(now):
        raise Refused(NO_LISTS.format(number=certificate.number))
    return outside


def signing_key(activation, now):
    """The key and the X.509 certificate of one person's link; the key object is not to be kept.

    :raises Refused: never activated (R82), expired or revoked
    """
    certificate = activation.certificate
    check_usable(certificate, now)
    if activation.activated_at is None:
        raise Refused(NOT_ACTIVATED)
    key = strongroom().open_key(activation.sealed_key, _user_context(activation))
    return key, x509.load_der_x509_certificate(certificate.certificate_der)


def _context(certificate_no):
    return f"certificate:{certificate_no}".encode()


def _user_context(activation):
    certificate = activation.certificate
    return f"activation:{certificate.company_id}:{activation.user_id}:{certificate.number}".encode()


SEALED = (
    Sealed(Certificate.sealed_key, lambda certificate: _context(certificate.number)),
    Sealed(CertificateActivation.sealed_key, _user_context),
)
