"""The scanned 申込書類 of ［紙の申込書から登録］, kept while the rest of the form is put right (I9)."""

from app.services import applications
from app.services.applications import Evidence
from app.views.kept_files import opened, sealed

CALLED = "申込書類"


def taken_in(form):
    """The file chosen now, else the one accepted at an earlier attempt at this form; None where there is neither.

    :raises app.errors.Refused: no PDF, or too large; an earlier one stays
    """
    given = form.evidence.data
    if given:
        with given.stream as uploaded:  # large ones lie in a temporary file until closed
            evidence = applications.take_in(given.filename, uploaded.read(), CALLED)
        form.kept_evidence.data = sealed([evidence.name, evidence.sha256], "evidence")
        form.evidence.data = None  # it is taken in once
    return kept(form)


def kept(form):
    """The file accepted at an earlier attempt at this form; None where there is none, or somebody forged it."""
    facts = opened(form.kept_evidence, "evidence")
    return Evidence(*facts) if facts else None
