"""利用実績: what a company pays for, recorded in the transaction of the step that causes it (I10).

One verb an event.  Each record has a key that says what is charged for, so that nothing is charged twice, however often
or from how many processes it is recorded.  The price is that of the day.  Where the table has none, 0 yen are recorded
and the record says so; the operator sees it and puts it right by a correction.
"""

import datetime as dt

from sqlalchemy import exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from app.clock import japan_date, month_of, next_month
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import FEE_ITEM, UNPRICED, charge, month
from app.models import (
    RIGHT,
    AccountAction,
    AccountEvent,
    Company,
    CompanyStatus,
    FeeItem,
    PortalUser,
    UsageRecord,
)
from app.services import fee_table, journal
from app.services.fees import fees_of

MOST_REASON = 255  # characters
MOST_YEN = 10**12
MONTHLY = (FeeItem.monthly_base, FeeItem.case_monthly, FeeItem.bulk_signing_monthly)


def document_concluded(document, now):
    """契約文書: one for each company that pays by the plans kept at 発信, in a 3社以上契約 too at most once each.

    Source: R102, R103
    """
    for party in document.parties:
        if fees_of(document, party.company_id).own:
            _record(
                f"document:{document.number}:{party.company.code}", party.company, FeeItem.document, now,
                plan=party.plan_at_sending, document_id=document.id, subject=document.number,
            )  # fmt: skip


def certificate_issued(certificate, item, now):
    """電子証明書発行 or 更新."""
    _record(f"certificate:{certificate.number}", certificate.company, item, now, subject=certificate.number)


def user_enrolled(user, now):
    """利用者ID追加: everybody of a company but the first one it ever had."""
    if user.company is None:
        return
    earlier = exists().where(PortalUser.company_id == user.company_id, PortalUser.id < user.id)
    if db.session.scalar(select(earlier)):
        _record(f"user:{user.user_code}", user.company, FeeItem.additional_user, now, subject=user.user_code)


def archive_extended(extension, now):
    """長期保管延長, for the company that ordered it or has it by itself; once the time stamp is there."""
    document = extension.document
    _record(
        f"extension:{extension.id}", extension.company, FeeItem.archive_extension, now,
        document_id=document.id, subject=document.number,
    )  # fmt: skip


def record_monthly(company, day, now):
    """What the company owes for the month of `day`: 月額基本料 and its options; each once a month, whoever asks.

    Called when a company begins, when an option begins, and on the first of each month by a job.  A plan that changes
    within a month finds its 月額基本料 recorded, so the new one counts from the next month.

    :param day: the day in Japan from which it is owed: its price counts
    """
    if company.id is None:
        db.session.flush()
    if company.is_active:
        for item in _monthly_of(company):
            key = f"month:{company.code}:{item.value}:{day:%Y-%m}"
            _record(key, company, item, now, day=day, subject=f"{month(day)}分")


def _monthly_of(company):
    owed = {
        FeeItem.monthly_base: True,
        FeeItem.case_monthly: company.has_case_at_registration or company.has_case_at_receipt,
        FeeItem.bulk_signing_monthly: company.has_bulk_signing,
    }
    return [item for item in MONTHLY if owed[item]]


def without_monthly(now):
    """Ids of the active companies of which something of this month is not recorded yet."""
    first = month_of(japan_date(now))
    recorded = set(
        db.session.execute(
            select(UsageRecord.company_id, UsageRecord.item).where(
                UsageRecord.item.in_(MONTHLY), UsageRecord.used_on >= first, UsageRecord.used_on < next_month(first),
                UsageRecord.corrects_id.is_(None),
            )
        )
    )  # fmt: skip
    active = db.session.scalars(select(Company).where(Company.status == CompanyStatus.active).order_by(Company.id))
    return [one.id for one in active if any((one.id, item) not in recorded for item in _monthly_of(one))]


def record_month(company_id, now):
    """The monthly items of one company, from the first of the month on or from the day it came; first what was missed."""
    company, first = db.session.get(Company, company_id), month_of(japan_date(now))
    catch_up(company, first - dt.timedelta(days=1), now)
    record_monthly(company, max(first, japan_date(company.created_at)), now)


def catch_up(company, until, now):
    """What no worker was there to record: each month after the newest recorded one, up to that of `until`.

    It is owed as the company stands now, so call it before plan, options or state change.  Months of a 停止 are not
    owed, and of a company of which no month is recorded none before this one.
    """
    newest = db.session.scalar(
        select(func.max(UsageRecord.used_on)).where(
            UsageRecord.company_id == company.id, UsageRecord.item == FeeItem.monthly_base, UsageRecord.corrects_id.is_(None)
        )
    )
    if newest is None or next_month(newest) > until:
        return
    resumed_at = db.session.scalar(
        select(func.max(AccountEvent.at)).where(
            AccountEvent.company_id == company.id, AccountEvent.action == AccountAction.company_resumed
        )
    )
    month = next_month(newest)
    if resumed_at is not None:
        month = max(month, month_of(japan_date(resumed_at)))
    while month <= until:
        record_monthly(company, month, now)
        month = next_month(month)


def _record(key, company, item, now, *, day=None, plan=None, **columns):
    day = day or japan_date(now)
    fee = fee_table.price_of(item, plan or company.plan.kind, day)
    priced = {"yen": fee.yen, "is_sample": fee.is_sample} if fee else {"yen": 0, "is_sample": False, "reason": UNPRICED}
    return _add(key=key, company_id=company.id, item=item, used_on=day, recorded_at=now, **priced, **columns)


def _add(**columns):
    """Add a record unless there is one of its key, also where somebody else adds it at this moment.

    :returns: its id; None where it was there
    """
    added = {"postgresql": postgresql, "sqlite": sqlite}[db.engine.dialect.name].insert(UsageRecord)
    return db.session.scalar(
        added.values(**columns).on_conflict_do_nothing(index_elements=[UsageRecord.key]).returning(UsageRecord.id)
    )


# -- 訂正 ------------------------------------------------------------------------


def check_correctable(record):
    """
    :raises Refused: it takes back another one itself
    :raises OutOfTurn: it was taken back already
    """
    if record.takes_back:
        raise Refused("訂正のための取消の行は、訂正できません。")
    if not record.may_be_corrected:
        raise OutOfTurn("この利用実績は、すでに訂正されています。最新の状態をご確認ください。")


def correct(record, operator, now, *, reason, new_yen=None):
    """訂正 in the running month: the record is taken back by a negative one, and a right one put beside it.

    :param new_yen: what is right, without consumption tax; None where nothing is to be paid
    :raises Refused: no reason, the same amount, or a line that takes back another one
    :raises OutOfTurn: somebody else has corrected it
    """
    check_correctable(record)
    reason = " ".join((reason or "").split())
    if not reason:
        raise Refused("訂正の理由を入力してください。")
    if len(reason) > MOST_REASON:
        raise Refused(f"訂正の理由は{MOST_REASON}文字以内で入力してください。")
    if new_yen is not None and not 0 <= new_yen <= MOST_YEN:
        raise Refused(f"正しい金額は、0以上{MOST_YEN:,}円以下で入力してください。")
    if new_yen == record.yen and record.reason != UNPRICED:
        raise Refused("正しい金額が、現在の金額と同じです。")
    key = f"correction:{record.id}"  # of which there is one, whoever else corrects it now
    shared = {
        "company_id": record.company_id, "item": record.item, "used_on": japan_date(now), "recorded_at": now,
        "document_id": record.document_id, "subject": record.subject, "corrects_id": record.id, "reason": reason,
        "actor_id": operator.id,
    }  # fmt: skip
    if _add(key=key, yen=-record.yen, is_sample=record.is_sample, **shared) is None:
        raise OutOfTurn
    if new_yen is not None:
        _add(key=key + RIGHT, yen=new_yen, is_sample=False, **shared)
    said = f"{FEE_ITEM[record.item]} {record.subject}：{charge(record.yen)} → {charge(new_yen or 0)}（{reason}）"
    journal.note(AccountAction.usage_corrected, now, actor=operator, company=record.company, note=said)


def unpriced():
    """Where records found no price and are not corrected yet: company, its 利用明細 or None, how many."""
    return db.session.execute(
        select(Company, UsageRecord.statement_id, func.count())
        .join(UsageRecord, UsageRecord.company_id == Company.id)
        .where(UsageRecord.reason == UNPRICED, ~UsageRecord.corrections.any())
        .group_by(*Company.__table__.columns, UsageRecord.statement_id)
        .order_by(Company.code, UsageRecord.statement_id)
    ).all()
