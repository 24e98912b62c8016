"""The numbers the portal gives out, each once: 企業ID, 利用者ID, 文書管理番号, 証明書管理番号, 申請番号, 明細番号."""

from sqlalchemy import update

from app.extensions import db
from app.models import NumberSeries

FORMS = {
    "company": "C{:08d}", "user": "U{:08d}", "document": "D{:08d}", "certificate": "JC-{:08d}",
    "application": "A{:08d}", "statement": "S{:08d}",
}  # fmt: skip


def next_number(series):
    """The next number of a series, such as ``C00000012``; a rolled-back one is given out again."""
    last = db.session.scalar(
        update(NumberSeries)
        .where(NumberSeries.name == series)
        .values(last=NumberSeries.last + 1)
        .returning(NumberSeries.last)
    )
    return FORMS[series].format(last)
