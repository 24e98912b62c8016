"""自動保存: what is typed into ［契約文書登録］ is kept until the document is saved (I4).

Sealed under the KEK for one person and one document: a row read out of the database, or moved to somebody
else's name, tells nothing.
"""

import json

from sqlalchemy import delete, exists, select

from app import queries
from app.errors import AlreadyRegistered, OutOfTurn, Refused, TooLarge
from app.extensions import db
from app.models import ContractDocument, PortalUser, RegistrationDraft
from app.services.strongroom import Sealed, strongroom

NEW = 0  # in place of a document's id, for one that is not registered yet
UNSEEN = frozenset({"token", "kept_file", "kept_attachments"})
MOST_BYTES = 64 * 1024  # of all that was typed; twice what the longest texts need


def save(user, now, about_id, token, fields):
    """Keep what the form with this `token` holds now.

    :param fields: name of a field -> list of what was typed there
    :raises TooLarge: more than anybody types
    :raises AlreadyRegistered: the form was saved meanwhile
    :raises OutOfTurn: a draft from another form is there, which this one must not wipe
    """
    text = json.dumps(fields, ensure_ascii=False).encode()
    if len(text) > MOST_BYTES:
        raise TooLarge("入力された内容が長すぎるため、自動保存できませんでした。")
    if not 0 < len(token) <= 36:
        raise Refused("下書きを自動保存できませんでした。画面を開き直してください。")
    if db.session.scalar(select(exists().where(ContractDocument.registration_token == token))):
        raise AlreadyRegistered
    db.session.execute(select(PortalUser.id).where(PortalUser.id == user.id).with_for_update())  # one at a time
    draft = queries.draft_of(user, about_id)
    if draft is None:
        draft = RegistrationDraft(user_id=user.id, about_id=about_id, token=token)
        db.session.add(draft)
    elif draft.token != token:
        raise OutOfTurn("別の画面で入力した下書きがあるため、この画面の内容は自動保存されていません。")
    draft.sealed_fields = strongroom().keyring.seal(text, _context(draft))
    draft.saved_at = now
    return draft


def fields_of(draft):
    """What was typed: name of a field -> list of texts."""
    return json.loads(strongroom().keyring.open(draft.sealed_fields, _context(draft)))


def typed_in(draft):
    """What the person typed, without what the form carries along unseen."""
    return {name: texts for name, texts in fields_of(draft).items() if name not in UNSEEN and any(texts)}


def discard(user, about_id):
    """破棄, by the person themself; none there is fine."""
    db.session.execute(_about(about_id).where(RegistrationDraft.user_id == user.id))


def done(user, about_id, token):
    """The form was saved: its draft goes.  One typed into another form for another new document stays."""
    own = _about(about_id).where(RegistrationDraft.user_id == user.id)
    db.session.execute(own.where(RegistrationDraft.token == token) if about_id == NEW else own)


def forget(document):
    """The document has left its registrar, or is withdrawn or deleted: nobody will go on with a draft about it."""
    db.session.execute(_about(document.id))


def _about(about_id):
    return (
        delete(RegistrationDraft)
        .where(RegistrationDraft.about_id == about_id)
        .execution_options(synchronize_session=False)
    )


def _context(draft):
    return f"registration-draft:{draft.user_id}:{draft.about_id}".encode()


SEALED = (Sealed(RegistrationDraft.sealed_fields, _context),)
