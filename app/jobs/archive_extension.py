"""長期保管延長, and the renewal of time stamps before they end (T15, R98).

Each document in three steps: claimed, stamped outside any transaction, recorded.  Whatever was cut off is due
again ten minutes later.
"""

from app.extensions import db
from app.services import alerts, renewal, stamping, tsa_generations
from app.services.archive import note_failure
from app.services.strongroom import strongroom


def due(now):
    """Kind of work and number: a new generation of the own authority first, then the documents."""
    found = [("generation", tsa_generations.newest())] if tsa_generations.is_next_due(now) else []
    found += [("order", document_id) for document_id in renewal.extending_by_themselves(now)]
    found += [("extension", document_id) for document_id in renewal.ordered(now)]
    ordered = {number for _, number in found}
    return found + [("renewal", one) for one in renewal.ending_stamps(now) if one not in ordered]


def run_one(work, now):
    """Do one piece; False where somebody else has it or it is done."""
    kind, number = work
    if kind == "generation":
        return _make_generation(number, now)
    if kind == "order":
        ordered = renewal.order_by_itself(number, now)
        db.session.commit()
        return ordered
    taken = renewal.claim(number, now)
    if taken is None:
        return False
    file = stamping.stamp(number, *taken)
    keep = renewal.extend if kind == "extension" else renewal.renew
    keep(number, now, file=file)
    db.session.commit()
    return True


def _make_generation(former, now):
    if not tsa_generations.is_next_due(now):
        return False
    tsa_generations.make_next(former, now)
    db.session.commit()
    strongroom().forget()
    return True


def failed(work, error, now):
    """Note a failure where the operator sees it; the work stays due."""
    kind, number = work
    if kind != "generation":
        note_failure(number, error, now)


def afterwards(now):
    """Tell the operator of what failed, and of what works again."""
    alerts.tell_operators(now)
    db.session.commit()
