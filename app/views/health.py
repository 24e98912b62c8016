"""/healthz: whether this process can do its work."""

from flask import Blueprint, jsonify
from sqlalchemy import select

from app.clock import now
from app.extensions import db
from app.models import Plan
from app.services import outbox
from app.services.strongroom import strongroom

blueprint = Blueprint("health", __name__)

OLDEST_LETTER_MINUTES = 30


@blueprint.get("/healthz")
def healthz():
    """200 where the database answers and the keys open; else 503.

    Stuck mail and a token that is away are told, and stop no page (Q5).
    """
    checks = {"database": _works(lambda: db.session.scalar(select(Plan.id).limit(1)))}
    checks["keys"] = _works(lambda: strongroom().authorities)
    well = all(checks.values())
    checks["mail"] = _works(lambda: not outbox.is_stuck(now(), OLDEST_LETTER_MINUTES))
    checks["token"] = _works(lambda: strongroom().token_answers())
    return jsonify(status="ok" if well else "failing", **checks), 200 if well else 503


def _works(check):
    try:
        return bool(check())
    except Exception:
        return False
