"""Start the demo: an SMTP server, the worker and the pages, all on loopback, and tell who can log in."""

import base64
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

import config
from app import create_app, schema
from app.services.strongroom import strongroom
from demo import seed
from demo.mail_server import MailServer

START_SECONDS = 120
STOP_SECONDS = 15


def start(data: Path, port: int, reset: bool):
    """Run the demo until interrupted; the first start plants its companies."""
    data = data.absolute()
    if not _is_free(port):
        raise SystemExit(f"Port {port} is in use. Choose another: python run.py demo --port {port + 1}")
    if reset and data.exists():
        shutil.rmtree(data)
    (data / "mail").mkdir(parents=True, exist_ok=True)
    mail_server = MailServer(data / "mail")
    mail_server.start()
    settings = _settings(data, port, mail_server.port)
    _write_private(data / "settings.env", "".join(f"{name}={value}\n" for name, value in settings.items()))
    accounts = _prepare(data, settings)
    pages = ("serve", "--bind", f"127.0.0.1:{port}", "--workers", "2", "--graceful-timeout", "10", "--log-level", "warning")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    processes = [_run(settings, "worker"), _run(settings, *pages)]
    try:
        if _answers(port, processes, stop):
            _tell(accounts, settings["PORTAL_BASE_URL"], data)
            _wait(processes, stop)
        elif not stop.is_set():
            raise SystemExit("The portal did not start; the lines above say why.")
    finally:
        _stop(processes)
        mail_server.stop()


def _settings(data, port, smtp_port):
    """Every setting of the demo; its secrets are made once and kept.

    Of the environment's own settings it takes the database's address alone, to show itself on PostgreSQL, and
    the PKCS#11 token, which it then keeps using.
    """
    kept = {}
    path = data / "settings.env"
    if path.exists():
        kept = dict(line.split("=", 1) for line in path.read_text(encoding="utf-8").splitlines())
    token = {name: value for name, value in (kept | os.environ).items() if name.startswith("PORTAL_PKCS11_")}
    return token | {
        "PORTAL_ENV": "demo",
        "PORTAL_SECRET_KEY": kept.get("PORTAL_SECRET_KEY") or secrets.token_urlsafe(48),
        "PORTAL_KEK": kept.get("PORTAL_KEK") or base64.b64encode(os.urandom(32)).decode(),
        "PORTAL_DATABASE_URL": os.environ.get("PORTAL_DATABASE_URL") or f"sqlite:///{data / 'portal.db'}",
        "PORTAL_STORAGE_URL": (data / "files").as_uri(),
        "PORTAL_SMTP_URL": f"smtp://127.0.0.1:{smtp_port}",
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_DEMO_MAIL_FOLDER": str(data / "mail"),
        "PORTAL_WORKER_LOCK_FILE": str(data / "worker.lock"),
    }


def _prepare(data, settings):
    """Schema, PKI and the companies; safe to repeat."""
    app = create_app(config.current(settings))
    path = data / "accounts.json"
    with app.app_context():
        schema.upgrade()
        seed.found_portal()
        (data / "pki").mkdir(exist_ok=True)
        root = strongroom().authorities.root.certificate
        (data / "pki" / "root.pem").write_bytes(root.public_bytes(Encoding.PEM))
        if not seed.is_planted():
            print("最初の起動です。架空の企業と契約文書を用意しています…", flush=True)
            accounts = seed.Seed().plant()
            _write_private(path, json.dumps(accounts, ensure_ascii=False, indent=2) + "\n")
    if not path.exists():
        raise SystemExit(f"The demo's first start was interrupted. Begin anew: python run.py demo --data {data} --reset")
    return json.loads(path.read_text(encoding="utf-8"))


def _write_private(path, text):
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _run(settings, *command):
    """Start a command of ours in a group of its own: Ctrl+C is for us, who then end it once and orderly."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    run_py = Path(__file__).parent.parent / "run.py"
    return subprocess.Popen(  # noqa: S603
        [sys.executable, str(run_py), *command], env=environ | settings, cwd=run_py.parent, process_group=0
    )


def _tell(accounts, url, data):
    print(f"\nポータルを起動しました：{url}/\nメール（デモ）：{url}/demo/mail/\n")
    print("ログインできる利用者（利用者ID、最初のパスワード、企業、氏名、権限）")
    for account in accounts:
        company = account["company_name"] or "運営者"
        print(f"  {account['user_code']}  {account['password']:<14}{company}　{account['name']}　{' '.join(account['authorities'])}")
    print(f"\nデータの場所：{data}\n終了するには Ctrl+C を押してください。", flush=True)


def _wait(processes, stop):
    """Until interrupted, or until one of the processes ends."""
    while not stop.wait(1):
        if any(process.poll() is not None for process in processes):
            print("One of the demo's processes ended; stopping.", file=sys.stderr)
            return


def _stop(processes):
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with its own children


def _answers(port, processes, stop):
    """Wait until the pages can be opened; False when interrupted, a process ended or it takes too long."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and all(process.poll() is None for process in processes):
        if stop.is_set():
            return False
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
