"""Let approved プラン変更, オプション申請 and 解約 take effect on their 適用日, and end what leaving companies left open."""

from app import queries
from app.clock import japan_date
from app.extensions import db
from app.models import ServiceApplication
from app.services import service_changes, standing


def due(now):
    """What to do, and the id: first the 申請 whose day has come, then documents nobody can conclude any more."""
    changes = [("change", application.id) for application in queries.service_changes_due(japan_date(now))]
    return changes + [("document", document_id) for document_id in queries.documents_left_behind()]


def run_one(owed, now):
    """Carry out one; False when somebody else was quicker."""
    what, row_id = owed
    if what == "change":
        is_done = service_changes.take_effect(db.session.get(ServiceApplication, row_id), now)
    else:
        is_done = standing.clear_up(row_id, now)
    db.session.commit()
    return is_done
