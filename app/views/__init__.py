"""The pages.  A handler fetches, calls one verb, commits and redirects; GET changes no row."""

from flask import abort, current_app, g, request
from flask_babel import get_locale
from flask_login import current_user

from app.extensions import begin_request
from app.services.cases import is_shown
from app.views import errors, health, operator, operator_archive, operator_fees, operator_service, pki, trail
from app.views.account import AccountView
from app.views.admin_certificate_import import AdminCertificateImportView
from app.views.admin_certificates import AdminCertificatesView
from app.views.admin_company import AdminCompanyView
from app.views.admin_deletion import AdminDeletionView
from app.views.admin_history import AdminHistoryView
from app.views.admin_invitations import AdminInvitationsView
from app.views.admin_service import AdminServiceView
from app.views.admin_usage import AdminUsageView
from app.views.admin_users import AdminUsersView
from app.views.apply import ApplyView
from app.views.archive_extension import ArchiveExtensionView
from app.views.archive_list import ArchiveListView
from app.views.attachments import AttachmentView
from app.views.bulk import BulkView
from app.views.bulk_downloads import BulkDownloadView
from app.views.cases import CaseView
from app.views.certificates import CertificateView
from app.views.company_export import CompanyExportView
from app.views.conclusion import ConclusionView
from app.views.consents import AdminConsentsView, ConsentRequestView
from app.views.correction import CorrectionView
from app.views.dashboard import AdminDashboardView, OperatorDashboardView
from app.views.delegations import AdminDelegationView, DelegationView
from app.views.demo_mail import DemoMailView
from app.views.document import DocumentView
from app.views.document_case import DocumentCaseView
from app.views.document_list import DocumentListView
from app.views.drafts import DraftView
from app.views.editions import EditionView
from app.views.guide import GuideView
from app.views.log_state import AdminLogView, OperatorLogView
from app.views.login import AuthView
from app.views.operator_usage import OperatorUsageView
from app.views.operator_users import OperatorUserModelView
from app.views.paper import PaperView
from app.views.paper_consents import AdminPaperConsentsView
from app.views.password import PasswordView
from app.views.personal_data import PersonalDataView
from app.views.positions import PositionsView
from app.views.receipt import ReceiptView
from app.views.registration import RegistrationView
from app.views.route_templates import RouteTemplateView
from app.views.second_factor import SecondFactorView
from app.views.selection import SelectionView
from app.views.signature import SignatureView
from app.views.verification import DocumentVerificationView, VerificationView

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
READING_POSTS = frozenset({"pki.ocsp", "VerificationView.index"})
CASES = "案件管理"  # in the menu of companies that have to do with it
# category -> (menu label, view); who sees what is decided by the roles in app.security
MENU = (
    ("契約締結", "契約文書登録", RegistrationView),
    ("契約締結", "契約文書照会", DocumentListView),
    ("契約締結", CASES, CaseView),
    ("長期保管文書", "長期保管文書照会", ArchiveListView),
    ("証明書管理", "証明書有効性確認", CertificateView),
    ("管理者業務", "ダッシュボード", AdminDashboardView),
    ("管理者業務", "利用者情報照会", AdminUsersView),
    ("管理者業務", "企業情報照会", AdminCompanyView),
    ("管理者業務", "操作履歴照会", AdminHistoryView),
    ("管理者業務", "監査ログの検証", AdminLogView),
    ("管理者業務", "自社電子証明書照会", AdminCertificatesView),
    ("管理者業務", "電子契約承諾管理", AdminConsentsView),
    ("管理者業務", "取引先への利用申請案内", AdminInvitationsView),
    ("管理者業務", "利用状況・料金照会", AdminUsageView),
    ("管理者業務", "プラン・オプション申請", AdminServiceView),
    ("管理者業務", "データの一括出力", CompanyExportView),
)
# what leads to nothing while a company is suspended or has left
NOT_WHILE_STOPPED = frozenset({
    "契約文書登録", "証明書有効性確認", "電子契約承諾管理", "取引先への利用申請案内", "プラン・オプション申請", "代理者の指定", "回覧ルート雛形",
})
PAGES_OFF_MENU = (
    AdminCertificateImportView, AdminDelegationView, AdminDeletionView, AdminPaperConsentsView, ArchiveExtensionView,
    AttachmentView, BulkDownloadView, BulkView, ConclusionView, ConsentRequestView, CorrectionView, DocumentCaseView,
    DocumentVerificationView, DocumentView, DraftView, EditionView, GuideView, PaperView, PersonalDataView,
    PositionsView, ReceiptView, SecondFactorView, SelectionView, SignatureView,
)  # fmt: skip


def transactions(app):
    """Every POST begins with the right to write; whatever was not committed is rolled back."""

    @app.before_request
    def begin():
        may_write = request.method not in SAFE_METHODS and request.endpoint not in READING_POSTS
        begin_request(may_write, request.remote_addr or "")

    @app.before_request
    def refuse_null_characters():
        """No database keeps them in a text, and nobody types them."""
        typed = [*request.args.items(multi=True), *request.form.items(multi=True)]
        if any("\0" in value for _, value in typed):
            abort(400)

    @app.teardown_request
    def end(_error):
        begin_request(False)


def register(app, appbuilder):
    """Add every page, the menu, the error pages and what all templates know."""
    appbuilder.sm.auth_view = appbuilder.add_view_no_menu(AuthView)
    appbuilder.sm.limiter.limit(app.config["AUTH_RATE_LIMIT"], methods=["POST"])(appbuilder.sm.auth_view.blueprint)
    verification = appbuilder.add_view_no_menu(VerificationView)
    per_minute = f"{app.config['VERIFICATIONS_PER_MINUTE']} per minute"
    appbuilder.sm.limiter.limit(per_minute, methods=["POST"])(verification.blueprint)
    apply = appbuilder.add_view_no_menu(ApplyView)
    appbuilder.sm.limiter.limit(f"{app.config['APPLICATIONS_PER_MINUTE']} per minute")(apply.blueprint)
    for category, label, view in MENU:
        appbuilder.add_view(view, label, category=category)
    for view in PAGES_OFF_MENU:
        appbuilder.add_view_no_menu(view)
    appbuilder.add_view(OperatorDashboardView, "ダッシュボード", category="運営者業務")
    operator.register(appbuilder)
    appbuilder.add_view(OperatorUserModelView, "運営者", category="運営者業務")
    operator_archive.register(appbuilder)
    operator_service.register(appbuilder)
    operator_fees.register(appbuilder)
    appbuilder.add_view(OperatorUsageView, "利用明細", category="運営者業務")
    appbuilder.add_view(OperatorLogView, "監査ログ", category="運営者業務")
    appbuilder.add_view(AccountView, "アカウント情報", category="設定")
    appbuilder.add_view(PasswordView, "パスワード変更", category="設定")
    appbuilder.add_view(DelegationView, "代理者の指定", category="設定")
    appbuilder.add_view(RouteTemplateView, "回覧ルート雛形", category="設定")
    if app.config["DEMO_MAIL_FOLDER"]:
        appbuilder.add_view_no_menu(DemoMailView)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(pki.blueprint)
    app.add_url_rule("/favicon.ico", "static_icon", lambda: app.send_static_file("img/mark.svg"))  # a PDF's tab asks
    trail.register(app)
    errors.register(app)
    app.context_processor(_known_to_all)


def _known_to_all():
    config = current_app.config
    return {
        "service_name": config["SERVICE_NAME"],
        "contact": {
            "operator_name": config["OPERATOR_NAME"],
            "help_address": config["HELP_ADDRESS"],
            "manual_url": config["MANUAL_URL"].removeprefix(config["BASE_URL"]),  # the own pages, at whichever address
            "terms_url": config["TERMS_URL"],
            "fees_url": config["FEES_URL"],
        },
        "current_person": current_user if getattr(g, "user", None) is not None else None,
        "menu_items": _menu(),
        "demo_mail": bool(config["DEMO_MAIL_FOLDER"]),
    }


def _menu():
    if getattr(g, "user", None) is None or not current_user.is_authenticated:
        return []
    if current_user.must_change_password or current_user.must_set_up_second_factor:
        return []  # nothing else is open
    shows_cases = is_shown(current_user.company)
    # who sees what lies in the roles, which are code, and in 案件管理: Flask-AppBuilder's search for it costs more than a whole page
    only_reads = current_user.company is not None and not current_user.company.is_active
    hidden = (NOT_WHILE_STOPPED if only_reads else frozenset()) | (frozenset() if shows_cases else {CASES})
    key = frozenset(role.name for role in current_user.roles), str(get_locale()), request.script_root, hidden
    menus = current_app.extensions.setdefault("menus_of_roles", {})
    if key not in menus:
        menus[key] = [
            {"label": f"{category['label']}▼", "children": children}
            for category in current_app.appbuilder.menu.get_data()
            if (children := _children(category, hidden))
        ]
    return menus[key]


def _children(category, hidden):
    return [{"label": item["label"], "href": item["url"]} for item in category["childs"] if item["name"] not in hidden]
