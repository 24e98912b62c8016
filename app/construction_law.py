"""What 建設業法第19条 asks of a contract for construction work: the items of its first paragraph, and the text to which the
other party consents before the contract is made electronically (its third).

Change :data:`CONSENT_TEXT` only together with :data:`CONSENT_VERSION`, and the version only where the kind or the content
of what is done changes: consents to an earlier version no longer count, and every partner must be asked again.

Source: 建設業法 第19条, 建設業法施行令 第5条の5
"""

CONSENT_VERSION = "2026-11"

CONSENT_TEXT = """\
１．対象
建設工事の請負契約（その内容を変更する契約を含みます。）について、建設業法第19条第1項および第2項に定める書面への記載、署名または記名押印ならびに相互の交付に代えて、同条第3項に基づき、次の措置を講じます。

２．措置の種類
電子情報処理組織を使用する措置です。契約の内容を記録したファイルを本サービスのサーバーに備え、電気通信回線（インターネット）を通じて契約の相手方の閲覧に供し、相手方がその端末のファイルに記録（ダウンロード）できるようにします。

３．措置の内容
（１）ファイルへの記録の方式：PDF形式
（２）電子署名：署名区分に従って署名する企業が、その電子証明書によってPDFファイルに電子署名（PAdES形式）を行い、タイムスタンプを付与します。署名の後に改変されていないことは、一般的なPDF閲覧ソフトなどで確認できます。
（３）本人の確認：署名者は、ご本人に交付された電子証明書と、登録されたメールアドレスに送信する署名用パスワードまたは署名用コードによって署名します。
（４）提供の方法：契約文書が届いたことを、画面のURLを記載したメールで受取担当者にお知らせします。受取担当者は本サービスにログインして契約文書を受け取ります。
（５）閲覧の方法：本サービスにログインし、契約文書をWebブラウザーで閲覧するか、ダウンロードしてPDF閲覧ソフトで閲覧します。書面に印刷することもできます。
（６）保管：締結された契約文書は、画面に表示される保管満了日まで本サービスで保管され、その間、閲覧とダウンロードができます。

４．必要な環境
インターネットに接続できる端末、Webブラウザー、PDFファイルを閲覧できるソフト、メールを受信できる環境

５．承諾の撤回
承諾した企業は、いつでも［電子契約承諾管理］の画面から承諾を撤回できます。撤回すると、再び承諾するまで、その取引先とは上記の措置による契約の締結を行いません。すでに締結された契約の効力は変わりません。
"""

# 第19条第1項: key in the document's row -> the item, in the order of its numbers.  "If" items are needed only where agreed.
ARTICLE_19_ITEMS = {
    "work": "工事内容",
    "price": "請負代金の額",
    "period": "工事着手の時期、工事完成の時期",
    "days_off": "工事を施工しない日または時間帯（定めをするとき）",
    "advance": "前金払または出来形部分に対する支払の時期と方法（定めをするとき）",
    "changes": "設計変更、着手の延期、工事の中止の申出があった場合の工期・請負代金の額の変更、損害の負担と、それらの額の算定方法",
    "force_majeure": "天災その他の不可抗力による工期の変更または損害の負担と、その額の算定方法",
    "prices": "価格等の変動または変更に基づく工事内容または請負代金の額の変更と、その額の算定方法",
    "third_parties": "工事の施工により第三者が損害を受けた場合の賠償金の負担",
    "supplies": "注文者が資材を提供し、または建設機械などを貸与するときの、その内容と方法",
    "inspection": "完成を確認するための検査の時期と方法、引渡しの時期",
    "payment": "工事完成後の請負代金の支払の時期と方法",
    "conformity": "契約不適合を担保すべき責任、またはその履行に関する保証保険契約などの措置（定めをするとき）",
    "default": "履行の遅滞その他の債務の不履行の場合の遅延利息、違約金その他の損害金",
    "disputes": "契約に関する紛争の解決方法",
    "others": "その他、国土交通省令で定める事項",
}


def ticked(keys):
    """The items of 第19条第1項 with these keys, in the order of their numbers."""
    return [item for key, item in ARTICLE_19_ITEMS.items() if key in keys]


def unticked(keys):
    """The other items of 第19条第1項, in the order of their numbers."""
    return [item for key, item in ARTICLE_19_ITEMS.items() if key not in keys]
