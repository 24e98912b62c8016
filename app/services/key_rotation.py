"""Replacing the key-encryption key: every sealed value goes from older KEKs to the newest one.

In batches, each its own transaction, so that it can be killed and repeated while the portal is in use.
Macs, of signing passwords and codes, cannot be re-made without the secret; they run out within days.
"""

from flask_appbuilder import Model
from sqlalchemy import LargeBinary, func, select, update

from app.extensions import db, writing
from app.services import certificates, drafts, outbox, second_factor, strongroom
from app.signing.keys import KeyRefused

BATCH_ROWS = 100
SEALED = (
    *strongroom.SEALED,
    *certificates.SEALED,
    *drafts.SEALED,
    *outbox.SEALED,
    *second_factor.SEALED,
)


def rotate():
    """Re-seal all that is not under the newest KEK; commits.

    :returns: by column how many values were re-sealed, and how many opened under no KEK and were left as
        they are; and by column how many macs still need an older KEK
    """
    keyring = strongroom.strongroom().keyring
    return {
        "newest_kek": keyring.current,
        "columns": {_name(sealed.column): _rotate_column(sealed, keyring) for sealed in SEALED},
        "running_out": {str(column): _count_older(column, keyring) for column in _macs()},
    }


def _name(column):
    return f"{column.class_.__tablename__}.{column.key}"


def _rotate_column(sealed, keyring):
    row_id, counts = sealed.column.class_.id, {"resealed": 0, "refused": 0}
    is_older = func.substr(sealed.column, 2, 4, type_=LargeBinary) != keyring.mark
    last_id = 0
    while True:
        with writing():
            rows = db.session.scalars(
                select(sealed.column.class_)
                .where(row_id > last_id, sealed.column.is_not(None), is_older)
                .order_by(row_id)
                .limit(BATCH_ROWS)
            ).all()
            for row in rows:
                last_id = row.id
                outcome = _reseal(sealed, row, keyring)
                if outcome:
                    counts[outcome] += 1
            db.session.commit()
        if not rows:
            return counts


def _reseal(sealed, row, keyring):
    """What became of one value; None where it was changed or erased meanwhile, which wins."""
    old = getattr(row, sealed.column.key)
    try:
        new = keyring.rewrap(old, sealed.context(row))
    except KeyRefused:
        return "refused"
    changed = db.session.execute(
        update(sealed.column.class_)
        .where(sealed.column.class_.id == row.id, sealed.column == old)
        .values({sealed.column.key: new})
        .execution_options(synchronize_session=False)
    ).rowcount
    return "resealed" if changed else None


def _macs():
    return [
        column
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, LargeBinary) and (column.name == "mac" or column.name.endswith("_mac"))
    ]


def _count_older(column, keyring):
    """The mac of a secret that is void may count too, until a job erases it."""
    return db.session.scalar(
        select(func.count()).where(column.is_not(None), func.substr(column, 1, 4, type_=LargeBinary) != keyring.mark)
    )
