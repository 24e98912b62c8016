"""検索条件の保存: a person keeps the conditions of a search under a name (I20)."""

from sqlalchemy import select

from app import queries
from app.errors import Refused
from app.extensions import db
from app.models import PortalUser, SavedSearch

MOST_SAVED = 20  # of one person, in one of the two lists


def save(user, now, *, name, in_archive, conditions):
    """Keep checked conditions.

    :param conditions: field of the search form -> value, as they stand in an address
    :raises Refused: none given, the name is taken, or there are too many
    """
    if not conditions:
        raise Refused("検索条件が指定されていません。条件を入力して検索してから、保存してください。")
    db.session.execute(select(PortalUser.id).where(PortalUser.id == user.id).with_for_update())  # one at a time
    kept = queries.saved_searches_of(user, in_archive=in_archive)
    if name in {saved.name for saved in kept}:
        raise Refused(f"「{name}」という名前の検索条件は、すでに保存されています。別の名前を入力してください。")
    if len(kept) >= MOST_SAVED:
        raise Refused(f"保存できる検索条件は{MOST_SAVED}件までです。使わない検索条件を削除してから、保存してください。")
    db.session.add(
        SavedSearch(user_id=user.id, in_archive=in_archive, name=name, conditions=conditions, created_at=now)
    )


def forget(saved):
    db.session.delete(saved)
