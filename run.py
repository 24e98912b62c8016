"""The command line of the portal: demo, serve, worker, job, db, fees, rotate-kek, storage, tsa-crl, verify, verify-log.

Each command imports what it needs when it runs: the settings must be in place before the application is
imported, and `verify` works where no portal is set up.
"""

import json
import os
import sys
from pathlib import Path

import click


@click.group()
def cli():
    """A portal in which companies conclude contracts electronically."""


@cli.command()
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1.")
@click.option("--data", default="var/demo", show_default=True, help="Where the demo keeps everything.")
@click.option("--reset", is_flag=True, help="Begin anew: what the folder held is deleted.")
def demo(port, data, reset):
    """Start a whole portal with invented companies in it, and say who can log in."""
    from demo import portal

    portal.start(Path(data), port, reset)


@cli.command(context_settings={"ignore_unknown_options": True})
@click.option("--bind", default="127.0.0.1:8000", show_default=True, help="Address and port.")
@click.option("--workers", default=(os.cpu_count() or 1) + 1, show_default=True, help="Processes.")
@click.argument("gunicorn_args", nargs=-1, type=click.UNPROCESSED)
def serve(bind, workers, gunicorn_args):
    """Serve the pages with gunicorn; further arguments are gunicorn's."""
    os.execv(  # noqa: S606
        sys.executable,
        [sys.executable, "-m", "gunicorn", "app:create_app()", "--chdir", str(Path(__file__).parent.absolute()),
         "--bind", bind, "--workers", str(workers), "--worker-class", "gthread", "--threads", "4",
         "--max-requests", "2000", "--max-requests-jitter", "200",
         "--no-control-socket",  # it would lie in the home folder, one for all portals of a machine
         *gunicorn_args],
    )  # fmt: skip


@cli.command()
def worker():
    """Run the jobs by their timetable, in one process."""
    from app import create_app
    from app.jobs import worker

    worker.run_forever(create_app())


@cli.command()
@click.argument("name")
@click.option("--data", help="A demo's folder, to run the job with the demo's settings.")
def job(name, data):
    """Run one job once, and print what it did as JSON."""
    if data:
        _read_settings(Path(data) / "settings.env")
    from app import create_app
    from app.jobs import JOBS, limit_waiting, run_job

    if name not in JOBS:
        raise click.UsageError(f"Unknown job {name!r}. There are: {', '.join(JOBS)}")
    limit_waiting()
    with create_app().app_context():
        report = run_job(name)
    click.echo(json.dumps(report, ensure_ascii=False))
    sys.exit(1 if report["failed"] else 0)


@cli.group()
def drill():
    """Damage a demo on purpose, and see that the portal notices."""


@drill.command("bit-flip")
@click.option("--data", default="var/demo", show_default=True, help="The demo's folder.")
def bit_flip(data):
    """Flip one bit of an archived file, let the check find it, and put it back."""
    _carry_out("bit_flip", data)


@drill.command("log-edit")
@click.option("--data", default="var/demo", show_default=True, help="The demo's folder.")
def log_edit(data):
    """Edit one row under the audit log by SQL, let the check name it, and put it back."""
    _carry_out("log_edit", data)


def _carry_out(name, data):
    """Run one drill on a demo: exit 0 where everything was noticed."""
    _read_settings(Path(data) / "settings.env")
    if os.environ.get("PORTAL_ENV") != "demo" or not os.environ["PORTAL_STORAGE_URL"].startswith("file:"):
        raise click.UsageError("Only a demo may be damaged.")
    from app import create_app
    from demo import drill as drills

    with create_app().app_context():
        sys.exit(0 if getattr(drills, name)(click.echo) else 1)


def _read_settings(path):
    """Take over the settings of a demo, except where the environment says otherwise."""
    if not path.is_file():
        raise click.UsageError(f"{path} does not exist. Start the demo first: python run.py demo")
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)


@cli.group()
def db():
    """The database's schema."""


@db.command()
def upgrade():
    """Bring the schema to the newest migration and make the certificate authority where there is none."""
    from app import create_app, schema
    from app.clock import now
    from app.extensions import db, writing
    from app.services import logbook, seals, strongroom

    with create_app().app_context():
        schema.upgrade()
        with writing():
            strongroom.found(now())
            logbook.begin(now())
            db.session.commit()
            seals.found(now())
            db.session.commit()
    click.echo("The database is up to date.")


@db.command()
@click.argument("message")
def revision(message):
    """Write a migration for what changed in app/models.py."""
    from app import create_app, schema

    with create_app().app_context():
        schema.new_migration(message)


@cli.command("rotate-kek")
def rotate_kek():
    """Re-seal every key and secret under the newest KEK, and print what was done as JSON."""
    from app import create_app
    from app.services import key_rotation

    app = create_app()
    if len(app.config["KEKS"]) == 1:
        raise click.ClickException(
            "PORTAL_KEK holds one key only, so there is none to rotate to. Put a new one beside it, as in"
            " PORTAL_KEK=1:OLD,2:NEW, restart the pages and the worker, and run this again (docs/operations.md)."
        )
    with app.app_context():
        report = key_rotation.rotate()
    click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    sys.exit(1 if any(column["refused"] for column in report["columns"].values()) else 0)


@cli.group()
def fees():
    """The fee table."""


@fees.command()
def sample():
    """Fill the gaps of the fee table with prices that are marked サンプル wherever they are read."""
    from app import create_app
    from app.clock import now
    from app.extensions import db, writing
    from app.services import fee_table

    with create_app().app_context(), writing():
        count = fee_table.lay_samples(now())
        db.session.commit()
    click.echo(f"{count} sample prices were laid.")


@cli.command()
@click.option("--data", help="A demo's folder, to look at the demo's storage.")
def storage(data):
    """Ask the file store what it does for the files, and print that as JSON: exit 1 where it does not answer."""
    if data:
        _read_settings(Path(data) / "settings.env")
    from app import create_app
    from app.errors import StorageFailed
    from app.services import object_locks

    try:
        with create_app().app_context():
            report, answers = object_locks.report(), True
    except (StorageFailed, OSError) as failure:  # an OSError where the folder cannot even be made
        report, answers = {"answers": False, "cause": str(failure.__cause__ or failure)}, False
    click.echo(json.dumps(report, ensure_ascii=False, indent=2))
    sys.exit(0 if answers else 1)


@cli.command("tsa-crl")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def tsa_crl(files):
    """Store revocation lists of outside time-stamp authorities by hand, where the portal cannot fetch them."""
    from app import create_app
    from app.clock import now
    from app.errors import Refused
    from app.extensions import db, writing
    from app.services import tsa_lists

    with create_app().app_context(), writing():
        for path in files:
            try:
                count = tsa_lists.store(path.read_bytes(), now())
            except Refused as refusal:
                raise click.ClickException(f"{path}: {refusal}")
            db.session.commit()
            click.echo(f"{path}: {count} new")


@cli.command("create-operator")
@click.argument("full_name")
@click.argument("mail_address")
def create_operator(full_name, mail_address):
    """Issue the 利用者ID of an operator; its password goes out by mail."""
    from app import create_app
    from app.clock import now
    from app.errors import Refused
    from app.extensions import db, writing
    from app.models import PortalUser
    from app.services import operators

    with create_app().app_context(), writing():
        user = PortalUser(full_name=full_name, mail_address=mail_address)
        try:
            operators.enrol(user, None, now())
        except Refused as refusal:
            raise click.ClickException(str(refusal))
        db.session.commit()
        click.echo(user.user_code)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--root", type=click.Path(path_type=Path), help="Trusted root certificates, PEM; default: the own root, else the demo's in var/demo.")
@click.option("--data", help="A demo's folder: judge by the demo's roots, and look the file up in its archive.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole verdict as JSON.")
def verify(file, root, data, as_json):
    """Judge the signatures of the PDF at the path FILE, and print the verdict in Japanese.

    Trusted are the certificates given with --root, for which no portal is needed, else those of the portal that is
    set up here or given with --data, else the demo's.  Where a portal is set up it also says whether the file is one
    that the portal keeps.  Nothing is kept and nothing is sent anywhere.

    \b
    Exit status:
      0  valid: every signature and time stamp holds
      1  altered, invalid or unsigned
      2  cannot be judged: unknown signer, unreadable file
    """
    if data and root:
        raise click.UsageError("Give --data or --root, not both.")
    if data:
        _read_settings(Path(data) / "settings.env")
    try:
        verdict, kept = _judged(file.read_bytes(), root)
    except click.UsageError:
        raise
    except Exception as error:
        click.echo(f"検証できません：{_in_japanese(error)}", err=True)
        sys.exit(2)
    report = verdict.as_dict() | ({"kept": kept} if kept else {})
    click.echo(json.dumps(report, ensure_ascii=False, indent=2) if as_json else _in_words(verdict, kept))
    sys.exit(verdict.exit_code)


@cli.command("verify-log")
@click.option("--data", help="A demo's folder, to check the demo's log.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("--export", "target", type=click.Path(path_type=Path), help="Write the whole log into this file as well.")
@click.option("--from", "source", type=click.Path(path_type=Path), help="Check such a file instead of the database.")
@click.option("--root", type=click.Path(path_type=Path), help="With --from: roots of the time stamps, PEM; then no portal is needed.")
def verify_log(data, as_json, target, source, root):
    """Check the audit log: exit 0 nothing found, 1 traces of tampering, 2 it cannot be checked."""
    if data:
        _read_settings(Path(data) / "settings.env")
    try:
        from app.services import log_audit
        from app.signing import log_chain

        findings, count = _check_log(target, source, root)
        scope = log_chain.scope_of(source.read_text(encoding="utf-8").splitlines()) if source else ""
    except Exception as error:
        click.echo(f"検証できません：{_in_japanese(error)}", err=True)
        sys.exit(2)
    in_words = "\n".join(filter(None, [log_chain.in_words(findings, count), scope]))
    click.echo(log_audit.as_json(findings, count) if as_json else in_words)
    sys.exit(1 if findings else 0)


def _in_japanese(error):
    """What stopped a check; of a file that cannot be opened the system says it in English only."""
    sentences = {
        FileNotFoundError: "が見つかりません。ファイルの場所と名前をご確認ください。",
        IsADirectoryError: "はフォルダーです。ファイルを指定してください。",
        PermissionError: "を読み取る権限がありません。ファイルの権限をご確認ください。",
    }
    sentence = sentences.get(type(error))
    return f"「{error.filename}」{sentence}" if sentence and error.filename else str(error)


def _check_log(target, source, root):
    """Findings and the number of entries, of a file or of the portal's database."""
    if source and root:
        from cryptography.x509 import load_pem_x509_certificates

        from app.signing import log_chain

        with source.open(encoding="utf-8") as lines:
            return log_chain.check_export(lines, load_pem_x509_certificates(root.read_bytes()))
    from app import create_app
    from app.clock import now
    from app.services import log_audit

    with create_app().app_context():
        if source:
            with source.open(encoding="utf-8") as lines:
                return log_audit.from_export(lines)
        if target:
            target.touch(mode=0o600)
            with target.open("w", encoding="utf-8") as file:
                file.writelines(log_audit.export(now()))
        return log_audit.check_all()


def _judged(pdf, path):
    """The verdict, and where a portal is set up also how the file stands to those that it keeps.

    Judged by the given roots, else by all that the portal knows that is set up here, else by the demo's root.

    :param path: of the given roots, or None
    """
    demo_root = Path("var/demo/pki/root.pem")
    if path is None and "PORTAL_KEK" not in os.environ and "PORTAL_KEK_FILE" not in os.environ:
        if not demo_root.is_file():
            raise click.UsageError("No portal is set up here. Give the trusted roots with --root, or a demo's folder with --data.")
        path = demo_root
    if path is not None:
        from cryptography.x509 import load_pem_x509_certificates

        from app.signing.verify import verify as judge

        return judge(pdf, load_pem_x509_certificates(path.read_bytes())), None
    from app import create_app
    from app.services import verification

    with create_app().app_context():
        report = verification.examine_here(pdf)
    return report.verdict, "certificate" if report.is_certificate else report.kept


def _in_words(verdict, kept):
    lines = [verdict.sentence, f"SHA-256　{verdict.sha256}"]
    if kept:
        from app.labels import KEPT

        lines.append(KEPT[kept])
    lines += [f"・{signature.field}　{signature.sentence}" for signature in verdict.signatures]
    lines += [f"・{stamp.field}　{stamp.sentence}" for stamp in verdict.time_stamps]
    if verdict.provable_until:
        lines.append(f"証明できる期限　{verdict.provable_until:%Y/%m/%d}")
    return "\n".join(lines)


if __name__ == "__main__":
    cli()
