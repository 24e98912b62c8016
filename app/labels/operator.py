"""The words for what the operator's ダッシュボード counts, there and over the list that a number leads to."""

WORK = {  # by the names in app.queries.operator_rows
    "certificate_applications": "処理待ちの証明書申請",
    "company_changes": "処理待ちの企業情報変更申請",
    "service_applications": "処理待ちの利用申請",
    "mails_unsent": "未送信のメール",
    "mails_retried": "再送中のメール",
    "mails_failed": "送信できなかったメール",
    "transfers_waiting": "長期保管への移行待ちの契約文書",
    "transfers_late": "締結から24時間を過ぎた移行待ちの契約文書",
    "archive_failures": "移行・延長・更新に失敗した契約文書",
    "archive_damaged": "点検で異常が見つかった契約文書",
    "renewals_due": "更新時期のタイムスタンプ",
    "certificates_30": "期限まで30日以内の電子証明書",
    "certificates_90": "期限まで90日以内の電子証明書",
    "certificates_expired": "期限切れの電子証明書",
}
OF_PLAN = "{}の企業"
OF_PLAN_AND_STATE = "{}の企業（{}）"
OF_STATUS = "ステータスが『{}』の契約文書"
FOUNDED_IN = "{}に登録された企業"
CONCLUDED_IN = "{}に締結された契約文書"
