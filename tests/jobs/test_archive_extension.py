"""長期保管延長 and the renewal of time stamps, with the clock moved by years."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy.exc import IntegrityError

from app import queries
from app.clock import now
from app.errors import OutOfTurn, Refused, SigningFailed
from app.extensions import db
from app.jobs import archive_extension, run_job
from app.models import ArchiveExtension, Authority, DocumentEvent, FeeItem, Letter, OutboxMessage, UsageRecord
from app.services import renewal
from app.services.strongroom import strongroom
from app.signing.verify import Outcome, verify
from app.workflow import Action, SignatureMode, Status
from tests.conftest import tool
from tests.independent import independently_valid

JAPAN = ZoneInfo("Asia/Tokyo")
NAME = "archive-extension"
END, TEN_MORE, TWENTY_MORE = dt.date(2037, 1, 15), dt.date(2047, 1, 15), dt.date(2057, 1, 15)


@pytest.fixture
def clock(app):
    with time_machine.travel(dt.datetime(2027, 1, 14, 12, tzinfo=JAPAN), tick=False) as travelling:
        yield travelling
    strongroom().forget()  # the next test's database has the first generation only


@pytest.fixture
def archived(clock, make_document, person):
    """Documents archived on 15 January 2027; the sender's company has the option."""
    person("admin").company.has_archive_extension = True

    def make(mode=SignatureMode.no_signature):
        document = make_document(Status.completion_wait, mode=mode)
        clock.move_to(dt.datetime(2027, 1, 15, 3, tzinfo=JAPAN))
        assert run_job("archive-transfer")["done"] == 1
        db.session.refresh(document)
        return document

    return make


def at(year, month, day, hour=12):
    return dt.datetime(year, month, day, hour, tzinfo=JAPAN)


def judged(sha256):
    return verify(strongroom().store.get(sha256), strongroom().roots)


def order(document, actor, drawn_until):
    made = renewal.order(document, actor, now(), drawn_until)
    db.session.commit()
    return made


@pytest.mark.requirement("R98", "I10", "I15", "T15", "L10")
def test_an_ordered_extension_adds_ten_years_and_a_time_stamp_again_and_again(archived, person, client_of):
    document = archived(SignatureMode.both_sides)
    admin, first = person("admin"), document.pdf_sha256
    for drawn, new, stamps in ((END, TEN_MORE, 2), (TEN_MORE, TWENTY_MORE, 3)):
        order(document, admin, drawn)
        assert document.retained_until == drawn  # the page only orders
        report = run_job(NAME)
        assert (report["due"], report["done"], report["failed"]) == (1, 1, 0)
        db.session.refresh(document)
        assert document.retained_until == new and document.status is Status.archived
        verdict = judged(document.pdf_sha256)
        assert (verdict.outcome, verdict.level, len(verdict.time_stamps)) == (Outcome.valid, "B-LTA", stamps)
    assert run_job(NAME)["due"] == 0
    assert strongroom().store.get(document.pdf_sha256).startswith(strongroom().store.get(first))
    events = [event for event in document.events if event.action is Action.extend]
    assert [event.reason for event in events] == [
        "保管満了日：2037/01/15 → 2047/01/15", "保管満了日：2047/01/15 → 2057/01/15",
    ]  # fmt: skip
    assert {(event.actor_id, event.company_id) for event in events} == {(admin.id, admin.company_id)}
    assert [one.result_sha256 for one in document.extensions] == [event.pdf_sha256 for event in events]
    charged = db.select(UsageRecord.company_id).filter_by(item=FeeItem.archive_extension)
    assert db.session.scalars(charged).all() == [admin.company_id] * 2
    own, other = (client_of(who).get(f"/documents/{document.id}").text for who in ("registrar", "recipient"))
    for page in (own, other):
        assert page.count("2037/01/15 → 2047/01/15") == 2 and "2057/01/15" in page
    assert admin.full_name in own and admin.full_name not in other


@pytest.mark.requirement("I15", "T15")
def test_two_clicks_and_two_companies_make_one_extension(archived, person):
    document = archived()
    person("receiver_admin").company.has_archive_extension = True
    order(document, person("admin"), END)
    for who in ("admin", "receiver_admin"):
        with pytest.raises(OutOfTurn):
            renewal.order(document, person(who), now(), END)
    db.session.add(ArchiveExtension(document=document, company_id=document.sender.company_id, asked_at=now(), old_until=END, new_until=TEN_MORE))
    with pytest.raises(IntegrityError):  # of two in the same moment the database lets one through
        db.session.flush()
    db.session.rollback()
    assert run_job(NAME)["done"] == 1
    with pytest.raises(OutOfTurn):
        renewal.order(document, person("receiver_admin"), now(), END)  # a page drawn before
    db.session.rollback()
    db.session.refresh(document)
    assert document.retained_until == TEN_MORE


@pytest.mark.requirement("I15", "T15", "R98")
def test_who_may_not_extend_and_when_it_is_too_late(archived, person, clock):
    document = archived()
    for who in ("registrar", "receiver_admin"):  # no 管理用ID; a company without the option
        with pytest.raises(Refused, match="長期保管延長オプション"):
            renewal.order(document, person(who), now(), END)
    clock.move_to(at(2037, 1, 16, 0))
    assert not renewal.may_extend(document, person("admin"), now())
    with pytest.raises(Refused, match="満了している"):
        renewal.order(document, person("admin"), now(), END)
    assert db.session.query(ArchiveExtension).count() == 0


@pytest.mark.requirement("I15", "T15", "T16")
def test_what_was_ordered_on_the_last_day_is_done_also_on_the_next(archived, person, clock):
    document = archived()
    clock.move_to(at(2037, 1, 15, 23))
    order(document, person("admin"), END)
    clock.move_to(at(2037, 1, 16, 8))
    run_job("archive-expiry")
    assert run_job(NAME)["failed"] == 0
    db.session.refresh(document)
    assert (document.status, document.retained_until) == (Status.archived, TEN_MORE)


@pytest.mark.requirement("R98", "T15")
def test_a_company_may_have_its_archive_extended_by_itself(archived, person, clock):
    document = archived()
    assert ("order", document.id) not in archive_extension.due(at(2036, 9, 1))
    assert db.session.query(ArchiveExtension).count() == 0  # the option alone does nothing by itself
    person("admin").company.extends_by_itself = True
    db.session.commit()
    clock.move_to(at(2036, 6, 28))  # 201 days before
    run_job(NAME)
    assert db.session.query(ArchiveExtension).count() == 0
    clock.move_to(at(2036, 6, 29))
    for _ in range(3):
        assert run_job(NAME)["failed"] == 0
    (made,) = db.session.query(ArchiveExtension).all()
    assert made.asked_by is None and made.done_at is not None
    db.session.refresh(document)
    assert document.retained_until == TEN_MORE
    assert run_job("archive-expiry", at(2036, 9, 1))["due"] == 0  # no notice of what has happened


@pytest.mark.requirement("R98", "I14", "I15")
def test_renewed_in_time_a_contract_is_provable_for_twenty_years_and_more(archived, clock, person):
    """2027 archive, 2036 renewal by a new generation, 2046 another: valid; without them not."""
    document = archived(SignatureMode.both_sides)
    first = document.pdf_sha256
    assert document.archive_record.provable_until.year == 2037
    clock.move_to(at(2035, 6, 1))
    run_job(NAME)  # in time for the next generation, too early for a renewal
    db.session.refresh(document)
    assert document.pdf_sha256 == first
    assert {row.generation for row in db.session.query(Authority).filter_by(name="tsa")} == {1, 2}
    for year in (2037, 2046):
        clock.move_to(at(year, 1, 10))
        if year == 2037:
            order(document, person("admin"), END)
        before = document.pdf_sha256
        for _ in range(2):
            assert run_job(NAME)["failed"] == 0
        db.session.refresh(document)
        assert document.pdf_sha256 != before
        assert judged(document.pdf_sha256).outcome is Outcome.valid
        assert judged(document.pdf_sha256).provable_until.year > year + 3
    assert document.retained_until == TEN_MORE  # a renewal moves nothing
    assert [event.action for event in document.events][-2:] == [Action.extend, Action.renew]
    clock.move_to(at(2050, 1, 10))
    assert judged(document.pdf_sha256).outcome is Outcome.valid
    assert judged(first).outcome is Outcome.unjudged
    tool("qpdf")
    independently_valid(strongroom().store.get(document.pdf_sha256), _root_pem())


def _root_pem():
    from cryptography.hazmat.primitives.serialization import Encoding

    return strongroom().authorities.root.certificate.public_bytes(Encoding.PEM)


@pytest.mark.requirement("I14")
def test_a_given_up_algorithm_is_replaced_and_what_it_stamped_stamped_again(archived, app, monkeypatch):
    document = archived()
    first = document.pdf_sha256
    assert document.archive_record.stamp_algorithm == "p_256" and run_job(NAME)["due"] == 0
    monkeypatch.setitem(app.config, "ALGORITHM_ENDS", {"p_256": dt.date(2030, 3, 31)})
    monkeypatch.setitem(app.config, "KEY_KIND", "rsa_3072")
    run_job(NAME)  # the next generation
    run_job(NAME)
    db.session.refresh(document)
    assert document.pdf_sha256 != first and document.archive_record.stamp_algorithm == "rsa_3072"
    assert judged(document.pdf_sha256).outcome is Outcome.valid
    assert run_job(NAME)["due"] == 0


@pytest.mark.requirement("I14", "I15")
def test_a_failure_is_told_once_a_day_retried_and_told_as_over(archived, person, clock, monkeypatch):
    document = archived()
    order(document, person("admin"), END)

    def away(*args):
        raise SigningFailed("no answer")

    with monkeypatch.context() as patched:
        patched.setattr(type(strongroom().desk), "archive", away)
        assert run_job(NAME)["failed"] == 1
        assert archive_extension.run_one(("extension", document.id), now()) is False  # left alone for a while
        clock.shift(dt.timedelta(minutes=11))
        assert run_job(NAME)["failed"] == 1
    letters = db.session.query(OutboxMessage).filter_by(letter=Letter.archive_alert).all()
    assert [letter.to_address for letter in letters] == ["operator@portal.example"]
    assert "no answer" in letters[0].facts["listed"][0]["what"]
    db.session.refresh(document)
    assert document.retained_until == END
    clock.shift(dt.timedelta(minutes=11))
    assert run_job(NAME)["done"] == 1
    assert document.archive_record.failure == ""
    last = db.session.query(OutboxMessage).order_by(OutboxMessage.id.desc()).first()
    assert last.letter is Letter.archive_recovered and "異常はありません" in last.facts["listed"][0]["what"]


@pytest.mark.requirement("I15")
def test_two_runners_stamp_a_document_once(archived, person):
    document = archived()
    order(document, person("admin"), END)
    assert renewal.claim(document.id, now()) is not None
    assert archive_extension.run_one(("extension", document.id), now()) is False
    assert db.session.query(DocumentEvent).filter_by(action=Action.extend).count() == 0


def test_the_next_generation_is_made_once_and_published(clock, client_of):
    clock.move_to(at(2033, 1, 10))
    assert archive_extension.due(now())[0] == ("generation", 1)
    assert run_job(NAME)["done"] == 1 and run_job(NAME)["due"] == 0
    assert archive_extension.run_one(("generation", 1), now()) is False
    client = client_of("anonymous")
    assert [client.get(f"/pki/tsa-ca-{number}.cer").status_code for number in (1, 2, 3)] == [200, 200, 404]


def test_operators_are_whoever_has_the_role(person):
    assert queries.operators() == [person("operator")]
