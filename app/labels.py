"""The Japanese words for what the rows hold.  What users read sits here, in errors.py and in templates."""

from app.clock import JAPAN
from app.models import (
    AccountAction,
    ApplicationKind,
    ApplicationState,
    AttachmentKind,
    CompanyOption,
    CompanyStatus,
    Condition,
    ConsentAct,
    ConsentMethod,
    Damage,
    DeliveryMethod,
    DocumentKind,
    DownloadState,
    FeeItem,
    InvitationState,
    ItemState,
    Letter,
    Level,
    ListColumn,
    Lock,
    ServiceKind,
    ServiceState,
    UserState,
    Validity,
)
from app.plans import PlanKind
from app.signing.verdict import Finding
from app.workflow import WITH_RECEIVER, Action, Role, Side, SignatureMode, Status

STATUS = {
    Status.draft: "作成中",
    Status.sender_approval: "発出側承認待ち",
    Status.sender_signature: "発出側署名待ち",
    Status.receiver_receipt: "受領側受取待ち",
    Status.receiver_approval: "受領側承認待ち",
    Status.receiver_signature: "受領側署名待ち",
    Status.completion_wait: "完了待ち",
    Status.archived: "長期保管",
    Status.remanded: "差戻",
    Status.withdrawn: "取下げ",
    Status.archive_expired: "保管期間満了",
}
# what マイリスト calls the turn of the person it waits for (requirements B1)
MY_TURN = {
    Status.draft: "作成中",
    Status.remanded: "差戻",
    Status.sender_approval: "承認待ち",
    Status.receiver_approval: "承認待ち",
    Status.sender_signature: "署名待ち",
    Status.receiver_signature: "署名待ち",
    Status.receiver_receipt: "受取待ち",
}
# the colour of the tag, always beside its text
TONE = {
    Status.draft: "neutral",
    Status.remanded: "remanded",
    Status.withdrawn: "ended",
    Status.archive_expired: "ended",
    Status.completion_wait: "done",
    Status.archived: "done",
    Validity.valid: "done",
    Validity.expired: "ended",
    Validity.revoked: "ended",
    ConsentAct.requested: "waiting",
    DownloadState.ready: "done",
    DownloadState.failed: "ended",
    ConsentAct.given: "done",
    ConsentAct.declined: "ended",
    ConsentAct.withdrawn: "ended",
    InvitationState.expired: "ended",
    InvitationState.approved: "done",
    InvitationState.rejected: "ended",
    InvitationState.cancelled: "ended",
    InvitationState.returned: "remanded",
    ServiceState.filling: "neutral",
    ServiceState.received: "waiting",
    ServiceState.returned: "remanded",
    ServiceState.approved: "done",
    ServiceState.rejected: "ended",
    ServiceState.withdrawn: "ended",
}
ACTION = {
    Action.register: "登録",
    Action.send: "発信",
    Action.approve: "承認",
    Action.sign: "署名",
    Action.confirm_receipt: "受取確認",
    Action.remand: "差戻",
    Action.archive: "長期保管への移行",
    Action.extend: "長期保管延長",
    Action.renew: "タイムスタンプの更新",
    Action.expire: "保管期間満了",
    Action.correct: "情報の訂正",
    Action.dispose: "廃棄",
    Action.withdraw: "取下げ",
    Action.return_inside: "社内差戻",
    Action.reassign: "担当者変更",
    Action.remind: "リマインド",
}
ROLE = {
    Role.registrar: "登録担当者",
    Role.recipient: "受取担当者",
    Role.approver: "承認者",
    Role.signer: "署名者",
    Role.viewer: "参照者",
}
SIDE = {Side.sender: "発出側", Side.receiver: "受領側"}
FIELD_LABEL = {Side.sender: "発出", Side.receiver: "受領"}
MODE = {
    SignatureMode.both_sides: "双方署名",
    SignatureMode.sender_only: "発出側のみ署名有り",
    SignatureMode.receiver_only: "受領側のみ署名有り",
    SignatureMode.no_signature: "署名なし",
}
MODE_OF_ALL = "双方署名（全社署名）"  # of a 3社以上契約
KIND = {
    DocumentKind.contract: "契約書",
    DocumentKind.order: "注文書",
    DocumentKind.order_acceptance: "注文請書",
    DocumentKind.change_contract: "変更契約書",
    DocumentKind.memorandum: "覚書",
    DocumentKind.other: "その他文書",
}
ATTACHMENT_KIND = {
    AttachmentKind.pdf: "PDF",
    AttachmentKind.jpg: "JPEG",
    AttachmentKind.png: "PNG",
    AttachmentKind.docx: "Word",
    AttachmentKind.xlsx: "Excel",
}
LIST_COLUMN = {
    ListColumn.number: "文書管理番号",
    ListColumn.title: "契約件名",
    ListColumn.kind: "文書種別",
    ListColumn.mode: "署名区分",
    ListColumn.status: "ステータス",
    ListColumn.partner: "取引先",
    ListColumn.conclusion_date: "契約締結年月日",
    ListColumn.amount: "契約金額(税込)",
    ListColumn.archived_on: "保管開始日",
    ListColumn.retained_until: "保管満了日",
    ListColumn.registered_on: "登録日",
    ListColumn.sha256: "SHA-256",
    ListColumn.deadline: "署名期限",
    ListColumn.partner_number: "取引先管理番号",
    ListColumn.case: "案件",
}
PLAN = {
    PlanKind.one_side: "片方課金プラン",
    PlanKind.partner: "取引先専用プラン",
    PlanKind.both_sides: "双方課金プラン",
}
COMPANY_STATUS = {
    CompanyStatus.applying: "申請中",
    CompanyStatus.active: "利用中",
    CompanyStatus.suspended: "停止",
    CompanyStatus.terminated: "解約",
}
COMPANY_NOTICE = {  # at the head of every page
    CompanyStatus.suspended: "貴社のご利用は停止中です。契約文書などの閲覧とダウンロードはできますが、登録、署名などの操作は行えません。",
    CompanyStatus.terminated: "貴社のご利用は解約済みです。契約文書などの閲覧とダウンロードはできますが、登録、署名などの操作は行えません。",
}
OPTION = {
    CompanyOption.case_at_registration: "案件管理オプション（案件登録時）",
    CompanyOption.case_at_receipt: "案件管理オプション（案件受取時）",
    CompanyOption.archive_extension: "長期保管延長オプション",
    CompanyOption.bulk_signing: "一括署名オプション",
}
OPTION_FLAG = {f"has_{option.value}": called for option, called in OPTION.items()}  # by the columns of Company
SERVICE_KIND = {
    ServiceKind.partner: "利用申請（取引先専用プラン）",
    ServiceKind.paper: "利用申請（紙の申込書）",
    ServiceKind.plan_change: "プラン変更",
    ServiceKind.option_start: "オプションの利用開始",
    ServiceKind.option_end: "オプションの利用終了",
    ServiceKind.termination: "解約",
}
SERVICE_STATE = {
    ServiceState.filling: "入力中",
    ServiceState.received: "受付",
    ServiceState.in_review: "審査中",
    ServiceState.returned: "差戻し",
    ServiceState.approved: "承認",
    ServiceState.rejected: "却下",
    ServiceState.withdrawn: "取下げ",
}
CALLED_OFF = "承認の取消（適用されません）"
COMPANY_FACT = {
    "name": "企業名",
    "kana": "企業名カナ",
    "corporate_number": "法人番号",
    "address": "住所",
    "phone": "電話番号",
}
COMPANY_OPTION = {
    "requires_second_factor": "二段階認証を必須にする",
    "signs_by_code": "署名用コードを使う",
    "returns_inside": "社内差戻を使う",
}
FACT = {  # of a document, that may be put right after its conclusion
    "conclusion_date": "契約締結年月日",
    "amount_yen": "契約金額(税込)",
    "partner_number": "取引先管理番号",
}
ARCHIVE_OPTION = {  # what the operator sets for a company (R98)
    "has_archive_extension": "長期保管延長オプション",
    "extends_by_itself": "長期保管の自動延長",
}
USER = {  # what is kept about a person, as forms, 操作履歴 and the CSV file call it
    "full_name": "氏名",
    "kana": "カナ",
    "department": "部署",
    "title": "役職",
    "mail_address": "メールアドレス",
    "is_admin": "管理者権限",
}
USER_STATE = {UserState.active: "有効", UserState.locked: "ロック", UserState.deleted: "削除"}
USER_STATE_TONE = {UserState.active: "done", UserState.locked: "remanded", UserState.deleted: "ended"}
LOCK = {Lock.log_in: "ログイン", Lock.pin: "証明書有効性確認（PIN）", Lock.signing: "署名（署名用パスワード）"}
LETTER = {
    Letter.user_issued: "利用者ID発行",
    Letter.initial_password: "初回ログインパスワード",
    Letter.certificate_pin: "PIN",
    Letter.receipt_request: "受取確認依頼",
    Letter.approval_request: "承認依頼",
    Letter.signature_request: "署名依頼",
    Letter.signing_password: "署名用パスワード発行",
    Letter.signing_password_reissued: "署名用パスワード再発行",
    Letter.progress: "処理状況",
    Letter.remanded: "差戻",
    Letter.withdrawn: "取下げ",
    Letter.completed: "文書回覧完了",
    Letter.account_locked: "ログインの一時停止",
    Letter.secret_locked: "PIN・署名用パスワードのロック",
    Letter.account_unlocked: "ロック解除",
    Letter.password_changed: "パスワード変更",
    Letter.password_forgotten: "パスワード再発行",
    Letter.second_factor_changed: "二段階認証の変更",
    Letter.signing_code: "署名用コード",
    Letter.certificate_expiry: "電子証明書 有効期限",
    Letter.certificate_revoked: "電子証明書 失効",
    Letter.mail_address_changed: "メールアドレス変更",
    Letter.application_decided: "申請の審査結果",
    Letter.turn_reassigned: "担当者変更",
    Letter.deputy_changed: "代理者",
    Letter.returned_inside: "社内差戻",
    Letter.deadline: "署名期限",
    Letter.consent_requested: "電子契約の承諾の依頼",
    Letter.consent_answered: "電子契約の承諾",
    Letter.paper_requested: "書面交付の請求",
    Letter.paper_delivered: "書面の交付",
    Letter.term_end: "契約期間の終了",
    Letter.retention_ending: "長期保管期間満了",
    Letter.archive_alert: "長期保管の異常",
    Letter.bulk_download: "一括ダウンロード",
    Letter.log_broken: "監査ログの不一致",
    Letter.service_invitation: "利用申請サイト",
    Letter.service_received: "利用申請の受付",
    Letter.service_returned: "利用申請の差戻し",
    Letter.service_rejected: "利用申請の審査結果",
    Letter.partner_approved: "取引先の利用開始",
    Letter.statement: "利用明細",
    Letter.company_standing: "ご利用の停止・再開",
    Letter.storage_alert: "ファイル保存先の異常",
    Letter.tsa_list_alert: "時刻認証局の失効リストの期限",
    Letter.consent_on_paper: "書面による承諾の登録",
}
KEPT = {  # what a file is to the archive (run.py verify)
    "concluded": "当サービスに保管されている締結済みの契約文書と一致します。",
    "superseded": "当サービスで締結された契約文書と一致します。長期保管のタイムスタンプが付与される前のファイルです。",
    "earlier": "当サービスで作成されたファイルですが、締結済みの契約文書ではありません。",
    "unknown": "当サービスに保管されているファイルとは一致しません。",
}
ACCOUNT_ACTION = {
    AccountAction.log_in: "ログイン",
    AccountAction.log_in_refused: "ログイン失敗",
    AccountAction.log_out: "ログアウト",
    AccountAction.session_ended: "ログイン中の画面の終了",
    AccountAction.locked: "ロック",
    AccountAction.unlocked: "ロック解除",
    AccountAction.password_changed: "パスワード変更",
    AccountAction.password_reset: "パスワード初期化",
    AccountAction.password_forgotten: "パスワード再発行（本人の申請）",
    AccountAction.second_factor_on: "二段階認証の設定",
    AccountAction.second_factor_off: "二段階認証の解除",
    AccountAction.recovery_codes_made: "回復コードの発行",
    AccountAction.recovery_code_used: "回復コードの使用",
    AccountAction.user_enrolled: "利用者登録",
    AccountAction.user_changed: "利用者情報変更",
    AccountAction.user_deleted: "利用者削除",
    AccountAction.users_imported: "利用者一括登録",
    AccountAction.turns_reassigned: "担当者変更",
    AccountAction.deputy_named: "代理者の指定",
    AccountAction.deputy_ended: "代理者の指定の終了",
    AccountAction.route_template_changed: "回覧ルート雛形の変更",
    AccountAction.case_changed: "案件の登録・変更",
    AccountAction.case_linked: "契約文書の案件の変更",
    AccountAction.draft_deleted: "作成中の契約文書の削除",
    AccountAction.bulk_download_requested: "契約文書の一括ダウンロード",
    AccountAction.personal_data_exported: "個人データの出力",
    AccountAction.personal_data_erased: "個人データの消去",
    AccountAction.company_change_applied: "企業情報変更申請",
    AccountAction.company_changed: "企業情報変更",
    AccountAction.company_change_rejected: "企業情報変更申請の却下",
    AccountAction.company_options_changed: "企業の設定変更",
    AccountAction.certificate_applied: "電子証明書の申請",
    AccountAction.certificate_rejected: "電子証明書の申請の却下",
    AccountAction.certificate_issued: "電子証明書の発行",
    AccountAction.certificate_imported: "電子証明書の取り込み",
    AccountAction.revocation_list_stored: "失効リストの登録",
    AccountAction.certificate_linked: "電子証明書の紐付け",
    AccountAction.certificate_unlinked: "電子証明書の紐付け解除",
    AccountAction.certificate_activated: "証明書有効性確認",
    AccountAction.certificate_revoked: "電子証明書の失効",
    AccountAction.pin_reissued: "PIN再発行",
    AccountAction.signing_password_reissued: "署名用パスワード再発行",
    AccountAction.signing_code_sent: "署名用コードの送信",
    AccountAction.consent_requested: "電子契約の承諾の依頼",
    AccountAction.consent_given: "電子契約の承諾",
    AccountAction.consent_declined: "電子契約の承諾の依頼への不承諾",
    AccountAction.consent_withdrawn: "電子契約の承諾の撤回",
    AccountAction.partner_invited: "取引先への利用申請案内の送信",
    AccountAction.partner_invited_again: "取引先への利用申請案内の再送",
    AccountAction.partner_invitation_cancelled: "取引先への利用申請案内の取消",
    AccountAction.company_founded: "企業の登録（利用申請の承認）",
    AccountAction.service_application_decided: "利用申請の審査",
    AccountAction.fee_table_changed: "料金表の変更",
    AccountAction.usage_corrected: "利用実績の訂正",
    AccountAction.service_review_started: "利用申請の審査開始",
    AccountAction.service_keyed_in: "利用申請の登録（紙の申込書）",
    AccountAction.service_change_called_off: "プラン・オプション・解約の承認の取消",
    AccountAction.service_change_applied: "プラン・オプション・解約の申請",
    AccountAction.service_change_withdrawn: "プラン・オプション・解約の申請の取下げ",
    AccountAction.service_change_approved: "プラン・オプション・解約の承認",
    AccountAction.service_change_took_effect: "プラン・オプション・解約の適用",
    AccountAction.service_change_refused: "プラン・オプション・解約の申請の差戻し・却下",
    AccountAction.company_suspended: "企業の利用停止",
    AccountAction.company_resumed: "企業の利用再開",
    AccountAction.company_export_requested: "データの一括出力",
    AccountAction.consent_on_paper: "書面による承諾の登録",
}
CONSENT_ACT = {
    ConsentAct.requested: "承諾の依頼",
    ConsentAct.given: "承諾",
    ConsentAct.declined: "承諾しない旨の回答",
    ConsentAct.withdrawn: "承諾の撤回",
}
CONSENT_STATE = {
    ConsentAct.requested: "依頼中",
    ConsentAct.given: "承諾済み",
    ConsentAct.declined: "承諾なし",
    ConsentAct.withdrawn: "撤回済み",
}
CONSENT_METHOD = {
    ConsentMethod.on_request: "依頼を受けて画面で承諾", ConsentMethod.beforehand: "あらかじめ画面で承諾",
    ConsentMethod.on_paper: "書面による承諾",
}  # fmt: skip
DELIVERY_METHOD = {DeliveryMethod.post: "郵送", DeliveryMethod.by_hand: "手渡し", DeliveryMethod.other: "その他"}
APPLICATION_KIND = {
    ApplicationKind.additional: "追加発行",
    ApplicationKind.renewal: "更新",
    ApplicationKind.pin_reissue: "PIN再発行",
}
APPLICATION_STATE = {
    ApplicationState.received: "受付",
    ApplicationState.approved: "承認",
    ApplicationState.rejected: "却下",
}
INVITATION_STATE = {
    InvitationState.invited: "案内済み",
    InvitationState.filling: "入力中",
    InvitationState.expired: "期限切れ",
    InvitationState.applied: "申請済み",
    InvitationState.returned: "差戻し（修正中）",
    InvitationState.approved: "承認",
    InvitationState.rejected: "却下",
    InvitationState.cancelled: "取消",
}
ITEM_STATE = {ItemState.waiting: "処理待ち", ItemState.done: "完了", ItemState.failed: "未完了"}
DOWNLOAD_STATE = {
    DownloadState.waiting: "作成待ち",
    DownloadState.building: "作成中",
    DownloadState.ready: "準備完了",
    DownloadState.failed: "作成できませんでした",
}
PAIR_STATE = {  # of two pages side by side, see app.services.editions
    "same": "変更なし",
    "changed": "変更あり",
    "added": "追加されたページ",
    "removed": "削除されたページ",
    "unknown": "自動で比較できません",
}
VALIDITY = {
    Validity.valid: "有効",
    Validity.not_yet: "開始前",
    Validity.expired: "有効期限切れ",
    Validity.revoked: "失効",
}
LEVEL = {
    Level.none: "電子署名なし",
    Level.b_lt: "電子署名済み（PAdES B-LT）",
    Level.b_lta: "長期署名済み（PAdES B-LTA）",
    Level.timestamped: "タイムスタンプ済み",
}
FINDING = {
    Finding.intact: "改ざんは検出されませんでした",
    Finding.altered: "署名後の変更（改ざん）が検出されました",
    Finding.broken: "署名データの変更または破損が検出されました",
    Finding.revoked: "失効した証明書による署名です",
    Finding.incomplete: "必要な電子署名がそろっていません",
    Finding.unsigned: "電子署名がありません",
    Finding.untrusted: "検証できません（署名者を確認できません）",
    Finding.untimed: "検証できません（署名の日時を確認できません）",
    Finding.unreadable: "検証できません",
    Finding.too_complex: "検証できません（確認を終えられません）",
}

JOB = {  # 定期処理, by the names in app.jobs
    "send-mail": "メールの送信",
    "bulk-download": "一括ダウンロードの作成",
    "bulk-operation": "一括署名・一括承認・一括受取確認",
    "remind": "署名期限のお知らせ",
    "term-end": "契約期間終了のお知らせ",
    "archive-transfer": "長期保管への移行",
    "archive-extension": "長期保管の延長とタイムスタンプの更新",
    "archive-check": "長期保管文書の点検",
    "archive-expiry": "保管期間満了の処理とお知らせ",
    "certificate-expiry": "電子証明書の有効期限のお知らせ",
    "signing-password-expiry": "期限切れの署名用パスワードの消去",
    "key-destruction": "失効した電子証明書の鍵の破棄",
    "seal-renewal": "サービスの証明書の更新",
    "service-changes": "プラン・オプション・解約の適用",
    "tsa-crl": "時刻認証局の失効リストの取得",
    "usage-closing": "利用明細の締め",
    "usage-monthly": "月額料金の記録",
    "object-lock": "保存先での削除と上書きの防止",
    "log-anchor": "監査ログへのタイムスタンプの付与",
    "log-verify": "監査ログの検証",
}

COMMENT_HELP = "自社内のみで閲覧できます。取引先には表示されません。編集すると上書きされます。"  # beside every 自社内コメント記入欄 (R54-R57)
CONDITION = {Condition.waiting: "点検前", Condition.sound: "正常", Condition.damaged: "異常あり"}
DAMAGE = {
    Damage.missing: "ファイルがありません",
    Damage.altered: "ファイルの内容が変わっています",
    Damage.swapped: "別の文書のファイルに置き換わっています",
    Damage.put_back: "この文書の以前の版に戻っています",
    Damage.signature_set: "記録されている電子署名・タイムスタンプと一致しません",
    Damage.invalid: "電子署名またはタイムスタンプが有効ではありません",
    Damage.unprovable: "電子署名またはタイムスタンプの有効性を確認できません",
}

FEE_ITEM = {
    FeeItem.monthly_base: "月額基本料",
    FeeItem.document: "契約文書",
    FeeItem.certificate_issue: "電子証明書発行",
    FeeItem.certificate_renewal: "電子証明書更新",
    FeeItem.additional_user: "利用者ID追加",
    FeeItem.case_monthly: "案件管理オプション月額",
    FeeItem.bulk_signing_monthly: "一括署名オプション月額",
    FeeItem.archive_extension: "長期保管延長",
}
FEE_UNIT = {  # what one of it is
    FeeItem.monthly_base: "1か月",
    FeeItem.document: "1件（契約締結・文書回覧完了時）",
    FeeItem.certificate_issue: "1枚",
    FeeItem.certificate_renewal: "1枚",
    FeeItem.additional_user: "1利用者ID（2人目から、登録時）",
    FeeItem.case_monthly: "1か月",
    FeeItem.bulk_signing_monthly: "1か月",
    FeeItem.archive_extension: "1件（10年）",
}
SAMPLE = "サンプル"  # stands at every price that is one
UNPRICED = "料金が登録されていません"  # of a record that found no price


def finding(row):
    """One thing that 点検 found, as an operator reads it: what, and in which file."""
    return f"{DAMAGE[Damage(row['finding'])]}（SHA-256：{row['sha256']}）"


_ALL = (
    STATUS, ACTION, ROLE, SIDE, MODE, KIND, LIST_COLUMN, PLAN, COMPANY_STATUS, LETTER, LEVEL, ATTACHMENT_KIND, ACCOUNT_ACTION,
    APPLICATION_KIND, APPLICATION_STATE, USER_STATE, LOCK, VALIDITY, CONSENT_ACT, CONSENT_METHOD, DELIVERY_METHOD, FINDING,
    CONDITION, DAMAGE, DOWNLOAD_STATE, INVITATION_STATE, SERVICE_KIND, SERVICE_STATE, FEE_ITEM,
    OPTION, ITEM_STATE,
)  # fmt: skip


def label(value):
    """The word for an enum member; a type belongs to exactly one table, so the member says which."""
    for words in _ALL:
        if type(value) is type(next(iter(words))):
            return words[value]
    raise KeyError(value)


def status_of(document):
    """ステータス of a document; a 3社以上契約 says for which receiving company it waits (B1)."""
    word = STATUS[document.status]
    if document.is_multilateral and document.status in WITH_RECEIVER:
        return f"{word}（{document.waiting_party.company.name}）"
    return word


def mode_of(document):
    """署名区分 of a document; in a 3社以上契約 all companies sign (R2)."""
    return MODE_OF_ALL if document.is_multilateral else MODE[document.mode]


def certificate_title(document):
    """What is certified of a concluded document: where nobody signs, nothing was agreed by signature."""
    return "合意締結証明書" if document.mode.is_signed else "文書回覧完了証明書"


def field_label(party):
    """Whose signature a field is: 発出, 受領, or the company's name where there are more than two (I5)."""
    return party.company.name if party.document.is_multilateral else FIELD_LABEL[party.side]


def my_turn(status):
    return MY_TURN[status]


def tone(status):
    return (TONE | USER_STATE_TONE).get(status, "progress")


def jst(moment, form="%Y/%m/%d %H:%M"):
    """A moment as people in Japan read it."""
    return moment.astimezone(JAPAN).strftime(form) if moment else ""


def day(date):
    return date.strftime("%Y/%m/%d") if date else ""


def yen(amount):
    """契約金額; a document without one says so (L6)."""
    return "金額なし" if amount is None else f"{amount:,}円"


def case_name(case):
    """番号 and 名 of a 案件, for whoever is of its company; empty for none."""
    return "" if case is None else f"{case.number}　{case.name}"


def month(first_day):
    """A month by its first day."""
    return f"{first_day.year}年{first_day.month}月"


def charge(yen, is_sample=False):
    """A price or what is charged, without consumption tax; a サンプル says so (I10)."""
    return f"{yen:,}円{f'（{SAMPLE}）' if is_sample else ''}"


def usage_kind(record):
    """What a line of 利用明細 is where it belongs to a correction; "" of any other."""
    if record.corrects_id is None:
        return ""
    return "取消" if record.takes_back else "訂正後"


def job(name):
    """What a 定期処理 does; one that a later version has dropped keeps its name in the code."""
    return JOB.get(name, name)


def duration(days):
    """How long something took, from a number of days."""
    if days is None:
        return "－"
    if days * 24 < 1:
        return "1時間未満"
    return f"{days * 24:.1f}時間" if days < 1 else f"{days:,.1f}日"


def yes_no(value):
    return "はい" if value else "いいえ"


def in_use(has_option):
    return "利用中" if has_option else "未利用"


def archive_option(company):
    """長期保管延長オプション of a company, as it reads it."""
    if not company.has_archive_extension:
        return "なし"
    return "あり（自動で延長します）" if company.extends_by_itself else "あり（管理者の操作で延長します）"


def wish_of(application):
    """What a 申請 of a company that is there asks for, in one line."""
    what = SERVICE_KIND[application.kind]
    if application.plan is not None:
        return f"{what}（{PLAN[application.plan]}）"
    return f"{what}（{OPTION[application.option]}）" if application.option is not None else what


def options_of(company):
    """The options in force, in one line."""
    return "、".join(called for name, called in OPTION_FLAG.items() if getattr(company, name)) or "なし"


def company_notice(company):
    """What people of a company that is suspended or has left read on every page; "" for all others."""
    return COMPANY_NOTICE.get(company.status, "")


def term(document):
    """契約期間, open at either end where only the other is set."""
    if not (document.term_from or document.term_to):
        return ""
    return f"{day(document.term_from)} ～ {day(document.term_to)}"


def consent_state(row):
    """How a pair stands after its newest act; None: nobody has said anything."""
    if row is None:
        return "未承諾"
    return "再度の承諾が必要" if row.is_outdated else CONSENT_STATE[row.act]


def boxes_for_picture(positions):
    """署名位置 as left, bottom, width and height, for the picture of their page."""
    return [
        {"label": position.label, "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "signed": position.signed}
        for position in positions
        for x0, y0, x1, y1 in [position.box]
    ]


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("Chrome/", "Chrome"),
             ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
            ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def browser(user_agent):
    """What a browser says of itself, in the words people know it by."""
    name, system = (
        next((word for mark, word in known if mark in user_agent), "") for known in (_BROWSERS, _SYSTEMS)
    )
    return f"{name or '不明なブラウザー'}{f'（{system}）' if system else ''}"


FILTERS = {
    "case_name": case_name,
    "certificate_title": certificate_title,
    "browser": browser, "archive_option": archive_option, "label": label, "status_of": status_of, "mode_of": mode_of,
    "my_turn": my_turn, "tone": tone, "jst": jst, "day": day, "yen": yen, "month": month, "charge": charge, "usage_kind": usage_kind,
    "fee_unit": FEE_UNIT.get, "term": term, "boxes_for_picture": boxes_for_picture, "consent_state": consent_state,
    "wish_of": wish_of, "options_of": options_of, "company_notice": company_notice, "job": job, "duration": duration,
}  # fmt: skip
