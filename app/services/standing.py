"""停止, 再開, and what a company that has left leaves behind (B5).

Whoever is suspended or has left goes on reading; :mod:`app.security` refuses the rest.
"""

from app import queries
from app.clock import japan_date
from app.errors import OutOfTurn
from app.extensions import db
from app.labels import COMPANY_STATUS, service_differences, service_facts
from app.models import AccountAction, CompanyStatus, ContractDocument, Letter
from app.services import companies, documents, journal, outbox, service_changes, usage
from app.workflow import Action, find_step

TURNS = {CompanyStatus.active: ("suspend",), CompanyStatus.suspended: ("resume",)}


def turns_of(company):
    """The names of the verbs that the company's state allows."""
    return TURNS.get(company.status, ())


def suspend(company, operator, now):
    """停止: nothing more is done in the company's name, everything stays readable; its administrators are told.

    :raises OutOfTurn: it is suspended already, or has left
    """
    _turn(company, CompanyStatus.active, CompanyStatus.suspended, AccountAction.company_suspended, operator, now)


def resume(company, operator, now):
    """再開 after a 停止; a company that has left comes back by a new 利用申請.

    :raises OutOfTurn: it is not suspended
    """
    _turn(company, CompanyStatus.suspended, CompanyStatus.active, AccountAction.company_resumed, operator, now)


def _turn(company, source, target, action, operator, now):
    companies.hold(company.id)
    service_changes.apply_due([company.id], now)
    db.session.refresh(company)
    if company.status is not source:
        raise OutOfTurn(f"この企業の状態は「{COMPANY_STATUS[company.status]}」のため、この操作は行えません。最新の状態をご確認ください。")
    usage.catch_up(company, japan_date(now), now)  # the months before a 停止 are owed, those within it are not
    before = service_facts(company)
    company.status = target
    said = service_differences(before, service_facts(company))
    journal.note(action, now, actor=operator, company=company, note=said)
    for person in queries.administrators_of(company.id):
        outbox.owe(Letter.company_standing, person, now, is_resumed=target is CompanyStatus.active)


def clear_up(document_id, now):
    """取下げ of what a company that has left had sent: nobody could conclude it (B5); False where it is done."""
    document = db.session.get(ContractDocument, document_id)
    has_left = document.sender.company.status is CompanyStatus.terminated
    if not has_left or find_step(Action.withdraw, document.status) is None:
        return False
    documents.withdraw_for_leaving(document, now)
    return True
