"""The way of a 申請: handed in, reviewed, corrected, decided; one table says what may follow what (I9, I11).

What an approval brings about stands in :mod:`app.services.service_founding` for a company that comes to the
service, and in :mod:`app.services.service_changes` for one that is there.
"""

from sqlalchemy.orm.attributes import flag_modified

from app.errors import OutOfTurn, Refused
from app.extensions import client_address, db
from app.models import AccountAction, ServiceApplication, ServiceEvent, ServiceState
from app.services import journal
from app.services.numbers import next_number

MOST_REASON = 1000  # characters
# state -> what it may become
FOLLOWING = {
    ServiceState.filling: {ServiceState.received, ServiceState.withdrawn},
    ServiceState.received: {
        ServiceState.in_review, ServiceState.returned, ServiceState.approved, ServiceState.rejected,
        ServiceState.withdrawn,
    },
    ServiceState.in_review: {ServiceState.returned, ServiceState.approved, ServiceState.rejected},
    ServiceState.returned: {ServiceState.received, ServiceState.withdrawn},
    ServiceState.approved: {ServiceState.withdrawn},  # while it waits for its 適用日
    ServiceState.rejected: set(),
    ServiceState.withdrawn: set(),
}  # fmt: skip
FOR_APPLICANT = frozenset({ServiceState.filling, ServiceState.returned})  # the form may be changed
FOR_OPERATOR = frozenset({ServiceState.received, ServiceState.in_review})  # the operator has it
UNDECIDED = FOR_APPLICANT | FOR_OPERATOR


def begin(kind, now, *, form_token, actor=None, **columns):
    """A new 申請 with its 申請番号, 入力中; the caller commits.

    :param form_token: of the form that makes it; a form makes one, however often it arrives (Q3)
    :param columns: what else is known of it, by the columns' names
    """
    application = ServiceApplication(
        kind=kind, state=ServiceState.filling, form_token=form_token, created_at=now, applicant=actor,
        number=next_number("application"), **columns,
    )  # fmt: skip
    db.session.add(application)
    record(application, ServiceState.filling, now, actor=actor)
    return application


def move(application, state, now, *, actor=None, note=""):
    """Take a 申請 to another state; the caller commits.

    :raises OutOfTurn: it is not where this can follow: somebody else was quicker
    """
    if state not in FOLLOWING[application.state] or application.took_effect_at is not None:
        raise OutOfTurn("この申請は、他の利用者がすでに処理しています。最新の状態をご確認ください。")
    application.state = state
    if state is ServiceState.received:
        application.applied_at, application.reason = now, ""
    elif state not in UNDECIDED:
        application.decided_at, application.decided_by = now, actor
    record(application, state, now, actor=actor, note=note)


def start_review(application, operator, now):
    """審査中: an operator has taken it up; the applicant can no longer withdraw it."""
    move(application, ServiceState.in_review, now, actor=operator)
    journal.note(
        AccountAction.service_review_started, now, actor=operator, company=application.company, note=application.number
    )


def send_back(application, operator, now, *, reason):
    """差戻し: the applicant is to correct it."""
    _give_reason(application, reason)
    move(application, ServiceState.returned, now, actor=operator, note=application.reason)


def reject(application, operator, now, *, reason):
    """却下: nothing comes of it."""
    _give_reason(application, reason)
    move(application, ServiceState.rejected, now, actor=operator, note=application.reason)


def call_off(application, operator, now, *, reason):
    """取消 of an approval that has not taken effect."""
    _give_reason(application, reason)
    move(application, ServiceState.withdrawn, now, actor=operator, note=application.reason)


def _give_reason(application, reason):
    application.reason = (reason or "").strip()[:MOST_REASON]
    if not application.reason:
        raise Refused("理由を入力してください。")


def touch(application):
    """Count a version of a 申請 whose content was changed."""
    flag_modified(application, "state")


def record(application, state, now, *, actor=None, note=""):
    """Note what happened to a 申請, and count a version, so that a page from before is told so (Q4)."""
    touch(application)
    application.events.append(
        ServiceEvent(state=state, at=now, actor=actor, note=note, ip_address=client_address())
    )


def may_withdraw(application):
    """Whether the applicant may take it back now; once approved, the operator alone may."""
    return application.state in UNDECIDED and ServiceState.withdrawn in FOLLOWING[application.state]
