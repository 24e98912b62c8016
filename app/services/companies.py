"""Companies and their people: created, changed and deleted, and told by mail."""

from sqlalchemy import select

from app import queries
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import APPLICATION_STATE, COMPANY_FACT, COMPANY_OPTION
from app.models import AccountAction, ApplicationState, Company, CompanyChange, Letter, Plan
from app.plans import PlanKind
from app.services import credentials, documents, journal, outbox
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


def keep_an_administrator(user):
    """Refuse what would leave the person's company without an active 管理用ID (I2)."""
    db.session.execute(select(Company.id).where(Company.id == user.company_id).with_for_update())  # one at a time
    administrators = queries.administrators_of(user.company_id)
    if [person.id for person in administrators] == [user.id]:
        raise Refused(
            f"「{user.full_name}」様は自社でただ1人の管理者です。先に、ほかの利用者に管理者権限を付けてください。"
        )


def delete_user(user, actor, now, *, replacement=None):
    """利用者削除: the person can do nothing any more; what they did keeps their name （削除済） (I2, B5).

    :param actor: another administrator of the company
    :param replacement: the colleague who takes over every open document
    :raises Refused: the last administrator, oneself, or open documents and nobody who takes them over
    :raises OutOfTurn: deleted already
    """
    if user.id == actor.id:
        raise Refused("ご自身の利用者IDは削除できません。ほかの管理者に削除をご依頼ください。")
    keep_an_administrator(user)
    db.session.refresh(user)
    if user.deleted_at is not None:
        raise OutOfTurn("この利用者IDはすでに削除されています。")
    held = queries.documents_held_by(user)
    if held and replacement is None:
        raise Refused(
            f"「{user.full_name}」様が担当する、処理中の契約文書が{len(held)}件あるため、削除できません。"
            "新しい担当者を指定してください。"
        )
    user.deleted_at, user.active = now, False
    credentials.end_sessions(user)
    for link in user.activations:
        link.sealed_key = link.activated_at = None
    for document in held:
        documents.reassign(document, actor, user, replacement, now)
    journal.note(AccountAction.user_deleted, now, user=user, actor=actor)


# -- 企業情報 ------------------------------------------------------------------


def apply_for_change(company, applicant, wanted, now):
    """企業情報の変更申請: keep what is to be changed until the operator decides (I3).

    :param wanted: column of :class:`Company` -> new value; what is the same already is left out
    """
    db.session.execute(select(Company.id).where(Company.id == company.id).with_for_update())  # one at a time
    if queries.open_change_of(company.id) is not None:
        raise Refused("審査中の変更申請があります。審査結果のメールが届いてから、もう一度申請してください。")
    wanted = {name: value for name, value in wanted.items() if value != getattr(company, name)}
    if not wanted:
        raise Refused("変更された項目がありません。変更する項目を修正してから申請してください。")
    if wanted.get("corporate_number"):
        check_corporate_number(wanted["corporate_number"])
    change = CompanyChange(company=company, applicant=applicant, wanted=wanted, applied_at=now)
    db.session.add(change)
    journal.note(AccountAction.company_change_applied, now, actor=applicant, note=_names(wanted))
    return change


def decide_change(change, decided_by, now, *, is_approved):
    """変更申請の審査: write the new values, or not, and tell the applicant by mail.

    :raises OutOfTurn: decided already
    """
    db.session.refresh(change, with_for_update=True)
    if change.state is not ApplicationState.received:
        raise OutOfTurn("この申請はすでに審査済みです。")
    change.state = ApplicationState.approved if is_approved else ApplicationState.rejected
    change.decided_at, change.decided_by = now, decided_by
    if is_approved:
        for name, value in change.wanted.items():
            setattr(change.company, name, value)
    action = AccountAction.company_changed if is_approved else AccountAction.company_change_rejected
    journal.note(action, now, actor=decided_by, company=change.company, note=_names(change.wanted))
    applicant = change.applicant
    for person in [applicant] if applicant.is_selectable else queries.administrators_of(change.company_id):
        outbox.owe(
            Letter.application_decided, person, now, what="企業情報の変更申請",
            outcome=APPLICATION_STATE[change.state], detail=f"申請された項目： {_names(change.wanted)}",
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


def set_options(company, actor, now, *, requires_second_factor, signs_by_code):
    """The company's own switches, which apply at once; False where nothing was changed."""
    wanted = {"requires_second_factor": requires_second_factor, "signs_by_code": signs_by_code}
    changed = {name: value for name, value in wanted.items() if getattr(company, name) is not value}
    for name, value in changed.items():
        setattr(company, name, value)
    if changed:
        note = "、".join(f"{COMPANY_OPTION[name]}：{'はい' if value else 'いいえ'}" for name, value in changed.items())
        journal.note(AccountAction.company_options_changed, now, actor=actor, note=note)
    return bool(changed)


def check_mail_address(address):
    """Refuse what is no mail address, line breaks above all."""
    local, at, domain = address.rpartition("@")
    if not (at and local and "." in domain) or not address.isascii() or any(c.isspace() or not c.isprintable() for c in address):
        raise Refused("メールアドレスの形式が正しくありません。改行や空白を含まない半角の英数字と記号で入力してください。")
