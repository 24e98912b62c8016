"""Q11: renewing the time stamps of many archived contracts: `python -m benchmarks.renewal [NUMBER]`.

Each of NUMBER (300) documents has a contract with two signatures and an archival time stamp, RSA-3072 as by default; the
night's job gives each a further one, checks it into the future and keeps the new file, on SQLite and a folder.  CPU
time of one process, and what 10,000 of them take on two cores: the goal is two hours.
"""

import json
import sys
import tempfile
import time
import uuid

from app import schema
from app.clock import now
from app.extensions import db, writing
from app.jobs import archive_extension, archive_transfer
from app.models import ArchiveRecord, ContractDocument, DocumentParty
from app.services import files, strongroom
from app.signing import authorities as pki
from app.signing.fields import FieldSpec, place_fields
from app.signing.intake import Limits, receive
from app.signing.keys import KeyKind, new_key
from app.workflow import SignatureMode
from benchmarks import archive
from benchmarks.signing import CONTRACT

GOAL_SECONDS = 2 * 60 * 60
FILES, CORES = 10_000, 2


def signed_and_archived():
    """The SHA-256 of a stored contract, signed by two and time-stamped."""
    strong, urls = strongroom.strongroom(), pki.PkiUrls.under("https://portal.example/pki")
    pdf = receive(CONTRACT.read_bytes(), Limits(20 * 1024 * 1024, 1000)).pdf
    pdf = place_fields(pdf, [FieldSpec("sender"), FieldSpec("receiver-1")])
    for number, field in enumerate(("sender", "receiver-1"), 1):
        key = new_key(KeyKind.rsa_3072)
        subject = pki.Subject("株式会社みなと建設", f"JC-{number:08d}")
        certificate = pki.issue_signer(strong.authorities.signers_ca, key.public_key(), subject, now(), urls)
        pdf = strong.desk.sign(pdf, key=key, certificate=certificate, field=field)
    return strong.store.put(strong.desk.archive(pdf))


def fill(like_id, sha256, count):
    """Rows of `count` archived documents whose time stamps are to be renewed; their numbers."""
    ids = range(1_000_000, 1_000_000 + count)
    for table, key, changes in (
        (ContractDocument.__table__, "id", {"pdf_sha256": sha256, "mode": SignatureMode.both_sides}),
        (ArchiveRecord.__table__, "document_id", {"attempted_at": None}),
    ):
        like = dict(db.session.execute(db.select(table).where(table.c[key] == like_id)).mappings().one()) | changes
        db.session.execute(table.insert(), [like | _own(table, key, one) for one in ids])
    parties = DocumentParty.__table__
    likes = db.session.execute(db.select(parties).where(parties.c.document_id == like_id)).mappings().all()
    own = [{name: value for name, value in one.items() if name != "id"} for one in likes]
    db.session.execute(parties.insert(), [one | {"document_id": number} for number in ids for one in own])
    db.session.commit()
    return ids


def _own(table, key, number):
    if key == "id":
        return {"id": number, "number": f"X{number:08d}", "registration_token": str(uuid.uuid4())}
    return {"id": number, "document_id": number}


def main(count):
    with tempfile.TemporaryDirectory() as folder, archive.portal_in(folder, "rsa_3072").app_context(), writing():
        schema.upgrade()
        strongroom.found(now())
        db.session.commit()
        plan, upload = archive._people(), files.take_in(archive.CONTRACT.name, archive.CONTRACT.read_bytes())
        first = archive._concluded(plan, upload)
        tomorrow = now() + archive.A_DAY
        assert archive_transfer.run_one(first, tomorrow)
        ids = fill(first, signed_and_archived(), count)
        begun, cpu_begun = time.monotonic(), time.process_time()
        done = sum(bool(archive_extension.run_one(("renewal", one), tomorrow)) for one in ids)
        cpu, wall = time.process_time() - cpu_begun, time.monotonic() - begun
        assert done == count, f"{done} of {count} renewed"
        each = cpu / count
        print(json.dumps({
            "renewed": done, "cpu_ms_each": round(each * 1000, 1), "wall_ms_each": round(wall / count * 1000, 1),
            "10000_on_2_cores_minutes": round(each * FILES / CORES / 60, 1),
            "of_the_goal": round(each * FILES / CORES / GOAL_SECONDS, 3),
        }))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
