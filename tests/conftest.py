"""The portal under test: real databases, a real file store, a real PKI, and the same people in every test.

Each test starts from one snapshot of the database with three companies and their people in it.
"""

import base64
import contextvars
import json
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

import config  # noqa: E402
from app import create_app, schema  # noqa: E402
from app.clock import now  # noqa: E402
from app.extensions import db, writing  # noqa: E402
from app.models import AttachmentKind, DocumentKind, Letter, PortalUser  # noqa: E402
from app.plans import PlanKind  # noqa: E402
from app.queries import role_rows  # noqa: E402
from app.services import (  # noqa: E402
    attachments,
    certificates,
    companies,
    credentials,
    documents,
    files,
    seals,
    strongroom,
)
from app.services.registration import Facts  # noqa: E402
from app.workflow import SignatureMode, Status  # noqa: E402
from demo import actors  # noqa: E402
from tests import databases  # noqa: E402

PASSWORD = "Test-1234"
CONTRACTS = Path(__file__).parent.parent / "demo" / "contracts"

# name in the tests -> (company, roles, full name, may sign)
PEOPLE = {
    "registrar": ("sender", ["Member"], "登録 花子", False),
    "approver": ("sender", ["Member"], "承認 一郎", False),
    "second_approver": ("sender", ["Member"], "承認 二郎", False),
    "signer": ("sender", ["Member"], "署名 三郎", True),
    "viewer": ("sender", ["Member"], "参照 四郎", False),
    "colleague": ("sender", ["Member"], "同僚 五郎", False),
    "admin": ("sender", ["Member", "CompanyAdmin"], "管理 六郎", False),
    "recipient": ("receiver", ["Member"], "受取 太郎", False),
    "receiver_approver": ("receiver", ["Member"], "承認 七海", False),
    "receiver_second_approver": ("receiver", ["Member"], "承認 八重", False),
    "receiver_signer": ("receiver", ["Member"], "署名 九美", True),
    "receiver_viewer": ("receiver", ["Member"], "参照 十和", False),
    "receiver_colleague": ("receiver", ["Member"], "同僚 千代", False),
    "receiver_admin": ("receiver", ["Member", "CompanyAdmin"], "管理 万里", False),
    "stranger": ("third", ["Member", "CompanyAdmin"], "他社 次郎", True),
    "operator": (None, ["Operator"], "運営 百合", False),
}
COMPANIES = {
    "sender": ("株式会社発出建設", PlanKind.one_side),
    "receiver": ("受領設備株式会社", PlanKind.partner),
    "third": ("第三電工株式会社", PlanKind.both_sides),
}


# -- options, markers, the record of requirements -------------------------------


def pytest_addoption(parser):
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.addoption("--every-case", action="store_true", help="on PostgreSQL too, all that is walked on SQLite")


def pytest_configure(config):
    config.addinivalue_line("markers", "requirement(*numbers): what of the requirements a test shows")
    config.addinivalue_line("markers", "browser: needs Chromium")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--database") == "postgresql" and not config.getoption("--every-case"):
        kept, left = databases.worth_a_second_database(items, Path(__file__).parent)
        items[:] = kept
        config.hook.pytest_deselected(items=left)
    for item in items:
        for marker in item.iter_markers("requirement"):
            item.user_properties += [("requirement", number) for number in marker.args]


def pytest_runtest_logreport(report):
    if report.when != "call" and report.outcome == "passed":
        return
    for name, number in report.user_properties:
        if name == "requirement":
            OUTCOMES.setdefault(number, {"passed": 0, "failed": 0, "skipped": 0})[report.outcome] += 1


OUTCOMES = {}


def pytest_sessionfinish(session):
    if hasattr(session.config, "workerinput") or not OUTCOMES:
        return
    folder = Path(session.config.rootpath) / "var"
    folder.mkdir(exist_ok=True)
    database = session.config.getoption("--database")
    (folder / f"requirements-{database}.json").write_text(json.dumps(OUTCOMES, indent=1, sort_keys=True))


# -- the application, its database, its people -----------------------------------


@pytest.fixture(autouse=True)
def only_loopback(monkeypatch):
    """No test opens a connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test wanted to connect to {address[0]}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def database(request, tmp_path_factory):
    made = databases.start(request.config.getoption("--database"), tmp_path_factory)
    yield made
    made.stop()


@pytest.fixture(scope="session")
def application(database, tmp_path_factory):
    """One application a process, with its PKI and the people in the snapshot."""
    made = create_app(config.Test(settings(database.url, tmp_path_factory.mktemp("files").as_uri())))
    with made.app_context():
        schema.upgrade()
        with writing():
            strongroom.found(now())
            db.session.commit()
            seals.found(now())
            db.session.commit()
            made.people = _people()
        db.session.remove()
        db.engine.dispose()
    database.keep_snapshot()
    return made


def settings(database_url, storage_url, **more):
    return {
        "PORTAL_SECRET_KEY": "a key for tests only, of more than thirty-two bytes",
        "PORTAL_KEK": base64.b64encode(bytes(range(32))).decode(),
        "PORTAL_DATABASE_URL": database_url,
        "PORTAL_STORAGE_URL": storage_url,
        "PORTAL_KEY_KIND": "p_256",
    } | more


def _people():
    made = {}
    found = {
        name: companies.found_company(company, plan, now()) for name, (company, plan) in COMPANIES.items()
    }
    db.session.commit()
    for name, (company, roles, full_name, may_sign) in PEOPLE.items():
        rows = role_rows(*roles)
        user = PortalUser(
            full_name=full_name, company=found.get(company), mail_address=f"{name}@{company or 'portal'}.example"
        )
        companies.enrol(user, now(), roles=rows)
        actors.choose_password(user, PASSWORD)
        if may_sign:
            certificates.issue(user.company, [user], user, now())
            db.session.commit()
            actors.activate(user, actors.secret_mailed(user, Letter.certificate_pin), PASSWORD)
        db.session.commit()
        made[name] = user.id
    for table in ("outbox_message", "account_event", "log_entry", "log_head", "usage_record"):
        db.session.execute(db.text(f"DELETE FROM {table}"))
    db.session.commit()
    return made


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory):
    """A PKCS#11 token in software, one a process."""
    from tests import softhsm

    return softhsm.make(tmp_path_factory.mktemp("softhsm"))


@pytest.fixture(scope="session")
def seaweed(tmp_path_factory):
    """A real S3 server, one a process that needs it."""
    from tests import seaweed

    made = seaweed.Seaweed(tmp_path_factory.mktemp("seaweed"))
    yield made
    made.stop()


@pytest.fixture
def app(application, database):
    """The application in its context, on a fresh copy of the snapshot; writing is allowed."""
    with application.app_context():
        db.session.remove()
        db.engine.dispose()
        database.restore_snapshot()
        with writing():
            yield application
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def person(app):
    """`person("recipient")`: one of the people of :data:`PEOPLE`."""
    return lambda name: db.session.get(PortalUser, app.people[name])


@pytest.fixture(scope="session")
def _uploads():
    return {}


@pytest.fixture
def upload(app, _uploads):
    """An accepted PDF of one of the demo's contracts."""

    def take(name="purchase-order"):
        if name not in _uploads:
            path = CONTRACTS / f"{name}.pdf"
            _uploads[name] = files.take_in(path.name, path.read_bytes())
        return _uploads[name]

    return take


@pytest.fixture
def make_plan(person):
    """Who takes part; approvers and viewers by number."""

    def make(approvers=0, receiver_approvers=0, viewers=False, single_id=False, third=False):
        plan = actors.Plan(
            registrar=person("registrar"),
            recipient=person("receiver_signer") if single_id else person("recipient"),
            approvers=[person("approver"), person("second_approver")][:approvers],
            signer=person("signer"),
            viewers=[person("viewer")] if viewers else [],
            receiver_approvers=[person("receiver_approver"), person("receiver_second_approver")][:receiver_approvers],
            receiver_signer=person("receiver_signer"),
            receiver_viewers=[person("receiver_viewer")] if viewers else [],
            further=[actors.Receiver(person("stranger"), person("stranger"))] if third else [],
        )
        if single_id:
            plan.registrar = plan.signer
        return plan

    return make


@pytest.fixture
def make_document(make_plan, upload):
    """A document that has walked to `status`, by the verbs its people would have used."""

    def make(status=Status.draft, mode=SignatureMode.both_sides, plan=None, comment="", attached=(), **facts):
        plan = plan or make_plan(
            approvers=int(status is Status.sender_approval),
            receiver_approvers=int(status is Status.receiver_approval),
            viewers=True,
        )
        given = {"title": "資材注文書", "kind": DocumentKind.order, "mode": mode, "amount_yen": 1_848_000} | facts
        document = actors.register(plan, Facts(**given), upload(), comment, attached)
        if status is Status.remanded:
            actors.walk(document, plan, Status.receiver_receipt)
            documents.remand(document, document.holder, now(), reason="日付をご確認ください。")
            db.session.commit()
        else:
            actors.walk(document, plan, status)
        return document

    return make


def kept_file(name, content=b"%PDF-1.7 as accepted", kind=AttachmentKind.pdf):
    """An accepted file for `make_document(attached=[...])`; its checks have tests of their own."""
    return attachments.KeptFile(name, kind, strongroom.strongroom().store.put(content), len(content))


# -- browsers without a browser ----------------------------------------------------


class Browser:
    """A test client of one person, who fills in the CSRF token as a browser would.

    Each request runs in a context of its own, and the test's session is ended around it, so that the
    test sees what was committed.
    """

    TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')

    def __init__(self, app):
        self.app = app
        self.client = app.test_client()

    def _ask(self, method, url, **kwargs):
        db.session.commit()
        reply = contextvars.Context().run(getattr(self.client, method), url, **kwargs)
        for one in (*reply.history, reply):  # a body over 500 KB lies in a temporary file that the client leaves open
            one.request.environ["wsgi.input"].close()
        db.session.commit()
        return reply

    def get(self, url, **kwargs):
        return self._ask("get", url, **kwargs)

    def post(self, url, data=None, **kwargs):
        return self._ask("post", url, data={"csrf_token": self.token()} | (data or {}), **kwargs)

    def post_without_token(self, url, data=None, **kwargs):
        return self._ask("post", url, data=data or {}, **kwargs)

    def token(self):
        page = self.get("/password/")
        if page.status_code != 200:
            page = self.get(page.location)  # the log-in, or what must be done first
        return self.TOKEN.search(page.text).group(1)

    def log_in(self, user_code, password=PASSWORD, **kwargs):
        return self.post(kwargs.pop("url", "/login/"), {"username": user_code, "password": password}, **kwargs)

    def enter(self, user):
        """Be logged in, by the verb that the log-in page calls; that page has tests of its own, and takes its time."""
        begun = credentials.let_in(user, now())
        db.session.commit()
        moment = now().timestamp()
        with self.client.session_transaction() as session:
            session.permanent = True
            session |= {"_user_id": user.get_id(), "_fresh": True, "login_session": begun.id, "since": moment, "seen": moment}


@pytest.fixture
def browser(app):
    return lambda: Browser(app)


@pytest.fixture
def client_of(app, person):
    """`client_of("recipient")`: a browser in which that person is logged in; "anonymous" is nobody."""

    def open_for(name):
        made = Browser(app)
        if name != "anonymous":
            made.enter(person(name))
        return made

    return open_for


@pytest.fixture
def post_letters(app):
    """The letters owed so far, composed as they would be sent, oldest first."""
    from app import letters
    from app.services import outbox

    def compose():
        rows = db.session.scalars(db.select(outbox.OutboxMessage).order_by(outbox.OutboxMessage.id)).all()
        return [letters.compose(row, outbox.secret_of(row)) for row in rows]

    return compose


def tool(name):
    """The path of an independent reader, or a skip that says what to install."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (see README, Tests)")
    return path


