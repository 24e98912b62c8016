"""Counting tries at a secret: exact under parallel guesses, and never given back by a rollback.

A try is taken by one conditional UPDATE that is committed before the secret is compared; the right
secret gives all tries back.  (S8)
"""

from sqlalchemy import update

from app.extensions import db, writing


def take(counter, row_id, limit):
    """Count one try at a secret, and commit.

    :param counter: the mapped column that counts, such as ``PortalUser.signing_failures``
    :returns: how many tries are left if this one fails, or None where the secret is locked already
    """
    table = counter.class_
    with writing():
        taken = db.session.scalar(
            update(table)
            .where(table.id == row_id, counter < limit)
            .values({counter.key: counter + 1})
            .returning(counter)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return None if taken is None else limit - taken


def give_back(counter, row_id):
    """The secret was right: all tries are there again.  The caller commits."""
    db.session.execute(
        update(counter.class_)
        .where(counter.class_.id == row_id)
        .values({counter.key: 0})
        .execution_options(synchronize_session=False)
    )
