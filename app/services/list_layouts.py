"""表示する項目: which columns a person sees in the two lists (I20)."""

from sqlalchemy import select

from app.extensions import db
from app.models import ListColumn, ListLayout, PortalUser

ALWAYS = ListColumn.number  # leads to the document


def choose(user, columns, *, in_archive):
    """Remember the person's choice; none at all brings the usual columns back."""
    db.session.execute(select(PortalUser.id).where(PortalUser.id == user.id).with_for_update())  # one at a time
    layout = db.session.get(ListLayout, (user.id, in_archive))
    if not columns:
        if layout is not None:
            db.session.delete(layout)
        return
    chosen = [column.value for column in ListColumn if column in columns or column is ALWAYS]
    if layout is None:
        db.session.add(ListLayout(user_id=user.id, in_archive=in_archive, columns=chosen))
    else:
        layout.columns = chosen
