"""What the documents of a 案件 come to (I12)."""

from dataclasses import dataclass

from app import queries
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


@dataclass(frozen=True)
class Totals:
    """Of one 案件, as far as one person may see its documents; what was withdrawn counts by status alone."""

    by_side: dict[Side, Total]
    whole: Total
    by_status: dict[Status, dict[Side, Total]]  # in the order of the statuses; those that there are

    @property
    def count(self):
        """All documents, also those withdrawn."""
        return sum(total.count for sides in self.by_status.values() for total in sides.values())


def totals_of(user, case):
    """件数 and 契約金額合計 of the documents of a 案件 that the person may see."""
    sums = queries.sums_of_case(user, case)
    totals = Totals({side: Total() for side in Side}, Total(), {})
    for status in Status:
        for one in sums:
            if one.status is status:
                totals.by_status.setdefault(status, {side: Total() for side in Side})[one.side].add(one)
                if status not in WITHDRAWN:
                    totals.by_side[one.side].add(one)
                    totals.whole.add(one)
    return totals
