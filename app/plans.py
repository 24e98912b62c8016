"""Which plan pays, and which plans may not deal with each other: the matrix of R102 as one table."""

from dataclasses import dataclass
from enum import StrEnum, auto

from app.errors import PairNotAvailable


class PlanKind(StrEnum):
    """料金プラン (R101)."""

    one_side = auto()  # 片方課金プラン
    partner = auto()  # 取引先専用プラン
    both_sides = auto()  # 双方課金プラン


@dataclass(frozen=True)
class Charge:
    """Who pays for a document, seen from one of its two companies."""

    own: bool
    partner: bool


BOTH, OWN, PARTNER = Charge(True, True), Charge(True, False), Charge(False, True)
_ASK_FIRST = "お取引前に弊社宛にご連絡ください"
OWN_MUST_CHANGE = f"ご利用いただけません 片方課金プランもしくは双方課金プランへの変更が必要です {_ASK_FIRST}"
PARTNER_MUST_CHANGE = (
    f"ご利用いただけません お取引先が片方課金プランもしくは双方課金プランへの変更が必要です {_ASK_FIRST}"
)

# (own plan, partner's plan) -> who pays, or why the two may not deal
MATRIX = {
    (PlanKind.one_side, PlanKind.one_side): BOTH,
    (PlanKind.one_side, PlanKind.partner): OWN,
    (PlanKind.one_side, PlanKind.both_sides): OWN,
    (PlanKind.partner, PlanKind.one_side): PARTNER,
    (PlanKind.partner, PlanKind.partner): OWN_MUST_CHANGE,
    (PlanKind.partner, PlanKind.both_sides): OWN_MUST_CHANGE,
    (PlanKind.both_sides, PlanKind.one_side): PARTNER,
    (PlanKind.both_sides, PlanKind.partner): PARTNER_MUST_CHANGE,
    (PlanKind.both_sides, PlanKind.both_sides): BOTH,
}


def charge(own: PlanKind, partner: PlanKind) -> Charge:
    """Who pays when a company of plan `own` concludes a document with one of plan `partner`.

    :raises PairNotAvailable: the two may not deal; the sentence is the manual's
    Source: R102, R104 (manual p.29)
    """
    answer = MATRIX[own, partner]
    if isinstance(answer, str):
        raise PairNotAvailable(answer)
    return answer


def must_acknowledge_fee(own: PlanKind, partner: PlanKind) -> bool:
    """True where both companies are on 片方課金プラン and both pay, which needs a warning (R60)."""
    return own is partner is PlanKind.one_side
