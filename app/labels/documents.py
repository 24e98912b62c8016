"""The words for a document: its status, its steps, its files and what was found in them."""

from app.models import (
    AttachmentKind,
    Condition,
    Damage,
    DocumentKind,
    DownloadState,
    ItemState,
    Level,
    ListColumn,
    Validity,
)
from app.signing.verdict import Finding
from app.workflow import Action, Role, Side, SignatureMode, Status

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
FACT = {  # of a document, that may be put right after its conclusion
    "conclusion_date": "契約締結年月日",
    "amount_yen": "契約金額(税込)",
    "partner_number": "取引先管理番号",
}
KEPT = {  # what a file is to the archive (run.py verify)
    "concluded": "当サービスに保管されている締結済みの契約文書と一致します。",
    "superseded": "当サービスで締結された契約文書と一致します。長期保管のタイムスタンプが付与される前のファイルです。",
    "earlier": "当サービスで作成されたファイルですが、締結済みの契約文書ではありません。",
    "certificate": "当サービスが発行した証明書です。契約文書の原本に代わるものではありません。",
    "unknown": "当サービスに保管されているファイルとは一致しません。",
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
COMMENT_HELP = "自社内のみで閲覧できます。取引先には表示されません。編集すると上書きされます。"  # beside every 自社内コメント記入欄 (R54-R57)
CONDITION = {Condition.waiting: "点検前", Condition.sound: "正常", Condition.damaged: "異常あり", Condition.without_files: "廃棄済み"}
DAMAGE = {
    Damage.missing: "ファイルがありません",
    Damage.altered: "ファイルの内容が変わっています",
    Damage.swapped: "別のファイルに置き換わっています",
    Damage.put_back: "この文書の以前の版に戻っています",
    Damage.attachment_set: "履歴に記録されている添付・補足書類と一致しません",
    Damage.signature_set: "記録されている電子署名・タイムスタンプと一致しません",
    Damage.invalid: "電子署名またはタイムスタンプが有効ではありません",
    Damage.unprovable: "電子署名またはタイムスタンプの有効性を確認できません",
}
