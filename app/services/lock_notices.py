"""When the last try at a secret is used up: the person is told by mail, and 操作履歴 keeps it (S8)."""

from app.extensions import db, writing
from app.models import AccountAction, Letter
from app.services import journal, outbox


def tell(user, secret, now, *, certificate_no=""):
    """Owe the letter and note the lock; commits, for the refusal that follows rolls back.

    :param secret: which one is locked, in the words of the mails: PIN or 署名用パスワード
    """
    with writing():
        journal.note(AccountAction.locked, now, user=user, actor=user, note=f"{secret} {certificate_no}".strip())
        outbox.owe(Letter.secret_locked, user, now, what=secret, certificate_no=certificate_no)
        db.session.commit()
