"""Who is logged in, what their role opens, and what is closed for everybody.

Flask-AppBuilder brings roles and permissions.  Of its own security pages none is registered: they
reset anybody's password, list everybody, and log in by a token past our checks.
"""

from urllib.parse import urlsplit

from flask import current_app, flash, g, redirect, request, session, url_for
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_login import current_user, login_user, logout_user
from flask_talisman import Talisman
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from app import queries
from app.clock import now
from app.errors import CompanyNotActive
from app.extensions import db
from app.models import PortalUser
from app.services import service_changes

# Roles in code: no query, no drift.  Patterns are matched from the start, so each ends with $.
PERSONS_PAGES = "(MyListView|PasswordView|AccountView|SecondFactorView|PersonalDataView)$"
COMPANY_PAGES = (
    "(DocumentListView|DocumentView|AttachmentView|RegistrationView|DraftView|ReceiptView|SignatureView|ArchiveListView"
    "|CertificateView|SelectionView|DelegationView|RouteTemplateView|ConsentRequestView|PaperView|PositionsView|EditionView"
    "|DocumentVerificationView|CorrectionView|BulkDownloadView|BulkView|CaseView|DocumentCaseView)$"
)
FAB_ROLES = {
    "Member": [
        [PERSONS_PAGES, "can_.*$"],
        [COMPANY_PAGES, "can_.*$"],
        ["ConclusionView$", "can_.*$"],
        ["(契約締結|契約文書登録|契約文書照会|案件管理|長期保管文書|長期保管文書照会)$", "menu_access$"],
        ["(証明書管理|証明書有効性確認|設定|アカウント情報|パスワード変更|代理者の指定|回覧ルート雛形)$", "menu_access$"],
    ],
    "CompanyAdmin": [
        ["(AdminUsersView|AdminDelegationView|AdminDeletionView|AdminCompanyView|AdminHistoryView|AdminCertificatesView|AdminCertificateImportView)$", "can_.*$"],
        ["(AdminConsentsView|AdminPaperConsentsView|AdminLogView|ArchiveExtensionView)$", "can_.*$"],
        ["AdminUsageView$", "can_.*$"],
        ["利用状況・料金照会$", "menu_access$"],
        ["(AdminServiceView|CompanyExportView|AdminDashboardView)$", "can_.*$"],
        ["(プラン・オプション申請|データの一括出力)$", "menu_access$"],
        ["(監査ログの検証|ダッシュボード)$", "menu_access$"],
        ["電子契約承諾管理$", "menu_access$"],
        ["AdminInvitationsView$", "can_.*$"],
        ["取引先への利用申請案内$", "menu_access$"],
        ["(管理者業務|利用者情報照会|企業情報照会|操作履歴照会|自社電子証明書照会)$", "menu_access$"],
    ],
    "Operator": [
        [PERSONS_PAGES, "can_.*$"],
        ["(CompanyModelView|UserModelView|PlanModelView|DocumentModelView)$", "can_.*$"],
        ["(CertificateModelView|OutboxModelView|JobRunModelView)$", "can_.*$"],
        ["(CertificateApplicationModelView|CompanyChangeModelView|AccountEventModelView)$", "can_.*$"],
        ["(CertificateApplicationModelView|CompanyChangeModelView)$", "(approve|reject)$"],
        ["CertificateModelView$", "revoke$"],
        ["CompanyModelView$", "(suspend|resume)$"],
        ["ArchiveRecordModelView$", "(can_.*|dispose)$"],
        ["FeeModelView$", "(can_.*|remove)$"],
        ["OperatorUsageView$", "can_.*$"],
        ["(料金表|利用明細)$", "menu_access$"],
        ["OperatorLogView$", "can_.*$"],
        ["ServiceApplicationModelView$", "can_.*$"],
        ["利用申請$", "menu_access$"],
        ["OperatorDashboardView$", "can_.*$"],
        ["(監査ログ|ダッシュボード)$", "menu_access$"],
        ["OutboxModelView$", "resend$"],
        ["UserModelView$", "(issue_certificate|reset_password|unlock|switch_off_second_factor)$"],
        ["OperatorUserModelView$", "(can_.*|reset_password|unlock|switch_off_second_factor|delete_operator)$"],
        ["(運営者業務|運営者|企業|利用者|プラン|契約文書|電子証明書|送信メール|定期処理|長期保管の点検|証明書申請|企業情報変更申請|操作履歴)$", "menu_access$"],
        ["(設定|アカウント情報|パスワード変更)$", "menu_access$"],
    ],
}
# what needs no log-in; an unknown address is answered as such
ALWAYS_OPEN = ("AuthView.", "VerificationView.", "ApplyView.", "static", "appbuilder.static", "health.", "pki.", "GuideView.")
FOR_ANYBODY = ("DemoMailView.", "LocaleView.", *ALWAYS_OPEN)
# what a person with the first password may still reach (R29)
WHILE_PASSWORD_IS_FIRST = ("PasswordView.", *ALWAYS_OPEN)
# and one whose company demands a second factor that is not set up yet
WHILE_SECOND_FACTOR_IS_MISSING = ("SecondFactorView.", *ALWAYS_OPEN)

# and what people of a company that is suspended or has left may still send: they read, and look after their own log-in
WHILE_COMPANY_IS_NOT_ACTIVE = frozenset({
    "AuthView.login", "AuthView.logout", "AuthView.second_step", "AuthView.forgotten", "PasswordView.change",
    "SecondFactorView.index", "SecondFactorView.recovery_codes", "SecondFactorView.off",
    "AccountView.end_session", "AccountView.end_others", "PersonalDataView.export",
    "DocumentListView.download", "ArchiveListView.download", "BulkDownloadView.delete", "BulkDownloadView.remake",
    "CompanyExportView.index", "VerificationView.index", "pki.ocsp",
})  # fmt: skip

NOT_CARRIED_OUT = "直前の操作は実行されていません。内容をご確認のうえ、もう一度操作してください。"
STATIC = ("static", "static_icon", "appbuilder.static")
AWAKE_SECONDS = 60
VENDOR_CACHE_SECONDS = 24 * 60 * 60
PAGE_POLICY = {
    "default-src": "'self'",
    "script-src": "'self'",
    "style-src": ["'self'", "'unsafe-inline'"],
    "img-src": ["'self'", "data:"],
    "worker-src": "'self'",  # pdf.js
    "object-src": "'none'",
    "frame-ancestors": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


class PortalSecurityManager(SecurityManager):
    """Flask-AppBuilder's, with our people, our log-in page and nothing else of its pages."""

    user_model = PortalUser

    def register_views(self):
        """None of Flask-AppBuilder's; app.views adds the log-in page."""

    def load_user(self, pk):
        """The person of a session cookie; None when the cookie is of an ended session (S10)."""
        user_id, _, epoch = str(pk).partition(":")
        if not user_id.isdigit() or "login_session" not in session:
            return None
        user = queries.person_of_session(int(user_id), session["login_session"])
        if user is None or not user.is_selectable or epoch != str(user.session_epoch):
            return None
        return user

    def get_user_roles(self, user):
        """The person's roles; groups of roles are not used, and cost a query a page."""
        return user.roles if user.is_authenticated else []

    def load_user_jwt(self, _jwt_header, jwt_data):
        return None  # nobody logs in by token

    def auth_user_db(self, username, password):
        return None  # the log-in page asks app.services.credentials

    @staticmethod
    def before_request():
        """End idle and old sessions; hold back whoever still has the first password."""
        g.user = current_user
        if request.endpoint in STATIC:
            return None
        if not current_user.is_authenticated:
            is_open = request.endpoint is None or request.endpoint.startswith(FOR_ANYBODY)
            return None if is_open else redirect(login_url())
        if _is_over():
            logout_user()
            forget_session()
            flash("ログインの有効時間が過ぎたため、ログアウトしました。もう一度ログインしてください。", "info")
            return redirect(login_url())
        _stay_awake()
        endpoint = request.endpoint or ""
        if current_user.must_change_password and not endpoint.startswith(WHILE_PASSWORD_IS_FIRST):
            return redirect(url_for("PasswordView.change", next=asked_page()))
        if current_user.must_change_password or endpoint.startswith(WHILE_SECOND_FACTOR_IS_MISSING):
            return None
        if current_user.must_set_up_second_factor:
            return redirect(url_for("SecondFactorView.index", next=asked_page()))
        _refuse_what_only_active_companies_do(endpoint)
        _tell_what_was_not_done()
        return None


def _refuse_what_only_active_companies_do(endpoint):
    """People of a company that is suspended or has left go on reading, and do nothing in its name (B5).

    From the first moment of the day of a 解約 on: what is due takes effect first, whether or not a worker runs.
    """
    company = current_user.company
    is_reading = request.method in ("GET", "HEAD", "OPTIONS") or endpoint in WHILE_COMPANY_IS_NOT_ACTIVE
    if not request.endpoint or is_reading:
        return
    if company is None:
        _let_take_effect_what_can()
        return
    if service_changes.apply_due([company.id], now()):  # whatever is done next goes by the rules of today
        db.session.commit()
    if not company.is_active:
        raise CompanyNotActive


def _let_take_effect_what_can():
    """An operator may act on any company.  A change that fails is told by its job, and holds back no operator."""
    try:
        if service_changes.apply_due(None, now()):
            db.session.commit()
    except Exception:  # an operator is who can mend it
        db.session.rollback()
        current_app.logger.exception("What is due of the companies did not take effect")


def open_session(login_session):
    """Log a person in in this browser; nothing of before lives on (S10)."""
    forget_session()
    login_user(login_session.user)
    session.permanent = True
    session["login_session"] = login_session.id
    session["since"] = session["seen"] = now().timestamp()


def own_session():
    """The log-in session of this browser."""
    return queries.login_session_of(current_user, session["login_session"])


def _stay_awake():
    """Note that the person is there, once a minute: the cookie holds the whole session, and an answer that
    arrives late would put back what a quicker one has changed."""
    moment = now().timestamp()
    if moment - session.get("seen", 0) >= AWAKE_SECONDS:
        session["seen"] = moment


def _is_over():
    moment, config = now().timestamp(), current_app.config
    idle = moment - session.get("seen", 0)
    age = moment - session.get("since", 0)
    return idle > config["SESSION_IDLE_MINUTES"] * 60 or age > config["SESSION_HOURS"] * 3600


def forget_session():
    """Empty the cookie; only the page whose operation was not carried out outlives the log-in."""
    undone = session.get("undone")
    session.clear()
    if undone:
        session["undone"] = undone


def asked_page():
    """The page to come back to after log-in; for what was sent there, the page it belongs to, and a note that
    nothing was done (S12)."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    if (request.endpoint or "").startswith("AuthView."):
        return request.args.get("next")
    page = page_of(request.path)
    session["undone"] = page
    return page


def _tell_what_was_not_done():
    """On the page somebody comes back to: what they had sent was not carried out."""
    if request.method == "GET" and session.get("undone") == request.path:
        del session["undone"]
        flash(NOT_CARRIED_OUT, "warning")


def page_of(path):
    """The page an address that takes what is sent belongs to: the document's, else the next one above it."""
    adapter = current_app.create_url_adapter(request)
    try:
        _, values = adapter.match(path, method="POST")
    except HTTPException:
        values = {}
    if "document_id" in values:
        return url_for("DocumentView.show", document_id=values["document_id"])
    while path.strip("/"):
        if "/action" not in path and (page := _page_at(adapter, path)):
            return page
        path = path.rstrip("/").rpartition("/")[0]
    return url_for("MyListView.index")


def _page_at(adapter, path):
    """The path where a page answers there, with the slash it may lack; None where none does."""
    for form in (path, f"{path}/"):
        try:
            adapter.match(form, method="GET")
            return form
        except (NotFound, MethodNotAllowed, RequestRedirect):
            continue
    return None


def login_url():
    return url_for("AuthView.login", next=asked_page())


def safe_next(target):
    """`target` where it is a page of this site, else the top page: links never lead away (S12).

    Flask-AppBuilder names the asked page with our own scheme and host in front; they are taken off.
    """
    if target and target.startswith(request.host_url):
        target = target[len(request.host_url) - 1 :]
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return url_for("MyListView.index")
    if any(not character.isprintable() or character == "\\" for character in target):
        return url_for("MyListView.index")
    return page_of(urlsplit(target).path) if _takes_post_only(target) else target


def _takes_post_only(target):
    try:
        current_app.create_url_adapter(request).match(urlsplit(target).path, method="GET")
    except MethodNotAllowed:
        return True
    except HTTPException:
        return False  # unknown: the page that says so
    return False


def guard(app):
    """Response headers of every answer (S18)."""
    has_tls = app.config["HAS_TLS"]
    Talisman(
        app,
        force_https=has_tls,
        strict_transport_security=has_tls,
        session_cookie_secure=has_tls,
        session_cookie_samesite="Lax",
        frame_options="DENY",
        referrer_policy="same-origin",
        content_security_policy=PAGE_POLICY,
        content_security_policy_nonce_in=["script-src"],
    )

    @app.after_request
    def keep_private(response):
        if request.endpoint not in STATIC:
            response.headers["Cache-Control"] = "no-store"  # Flask's send_file lets a browser keep the file
        elif request.path.startswith("/static/vendor/"):  # a page needs some thirty pieces of the font
            response.headers["Cache-Control"] = f"public, max-age={VENDOR_CACHE_SECONDS}"
        return response
