"""The hidden field in which a form carries files that were accepted at an earlier attempt at it."""

from flask import current_app, g
from itsdangerous import BadSignature, URLSafeSerializer


def sealed(facts, what, *of):
    """What the field holds of accepted files, marked as this person's own, so that nobody can name another's.

    :param what: which kind of file, `of`: for which form; another one's seal is not taken
    """
    return _seal(what, of).dumps(facts)


def opened(field, what, *of):
    """The facts that were sealed; None where the field is empty, or somebody forged it, which empties it."""
    try:
        return _seal(what, of).loads(field.data) if field.data else None
    except BadSignature:
        field.data = ""
        return None


def _seal(what, of):
    salt = ":".join([f"kept-{what}", str(g.user.id), *of])
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=salt)
