"""What stands on every page and in every mail: the contact block and the guides; and who pays, where somebody decides."""

import pytest

from app import letters
from app.models import Letter, OutboxMessage
from app.workflow import SignatureMode, Status
from tests.test_letters import FACTS
from tests.views.test_permissions import EVERYTHING, address
from tests.views.test_workflow_pages import set_plan

GUIDES = {"MANUAL_URL": "https://guide.example/manual", "TERMS_URL": "https://guide.example/terms", "FEES_URL": "https://guide.example/fees"}
LINKS = [f'<a href="{url}">{name}</a>' for url, name in zip(GUIDES.values(), ("操作マニュアル", "利用規約", "料金表"), strict=True)]
CONTACT = ("【お問い合わせ窓口】", "お問い合わせはメールで承っております", "CECTRUST-Lightサービス担当", "mailto:help@portal.example")


@pytest.fixture
def guided(application, monkeypatch):
    for setting, url in GUIDES.items():
        monkeypatch.setitem(application.config, setting, url)


@pytest.mark.requirement("R5", "R6", "R7")
@pytest.mark.parametrize("who", ["recipient", "admin", "operator", "anonymous"])
def test_the_contact_block_and_the_guides_stand_on_every_page(client_of, make_document, guided, who):
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    client, seen = client_of(who), 0
    for url in sorted(address(rule, document) for method, rule in EVERYTHING if method == "GET"):
        reply = client.get(url)
        is_page = reply.mimetype == "text/html" and reply.status_code != 302 and "<main" in reply.text
        if is_page:
            seen += 1
            for part in (*CONTACT, *LINKS):
                assert reply.text.count(part) == 1, (url, part)
        reply.close()
    assert seen >= (2 if who == "anonymous" else 20)


@pytest.mark.requirement("R5", "R6")
def test_a_guide_that_is_not_set_has_no_link_but_the_manual_is_the_portals_own(browser):
    page = browser().get("/login/").text
    assert all(part in page for part in CONTACT) and "料金表" not in page and "利用規約" not in page
    assert '<a href="/guide/">操作マニュアル</a>' in page


@pytest.mark.requirement("R5", "R6", "R7", "R112")
@pytest.mark.parametrize("letter", Letter)
def test_the_frame_of_every_mail_has_the_contact_and_without_a_secret_the_guides(app, guided, letter):
    row = OutboxMessage(letter=letter, to_address="a@b.example", facts=dict(FACTS), message_id="x@y", document_id=1)
    body = letters.compose(row).body
    assert "【問い合わせ先】\n" in body and "\nCECTRUST-Lightサービス\nhelp@portal.example\n" in body
    assert body.rstrip().endswith(f"操作マニュアル： {GUIDES['MANUAL_URL']}\n利用規約： {GUIDES['TERMS_URL']}\n料金表： {GUIDES['FEES_URL']}")
    assert "guide.example" not in letters.compose(row, "secret").body


PAGES = {  # where somebody decides -> who, and the status in which they do
    "registration": ("registrar", Status.draft),
    "approval": ("approver", Status.sender_approval),
    "receipt/confirmation": ("recipient", Status.receiver_receipt),
}
OWN, PARTNER = "この契約文書の利用料金は、自社に発生いたします。", "この契約文書の利用料金は、取引先に発生いたします。"
BOTH, CHECK = "双方に利用料金が発生いたします。", "ご自身の利用プラン及びお相手先の利用プランを改めてご確認いただく"


@pytest.mark.requirement("R61", "R103", "R7")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("sender, receiver, said", [
    ("one_side", "partner", (OWN, PARTNER)), ("both_sides", "one_side", (PARTNER, OWN)),
    ("one_side", "one_side", (BOTH, BOTH)),
    ("both_sides", "both_sides", ("自社と取引先の双方に発生いたします。",) * 2),
])  # fmt: skip
def test_who_pays_is_said_wherever_somebody_decides(client_of, person, make_document, page, sender, receiver, said):
    who, status = PAGES[page]
    set_plan(person("registrar").company, sender)
    set_plan(person("recipient").company, receiver)
    document = make_document(status, mode=SignatureMode.no_signature)
    client, url, data = client_of(who), f"/documents/{document.id}/{page}", {"version": str(document.version)}
    shown = (client.post(url, data) if page == "receipt/confirmation" else client.get(url)).text
    main = shown.split("<main")[1].split("</main>")[0]
    assert said[who == "recipient"] in main and "mailto:help@portal.example" in main and "利用プラン：自社は" in main
    assert (CHECK in main) is (said[0] == BOTH)


@pytest.mark.requirement("R103")
def test_the_signer_reads_who_pays_as_well(client_of, make_document):
    document = make_document(Status.sender_signature)
    assert OWN in client_of("signer").get(f"/documents/{document.id}/signature").text
