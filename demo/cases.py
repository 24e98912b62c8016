"""案件管理 in the demo: 株式会社あおば建設 gathers its documents under two 案件 (R96, R97)."""

import datetime as dt

from app import queries
from app.clock import now
from app.extensions import db
from app.models import DocumentKind
from app.services import cases
from app.services.cases import Wish

SITE_CASE = Wish(
    "2026-A-001", "青葉台複合施設新築工事", "青葉台複合施設新築工事", "東京都中央区青葉台町一丁目", dt.date(2026, 12, 7), dt.date(2027, 3, 31),
    note="資材の注文は、別の案件（2026-B-014）にまとめています。",
)  # fmt: skip
ORDERS = frozenset({DocumentKind.order, DocumentKind.order_acceptance})
ORDERS_CASE = Wish("2026-B-014", "青葉台複合施設　資材の調達", "青葉台複合施設新築工事", "東京都中央区青葉台町一丁目", dt.date(2026, 12, 1))


def plant(people):
    """Two 案件: the orders of the site in the second, its other documents in the first; committed.

    What the company receives waits for somebody to choose its 案件 at 受取.
    """
    admin = people["青木 健一"]
    admin.company.has_case_at_registration = admin.company.has_case_at_receipt = True
    site = cases.save(admin, now(), _of(SITE_CASE, admin))
    orders = cases.save(admin, now(), _of(ORDERS_CASE, people["大野 由紀"]))
    for document in db.session.scalars(queries.documents_of(admin)).all():
        if document.sender.company is admin.company:
            cases.choose(document, admin, (orders if document.kind in ORDERS else site).number)
    db.session.commit()


def _of(wish, person):
    return Wish(**vars(wish) | {"person_code": person.user_code})
