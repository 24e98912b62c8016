"""Companies and their people: founded, enrolled and told by mail; what a name and an address may be."""

import re
import unicodedata

from sqlalchemy import select

from app.errors import Refused
from app.extensions import db
from app.models import Company, Letter, Plan, PortalUser
from app.plans import PlanKind
from app.services import credentials, outbox
from app.services.numbers import next_number

MOST_CHARACTERS = 255
BLANKS = " \u3000"
_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # blanks that Unicode counts as letters and signs
_MAIL_ADDRESS = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", re.ASCII)


def found_company(name, plan: PlanKind, now, *, kana="", address="", phone="", corporate_number=""):
    """A new company with its 企業ID; the caller commits."""
    company = Company(
        code=next_number("company"), name=name, kana=kana, address=address, phone=phone,
        corporate_number=corporate_number, created_at=now,
        plan=db.session.scalar(select(Plan).where(Plan.kind == plan)),
    )  # fmt: skip
    db.session.add(company)
    return company


def enrol(user, now, *, roles, to_address=None, initial=None):
    """Give a new person the 利用者ID and the first password, each by its own mail (R15-R17, R27).

    :param user: a new :class:`PortalUser` row with names, company and `mail_address`
    :param roles: Flask-AppBuilder's role rows
    :param to_address: where the two mails go; the person's own address when not given (R106)
    :param initial: one of :func:`credentials.new_initial_passwords`; made here when not given
    """
    check_mail_address(user.mail_address)
    with db.session.no_autoflush:  # the row is not whole before it has its number
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
    return user


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
    return name


def check_mail_address(address):
    """Refuse what is not exactly one mail address, line breaks above all."""
    if len(address) > 320 or not _MAIL_ADDRESS.fullmatch(address):
        raise Refused("メールアドレスの形式が正しくありません。改行や空白を含まない半角の英数字と記号で入力してください。")


def hold(company_id):
    """Let nobody else enrol, promote, demote or delete people of this company until the commit.

    SQLite holds the whole database from the beginning of every writing request.
    """
    db.session.execute(select(Company.id).where(Company.id == company_id).with_for_update())


def keep_an_administrator(user):
    """Refuse to take the authority or the 利用者ID from the company's last administrator (I2).

    Holds the company, so that of two administrators who remove each other at once one is refused.

    :raises Refused: `user` is the last one
    """
    if user.company_id is None:
        return
    hold(user.company_id)
    administrators = db.session.scalars(
        select(PortalUser.id).where(
            PortalUser.company_id == user.company_id, PortalUser.active.is_(True), PortalUser.deleted_at.is_(None),
            PortalUser.roles.any(name="CompanyAdmin"),
        )
    ).all()  # fmt: skip
    if administrators == [user.id]:
        raise Refused(
            "貴社の管理者がいなくなるため、この操作は行えません。先に、別の利用者に管理者権限を付けてください。"
        )
