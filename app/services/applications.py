"""電子証明書の申請: 追加発行, 更新 and PIN再発行, made by an administrator, decided by an operator (I16, R39).

A PIN is never sent twice: its re-issue is a new key and a new certificate, and the earlier one is revoked.
"""

from dataclasses import dataclass
from pathlib import PureWindowsPath

from sqlalchemy import select, update

from app import queries
from app.clock import japan_date, months_earlier
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import APPLICATION_KIND
from app.models import (
    AccountAction,
    ApplicationKind,
    ApplicationState,
    CertificateApplication,
    FeeItem,
    Letter,
    Validity,
)
from app.services import certificates, companies, journal, outbox
from app.services.strongroom import strongroom

MOST_EVIDENCE_MB = 5
MOST_REASON = 1000  # characters
RENEWAL_MONTHS = 1  # before the end of a certificate
CHARGED_AS = {
    ApplicationKind.additional: FeeItem.certificate_issue,
    ApplicationKind.renewal: FeeItem.certificate_renewal,
    ApplicationKind.pin_reissue: None,  # the certificate in its place was paid for
}


@dataclass(frozen=True)
class Evidence:
    """An accepted 印鑑証明書, already in the file store (L3)."""

    name: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class Wish:
    """What the form says of the certificate to come."""

    people: list
    pin_mail_address: str
    department: str = ""
    title: str = ""


def take_in(file_name, pdf, called="印鑑証明書"):
    """Keep an uploaded 印鑑証明書, or another scanned paper; whoever may have it is given it only to save it.

    :param called: the word of the field, for the sentence of a refusal
    :raises Refused: no PDF, or too large
    """
    if len(pdf) > MOST_EVIDENCE_MB * 1024 * 1024:
        raise Refused(f"{called}のファイルの大きさが上限の{MOST_EVIDENCE_MB}MBを超えています。解像度を下げて、もう一度お選びください。")
    if not pdf.startswith(b"%PDF-"):
        raise Refused(f"{called}のファイルはPDFではありません。PDF形式で保存し直して、もう一度お選びください。")
    name = "".join(c for c in PureWindowsPath(file_name or "").name if c.isprintable())
    return Evidence(name[-255:] or "evidence.pdf", strongroom().store.put(pdf))


def may_renew_from(certificate):
    """The first day in Japan on which 更新 may be applied for."""
    return months_earlier(japan_date(certificate.not_after), RENEWAL_MONTHS)


def why_not(kind, certificate, now):
    """Why `kind` cannot be applied for now, as the person reads it; "" where it can."""
    number = certificate.number
    if certificate.is_imported:
        return f"電子証明書 {number} は外部の認証局が発行しました。認証局から新しい証明書の発行を受け、取り込んでください。"
    if certificate.revoked_at is not None:
        return f"電子証明書 {number} は失効しています。追加発行を申請してください。"
    if kind is ApplicationKind.renewal and japan_date(now) < may_renew_from(certificate):
        return f"電子証明書 {number} の更新は、{may_renew_from(certificate):%Y/%m/%d}（有効期限の1か月前）から申請できます。"
    if kind is ApplicationKind.pin_reissue and certificate.validity(now) is Validity.expired:
        return f"電子証明書 {number} は有効期限が切れています。更新を申請してください。"
    earlier = db.session.scalars(
        select(CertificateApplication).where(
            CertificateApplication.replaced_id == certificate.id,
            CertificateApplication.state != ApplicationState.rejected,
        )
    ).all()
    waiting = next((a for a in earlier if a.state is ApplicationState.received), None)
    if waiting is not None:
        return f"電子証明書 {number} の{APPLICATION_KIND[waiting.kind]}は、すでに申請中です。審査の結果をお待ちください。"
    renewed = next((a.issued for a in earlier if a.kind is kind and a.issued and a.issued.revoked_at is None), None)
    if renewed is not None:
        return f"電子証明書 {number} は、すでに {renewed.number} に更新されています。"
    return ""


def apply(kind, actor, now, *, token, wish, evidence, replaced=None):
    """Hand in an application; the caller commits.

    :param token: of the form, so that it counts once
    :param replaced: the certificate to renew, or the one whose PIN is lost
    :raises OutOfTurn: the form was sent before
    :raises Refused: nobody to use the certificate, no evidence, not the time for it, or applied for already
    """
    companies.check_active(actor.company)
    if db.session.scalar(select(CertificateApplication.id).where(CertificateApplication.token == token)):
        raise OutOfTurn("この申請はすでに受け付けています。自社電子証明書照会の「申請の状況」をご確認ください。")
    if replaced is not None:
        certificates.hold(replaced)
        refusal = why_not(kind, replaced, now)
        if refusal:
            raise Refused(refusal)
    elif not evidence.sha256:
        raise Refused("印鑑証明書（PDF）を選択してください。")
    if not wish.people:
        raise Refused("署名用IDとする利用者IDを1つ以上指定してください。")
    companies.check_mail_address(wish.pin_mail_address)
    application = CertificateApplication(
        token=token, company=actor.company, applicant=actor, kind=kind, applied_at=now,
        department=wish.department, title=wish.title, pin_mail_address=wish.pin_mail_address,
        user_ids=[person.id for person in wish.people], replaced=replaced,
        evidence_name=evidence.name, evidence_sha256=evidence.sha256,
    )  # fmt: skip
    db.session.add(application)
    journal.note(AccountAction.certificate_applied, now, actor=actor, note=_subject(application))
    return application


def approve(application, operator, now):
    """Issue what was applied for; a renewed certificate stays valid until its end (I16).

    The letter with the PIN bears the applicant's name, or, where they left, that of who is to use it.

    :raises Refused: decided already, the company left, nobody of the application is there any more, or the
        certificate to replace was revoked meanwhile
    """
    company, replaced = application.company, application.replaced
    if replaced is not None:
        certificates.hold(replaced)
    _decide(application, ApplicationState.approved, operator, now)
    people = queries.people_by_id(company.id, application.user_ids)
    if not company.is_active:
        raise Refused("利用中の企業ではないため、電子証明書を発行できません。申請を却下してください。")
    if not people:
        raise Refused("申請された署名用IDがすべて削除されているため、電子証明書を発行できません。申請を却下してください。")
    if replaced is not None and replaced.revoked_at is not None:
        raise Refused(f"電子証明書 {replaced.number} は失効しているため、新しい電子証明書を発行できません。申請を却下してください。")
    applicant = application.applicant
    made = certificates.issue(
        company, people, applicant if applicant.is_selectable else people[0], now, department=application.department, title=application.title,
        pin_mail_address=application.pin_mail_address, actor=operator, charged_as=CHARGED_AS[application.kind],
    )  # fmt: skip
    application.issued = made
    detail = f"電子証明書 {made.number} を発行し、PINを申請時にご指定のメールアドレスへお送りいたしました。"
    if application.kind is ApplicationKind.pin_reissue:
        certificates.revoke(replaced, now, actor=operator, successor=made)
        journal.note(AccountAction.pin_reissued, now, actor=operator, company=company, note=f"{replaced.number} → {made.number}")
        detail += f"これまでの電子証明書 {replaced.number} は失効いたしました。"
    elif application.kind is ApplicationKind.renewal:
        detail += f"これまでの電子証明書 {replaced.number} は、有効期限までご利用いただけます。"
    _tell(application, now, detail + "署名者の方は、新しいPINで証明書有効性確認を行ってください。")
    return made


def reject(application, operator, now, *, reason):
    """Turn an application down; nothing is issued, and the applicant reads why.

    :raises Refused: decided already
    """
    _decide(application, ApplicationState.rejected, operator, now, reason)
    journal.note(
        AccountAction.certificate_rejected, now, actor=operator, company=application.company, note=_subject(application)
    )
    _tell(application, now, f"却下の理由：{reason}\n内容をご確認のうえ、あらためて申請してください。")


def revoke(certificate, now, *, actor):
    """失効, and the end of what was applied for in the certificate's place.

    :returns: False where it had been revoked before, and nothing was done
    """
    if not certificates.revoke(certificate, now, actor=actor):
        return False
    waiting = db.session.scalars(
        select(CertificateApplication).where(
            CertificateApplication.replaced_id == certificate.id,
            CertificateApplication.state == ApplicationState.received,
        )
    ).all()
    for application in waiting:
        reason = f"電子証明書 {certificate.number} が失効したためです。"
        _decide(application, ApplicationState.rejected, actor, now, reason)
        journal.note(
            AccountAction.certificate_rejected, now, actor=actor, company=application.company, note=_subject(application)
        )
        _tell(application, now, f"{reason}必要な場合は、追加発行を申請してください。")
    return True


def _decide(application, state, operator, now, reason=""):
    """Take the decision once: of two operators at the same moment, one is told so."""
    decided = db.session.execute(
        update(CertificateApplication)
        .where(
            CertificateApplication.id == application.id,
            CertificateApplication.state == ApplicationState.received,
        )
        .values(state=state, decided_at=now, decided_by_id=operator.id, reason=reason)
    ).rowcount
    if not decided:
        raise Refused("この申請は、すでに審査済みです。")


def _tell(application, now, detail):
    applicant = application.applicant
    people = [applicant] if applicant.is_selectable else queries.administrators_of(application.company_id)
    for person in people:
        outbox.owe(
            Letter.application_decided, person, now, what=f"電子証明書の{APPLICATION_KIND[application.kind]}",
            outcome="承認" if application.state is ApplicationState.approved else "却下", detail=detail,
            path="/admin/certificates/",
        )  # fmt: skip


def _subject(application):
    subject = APPLICATION_KIND[application.kind]
    return f"{subject} {application.replaced.number}" if application.replaced else subject


def evidence_of(application) -> bytes:
    """The 印鑑証明書, or the scanned paper, that came with an application."""
    return strongroom().store.get(application.evidence_sha256)

