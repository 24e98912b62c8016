"""The scanned 申込書類 of ［紙の申込書から登録］, kept while the rest of the form is put right (I9)."""

from flask import current_app, g
from itsdangerous import BadSignature, URLSafeSerializer

from app.services import applications
from app.services.applications import Evidence

CALLED = "申込書類"


def taken_in(form):
    """The file chosen now, else the one accepted at an earlier attempt at this form; None where there is neither.

    :raises app.errors.Refused: no PDF, or too large; an earlier one stays
    """
    given = form.evidence.data
    if given:
        with given.stream as uploaded:  # large ones lie in a temporary file until closed
            evidence = applications.take_in(given.filename, uploaded.read(), CALLED)
        form.kept_evidence.data = _seal().dumps([evidence.name, evidence.sha256])
        form.evidence.data = None  # it is taken in once
    return kept(form)


def kept(form):
    """The file accepted at an earlier attempt at this form; None where there is none, or somebody forged it."""
    try:
        return Evidence(*_seal().loads(form.kept_evidence.data)) if form.kept_evidence.data else None
    except BadSignature:
        form.kept_evidence.data = ""
        return None


def _seal():
    """Marks a file as this operator's own accepted upload, so that nobody can name another."""
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=f"kept-evidence:{g.user.id}")
