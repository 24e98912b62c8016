"""Post the letters that are owed."""

import logging
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused

from app import letters
from app.extensions import db, mail
from app.services import outbox

log = logging.getLogger(__name__)
PERMANENT = range(500, 600)  # SMTP reply codes that no later try will change


def due(now):
    """Ids of the letters to post at `now`, oldest first."""
    return outbox.due(now)


def run_one(message_id, now):
    """Post one letter; False when somebody else has it, it expired, or the server refused."""
    message = outbox.claim(message_id, now)
    if message is None:
        return False
    letter = letters.compose(message, outbox.secret_of(message))
    db.session.commit()  # nothing is held while the mail server answers
    try:
        mail.send(letter)
    except (OSError, SMTPException) as error:
        log.warning("letter %s not sent, attempt %s: %s", message_id, message.attempts, type(error).__name__)
        if _code(error) in PERMANENT:
            outbox.give_up(message, f"メールサーバーが受け付けませんでした（{_code(error)}）。")
        else:
            outbox.postpone(message, f"送信できませんでした（{type(error).__name__}）。自動で再送します。")
        return False
    outbox.mark_sent(message, now)
    return True


def _code(error):
    """The server's verdict on this letter; None where it refused us, whatever the letter."""
    if isinstance(error, SMTPRecipientsRefused):
        return max(code for code, _ in error.recipients.values())
    return error.smtp_code if isinstance(error, SMTPDataError) else None
