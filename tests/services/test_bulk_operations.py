"""一括署名, 一括承認 and 一括受取確認: each document for itself, none twice, whatever happens in between."""

import datetime as dt
import threading

import pytest
from sqlalchemy.exc import OperationalError

from app import queries
from app.clock import japan_date, now
from app.errors import NotFound, OptionMissing, OutOfTurn, Refused, SecretRefused, SigningFailed
from app.extensions import asked_from, db, writing
from app.jobs import bulk_operation, run_job
from app.models import (
    BulkOperation,
    BulkOperationItem,
    CompanyStatus,
    ContractDocument,
    DocumentEvent,
    DocumentSignature,
    ItemState,
    Letter,
    LogEntry,
)
from app.services import (
    bulk_operations,
    bulk_walks,
    certificates,
    delegations,
    documents,
    signing_passwords,
)
from app.services.bulk_operations import Pick, Wish
from app.services.documents import FEE_WARNING
from app.services.strongroom import strongroom
from app.signing.verify import verify
from app.workflow import Action, Role, SignatureMode, Status
from demo import actors

BY_RECEIVER, NO_SIGNATURE = SignatureMode.receiver_only, SignatureMode.no_signature
PASSWORDS = (Letter.signing_password, Letter.signing_password_reissued)
LATER = bulk_walks.LEASE + dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(bulk_walks, "PAUSES", (0, 0))


@pytest.fixture
def with_option(person):
    person("receiver_signer").company.has_bulk_signing = True
    db.session.commit()


@pytest.fixture
def to_sign(make_document, with_option):
    """Three documents that wait for the signer of the receiver."""
    return [make_document(Status.receiver_signature, BY_RECEIVER, title=f"注文請書{number}") for number in (1, 2, 3)]


def picks(made):
    return [Pick(document.id, document.version, document.pdf_sha256) for document in made]


def wish(action, made, **more):
    return Wish(action, picks(made), {document.id for document in made}, **more)


@pytest.fixture
def ask(person):
    """`ask("receiver_signer", wish)`: as the page would, with the right password; committed."""

    def request(who, wanted, token="t", typed=None, at=None):
        user, means = person(who), {}
        if wanted.action is Action.sign:
            link = next(link for link in queries.activations_of(user, now()) if link.activated_at)
            means = {"activation_id": link.id, "typed": typed or actors.secret_mailed(user, *PASSWORDS)}
        with asked_from("192.0.2.7"):
            operation = bulk_operations.request(user, at or now(), wanted, token=token, **means)
        db.session.commit()
        return operation

    return request


def run(moment=None):
    db.session.commit()
    report = run_job("bulk-operation", moment)
    db.session.expire_all()
    return report


def outcome(operation):
    return [item.state for item in operation.items]


DONE, FAILED, WAITING = ItemState.done, ItemState.failed, ItemState.waiting


# -- it works ----------------------------------------------------------------------


@pytest.mark.requirement("R99", "I13", "S17", "R107", "I19")
def test_each_document_is_signed_as_if_by_its_own_page(to_sign, ask, person):
    signer = person("receiver_signer")
    operation = ask("receiver_signer", wish(Action.sign, to_sign, comment="確認済み"))
    assert signer.signing_failures == 0 and run()["done"] == 1
    assert outcome(operation) == [DONE] * 3 and operation.finished_at and operation.claimed_until
    issue = queries.activations_of(signer, now())[0]
    for document in to_sign:
        assert document.status is Status.completion_wait
        assert document.party_of(signer.company_id).comment == "確認済み"
        (row,) = document.signatures
        assert (row.user_id, row.ip_address, row.certificate_id) == (signer.id, "192.0.2.7", issue.certificate_id)
        assert row.signing_password_id == operation.signing_password_id and row.signing_code_id is None
        assert (row.result_sha256, row.signed_sha256) == (document.pdf_sha256, operation.items[document.id - to_sign[0].id].pdf_sha256)
        event = document.events[-1]
        assert (event.action, event.actor, event.on_behalf_of) == (Action.sign, signer, None)
        entry = db.session.query(LogEntry).filter_by(kind="document.sign", document_id=document.id).one()
        assert entry.ip_address == "192.0.2.7"
    strong = strongroom()
    verdict = verify(strong.store.get(to_sign[1].pdf_sha256), strong.roots)
    assert verdict.exit_code == 0 and len(verdict.signatures) == 1
    assert run()["due"] == 0  # finished is finished


@pytest.mark.requirement("I13", "I8")
def test_approvers_of_both_sides_approve_without_any_option(make_document, ask, person):
    made = [make_document(Status.receiver_approval, NO_SIGNATURE) for _ in range(2)]
    own = make_document(Status.receiver_receipt, NO_SIGNATURE)
    operation = ask("receiver_approver", wish(Action.approve, made))
    assert run()["done"] == 1 and outcome(operation) == [DONE] * 2
    assert {document.status for document in made} == {Status.completion_wait}
    assert made[0].party_of(person("receiver_approver").company_id).comment == ""  # none typed, none written over
    assert own.status is Status.receiver_receipt
    sent = [make_document(Status.sender_approval, NO_SIGNATURE) for _ in range(2)]
    assert [one.id for one in bulk_operations.offered(person("approver"), Action.approve).documents] == [one.id for one in sent]


@pytest.mark.requirement("I13", "R60", "R67", "R68")
def test_one_route_for_all_with_the_signer_where_one_signs(make_document, ask, person):
    made = [make_document(Status.receiver_receipt, mode) for mode in (BY_RECEIVER, NO_SIGNATURE)]
    people = {Role.approver: [person("receiver_approver")], Role.signer: [], Role.viewer: [person("receiver_viewer")]}
    with pytest.raises(Refused, match=f"署名者を指定してください。.*{made[0].number}$"):
        ask("recipient", wish(Action.confirm_receipt, made, people=people))
    people[Role.signer] = [person("receiver_signer")]
    operation = ask("recipient", wish(Action.confirm_receipt, made, people=people))
    run()
    assert outcome(operation) == [DONE] * 2
    for document, signers in zip(made, (1, 0), strict=True):
        party = document.party_of(person("recipient").company_id)
        assert [len(party.people(role)) for role in (Role.approver, Role.signer, Role.viewer)] == [1, signers, 1]
        assert document.holder == person("receiver_approver")


@pytest.mark.requirement("R60", "I9")
def test_where_both_pay_it_must_be_acknowledged(make_document, ask, person):
    person("recipient").company.plan = person("registrar").company.plan
    db.session.commit()
    made = [make_document(Status.receiver_receipt, NO_SIGNATURE) for _ in range(2)]
    assert bulk_operations.sharing_fees(made, person("recipient")) == made
    people = {Role.approver: [], Role.signer: [], Role.viewer: []}
    with pytest.raises(Refused, match=FEE_WARNING[:20]):
        ask("recipient", wish(Action.confirm_receipt, made, people=people))
    operation = ask("recipient", wish(Action.confirm_receipt, made, people=people, fee_acknowledged=True))
    run()
    assert outcome(operation) == [DONE] * 2


@pytest.mark.requirement("I13")
def test_a_deputy_acts_in_the_others_place(make_document, ask, person):
    made = [make_document(Status.receiver_approval, NO_SIGNATURE) for _ in range(2)]
    absent, deputy, today = person("receiver_approver"), person("receiver_colleague"), japan_date(now())
    delegations.name_deputy(absent, deputy, today, today + dt.timedelta(days=1), absent, now())
    operation = ask("receiver_colleague", wish(Action.approve, made))
    run()
    assert outcome(operation) == [DONE] * 2
    assert {(document.events[-1].actor, document.events[-1].on_behalf_of) for document in made} == {(deputy, absent)}


@pytest.mark.requirement("I13", "P4")
def test_a_page_reads_no_more_documents_than_it_offers(to_sign, person, monkeypatch):
    monkeypatch.setattr(bulk_operations, "MOST", 2)
    first, _, last = (document.id for document in to_sign)
    chosen = {last, 2**31 - 1}
    db.session.expunge_all()
    offer = bulk_operations.offered(person("receiver_signer"), Action.sign, chosen)
    assert [one.id for one in offer.documents] == [last, first]
    assert (offer.further, offer.missing) == (1, 1)
    assert sum(isinstance(row, ContractDocument) for row in db.session.identity_map.values()) == 2


@pytest.mark.requirement("R99", "R36", "B5")
def test_who_has_signed_many_at_once_can_still_be_taken_from_the_certificate(to_sign, ask, person):
    operation = ask("receiver_signer", wish(Action.sign, to_sign[:2]))
    run()
    certificate = queries.activations_of(person("receiver_signer"), now())[0].certificate
    certificates.link_people(certificate, [person("recipient")], now(), person("receiver_admin"))
    db.session.commit()
    assert certificate.people == [person("recipient")] and outcome(operation) == [DONE] * 2
    assert {document.signatures[0].certificate_id for document in to_sign[:2]} == {certificate.id}


# -- what is refused at once ----------------------------------------------------------


@pytest.mark.requirement("R99", "I11", "S19")
def test_no_option_or_codes_instead_of_passwords_mean_no_bulk_signing(to_sign, ask, person):
    company = person("receiver_signer").company
    for option, by_code, word in ((False, False, "オプション"), (True, True, "署名用コード")):
        company.has_bulk_signing, company.signs_by_code = option, by_code
        db.session.commit()
        with pytest.raises(OptionMissing, match=word) as refused:
            ask("receiver_signer", wish(Action.sign, to_sign), typed="000000")
        assert refused.value.status == 403
    assert db.session.query(BulkOperation).count() == 0 and person("receiver_signer").signing_failures == 0


@pytest.mark.requirement("R99", "I13", "I18")
def test_only_what_waits_for_the_person_as_a_receiver_is_taken(make_document, with_option, ask, person):
    person("signer").company.has_bulk_signing = True
    sent = make_document(Status.sender_signature)
    received = make_document(Status.receiver_signature, BY_RECEIVER)
    assert bulk_operations.offered(person("signer"), Action.sign).documents == []
    for who, document in (("signer", sent), ("signer", received), ("stranger", received)):
        person(who).company.has_bulk_signing = True
        with pytest.raises(OutOfTurn):
            ask(who, wish(Action.sign, [document]), typed="000000")
    assert db.session.query(BulkOperation).count() == 0


@pytest.mark.requirement("I13", "R77", "S8")
def test_none_too_many_not_ticked_and_a_wrong_password_make_nothing(to_sign, ask, person):
    many = [Pick(number, 1, "x") for number in range(1, 52)]
    for wanted, words in (
        (Wish(Action.sign, [], set()), "選択してください"),
        (Wish(Action.sign, many, set(range(1, 52))), "50件まで"),
        (Wish(Action.sign, picks(to_sign), {to_sign[0].id, to_sign[2].id}), f"チェックが入っていない契約文書があります：{to_sign[1].number}$"),
        (wish(Action.sign, to_sign, comment="あ" * 2001), "2,000文字以内"),
    ):
        with pytest.raises(Refused, match=words):
            ask("receiver_signer", wanted)
    assert person("receiver_signer").signing_failures == 0
    with pytest.raises(SecretRefused, match="あと4回"):
        ask("receiver_signer", wish(Action.sign, to_sign), typed="not it")
    assert person("receiver_signer").signing_failures == 1  # one try for all three
    old = [pick._replace(version=pick.version - 1) for pick in picks(to_sign)]
    with pytest.raises(OutOfTurn):
        ask("receiver_signer", Wish(Action.sign, old, {pick.document_id for pick in old}))
    assert db.session.query(BulkOperation).count() == 0 and db.session.query(DocumentSignature).count() == 0


# -- what goes wrong while it runs ------------------------------------------------------


@pytest.mark.requirement("I13", "Q4", "B5")
def test_one_that_moved_on_fails_with_a_sentence_and_the_others_are_done(to_sign, ask, person):
    operation = ask("receiver_signer", wish(Action.sign, to_sign))
    documents.remand(to_sign[1], person("receiver_signer"), now(), reason="日付")
    run()
    assert outcome(operation) == [DONE, FAILED, DONE]
    assert operation.items[1].failure == bulk_walks.MOVED and operation.finished_at
    assert to_sign[1].status is Status.remanded and not to_sign[1].signatures


@pytest.mark.requirement("B5", "R77")
@pytest.mark.parametrize("meanwhile", ["revoked", "unlinked", "option", "reissued", "deleted", "suspended"])
def test_nothing_is_signed_that_the_person_may_no_longer_sign(to_sign, ask, person, meanwhile):
    signer = person("receiver_signer")
    operation = ask("receiver_signer", wish(Action.sign, to_sign[:2]))
    if meanwhile == "revoked":
        certificates.revoke(queries.activations_of(signer, now())[0].certificate, now())
    elif meanwhile == "unlinked":
        certificate = queries.activations_of(signer, now())[0].certificate
        certificates.link_people(certificate, [person("recipient")], now(), person("receiver_admin"))
    elif meanwhile == "option":
        signer.company.has_bulk_signing = False
    elif meanwhile == "reissued":
        signing_passwords.reissue(signer, now())
    elif meanwhile == "deleted":
        signer.active = False
    else:
        signer.company.status = CompanyStatus.suspended
    run()
    assert outcome(operation) == [FAILED] * 2 and operation.finished_at
    words = {"revoked": "失効", "unlinked": "紐付けが解除", "option": "一括署名オプション", "reissued": "再発行", "deleted": "利用者ID", "suspended": "停止"}
    assert all(words[meanwhile] in item.failure for item in operation.items)
    assert db.session.query(DocumentSignature).count() == 0


@pytest.mark.requirement("Q6", "I13")
def test_without_a_time_stamp_it_is_tried_again_and_then_fails_with_nothing_signed(to_sign, ask, monkeypatch):
    operation, asked, make = ask("receiver_signer", wish(Action.sign, to_sign)), [], bulk_walks.signatures.make

    def out_of_order(order):
        asked.append(order.pdf_sha256)
        if len(asked) == 1 or order.pdf_sha256 != to_sign_hashes[0]:
            raise SigningFailed
        return make(order)

    to_sign_hashes = [document.pdf_sha256 for document in to_sign]
    monkeypatch.setattr(bulk_walks.signatures, "make", out_of_order)
    run()
    assert outcome(operation) == [DONE, FAILED, FAILED]  # the first at its second try
    assert [asked.count(one) for one in to_sign_hashes] == [2, 3, 1]  # who did not answer three times is asked less
    assert operation.items[1].failure == SigningFailed.sentence
    assert db.session.query(DocumentSignature).count() == 1


@pytest.mark.requirement("Q4", "I13")
def test_a_commit_that_fails_takes_back_the_claims_new_end_too(make_document, ask, monkeypatch):
    made = [make_document(Status.receiver_approval, NO_SIGNATURE) for _ in range(2)]
    operation, commits, commit = ask("receiver_approver", wish(Action.approve, made)), [], bulk_walks._commit

    def fail_once(walk):
        commits.append(1)
        if len(commits) == 1:
            raise OperationalError("COMMIT", None, Exception("deadlock detected"))
        commit(walk)

    monkeypatch.setattr(bulk_walks, "_commit", fail_once)
    assert run()["done"] == 1 and outcome(operation) == [DONE] * 2


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.requirement("I13", "Q3")
@pytest.mark.parametrize("place", ["after the step, before its commit", "after the file, before the step"])
def test_a_worker_that_dies_is_followed_by_one_that_does_nothing_twice(to_sign, ask, monkeypatch, place):
    operation = ask("receiver_signer", wish(Action.sign, to_sign))
    holder, name = (bulk_walks, "_close") if place.startswith("after the step") else (bulk_walks.documents, "sign")
    kept, calls = getattr(holder, name), []

    def die_at_the_second(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return kept(*args, **kwargs)

    begun = now()
    monkeypatch.setattr(holder, name, die_at_the_second)
    with pytest.raises(Killed):
        run(begun)
    db.session.rollback()
    db.session.expire_all()
    assert outcome(operation) == [DONE, WAITING, WAITING] and operation.finished_at is None
    assert bulk_operation.due(now()) == []  # another worker leaves it alone until the claim runs out
    assert bulk_operation.run_one(operation.id, now()) is False
    assert run(now() + LATER)["done"] == 1
    assert outcome(operation) == [DONE] * 3 and operation.finished_at
    assert [len(document.signatures) for document in to_sign] == [1, 1, 1]
    assert db.session.query(DocumentEvent).filter_by(action=Action.sign).count() == 3


@pytest.mark.requirement("I13", "Q3")
def test_a_worker_whose_claim_was_taken_over_stops_and_leaves_no_trace(to_sign, ask, monkeypatch):
    operation = ask("receiver_signer", wish(Action.sign, to_sign[:2]))
    operation_id, make = operation.id, bulk_walks.signatures.make

    def slow(order):
        monkeypatch.setattr(bulk_walks.signatures, "make", make)
        assert bulk_operation.run_one(operation_id, now() + LATER) is True  # the claim ran out meanwhile
        return make(order)

    monkeypatch.setattr(bulk_walks.signatures, "make", slow)
    assert run()["done"] == 0
    assert outcome(operation) == [DONE] * 2 and [len(one.signatures) for one in to_sign] == [1, 1, 0]


@pytest.mark.requirement("I13", "Q3")
def test_two_operations_over_the_same_documents_sign_each_once(application, to_sign, ask, person):
    first = ask("receiver_signer", wish(Action.sign, to_sign), token="a")
    with pytest.raises(OutOfTurn, match="一括処理中"):  # not offered again
        ask("receiver_signer", wish(Action.sign, to_sign), token="b")
    assert bulk_operations.offered(person("receiver_signer"), Action.sign).documents == []
    second = BulkOperation(  # as if both forms had arrived in the same moment
        token="b", user_id=first.user_id, action=Action.sign, requested_at=now(), activation_id=first.activation_id,
        signing_password_id=first.signing_password_id, choice={},
        items=[BulkOperationItem(position=at, **pick._asdict()) for at, pick in enumerate(picks(to_sign), 1)],
    )  # fmt: skip
    db.session.add(second)
    db.session.commit()
    ids, moment = [first.id, second.id], now()
    db.session.remove()

    def worker(operation_id):
        with application.app_context(), writing():
            bulk_operation.run_one(operation_id, moment)
            db.session.remove()

    threads = [threading.Thread(target=worker, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    states = [[item.state for item in db.session.get(BulkOperation, one).items] for one in ids]
    assert sorted(sorted(pair) for pair in zip(*states, strict=True)) == [[DONE, FAILED]] * 3
    assert db.session.query(DocumentSignature).count() == 3


@pytest.mark.requirement("I18")
def test_an_operation_is_its_persons_own(make_document, ask, person):
    made = [make_document(Status.receiver_approval, NO_SIGNATURE) for _ in range(2)]
    operation = ask("receiver_approver", wish(Action.approve, made))
    assert queries.operation_of(person("receiver_approver"), operation.id) is operation
    for who in ("receiver_admin", "recipient", "admin", "stranger"):
        with pytest.raises(NotFound):
            queries.operation_of(person(who), operation.id)
    assert ask("receiver_approver", wish(Action.approve, made)) is operation  # the same form again
