"""Companies and their people: created, and told by mail."""

from sqlalchemy import select

from app.errors import Refused
from app.extensions import db
from app.models import Company, Letter, Plan
from app.plans import PlanKind
from app.services import credentials, outbox
from app.services.numbers import next_number


def found_company(name, plan: PlanKind, now, *, kana="", address="", phone="", corporate_number=""):
    """A new company with its 企業ID; the caller commits."""
    company = Company(
        code=next_number("company"), name=name, kana=kana, address=address, phone=phone,
        corporate_number=corporate_number, created_at=now,
        plan=db.session.scalar(select(Plan).where(Plan.kind == plan)),
    )  # fmt: skip
    db.session.add(company)
    return company


def enrol(user, now, *, roles, to_address=None):
    """Give a new person the 利用者ID and the first password, each by its own mail (R15-R17, R27).

    :param user: a new :class:`PortalUser` row with names, company and `mail_address`
    :param roles: Flask-AppBuilder's role rows
    :param to_address: where the two mails go; the person's own address when not given (R106)
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
    credentials.give_initial_password(user, now, to_address=to_address)
    return user


def check_mail_address(address):
    """Refuse what is no mail address, line breaks above all."""
    local, at, domain = address.rpartition("@")
    if not (at and local and "." in domain) or not address.isascii() or any(c.isspace() or not c.isprintable() for c in address):
        raise Refused("メールアドレスの形式が正しくありません。改行や空白を含まない半角の英数字と記号で入力してください。")
