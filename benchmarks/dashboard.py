"""P4 at scale: both ダッシュボード of a portal with few and with many documents, all of one company.

Run: ``python -m benchmarks.dashboard [NUMBER]``, with the greater number of documents (50,000); the lesser is 1,000.
Seconds of one whole page, the best of three, on SQLite; most of a company's documents are concluded within the year.
"""

import datetime as dt
import json
import sys
import tempfile
import time
import uuid

from app import schema
from app.clock import japan_date, now
from app.extensions import db, writing
from app.models import ContractDocument, DocumentEvent, DocumentParty, PortalUser
from app.queries import dashboard, operator_dashboard, role_rows
from app.services import files, strongroom
from app.services.service_review import FOR_OPERATOR
from benchmarks.archive import CONTRACT, _concluded, _people, portal_in

FEW, TRIES = 1_000, 3
COPIED = (ContractDocument, DocumentParty, DocumentEvent)


def fill(like_id, first, count):
    """Rows of `count` more concluded documents, one every ten minutes of the last year."""
    for table in (model.__table__ for model in COPIED):
        key = table.c.id if table is ContractDocument.__table__ else table.c.document_id
        likes = [dict(row) for row in db.session.execute(db.select(table).where(key == like_id)).mappings()]
        rows = []
        for number in range(first, first + count):
            ago = dt.timedelta(minutes=10 * (number % 50_000))
            for like in likes:
                row = like | ({"id": number} if "number" in like else {"id": number * 100 + like["id"], "document_id": number})
                if "number" in like:
                    row |= {"number": f"X{number:08d}", "registration_token": str(uuid.uuid4()),
                            "conclusion_date": japan_date(now() - ago), "concluded_at": now() - ago}  # fmt: skip
                if "at" in like:
                    row["at"] = like["at"] - ago
                rows.append(row)
        db.session.execute(table.insert(), rows)
    db.session.commit()


def of_company(admin):
    today = japan_date(now())
    return {
        "desk": lambda: dashboard.desk_of(admin, today),
        "steps": lambda: dashboard.step_times_of(admin, now()),
        "months": lambda: dashboard.concluded_by_month(admin, today),
        "endings": lambda: dashboard.endings_of(admin, now(), today),
        "contracts": lambda: dashboard.contracts_ending(admin, today),
        "fees": lambda: (dashboard.open_usage_of(admin), dashboard.statements_of(admin)),
    }


def of_operator():
    today, counted = japan_date(now()), operator_dashboard
    return {
        "statuses": counted.documents_by_status,
        "growth": lambda: counted.growth(today),
        "work": lambda: counted.work(now(), today, FOR_OPERATOR),
        "rest": lambda: (counted.companies_by_plan(), counted.last_runs(), counted.money()),
    }


def best_ms(ask):
    tries = []
    for _ in range(TRIES):
        began = time.perf_counter()
        ask()
        tries.append(time.perf_counter() - began)
    return round(min(tries) * 1000, 1)


def measure(admin):
    for name, asked in (("company", of_company(admin)), ("operator", of_operator())):
        figures = {part: best_ms(ask) for part, ask in asked.items()}
        print(json.dumps({
            "documents": db.session.query(ContractDocument).count(), "page": name, "ms": round(sum(figures.values()), 1),
        } | figures))  # fmt: skip


def main(count):
    with tempfile.TemporaryDirectory() as folder, portal_in(folder).app_context(), writing():
        schema.upgrade()
        strongroom.found(now())
        db.session.commit()
        plan, upload = _people(), files.take_in(CONTRACT.name, CONTRACT.read_bytes())
        admin = db.session.get(PortalUser, plan.registrar.id)
        admin.roles = role_rows("Member", "CompanyAdmin")
        like = _concluded(plan, upload)
        fill(like, 1_000_000, FEW - 1)
        measure(admin)
        fill(like, 2_000_000, count - FEW)
        measure(admin)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 50_000)
