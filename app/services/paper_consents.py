"""書面による承諾: an administrator records that a partner's consent was received on paper, with the scanned paper (L14).

It counts as a consent that was given on the pages.  The partner's administrators are told at once: who never signed
such a paper finds the record, with its PDF, among the own consents, and can withdraw it.

Source: 建設業法施行令 第5条の5第1項 (承諾 by 書面 or 電磁的方法)
"""

from sqlalchemy import select

from app import queries
from app.clock import japan_date
from app.errors import NotFound, Refused
from app.extensions import db
from app.labels import day
from app.models import AccountAction, ConsentAct, ConsentMethod, ElectronicConsent, Letter, PaperConsent
from app.services import applications, companies, consents, journal, outbox
from app.services.strongroom import strongroom

MOST_NOTE = 500  # characters
_ENDED = frozenset({ConsentAct.declined, ConsentAct.withdrawn})


def record(giver, actor, now, *, received_on, file_name, pdf, note=""):
    """Record the consent that `giver` gave on paper to the actor's company.

    :param received_on: the day, in Japan, on which the paper arrived
    :param pdf: the scanned paper, as bytes
    :raises Refused: no PDF, a day to come, or a consent that the giver declined or withdrew after that day
    """
    companies.check_active(actor.company)
    if received_on > japan_date(now):
        raise Refused("書面の受領日には、今日までの日付を入力してください。")
    if len(note) > MOST_NOTE:
        raise Refused(f"備考は{MOST_NOTE}文字以内で入力してください。")
    newest = queries.newest_consent(giver.id, actor.company_id)
    if newest is not None and newest.counts:
        raise Refused(f"{giver.name}の承諾はすでに得られています。")
    if newest is not None and newest.act in _ENDED and received_on < japan_date(newest.at):
        what = "承諾しない旨を回答し" if newest.act is ConsentAct.declined else "承諾を撤回し"
        raise Refused(
            f"{giver.name}は、この書面の後の{day(japan_date(newest.at))}に{what}ています。改めて承諾を得てから、登録してください。"
        )
    evidence = applications.take_in(file_name, pdf, called="承諾の書面")
    row = consents.add(ConsentAct.given, giver, actor.company, actor, now, method=ConsentMethod.on_paper)
    row.paper = PaperConsent(received_on=received_on, file_name=evidence.name, sha256=evidence.sha256, note=note)
    journal.note(AccountAction.consent_on_paper, now, actor=actor, note=f"{giver.name}（{giver.code}）")
    _tell(giver, actor, now, received_on)
    return row


def _tell(giver, actor, now, received_on):
    """Owe the giver's administrators a letter; and one to the own people whose documents waited for the consent."""
    partner = actor.company
    for person in queries.administrators_of(giver.id) if giver.is_active else ():
        outbox.owe(
            Letter.consent_on_paper, person, now, partner=partner.name, received_on=day(received_on),
            path=f"/admin/consents/{partner.id}",
        )  # fmt: skip
    for person in queries.registrars_concerned(giver.id, partner.id):
        if person is not actor:
            outbox.owe(Letter.consent_answered, person, now, partner=giver.name, act=ConsentAct.given.value, path="/")


def paper_of(consent_id, company_id):
    """(file name, bytes) of the scanned paper, for both companies of the pair.

    :raises NotFound: unknown, somebody else's, or a consent without paper
    """
    found = None
    if consent_id <= queries.MOST_ID:
        found = db.session.scalar(select(ElectronicConsent).where(ElectronicConsent.id == consent_id))
    if found is None or found.paper is None or company_id not in (found.giver_id, found.partner_id):
        raise NotFound
    return found.paper.file_name, strongroom().store.get(found.paper.sha256)
