"""How values are written for people: words, times, amounts; the filters of the templates."""

from app.clock import JAPAN
from app.labels.companies import (
    APPLICATION_KIND,
    APPLICATION_STATE,
    COMPANY_NOTICE,
    COMPANY_STATUS,
    CONSENT_ACT,
    CONSENT_METHOD,
    CONSENT_STATE,
    DELIVERY_METHOD,
    FEE_ITEM,
    FEE_UNIT,
    INVITATION_STATE,
    LOCK,
    OPTION,
    OPTION_FLAG,
    PLAN,
    SAMPLE,
    SERVICE_KIND,
    SERVICE_STATE,
    USER_STATE,
    USER_STATE_TONE,
)
from app.labels.documents import (
    ACTION,
    ATTACHMENT_KIND,
    CONDITION,
    DAMAGE,
    DOWNLOAD_STATE,
    FIELD_LABEL,
    FINDING,
    ITEM_STATE,
    KIND,
    LEVEL,
    LIST_COLUMN,
    MODE,
    MODE_OF_ALL,
    MY_TURN,
    ROLE,
    SIDE,
    STATUS,
    VALIDITY,
)
from app.labels.records import ACCOUNT_ACTION, JOB, LETTER
from app.models import ConsentAct, Damage, DownloadState, InvitationState, ServiceState, Validity
from app.workflow import WITH_RECEIVER, Status

# the colour of the tag, always beside its text
TONE = {
    Status.draft: "neutral",
    Status.remanded: "remanded",
    Status.withdrawn: "ended",
    Status.archive_expired: "ended",
    Status.completion_wait: "done",
    Status.archived: "done",
    Validity.valid: "done",
    Validity.expired: "ended",
    Validity.revoked: "ended",
    ConsentAct.requested: "waiting",
    DownloadState.ready: "done",
    DownloadState.failed: "ended",
    ConsentAct.given: "done",
    ConsentAct.declined: "ended",
    ConsentAct.withdrawn: "ended",
    InvitationState.expired: "ended",
    InvitationState.approved: "done",
    InvitationState.rejected: "ended",
    InvitationState.cancelled: "ended",
    InvitationState.returned: "remanded",
    ServiceState.filling: "neutral",
    ServiceState.received: "waiting",
    ServiceState.returned: "remanded",
    ServiceState.approved: "done",
    ServiceState.rejected: "ended",
    ServiceState.withdrawn: "ended",
}
CALLED_OFF = "承認の取消（適用されません）"


def finding(row):
    """One thing that 点検 found, as an operator reads it: what, and in which file."""
    part = "添付・補足書類、" if row.get("is_attachment") else ""
    return f"{DAMAGE[Damage(row['finding'])]}（{part}SHA-256：{row['sha256']}）"


_ALL = (
    STATUS, ACTION, ROLE, SIDE, MODE, KIND, LIST_COLUMN, PLAN, COMPANY_STATUS, LETTER, LEVEL, ATTACHMENT_KIND, ACCOUNT_ACTION,
    APPLICATION_KIND, APPLICATION_STATE, USER_STATE, LOCK, VALIDITY, CONSENT_ACT, CONSENT_METHOD, DELIVERY_METHOD, FINDING,
    CONDITION, DAMAGE, DOWNLOAD_STATE, INVITATION_STATE, SERVICE_KIND, SERVICE_STATE, FEE_ITEM,
    OPTION, ITEM_STATE,
)  # fmt: skip


def label(value):
    """The word for an enum member; a type belongs to exactly one table, so the member says which."""
    for words in _ALL:
        if type(value) is type(next(iter(words))):
            return words[value]
    raise KeyError(value)


def status_of(document):
    """ステータス of a document; a 3社以上契約 says for which receiving company it waits (B1)."""
    word = STATUS[document.status]
    if document.is_multilateral and document.status in WITH_RECEIVER:
        return f"{word}（{document.waiting_party.company.name}）"
    return word


def mode_of(document):
    """署名区分 of a document; in a 3社以上契約 all companies sign (R2)."""
    return MODE_OF_ALL if document.is_multilateral else MODE[document.mode]


def certificate_title(document):
    """What is certified of a concluded document: where nobody signs, nothing was agreed by signature."""
    return "合意締結証明書" if document.mode.is_signed else "文書回覧完了証明書"


def field_label(party):
    """Whose signature a field is: 発出, 受領, or the company's name where there are more than two (I5)."""
    return party.company.name if party.document.is_multilateral else FIELD_LABEL[party.side]


def my_turn(status):
    return MY_TURN[status]


def tone(status):
    return (TONE | USER_STATE_TONE).get(status, "progress")


def jst(moment, form="%Y/%m/%d %H:%M"):
    """A moment as people in Japan read it."""
    return moment.astimezone(JAPAN).strftime(form) if moment else ""


def day(date):
    return date.strftime("%Y/%m/%d") if date else ""


def yen(amount):
    """契約金額; a document without one says so (L6)."""
    return "金額なし" if amount is None else f"{amount:,}円"


def case_name(case):
    """番号 and 名 of a 案件, for whoever is of its company; empty for none."""
    return "" if case is None else f"{case.number}　{case.name}"


def month(first_day):
    """A month by its first day."""
    return f"{first_day.year}年{first_day.month}月"


def charge(yen, is_sample=False):
    """A price or what is charged, without consumption tax; a サンプル says so (I10)."""
    return f"{yen:,}円{f'（{SAMPLE}）' if is_sample else ''}"


def usage_kind(record):
    """What a line of 利用明細 is where it belongs to a correction; "" of any other."""
    if record.corrects_id is None:
        return ""
    return "取消" if record.takes_back else "訂正後"


def usage_remark(record):
    """The reason of a correction, with the day of what it corrects, which a buyer's books need with an amount taken back."""
    used = record
    while used.corrects is not None:  # of a correction of a correction, what was used
        used = used.corrects
    return "、".join(filter(None, [f"{day(used.used_on)}利用分" if used is not record else "", record.reason]))


def job(name):
    """What a 定期処理 does; one that a later version has dropped keeps its name in the code."""
    return JOB.get(name, name)


def duration(days):
    """How long something took, from a number of days."""
    if days is None:
        return "－"
    if days * 24 < 1:
        return "1時間未満"
    return f"{days * 24:.1f}時間" if days < 1 else f"{days:,.1f}日"


def yes_no(value):
    return "はい" if value else "いいえ"


def in_use(has_option):
    return "利用中" if has_option else "未利用"


def archive_option(company):
    """長期保管延長オプション of a company, as it reads it."""
    if not company.has_archive_extension:
        return "なし"
    return "あり（自動で延長します）" if company.extends_by_itself else "あり（管理者の操作で延長します）"


def wish_of(application):
    """What a 申請 of a company that is there asks for, in one line."""
    what = SERVICE_KIND[application.kind]
    if application.plan is not None:
        return f"{what}（{PLAN[application.plan]}）"
    return f"{what}（{OPTION[application.option]}）" if application.option is not None else what


def service_facts(company):
    """What a company has of the service, by name; what differs before and after a change is noted of it."""
    options = {called: in_use(getattr(company, name)) for name, called in OPTION_FLAG.items()}
    return {"プラン": PLAN[company.plan.kind], **options, "状態": COMPANY_STATUS[company.status]}


def service_differences(before, after):
    """Old and new of what has changed, in one line.

    :param before: of :func:`service_facts`
    """
    return "、".join(f"{name}：{before[name]} → {after[name]}" for name in after if before[name] != after[name])


def options_of(company):
    """The options in force, in one line."""
    return "、".join(called for name, called in OPTION_FLAG.items() if getattr(company, name)) or "なし"


def company_notice(company):
    """What people of a company that is suspended or has left read on every page; "" for all others."""
    return COMPANY_NOTICE.get(company.status, "")


def term(document):
    """契約期間, open at either end where only the other is set."""
    if not (document.term_from or document.term_to):
        return ""
    return f"{day(document.term_from)} ～ {day(document.term_to)}"


def consent_state(row):
    """How a pair stands after its newest act; None: nobody has said anything."""
    if row is None:
        return "未承諾"
    return "再度の承諾が必要" if row.is_outdated else CONSENT_STATE[row.act]


def boxes_for_picture(positions):
    """署名位置 as left, bottom, width and height, for the picture of their page."""
    return [
        {"label": position.label, "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0, "signed": position.signed}
        for position in positions
        for x0, y0, x1, y1 in [position.box]
    ]


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("Chrome/", "Chrome"),
             ("CriOS/", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
            ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def browser(user_agent):
    """What a browser says of itself, in the words people know it by."""
    name, system = (
        next((word for mark, word in known if mark in user_agent), "") for known in (_BROWSERS, _SYSTEMS)
    )
    return f"{name or '不明なブラウザー'}{f'（{system}）' if system else ''}"


FILTERS = {
    "case_name": case_name,
    "certificate_title": certificate_title,
    "browser": browser, "archive_option": archive_option, "label": label, "status_of": status_of, "mode_of": mode_of,
    "my_turn": my_turn, "tone": tone, "jst": jst, "day": day, "yen": yen, "month": month, "charge": charge, "usage_kind": usage_kind, "usage_remark": usage_remark,
    "fee_unit": FEE_UNIT.get, "term": term, "boxes_for_picture": boxes_for_picture, "consent_state": consent_state,
    "wish_of": wish_of, "options_of": options_of, "company_notice": company_notice, "job": job, "duration": duration,
}  # fmt: skip
