"""マイリスト by pages, and the two lists searched by who has a document and until when."""

import pytest

from app import queries
from app.clock import japan_date, now
from app.extensions import db
from app.views import my_list as my_list_page
from app.workflow import SignatureMode, Status

NO_SIGNATURE = SignatureMode.no_signature


@pytest.mark.requirement("R40")
def test_my_list_comes_by_pages_with_the_whole_count(client_of, make_document, person, monkeypatch):
    made = [make_document(Status.receiver_receipt, NO_SIGNATURE, title=f"文書{number}") for number in range(3)]
    whole = queries.my_list(person("recipient"))
    assert whole.rows == made and (whole.total, whole.page_size) == (3, 50)
    monkeypatch.setattr(my_list_page, "PAGE_SIZE", 2)
    client = client_of("recipient")
    first, second, beyond = (client.get(url).text for url in ("/", "/?page=2", "/?page=99999999999999999999"))
    assert "3件（1ページ目、全2ページ）" in first and "文書0" in first and "文書2" not in first
    assert 'href="/?page=2"' in first
    assert "3件（2ページ目、全2ページ）" in second and "文書2" in second and "文書1" not in second
    assert "文書2" in beyond  # the last one there is
    assert client.get("/?page=x").status_code == 200


@pytest.mark.requirement("I20")
@pytest.mark.parametrize("query, found", [
    ("holder={recipient}", 1), ("holder={approver}", 1), ("holder={stranger}", 0),
    ("deadline_to={soon}", 1), ("deadline_from={later}", 0), ("ends_from={soon}&ends_to={soon}", 1), ("ends_to={today}", 0),
    ("deadline_from={later}&deadline_to={today}", None),
])  # fmt: skip
def test_the_holder_the_deadline_and_the_end_of_the_term_are_conditions(client_of, make_document, person, query, found):
    today = japan_date(now())
    soon, later = today.replace(year=today.year + 1), today.replace(year=today.year + 2)
    make_document(Status.receiver_receipt, NO_SIGNATURE, deadline=soon, title="甲")
    make_document(Status.sender_approval, NO_SIGNATURE, term_from=today, term_to=soon, title="乙")
    names = {name: person(name).user_code.lower() for name in ("recipient", "approver", "stranger")}
    who = "receiver_admin" if "recipient" in query else "admin"
    page = client_of(who).get("/documents/?" + query.format(today=today, soon=soon, later=later, **names))
    assert page.status_code == (422 if found is None else 200)
    assert sum(title in page.text for title in (">甲<", ">乙<")) == (found or 0)
    db.session.rollback()


def test_a_partners_holder_is_no_condition(client_of, make_document, person):
    document = make_document(Status.receiver_receipt, NO_SIGNATURE, title="甲")
    assert document.holder == person("recipient")
    assert ">甲<" not in client_of("admin").get(f"/documents/?holder={person('recipient').user_code}").text


@pytest.mark.requirement("R68")
def test_for_a_signer_those_who_may_sign_come_first_and_the_others_are_marked(client_of, person):
    client = client_of("registrar")
    page = client.get("/users/selection?role=signer").text
    codes = [person(name).user_code for name in ("signer", "registrar", "approver")]
    places = [page.index(f'value="{code}"') for code in codes]
    assert places == sorted(places) and page.count("status--remanded") == 6
    page = client.get("/users/selection?role=approver").text
    assert page.index(f'value="{codes[1]}"') < page.index(f'value="{codes[0]}"') and "status--remanded" not in page


@pytest.mark.requirement("I21")
def test_the_operators_list_says_where_three_companies_sign(client_of, make_document, make_plan):
    both = make_document(Status.draft, title="二社の契約")
    three = make_document(Status.draft, plan=make_plan(third=True), title="三社の契約")
    client = client_of("operator")
    assert client.get("/operator/documents/list/").text.count("双方署名（全社署名）") == 1
    assert "双方署名（全社署名）" in client.get(f"/operator/documents/show/{three.id}").text
    assert "全社署名" not in client.get(f"/operator/documents/show/{both.id}").text
