"""重複の整理: two 利用申請 of one company become one (I9).

A partner whom two companies have invited may apply twice.  The operator declines one as a duplicate of the other; the
company that had invited it learns of the other's outcome as if it were its own, and nothing of who else had invited it
(S7).  The 申請 that is declined keeps in `wanted` whose duplicate it is, and later how that one ended::

    {..., "same_as": 申請番号 of the other, "ended": "approved" or "rejected"}
"""

from app import queries
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.labels import SERVICE_STATE
from app.models import AccountAction, Letter, ServiceApplication, ServiceState
from app.services import journal, outbox, service_filing, service_review
from app.services.service_review import FOR_OPERATOR, UNDECIDED

MOVED = "この申請は、他の利用者がすでに処理しています。最新の状態をご確認ください。"
GOES_ON = "同じ企業の利用申請（申請番号：{}）と重複しているため、そちらの申請で審査いたします。あらためて申請していただく必要はありません。"
IS_HERE = "同じ企業の利用申請（申請番号：{}）がすでに承認されています。あらためて申請していただく必要はありません。"


def is_merged(application):
    return "same_as" in application.wanted


def outcome_of(application):
    """How the other one of a merged 申請 ended; None while it is undecided."""
    ended = application.wanted.get("ended")
    return ServiceState(ended) if ended else None


def is_left_lying(application):
    """Whether a merged 申請 waits for one that was sent back, which its applicant may never hand in again."""
    into = queries.application_merged_into(application)
    return into is not None and into.state is ServiceState.returned


def candidates_of(application):
    """The 申請 it may be a duplicate of: those that wait, then those by which its company came to the service."""
    wanted = application.wanted.get("company", {})
    if application.state not in FOR_OPERATOR or not wanted:
        return []
    known = queries.companies_like(wanted["name"], wanted["corporate_number"])
    founded = (queries.application_that_founded(company.id) for company in known if company.is_active)
    return queries.undecided_applications_like(application, UNDECIDED) + [one for one in founded if one is not None]


def merge(application, into, operator, now):
    """［重複として却下］: `application` is declined for `into`, which is told nobody but its own applicant and inviter.

    :param into: one of :func:`candidates_of`
    :raises OutOfTurn: one of the two was decided meanwhile
    :raises Refused: `into` is no candidate
    """
    for one in sorted((application, into), key=lambda each: each.id):  # in one order, whoever else does so
        db.session.refresh(one, with_for_update={"of": ServiceApplication})
    if application.state not in FOR_OPERATOR:
        raise OutOfTurn(MOVED)
    if into not in candidates_of(application):
        raise Refused("選択した申請は、この申請と重複していないか、すでに却下されています。最新の状態をご確認ください。")
    sentence = GOES_ON if into.company is None else IS_HERE
    service_review.reject(application, operator, now, reason=sentence.format(into.number))
    journal.note(
        AccountAction.service_application_decided, now, actor=operator,
        note=f"{application.number} {SERVICE_STATE[application.state]}（{into.number} と重複）",
    )  # fmt: skip
    merged = [application, *queries.applications_merged_into(application.number)]
    for one in merged:
        one.wanted = one.wanted | {"same_as": into.number}
    if into.company is not None:
        _end(merged, into, now)
    service_filing.tell(Letter.service_rejected, application, now, reason=application.reason)


def follow(application, now):
    """Let those that were merged into a 申請 end as it has ended now, and tell whoever had invited the new company (R23)."""
    db.session.flush()
    merged = queries.applications_merged_into(application.number)
    _end(merged, application, now)
    if application.company is not None:
        _tell_inviters([application], application.company, now, told={None})


def _end(merged, into, now):
    for one in merged:
        one.wanted, one.company = one.wanted | {"ended": into.state.value}, into.company
    if into.company is not None:
        has_invited = into.invitation.company_id if into.invitation else None
        _tell_inviters(merged, into.company, now, told={None, has_invited})


def _tell_inviters(applications, company, now, *, told):
    """The codes that an inviting company needs to send the new one a document, to each inviting company once.

    :param told: ids of companies that are told otherwise
    """
    administrator = next(iter(queries.administrators_of(company.id)), None)
    inviters = {one.invitation.company_id for one in applications if one.invitation} - told
    for person in [one for company_id in sorted(inviters) for one in queries.administrators_of(company_id)]:
        outbox.owe(
            Letter.partner_approved, person, now, partner=company.name, partner_code=company.code,
            administrator=administrator.full_name if administrator else "",
            user_code=administrator.user_code if administrator else "",
        )  # fmt: skip
