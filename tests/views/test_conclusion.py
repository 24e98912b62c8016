"""合意締結証明書 and the copy for print on the document's page: offered after conclusion, to whoever may open the PDF."""

from urllib.parse import quote

import pytest

from app.extensions import db
from app.models import ContractDocument
from app.services import conclusion_certificates
from app.workflow import SignatureMode, Status
from tests.views.test_workflow_pages import set_plan

ADDRESSES = ("conclusion_certificate", "print_copy")
# the viewers of both sides and all who had a part; an administrator off the route sees no page of the contract
ANSWERS = {
    "registrar": 200, "recipient": 200, "receiver_viewer": 200, "admin": 404, "colleague": 404, "stranger": 404,
    "operator": 403, "anonymous": 302,
}  # fmt: skip


@pytest.mark.requirement("I19", "I18", "L11")
def test_who_may_have_what_of_a_concluded_contract(client_of, make_document):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    number = document.number
    for party in document.parties:
        set_plan(party.company, "both_sides")  # whatever the plans are now (L11)
    for who, answer in ANSWERS.items():
        client = client_of(who)
        page = client.get(f"/documents/{document.id}").text
        for address in ADDRESSES:
            reply = client.get(f"/documents/{document.id}/{address}")
            assert reply.status_code == answer, (who, address)
            assert (f"/documents/{document.id}/{address}" in page) is (answer == 200), (who, address)
            if answer == 200:
                assert reply.data.startswith(b"%PDF-") and reply.mimetype == "application/pdf"
                assert quote(number) in reply.headers["Content-Disposition"]
                assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.requirement("I19")
@pytest.mark.parametrize("status", [Status.draft, Status.receiver_receipt, Status.remanded])
def test_before_the_conclusion_there_is_neither(client_of, make_document, status):
    document = make_document(status, mode=SignatureMode.no_signature)
    client = client_of("registrar")
    page = client.get(f"/documents/{document.id}").text
    for address in ADDRESSES:
        assert address not in page
        assert client.get(f"/documents/{document.id}/{address}").status_code == 404


def test_they_hold_no_transaction_while_they_are_made(client_of, make_document, monkeypatch):
    document = make_document(Status.completion_wait, mode=SignatureMode.no_signature)
    held = []

    def make(wanted):
        held.append(db.session.registry().in_transaction())
        return b"%PDF-1.7"

    monkeypatch.setattr(conclusion_certificates, "make", make)
    assert client_of("registrar").get(f"/documents/{document.id}/conclusion_certificate").status_code == 200
    assert held == [False]
    assert db.session.query(ContractDocument).count() == 1
