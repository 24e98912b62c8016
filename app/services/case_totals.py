"""What the documents of a 案件 come to, on its page and in its file (I12).

原契約 and 変更契約 are never added up: an amount of a 変更契約 is here the new whole, there the difference, and
nothing in the data tells which.
"""

from dataclasses import dataclass, field

from app import queries
from app.labels.cases import AMENDMENT, NOT_ADDED_UP, ORIGINAL, PART, TOTALS, WITHDRAWN_LEFT_OUT
from app.services import listing
from app.workflow import WITHDRAWN, Side, Status


@dataclass
class Total:
    """Some documents together."""

    count: int = 0
    amount_yen: int = 0  # of those that have an amount
    without_amount: int = 0  # 金額なし

    def add(self, one):
        self.count += one.count
        self.amount_yen += one.amount_yen
        self.without_amount += one.without_amount


@dataclass
class Part:
    """The 原契約 of a 案件, or its 変更契約."""

    sides: dict[Side, Total] = field(default_factory=lambda: {side: Total() for side in Side})
    whole: Total = field(default_factory=Total)

    def add(self, one):
        self.sides[one.side].add(one)
        self.whole.add(one)


@dataclass
class Parts:
    """Both of them, each for itself."""

    originals: Part = field(default_factory=Part)
    amendments: Part = field(default_factory=Part)

    def add(self, one):
        (self.amendments if one.is_amendment else self.originals).add(one)

    def count_of(self, side):
        return self.originals.sides[side].count + self.amendments.sides[side].count


@dataclass
class Totals(Parts):
    """Of one 案件, as far as one person may see its documents; what was withdrawn counts by status alone."""

    by_status: dict[Status, Parts] = field(default_factory=dict)  # in the order of the statuses; those that there are


def totals_of(user, case):
    """件数 and 契約金額合計 of the documents of a 案件 that the person may see."""
    sums, totals = queries.sums_of_case(user, case), Totals()
    for status in Status:
        for one in sums:
            if one.status is status:
                totals.by_status.setdefault(status, Parts()).add(one)
                if status not in WITHDRAWN:
                    totals.add(one)
    return totals


def file_of(app, user_id, ids, totals):
    """The documents of a 案件 as the lists' file has them, each with its 原契約・変更契約; the totals at its foot.

    :param ids: of the documents, none of which is shown that the person may no longer see
    """
    yield from listing.pieces(app, user_id, ids, further={PART: part_of})
    lines = (
        [name, part.whole.count, part.whole.amount_yen, part.whole.without_amount]
        for name, part in ((ORIGINAL, totals.originals), (AMENDMENT, totals.amendments))
    )
    yield listing.csv_of([[], TOTALS, *lines, [WITHDRAWN_LEFT_OUT + NOT_ADDED_UP]])


def part_of(document):
    """The word for what a document is in its 案件."""
    return AMENDMENT if document.is_amendment else ORIGINAL
