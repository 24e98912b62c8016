"""再送: an operator sends a letter again that failed for good; it goes out with the next run of the job.

Nothing secret is kept of a letter that failed (see :mod:`app.services.outbox`): who waits for a password, a PIN, a code
or an address of the 利用申請サイト gets a new one, by a new letter.
"""

from collections import Counter
from dataclasses import dataclass

from app.clock import japan_date
from app.errors import Refused
from app.extensions import db
from app.labels import LETTER
from app.models import AccountAction, ContractDocument, Letter
from app.queries import deputy_of
from app.services import journal, outbox
from app.services.outbox import REQUESTS

NOT_KEPT = "このメールに記載するパスワードやURLなどは、安全のため保存していません。"
INVITE_AGAIN = "案内元の企業の管理者に、［取引先への利用申請案内］の［再送］をご依頼ください。"
REISSUE = "署名者に、契約文書照会の画面の［署名用パスワード再発行］をご案内ください。"
# letter with a secret -> how the person gets a new one
INSTEAD = {
    Letter.initial_password: "［利用者］の［照会］の画面で、［パスワードを初期化］を押してください。",
    Letter.password_forgotten: "ご本人に、ログイン画面の［パスワードをお忘れの方］をご案内ください。",
    Letter.certificate_pin: "企業の管理者に、PIN再発行の申請をご依頼ください。",
    Letter.signing_password: REISSUE,
    Letter.signing_password_reissued: REISSUE,
    Letter.signing_code: "署名者に、契約文書署名の画面の［署名用コードを送信］をご案内ください。",
    Letter.service_invitation: INVITE_AGAIN,
    Letter.service_received: "申請は受け付けています。審査の状況は、申請者がこれまで使用したURLで確認できます。",
    Letter.service_returned: INVITE_AGAIN,
}
WITHOUT_LINK = frozenset({Letter.service_received, Letter.service_returned})  # of a 申請 from paper


@dataclass(frozen=True)
class Outlook:
    """What would come of sending a failed letter again."""

    address: str
    is_new_address: bool
    hindrance: str | None  # why it is not sent again, and what to do instead


def outlook(message, now):
    """The :class:`Outlook` of a letter; None of one that did not fail."""
    if message.sent_at is not None or message.due_at is not None:
        return None
    address = _address(message)
    return Outlook(address, address != message.to_address, _hindrance(message, now))


def resend(message, actor, now):
    """再送する: the letter is due again, to the present address of its person; the caller commits.

    It keeps its Message-ID, as in the retries, unless it goes to another address.

    :raises Refused: it is sent or waits already, or must not be sent again; with what to do instead
    """
    db.session.refresh(message, with_for_update=True)  # of two operators one is refused
    if message.sent_at is not None:
        raise Refused("送信済みのメールです。")
    found = outlook(message, now)
    if found is None:
        raise Refused("送信を待っているメールです。自動で送信されます。")
    if found.hindrance:
        raise Refused(found.hindrance)
    if found.is_new_address:
        message.to_address, message.message_id = found.address, outbox.new_message_id()
    message.due_at, message.failure = now, ""
    note = LETTER[message.letter] + ("（変更後のメールアドレスに送信）" if found.is_new_address else "")
    journal.note(AccountAction.mail_resent, now, user=message.user, actor=actor, note=note)


def resend_all(messages, actor, now):
    """:func:`resend` for each that can be.

    :returns: how many are on their way, and sentence of a refusal -> how many it kept back
    """
    chosen = {message.id: message for message in messages}
    kept_back = Counter()
    for message_id in sorted(chosen):
        try:
            resend(chosen[message_id], actor, now)
        except Refused as refusal:
            kept_back[refusal.sentence] += 1
    return len(chosen) - kept_back.total(), kept_back


def _address(message):
    """Where it goes now; that of an address's change is for the earlier one."""
    if message.user is None or message.letter is Letter.mail_address_changed:
        return message.to_address
    return message.user.mail_address


def _hindrance(message, now):
    if message.user is not None and not message.user.is_selectable:
        return "宛先の利用者は削除されているため、再送できません。"
    if message.letter in INSTEAD and (message.expires_at or message.letter not in WITHOUT_LINK):
        return NOT_KEPT + INSTEAD[message.letter]
    if message.document_id is None and "number" in message.facts:
        return "このメールがお知らせする契約文書は削除されているため、再送できません。"
    if message.letter in REQUESTS.values() and not _is_still_asked(message):
        return "このメールでお願いした処理は、完了しているか、担当者が変わっています。再送の必要はありません。"
    if "days_left" in message.facts and japan_date(message.created_at) != japan_date(now):
        return "このメールに記載した残りの日数が変わっているため、再送できません。必要なときは、別の方法でご本人にお知らせください。"
    return None


def _is_still_asked(message):
    document = db.session.get(ContractDocument, message.document_id)
    is_same = REQUESTS.get(document.status) is message.letter
    return is_same and message.user in (document.holder, deputy_of(document.holder))
