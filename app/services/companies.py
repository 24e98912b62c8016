"""Companies and their people: founded, enrolled and told by mail; what a name and an address may be."""

import re
import unicodedata

from sqlalchemy import select

from app import queries
from app.clock import japan_date
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import APPLICATION_STATE, COMPANY_FACT, COMPANY_OPTION
from app.models import AccountAction, ApplicationState, Company, CompanyChange, Letter, Plan
from app.plans import PlanKind
from app.services import credentials, journal, outbox, usage
from app.services.numbers import next_number

MOST_CHARACTERS = 255
BLANKS = " \u3000"
# they show nothing, though Unicode counts them as letters, signs or marks
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0")
_MAIL_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)


def found_company(name, plan: PlanKind, now, *, kana="", address="", phone="", corporate_number=""):
    """A new company with its 企業ID; the caller commits."""
    company = Company(
        code=next_number("company"), name=name, kana=kana, address=address, phone=phone,
        corporate_number=corporate_number, created_at=now,
        plan=db.session.scalar(select(Plan).where(Plan.kind == plan)),
    )  # fmt: skip
    db.session.add(company)
    usage.record_monthly(company, japan_date(now), now)
    return company


def enrol(user, now, *, roles, to_address=None, initial=None):
    """Give a new person the 利用者ID and the first password, each by its own mail (R15-R17, R27).

    :param user: a new :class:`PortalUser` row with names, company and `mail_address`
    :param roles: Flask-AppBuilder's role rows
    :param to_address: where the two mails go; the person's own address when not given (R106)
    :param initial: one of :func:`credentials.new_initial_passwords`; made here when not given
    :raises Refused: the company is suspended or has left: it is not charged for anybody either
    """
    check_mail_address(user.mail_address)
    with db.session.no_autoflush:  # the row is not whole before it has its number
        if user.company is not None and not user.company.is_active:
            raise Refused("利用中の企業にのみ、利用者を登録できます。お問い合わせ窓口にご連絡ください。")
        user.username = next_number("user")
    user.email = f"{user.username}@users.invalid"  # Flask-AppBuilder wants it unique; nobody logs in by it
    user.first_name, user.last_name = "", user.full_name[:64]
    user.active = True
    user.roles = list(roles)
    user.session_epoch = user.login_failures = user.signing_failures = 0
    db.session.add(user)
    db.session.flush()
    outbox.owe(Letter.user_issued, user, now, to_address=to_address, user_code=user.username)
    credentials.give_initial_password(user, now, to_address=to_address, initial=initial)
    usage.user_enrolled(user, now)
    return user


# -- 企業情報 ------------------------------------------------------------------


def apply_for_change(company, applicant, wanted, now):
    """企業情報の変更申請: keep what is to be changed until the operator decides (I3).

    :param wanted: column of :class:`Company` -> new value; what is the same already is left out
    :raises Refused: a name or number that cannot be kept, nothing new, or another application is open
    """
    hold(company.id)
    if queries.open_change_of(company.id) is not None:
        raise Refused("審査中の変更申請があります。審査結果のメールが届いてから、もう一度申請してください。")
    wanted = {
        name: check_name(value, COMPANY_FACT[name], may_be_empty=name != "name") for name, value in wanted.items()
    }
    wanted = {name: value for name, value in wanted.items() if value != getattr(company, name)}
    if not wanted:
        raise Refused("変更された項目がありません。変更する項目を修正してから申請してください。")
    if wanted.get("corporate_number"):
        check_corporate_number(wanted["corporate_number"])
    change = CompanyChange(company=company, applicant=applicant, wanted=wanted, applied_at=now)
    db.session.add(change)
    journal.note(AccountAction.company_change_applied, now, actor=applicant, note=_names(wanted))
    return change


def approve_change(change, decided_by, now):
    """変更申請の承認: write the new values, and tell the applicant by mail.

    :raises OutOfTurn: decided already
    """
    _decide_change(change, ApplicationState.approved, decided_by, now)
    for name, value in change.wanted.items():
        setattr(change.company, name, value)


def reject_change(change, decided_by, now, *, reason):
    """変更申請の却下: nothing changes, and the applicant reads why.

    :raises OutOfTurn: decided already
    """
    _decide_change(change, ApplicationState.rejected, decided_by, now, reason)


def _decide_change(change, state, decided_by, now, reason=""):
    db.session.refresh(change, with_for_update=True)
    if change.state is not ApplicationState.received:
        raise OutOfTurn("この申請はすでに審査済みです。")
    change.state, change.decided_at, change.decided_by, change.reason = state, now, decided_by, reason
    is_approved = state is ApplicationState.approved
    action = AccountAction.company_changed if is_approved else AccountAction.company_change_rejected
    journal.note(action, now, actor=decided_by, company=change.company, note=_names(change.wanted))
    detail = f"申請された項目： {_names(change.wanted)}" + (f"\n却下の理由：{reason}" if reason else "")
    applicant = change.applicant
    for person in [applicant] if applicant.is_selectable else queries.administrators_of(change.company_id):
        outbox.owe(
            Letter.application_decided, person, now, what="企業情報の変更申請",
            outcome=APPLICATION_STATE[change.state], detail=detail,
        )  # fmt: skip


def _names(wanted):
    return "、".join(COMPANY_FACT[name] for name in wanted)


def check_corporate_number(number):
    """Refuse what is no 法人番号: 13 digits, the first of which checks the others (I1).

    Source: 法人番号の指定等に関する省令 第2条
    """
    if len(number) != 13 or not (number.isascii() and number.isdigit()):
        raise Refused("法人番号は13桁の数字で入力してください。")
    weighted = sum(int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(number[1:])))
    if int(number[0]) != 9 - weighted % 9:
        raise Refused("法人番号が正しくありません。番号に誤りがないか、国税庁の法人番号公表サイトなどでご確認ください。")


def set_options(company, actor, now, **wanted):
    """The company's own switches, which apply at once; False where nothing was changed.

    :param wanted: column of :data:`app.labels.COMPANY_OPTION` -> on or off
    """
    changed = {name: value for name, value in wanted.items() if getattr(company, name) is not value}
    for name, value in changed.items():
        setattr(company, name, value)
    if changed:
        note = "、".join(f"{COMPANY_OPTION[name]}：{'はい' if value else 'いいえ'}" for name, value in changed.items())
        journal.note(AccountAction.company_options_changed, now, actor=actor, note=note)
    return bool(changed)


def check_name(typed, called, *, may_be_empty=False):
    """The name of a person, a company or a part of one, as typed; only blanks around it are taken off.

    Whatever prints is kept, 髙 and ㈱ and emoji alike.  Refused is what nobody sees or what makes the text
    around it read otherwise: line breaks, control characters, marks of direction, blanks of no width.

    :param called: the word of the field, for the sentence of the refusal
    :raises Refused: with the reason
    """
    name = (typed or "").strip(BLANKS)
    kinds = {unicodedata.category(character) for character in name}
    if kinds & {"Cc", "Zl", "Zp"}:
        raise Refused(f"{called}に改行やタブなどの制御文字が含まれています。取り除いて入力してください。")
    if kinds & {"Cf", "Cs"} or not _UNSEEN.isdisjoint(name):
        raise Refused(
            f"{called}に目に見えない文字（書字方向の指定、幅のない空白など）が含まれています。コピーせずに、直接入力してください。"
        )
    if "\ufffd" in name or "Co" in kinds:
        raise Refused(f"{called}に、他の端末では表示できない文字（外字など）が含まれています。別の文字で入力してください。")
    if len(name) > MOST_CHARACTERS:
        raise Refused(f"{called}は{MOST_CHARACTERS}文字以内で入力してください。")
    if not may_be_empty and not name.strip():
        raise Refused(f"{called}を入力してください。")
    if name and not any(kind[0] in "LNPS" for kind in kinds):  # marks that lack the letter they belong to
        raise Refused(f"{called}に、文字として表示されるものがありません。入力し直してください。")
    return name


def check_mail_address(address):
    """Refuse what is not exactly one mail address, line breaks above all."""
    if len(address) > 320 or not _MAIL_ADDRESS.fullmatch(address):
        raise Refused("メールアドレスの形式が正しくありません。改行や空白を含まない半角の英数字と記号で入力してください。")


def check_active(company):
    """Refuse what a company whose use is suspended or ended may not do."""
    if not company.is_active:
        raise Refused("貴社のご利用が停止されているため、この操作は行えません。お問い合わせ窓口にご連絡ください。")


def hold(company_id):
    """Let nobody else enrol, promote, demote or delete people of this company until the commit.

    Rows that only name the company may be added meanwhile.  SQLite holds the whole database from the
    beginning of every writing request.
    """
    db.session.execute(select(Company.id).where(Company.id == company_id).with_for_update(key_share=True))


def keep_an_administrator(user):
    """Refuse to take the authority or the 利用者ID from the company's last administrator (I2).

    Holds the company, so that of two administrators who remove each other at once one is refused.

    :raises Refused: `user` is the last one
    """
    if user.company_id is None:
        return
    hold(user.company_id)
    if [person.id for person in queries.administrators_of(user.company_id)] == [user.id]:
        raise Refused(
            "貴社の管理者がいなくなるため、この操作は行えません。先に、別の利用者に管理者権限を付けてください。"
        )
