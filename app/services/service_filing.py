"""利用申請の内容: what a company says of itself, its people and its certificate, kept half-filled, then handed in (I9).

It is kept in the column `wanted` of the 申請::

    {"company": {name, kana, corporate_number, address, phone},
     "admin": {full_name, kana, department, title, mail_address, signs},
     "people": [{...the same...}, ...],
     "certificate": {department, title, pin_mail_address}}
"""

import re
import unicodedata

from app import queries
from app.errors import OutOfTurn, Refused
from app.labels import COMPANY_FACT, USER
from app.models import AccountAction, Letter, ServiceKind, ServiceState
from app.plans import PlanKind
from app.services import companies, journal, outbox, service_review
from app.services.service_review import FOR_APPLICANT

TERMS_VERSION = "2026-11-25"  # of the 利用規約 and the consent in templates/apply/
MOST_PEOPLE = 10  # beside the administrator
MOST_SAVES = 300  # after so many, no further 印鑑証明書 is taken in: each stays in the store
LONGEST = 400  # characters kept of a field that is not checked yet
PERSON = ("full_name", "kana", "department", "title", "mail_address")
CERTIFICATE = ("department", "title", "pin_mail_address")
FOUNDING = frozenset({ServiceKind.partner, ServiceKind.paper})  # a company comes of it
NO_EVIDENCE = "印鑑証明書（PDF）を選択してください。"
NO_PAPER = "申込書類（PDF）を選択してください。"
_PHONE = re.compile(r"[0-9+()-]{1,32}")
CHANGED = "画面を開いた後に、申請の内容が変わりました。最新の内容をご確認ください。"
KEPT_ELSEWHERE = (
    "この画面を開いた後に、別の画面で申請の内容が保存されています。"
    "この画面の内容で上書きする場合は、もう一度［途中保存］または［確認］を押してください。"
)


def half_width(typed):
    """Numbers as they are kept: full-width digits and hyphens as half-width ones, without blanks."""
    return "".join(unicodedata.normalize("NFKC", typed or "").replace("−", "-").replace("ー", "-").split())


def suggested(invitation):
    """What the form of an invitation begins with: the inviting company's word for the partner."""
    return {
        "company": {"name": invitation.partner_name},
        "admin": {"full_name": invitation.contact_name, "mail_address": invitation.mail_address, "signs": True},
        "people": [],
        "certificate": {"pin_mail_address": invitation.mail_address},
    }


def check_room(invitation):
    """Refuse one more 印鑑証明書 where the form was saved unreasonably often, before the file is kept.

    :raises Refused: the address is used to fill the store
    """
    if invitation.application is not None and invitation.application.version > MOST_SAVES:
        raise Refused("保存の回数が上限に達したため、印鑑証明書を差し替えられません。お手数ですが、お問い合わせ窓口までご連絡ください。")


def keep(invitation, now, *, wanted, version, evidence=None):
    """［途中保存］: keep what was typed, unchecked and however little it is; the caller commits.

    :param wanted: as in the head of this file
    :param version: of the 申請 when the form was drawn; None where there was none yet
    :param evidence: a newly chosen 印鑑証明書
    :raises OutOfTurn: handed in meanwhile, or changed in another window
    """
    application = invitation.application
    if application is None:
        once = f"invitation {invitation.id}"  # whatever was typed, one 申請 comes of an invitation
        application = service_review.begin(
            ServiceKind.partner, now, form_token=once, invitation=invitation, plan=PlanKind.partner
        )
    elif version != application.version:
        raise OutOfTurn(KEPT_ELSEWHERE)
    return _write(application, now, wanted, evidence)


def _write(application, now, wanted, evidence):
    if application.state not in FOR_APPLICANT:
        raise OutOfTurn("この申請は、すでに受け付けています。")
    application.wanted = _clipped(wanted)
    if evidence is not None:
        application.evidence_name, application.evidence_sha256 = evidence.name, evidence.sha256
    service_review.touch(application)
    return application


def hand_in(application, now, *, actor=None, link=None):
    """［申請する］: the terms are agreed to, and the operator has it; the caller commits.

    :param actor: the operator who keyed it in from paper
    :param link: the token of the applicant's own address, named in the mail that confirms the receipt
    :raises Refused: something is missing or wrong; nothing was changed
    """
    application.wanted = check_whole(application)
    service_review.move(application, ServiceState.received, now, actor=actor)
    application.terms_version, application.agreed_at = TERMS_VERSION, now
    if actor is None:  # whoever keys it in from paper is noted for that
        journal.note(AccountAction.service_application_received, now, note=application.number)
    invitation = application.invitation
    if invitation is not None and invitation.used_at is None:
        invitation.used_at = now
    tell(Letter.service_received, application, now, secret=link, expires_at=invitation and invitation.expires_at)


def key_in(operator, now, *, wanted, plan, evidence, form_token):
    """［紙の申込書から登録］: an operator hands in what a company sent on paper; the caller commits.

    :param evidence: the scanned paper with its 印鑑証明書
    :raises OutOfTurn: the form has made its 申請 before
    """
    made = queries.application_made_by(form_token)
    if made is not None:
        raise OutOfTurn(f"この画面の内容は、すでに申請番号 {made.number} として登録されています。")
    if evidence is None:
        raise Refused(NO_PAPER)
    application = service_review.begin(ServiceKind.paper, now, form_token=form_token, actor=operator, plan=plan)
    _hand_in_paper(application, operator, now, wanted, evidence)
    return application


def key_in_again(application, operator, now, *, wanted, plan, evidence):
    """A 申請 from paper after its 差戻し, corrected by the operator."""
    application.plan = plan
    _hand_in_paper(application, operator, now, wanted, evidence)


def _hand_in_paper(application, operator, now, wanted, evidence):
    _write(application, now, wanted, evidence)
    journal.note(AccountAction.service_keyed_in, now, actor=operator, note=application.number)
    hand_in(application, now, actor=operator)


def check_whole(application):
    """The fields of a 申請 as they are to be handed in.

    :raises Refused: with the first thing that is missing or wrong
    """
    wanted = checked(application.wanted)
    if not application.evidence_sha256:
        raise Refused(NO_EVIDENCE)
    return wanted


def checked(wanted):
    """`wanted` with each value as it is to be kept.

    :raises Refused: with the first thing that is missing or wrong
    """
    wanted = _clipped(wanted)
    people = [wanted["admin"], *wanted["people"]]
    return {
        "company": _company(wanted["company"]),
        "admin": _person(people[0], "管理者"),
        "people": _all_different([_person(one, f"利用者{at}") for at, one in enumerate(people[1:], start=1)], people[0]),
        "certificate": _certificate(wanted["certificate"], people),
    }


def _company(given):
    made = {
        name: companies.check_name(given[name], COMPANY_FACT[name], may_be_empty=name in ("corporate_number", "phone"))
        for name in COMPANY_FACT
    }
    check_phone(made["phone"])
    if made["corporate_number"]:
        companies.check_corporate_number(made["corporate_number"])
    return made


def check_phone(phone):
    if not phone:
        raise Refused("電話番号を入力してください。")
    if not _PHONE.fullmatch(phone):
        raise Refused("電話番号は、32文字以内の数字とハイフンで入力してください。")


def _person(given, called):
    made = {
        name: companies.check_name(given[name], f"{called}の{USER[name]}", may_be_empty=name != "full_name")
        for name in PERSON
    }
    if not made["mail_address"]:
        raise Refused(f"{called}のメールアドレスを入力してください。")
    companies.check_mail_address(made["mail_address"])
    return made | {"signs": given["signs"]}


def _all_different(people, admin):
    if len(people) > MOST_PEOPLE:
        raise Refused(f"利用者は{MOST_PEOPLE}名まで入力できます。承認の後に、管理者が追加できます。")
    seen = {(admin["full_name"], admin["mail_address"])}
    for one in people:
        if (one["full_name"], one["mail_address"]) in seen:
            raise Refused(f"{one['full_name']}様が2回入力されています。同じ方は1回だけ入力してください。")
        seen.add((one["full_name"], one["mail_address"]))
    return people


def _certificate(given, people):
    if not any(one["signs"] for one in people):
        raise Refused("署名権限のある方がいません。管理者または利用者の1名以上に、署名権限を付けてください。")
    made = {name: companies.check_name(given[name], called, may_be_empty=True) for name, called in (
        ("department", "電子証明書の部署名"), ("title", "電子証明書の役職名"), ("pin_mail_address", "PIN送付先メールアドレス"),
    )}  # fmt: skip
    if not made["pin_mail_address"]:
        raise Refused("PIN送付先メールアドレスを入力してください。")
    companies.check_mail_address(made["pin_mail_address"])
    return made


def _clipped(wanted):
    """The known fields alone, as texts of a bearable length."""

    def texts(given, names):
        return {name: str((given or {}).get(name) or "")[:LONGEST] for name in names}

    def person(given):
        return texts(given, PERSON) | {"signs": bool((given or {}).get("signs"))}

    company = texts(wanted.get("company"), COMPANY_FACT)
    for name in ("corporate_number", "phone"):
        company[name] = half_width(company[name])
    return {
        "company": company,
        "admin": person(wanted.get("admin")),
        "people": [person(one) for one in (wanted.get("people") or [])[: MOST_PEOPLE + 1]],
        "certificate": texts(wanted.get("certificate"), CERTIFICATE),
    }


def tell(letter, application, now, *, secret=None, expires_at=None, **facts):
    """Owe a letter to the administrator the 申請 names, who has no 利用者ID yet."""
    admin = application.wanted["admin"]
    outbox.owe(
        letter, None, now, to_address=admin["mail_address"], secret=secret, expires_at=expires_at,
        person=admin["full_name"], company=application.wanted["company"]["name"],
        application_number=application.number, **facts,
    )  # fmt: skip
