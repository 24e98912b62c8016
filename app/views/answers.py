"""How a handler gets its document and ends its work."""

from flask import current_app, flash, g, redirect, request, url_for

from app import queries
from app.errors import Gone, NotFound, OutOfTurn, PortalError
from app.extensions import db
from app.workflow import CONCLUDED, WITH_REGISTRAR

MOST_PAGES = 1_000_000


def acting_person():
    """The person of the request as a row, for verbs that write it into other rows."""
    return g.user._get_current_object()


def page_number():
    """The page of a list that is asked for, from 1."""
    return max(1, min(request.args.get("page", 1, type=int), MOST_PAGES))


def own_document(document_id):
    """The document, where the person may see it; on POST also not older than the page it came from."""
    document = queries.document_of(g.user, document_id)
    if request.method == "POST" and request.form.get("version") != str(document.version):
        raise OutOfTurn
    return document


def may_open_pdf(document):
    return queries.may_open_pdf(g.user, document, current_app.config["ADMIN_OPENS_PDF"])


def own_pdf(document_id):
    """The document, where the person may see what its file shows, on whichever page (I18)."""
    document = own_document(document_id)
    if not may_open_pdf(document):
        raise NotFound
    if document.is_disposed:
        raise Gone
    return document


def own_draft(document_id):
    """The document, where it is with this person as its registrar."""
    document = own_document(document_id)
    if document.status not in WITH_REGISTRAR or document.holder_id != g.user.id:
        raise OutOfTurn
    return document


def own_concluded(typed_id):
    """The concluded document an address names, where the person may see it."""
    document = queries.document_of(g.user, int(typed_id)) if queries.is_id(typed_id) else None
    if document is None or document.status not in CONCLUDED:
        raise NotFound
    return document


def done(message, target):
    """Commit what the verb did, and go on."""
    db.session.commit()
    flash(message, "success")
    return redirect(target)


NEXT_TASK = "next_task"  # a category of flashed messages: the page that shows マイリスト names what waits next


def done_with_turn(message):
    """Like :func:`done`, back to マイリスト, where the next waiting document is one click away."""
    flash("", NEXT_TASK)
    return done(message, url_for("MyListView.index"))


def refuse(form, refusal):
    """Undo, and put the sentence of a refusal at the head of the form the person sees again.

    :returns: the HTTP status to answer with
    """
    db.session.rollback()
    form.form_errors.append(refusal.sentence)
    return refusal.status


def submitted(form, verb, *, but=()):
    """What comes of the one form of a page: the reply of its verb, or the status to show the form with again.

    :param verb: called with nothing once the form is in order; its reply is the page's
    :param but: refusals that are none of the form's and get a page of their own
    :returns: (reply, status); the reply is None while nothing was posted, and where form or verb refused.  Rows read
        before may then have changed, unless the status is 200
    """
    if not form.is_submitted():
        return None, 200
    if not form.validate():
        return None, 422
    try:
        return verb(), 200
    except but:
        raise
    except PortalError as refusal:
        return None, refuse(form, refusal)


def codes(typed):
    """利用者IDs as typed into one field, separated by blanks or commas."""
    return (typed or "").replace(",", " ").replace("、", " ").split()
