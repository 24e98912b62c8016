"""The words for what the documents of a 案件 come to (I12)."""

ORIGINAL, AMENDMENT = "原契約", "変更契約"
PART = "原契約・変更契約"  # the column that says which of them a document is
TOTALS = ("集計", "件数", "契約金額(税込)の合計", "うち金額なし")
NOT_ADDED_UP = (
    "「変更契約」は、文書種別が変更契約書または覚書の契約文書と、原契約を指定した契約文書です。"
    "契約金額が変更後の総額か増減額かは契約文書によって異なるため、原契約と変更契約の契約金額は合計していません。"
)
WITHDRAWN_LEFT_OUT = "ご自身が閲覧できる契約文書の集計です。取り下げた契約文書は含めません。"
