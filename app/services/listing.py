"""検索結果のCSV: all that a search found, as a file that opens in Excel (L7)."""

import csv
import io
import unicodedata

from app import queries
from app.errors import Refused
from app.extensions import db, reading
from app.labels import LIST_COLUMN, case_name, day, jst, label, mode_of, status_of
from app.models import ListColumn, PortalUser

MOST_LINES = 10_000
LINES_AT_ONCE = 500
TOO_MANY = (
    f"検索結果が{MOST_LINES:,}件を超えているため、CSVを出力できません。"
    "登録日や契約締結年月日の範囲を分けて、もう一度出力してください。"
)


def check_size(ids):
    """:raises Refused: the search found more than a file may hold"""
    if len(ids) > MOST_LINES:
        raise Refused(TOO_MANY)


def pieces(app, user_id, ids, further=None):
    """The file piece by piece, as text with a byte order mark.

    Each piece reads in a context and a transaction of its own, and leaves out what the person may no longer see:
    whoever reads slowly holds back nobody.

    :param further: more columns: heading -> what it says of a document
    """
    further = further or {}
    yield "\ufeff" + csv_of([[*(LIST_COLUMN[column] for column in ListColumn), *further]])
    for start in range(0, len(ids), LINES_AT_ONCE):
        some = ids[start : start + LINES_AT_ONCE]
        with app.app_context(), reading():
            user = db.session.get(PortalUser, user_id)
            piece = csv_of([
                [*cells_of(document, user.company_id).values(), *(said(document) for said in further.values())]
                for document in queries.documents_listed(user, some)
            ])  # fmt: skip
        yield piece


def cells_of(document, company_id):
    """What the file says of a document, by column, no cell harmful to a spreadsheet."""
    cells = {
        ListColumn.number: document.number,
        ListColumn.title: document.title,
        ListColumn.kind: label(document.kind),
        ListColumn.mode: mode_of(document),
        ListColumn.status: status_of(document),
        ListColumn.partner: "、".join(party.company.name for party in document.partners_of(company_id)),
        ListColumn.conclusion_date: day(document.conclusion_date),
        ListColumn.amount: "" if document.amount_yen is None else str(document.amount_yen),
        ListColumn.archived_on: day(document.archived_on),
        ListColumn.retained_until: day(document.retained_until),
        ListColumn.registered_on: jst(document.registered_at(company_id), "%Y/%m/%d"),
        ListColumn.sha256: document.pdf_sha256,
        ListColumn.deadline: day(document.deadline),
        ListColumn.partner_number: document.partner_number,
        ListColumn.case: case_name(document.party_of(company_id).case),
    }
    return {column: harmless(cells[column]) for column in ListColumn}


def harmless(cell):
    """A text that no spreadsheet takes for a formula: an apostrophe goes before one that could be (S14)."""
    first = unicodedata.normalize("NFKC", cell.lstrip()[:1])  # the full-width signs count in Japan
    return f"'{cell}" if first in tuple("=+-@") or cell[:1] in tuple("\t\r\n") else cell


def csv_of(lines):
    """The lines as a CSV file has them."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue()
