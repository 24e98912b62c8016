"""P1 for 一括署名: CPU of one document of an operation, against signing alone and the least that any program must do.

Run: ``python -m benchmarks.bulk [NUMBER]``, with the number of documents of one operation (20).  On SQLite, CPU time of
one process; the limit is SHA-256 over the file and two private-key operations, as in :mod:`benchmarks.signing`.
"""

import hashlib
import json
import sys
import tempfile
import time

from app import queries, schema
from app.clock import now
from app.extensions import db, writing
from app.jobs import bulk_operation
from app.models import DocumentKind, Letter, PortalUser
from app.plans import PlanKind
from app.queries import role_rows
from app.services import bulk_operations, certificates, companies, files, seals, signatures, strongroom
from app.services.bulk_operations import Pick, Wish
from app.services.registration import Facts
from app.signing.keys import sign_sha256
from app.workflow import Action, SignatureMode, Status
from benchmarks.archive import portal_in
from benchmarks.signing import CONTRACT, cpu_seconds
from demo import actors
from demo.actors import Plan


def _people():
    made, roles = [], role_rows("Member")
    for name, plan in (("発出", PlanKind.one_side), ("受領", PlanKind.partner)):
        company = companies.found_company(name, plan, now())
        company.has_bulk_signing = True
        user = PortalUser(full_name=name, company=company, mail_address=f"{plan}@x.example")
        companies.enrol(user, now(), roles=roles)
        actors.choose_password(user, "Test-1234")
        made.append(user)
    signer = made[1]
    certificates.issue(signer.company, [signer], signer, now())
    db.session.commit()
    actors.activate(signer, actors.secret_mailed(signer, Letter.certificate_pin), "Test-1234")
    return Plan(registrar=made[0], recipient=signer, receiver_signer=signer)


def _waiting(plan, upload, count):
    made = []
    for number in range(count):
        facts = Facts(title=f"注文請書{number}", kind=DocumentKind.order_acceptance, mode=SignatureMode.receiver_only)
        document = actors.register(plan, facts, upload)
        actors.walk(document, plan, Status.receiver_signature)
        made.append(document)
    return made


def _run(signer, made, token):
    link = queries.activations_of(signer, now())[0]
    picks = [Pick(one.id, one.version, one.pdf_sha256) for one in made]
    operation = bulk_operations.request(
        signer, now(), Wish(Action.sign, picks, {one.id for one in made}), token=token, activation_id=link.id,
        typed=actors.secret_mailed(signer, Letter.signing_password),
    )  # fmt: skip
    db.session.commit()
    operation_id, begun = operation.id, time.process_time()
    assert bulk_operation.run_one(operation_id, now())
    seconds = time.process_time() - begun
    assert {item.state.value for item in queries.operation_of(signer, operation_id).items} == {"done"}
    return seconds / len(made)


def main(count):
    with tempfile.TemporaryDirectory() as folder, portal_in(folder).app_context(), writing():
        schema.upgrade()
        strongroom.found(now())
        db.session.commit()
        seals.found(now())
        db.session.commit()
        plan, upload = _people(), files.take_in(CONTRACT.name, CONTRACT.read_bytes())
        signer = plan.receiver_signer
        _run(signer, _waiting(plan, upload, 2), "warm")
        one_by_one = _waiting(plan, upload, 5)
        begun = time.process_time()
        for document in one_by_one:
            actors.sign(document, signer)
            db.session.commit()
        alone = (time.process_time() - begun) / len(one_by_one)
        bulk = _run(signer, _waiting(plan, upload, count), "measured")
        pdf = strongroom.strongroom().store.get(_waiting(plan, upload, 1)[0].pdf_sha256)
        key = signatures.means_of(signer, queries.activations_of(signer, now())[0].id, now()).key
        limit = cpu_seconds(lambda: hashlib.sha256(pdf).digest()) + 2 * cpu_seconds(lambda: sign_sha256(key, b"x" * 32))
        print(json.dumps({
            "documents": count, "file_bytes": len(pdf), "limit_ms": round(limit * 1000, 3), "alone_ms": round(alone * 1000, 1),
            "bulk_ms": round(bulk * 1000, 1), "bulk_to_alone": round(bulk / alone, 2), "ratio_to_limit": round(bulk / limit, 1),
        }))  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
