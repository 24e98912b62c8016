"""発行の証跡: what shows, years later, that a certificate was given to the right company (L3)."""

import io
import json
import zipfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from app import queries
from app.extensions import db
from app.labels import (
    ACCOUNT_ACTION,
    APPLICATION_KIND,
    APPLICATION_STATE,
    COMPANY_FACT,
    PLAN,
    SERVICE_KIND,
    SERVICE_STATE,
    jst,
)
from app.models import AccountEvent, CertificateApplication, ServiceKind
from app.services import applications


def pack(certificate):
    """The certificate, what was applied for and by whom, the decision and its history, as the bytes of a ZIP file.

    It holds ``evidence.json``, ``certificate.pem`` and, where there is one, the 印鑑証明書 as ``seal-certificate.pdf``
    (``application-form.pdf``: the scanned paper of a 利用申請).  A certificate that an operator issued without an application has only its history; keys and PINs are
    in none of it.

    Source: L3; 電子署名法第2条・第3条 ask that the signer can be shown to be who they say
    """
    application = db.session.scalar(
        select(CertificateApplication).where(CertificateApplication.issued_id == certificate.id)
    )
    founding = _founding(certificate)
    parsed = x509.load_der_x509_certificate(certificate.certificate_der)
    facts = {
        "管理番号": certificate.number,
        "企業": str(certificate.company),
        "名義": certificate.subject_name,
        "シリアル番号": certificate.serial,
        "SHA-256": parsed.fingerprint(hashes.SHA256()).hex(),
        "有効期間": f"{_moment(certificate.not_before)} ～ {_moment(certificate.not_after)}",
        "失効日時": _moment(certificate.revoked_at),
        "申請": _application(application) if application else None,
        "利用申請": _service_application(founding) if founding else None,
        "経過": [_event(event) for event in _history(certificate)],
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("evidence.json", json.dumps(facts, ensure_ascii=False, indent=2))
        archive.writestr("certificate.pem", parsed.public_bytes(Encoding.PEM))
        if application is not None and application.evidence_sha256:
            archive.writestr("seal-certificate.pdf", applications.evidence_of(application))
        if founding is not None:
            name = "application-form.pdf" if founding.kind is ServiceKind.paper else "seal-certificate.pdf"
            archive.writestr(name, applications.evidence_of(founding))
    return packed.getvalue()


def _founding(certificate):
    """The 利用申請 of which the certificate came, or None."""
    found = queries.application_that_founded(certificate.company_id)
    return found if found and found.wanted["issued"]["certificate"] == certificate.number else None


def _service_application(application):
    company, invitation = application.wanted["company"], application.invitation
    return {
        "申請番号": application.number, "申請の内容": SERVICE_KIND[application.kind], "プラン": PLAN[application.plan],
        "案内元の企業": str(invitation.company) if invitation else "",
        "企業": {COMPANY_FACT[name]: company[name] for name in COMPANY_FACT},
        "管理者": application.wanted["admin"]["full_name"],
        "管理者のメールアドレス": application.wanted["admin"]["mail_address"],
        "PIN送付先メールアドレス": application.wanted["certificate"]["pin_mail_address"],
        "添付された書類": application.evidence_name, "添付された書類のSHA-256": application.evidence_sha256,
        "同意した利用規約の版": application.terms_version, "同意日時": _moment(application.agreed_at),
        "申請日時": _moment(application.applied_at), "状態": SERVICE_STATE[application.state],
        "審査日時": _moment(application.decided_at), "審査者": str(application.decided_by),
        "経過": [
            {
                "日時": _moment(event.at), "状態": SERVICE_STATE[event.state],
                "操作した方": str(event.actor) if event.actor else "申請者", "理由": event.note, "IPアドレス": event.ip_address,
            }
            for event in application.events
        ],
    }  # fmt: skip


def _application(application):
    return {
        "申請の内容": APPLICATION_KIND[application.kind],
        "申請日時": _moment(application.applied_at),
        "申請者": str(application.applicant),
        "PIN送付先メールアドレス": application.pin_mail_address,
        "印鑑証明書": application.evidence_name,
        "印鑑証明書のSHA-256": application.evidence_sha256,
        "状態": APPLICATION_STATE[application.state],
        "審査日時": _moment(application.decided_at),
        "審査者": str(application.decided_by),
    }


def _history(certificate):
    """What was noted of the certificate in the 操作履歴 of its company, the oldest first."""
    return db.session.scalars(
        select(AccountEvent)
        .where(
            AccountEvent.company_id == certificate.company_id,
            AccountEvent.note.contains(certificate.number, autoescape=True),
        )
        .order_by(AccountEvent.id)
    ).all()


def _event(event):
    return {
        "日時": _moment(event.at), "操作": ACCOUNT_ACTION[event.action],
        "操作した方": str(event.actor) if event.actor else "", "対象の利用者": str(event.user) if event.user else "",
        "内容": event.note,
    }  # fmt: skip


def _moment(moment):
    return f"{jst(moment)} JST（{moment:%Y-%m-%dT%H:%M:%SZ}）" if moment else ""
