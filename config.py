"""Settings: environment variables with the prefix ``PORTAL_``, read here and nowhere else.

One class an environment; an instance is given to Flask.  README.md lists every setting with its
unit, default and consequence.  A secret may also come from a file: ``PORTAL_KEK_FILE=/run/kek``.
"""

import base64
import binascii
import importlib.util
import os
import re
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit


class MissingSetting(SystemExit):
    """Stops the start with one sentence that names the setting."""


class Production:
    """What a portal on its own servers runs with."""

    DEMO_MAIL_FOLDER = None
    TESTING = False
    RATELIMIT_ENABLED = True
    PASSWORD_HASH_METHOD = "scrypt:131072:8:1"  # noqa: S105  OWASP's figure

    def __init__(self, environ=None):
        self.environ = os.environ if environ is None else environ
        self._portal()
        self._database()
        self._web()
        self._mail()
        self._flask_appbuilder()

    # -- reading -------------------------------------------------------------

    def text(self, name, default=""):
        return self.environ.get(f"PORTAL_{name}", default).strip()

    def number(self, name, default):
        value = self.text(name, str(default))
        try:
            return int(value)
        except ValueError:
            raise MissingSetting(f"PORTAL_{name} must be a whole number, not {value!r}.")

    def secret(self, name, hint):
        path = self.text(f"{name}_FILE")
        value = Path(path).read_text().strip() if path else self.text(name)
        if not value:
            raise MissingSetting(f"PORTAL_{name} (or PORTAL_{name}_FILE) is not set. {hint}")
        return value

    # -- what the portal itself needs ----------------------------------------

    def _portal(self):
        self.SERVICE_NAME = self.text("SERVICE_NAME", "CECTRUST-Light")
        self.OPERATOR_NAME = self.text("OPERATOR_NAME", "電子契約ポータル運営事務局")
        self.HELP_ADDRESS = self.text("HELP_ADDRESS", "help@portal.example")
        self.BASE_URL = self.text("BASE_URL", "http://127.0.0.1:8080").rstrip("/")
        self.MANUAL_URL = self.text("MANUAL_URL") or f"{self.BASE_URL}/guide/"
        self.TERMS_URL = self.text("TERMS_URL")
        self.FEES_URL = self.text("FEES_URL")
        self.KEKS = self._keks()
        self.STORAGE_URL = self.text("STORAGE_URL", Path("var/files").absolute().as_uri())
        self.STORAGE_SECRET = self.environ.get("AWS_SECRET_ACCESS_KEY", "")  # beside obstore, which reads it by itself
        self.OBJECT_LOCK = self._one_of("OBJECT_LOCK", ("governance", "compliance", "off"))
        self.TSA_URLS = self.text("TSA_URLS").split()
        self.TSA_ROOTS_FILE = self.text("TSA_ROOTS_FILE")
        self.TSA_CRL_URLS = self.text("TSA_CRL_URLS").split()
        if self.TSA_URLS and not self.TSA_ROOTS_FILE:
            raise MissingSetting("PORTAL_TSA_ROOTS_FILE is not set. Time stamps of PORTAL_TSA_URLS must lead to its roots.")
        for url in (*self.TSA_URLS, *self.TSA_CRL_URLS):
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                raise MissingSetting("PORTAL_TSA_URLS and PORTAL_TSA_CRL_URLS must be http or https addresses.")
        self.SIGNER_ROOTS_FILE = self.text("SIGNER_ROOTS_FILE")
        self._token()
        self.KEY_KIND = self.text("KEY_KIND", "rsa_3072")
        self.CERTIFICATE_YEARS = self.number("CERTIFICATE_YEARS", 2)
        self.MAX_UPLOAD_MB = self.number("MAX_UPLOAD_MB", 20)
        self.MAX_VERIFIED_MB = self.MAX_UPLOAD_MB + 10  # signatures and time stamps have been added to the largest contract
        self.MAX_ATTACHMENTS_MB = self.number("MAX_ATTACHMENTS_MB", 20)
        self.MAX_PAGES = self.number("MAX_PAGES", 1000)
        self.VERIFICATIONS_PER_MINUTE = self.number("VERIFICATIONS_PER_MINUTE", 10)
        self.INVITATION_DAYS = self.number("INVITATION_DAYS", 30)
        self.APPLICATIONS_PER_MINUTE = self.number("APPLICATIONS_PER_MINUTE", 30)
        self.SIGNING_PASSWORD_VALID_DAYS = self.number("SIGNING_PASSWORD_VALID_DAYS", 7)
        self.SIGNING_PASSWORD_REISSUES_PER_HOUR = self.number("SIGNING_PASSWORD_REISSUES_PER_HOUR", 5)
        self.SIGNING_CODE_MINUTES = self.number("SIGNING_CODE_MINUTES", 10)
        self.INITIAL_PASSWORD_VALID_DAYS = self.number("INITIAL_PASSWORD_VALID_DAYS", 14)
        self.LOGIN_TRIES = self.number("LOGIN_TRIES", 5)
        self.LOGIN_LOCK_MINUTES = self.number("LOGIN_LOCK_MINUTES", 30)
        self.SECRET_TRIES = self.number("SECRET_TRIES", 5)
        self.REMIND_DAYS = self.number("REMIND_DAYS", 3)
        self.TERM_NOTICE_DAYS = self._days(self.text("TERM_NOTICE_DAYS", "90 30"))
        self.ARCHIVE_YEARS = self.number("ARCHIVE_YEARS", 10)
        self.ARCHIVE_GRACE_DAYS = self.number("ARCHIVE_GRACE_DAYS", 365)
        self.ALGORITHM_ENDS = self._algorithm_ends()
        self.DOWNLOAD_DAYS = self.number("DOWNLOAD_DAYS", 7)
        self.ADMIN_OPENS_PDF = self.text("ADMIN_OPENS_PDF", "no") == "yes"
        self.WORKER_LOCK_FILE = self.text("WORKER_LOCK_FILE", "var/worker.lock")
        self._invoices()

    def _invoices(self):
        """What stands on 利用明細: the tax, and the number of who issues them (適格請求書発行事業者の登録番号)."""
        self.TAX_PERCENT = self.number("TAX_PERCENT", 10)
        if not 0 <= self.TAX_PERCENT <= 100:
            raise MissingSetting(f"PORTAL_TAX_PERCENT must be from 0 to 100, not {self.TAX_PERCENT}.")
        self.INVOICE_NUMBER = self.text("INVOICE_NUMBER")
        if self.INVOICE_NUMBER and not re.fullmatch(r"T[0-9]{13}", self.INVOICE_NUMBER):
            raise MissingSetting(f"PORTAL_INVOICE_NUMBER must be T and 13 digits, not {self.INVOICE_NUMBER!r}.")

    def _one_of(self, name, words):
        """A setting that is one of some words, the first by default."""
        value = self.text(name, words[0])
        if value not in words:
            raise MissingSetting(f"PORTAL_{name} must be one of {', '.join(words)}, not {value!r}.")
        return value

    def _days(self, listed):
        try:
            return tuple(sorted({int(word) for word in listed.replace(",", " ").split() if int(word) > 0}))
        except ValueError:
            raise MissingSetting(f"PORTAL_TERM_NOTICE_DAYS must be numbers of days, not {listed!r}.")

    def _token(self):
        """The PKCS#11 token in which new keys are made, where one is set up."""
        self.PKCS11_MODULE = self.text("PKCS11_MODULE")
        self.PKCS11_TOKEN = self.PKCS11_PIN = ""
        if self.PKCS11_MODULE:
            if importlib.util.find_spec("pkcs11") is None:
                raise MissingSetting("PORTAL_PKCS11_MODULE needs the package python-pkcs11. Install requirements.txt anew.")
            self.PKCS11_TOKEN = self.text("PKCS11_TOKEN")
            self.PKCS11_PIN = self.secret("PKCS11_PIN", "It is the PIN of the token's user.")
            if not self.PKCS11_TOKEN:
                raise MissingSetting("PORTAL_PKCS11_TOKEN is not set. It is the label of the token that keeps the keys.")

    def _keks(self):
        hint = "Make one with: python -c \"import base64,os;print(base64.b64encode(os.urandom(32)).decode())\""
        keks = {}
        for position, entry in enumerate(self.secret("KEK", hint).replace(",", " ").split(), start=1):
            version, colon, value = entry.rpartition(":")
            try:
                key = base64.b64decode(value, validate=True)
                keks[int(version) if colon else position] = key
            except (binascii.Error, ValueError):
                raise MissingSetting(f"PORTAL_KEK is not base64, or its version is no number. {hint}")
            if len(key) != 32:
                raise MissingSetting(f"PORTAL_KEK must be 32 bytes long. {hint}")
        return keks

    def _algorithm_ends(self):
        ends = {}
        for entry in self.text("ALGORITHM_ENDS").split():
            name, _, day = entry.partition(":")
            try:
                ends[name] = date.fromisoformat(day)
            except ValueError:
                raise MissingSetting(f"PORTAL_ALGORITHM_ENDS must look like rsa_3072:2031-03-31, not {entry!r}.")
        return ends

    # -- what the libraries need ---------------------------------------------

    def _database(self):
        url = self.text("DATABASE_URL", f"sqlite:///{Path('var/portal.db').absolute()}")
        if url.startswith("postgresql://"):
            url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.SQLALCHEMY_DATABASE_URI = url
        self.SQLALCHEMY_ENGINE_OPTIONS = {"pool_pre_ping": True}

    def _web(self):
        self.SECRET_KEY = self.secret("SECRET_KEY", "It signs the session cookies: 32 random bytes or more.")
        self.HAS_TLS = urlsplit(self.BASE_URL).scheme == "https"
        host = urlsplit(self.BASE_URL).hostname
        if not self.HAS_TLS and host not in ("127.0.0.1", "localhost", "::1"):
            raise MissingSetting("PORTAL_BASE_URL must start with https:// unless it is on loopback.")
        self.BEHIND_PROXIES = self.number("BEHIND_PROXIES", 0)
        self.SESSION_COOKIE_NAME = "__Host-session" if self.HAS_TLS else "portal_session"
        self.SESSION_COOKIE_SECURE = self.HAS_TLS
        self.SESSION_COOKIE_HTTPONLY = True
        self.SESSION_COOKIE_SAMESITE = "Lax"
        self.SESSION_IDLE_MINUTES = self.number("SESSION_IDLE_MINUTES", 30)
        self.SESSION_HOURS = self.number("SESSION_HOURS", 12)
        self.PERMANENT_SESSION_LIFETIME = timedelta(hours=self.SESSION_HOURS)
        self.SESSION_REFRESH_EACH_REQUEST = False
        self.WTF_CSRF_TIME_LIMIT = None  # as long as the session, so that a long form is not lost
        self.MAX_CONTENT_LENGTH = (max(self.MAX_UPLOAD_MB + self.MAX_ATTACHMENTS_MB, self.MAX_VERIFIED_MB) + 1) * 1024 * 1024
        self.MAX_FORM_MEMORY_SIZE = 1024 * 1024
        self.RATELIMIT_STORAGE_URI = self.text("RATELIMIT_STORAGE_URI", "memory://")

    def _mail(self):
        url = urlsplit(self.text("SMTP_URL", "smtp://127.0.0.1:25"))
        self.MAIL_SERVER = url.hostname
        self.MAIL_PORT = url.port or (465 if url.scheme == "smtps" else 25)
        self.MAIL_USE_SSL = url.scheme == "smtps"
        self.MAIL_USE_TLS = url.scheme == "smtp+starttls"
        self.MAIL_USERNAME = unquote(url.username) if url.username else None
        self.MAIL_PASSWORD = unquote(url.password) if url.password else None
        host = urlsplit(self.BASE_URL).hostname
        domain = "portal.example" if host in ("127.0.0.1", "localhost", "::1") else host
        self.MAIL_DOMAIN = domain
        self.MAIL_DEFAULT_SENDER = self.text("MAIL_FROM", f"no-reply@{domain}")
        self.MAIL_ASCII_ATTACHMENTS = False
        self.MAIL_SUPPRESS_SEND = False

    def _flask_appbuilder(self):
        self.APP_NAME = self.SERVICE_NAME
        self.AUTH_TYPE = 1
        self.AUTH_USER_REGISTRATION = False
        self.AUTH_RATE_LIMITED = True
        self.AUTH_RATE_LIMIT = "60 per minute"
        self.FAB_SECURITY_MANAGER_CLASS = "app.security.PortalSecurityManager"
        self.FAB_BASE_TEMPLATE = "operator_base.html"
        self.FAB_INDEX_VIEW = "app.views.my_list.MyListView"
        self.FAB_CREATE_DB = False
        self.FAB_UPDATE_PERMS = False
        self.FAB_ADD_SECURITY_API = False
        self.FAB_ADD_MENU_API = False
        self.FAB_ADD_OPENAPI_VIEWS = False
        self.FAB_API_KEY_ENABLED = False
        self.FAB_ADD_SECURITY_VIEWS = True
        self.FAB_PASSWORD_HASH_METHOD = self.PASSWORD_HASH_METHOD
        self.FAB_OPENAPI_SERVERS = []
        self.LANGUAGES = {"ja": {"flag": "jp", "name": "日本語"}}
        self.BABEL_DEFAULT_LOCALE = "ja"
        self.BABEL_DEFAULT_TIMEZONE = "Asia/Tokyo"


class Demo(Production):
    """A portal that shows itself: everything embedded, and a page with everybody's mail."""

    PASSWORD_HASH_METHOD = "scrypt:32768:8:1"  # noqa: S105

    def _portal(self):
        super()._portal()
        self.DEMO_MAIL_FOLDER = self.text("DEMO_MAIL_FOLDER")


class Test(Production):
    """Real components on loopback, and a password hash that costs nothing."""

    TESTING = True
    RATELIMIT_ENABLED = False
    PASSWORD_HASH_METHOD = "pbkdf2:sha256:1"  # noqa: S105

    def _web(self):
        super()._web()
        self.SERVER_NAME = None


def current(environ=None):
    """The settings of the environment named by ``PORTAL_ENV``: production unless it says demo."""
    environ = os.environ if environ is None else environ
    return {"demo": Demo, "production": Production}[environ.get("PORTAL_ENV", "production")](environ)
