"""長期保管延長, and new time stamps before the former ones end (T15, I15, R98).

Both add a document time stamp with fresh evidence.  An extension is ordered by a company and moves 保管満了日;
a renewal comes by itself and moves nothing.  The order is one row, the slow stamping a job's: a second click or a
second administrator meets the constraint on that row, and a stop in between loses nothing.
"""

import datetime as dt

from flask import current_app
from sqlalchemy import and_, exists, or_, select, true, update

from app.clock import japan_date, years_later
from app.errors import OutOfTurn, Refused, SigningFailed
from app.extensions import db
from app.labels import day
from app.models import (
    ArchiveExtension,
    ArchiveRecord,
    Company,
    CompanyStatus,
    ContractDocument,
    DocumentParty,
)
from app.services import archive, service_changes, steps, tsa_generations, usage
from app.services.strongroom import strongroom
from app.workflow import Action, Status, find_step

EXTENSION_YEARS = 10  # R98
EVERY = true()
BY_ITSELF_DAYS = 200  # before 保管満了日, and so before the first notice of it
MOST_A_RUN = 500  # renewals; ordered extensions wait no longer than these take
NO_OPTION = "長期保管延長オプションのご契約がないため、保管期間を延長できません。［管理者業務］→［プラン・オプション申請］からお申し込みください。"


def may_extend(document, actor, now):
    """Whether the person may order an extension of this document now."""
    return (
        actor.is_company_admin
        and actor.company.has_archive_extension
        and find_step(Action.extend, document.status) is not None
        and japan_date(now) <= document.retained_until
        and open_order(document) is None
        and next_until(document) <= _last_provable_day()
    )


def check(document, actor, now, drawn_until):
    """Refuse an extension that cannot be ordered.

    :param drawn_until: the 保管満了日 that the page showed
    :raises Refused: no option, after 保管満了日, or further than the authorities last
    :raises OutOfTurn: ordered or done already
    """
    if not actor.is_company_admin or not actor.company.has_archive_extension:
        raise Refused(NO_OPTION)
    steps.check_active(actor.company)
    if find_step(Action.extend, document.status) is None or japan_date(now) > document.retained_until:
        raise Refused(
            f"契約文書 {document.number} は保管期間（{day(document.retained_until)}まで）が満了しているため、延長できません。"
        )
    if document.retained_until != drawn_until or open_order(document) is not None:
        raise OutOfTurn(f"契約文書 {document.number} の延長は、すでに受け付けています。契約文書の最新の状態をご確認ください。")
    if next_until(document) > _last_provable_day():
        raise Refused(f"契約文書 {document.number} は、これ以上延長できません。お問い合わせ窓口にご連絡ください。")


def order(document, actor, now, drawn_until):
    """［長期保管延長］: order one extension by ten years; the job stamps the file and moves 保管満了日."""
    check(document, actor, now, drawn_until)
    return _order(document, actor.company_id, actor.id, now)


def open_order(document):
    """The extension that waits for the job, or None."""
    return next((one for one in document.extensions if one.done_at is None), None)


def _order(document, company_id, asked_by_id, now):
    made = ArchiveExtension(
        document=document, company_id=company_id, asked_by_id=asked_by_id, asked_at=now,
        old_until=document.retained_until, new_until=next_until(document),
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def next_until(document):
    """保管満了日 after one extension."""
    return years_later(document.retained_until, EXTENSION_YEARS)


def _last_provable_day():
    """No time stamp of ours, now or later, can be judged after the root ends."""
    return japan_date(strongroom().authorities.root.certificate.not_valid_after_utc)


# -- what is due -----------------------------------------------------------------


def ordered(now):
    """Ids of the documents with an extension to be done, the first ordered first."""
    return db.session.scalars(
        select(ArchiveExtension.document_id).where(ArchiveExtension.done_at.is_(None)).order_by(ArchiveExtension.id)
    ).all()


def extending_by_themselves(now, only=EVERY):
    """Ids of the documents whose end is near and of which a company chose 自動延長."""
    today = japan_date(now)
    is_open = exists().where(
        ArchiveExtension.document_id == ContractDocument.id,
        ArchiveExtension.old_until == ContractDocument.retained_until,
    )
    return db.session.scalars(
        select(ContractDocument.id)
        .where(
            ContractDocument.status == Status.archived,
            ContractDocument.retained_until.between(today, today + dt.timedelta(days=BY_ITSELF_DAYS)),
            exists(_party_that_chose(ContractDocument.id)),
            ~is_open,
            only,
        )
        .order_by(ContractDocument.retained_until)
    ).all()


def _party_that_chose(document_id):
    return (
        select(DocumentParty.company_id)
        .join(Company, Company.id == DocumentParty.company_id)
        .where(
            DocumentParty.document_id == document_id,
            Company.has_archive_extension, Company.extends_by_itself, Company.status == CompanyStatus.active,
        )
        .order_by(DocumentParty.position)
    )  # fmt: skip


def order_by_itself(document_id, now):
    """Order the extension that a company chose to have by itself; False where it is ordered already."""
    document = db.session.get(ContractDocument, document_id)
    service_changes.apply_due([party.company_id for party in document.parties], now)  # nobody pays for what it has ended
    company_id = db.session.scalar(_party_that_chose(document_id).limit(1))
    if company_id is None or not extending_by_themselves(now, ContractDocument.id == document_id):
        return False
    if next_until(document) > _last_provable_day():
        return False
    _order(document, company_id, None, now)
    return True


def ending_stamps(now):
    """Ids of the archived documents whose last time stamp ends within a year; at most `MOST_A_RUN`.

    Also those stamped under an algorithm whose end is known, as soon as new stamps use another one.
    """
    ends, given_up = ArchiveRecord.renew_on <= japan_date(now), _given_up()
    if given_up:
        ends = and_(or_(ends, ArchiveRecord.stamp_algorithm.in_(given_up)), ArchiveRecord.renew_on.is_not(None))
    return db.session.scalars(
        select(ArchiveRecord.document_id)
        .where(
            ends,
            or_(ArchiveRecord.attempted_at.is_(None), ArchiveRecord.attempted_at <= now - archive.ARCHIVE_LEASE),
        )
        .order_by(ArchiveRecord.renew_on)
        .limit(MOST_A_RUN)
    ).all()


def _given_up():
    """The algorithms that end while new time stamps already use others."""
    ends = current_app.config["ALGORITHM_ENDS"]
    if not ends:
        return []
    try:
        used = tsa_generations.algorithm_in_use()
    except SigningFailed:  # of an outside authority nobody can tell before it answers; the other work goes on
        return []
    return [] if used in ends else list(ends)


# -- the stamping ------------------------------------------------------------------


def claim(document_id, now):
    """Take an archived document for stamping, and commit; None when somebody else has it or it left the archive.

    :returns: its current file and whether it carries signatures
    """
    claimed = db.session.execute(
        update(ArchiveRecord)
        .where(
            ArchiveRecord.document_id == document_id,
            or_(ArchiveRecord.attempted_at.is_(None), ArchiveRecord.attempted_at <= now - archive.ARCHIVE_LEASE),
        )
        .values(attempted_at=now)
        .execution_options(synchronize_session=False)
    ).rowcount
    db.session.commit()
    document = db.session.get(ContractDocument, document_id)
    if not claimed or find_step(Action.renew, document.status) is None:
        return None
    taken = document.pdf_sha256, document.mode.is_signed
    db.session.commit()  # nothing is held while the time stamp is made
    return taken


def extend(document_id, now, *, file):
    """Do an ordered extension: the file with the new time stamp, and ten years more (T15)."""
    document = db.session.get(ContractDocument, document_id)
    extension, step = open_order(document), find_step(Action.extend, document.status)
    if extension is None or step is None or file.made_from != document.pdf_sha256:
        raise OutOfTurn
    archive.keep_stamped(document, file, now)
    extension.done_at, extension.result_sha256 = now, file.sha256
    document.retained_until = extension.new_until
    document.archive_record.end_told_days = None
    reason = f"保管満了日：{day(extension.old_until)} → {day(extension.new_until)}"
    event = steps.take(step, document, extension.asked_by, now, reason)
    event.company = extension.company
    event.side = document.party_of(extension.company_id).side
    usage.archive_extended(extension, now)
    return event


def renew(document_id, now, *, file):
    """A new time stamp before the former one ends; 保管満了日 stays."""
    document = db.session.get(ContractDocument, document_id)
    step = find_step(Action.renew, document.status)
    if step is None or file.made_from != document.pdf_sha256:
        raise OutOfTurn
    archive.keep_stamped(document, file, now)
    return steps.take(step, document, None, now, f"証明できる期限：{day(file.proof.until)}")
