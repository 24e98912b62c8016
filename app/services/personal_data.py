"""Personal data: what the portal knows of a person, for that person; and its erasure once the person is deleted.

Erasure is the one exception to the rule that account events are never changed: their IP addresses and notes go.
What concluded contracts and their evidence need stays (docs/personal-data.md).
Source: L23, L10
"""

from sqlalchemy import and_, delete, exists, not_, or_, select, update

from app import queries
from app.clock import JAPAN
from app.errors import Refused
from app.extensions import db
from app.labels import ACCOUNT_ACTION, CONSENT_ACT, LETTER, LIST_COLUMN, ROLE, case_name
from app.models import (
    AccountAction,
    AccountEvent,
    BulkDownload,
    BulkOperation,
    CertificateActivation,
    ContractCase,
    ElectronicConsent,
    Letter,
    ListColumn,
    ListLayout,
    LoginSession,
    OutboxMessage,
    PaperDelivery,
    PaperRequest,
    PortalUser,
    RegistrationDraft,
    RouteTemplate,
    RouteTemplateStep,
    SavedSearch,
    SigningCode,
    SigningPassword,
)
from app.services import drafts, journal, logbook

NOT_DELETED = "利用中の利用者の個人データは消去できません。先に利用者を削除してから、もう一度操作してください。"


def export(person, now):
    """All that is kept of a person, in words that the person understands; nothing secret, nothing of others.

    :returns: what JSON can hold; times of Japan in ISO 8601
    """
    journal.note(AccountAction.personal_data_exported, now, user=person, actor=person)
    return {
        "出力日時": _iso(now),
        "利用者": _facts(person),
        "ログイン": [
            {"開始": _iso(row.started_at), "終了": _iso(row.ended_at), "IPアドレス": row.ip_address, "ブラウザー": row.browser}
            for row in _rows(LoginSession, person)
        ],
        "操作履歴": [_event(row, person) for row in _rows(AccountEvent, person)],
        "閲覧とダウンロード": [
            {"日時": _iso(row.at), "種類": "ダウンロード" if row.kind == logbook.DOWNLOAD else "閲覧", "IPアドレス": row.ip_address}
            for row in logbook.visits_of(person)
        ],
        "電子契約の承諾": [
            {"日時": _iso(row.at), "内容": CONSENT_ACT[row.act]} for row in _rows(ElectronicConsent, person, "actor_id")
        ],
        "書面の交付": [
            {"日時": _iso(row.at), "内容": called, "連絡事項": row.note}
            for table, called in ((PaperRequest, "請求"), (PaperDelivery, "交付の記録"))
            for row in _rows(table, person, "actor_id")
        ],
        "電子証明書": [_certificate(link) for link in _rows(CertificateActivation, person)],
        "契約文書": [_document(document, person) for document in queries.documents_with(person)],
        "代理": [_delegation(row, person) for row in queries.all_delegations_with(person)],
        "回覧ルート雛形": [template.name for template in queries.route_templates_of(person) if template.owner_id],
        "担当の案件": [case_name(case) for case in _rows(ContractCase, person, "person_id")],
        "送信メール": [
            {"種類": LETTER[row.letter], "作成日時": _iso(row.created_at), "送信日時": _iso(row.sent_at)}
            for row in _rows(OutboxMessage, person)
        ],
        "一覧に表示する項目": [
            {"一覧": "長期保管契約文書" if row.in_archive else "契約文書", "項目": [LIST_COLUMN[column] for column in ListColumn if column.value in row.columns]}
            for row in db.session.scalars(select(ListLayout).where(ListLayout.user_id == person.id).order_by(ListLayout.in_archive))
        ],
        "保存した検索条件": [{"名前": row.name, "条件": row.conditions} for row in _rows(SavedSearch, person)],
        "一括ダウンロード": [
            {"依頼日時": _iso(row.requested_at), "契約文書の数": row.total, "条件": row.conditions} for row in _rows(BulkDownload, person)
        ],
        "入力中の下書き": [
            {"保存日時": _iso(row.saved_at), "内容": drafts.typed_in(row)} for row in _rows(RegistrationDraft, person)
        ],
    }


def _rows(table, person, column="user_id"):
    return db.session.scalars(select(table).where(getattr(table, column) == person.id).order_by(table.id)).all()


def _facts(person):
    company = person.company
    return {
        "利用者ID": person.user_code, "氏名": person.full_name, "カナ": person.kana, "部署": person.department,
        "役職": person.title, "メールアドレス": person.mail_address,
        "企業ID": company.code if company else None, "企業名": company.name if company else None,
        "管理権限": person.is_company_admin, "二段階認証": person.has_second_factor,
        "最終ログイン": _iso(person.last_seen), "ログイン回数": person.login_count or 0,
    }  # fmt: skip


def _event(row, person):
    """Where somebody else acted, their address and words are theirs."""
    is_own = row.actor_id in (None, person.id)
    return {
        "日時": _iso(row.at), "内容": ACCOUNT_ACTION[row.action],
        "操作": "本人" if row.actor_id == person.id else "システム" if row.actor_id is None else "管理者または運営者",
        "IPアドレス": row.ip_address if is_own else None, "備考": row.note if is_own else None,
    }  # fmt: skip


def _certificate(link):
    certificate = link.certificate
    return {
        "管理番号": certificate.number, "名義": certificate.subject_name,
        "有効期間の開始": _iso(certificate.not_before), "有効期間の終了": _iso(certificate.not_after),
        "失効日時": _iso(certificate.revoked_at), "有効性確認日時": _iso(link.activated_at),
    }  # fmt: skip


def _delegation(row, person):
    """Who the other one is, is theirs."""
    return {
        "役割": "代理される方" if row.user_id == person.id else "代理者", "開始日": row.first_day.isoformat(),
        "終了日": row.last_day.isoformat(), "途中で終了した日時": _iso(row.ended_at),
    }  # fmt: skip


def _document(document, person):
    roles = dict.fromkeys(ROLE[step.role] for step in document.route if step.user_id == person.id)
    roles |= dict.fromkeys("代理者" for step in document.route if step.deputy_id == person.id)
    signed = [signature for signature in document.signatures if signature.user_id == person.id]
    return {
        "文書管理番号": document.number, "契約件名": document.title, "役割": list(roles),
        "署名": [{"日時": _iso(signature.at), "IPアドレス": signature.ip_address} for signature in signed],
    }  # fmt: skip


def _iso(moment):
    return moment.astimezone(JAPAN).isoformat(timespec="seconds") if moment else None


# -- erasure ------------------------------------------------------------------


def erase(person, actor, now):
    """Erase what no law keeps of a deleted person; a second time erases only what has come since.

    The name, the 利用者ID and the evidence of signatures stay.  The caller has checked that the person is of
    the actor's company.

    :raises Refused: not deleted
    """
    db.session.execute(select(PortalUser.id).where(PortalUser.id == person.id).with_for_update())  # one at a time
    if person.deleted_at is None:
        raise Refused(NOT_DELETED)
    person.mail_address = person.kana = person.department = person.title = ""
    person.password = person.totp_sealed = person.totp_step = person.last_login = None
    person.mailed_password_mac = person.mailed_password_until = None
    person.earlier_passwords, person.recovery_codes = [], []
    person.session_epoch += 1
    own = person.id
    for table in (LoginSession, RegistrationDraft, SavedSearch, ListLayout, RouteTemplateStep):
        db.session.execute(delete(table).where(table.user_id == own))
    for template in db.session.scalars(select(RouteTemplate).where(RouteTemplate.owner_id == own)):
        db.session.delete(template)
    db.session.execute(update(ContractCase).where(ContractCase.person_id == own).values(person_id=None))
    for table in (SigningPassword, SigningCode):
        db.session.execute(update(table).where(table.user_id == own).values(mac=None))
    db.session.execute(update(CertificateActivation).where(CertificateActivation.user_id == own).values(sealed_key=None))
    db.session.execute(update(BulkOperation).where(BulkOperation.user_id == own).values(ip_address=""))
    is_pin_to_come = and_(OutboxMessage.letter == Letter.certificate_pin, OutboxMessage.due_at.is_not(None))
    db.session.execute(  # a PIN that waits goes to the address of its application, for the colleagues who sign by it
        update(OutboxMessage)
        .where(OutboxMessage.user_id == own, not_(is_pin_to_come))
        .values(to_address="", facts={}, sealed_secret=None, due_at=None)
    )
    _erase_traces(own)
    if not is_erased(person):
        journal.note(AccountAction.personal_data_erased, now, user=person, actor=actor, note=person.user_code)


def _erase_traces(user_id):
    """IP addresses of what the person did, or of whoever tried to be the person; notes may hold an address."""
    is_about, is_by = AccountEvent.user_id == user_id, AccountEvent.actor_id == user_id
    by_nobody = is_about & AccountEvent.actor_id.is_(None)
    db.session.execute(update(AccountEvent).where(or_(is_by, by_nobody)).values(ip_address=""))
    holds_facts = AccountEvent.action.in_(logbook.ERASABLE_NOTES)
    db.session.execute(update(AccountEvent).where(is_about, holds_facts).values(note=""))
    logbook.erase(user_id)


def is_erased(person):
    """Whether 個人データの消去 was done for the person."""
    return db.session.scalar(
        select(
            exists().where(
                AccountEvent.user_id == person.id, AccountEvent.action == AccountAction.personal_data_erased
            )
        )
    )
