"""取引先への利用申請案内: a 片方課金 company asks a partner to use the service (R101, I9).

The address in the mail carries a token, of which the row keeps the SHA-256 alone.  The token lies sealed in the
outbox until the mail is sent; whoever needs it again gets another one, and the earlier one is dead.
"""

import datetime as dt
import hashlib
import secrets

from flask import current_app
from sqlalchemy import select

from app import queries
from app.clock import japan_date
from app.errors import AlreadyInvited, LinkUnknown, NotOfThisPlan, OutOfTurn, Refused
from app.extensions import db
from app.labels import INVITATION_STATE, day
from app.models import AccountAction, InvitationState, Letter, ServiceInvitation, ServiceState
from app.plans import PlanKind
from app.services import companies, journal, outbox, service_merging, service_review
from app.services.service_review import FOR_OPERATOR, UNDECIDED

MOST_OPEN = 200  # invitations of one company that nobody has used yet
MOST_A_DAY = 50  # mails of one company within 24 hours
SHOWN_DAYS = 30  # for so long after the decision the address still tells it


_AFTER = {
    ServiceState.returned: InvitationState.returned,
    ServiceState.approved: InvitationState.approved,
    ServiceState.rejected: InvitationState.rejected,
    ServiceState.withdrawn: InvitationState.cancelled,
}
_MERGED = {
    None: InvitationState.applied,
    ServiceState.approved: InvitationState.approved,
    ServiceState.rejected: InvitationState.rejected,
}
OPEN = frozenset({InvitationState.invited, InvitationState.filling, InvitationState.expired})  # nothing is handed in
MAY_GO_AGAIN = OPEN | {InvitationState.returned}  # with an address to correct it at, should that of the 差戻し be lost


def may_invite(company):
    return company.plan.kind is PlanKind.one_side


def invite(inviter, now, *, partner_name, contact_name, mail_address):
    """［案内を送信］: mail the address of the 利用申請サイト to a partner; the caller commits.

    What another company has sent to the address stands in nobody's way and is told nobody here (S7).

    :raises NotOfThisPlan: the company has another plan
    :raises AlreadyInvited: the company itself has, and it is open, applied for or has brought the partner here
    :raises Refused: a bad name or address, or there are too many open invitations
    """
    company = inviter.company
    _check_may(company)
    companies.hold(company.id)
    partner_name = companies.check_name(partner_name, "取引先の企業名")
    contact_name = companies.check_name(contact_name, "ご担当者名", may_be_empty=True)
    companies.check_mail_address(mail_address)
    _check_new(company, mail_address, now)
    if len(queries.unused_invitations_of(company.id)) >= MOST_OPEN:
        raise Refused(f"申請されていない案内が{MOST_OPEN}件あります。不要な案内を取り消してから、もう一度送信してください。")
    _check_rate(company, now)
    token = secrets.token_urlsafe(32)
    invitation = ServiceInvitation(
        company=company, inviter=inviter, partner_name=partner_name, contact_name=contact_name,
        mail_address=mail_address, token_sha256=_sha256(token), invited_at=now, expires_at=_end(now),
    )  # fmt: skip
    db.session.add(invitation)
    _mail(invitation, token, now)
    journal.note(AccountAction.partner_invited, now, actor=inviter, note=partner_name)
    return invitation


def _check_new(company, mail_address, now):
    """Refuse a second invitation of one company to one address, where the first one is not over.

    One whose 申請 was merged into another that was sent back stands in nobody's way: that one may never come again.
    """
    for earlier in queries.invitations_to(company.id, mail_address):
        state, application = state_of(earlier, now), earlier.application
        called = f"このメールアドレスには、{day(japan_date(earlier.invited_at))}に「{earlier.partner_name}」としてすでにご案内しています"
        if state in MAY_GO_AGAIN:
            raise AlreadyInvited(f"{called}（{INVITATION_STATE[state]}）。同じ案内を再送すると、新しいURLが送られ、これまでのURLは使用できなくなります。", earlier)
        if state is InvitationState.applied and not service_merging.is_left_lying(application):
            raise AlreadyInvited(f"{called}。取引先はこの案内から利用申請をしています（{INVITATION_STATE[state]}）。審査の結果をお待ちください。", earlier)
        if application.company is not None and application.company.is_active:
            raise AlreadyInvited(f"{called}。取引先は企業ID {application.company.code} で利用を開始しています。あらためて案内する必要はありません。", earlier)


def invite_again(invitation, actor, now):
    """［再送］: a new address by mail, good for the whole time again; the earlier one is dead.

    :raises OutOfTurn: applied for or cancelled meanwhile
    """
    _check_may(actor.company)
    companies.hold(actor.company_id)
    hold(invitation)
    if state_of(invitation, now) not in MAY_GO_AGAIN:
        raise OutOfTurn("この案内は、取引先が申請したか、取り消されています。一覧で最新の状態をご確認ください。")
    _check_rate(actor.company, now)
    token = renew(invitation, now)
    invitation.invited_at = now
    _mail(invitation, token, now)
    journal.note(AccountAction.partner_invited_again, now, actor=actor, note=invitation.partner_name)


def cancel(invitation, actor, now):
    """［取消］: the address opens nothing any more; what was typed so far is withdrawn with it.

    :raises OutOfTurn: applied for or cancelled meanwhile
    """
    hold(invitation)
    if state_of(invitation, now) not in OPEN:
        raise OutOfTurn("この案内は、取引先が申請したか、取り消されています。一覧で最新の状態をご確認ください。")
    invitation.cancelled_at = now
    if invitation.application is not None:
        service_review.move(invitation.application, ServiceState.withdrawn, now, actor=actor)
    journal.note(AccountAction.partner_invitation_cancelled, now, actor=actor, note=invitation.partner_name)


def renew(invitation, now):
    """A new token in place of the earlier one; the caller mails it sealed."""
    token = secrets.token_urlsafe(32)
    invitation.token_sha256, invitation.expires_at = _sha256(token), _end(now)
    return token


def opened(token, now, *, to_write=False):
    """The invitation that a token opens; one refusal for all that open none, so that nothing can be probed.

    :param to_write: hold it until the commit, so that of two forms sent at once one waits for the other
    :raises LinkUnknown: no such token, replaced, cancelled, or too old
    """
    found = select(ServiceInvitation).where(ServiceInvitation.token_sha256 == _sha256(token))
    if to_write:
        found = found.with_for_update(of=ServiceInvitation)
    invitation = db.session.scalar(found)
    if invitation is None or not _opens(invitation, now):
        raise LinkUnknown
    return invitation


def _opens(invitation, now):
    application = invitation.application
    if invitation.cancelled_at is not None:
        return False
    if application is None or application.state is ServiceState.filling:
        return now < invitation.expires_at
    if application.state in UNDECIDED:
        return application.state in FOR_OPERATOR or now < invitation.expires_at
    return now < application.decided_at + dt.timedelta(days=SHOWN_DAYS)


def state_of(invitation, now):
    """How it stands for the company that sent it; a 申請 that was merged goes the way of the other one."""
    application = invitation.application
    if invitation.cancelled_at is not None:
        return InvitationState.cancelled
    if application is not None and service_merging.is_merged(application):
        return _MERGED[service_merging.outcome_of(application)]
    if application is not None and application.state is not ServiceState.filling:
        return _AFTER.get(application.state, InvitationState.applied)
    if now >= invitation.expires_at:
        return InvitationState.expired
    return InvitationState.filling if application is not None else InvitationState.invited


def earlier_applied(invitation):
    """The day on which somebody has handed in a 利用申請 by another invitation to the same address, which is undecided.

    Said to whoever has the mail with the token, and to no inviting company (S7).
    """
    application = queries.earlier_application_to(invitation)
    return japan_date(application.applied_at) if application is not None else None


def hold(invitation):
    """The row as it is now, held until the commit."""
    db.session.refresh(invitation, with_for_update={"of": ServiceInvitation})
    if invitation.application is not None:
        db.session.refresh(invitation.application)


def _check_may(company):
    companies.check_active(company)
    if not may_invite(company):
        raise NotOfThisPlan


def _check_rate(company, now):
    if queries.count_invitation_mails(company.id, now - dt.timedelta(days=1)) >= MOST_A_DAY:
        raise Refused(f"24時間に送信できる案内は{MOST_A_DAY}件までです。時間をおいて、もう一度送信してください。")


def _mail(invitation, token, now):
    outbox.owe(
        Letter.service_invitation, None, now, to_address=invitation.mail_address, secret=token,
        expires_at=invitation.expires_at, person=invitation.contact_name or "ご担当者",
        company=invitation.partner_name, inviter=invitation.company.name,
        until=japan_date(invitation.expires_at).strftime("%Y/%m/%d"),
    )  # fmt: skip


def _end(now):
    return now + dt.timedelta(days=current_app.config["INVITATION_DAYS"])


def _sha256(token):
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
