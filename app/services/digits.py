"""Six digits on their way to a mail: made, read as people type them, kept only as a keyed hash.

What 署名用パスワード and 署名用コード share; the count of wrong tries too, so that guesses at one count against
the other (S8).
"""

import secrets
import unicodedata

from flask import current_app

from app.errors import SecretLocked, SecretRefused
from app.models import PortalUser
from app.services import tries
from app.services.strongroom import strongroom


def new():
    return f"{secrets.randbelow(10**6):06d}"


def typed(text):
    """Digits as a person typed or pasted them: full-width ones are the same digits, blanks do not count."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def mac(secret, context):
    """What the database keeps of a secret (under the KEK), so that it alone does not tell it."""
    return strongroom().keyring.mac(secret.encode(), context)


def matches(kept, secret, context):
    return kept is not None and strongroom().keyring.mac_matches(kept, secret.encode(), context)


def take_try(user_id, locked):
    """Count one of the person's tries, and commit.

    :param locked: the sentence for a locked person; `{limit}` stands for the number of tries
    :returns: a function that makes the refusal of a wrong one, its sentence ended with what is left:
        :class:`SecretLocked` after the last try
    :raises SecretRefused: locked already
    """
    limit = current_app.config["SECRET_TRIES"]
    left = tries.take(PortalUser.signing_failures, user_id, limit)
    if left is None:
        raise SecretRefused(locked.format(limit=limit))
    if left == 0:
        return lambda sentence: SecretLocked(sentence + locked.format(limit=limit))
    return lambda sentence: SecretRefused(f"{sentence}あと{left}回誤ると、署名の操作がロックされます。")


def give_back_tries(user_id):
    tries.give_back(PortalUser.signing_failures, user_id)


def is_locked(user):
    return user.signing_failures >= current_app.config["SECRET_TRIES"]
