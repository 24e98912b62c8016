"""利用者一括登録: people from a CSV file, all of them or, while one line is bad, none."""

import csv
import io
import unicodedata
from dataclasses import dataclass, field

from sqlalchemy import select

from app.errors import Refused
from app.extensions import db
from app.labels import USER
from app.models import AccountAction, PortalUser
from app.services import companies, journal, people
from app.services.people import Particulars

COLUMNS = ("full_name", "kana", "department", "title", "mail_address", "is_admin")
HEADER = [USER[name] for name in COLUMNS]
MOST_LINES = 200
MOST_BYTES = 1024 * 1024
_YES, _NO = {"1", "はい"}, {"0", "いいえ", ""}


@dataclass
class Line:
    """One person of the file, and what is wrong with the line."""

    number: int  # in the file, counted from 1, the header included
    cells: list[str]
    faults: list[str] = field(default_factory=list)
    particulars: Particulars | None = None


def template():
    """An empty file to fill in, as Excel opens it: UTF-8 with a byte order mark."""
    return (",".join(HEADER) + "\r\n").encode("utf-8-sig")


def read(content, company_id):
    """The lines of an uploaded file, each checked.

    :param content: the whole file, in UTF-8 with or without a byte order mark, or in Shift_JIS
    :raises Refused: no such file at all, or too long
    """
    if len(content) > MOST_BYTES:
        raise Refused("ファイルが大きすぎます。1MB以下のCSVファイルを選択してください。")
    rows = _rows(_decode(content))
    number, header = next(rows, (0, []))
    if [cell.strip(companies.BLANKS) for cell in header] != HEADER:
        raise Refused(f"1行目の項目名が正しくありません。「{','.join(HEADER)}」としてください。")
    return check([(number, cells) for number, cells in rows if any(cell.strip() for cell in cells)], company_id)


def check(rows, company_id):
    """Say what is wrong with each line.

    :param rows: line numbers with their cells, the header left out
    :raises Refused: no line, or too many
    """
    if not rows:
        raise Refused("登録する利用者がありません。2行目から、1行に1名ずつ入力してください。")
    if len(rows) > MOST_LINES:
        raise Refused(f"一度に登録できるのは{MOST_LINES}名までです（{len(rows)}名）。ファイルを分けてください。")
    lines = [_line(number, cells) for number, cells in rows]
    known = {(name, address): None for name, address in _enrolled(company_id)}
    for line in lines:
        if line.particulars is None:
            continue
        person = (line.particulars.full_name, line.particulars.mail_address)
        if person not in known:
            known[person] = line.number
        elif known[person] is None:
            line.faults.append("氏名とメールアドレスが同じ利用者が、すでに登録されています。")
        else:
            line.faults.append(f"氏名とメールアドレスが{known[person]}行目と同じです。")
    return lines


def enrol_all(company, lines, actor, now, *, token, initials):
    """Register everybody on the list, in one transaction.

    The list is compared with the people of the company once more: another preview of the same file may have
    been registered while the passwords of this one were hashed.

    :param initials: as many of :func:`credentials.new_initial_passwords`
    :raises AlreadyEnrolled: this list has been registered before
    """
    companies.hold(company.id)
    people.refuse_second(token)
    lines = check([(line.number, line.cells) for line in lines], company.id)
    if any(line.faults for line in lines):
        raise Refused("誤りのある行があるため、登録していません。ファイルを修正して、もう一度選択してください。")
    tokens = [token] + [None] * (len(lines) - 1)
    for line, form_token, initial in zip(lines, tokens, initials, strict=True):
        people.register(company, line.particulars, actor, now, token=form_token, initial=initial)
    journal.note(AccountAction.users_imported, now, actor=actor, company=company, note=f"{len(lines)}名")


def _decode(content):
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("文字コードを判別できません。UTF-8またはShift_JISのCSVファイルとして保存し、もう一度選択してください。")


def _rows(text):
    """Each row with the number of the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise Refused(f"{number}行目をCSVとして読み取れません。「\"」の数と位置をご確認ください。")
        if cells is None:
            return
        yield number, cells


def _line(number, cells):
    line = Line(number, cells)
    if len(cells) != len(COLUMNS):
        line.faults.append(f"項目の数が{len(COLUMNS)}個ではありません（{len(cells)}個）。")
        return line
    given = {}
    for name, cell in zip(COLUMNS, cells, strict=True):
        try:
            given[name] = _value(name, cell)
        except Refused as refusal:
            line.faults.append(refusal.sentence)
    if not line.faults:
        line.particulars = Particulars(**given)
    return line


def _value(name, cell):
    if name in people.NAMES:
        return companies.check_name(cell, USER[name], may_be_empty=name != "full_name")
    typed = cell.strip(companies.BLANKS)
    if name == "mail_address":
        companies.check_mail_address(typed)
        return typed
    word = unicodedata.normalize("NFKC", typed)
    if word not in _YES | _NO:
        raise Refused("管理者権限は、1・0、または「はい」・「いいえ」で入力してください（空欄は「いいえ」）。")
    return word in _YES


def _enrolled(company_id):
    return db.session.execute(
        select(PortalUser.full_name, PortalUser.mail_address).where(
            PortalUser.company_id == company_id, PortalUser.deleted_at.is_(None)
        )
    ).all()
