"""The words for companies and their people: plans, options, 申請, 料金, consents."""

from app.models import (
    ApplicationKind,
    ApplicationState,
    CompanyOption,
    CompanyStatus,
    ConsentAct,
    ConsentMethod,
    DeliveryMethod,
    FeeItem,
    InvitationState,
    Lock,
    ServiceKind,
    ServiceState,
    UserState,
)
from app.plans import PlanKind

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
