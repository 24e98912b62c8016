"""P2 at scale: transfer, renewal and finding the work, in an archive of few and of many documents.

Run: ``python -m benchmarks.archive [NUMBER]``, with the number of other archived documents (20,000).  CPU time of one
process, on SQLite; what counts is the ratio of the two lines, which must stay near one.
"""

import base64
import datetime as dt
import json
import os
import sys
import tempfile
import time
import uuid
from pathlib import Path

import config
from app import create_app, schema
from app.clock import now
from app.extensions import db, writing
from app.jobs import archive_check, archive_expiry, archive_extension, archive_transfer
from app.models import ArchiveRecord, Condition, ContractDocument, DocumentKind, PortalUser
from app.plans import PlanKind
from app.queries import role_rows
from app.services import companies, files, strongroom
from app.services.registration import Facts
from app.workflow import SignatureMode, Status
from demo import actors
from demo.actors import Plan

CONTRACT = Path(__file__).parent.parent / "demo" / "contracts" / "safety-cover-letter.pdf"
A_DAY = dt.timedelta(days=1)
DOCUMENTS = 10  # measured in each of the two archives


def portal_in(folder, key_kind="p_256"):
    """An empty portal on SQLite, with its files in a folder."""
    return create_app(config.Test({
        "PORTAL_SECRET_KEY": "a key for measurements only, longer than 32 bytes",
        "PORTAL_KEK": base64.b64encode(os.urandom(32)).decode(),
        "PORTAL_DATABASE_URL": f"sqlite:///{folder}/portal.db",
        "PORTAL_STORAGE_URL": Path(folder, "files").as_uri(),
        "PORTAL_KEY_KIND": key_kind,
    }))  # fmt: skip


def _people():
    made = []
    for name, plan in (("発出", PlanKind.one_side), ("受領", PlanKind.partner)):
        company = companies.found_company(name, plan, now())
        user = PortalUser(full_name=name, company=company, mail_address=f"{plan}@x.example")
        companies.enrol(user, now(), roles=role_rows("Member"))
        made.append(user)
    db.session.commit()
    return Plan(registrar=made[0], recipient=made[1])


def _concluded(plan, upload):
    facts = Facts(title="送付状", kind=DocumentKind.other, mode=SignatureMode.no_signature)
    document = actors.register(plan, facts, upload)
    actors.walk(document, plan, Status.completion_wait)
    return document.id


def _fill(like_id, count):
    """Rows of `count` archived documents, nothing of which is due."""
    like = db.session.execute(db.select(ContractDocument.__table__).where(ContractDocument.id == like_id)).mappings().one()
    of_it = db.session.execute(
        db.select(ArchiveRecord.__table__).where(ArchiveRecord.document_id == like_id)
    ).mappings().one()  # fmt: skip
    first = 1_000_000
    db.session.execute(ContractDocument.__table__.insert(), [
        dict(like) | {"id": first + n, "number": f"X{n:08d}", "registration_token": str(uuid.uuid4())} for n in range(count)
    ])  # fmt: skip
    db.session.execute(ArchiveRecord.__table__.insert(), [
        dict(of_it) | {"id": first + n, "document_id": first + n, "condition": Condition.sound, "attempted_at": None,
                       "renew_on": dt.date(2036, 1, 1), "check_due_at": now() + dt.timedelta(days=20)}
        for n in range(count)
    ])  # fmt: skip
    db.session.commit()


def _cpu_ms(work, times=1):
    begun = time.process_time()
    work()
    return round((time.process_time() - begun) * 1000 / times, 2)


def _measure(plan, upload):
    ids = [_concluded(plan, upload) for _ in range(DOCUMENTS)]
    tomorrow = now() + A_DAY

    def each(work):
        for document_id in ids:
            work(document_id)

    figures = {"transfer_ms": _cpu_ms(lambda: each(lambda one: archive_transfer.run_one(one, tomorrow)), DOCUMENTS)}
    renew = lambda one: archive_extension.run_one(("renewal", one), tomorrow)  # noqa: E731
    figures["renewal_ms"] = _cpu_ms(lambda: each(renew), DOCUMENTS)
    figures["check_ms"] = _cpu_ms(lambda: each(lambda one: archive_check.run_one(one, tomorrow)), DOCUMENTS)
    for job in (archive_transfer, archive_extension, archive_check, archive_expiry):
        figures[f"due_{job.__name__.rpartition('.')[2]}_ms"] = _cpu_ms(lambda job=job: [job.due(tomorrow) for _ in range(20)], 20)
    return ids, figures


def main(count):
    with tempfile.TemporaryDirectory() as folder, portal_in(folder).app_context(), writing():
        schema.upgrade()
        strongroom.found(now())
        db.session.commit()
        plan, upload = _people(), files.take_in(CONTRACT.name, CONTRACT.read_bytes())
        _measure(plan, upload)  # warms up
        (first, *_), few = _measure(plan, upload)
        print(json.dumps({"documents": DOCUMENTS * 2} | few))
        _fill(first, count)
        _, many = _measure(plan, upload)
        print(json.dumps({"documents": DOCUMENTS * 3 + count} | many))
        print(json.dumps({"ratio": {name: round(many[name] / few[name], 2) for name in few}}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
