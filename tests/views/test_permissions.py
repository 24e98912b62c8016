"""Every route of the portal, every method, and who gets which answer (S7).

A route that stands in no table here fails the first test: a new one cannot be forgotten.
"""

import re
from datetime import date

import pytest
from flask_appbuilder import Model

from app.clock import now
from app.extensions import db
from app.models import (
    AccountEvent,
    ApplicationKind,
    ArchiveRecord,
    Certificate,
    CertificateApplication,
    Company,
    CompanyChange,
    ContractDocument,
    Fee,
    FeeItem,
    JobRun,
    OutboxMessage,
    Plan,
    PortalUser,
    ServiceApplication,
)
from app.plans import PlanKind
from app.services import applications, companies
from app.workflow import SignatureMode, Status
from tests import service_walk
from tests.conftest import kept_file

PEOPLE = ("recipient", "registrar", "viewer", "colleague", "stranger", "admin", "operator", "anonymous")

# The document waits for its recipient; the registrar, a viewer and the administrator of the sender may
# look at it.  404 is somebody else's, 409 out of turn, 403 not for this role, 302 done or to the log-in.
NOT_THEIRS = {"colleague": 404, "stranger": 404, "operator": 403, "anonymous": 302}
LOOKING = {"recipient": 200, "registrar": 200, "viewer": 200, "admin": 200} | NOT_THEIRS
FILE = LOOKING | {"admin": 404}
ADMINS = dict.fromkeys(PEOPLE, 403) | {
    "admin": 200,
    "stranger": 200,
    "anonymous": 302,
}  # the stranger is one at home
OUT_OF_TURN = {"recipient": 409, "registrar": 409, "viewer": 409, "admin": 409} | NOT_THEIRS
NO_REQUEST = dict.fromkeys(OUT_OF_TURN, 404) | {"operator": 403, "anonymous": 302}
NOT_CONCLUDED = dict.fromkeys(OUT_OF_TURN, 404) | {"operator": 403, "anonymous": 302}
DOCUMENT = {
    ("GET", "/documents/<int:document_id>"): LOOKING,
    ("GET", "/documents/<int:document_id>/pdf"): FILE,
    # of concluded documents only, for whoever may open the file
    ("GET", "/documents/<int:document_id>/verification"): dict.fromkeys(PEOPLE, 404) | {"operator": 403, "anonymous": 302},
    ("GET", "/documents/<int:document_id>/pages/<int:number>.png"): FILE,
    ("GET", "/documents/<int:document_id>/signature/position"): FILE,
    # sent once: the one round may be seen by whoever may open the file, and there is nothing to compare it with
    ("GET", "/documents/<int:document_id>/editions/<int:edition>/pages/<int:number>.png"): FILE,
    ("GET", "/documents/<int:document_id>/changes"): FILE | {"recipient": 404, "registrar": 404, "viewer": 404},
    ("GET", "/documents/<int:document_id>/approval"): OUT_OF_TURN,
    # not concluded yet; see tests/views/test_conclusion.py
    ("GET", "/documents/<int:document_id>/conclusion_certificate"): NOT_CONCLUDED,
    ("GET", "/documents/<int:document_id>/print_copy"): NOT_CONCLUDED,
    ("POST", "/documents/<int:document_id>/approve"): OUT_OF_TURN,
    # neither company has 案件管理; see tests/views/test_cases.py
    ("GET", "/documents/<int:document_id>/case"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/case"): OUT_OF_TURN,
    ("GET", "/documents/<int:document_id>/correction"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/correction"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/comment"): LOOKING
    | {"recipient": 302, "registrar": 302, "viewer": 422, "admin": 422},
    ("POST", "/documents/<int:document_id>/confirm_receipt"): OUT_OF_TURN | {"recipient": 302},
    ("GET", "/documents/<int:document_id>/edit"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/edit"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/edit/draft"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/edit/draft/discard"): OUT_OF_TURN,
    ("GET", "/documents/<int:document_id>/attachments/<int:attachment_id>"): FILE,
    ("GET", "/documents/<int:document_id>/receipt"): OUT_OF_TURN | {"recipient": 200},
    ("POST", "/documents/<int:document_id>/receipt"): OUT_OF_TURN | {"recipient": 200},
    ("POST", "/documents/<int:document_id>/receipt/confirmation"): OUT_OF_TURN | {"recipient": 200},
    ("GET", "/documents/<int:document_id>/positions"): OUT_OF_TURN | {"admin": 404},
    ("POST", "/documents/<int:document_id>/positions"): OUT_OF_TURN | {"admin": 404},
    ("POST", "/documents/<int:document_id>/positions/default"): OUT_OF_TURN | {"admin": 404},
    ("GET", "/documents/<int:document_id>/registration"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/remand"): OUT_OF_TURN | {"recipient": 302},
    ("POST", "/documents/<int:document_id>/return_inside"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/remind"): OUT_OF_TURN | {"registrar": 302},
    ("POST", "/documents/<int:document_id>/delete"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/send"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/sign"): OUT_OF_TURN,
    ("GET", "/documents/<int:document_id>/signature"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/signing_code"): OUT_OF_TURN,
    ("POST", "/documents/<int:document_id>/signing_password"): OUT_OF_TURN,
    # out of turn: first the administrator withdraws it, then it is gone for the recipient and over for the registrar
    ("POST", "/documents/<int:document_id>/withdraw"): OUT_OF_TURN | {"admin": 302, "recipient": 404},
    ("POST", "/documents/<int:document_id>/consent_request"): OUT_OF_TURN,
    # no 明示 that anybody could ask paper for; see tests/views/test_paper.py
    ("POST", "/documents/<int:document_id>/paper_requests"): OUT_OF_TURN,
    ("GET", "/documents/<int:document_id>/paper_requests/<int:request_id>"): NO_REQUEST,
    ("POST", "/documents/<int:document_id>/paper_requests/<int:request_id>"): NO_REQUEST,
    ("GET", "/admin/documents/<int:document_id>/reassign"): ADMINS | {"stranger": 404},
    ("POST", "/admin/documents/<int:document_id>/reassign"): ADMINS | {"admin": 422, "stranger": 404},
}
COLLEAGUE = dict.fromkeys(PEOPLE, 403) | {"admin": 200, "stranger": 404, "anonymous": 302}  # of another company
NO_PARTNER = ADMINS | {"admin": 404, "stranger": 404}
MEMBERS = {"operator": 403, "anonymous": 302}
OPERATORS = dict.fromkeys(PEOPLE, 403) | {"operator": 200, "anonymous": 302}
LOGGED_IN, ALL = {"anonymous": 302}, {}
PAGES = {  # whoever is not named gets 200
    ("GET", "/"): LOGGED_IN | {"operator": 302},  # to the operator's ダッシュボード
    ("GET", "/documents/"): MEMBERS,
    ("GET", "/documents/new"): MEMBERS,
    ("POST", "/documents/new"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("POST", "/documents/new/draft"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("POST", "/documents/new/draft/discard"): dict.fromkeys(PEOPLE, 302) | MEMBERS,
    ("GET", "/archive/"): MEMBERS,
    # no company has the option, and none has 案件
    ("GET", "/cases/"): MEMBERS,
    ("GET", "/cases/offered"): MEMBERS,
    ("GET", "/cases/new"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("POST", "/cases/new"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("GET", "/cases/<int:case_id>"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("GET", "/cases/<int:case_id>/export.csv"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("GET", "/cases/<int:case_id>/edit"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/cases/<int:case_id>/edit"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/cases/<int:case_id>/close"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/cases/<int:case_id>/reopen"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/archive/extension/"): ADMINS | {"admin": 422, "stranger": 422},
    ("POST", "/archive/extension/confirmation"): ADMINS | {"admin": 302, "stranger": 302},
    ("GET", "/documents/export.csv"): MEMBERS,
    ("GET", "/archive/export.csv"): MEMBERS,
    # who finds the document and may open its PDF asks for a file; nothing is in the archive
    ("POST", "/documents/downloads"): dict.fromkeys(PEOPLE, 422) | MEMBERS | dict.fromkeys(("recipient", "registrar", "viewer"), 302),
    ("POST", "/archive/downloads"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("GET", "/downloads/"): MEMBERS,
    ("GET", "/downloads/<int:download_id>"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("GET", "/downloads/<int:download_id>/file"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/downloads/<int:download_id>/delete"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/downloads/<int:download_id>/remake"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    # what waits for each, which may be nothing; nothing is chosen, so nothing is made
    ("GET", "/bulk/<string:action>"): MEMBERS,
    ("POST", "/bulk/<string:action>"): MEMBERS,
    ("POST", "/bulk/<string:action>/confirmation"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("POST", "/bulk/<string:action>/operations"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("GET", "/bulk/operations/<int:operation_id>"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/documents/columns"): dict.fromkeys(PEOPLE, 302) | MEMBERS,
    ("POST", "/archive/columns"): dict.fromkeys(PEOPLE, 302) | MEMBERS,
    ("POST", "/documents/searches"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("POST", "/archive/searches"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("POST", "/documents/searches/<int:search_id>/delete"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/archive/searches/<int:search_id>/delete"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("GET", "/certificates/activation"): MEMBERS,
    ("POST", "/certificates/activation"): MEMBERS | {"stranger": 422},  # the only one here with a certificate
    ("GET", "/users/selection"): MEMBERS,
    ("GET", "/deputies/"): MEMBERS,
    ("POST", "/deputies/"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("POST", "/deputies/<int:delegation_id>/end"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("GET", "/route-templates/"): MEMBERS,
    ("GET", "/route-templates/new"): MEMBERS,
    ("POST", "/route-templates/new"): dict.fromkeys(PEOPLE, 422) | MEMBERS,
    ("GET", "/route-templates/<int:template_id>/edit"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/route-templates/<int:template_id>/edit"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("POST", "/route-templates/<int:template_id>/delete"): dict.fromkeys(PEOPLE, 404) | MEMBERS,
    ("GET", "/admin/users/"): ADMINS,
    ("GET", "/admin/users/<int:user_id>/delete"): ADMINS | {"stranger": 404},
    ("POST", "/admin/users/<int:user_id>/delete"): ADMINS | {"admin": 409, "stranger": 404},
    ("GET", "/admin/history/"): ADMINS,
    ("GET", "/admin/usage/"): ADMINS,
    ("GET", "/admin/usage/running"): ADMINS,
    ("GET", "/admin/usage/running.csv"): ADMINS,
    # nothing is closed or recorded; see tests/views/test_usage_pages.py
    **{("GET", f"/admin/usage/statements/<int:statement_id>{file}"): NO_PARTNER for file in ("", "/file.csv", "/file.pdf")},
    ("GET", "/operator/usage/"): OPERATORS,
    ("GET", "/operator/usage/export.csv"): OPERATORS | {"operator": 422},
    ("GET", "/operator/usage/companies/"): OPERATORS,
    ("GET", "/operator/usage/companies/<int:company_id>"): OPERATORS,
    **{("GET", f"/operator/usage/statements/<int:statement_id>{file}"): OPERATORS | {"operator": 404} for file in ("", "/file.csv", "/file.pdf")},
    ("GET", "/operator/usage/records/<int:record_id>/correction"): OPERATORS | {"operator": 404},
    ("POST", "/operator/usage/records/<int:record_id>/correction"): OPERATORS | {"operator": 404},
    ("GET", "/admin/dashboard/"): ADMINS,
    ("GET", "/operator/dashboard/"): OPERATORS,
    ("GET", "/admin/log/"): ADMINS,
    ("POST", "/admin/log/verify"): ADMINS | {"admin": 302, "stranger": 302},
    ("GET", "/operator/log/"): OPERATORS,
    ("POST", "/operator/log/verify"): OPERATORS | {"operator": 302},
    ("GET", "/admin/company/"): ADMINS,
    ("GET", "/admin/company/change"): ADMINS,
    ("POST", "/admin/company/change"): ADMINS | {"admin": 422, "stranger": 422},
    ("POST", "/admin/company/options"): ADMINS | {"admin": 409, "stranger": 409},
    ("GET", "/admin/users/new"): ADMINS,
    ("POST", "/admin/users/new"): ADMINS | {"admin": 422, "stranger": 422},
    ("GET", "/admin/users/<int:user_id>"): COLLEAGUE,
    ("GET", "/admin/users/<int:user_id>/edit"): COLLEAGUE,
    ("POST", "/admin/users/<int:user_id>/edit"): COLLEAGUE | {"admin": 422},
    ("POST", "/admin/users/<int:user_id>/password"): COLLEAGUE | {"admin": 409},
    ("POST", "/admin/users/<int:user_id>/unlock"): COLLEAGUE | {"admin": 422},
    ("POST", "/admin/users/<int:user_id>/second_factor"): COLLEAGUE | {"admin": 302},
    ("POST", "/admin/users/<int:user_id>/erase"): COLLEAGUE | {"admin": 422},
    ("GET", "/admin/users/<int:user_id>/deputies"): COLLEAGUE,
    ("POST", "/admin/users/<int:user_id>/deputies"): COLLEAGUE | {"admin": 422},
    ("POST", "/admin/users/<int:user_id>/deputies/<int:delegation_id>/end"): COLLEAGUE | {"admin": 404},
    ("GET", "/admin/users/import"): ADMINS,
    ("POST", "/admin/users/import"): ADMINS | {"admin": 422, "stranger": 422},
    ("GET", "/admin/users/import/template.csv"): ADMINS,
    ("POST", "/admin/users/import/registration"): ADMINS | {"admin": 422, "stranger": 422},
    ("GET", "/admin/certificates/"): ADMINS,
    ("GET", "/admin/certificates/application"): ADMINS,
    ("POST", "/admin/certificates/application"): ADMINS | {"admin": 422, "stranger": 422},
    ("GET", "/admin/certificates/import"): ADMINS,
    ("POST", "/admin/certificates/import"): ADMINS | {"admin": 422, "stranger": 422},
    ("GET", "/admin/service/"): ADMINS,
    ("GET", "/admin/service/plan"): ADMINS,
    ("POST", "/admin/service/plan"): ADMINS | {"admin": 422, "stranger": 422},
    ("GET", "/admin/service/options/<string:option>"): ADMINS,
    ("POST", "/admin/service/options/<string:option>"): ADMINS | {"admin": 409, "stranger": 409},
    ("GET", "/admin/service/termination"): ADMINS,
    ("POST", "/admin/service/termination"): ADMINS | {"admin": 422, "stranger": 422},
    # nothing was applied for; see tests/views/test_admin_service.py
    ("GET", "/admin/service/applications/<int:application_id>"): NO_PARTNER,
    ("POST", "/admin/service/applications/<int:application_id>"): NO_PARTNER,
    ("POST", "/admin/service/applications/<int:application_id>/withdraw"): NO_PARTNER,
    ("GET", "/admin/export/"): ADMINS,
    ("POST", "/admin/export/"): ADMINS | {"admin": 302, "stranger": 302},
    ("GET", "/admin/consents/"): ADMINS,
    ("GET", "/admin/consents/new"): ADMINS,
    ("POST", "/admin/consents/new"): ADMINS | {"admin": 422, "stranger": 422},
    # nobody has spoken of consent; see tests/views/test_consents.py
    ("GET", "/admin/consents/<int:partner_id>"): NO_PARTNER,
    ("GET", "/admin/consents/paper/"): ADMINS,
    ("POST", "/admin/consents/paper/"): ADMINS | {"admin": 422, "stranger": 422},
    ("GET", "/admin/consents/paper/<int:consent_id>.pdf"): NO_PARTNER,
    ("POST", "/admin/consents/<int:partner_id>/give"): NO_PARTNER,
    ("POST", "/admin/consents/<int:partner_id>/decline"): NO_PARTNER,
    ("POST", "/admin/consents/<int:partner_id>/withdraw"): NO_PARTNER,
    # only a 片方課金 company invites; the stranger's has another plan.  See tests/views/test_service_pages.py
    ("GET", "/admin/invitations/"): ADMINS,
    ("GET", "/admin/invitations/new"): ADMINS | {"stranger": 403},
    ("POST", "/admin/invitations/new"): ADMINS | {"admin": 422, "stranger": 403},
    ("POST", "/admin/invitations/<int:invitation_id>/again"): NO_PARTNER,
    ("POST", "/admin/invitations/<int:invitation_id>/cancel"): NO_PARTNER,
    # whoever has no token that opens anything
    ("GET", "/apply/<string:token>"): dict.fromkeys(PEOPLE, 404),
    ("POST", "/apply/<string:token>"): dict.fromkeys(PEOPLE, 404),
    ("GET", "/apply/<string:token>/confirmation"): dict.fromkeys(PEOPLE, 404),
    ("POST", "/apply/<string:token>/confirmation"): dict.fromkeys(PEOPLE, 404),
    ("GET", "/password/"): LOGGED_IN,
    ("POST", "/password/"): dict.fromkeys(PEOPLE, 422) | LOGGED_IN,
    ("GET", "/account/data"): LOGGED_IN,
    ("POST", "/account/data"): LOGGED_IN,
    ("GET", "/login/"): dict.fromkeys(PEOPLE, 302) | {"anonymous": 200},
    ("POST", "/login/"): dict.fromkeys(PEOPLE, 302) | {"anonymous": 422},
    ("GET", "/login/second-factor"): dict.fromkeys(PEOPLE, 302),
    ("POST", "/login/second-factor"): dict.fromkeys(PEOPLE, 302),
    ("GET", "/login/forgotten"): dict.fromkeys(PEOPLE, 302) | {"anonymous": 200},
    ("POST", "/login/forgotten"): dict.fromkeys(PEOPLE, 302) | {"anonymous": 422},
    ("POST", "/logout/"): dict.fromkeys(PEOPLE, 302),
    ("GET", "/account/"): LOGGED_IN,
    ("POST", "/account/sessions/<int:session_id>/end"): dict.fromkeys(PEOPLE, 404) | LOGGED_IN,
    ("POST", "/account/sessions/end_others"): dict.fromkeys(PEOPLE, 302),
    ("GET", "/second-factor/"): LOGGED_IN,
    ("POST", "/second-factor/"): dict.fromkeys(PEOPLE, 422) | LOGGED_IN,
    ("POST", "/second-factor/recovery_codes"): dict.fromkeys(PEOPLE, 422) | LOGGED_IN,
    ("POST", "/second-factor/off"): dict.fromkeys(PEOPLE, 422) | LOGGED_IN,
    ("GET", "/guide/"): ALL,
    ("GET", "/guide/<string:page>"): ALL,
    ("GET", "/healthz"): ALL,
    ("GET", "/favicon.ico"): ALL,
    ("GET", "/verify/"): ALL,
    ("POST", "/verify/"): dict.fromkeys(PEOPLE, 422),
    ("GET", "/pki/<name>.cer"): ALL,
    ("GET", "/pki/<name>.crl"): ALL,
    ("GET", "/pki/root.pem"): ALL,
    ("POST", "/pki/ocsp"): ALL,
    ("GET", "/static/<path:filename>"): ALL,
    ("GET", "/static/appbuilder/<path:filename>"): ALL,
    # Flask-AppBuilder adds these two unasked; neither shows nor changes a row
    ("GET", "/back"): dict.fromkeys(PEOPLE, 302),
    ("GET", "/lang/<string:locale>"): dict.fromkeys(PEOPLE, 302),
}
# a certificate of the sender: its administrator may deal with it, one of another company does not know it
OWN_CERTIFICATE = dict.fromkeys(PEOPLE, 403) | {"admin": 200, "stranger": 404, "anonymous": 302}
CERTIFICATE = {
    ("GET", f"/admin/certificates/<int:certificate_id>{page}"): OWN_CERTIFICATE
    for page in ("", "/people", "/renewal", "/pin_reissue", "/revocation")
}
CERTIFICATE |= {
    ("POST", "/admin/certificates/<int:certificate_id>/people"): OWN_CERTIFICATE,  # the page that asks again
    ("POST", "/admin/certificates/<int:certificate_id>/renewal"): OWN_CERTIFICATE | {"admin": 422},
    ("POST", "/admin/certificates/<int:certificate_id>/pin_reissue"): OWN_CERTIFICATE | {"admin": 422},
    ("POST", "/admin/certificates/<int:certificate_id>/revocation"): OWN_CERTIFICATE | {"admin": 422},
}
# of a certificate of ours there are none; see tests/views/test_admin_certificate_import.py
CERTIFICATE |= {
    (method, "/admin/certificates/<int:certificate_id>/revocation_lists"): OWN_CERTIFICATE | {"admin": 404}
    for method in ("GET", "POST")
}
PAGES |= CERTIFICATE
READ = ("list/", "show/<pk>")
OPERATOR = {
    ("GET", f"/operator/{noun}/{page}"): OPERATORS
    for noun, pages in {
        "companies": (*READ, "add", "edit/<pk>", "change/<pk>"),
        "users": (*READ, "add", "edit/<pk>"), "operators": (*READ, "add", "edit/<pk>"),
        "plans": (*READ, "edit/<pk>"),
        "fees": (*READ, "add", "edit/<pk>"),
        "documents": READ, "certificates": (*READ, "evidence/<pk>"), "mails": READ, "jobs": READ, "archive": READ,
        "company-changes": (*READ, "rejection/<pk>"), "history": READ,
        "applications": (*READ, "evidence/<pk>", "rejection/<pk>"),
    }.items()
    for page in pages
}  # fmt: skip
OPERATOR |= {
    ("POST", rule): answers for (_, rule), answers in OPERATOR.items() if "/add" in rule or "/edit" in rule
} | {
    ("POST", rule): answers | {"operator": 422} for (_, rule), answers in OPERATOR.items() if "/rejection" in rule or "/change/" in rule
}
SERVICE = "/operator/service-applications"  # one that waits; what its pages do is tested in tests/views/test_service_pages.py
OPERATOR |= {
    ("GET", f"{SERVICE}/{page}"): OPERATORS for page in (*READ, "evidence/<pk>", "returning/<pk>", "rejection/<pk>", "paper")
} | {
    ("GET", f"{SERVICE}/paper/<pk>"): OPERATORS | {"operator": 404},  # it came by an invitation
    ("POST", f"{SERVICE}/paper/<pk>"): OPERATORS | {"operator": 404},
    ("POST", f"{SERVICE}/paper"): OPERATORS | {"operator": 422},
    ("POST", f"{SERVICE}/returning/<pk>"): OPERATORS | {"operator": 422},
    ("POST", f"{SERVICE}/rejection/<pk>"): OPERATORS | {"operator": 422},
    ("GET", f"{SERVICE}/duplicate/<pk>"): OPERATORS | {"operator": 409},  # there is no other of its kind
    ("POST", f"{SERVICE}/duplicate/<pk>"): OPERATORS | {"operator": 409},
    ("GET", f"{SERVICE}/cancellation/<pk>"): OPERATORS | {"operator": 409},  # nothing is approved
    ("POST", f"{SERVICE}/cancellation/<pk>"): OPERATORS | {"operator": 409},
    ("POST", f"{SERVICE}/review/<pk>"): OPERATORS | {"operator": 409},  # the page is not of this version
    ("POST", f"{SERVICE}/approval/<pk>"): OPERATORS | {"operator": 409},
}  # fmt: skip
# refused and unknown actions alike lead back without a word; what they may do is tested below
TURNED_AWAY = dict.fromkeys(PEOPLE, 302)
OPERATOR |= {
    (method, f"/operator/{noun}/action/<string:name>/<pk>"): TURNED_AWAY
    for noun in ("companies", "users", "operators", "certificates", "applications", "company-changes", "archive", "fees", "mails")
    for method in ("GET", "POST")
}
OPERATOR["POST", "/operator/mails/action_post"] = dict.fromkeys(PEOPLE, 404) | {"anonymous": 302}  # no such action; see test_operator_mails.py
EVERYTHING = DOCUMENT | PAGES | OPERATOR


def rules(app):
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


@pytest.mark.requirement("S7")
def test_every_route_stands_in_the_tables_above(application):
    assert rules(application) == set(EVERYTHING)


@pytest.fixture
def waiting(make_document):
    """A document on its recipient's table; nobody signs, so it is made quickly."""
    return make_document(Status.receiver_receipt, mode=SignatureMode.no_signature, attached=[kept_file("安全書類.pdf")])


ROWS = {"companies": Company, "users": PortalUser, "plans": Plan, "documents": ContractDocument,
        "certificates": Certificate, "applications": CertificateApplication, "mails": OutboxMessage, "jobs": JobRun,
        "company-changes": CompanyChange, "history": AccountEvent, "service-applications": ServiceApplication,
        "archive": ArchiveRecord, "fees": Fee}  # fmt: skip


def address(rule, document):
    table = next((table for noun, table in ROWS.items() if f"/operator/{noun}/" in rule), Company)
    first = db.session.query(table.id).order_by(table.id).first()
    if "/operator/operators/" in rule:
        first = db.session.query(PortalUser.id).filter(PortalUser.roles.any(name="Operator")).first()
    certificate = db.session.query(Certificate.id).filter_by(company_id=document.sender.company_id).first()
    actions = {"certificates": "revoke", "applications": "reject", "company-changes": "reject", "archive": "dispose", "fees": "remove",
               "companies": "resume", "mails": "resend", "operators": "delete_operator"}
    action = next((actions[noun] for noun in actions if f"/operator/{noun}/" in rule), "issue_certificate")
    for name, value in {
        "<int:document_id>": str(document.id), "<int:user_id>": str(document.registrar_id), "<int:number>": "1",
        "<pk>": str(first[0]) if first else "1", "<int:pk>": str(first[0]) if first else "1",
        "<int:certificate_id>": str(certificate[0]),
        "<path:filename>": "css/portal.css" if "appbuilder" not in rule else "css/ab.css",
        "<int:attachment_id>": str(document.attachments[0].id) if document.attachments else "1",
        "<int:partner_id>": str(document.receivers[0].company_id), "<int:request_id>": "999999",
        "<int:session_id>": "999999", "<int:edition>": "1", "<int:search_id>": "999999",
        "<int:delegation_id>": "999999", "<int:template_id>": "999999", "<int:case_id>": "999999", "<int:download_id>": "999999",
        "<int:invitation_id>": "999999", "<string:token>": "unknown", "<int:application_id>": "999999", "<string:option>": "bulk_signing",
        "<int:company_id>": str(document.sender.company_id), "<int:statement_id>": "999999", "<int:record_id>": "999999",
        "<int:operation_id>": "999999", "<string:action>": "confirm_receipt", "<int:consent_id>": "999999",
        "<string:page>": "system", "<string:locale>": "ja", "<string:name>": action,
    }.items():  # fmt: skip
        rule = rule.replace(name, value)
    return rule.replace("<name>", "root")


def answers(client_of, method, rule, expected, document, **data):
    """What everybody gets, the recipient last: whatever is done by then is done by the recipient."""
    found = {}
    for who in reversed(PEOPLE):
        client = client_of(who)
        url = address(rule, document)
        given = {"version": str(document.version)} | data
        reply = client.get(url) if method == "GET" else client.post(url, given)
        found[who] = reply.status_code
        reply.close()
    return found, {who: expected.get(who, 200) for who in found}


@pytest.mark.requirement("S7", "I18", "R8", "R12", "R19", "R25", "R89", "R107")
@pytest.mark.parametrize("method, rule", DOCUMENT)
def test_who_gets_which_answer_about_a_document(client_of, waiting, method, rule):
    found, expected = answers(client_of, method, rule, DOCUMENT[method, rule], waiting)
    assert found == expected
    db.session.refresh(waiting)
    moved = rule.endswith("/withdraw") or (
        method == "POST" and expected["recipient"] == 302 and not rule.endswith("/comment")
    )
    assert (waiting.status is Status.receiver_receipt) is not moved


@pytest.mark.requirement("S7", "R8", "R42")
@pytest.mark.parametrize("method, rule", PAGES)
def test_who_gets_which_page(client_of, waiting, method, rule):
    found, expected = answers(client_of, method, rule, PAGES[method, rule], waiting)
    assert found == expected


@pytest.mark.requirement("S7", "R8")
@pytest.mark.parametrize("method, rule", OPERATOR)
def test_operators_pages_are_the_operators_alone(client_of, waiting, person, method, rule):
    db.session.add_all([JobRun(name="send-mail", started_at=now()), ArchiveRecord(document=waiting)])
    db.session.add(Fee(item=FeeItem.document, plan=PlanKind.one_side, effective_on=date(2100, 1, 1), yen=300))
    admin = waiting.registrar
    companies.apply_for_change(admin.company, admin, {"phone": "03-0000-0000"}, now())
    evidence = applications.take_in("x.pdf", b"%PDF-1.7")
    wish = applications.Wish([person("signer")], "a@b.example")
    applications.apply(ApplicationKind.additional, person("admin"), now(), token="t", wish=wish, evidence=evidence)
    service_walk.hand_in(person("admin"))
    db.session.commit()
    before = (db.session.query(Company).count(), db.session.query(PortalUser).count())
    found, expected = answers(client_of, method, rule, OPERATOR[method, rule], waiting, action="none")
    assert found == expected
    assert before == (db.session.query(Company).count(), db.session.query(PortalUser).count())


@pytest.mark.requirement("S7", "I3")
@pytest.mark.parametrize("unknown", ["999999", "9" * 20, "9" * 5000, "-1", "x", "１"], ids=len)
def test_a_row_that_is_not_there_is_not_found_on_any_operators_page(client_of, unknown):
    client, actions = client_of("operator"), {"users": "reset_password", "operators": "delete_operator", "mails": "resend", "certificates": "revoke", "companies": "suspend"}
    for method, rule in OPERATOR:
        if "pk>" not in rule or (method == "GET" and "/action/" in rule):
            continue
        action = actions.get(rule.split("/")[2], "approve")
        url = re.sub("<[^>]*pk>", unknown, rule.replace("<string:name>", action))
        found = client.get(url) if method == "GET" else client.post(url)
        assert found.status_code == 404, (method, url)


STRANGERS = ("stranger", "colleague", "receiver_colleague")


@pytest.mark.requirement("S7", "I18", "R89", "R50")
@pytest.mark.parametrize(
    "status", [Status.draft, Status.receiver_receipt, Status.completion_wait, Status.remanded]
)
def test_lists_counts_and_searches_show_a_document_to_those_on_its_route_only(
    client_of, make_document, status
):
    document = make_document(status, mode=SignatureMode.no_signature, title="極秘の契約")
    number = document.number
    insiders = {"registrar"} if status is Status.draft else {"registrar", "viewer", "admin"}
    if status in (Status.receiver_receipt, Status.completion_wait):
        insiders |= {"recipient", "receiver_admin"}
    if status is Status.completion_wait:
        insiders |= {"receiver_viewer"}
    everybody = {"registrar", "viewer", "admin", "recipient", "receiver_admin", "receiver_viewer", *STRANGERS}
    for who in everybody:
        client = client_of(who)
        for url in (
            "/",
            "/documents/",
            f"/documents/?number={number}",
            "/documents/?title=極秘",
            "/archive/",
            "/documents/export.csv",
            "/archive/export.csv",
        ):
            page = client.get(url).text
            if who not in insiders:
                assert "極秘の契約" not in page
                assert f"documents/{document.id}" not in page
                assert "件のうち" not in page
        assert ("極秘の契約" in client.get("/documents/").text) is (who in insiders)


@pytest.mark.requirement("I18")
def test_unknown_and_foreign_documents_look_the_same(client_of, waiting):
    client = client_of("stranger")
    for rest in ("", "/pdf", "/pages/1.png", "/approval", "/receipt", "/signature", "/signature/position", "/attachments/1"):
        foreign, unknown = (
            client.get(f"/documents/{waiting.id}{rest}"),
            client.get(f"/documents/999999{rest}"),
        )
        assert foreign.status_code == unknown.status_code == 404
        assert "お探しのページまたは契約文書は見つかりませんでした" in foreign.text
        pages = {re.sub(r'nonce="[^"]*"|value="[^"]*"', "", reply.text) for reply in (foreign, unknown)}
        assert len(pages) == 1, rest


@pytest.mark.parametrize("number", ["99999999999", "9" * 30])
def test_a_number_no_database_can_hold_is_not_found(client_of, number):
    assert client_of("registrar").get(f"/documents/{number}").status_code == 404
    assert client_of("registrar").get(f"/documents/{number}/pdf").status_code == 404


@pytest.mark.requirement("I18")
def test_the_administrator_sees_facts_but_no_page_of_the_contract(client_of, waiting):
    client = client_of("admin")
    page = client.get(f"/documents/{waiting.id}").text
    assert waiting.title in page
    assert f"/documents/{waiting.id}/pdf" not in page
    for rest in ("pdf", "pages/1.png", "signature/position"):
        assert client.get(f"/documents/{waiting.id}/{rest}").status_code == 404


@pytest.mark.requirement("I18")
def test_the_administrators_view_of_files_is_a_setting(client_of, waiting, application, monkeypatch):
    monkeypatch.setitem(application.config, "ADMIN_OPENS_PDF", True)
    assert client_of("admin").get(f"/documents/{waiting.id}/pdf").status_code == 200
    assert client_of("stranger").get(f"/documents/{waiting.id}/pdf").status_code == 404


@pytest.mark.requirement("S7", "I18")
def test_the_operator_opens_no_contract(client_of, waiting):
    client = client_of("operator")
    shown = client.get(f"/operator/documents/show/{waiting.id}")
    assert shown.status_code == 200 and waiting.number in shown.text
    assert f"/documents/{waiting.id}/pdf" not in shown.text
    assert waiting.sender.comment == "" and "自社内コメント" not in shown.text
    for rest in ("", "/pdf", "/pages/1.png", "/signature/position"):
        assert client.get(f"/documents/{waiting.id}{rest}").status_code == 403


@pytest.mark.requirement("S15")
def test_the_operator_sees_letters_and_certificates_without_a_secret(client_of, make_document, person):
    from app.services import credentials, outbox

    credentials.give_initial_password(person("recipient"), now())
    db.session.commit()
    letter = db.session.query(OutboxMessage).one()
    secret, client = outbox.secret_of(letter), client_of("operator")
    for url in ("/operator/mails/list/", f"/operator/mails/show/{letter.id}"):
        page = client.get(url)
        assert page.status_code == 200 and letter.to_address in page.text
        assert secret not in page.text and "sealed" not in page.text
    certificate = db.session.query(Certificate).first()
    page = client.get(f"/operator/certificates/show/{certificate.id}").text
    assert certificate.number in page and "sealed" not in page


@pytest.mark.parametrize("who", ["recipient", "admin", "anonymous"])
def test_only_the_operator_issues_a_certificate(client_of, person, who):
    count = db.session.query(Certificate).count()
    target = person("recipient").id
    client_of(who).post(f"/operator/users/action/issue_certificate/{target}")
    client_of(who).post("/operator/users/action_post", {"action": "issue_certificate", "rowid": str(target)})
    client_of("operator").get(f"/operator/users/action/issue_certificate/{target}")
    assert db.session.query(Certificate).count() == count
    client_of("operator").post(f"/operator/users/action/issue_certificate/{target}")
    assert db.session.query(Certificate).count() == count + 1


LEFTOVERS = (
    "/api/v1/security/login", "/api/v1/security/refresh", "/api/v1/_openapi", "/swagger/v1", "/api/v1/menu/",
    "/users/list/", "/users/show/1", "/users/add", "/users/edit/1", "/users/delete/1", "/users/userinfo/",
    "/roles/list/", "/groups/list/", "/permissions/list/", "/viewmenus/list/", "/permissionviews/list/",
    "/resetpassword/form?pk=1", "/resetmypassword/form", "/userinfoeditview/form", "/register/form",
    "/registeruser/list/", "/userstatschartview/chart/", "/apikeys/list/", "/login/github", "/oauth-authorized/x",
)  # fmt: skip


@pytest.mark.requirement("S7")
@pytest.mark.parametrize("who", ["operator", "admin", "anonymous"])
def test_nothing_of_flask_appbuilders_security_pages_is_there(client_of, who):
    client = client_of(who)
    for url in LEFTOVERS:
        assert client.get(url).status_code == 404, url
        assert client.post(url).status_code == 404, url


@pytest.mark.requirement("S7")
def test_no_token_logs_anybody_in(client_of, browser, person):
    from flask_jwt_extended import create_access_token

    token = create_access_token(identity=str(person("operator").id))
    reply = browser().get("/operator/users/list/", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 302 and "/login/" in reply.location


@pytest.mark.requirement("S12")
@pytest.mark.parametrize("referrer", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_back_never_leads_away(client_of, referrer):
    client = client_of("recipient")
    for url in ("/back", "/back?next=https://evil.example/", "/lang/ja?next=//evil.example"):
        reply = client.get(url, headers={"Referer": referrer})
        assert reply.status_code == 302
        assert "evil" not in reply.location and "javascript" not in reply.location


@pytest.mark.requirement("S11")
def test_every_form_needs_the_token_of_the_own_session(client_of, waiting):
    client, other = client_of("recipient"), client_of("registrar")
    foreign = other.token()
    for method, rule in EVERYTHING:
        if method != "POST" or rule == "/pki/ocsp":
            continue
        url, version = address(rule, waiting), {"version": str(waiting.version)}
        assert client.post_without_token(url, version).status_code == 400, rule
        assert client.post_without_token(url, version | {"csrf_token": foreign}).status_code == 400, rule
    db.session.refresh(waiting)
    assert waiting.status is Status.receiver_receipt


VISITS = ("log_entry", "log_head")  # views and downloads are recorded: see tests/views/test_log_state.py


def dump():
    """Every row of every table but the 監査ログ, as text."""
    return {
        table.name: sorted(str(tuple(row)) for row in db.session.execute(table.select()))
        for table in Model.metadata.sorted_tables
        if table.name not in VISITS
    }


@pytest.mark.requirement("S11")
def test_no_get_changes_a_row(client_of, waiting):
    clients = {who: client_of(who) for who in PEOPLE}
    before = dump()
    assert len(before["ab_user"]) > 10 and before["contract_document"]
    for method, rule in EVERYTHING:
        if method == "GET":
            for client in clients.values():
                client.get(address(rule, waiting)).close()
            assert dump() == before, rule


@pytest.mark.requirement("S11")
def test_pages_that_only_post_answer_no_get(client_of, waiting):
    client = client_of("recipient")
    only_post = {rule for method, rule in EVERYTHING if method == "POST"} - {
        rule for method, rule in EVERYTHING if method == "GET"
    }
    assert "/logout/" in only_post
    for rule in only_post:
        assert client.get(address(rule, waiting)).status_code == 405, rule
