"""電子契約の承諾: asked for, given, declined and withdrawn, and the gate that needs it (L14).

Each direction of a pair of companies stands for itself.  Acts are added, never changed; the newest says how
things stand.  Every act carries the text it was about, so that what was shown can be shown again.

Source: 建設業法 第19条第3項, 建設業法施行令 第5条の5
"""

import datetime as dt
import unicodedata

from app import queries
from app.construction_law import CONSENT_TEXT, CONSENT_VERSION
from app.errors import ConsentMissing, OutOfTurn, Refused
from app.extensions import db
from app.models import AccountAction, ConsentAct, ConsentMethod, ElectronicConsent, Letter
from app.services import companies, journal, outbox
from app.workflow import TOWARDS_CONCLUSION, WITH_REGISTRAR

REQUEST_PAUSE = dt.timedelta(days=1)
CHANGED = "この取引先との承諾の状態は、画面を開いた後に変わりました。電子契約承諾管理で、最新の状態をご確認ください。"
WRONG_PARTNER = "企業IDまたは企業名が正しくありません。取引先にご確認のうえ、入力し直してください。"
_LEGAL_FORMS = ("株式会社", "有限会社", "合同会社", "合資会社", "合名会社", "(株)", "(有)", "(同)", "(資)", "(名)")
_JOURNAL = {
    ConsentAct.requested: AccountAction.consent_requested,
    ConsentAct.given: AccountAction.consent_given,
    ConsentAct.declined: AccountAction.consent_declined,
    ConsentAct.withdrawn: AccountAction.consent_withdrawn,
}


# -- the gate -------------------------------------------------------------------


def lacking(document):
    """(company, its newest act) of each receiver without whose consent this contract cannot be made here.

    None where it is not for construction work.
    """
    return [(company, rows[0] if rows else None) for company, rows in _lacking(document)]


def _lacking(document):
    """The same with all acts of each, the newest first; one statement for all receivers."""
    if not document.is_construction:
        return []
    said = queries.consents_towards(document.sender.company_id, [party.company_id for party in document.receivers])
    each = [(party.company, said[party.company_id]) for party in document.receivers]
    return [(company, rows) for company, rows in each if not (rows and rows[0].counts)]


def check(action, document, actor):
    """Refuse each step towards conclusion while a receiver's consent is missing or withdrawn.

    差戻 and 取下げ stay open, and what is concluded stays concluded.

    :raises ConsentMissing: with what the person's own company can do about it
    """
    sentence = what_lacks(document, actor.company_id) if action in TOWARDS_CONCLUSION else ""
    if sentence:
        raise ConsentMissing(sentence)


def what_lacks(document, company_id):
    """What keeps the document from its conclusion, and what a company can do about it; "" where nothing does."""
    missing = lacking(document)
    if not missing:
        return ""
    if company_id in {company.id for company, _ in missing}:
        return (
            "貴社は、この取引先との建設工事の請負契約を電子契約で締結することを承諾していません。電子契約で締結する場合は、"
            "貴社の管理者が［電子契約承諾管理］で承諾してください。締結しない場合は、契約文書を差し戻してください。"
        )
    if company_id != document.sender.company_id:  # how another receiver stands to the sender is not theirs to know
        return (
            "この契約文書は、電子契約の承諾がそろっていないため、現在、処理を進めることができません。"
            "お急ぎの場合は、発信者にお問い合わせください。"
        )
    names = "、".join(company.name for company, _ in missing)
    return (
        f"建設工事の請負契約を電子契約で締結するには、取引先の承諾が必要です。{names}の承諾が得られていないため、"
        "処理を進めることはできません。"
    )


# -- the acts --------------------------------------------------------------------


def request(document, actor, now):
    """［承諾を依頼する］: ask the administrators of each receiver whose consent the document lacks, once a day.

    Nothing of the document itself is told: it was not sent yet (I18).

    :returns: the companies that were asked
    :raises Refused: nothing is lacking, all were asked within a day, or nobody of them could answer
    """
    if document.status not in WITH_REGISTRAR or actor.id != document.holder_id:
        raise OutOfTurn
    companies.check_active(actor.company)
    if not lacking(document):
        raise Refused("取引先の承諾はすでに得られています。このまま契約文書を発信できます。")
    due = askable(document, now)
    if not due:
        raise Refused("承諾の依頼は、同じ取引先に1日に1回まで送信できます。取引先の回答をお待ちください。")
    asked = [company for company in due if _ask(company, actor, now)]
    if not asked:
        names = "、".join(company.name for company in due)
        raise Refused(f"{names}には、承諾の手続きができる管理者がいません。お問い合わせ窓口にご連絡ください。")
    return asked


def askable(document, now):
    """The receivers whose consent is lacking and who were not asked within a day."""
    last = [(company, _last_request(rows)) for company, rows in _lacking(document)]
    return [company for company, row in last if row is None or now - row.at >= REQUEST_PAUSE]


def _last_request(rows):
    return next((row for row in rows if row.act is ConsentAct.requested), None)


def _ask(giver, actor, now):
    """False where nobody of the company could answer."""
    administrators = queries.administrators_of(giver.id)
    if not (giver.is_active and administrators):
        return False
    add(ConsentAct.requested, giver, actor.company, actor, now)
    for person in administrators:
        outbox.owe(Letter.consent_requested, person, now, partner=actor.company.name, path=_path(actor.company))
    return True


def partner_named(company_code, name, own_company):
    """The company to which an own consent is given beforehand; both must be known, so that nobody reads a list of names.

    :raises Refused: one sentence for unknown, inactive, and known by another name
    """
    company = queries.company_by_code(company_code)
    if company is None or not company.is_active or _plain(company.name) != _plain(name):
        raise Refused(WRONG_PARTNER)
    if company is own_company:
        raise Refused("自社は指定できません。取引先の企業IDと企業名を入力してください。")
    return company


def _plain(name):
    """A company's name without what people write differently: width, blanks, 株式会社 or (株)."""
    plain = "".join(unicodedata.normalize("NFKC", name).split()).casefold()
    for form in _LEGAL_FORMS:
        plain = plain.removeprefix(form).removesuffix(form)
    return plain


def give(partner, actor, now, *, drawn):
    """承諾する: from now on the partner may send contracts for construction work.

    :param drawn: position of the newest act when the page was drawn, 0 for none
    :raises OutOfTurn: somebody acted meanwhile
    """
    newest = queries.newest_consent(actor.company_id, partner.id)
    if not partner.is_active:
        raise Refused("この取引先は現在サービスを利用していないため、承諾できません。")
    if newest is not None and newest.counts:
        raise OutOfTurn(CHANGED)
    was_asked = newest is not None and newest.act is ConsentAct.requested
    method = ConsentMethod.on_request if was_asked else ConsentMethod.beforehand
    return _answer(ConsentAct.given, partner, actor, now, drawn, method)


def decline(partner, actor, now, *, drawn):
    """承諾しない: answer a request; the partner may ask again."""
    _must_be(ConsentAct.requested, partner, actor)
    return _answer(ConsentAct.declined, partner, actor, now, drawn)


def withdraw(partner, actor, now, *, drawn):
    """撤回: nothing more is concluded electronically with this partner until a new consent.

    Open even to a company whose use is suspended, and towards one that is.
    Source: 建設業法施行令 第5条の5第2項
    """
    _must_be(ConsentAct.given, partner, actor)
    return _answer(ConsentAct.withdrawn, partner, actor, now, drawn)


def _must_be(act, partner, actor):
    newest = queries.newest_consent(actor.company_id, partner.id)
    if newest is None or newest.act is not act:
        raise OutOfTurn(CHANGED)


def _answer(act, partner, actor, now, drawn, method=None):
    if act is not ConsentAct.withdrawn:
        companies.check_active(actor.company)
    row = add(act, actor.company, partner, actor, now, drawn=drawn, method=method)
    administrators = queries.administrators_of(partner.id)
    told = {person.id: person for person in (*administrators, *queries.registrars_concerned(actor.company_id, partner.id))}
    for person in told.values():
        outbox.owe(
            Letter.consent_answered, person, now, partner=actor.company.name, act=act.value,
            path=_path(actor.company) if person in administrators else "/",
        )  # fmt: skip
    return row


def add(act, giver, partner, actor, now, *, drawn=None, method=None):
    """Append an act to those of a pair; the caller owes its letters, and notes what is no act of :data:`_JOURNAL`.

    :param drawn: position of the newest act when the page was drawn; None where it does not matter
    """
    newest = queries.newest_consent(giver.id, partner.id)
    position = newest.position if newest is not None else 0
    if drawn is not None and drawn != position:
        raise OutOfTurn(CHANGED)
    row = ElectronicConsent(
        giver=giver, partner=partner, position=position + 1, act=act, method=method, actor=actor, at=now,
        text_version=CONSENT_VERSION, text=CONSENT_TEXT,
    )  # fmt: skip
    db.session.add(row)
    if method is not ConsentMethod.on_paper:
        other = partner if actor.company_id == giver.id else giver
        journal.note(_JOURNAL[act], now, actor=actor, note=f"{other.name}（{other.code}）")
    return row


def _path(company):
    return f"/admin/consents/{company.id}"
