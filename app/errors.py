"""What the portal refuses, with the HTTP status and the sentence that the person reads.

Each sentence says what is wrong and what to do next.  Rules raise these; the handlers in
:mod:`app.views.errors` roll back and show them.
"""


class PortalError(Exception):
    """A refusal whose `sentence` may be shown to the person who asked."""

    status = 400
    sentence = "操作を完了できませんでした。内容をご確認のうえ、もう一度お試しください。"

    def __init__(self, sentence=None):
        super().__init__(sentence or self.sentence)
        self.sentence = sentence or self.sentence


class NotFound(PortalError):
    """Unknown, or somebody else's: the two look the same (I18)."""

    status = 404
    sentence = "お探しのページまたは契約文書は見つかりませんでした。URLをご確認いただくか、トップページからお進みください。"


class OutOfTurn(PortalError):
    """Not this person's turn any more, or the page was drawn before somebody else acted (Q4)."""

    status = 409
    sentence = "他の利用者が処理済みです。契約文書の最新の状態をご確認ください。"


class AlreadyRegistered(OutOfTurn):
    """The same registration form arrived a second time (Q3)."""

    sentence = (
        "この画面の内容はすでに登録されています。トップページのマイリストをご確認ください。"
        "続けて別の契約文書を登録する場合は、内容をご確認のうえ、もう一度［確認］を押してください。"
    )


class AlreadyClosed(OutOfTurn):
    """What is recorded for the 利用明細 or closed in one cannot be changed, only corrected by a further record (I10)."""

    sentence = "記録した利用実績と締めた利用明細は変更できません。訂正は、利用明細の画面の［訂正］で行ってください。"


class AlreadyEnrolled(OutOfTurn):
    """The same 利用者登録 arrived a second time."""

    sentence = "この画面の内容はすでに登録されています。利用者情報照会で、登録した利用者をご確認ください。"


class PersonChanged(OutOfTurn):
    """The page was drawn before the person's password or authority changed."""

    sentence = "この利用者の情報は、画面を開いた後に変更されています。利用者情報照会で、最新の状態をご確認ください。"


class CompanyNotActive(PortalError):
    """The person's company is suspended or has left: its people read, and do no more (B5)."""

    status = 403
    sentence = (
        "貴社のご利用が停止中または解約済みのため、この操作は行えません。閲覧とダウンロードはご利用いただけます。"
        "ご不明点は、お問い合わせ窓口までご連絡ください。"
    )


class Refused(PortalError):
    """The input or the situation does not allow the step; nothing was changed."""

    status = 422


class OptionMissing(PortalError):
    """The company has not got the option that the operation needs (R99)."""

    status = 403


class TooLarge(Refused):
    """More than the portal takes at once."""

    status = 413


class VerificationRefused(Refused):
    """What was handed in for verification cannot be looked at as it is."""


class Busy(PortalError):
    """Too many people want the same laborious thing at once."""

    status = 429
    sentence = "ただいま検証が混み合っています。1分ほど待ってから、もう一度お試しください。"


class SecretRefused(Refused):
    """A wrong, expired or locked password, PIN or signing password."""


class SecretLocked(SecretRefused):
    """A wrong one that used up the last try: from now on it is locked, and the person is told by mail."""


class PairNotAvailable(Refused):
    """The plans of the two companies do not allow them to deal with each other (R102, R104)."""


class ConsentMissing(Refused):
    """A receiver has not consented to contracts for construction work being made electronically (L14)."""


class IntakeRefused(Refused):
    """An uploaded file is not a PDF that can be signed and kept (I5, S5)."""


class Gone(PortalError):
    """The files of a document were deleted after its 保管期間; its facts are still there (T16)."""

    status = 410
    sentence = "この契約文書のファイルは、保管期間の満了後に廃棄されました。契約文書の情報と廃棄の記録は、照会画面でご確認いただけます。"


class SigningFailed(PortalError):
    """The file, the key or the time-stamp authority refused; no signature came into being."""

    status = 503
    sentence = "署名を完了できませんでした。契約文書の状態は変わっていません。しばらくしてから、もう一度お試しください。"


class HardwareFailed(SigningFailed):
    """The token that keeps the keys does not answer, refuses, or is not set up (PKCS#11)."""

    sentence = "署名鍵を保管する装置（HSM）を使用できないため、操作を完了できませんでした。しばらくしてから、もう一度お試しください。"


class PapersBusy(PortalError):
    """Too many certificates or copies are being made at this moment."""

    status = 503
    sentence = "ただいま混み合っているため、PDFを作成できませんでした。しばらくしてから、もう一度お試しください。"


class StorageFailed(PortalError):
    """A stored file is missing or differs from its SHA-256."""

    status = 503
    sentence = "契約文書のファイルを読み込めませんでした。お手数ですが、お問い合わせ窓口までご連絡ください。"


class PicturesBusy(PortalError):
    """Too many pages are being drawn at this moment."""

    status = 503
    sentence = "ただいま混み合っているため、ページの画像を表示できませんでした。しばらくしてから、もう一度お試しください。"


class LinkUnknown(PortalError):
    """An address of the 利用申請サイト that opens nothing; why, it does not say."""

    status = 404
    sentence = (
        "この利用申請のURLは使用できません。有効期限が過ぎたか、新しいURLが送られたか、案内が取り消されています。"
        "利用申請についての最新のメールのURLを開くか、ご案内元の企業に案内の再送をご依頼ください。"
    )


class NotOfThisPlan(PortalError):
    """What the company's plan does not contain."""

    status = 403
    sentence = "取引先への利用申請案内は、片方課金プランの企業のみご利用いただけます。"


class AlreadyInvited(Refused):
    """The company has invited this address itself, and something has come of it or may still.

    :param invitation: the earlier one, of the same company
    """

    def __init__(self, sentence, invitation):
        super().__init__(sentence)
        self.invitation = invitation
