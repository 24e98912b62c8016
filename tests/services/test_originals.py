"""原契約: named by number through the one gate, shown to who may see both, and never by accident dropped."""

import pytest

from app import queries
from app.errors import Refused
from app.services import originals
from app.workflow import SignatureMode, Status

NOBODY = SignatureMode.no_signature


@pytest.mark.requirement("L24", "I4", "S7", "I18")
def test_unknown_foreign_and_not_concluded_get_one_sentence(make_document, person):
    concluded = make_document(Status.completion_wait, mode=NOBODY)
    waiting = make_document(Status.receiver_receipt, mode=NOBODY)
    assert originals.named(person("registrar"), f" {concluded.number.lower()} ") is concluded
    assert originals.named(person("recipient"), concluded.number) is concluded  # either side may amend
    assert originals.named(person("registrar"), " ") is None
    for who, typed in (
        ("registrar", waiting.number), ("registrar", "D99999999"), ("colleague", concluded.number),
        ("stranger", concluded.number), ("recipient", waiting.number),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            originals.named(person(who), typed)
        assert refused.value.sentence == originals.NOT_FOUND


@pytest.mark.requirement("L24", "I4", "I18")
def test_a_link_is_seen_both_ways_by_those_who_may_see_both(make_document, person):
    original = make_document(Status.completion_wait, mode=NOBODY)
    amendment = make_document(mode=NOBODY, original=original)
    assert queries.linked_with(person("registrar"), original) == (None, [amendment])
    assert queries.linked_with(person("registrar"), amendment) == (original, [])
    for who in ("recipient", "receiver_admin", "admin", "viewer", "colleague", "stranger"):  # not sent yet
        assert queries.linked_with(person(who), original) == (None, [])
    sent = make_document(Status.receiver_receipt, mode=NOBODY, original=original)
    assert queries.linked_with(person("recipient"), sent) == (original, [])
    assert queries.linked_with(person("recipient"), original) == (None, [sent])
    assert queries.linked_with(person("stranger"), sent) == (None, [])


@pytest.mark.requirement("L24", "T17")
def test_an_original_that_the_new_registrar_may_not_see_stays(make_document, person):
    original = make_document(Status.completion_wait, mode=NOBODY)
    amendment = make_document(mode=NOBODY, original=original)
    assert originals.named(person("colleague"), "", amendment) is original
    assert originals.named(person("registrar"), "", amendment) is None  # who sees it may take it off


@pytest.mark.requirement("L24")
def test_an_original_that_is_named_is_not_missed(make_document):
    original = make_document(Status.completion_wait, mode=NOBODY)
    assert originals.is_missing(make_document(mode=NOBODY, kind="memorandum"))
    assert not originals.is_missing(make_document(mode=NOBODY, kind="memorandum", original=original))
    assert not originals.is_missing(make_document(mode=NOBODY, kind="order"))
