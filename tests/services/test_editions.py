"""What is kept of each 発信, who was shown which round, and what differs between two of them."""

import html
import io
import re
import zlib

import pikepdf
import pytest

from app import queries
from app.clock import now
from app.errors import NotFound
from app.extensions import db
from app.labels import PAIR_STATE
from app.models import SentEdition
from app.services import attachments, documents, editions, files, registration
from app.services.registration import Facts
from app.signing.intake import Limits, page_rows, receive
from app.workflow import Side, SignatureMode, Status
from demo import actors
from tests import pdfs
from tests.conftest import kept_file

NO_SIGNATURE = SignatureMode.no_signature
pytestmark = pytest.mark.requirement("T11", "I18")


def redrawn(pdf, page=0, box="100 700 40 12", without=None, again=0):
    """A PDF with a black box drawn on one page, a page taken out, or pages repeated at its end."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        if box:
            opened.pages[page].contents_add(f"q 0 g {box} re f Q".encode())
        if without is not None:
            del opened.pages[without]
        for _ in range(again):
            opened.pages.append(opened.pages[0])
        out = io.BytesIO()
        opened.save(out)
    return out.getvalue()


@pytest.fixture
def correct(app):
    """Send a remanded document again, corrected; the recipient may be another's."""

    def send_again(document, pdf=None, recipient=None, **facts):
        upload = files.take_in("corrected.pdf", pdf) if pdf else None
        actors.correct(document, upload, recipient, **facts)

    return send_again


def remand(document):
    documents.remand(document, document.holder, now(), reason="金額をご確認ください。")
    db.session.commit()


def test_each_sending_is_kept_as_it_was(make_document, correct, person):
    document = make_document(Status.receiver_receipt, NO_SIGNATURE, message="よろしくお願いします。")
    remand(document)
    correct(document, amount_yen=2_000_000)
    first, second = queries.editions_of(person("registrar"), document)
    assert (first.revision, second.revision) == (1, 2) and first.sent_at < second.sent_at == document.sent_at
    assert dict(first.facts)["契約金額(税込)"] == "1,848,000円" and dict(second.facts)["契約金額(税込)"] == "2,000,000円"
    changes = editions.latest_changes(person("recipient"), document)
    assert [fact.name for fact in changes.changed_facts] == ["契約金額(税込)"]
    assert not changes.has_new_file and {pair.state for pair in editions.page_pairs(changes)} == {"same"}


def test_every_fact_that_both_companies_read_is_compared(make_document, client_of):
    """A fact that is new on the page must not be missing here."""
    document = make_document(Status.receiver_receipt, NO_SIGNATURE, message="ご確認ください。", is_disclosure=True)
    document.is_construction = True
    db.session.commit()
    page = client_of("recipient").get(f"/documents/{document.id}").text
    card = page.split("契約文書情報</h2>")[1].split("</section>")[0]
    shown = {html.unescape(name) for name in re.findall(r"<dt>(.*?)</dt>", card)} | {"発信者からのメッセージ"}
    not_compared = {"文書管理番号", "発出側企業", "発信日時"}  # the first two never change, the last always does
    assert shown - not_compared == {name for name, _ in editions.facts_of(document)} - {"契約文書(PDF)のファイル名"}


@pytest.mark.requirement("I4", "S6")
def test_another_attachment_under_the_same_name_is_a_change(make_document, person):
    document = make_document(Status.receiver_receipt, NO_SIGNATURE, attached=[kept_file("図面.pdf", b"1")])
    remand(document)
    attachments.lay(document, [kept_file("図面.pdf", b"2")], now())
    registration.send(document, document.registrar, now())
    db.session.commit()
    (change,) = editions.latest_changes(person("recipient"), document).changed_facts
    assert change.name == "添付・補足書類" and change.new.startswith("図面.pdf（ハッシュ値：")
    assert document.attachments[0].sha256[:8] in change.new


def test_a_receiver_knows_only_the_rounds_in_which_it_had_its_turn(make_document, correct, person):
    """Round 2 goes to another company, round 3 comes back to the first one."""
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    remand(document)
    correct(document, recipient=person("stranger"), amount_yen=2_000_000)
    assert [one.revision for one in queries.editions_of(person("stranger"), document)] == [2]
    assert editions.latest_changes(person("stranger"), document) is None
    with pytest.raises(NotFound):
        queries.edition_of(person("stranger"), document, 2)
    remand(document)
    correct(document, recipient=person("recipient"), amount_yen=3_000_000)
    assert [one.revision for one in queries.editions_of(person("recipient"), document)] == [1, 3]
    assert [one.revision for one in queries.editions_of(person("registrar"), document)] == [1, 2, 3]
    assert queries.edition_of(person("recipient"), document, 2).revision == 3  # as the company counts them
    assert document.party_of(person("recipient").company_id).side is Side.receiver


def test_a_round_that_came_back_before_the_receiver_saw_it_is_not_shown(make_document, correct, person, make_plan):
    plan = make_plan(approvers=1)
    document = make_document(Status.sender_approval, NO_SIGNATURE, plan=plan)
    remand(document)
    correct(document, amount_yen=2_000_000)
    assert [one.revision for one in queries.editions_of(person("recipient"), document)] == [2]


def test_a_draft_that_was_never_sent_keeps_nothing_and_can_be_deleted(make_document):
    document = make_document(Status.draft, NO_SIGNATURE)
    registration.delete(document, document.registrar, now())
    db.session.commit()
    assert db.session.query(SentEdition).count() == 0


# -- pages ----------------------------------------------------------------------


@pytest.fixture
def compare(make_document, correct, person):
    """The pairs of pages of a document sent twice, with the closer look at each."""

    def pairs_of(old, new):
        document = actors.register(
            actors.Plan(registrar=person("registrar"), recipient=person("recipient")),
            Facts(title="工事請負契約書", kind="contract", mode=NO_SIGNATURE), files.take_in("old.pdf", old),
        )  # fmt: skip
        registration.send(document, document.registrar, now())
        db.session.commit()
        remand(document)
        correct(document, pdf=new)
        changes = editions.latest_changes(person("recipient"), document)
        assert changes.has_new_file
        pairs = editions.page_pairs(changes)
        assert {pair.state for pair in pairs} <= set(PAIR_STATE)
        return [(pair.old, pair.new, pair.state) for pair in pairs], editions.compared(changes, pairs)

    return pairs_of


def test_the_page_and_the_place_of_a_small_change_are_found(compare):
    contract = pdfs.contract()
    pairs, closer = compare(contract, redrawn(contract, page=1, box="100 421 4 4"))
    assert pairs == [(1, 1, "same"), (2, 2, "changed"), (3, 3, "same"), (4, 4, "same")]
    ((top, height),) = closer[1].bands
    assert 480 < top < 500 < top + height < 510  # the middle of the sheet
    assert [one.bands for one in (closer[0], closer[2], closer[3])] == [()] * 3


def test_a_page_taken_out_or_put_in_does_not_make_the_others_differ(compare):
    contract = pdfs.contract()
    fewer = redrawn(contract, box=None, without=1)
    pairs, _ = compare(contract, fewer)
    assert pairs == [(1, 1, "same"), (2, None, "removed"), (3, 2, "same"), (4, 3, "same")]
    pairs, _ = compare(fewer, contract)
    assert pairs == [(1, 1, "same"), (None, 2, "added"), (2, 3, "same"), (3, 4, "same")]


def test_another_way_of_writing_the_same_pages_changes_no_page(compare):
    contract = pdfs.contract()
    pairs, _ = compare(contract, redrawn(contract, box="-50 -50 5 5"))  # outside the sheet
    assert {state for _, _, state in pairs} == {"same"}


def test_long_files_are_compared_page_by_page_as_they_are_counted(compare, monkeypatch):
    monkeypatch.setattr(editions, "MOST_ALIGNED_PAGES", 3)
    contract = pdfs.contract()
    pairs, closer = compare(contract, redrawn(contract, page=2, again=1))
    assert pairs == [(1, 1, "unknown"), (2, 2, "unknown"), (3, 3, "unknown"), (4, 4, "unknown"), (None, 5, "added")]
    assert [one.pair.state for one in closer] == ["same", "same", "changed", "same", "added"]


def test_rows_of_a_page_are_summed_up_from_the_top():
    taken = receive(redrawn(pdfs.contract(), box="0 0 2000 2000"))  # the first sheet is black
    (rows,) = page_rows(taken.pdf, 0, 1)
    width = int.from_bytes(rows[:4])
    assert rows[4:] == zlib.crc32(b"\0" * width).to_bytes(4) * (len(rows) // 4 - 1)
    assert [len(page_rows(taken.pdf, first, 3)) for first in (0, 3, 9)] == [3, 1, 0]


def test_pages_too_laborious_to_draw_are_left_to_the_eye(compare, monkeypatch):
    slow = Limits(wall_seconds=0.01)
    monkeypatch.setattr(editions, "page_rows", lambda pdf, first, count: page_rows(pdf, first, count, slow))
    editions._chunk.cache_clear()  # looked at by another test already
    _, closer = compare(pdfs.contract("estimate-breakdown"), redrawn(pdfs.contract("estimate-breakdown"), box="1 1 9 9"))
    assert [one.pair.state for one in closer] == ["unknown"]
