"""料金表: the price of a day, what may be changed of the table, and prices to begin with (I10).

A price counts from its 適用開始日 on, until a newer one begins.  Once its day has come it may have been charged by, so
it stays for ever; a new price is a new line.
"""

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import inspect, select

from app.clock import japan_date, month_of
from app.errors import Refused
from app.extensions import db
from app.labels import FEE_ITEM, PLAN, charge, day
from app.models import AccountAction, CompanyOption, Fee, FeeItem
from app.plans import PlanKind
from app.services import journal

MOST_YEN = 100_000_000
# item -> the plans that can come to pay it: 取引先専用プラン never pays for a document (R102), and 案件管理 is for
# 片方課金プラン alone (R96, R97)
PAID_BY = dict.fromkeys(FeeItem, tuple(PlanKind)) | {
    FeeItem.document: (PlanKind.one_side, PlanKind.both_sides),
    FeeItem.case_monthly: (PlanKind.one_side,),
}
# what an オプション costs
OF_OPTION = {
    CompanyOption.case_at_registration: FeeItem.case_monthly,
    CompanyOption.case_at_receipt: FeeItem.case_monthly,
    CompanyOption.archive_extension: FeeItem.archive_extension,
    CompanyOption.bulk_signing: FeeItem.bulk_signing_monthly,
}
# yen without consumption tax; invented, and marked サンプル wherever they are read
SAMPLES = {
    FeeItem.monthly_base: {PlanKind.one_side: 10_000, PlanKind.partner: 0, PlanKind.both_sides: 5_000},
    FeeItem.document: {PlanKind.one_side: 300, PlanKind.both_sides: 200},
    FeeItem.certificate_issue: dict.fromkeys(PlanKind, 8_000),
    FeeItem.certificate_renewal: dict.fromkeys(PlanKind, 6_000),
    FeeItem.additional_user: dict.fromkeys(PlanKind, 500),
    FeeItem.case_monthly: {PlanKind.one_side: 3_000},
    FeeItem.bulk_signing_monthly: dict.fromkeys(PlanKind, 2_000),
    FeeItem.archive_extension: dict.fromkeys(PlanKind, 1_000),
}


@dataclass(frozen=True)
class Price:
    """One line of the table as a company reads it.

    :param current: the price of today; None where there is none
    :param coming: the next one that is known, or None
    """

    item: FeeItem
    is_charged: bool
    current: Fee | None
    coming: Fee | None


def price_of_option(option, company, now):
    """What an オプション costs the company today, or None where the table does not say."""
    return price_of(OF_OPTION[option], company.plan.kind, japan_date(now))


def price_of(item, plan, on: dt.date):
    """The price of a day in Japan, or None where none has begun."""
    return db.session.scalar(
        select(Fee)
        .where(Fee.item == item, Fee.plan == plan, Fee.effective_on <= on)
        .order_by(Fee.effective_on.desc())
        .limit(1)
    )


def prices_of(plan, today):
    """The whole table for one plan, every item once."""
    fees = db.session.scalars(select(Fee).where(Fee.plan == plan).order_by(Fee.effective_on)).all()
    return [
        Price(
            item, plan in PAID_BY[item],
            current=next((fee for fee in reversed(fees) if fee.item is item and fee.effective_on <= today), None),
            coming=next((fee for fee in fees if fee.item is item and fee.effective_on > today), None),
        )
        for item in FeeItem
    ]  # fmt: skip


def missing(today):
    """Item and plan of every price that somebody can come to pay and that is not there today."""
    begun = set(db.session.execute(select(Fee.item, Fee.plan).where(Fee.effective_on <= today)))
    return [(item, plan) for item in FeeItem for plan in PAID_BY[item] if (item, plan) not in begun]


def check(fee, today):
    """Refuse a line that cannot be added, or what cannot be made of one.

    :raises Refused: it would count for days that are over, or there is one of that day
    """
    if fee.plan not in PAID_BY[fee.item]:
        raise Refused(f"「{FEE_ITEM[fee.item]}」は、{PLAN[fee.plan]}には発生しない料金です。")
    if not 0 <= fee.yen <= MOST_YEN:
        raise Refused(f"金額は、0円以上{MOST_YEN:,}円以下で入力してください。")
    if fee.effective_on < today:
        raise Refused("適用開始日には、本日以降の日付を入力してください。過去の料金を後から登録することはできません。")
    with db.session.no_autoflush:
        same = select(Fee.id).where(Fee.item == fee.item, Fee.plan == fee.plan, Fee.effective_on == fee.effective_on)
        if db.session.scalar(same.where(Fee.id != (fee.id or 0))) is not None:
            raise Refused("同じ項目、プラン、適用開始日の料金が、すでに登録されています。")


def check_open(fee, today):
    """Refuse to touch a price whose day has come; also where the form has already put another day into the row.

    :raises Refused: it counts, or has counted
    """
    with db.session.no_autoflush:
        begins = next(iter(inspect(fee).attrs.effective_on.history.deleted or ()), fee.effective_on)
    if begins <= today:
        raise Refused(
            "適用が始まった料金は、変更も削除もできません。料金を改定する場合は、新しい適用開始日の料金を追加してください。"
        )


@dataclass(frozen=True)
class Place:
    """Where a price stands between its neighbours in the table.

    :param replaced: the one that ends with the eve of its day; None where nothing was to be paid, or no price was there
    :param following: the one that ends it; None where it counts until another is added
    :param is_fixed: whether its day has come, so that it can neither be changed nor deleted once it is there
    """

    replaced: Fee | None
    following: Fee | None
    is_fixed: bool


def place_of(fee, today):
    """What a price that is about to be added or changed does to the table; `fee` need not be in it."""
    with db.session.no_autoflush:
        others = db.session.scalars(
            select(Fee)
            .where(Fee.item == fee.item, Fee.plan == fee.plan, Fee.id != (fee.id or 0))
            .order_by(Fee.effective_on)
        ).all()
    return Place(
        replaced=next((one for one in reversed(others) if one.effective_on < fee.effective_on), None),
        following=next((one for one in others if one.effective_on > fee.effective_on), None),
        is_fixed=fee.effective_on <= today,
    )


def note(fee, actor, now, done):
    """操作履歴 of the operator: what was done to which line."""
    said = f"{done}：{FEE_ITEM[fee.item]}、{PLAN[fee.plan]}、{day(fee.effective_on)}から{charge(fee.yen, fee.is_sample)}"
    journal.note(AccountAction.fee_table_changed, now, actor=actor, note=said)


def remove(fee, actor, now):
    """削除 of a price whose day has not come."""
    check_open(fee, japan_date(now))
    note(fee, actor, now, "削除")
    db.session.delete(fee)


def lay_samples(now):
    """Fill the gaps of the table with sample prices from the first of this month on; the caller commits.

    :returns: how many were laid; a price that is there stays
    """
    gaps = missing(japan_date(now))
    first_day = month_of(japan_date(now))
    for item, plan in gaps:
        db.session.add(
            Fee(item=item, plan=plan, effective_on=first_day, yen=SAMPLES[item][plan], is_sample=True)
        )
    return len(gaps)
