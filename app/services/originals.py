"""原契約 and 変更契約: a concluded document is corrected only by another one that names it (L24)."""

from app import queries
from app.errors import Refused
from app.models import AMENDING

NOT_FOUND = (
    "原契約の文書管理番号が正しくありません。締結済みで、ご自身が閲覧できる契約文書の文書管理番号を入力してください。"
)


def named(user, typed, document=None):
    """The 原契約 that the registrar named by 文書管理番号; None where the field is empty.

    :param document: the one that is corrected.  An 原契約 named by an earlier registrar stays where the
        person may not see it: nothing of it stood on the form.
    :raises Refused: one sentence for unknown, foreign and not concluded (I18)
    """
    if not typed.strip():
        hidden = document is not None and document.original_id and queries.original_of(user, document) is None
        return document.original if hidden else None
    found = queries.concluded_by_number(user, typed)
    if found is None:
        raise Refused(NOT_FOUND)
    return found


def is_missing(document):
    """Whether a document of this kind should name an 原契約 and names none."""
    return document.kind in AMENDING and document.original_id is None
