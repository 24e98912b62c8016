"""案件管理: what one company gathers its documents under, for itself alone (R96, R97, I12).

Everybody of the company may register and change 案件, for they are a clerk's order, not a right; an end is set by
who is responsible for the 案件, or by an administrator.  Once the option has ended nothing is written any more, and
what there is can be read on (I11).
"""

import datetime as dt
from dataclasses import dataclass

from app import queries
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import case_name
from app.models import AccountAction, ContractCase, DocumentParty
from app.plans import PlanKind
from app.services import companies, journal, steps
from app.workflow import Role, Side

PLANS = frozenset({PlanKind.one_side})  # whose companies may choose the options (R96, R97)
HAS_ENDED = "案件管理オプションのご利用が終了しているため、案件の登録や変更はできません。これまでの案件は、引き続き閲覧できます。"
IS_NOT_USED = (
    "貴社では、案件管理オプションをご利用になっていません。片方課金プランの企業が、お申し込みのうえご利用いただけます。"
    "くわしくは、お問い合わせ窓口にご連絡ください。"
)
NOT_CHOSEN_HERE = "現在のご契約では、この契約文書に案件を設定できません。案件管理オプションのご利用状況を、貴社の管理者にご確認ください。"
UNKNOWN = "案件番号が正しくありません。案件管理に登録されている、進行中の案件の番号を入力してください。"
CHANGED = "この案件は、画面を開いた後に変更されています。最新の内容をご確認ください。"


@dataclass(frozen=True)
class Wish:
    """案件 as typed."""

    number: str
    name: str
    work_name: str = ""
    place: str = ""
    term_from: dt.date | None = None
    term_to: dt.date | None = None
    person_code: str = ""  # 利用者ID of 担当
    note: str = ""


# -- who may ---------------------------------------------------------------------


def is_shown(company):
    """Whether a company meets 案件 in its pages: it has one of the options, or 案件 from before."""
    return company is not None and (_has_option(company) or company.has_cases)


def may_write(company):
    """Whether 案件 of the company may be registered and changed now."""
    return company.plan.kind in PLANS and _has_option(company)


def may_choose(company, side):
    """Whether the company may link its 案件 to documents that it sends, or to those that it receives."""
    has = company.has_case_at_registration if side is Side.sender else company.has_case_at_receipt
    return has and company.plan.kind in PLANS


def why_not(company):
    """Why nothing may be written, as a sentence; empty where it may."""
    if may_write(company):
        return ""
    return HAS_ENDED if company.has_cases else IS_NOT_USED


def check_writable(company):
    """:raises Refused: the company has no such option now, or does not use the service at present"""
    if not may_write(company):
        raise Refused(why_not(company))
    steps.check_active(company)


def may_close(case, actor):
    """終了 and 再開 are for 担当 and for administrators."""
    return actor.is_company_admin or case.person_id == actor.id


def may_relink(document, actor):
    """Whether the person may choose another 案件 for the own company's part of a document, at any time."""
    party = document.party_of(actor.company_id)
    if not may_choose(actor.company, party.side):
        return False
    first = Role.registrar if party.side is Side.sender else Role.recipient
    return actor.is_company_admin or any(actor.id == person.id for person in party.people(first))


def _has_option(company):
    return company.has_case_at_registration or company.has_case_at_receipt


# -- 案件 ------------------------------------------------------------------------


def save(actor, now, wish, case=None, *, version=None):
    """Register a 案件, or change one.

    :param version: the version of the 案件 that the form was drawn from
    :raises Refused: its number is taken, its 担当 is nobody of the company, or it has ended
    """
    companies.hold(actor.company_id)  # of two who take the same number, the second is told so
    check_writable(actor.company)
    if case is not None:
        _check_version(case, version)
        if case.is_closed:
            raise Refused("終了した案件は変更できません。変更する場合は、先に案件を再開してください。")
    number = _number(actor.company_id, wish.number, case)
    person = _person(actor.company_id, wish.person_code)
    what = "変更" if case is not None else "登録"
    if case is None:
        case = ContractCase(company_id=actor.company_id, created_at=now)
        db.session.add(case)
    case.number, case.name, case.work_name, case.place = number, wish.name, wish.work_name, wish.place
    case.term_from, case.term_to, case.person, case.note = wish.term_from, wish.term_to, person, wish.note
    _note(case, actor, now, what)
    db.session.flush()
    return case


def close(case, actor, now, *, version):
    """終了: the 案件 is no longer offered for documents; what is in it stays."""
    _check_close(case, actor, version)
    if case.is_closed:
        raise OutOfTurn(CHANGED)
    case.closed_at = now
    _note(case, actor, now, "終了")


def reopen(case, actor, now, *, version):
    """再開: it is offered again."""
    _check_close(case, actor, version)
    if not case.is_closed:
        raise OutOfTurn(CHANGED)
    case.closed_at = None
    _note(case, actor, now, "再開")


def _check_close(case, actor, version):
    check_writable(actor.company)
    if not may_close(case, actor):
        raise Refused("案件の終了と再開ができるのは、案件の担当の方と管理者です。")
    _check_version(case, version)


def _check_version(case, version):
    if str(case.version) != str(version):
        raise OutOfTurn(CHANGED)


def _number(company_id, typed, case):
    number = queries.as_number(typed)
    if not number:
        raise Refused("案件番号を入力してください。")
    if len(number) > ContractCase.number.type.length:  # some signs are several once they are narrow
        raise Refused(f"案件番号は{ContractCase.number.type.length}文字以内で入力してください。")
    same = queries.case_numbered(company_id, number)
    if same is not None and same is not case:
        raise Refused(f"案件番号「{same.number}」は、案件「{same.name}」ですでに使われています。別の番号を入力してください。")
    return number


def _person(company_id, typed):
    code = queries.as_code(typed)
    if not code:
        return None
    person = queries.people_by_code(company_id, [code]).get(code)
    if person is None:
        raise Refused(f"担当の利用者ID「{code}」が正しくありません。［参照］から、自社の利用者を選択してください。")
    return person


def _note(case, actor, now, what):
    journal.note(AccountAction.case_changed, now, actor=actor, note=f"{case.number}（{what}）")


# -- the documents in it ------------------------------------------------------------


def named(company, side, typed, party):
    """The 案件 that somebody typed for the own company's part of a document; None where the field is empty.

    The one that is chosen already stays, also when it has ended since, or when the option has (I11).

    :param party: the own company's part
    :raises Refused: there is none of this number, it has ended, or the company may not choose any
    """
    kept, typed = party.case, queries.as_number(typed or "")
    is_kept = kept is not None and typed.casefold() == kept.number.casefold()
    if not may_choose(company, side):
        if typed and not is_kept:
            raise Refused(NOT_CHOSEN_HERE)
        return kept
    if not typed or is_kept:
        return kept if typed else None
    return _in_progress(company, typed)


def named_for_many(company, side, typed):
    """The 案件 that somebody typed once for many documents; None where the field is empty, which leaves each its own.

    :raises Refused: as :func:`named`
    """
    typed = queries.as_number(typed or "")
    if not typed:
        return None
    if not may_choose(company, side):
        raise Refused(NOT_CHOSEN_HERE)
    return _in_progress(company, typed)


def _in_progress(company, typed):
    case = queries.case_numbered(company.id, typed)
    if case is None:
        raise Refused(UNKNOWN)
    if case.is_closed:
        raise Refused(f"案件「{case.number}」は終了しています。進行中の案件を入力するか、案件管理で案件を再開してください。")
    return case


def choose(document, actor, typed):
    """Link the own company's part of a document as its form says (契約文書登録, 契約文書受取).

    :raises Refused: as :func:`named`
    """
    db.session.flush()
    party = document.party_of(actor.company_id)
    party.case = named(actor.company, party.side, typed, party)


def check_relink(document, actor):
    """Refuse who may not choose another 案件 for the document."""
    if not may_relink(document, actor):
        raise OutOfTurn(
            "この契約文書の案件は変更できません。変更できるのは、案件管理オプションをご利用中の企業の、"
            "登録担当者または受取担当者と管理者です。"
        )
    steps.check_active(actor.company)


def relink(document, actor, now, typed, *, was):
    """Choose another 案件 for a document, or none, whatever its status; noted in the own company's 操作履歴.

    Nothing that another company sees changes, so the document counts no version.

    :param was: id of the 案件 that the form was drawn with, as text; "" for none
    :raises OutOfTurn: a colleague was quicker, or it is not this person's to change
    :raises Refused: as :func:`named`, or nothing was changed
    """
    check_relink(document, actor)
    party = document.party_of(actor.company_id)
    db.session.refresh(party, ["case_id", "case"], with_for_update={"of": DocumentParty})  # of two at once, one is second
    if str(party.case_id or "") != was:
        raise OutOfTurn("この契約文書の案件は、画面を開いた後に変更されています。最新の内容をご確認ください。")
    earlier = party.case
    party.case = named(actor.company, party.side, typed, party)
    if party.case is earlier:
        raise Refused("案件が変更されていません。別の案件の番号を入力するか、案件を外す場合は空欄にしてください。")
    change = f"{_short(earlier)} → {_short(party.case)}"
    journal.note(AccountAction.case_linked, now, actor=actor, note=f"{document.number}：{change}")


def for_amendment(original, company):
    """案件番号 that a 変更契約書 begins with: that of the 原契約, where it may be chosen."""
    case = original.party_of(company.id).case
    return case.number if case is not None and not case.is_closed and may_choose(company, Side.sender) else ""


def _short(case):
    name = case_name(case)
    return f"{name[:80]}…" if len(name) > 80 else name or "（なし）"
