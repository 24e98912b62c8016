"""What the approval of a 利用申請 brings about: the company, its people, their certificate, and the mails (I9, R23)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect

from app.clock import japan_date
from app.errors import OutOfTurn
from app.extensions import db
from app.labels import PLAN, SERVICE_STATE
from app.models import AccountAction, Letter, ServiceApplication, ServiceState
from app.services import (
    certificates,
    companies,
    credentials,
    invitations,
    journal,
    people,
    service_filing,
    service_merging,
    service_review,
)
from app.services.people import Particulars
from app.services.service_review import FOR_OPERATOR
from app.services.strongroom import strongroom

DECIDED = "この申請は、他の利用者がすでに処理しています。最新の状態をご確認ください。"


@dataclass(frozen=True)
class Prepared:
    """What takes long to make, made before anything is held."""

    initials: list
    key: Any
    version: int  # of the 申請 it was made for


def prepare(application):
    """First passwords and the key of the certificate; slow, so call it in no transaction.

    :raises OutOfTurn: nobody waits for them any more
    """
    if application.state not in FOR_OPERATOR:
        raise OutOfTurn(DECIDED)
    count, version = 1 + len(application.wanted["people"]), application.version
    db.session.commit()  # nothing is held meanwhile
    return Prepared(credentials.new_initial_passwords(count), strongroom().new_key(), version)


def found(application, operator, now, prepared=None):
    """承認: found the company with all that was applied for, in one transaction; the caller commits.

    Each person is mailed the 利用者ID and the first password, the address for it the PIN, and the administrators of
    the company that had invited this one the codes they need to send it a document (R23).

    :param prepared: of :func:`prepare`; made here when not given
    :raises OutOfTurn: decided already, so that of two operators one founds it
    """
    prepared = prepared or prepare(application)
    hold(application)
    if application.version != prepared.version:
        raise OutOfTurn(DECIDED)
    service_review.move(application, ServiceState.approved, now, actor=operator)
    wanted = application.wanted
    company = companies.found_company(now=now, plan=application.plan, **wanted["company"])
    db.session.flush()
    application.company = company
    application.effective_on, application.took_effect_at = japan_date(now), now
    journal.note(AccountAction.company_founded, now, actor=operator, company=company, note=f"{application.number} {PLAN[company.plan.kind]}")
    enrolled = [
        (_enrol(company, one, operator, now, initial, is_admin=at == 0), one["signs"])
        for at, (one, initial) in enumerate(zip([wanted["admin"], *wanted["people"]], prepared.initials, strict=True))
    ]
    administrator = enrolled[0][0]
    certificate = _issue(company, wanted["certificate"], enrolled, operator, now, prepared.key)
    application.wanted = wanted | {
        "issued": {"administrator": administrator.user_code, "certificate": certificate.number}
    }
    service_merging.follow(application, now)
    return company


def _enrol(company, given, operator, now, initial, *, is_admin):
    particulars = Particulars(**{name: given[name] for name in service_filing.PERSON}, is_admin=is_admin)
    return people.register(company, particulars, operator, now, initial=initial)


def _issue(company, given, enrolled, operator, now, key):
    """One certificate for all who sign; its PIN bears the name of the first of them."""
    signers = [person for person, signs in enrolled if signs]
    return certificates.issue(
        company, signers, signers[0], now, department=given["department"], title=given["title"],
        pin_mail_address=given["pin_mail_address"], actor=operator, key=key,
    )  # fmt: skip


# -- the other decisions ---------------------------------------------------------


def send_back(application, operator, now, *, reason):
    """差戻し: the applicant reads why, and corrects the form at a new address; the earlier one is dead."""
    hold(application)
    service_review.send_back(application, operator, now, reason=reason)
    _note(application, operator, now)
    token, invitation = None, application.invitation
    if invitation is not None:
        token = invitations.renew(invitation, now)
    service_filing.tell(
        Letter.service_returned, application, now, secret=token, reason=application.reason,
        expires_at=invitation and invitation.expires_at,
        until=japan_date(invitation.expires_at).strftime("%Y/%m/%d") if invitation else "",
    )  # fmt: skip


def reject(application, operator, now, *, reason):
    """却下: nothing is founded, and the applicant reads why."""
    hold(application)
    service_review.reject(application, operator, now, reason=reason)
    _note(application, operator, now)
    service_merging.follow(application, now)
    service_filing.tell(Letter.service_rejected, application, now, reason=application.reason)


def _note(application, operator, now):
    note = f"{application.number} {SERVICE_STATE[application.state]}"
    journal.note(AccountAction.service_application_decided, now, actor=operator, note=note)


def hold(application):
    """The row as it is now, held until the commit; nobody decides it meanwhile."""
    if inspect(application).persistent:
        db.session.refresh(application, with_for_update={"of": ServiceApplication})
