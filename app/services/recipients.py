"""受信者: the 受取担当者 of each receiving company, in the order in which they take their turns (R23, I7)."""

from app.errors import PairNotAvailable, Refused
from app.plans import charge
from app.queries import as_code, company_by_code, people_by_code
from app.workflow import OF_THREE_OR_MORE

MOST_RECEIVERS = 9
WRONG_RECIPIENT = "指定された企業IDまたは利用者IDが正しくありません。取引先にご確認のうえ、入力し直してください。"


def recipients_of(typed, sender_company):
    """The 受取担当者 of each receiving company.

    :param typed: pairs of 企業ID and 利用者ID
    :raises Refused: as :func:`recipient_of`; with several, the sentence says which of them
    """
    if len(typed) == 1:
        return [recipient_of(*typed[0], sender_company)]
    people = []
    for place, (company_code, user_code) in enumerate(typed, start=1):
        try:
            people.append(recipient_of(company_code, user_code, sender_company))
        except Refused as refusal:
            raise type(refusal)(f"受信者{place}：{refusal.sentence}") from refusal
    return people


def recipient_of(company_code, user_code, sender_company):
    """The 受取担当者 named by 企業ID and 利用者ID (R23).

    :raises Refused: one sentence for unknown, deleted, and of an inactive company (B5)
    :raises PairNotAvailable: the plans of the two companies may not deal (R104)
    """
    company = company_by_code(company_code)
    code = as_code(user_code)
    person = people_by_code(company.id, [code]).get(code) if company is not None and company.is_active else None
    if person is None:
        raise Refused(WRONG_RECIPIENT)
    if company is sender_company:
        raise Refused("自社の利用者は受信者に指定できません。取引先の企業IDと利用者IDを入力してください。")
    charge_of(sender_company, company)
    return person


def charge_of(sender_company, company):
    """Who pays, seen from the sender; a refusal names the receiving company (R104, D9)."""
    try:
        return charge(sender_company.plan.kind, company.plan.kind)
    except PairNotAvailable as refusal:
        raise PairNotAvailable(f"「{company.name}」とのお取引：{refusal.sentence}") from refusal


def check(recipients, mode):
    """Refuse what no document may have: a company twice, too many, or a 3社以上契約 that not all sign (I7).

    Source: R2
    """
    if len(recipients) > MOST_RECEIVERS:
        raise Refused(f"受信者は{MOST_RECEIVERS}社まで指定できます。")
    companies = [person.company for person in recipients]
    for company in companies:
        if companies.count(company) > 1:
            raise Refused(f"「{company.name}」が複数回指定されています。受信者は、1つの企業につき1名を指定してください。")
    if len(recipients) > 1 and mode not in OF_THREE_OR_MORE:
        refused = "一方のみ署名契約はできません" if mode.is_signed else "署名なしの契約文書にはできません"
        raise Refused(
            f"「3社以上契約」は、{refused}。署名区分で「双方署名」を選択するか、受信者を1社にしてください。"
        )
