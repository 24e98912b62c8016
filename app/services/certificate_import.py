"""電子証明書の取り込み: a certificate that an outside authority issued, with its key (L4), and its revocation lists.

It is used like the portal's own ones: a new PIN is mailed, 証明書有効性確認 comes first.  Signing needs the lists of
all its authorities, current; they come from whoever administers the company, never from the net (S13).
"""

import hashlib

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from flask import current_app
from sqlalchemy import select

from app.errors import Refused
from app.extensions import db
from app.labels import jst
from app.models import AccountAction, Certificate
from app.services import certificates, companies, journal
from app.services.numbers import next_number
from app.services.strongroom import outside_of, strongroom
from app.signing.outside import Imported, OutsideRefused, open_pkcs12, read_crls

MOST_FILE_KB = 100
MOST_LISTS_MB = 1
MOST_SERIAL_DIGITS = 64

_AGAIN = "認証局から受け取ったファイルを、もう一度ご確認ください。"
SENTENCES = {
    "not_pkcs12": "選択されたファイルは、PKCS#12形式（.p12または.pfx）の証明書ファイルではありません。" + _AGAIN,
    "wrong_password": "証明書ファイルのパスワードが正しくありません。認証局から証明書ファイルとともに受け取ったパスワードを入力してください。",
    "unsupported": "証明書ファイルに、当サービスで取り扱えない形式または暗号方式が使われています。発行した認証局にお問い合わせください。",
    "too_complex": "証明書ファイルを開くための計算が多すぎるため、取り込めません。標準の設定で保存し直したファイルを選択してください。",
    "no_key": "証明書ファイルに、電子証明書とその秘密鍵の組が入っていません。秘密鍵を含めて保存したファイルを選択してください。",
    "weak_key": "秘密鍵の強度が不足しているため、取り込めません。RSA 3072ビット以上、またはP-256以上の鍵の証明書を、認証局から取得してください。",
    "strange_key": "署名に使用できない種類の鍵です。RSA（3072～8192ビット）またはP-256、P-384、P-521の鍵の証明書を、認証局から取得してください。",
    "not_for_signing": "鍵の用途に「デジタル署名」も「否認防止」も含まれていないため、契約文書の署名に使用できない証明書です。署名用の証明書を選択してください。",
    "weak_signature": "証明書またはその認証局の証明書に、安全でない署名方式（SHA-1など）が使われているため、取り込めません。",
    "self_signed": "認証局が発行した証明書ではありません（自己署名証明書）。認証局から発行を受けた証明書を選択してください。",
    "no_chain": "認証局の証明書が不足しています。発行した認証局からルート認証局までのすべての証明書を含むファイルを選択してください。",
    "not_crl": "失効リストのファイルではありません。認証局が公開している失効リスト（CRL、DERまたはPEM形式）を選択してください。",
    "foreign_crl": "この電子証明書の認証局が発行した失効リストではありません。発行した認証局またはその上位の認証局の失効リストを選択してください。",
    "partial_crl": "次回更新日時のない失効リスト、および差分の失効リストは登録できません。認証局の完全な失効リストを選択してください。",
    "old_crl": "登録済みの失効リストのほうが新しいため、登録しませんでした。認証局から最新の失効リストを取得してください。",
}
_TOO_LARGE = "証明書ファイルの大きさが上限の{most}KBを超えています。" + _AGAIN
_LISTS_TOO_LARGE = "失効リストの大きさが、合わせて上限の{most}MBを超えています。"
_OUTDATED = "失効リストの有効期間（次回更新日時 {until}）が過ぎています。認証局から最新の失効リストを取得してください。"
_UNPROVEN = (
    "選択された失効リストでは、この電子証明書が失効していないことを確認できません。"
    "認証局が発行する、すべての証明書を対象とした失効リストを選択してください。"
)


def read(file, password, lists):
    """What an uploaded PKCS#12 file holds, with these revocation lists; touches no row.

    :param lists: the uploaded files, DER or PEM, perhaps none
    :raises Refused: with a sentence for each cause
    """
    if len(file) > MOST_FILE_KB * 1024:
        raise Refused(_TOO_LARGE.format(most=MOST_FILE_KB))
    try:
        imported = open_pkcs12(file, password, _accepted_roots())
    except OutsideRefused as refusal:
        raise Refused(SENTENCES[refusal.cause]) from refusal
    return Imported(imported.key, imported.certificate, _with_lists(imported.outside, lists))


def take_in(imported, people, pin_mail_address, now, actor):
    """Keep an outside certificate under a 管理番号 of ours and mail a new PIN for it; the caller commits.

    :param imported: from :func:`read`
    :param people: of the company, who are to sign with it (署名用ID)
    :raises Refused: not valid now, on a revocation list, here already, or not of an accepted authority
    """
    certificate, outside = imported.certificate, imported.outside
    _check_period(certificate, now)
    _check_authority(outside)
    if not people:
        raise Refused("署名用IDとする利用者IDを1つ以上指定してください。")
    companies.check_mail_address(pin_mail_address)
    _check_lists(certificate, outside, now)
    if outside.revoked(certificate) is not None:
        raise Refused("認証局の失効リストに掲載されている（失効した）証明書のため、取り込めません。")
    number = next_number("certificate")  # of two at the same moment, the second waits here
    authority, serial = _authority(certificate), str(certificate.serial_number)
    if len(serial) > MOST_SERIAL_DIGITS:
        raise Refused(SENTENCES["unsupported"])
    _refuse_second(authority, serial, actor.company)
    row = Certificate(
        number=number, company=actor.company, serial=serial, authority=authority, is_imported=True,
        not_before=certificate.not_valid_before_utc, not_after=certificate.not_valid_after_utc,
        certificate_der=certificate.public_bytes(Encoding.DER), subject_name=_shown(certificate.subject),
        chain_pem=outside.chain_pem, crl_pem=outside.crl_pem, pin_mail_address=pin_mail_address,
    )  # fmt: skip
    return certificates.keep(row, imported.key, people, actor, now, AccountAction.certificate_imported, actor=actor)


def renew_lists(certificate, lists, now, actor):
    """Keep newer revocation lists for an outside certificate; the caller commits.

    :returns: False where a list names the certificate itself: then it is revoked here as well
    :raises Refused: not revocation lists of its authorities, not current, or older than those at hand
    """
    if not any(lists):
        raise Refused("失効リスト（CRL）のファイルを選択してください。")
    certificate = certificates.hold(certificate)
    certificates.check_usable(certificate, now)
    own = x509.load_der_x509_certificate(certificate.certificate_der)
    outside = _with_lists(outside_of(certificate), lists)
    revoked = outside.revoked(own)
    if revoked is None:
        _check_lists(own, outside, now)
    elif revoked != own:
        raise Refused("発行した認証局自身が、上位の認証局によって失効されています。この電子証明書は使用しないでください。")
    certificate.crl_pem = outside.crl_pem
    journal.note(
        AccountAction.revocation_list_stored, now, actor=actor, company=certificate.company, note=certificate.number
    )
    if revoked is not None:
        certificates.revoke(certificate, now, actor=actor)
    return revoked is None


def is_ready(certificate, now):
    """Whether the lists of all its authorities are at hand and current, so that it can sign."""
    return not outside_of(certificate).lacking(now)


def authorities_of(certificate, now):
    """Name, 次回更新日時 of the list at hand (or None) and whether it is current, from the issuer to the root."""
    outside, found = outside_of(certificate), []
    lacking = outside.lacking(now)
    for one in outside.chain:
        crl = outside.crl_of(one)
        until = None if crl is None else crl.next_update_utc  # an empty list is false
        found.append((_name_of(one), until, one not in lacking))
    return found


def _with_lists(outside, lists):
    if sum(map(len, lists)) > MOST_LISTS_MB * 1024 * 1024:
        raise Refused(_LISTS_TOO_LARGE.format(most=MOST_LISTS_MB))
    try:
        return outside.with_crls([crl for one in lists for crl in read_crls(one)])
    except OutsideRefused as refusal:
        raise Refused(SENTENCES[refusal.cause]) from refusal


def _check_lists(certificate, outside, now):
    """Lists given must be current; once all are there, a validator must be content with them."""
    for crl in outside.crls:
        if crl.next_update_utc <= now:
            raise Refused(_OUTDATED.format(until=jst(crl.next_update_utc)))
    if not outside.lacking(now) and outside.revoked(certificate) is None and not outside.proves(certificate):
        raise Refused(_UNPROVEN)


def _check_period(certificate, now):
    if now < certificate.not_valid_before_utc:
        raise Refused(f"この証明書の有効期間は、{jst(certificate.not_valid_before_utc)} からです。有効期間が始まってから取り込んでください。")
    if now >= certificate.not_valid_after_utc:
        raise Refused(f"この証明書の有効期限（{jst(certificate.not_valid_after_utc)}）は過ぎています。有効な証明書を、認証局から取得してください。")


def _check_authority(outside):
    """Not one that bears the name of ours, and one of those the operator accepts, where he named some."""
    own = strongroom().authorities
    names = {one.certificate.subject for one in (own.root, own.signers_ca, own.tsa_ca)}
    if any(one.subject in names for one in outside.chain):
        raise Refused("当サービスの認証局と同じ名称の認証局が発行した証明書は、取り込めません。")
    accepted = _accepted_roots()
    if accepted and outside.root not in accepted:
        raise Refused("当サービスで取り扱っている認証局が発行した証明書ではないため、取り込めません。取り扱う認証局は、お問い合わせ窓口にご確認ください。")


def _accepted_roots():
    path = current_app.config["SIGNER_ROOTS_FILE"]
    if not path:
        return []
    with open(path, "rb") as file:
        return x509.load_pem_x509_certificates(file.read())


def _refuse_second(authority, serial, company):
    earlier = db.session.scalar(
        select(Certificate).where(Certificate.authority == authority, Certificate.serial == serial)
    )
    if earlier is None:
        return
    if earlier.company_id != company.id:
        raise Refused("この証明書は、すでに取り込まれています。お心当たりのない場合は、お問い合わせ窓口にご連絡ください。")
    raise Refused(f"この証明書は、すでに電子証明書 {earlier.number} として取り込まれています。自社電子証明書照会でご確認ください。")


def _authority(certificate):
    """Who issued it, in a form short enough for a column: the SHA-256 of the name."""
    return hashlib.sha256(certificate.issuer.public_bytes()).hexdigest()


def _name_of(authority):
    """Its common name, else all there is."""
    names = authority.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return _shown(x509.Name(names[:1]) if names else authority.subject)


def _shown(name):
    """企業名, 部署, 役職 and 名称 of a certificate in one line, without what could not be seen in it."""
    kinds = (
        x509.NameOID.ORGANIZATION_NAME, x509.NameOID.ORGANIZATIONAL_UNIT_NAME, x509.NameOID.TITLE, x509.NameOID.COMMON_NAME,
    )  # fmt: skip
    parts = [str(one.value) for kind in kinds for one in name.get_attributes_for_oid(kind)] or [name.rfc4514_string()]
    seen = "".join(c for c in " ".join(dict.fromkeys(parts)) if c.isprintable() or c == "\u3000")
    return seen.strip()[:255] or "（名称なし）"
