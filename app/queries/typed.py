"""What people type to name a row, and a list given out by pages."""

import re
import unicodedata
from dataclasses import dataclass

from sqlalchemy import func, select

from app.extensions import db

MOST_ID = 2**31 - 1  # what the column of a number holds; a greater one in an address is nobody's


def is_id(typed):
    """Whether what stands in an address may be the number of a row."""
    return re.fullmatch("[0-9]{1,10}", typed) is not None and int(typed) <= MOST_ID


def as_code(typed):
    """A 企業ID, 利用者ID or number as typed, full-width letters and small ones too, in the form that is kept."""
    return unicodedata.normalize("NFKC", typed).strip().upper()


def as_number(typed):
    """A number that a company gave itself, such as a 案件番号: full-width letters become narrow ones."""
    return unicodedata.normalize("NFKC", typed).strip()


@dataclass(frozen=True)
class Found:
    """One page of what was found."""

    rows: list
    total: int
    page: int
    page_size: int

    @property
    def pages(self):
        return max(1, -(-self.total // self.page_size))


def page_of(found, page, page_size, *options):
    total = db.session.scalar(select(func.count()).select_from(found.order_by(None).subquery()))
    page = min(page, max(1, -(-total // page_size)))
    rows = db.session.scalars(found.limit(page_size).offset((page - 1) * page_size).options(*options)).unique().all()
    return Found(rows, total, page, page_size)
