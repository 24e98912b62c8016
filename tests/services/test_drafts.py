"""自動保存: one draft a person and document, sealed for them, never wiped by another form, gone when it is done."""

import pytest

from app import queries
from app.clock import now
from app.errors import AlreadyRegistered, OutOfTurn, Refused, TooLarge
from app.extensions import db
from app.models import RegistrationDraft
from app.services import documents, drafts, personal_data, registration
from app.services.drafts import NEW
from app.signing.keys import KeyRefused
from app.workflow import SignatureMode

TYPED = {"title": ["資材注文書"], "comment": ["社内の話"], "token": ["t1"], "kept_file": ["sealed"]}


def test_the_newest_typing_of_the_same_form_replaces_the_earlier(person):
    user = person("registrar")
    drafts.save(user, now(), NEW, "t1", TYPED)
    drafts.save(user, now(), NEW, "t1", TYPED | {"title": ["別の件名"]})
    db.session.commit()
    assert drafts.fields_of(db.session.query(RegistrationDraft).one())["title"] == ["別の件名"]
    assert queries.draft_of(person("colleague"), NEW) is None


@pytest.mark.requirement("I4", "S15")
def test_a_draft_opens_for_its_person_and_document_alone(person):
    draft = drafts.save(person("registrar"), now(), NEW, "t1", TYPED)
    db.session.commit()
    assert "社内の話".encode() not in draft.sealed_fields
    for change in ({"user_id": person("colleague").id}, {"about_id": 77}):
        for name, value in change.items():
            setattr(draft, name, value)
        with pytest.raises(KeyRefused):
            drafts.fields_of(draft)
        db.session.refresh(draft)
    assert drafts.fields_of(draft) == TYPED


@pytest.mark.requirement("I4", "Q4")
def test_another_form_wipes_no_draft_and_a_saved_one_makes_none(person, make_document):
    user = person("registrar")
    drafts.save(user, now(), NEW, "t1", TYPED)
    with pytest.raises(OutOfTurn):
        drafts.save(user, now(), NEW, "t2", TYPED)
    with pytest.raises(AlreadyRegistered):
        drafts.save(user, now(), NEW, make_document(mode=SignatureMode.no_signature).registration_token, TYPED)
    for token in ("", "x" * 37):
        with pytest.raises(Refused):
            drafts.save(user, now(), NEW, token, TYPED)
    with pytest.raises(TooLarge):
        drafts.save(user, now(), NEW, "t1", {"comment": ["あ" * 30_000]})


@pytest.mark.requirement("I4", "T1")
def test_a_draft_goes_with_its_own_form_only(person, make_document):
    user = person("registrar")
    drafts.save(user, now(), NEW, "t1", TYPED)
    document = make_document(mode=SignatureMode.no_signature)  # from a form of its own
    assert queries.draft_of(user, NEW) is not None
    drafts.done(user, NEW, "t1")
    assert queries.draft_of(user, NEW) is None
    for end in (registration.send, registration.delete):
        document = make_document(mode=SignatureMode.no_signature)
        drafts.save(user, now(), document.id, "t3", TYPED)
        end(document, user, now())
        db.session.commit()
    assert db.session.query(RegistrationDraft).count() == 0


@pytest.mark.requirement("I4", "T12")
def test_no_draft_outlives_a_withdrawal(person, make_document):
    document = make_document(mode=SignatureMode.no_signature)
    drafts.save(person("registrar"), now(), document.id, "t1", TYPED)
    documents.withdraw(document, person("registrar"), now())
    db.session.commit()
    assert db.session.query(RegistrationDraft).count() == 0


@pytest.mark.requirement("L23", "I4")
def test_drafts_are_in_the_export_and_go_with_the_person(person):
    for who in ("registrar", "colleague"):
        drafts.save(person(who), now(), NEW, "t1", TYPED)
    (exported,) = personal_data.export(person("registrar"), now())["入力中の下書き"]
    assert exported["内容"] == {"title": ["資材注文書"], "comment": ["社内の話"]}
    person("registrar").deleted_at = now()
    personal_data.erase(person("registrar"), person("admin"), now())
    db.session.commit()
    assert [draft.user_id for draft in db.session.query(RegistrationDraft)] == [person("colleague").id]
