"""利用明細 as files: CSV for the company and for the operator's accounting, PDF as 適格請求書 (I10).

Drawn from the rows each time; a closed month never changes, so the same file comes again.
"""

from dataclasses import dataclass

from app import queries
from app.clock import next_month
from app.labels import FEE_ITEM, SAMPLE, charge, day, jst, month, usage_kind, usage_remark
from app.models import FeeItem, Statement
from app.services import workbench
from app.services.listing import csv_of, harmless
from app.signing.sheets import Section, Sheet, draw

BYTE_ORDER_MARK = "\ufeff"
LINE_HEAD = ("利用日", "項目", "対象", "契約件名", "金額（税抜・円）", "区分", "備考")
MONTH_HEAD = (
    "明細番号", "対象月", "企業ID", "企業名", *FEE_ITEM.values(), "税抜合計（円）", "税率（%）", "消費税額（円）", "税込合計（円）",
    "登録番号", "締め日時", "区分",
)  # fmt: skip


def lines_csv(records):
    """The lines of one month of one company; no cell harmful to a spreadsheet (S14)."""
    return BYTE_ORDER_MARK + csv_of([LINE_HEAD, *map(_cells, records)])


def _cells(record):
    kind = "、".join(filter(None, [SAMPLE if record.is_sample else "", usage_kind(record)]))
    texts = [day(record.used_on), FEE_ITEM[record.item], record.subject, record.document.title if record.document else ""]
    return [*map(harmless, texts), record.yen, kind, harmless(usage_remark(record))]


def month_csv(first_day):
    """All 利用明細 of a month, one a line, for the operator's accounting."""
    sums, samples = queries.sums_by_statement(first_day), queries.statements_with_samples(first_day)
    lines = [
        [
            one.number, f"{one.month:%Y-%m}", one.company.code, harmless(one.company_name),
            *(sums.get((one.id, item), 0) for item in FeeItem),
            one.net_yen, one.tax_percent, one.tax_yen, one.total_yen, one.issuer_number, jst(one.closed_at),
            SAMPLE if one.id in samples else "",
        ]
        for one in queries.statements_of_month(first_day)
    ]  # fmt: skip
    return BYTE_ORDER_MARK + csv_of([MONTH_HEAD, *lines])


# -- PDF ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Order:
    """All that the PDF says, in plain values, so that no row is touched while it is drawn."""

    title: str
    sheet: Sheet


def order(statement: Statement):
    """The 利用明細書 of a closed month; a 適格請求書 where its issuer has a 登録番号 and no price in it is a サンプル."""
    records = queries.all_usage_lines(statement.company_id, statement.id)
    title, lead = "利用明細書（適格請求書）", f"{month(statement.month)}のご利用分です。"
    if any(record.used_on < statement.month for record in records):
        lead += "前月までの利用明細に含まれていないご利用分があります。"
    if any(record.is_sample for record in records):
        title = f"利用明細書（{SAMPLE}）"
        lead += f"「{SAMPLE}」とある金額は見本の料金によるものです。実際のご請求ではなく、適格請求書ではありません。"
    elif not statement.issuer_number:
        title = "利用明細書"
        lead += "発行者の登録番号がないため、この書類は適格請求書ではありません。"
    sections = [*_heads(statement), _sums(statement), _by_item(statement), _lines(records)]
    return Order(title, Sheet(title, lead, sections, f"{title}　{statement.number}　{statement.company_name}", is_sealed=False))


def make(wanted):
    """The PDF; slow for many lines, so outside any transaction.

    :raises app.errors.PapersBusy: too many are being made
    """
    with workbench.place():
        return draw(wanted.sheet).pdf


def _heads(statement):
    last_day = next_month(statement.month).replace(day=1)
    period = f"{day(statement.month)} ～ {day(_day_before(last_day))}"
    return [
        Section("宛先", _without_gaps(("企業名", f"{statement.company_name}　御中"), ("住所", statement.company_address))),
        Section(
            "明細",
            _without_gaps(
                ("明細番号", statement.number), ("取引期間", period), ("発行日", jst(statement.closed_at, "%Y/%m/%d")),
                ("発行者", statement.issuer_name), ("登録番号", statement.issuer_number or "なし"),
            ),
        ),
    ]  # fmt: skip


def _day_before(first_day):
    return first_day.fromordinal(first_day.toordinal() - 1)


def _without_gaps(*rows):
    return tuple((name, text) for name, text in rows if text)


def _sums(statement):
    percent = statement.tax_percent
    return Section(
        "合計",
        (
            (f"{percent}%対象（税抜）", f"{statement.net_yen:,}円"),
            (f"消費税（{percent}%）", f"{statement.tax_yen:,}円"),
            ("合計（税込）", f"{statement.total_yen:,}円"),
        ),
        (0.75, 0.25), "消費税は、税抜の合計額に税率を乗じ、1円未満を切り捨てて計算しています。", figures=(1,),
    )  # fmt: skip


def _by_item(statement):
    rows = [
        (
            FEE_ITEM[each.item] + ("（訂正）" if each.is_correction else ""), "－" if each.is_correction else f"{each.count:,}件",
            charge(each.yen, each.has_samples),
        )
        for each in queries.usage_sums(statement.company_id, statement.id)
    ]
    return Section(f"項目別（税抜、{statement.tax_percent}%対象）", rows, (0.5, 0.2, 0.3), figures=(1, 2))


def _lines(records):
    rows = [
        (day(record.used_on), FEE_ITEM[record.item], _subject(record), charge(record.yen, record.is_sample))
        for record in records
    ]
    return Section("内訳（税抜）", rows, (0.14, 0.22, 0.42, 0.22), figures=(3,))


def _subject(record):
    title = record.document.title if record.document else ""
    kind = f"【{usage_kind(record)}】" if record.corrects_id else ""
    remark = usage_remark(record)
    return " ".join(filter(None, [f"{kind}{record.subject}", title])) + (f"（{remark}）" if remark else "")

