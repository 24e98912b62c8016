"""［長期保管延長］ from the list and from the document's page: chosen, confirmed, ordered; refused whole or not at all."""

import datetime as dt

import pytest
from time_machine import travel

from app.clock import now
from app.extensions import db
from app.jobs import run_job
from app.models import ArchiveExtension, Fee, FeeItem
from app.workflow import SignatureMode, Status


@pytest.fixture
def archived(make_document, person):
    """Three archived documents; the sender's company has the option."""
    person("admin").company.has_archive_extension = True
    made = [make_document(Status.completion_wait, mode=SignatureMode.no_signature) for _ in range(3)]
    with travel(now() + dt.timedelta(days=1), tick=False):
        assert run_job("archive-transfer")["done"] == 3
        for document in made:
            db.session.refresh(document)
        yield made


def chosen(*documents):
    return [f"{document.id}:{document.retained_until.isoformat()}" for document in documents]


def orders():
    return db.session.query(ArchiveExtension).count()


@pytest.mark.requirement("R98", "I15", "T15")
def test_many_are_chosen_in_the_list_confirmed_and_ordered(archived, client_of, person):
    client = client_of("admin")
    page = client.get("/archive/").text
    values = chosen(*archived)
    assert all(f'value="{value}"' in page for value in values)
    assert "ArchiveExtension" not in page and 'name="document"' not in client_of("registrar").get("/archive/").text
    assert 'name="document"' not in client_of("receiver_admin").get("/archive/").text  # no option
    page = client.post("/archive/extension/confirmation", {"document": values[:2]})
    assert page.status_code == 200 and orders() == 0 and "料金は、お問い合わせ窓口に" in page.text
    price = {"item": FeeItem.archive_extension, "plan": person("admin").company.plan.kind, "effective_on": dt.date(2026, 1, 1)}
    db.session.add(Fee(yen=1_000, is_sample=False, **price))
    db.session.commit()
    page = client.post("/archive/extension/confirmation", {"document": values[:2]})
    assert "1件につき1,000円（税抜）です（2件の合計：2,000円）。" in page.text
    assert "合計" not in client.post("/archive/extension/confirmation", {"document": values[:1]}).text
    new = archived[0].retained_until.replace(year=archived[0].retained_until.year + 10)
    assert page.text.count(new.strftime("%Y/%m/%d")) == 2 and archived[2].number not in page.text
    own = f"/documents/{archived[0].id}"
    for count, path, back in (
        (2, "/archive/?kind=other", "/archive/?kind=other"), (1, own, own), (2, own, "/archive/"), (1, "/login/?a=b", "/archive/"),
    ):  # fmt: skip
        page = client.post("/archive/extension/confirmation", {"document": values[:count]}, headers={"Referer": f"http://localhost{path}"})
        assert f'href="{back}">戻る' in page.text, (count, path)
    assert client.post("/archive/extension/", {"document": values[:2]}).status_code == 302
    assert orders() == 2
    again = client.post("/archive/extension/", {"document": values})  # one of them is new: still nothing
    assert again.status_code == 409 and archived[0].number in again.text and orders() == 2
    assert run_job("archive-extension")["done"] == 2
    db.session.refresh(archived[0])
    assert archived[0].retained_until == new


@pytest.mark.requirement("R98", "I15", "I18")
def test_from_the_documents_page_and_who_may_not(archived, client_of):
    document = archived[0]
    page = client_of("admin").get(f"/documents/{document.id}").text
    assert 'action="/archive/extension/confirmation"' in page and "証明できる期限" in page
    assert 'action="/archive/extension/confirmation"' not in client_of("registrar").get(f"/documents/{document.id}").text
    answers = {"admin": 200, "registrar": 403, "receiver_admin": 422, "stranger": 404, "operator": 403, "anonymous": 302}
    for who, answer in answers.items():
        client = client_of(who)
        reply = client.post("/archive/extension/confirmation", {"document": chosen(document)})
        assert reply.status_code == answer, who
        assert client.post("/archive/extension/", {"document": chosen(document)}).status_code == {200: 302}.get(answer, answer)
    assert orders() == 1
    page = client_of("recipient").get(f"/documents/{document.id}").text
    assert "延長の手続き中" in page and 'action="/archive/extension/confirmation"' not in client_of("admin").get(f"/documents/{document.id}").text


@pytest.mark.requirement("I15")
@pytest.mark.parametrize("typed, answer", [
    ([], 422), (["x"], 422), (["1"], 422), (["1:2036-13-01"], 422), (["999999:2036-01-01"], 404), (["9" * 30 + ":2036-01-01"], 422),
])  # fmt: skip
def test_odd_input_is_refused(client_of, person, typed, answer):
    assert client_of("admin").post("/archive/extension/", {"document": typed}).status_code == answer


@pytest.mark.requirement("R98", "I1")
def test_the_operator_sets_the_options_and_the_company_sees_them(client_of, person):
    company = person("admin").company
    assert "長期保管延長オプション" in client_of("admin").get("/admin/company/").text
    client = client_of("operator")
    facts = {name: getattr(company, name) for name in ("name", "kana", "corporate_number", "address", "phone")}
    client.post(f"/operator/companies/edit/{company.id}", facts | {"has_archive_extension": "y", "extends_by_itself": "y"})
    db.session.refresh(company)
    assert company.extends_by_itself and not company.has_archive_extension  # the option is applied for, not ticked
    company.has_archive_extension, company.extends_by_itself = True, False
    assert "管理者の操作で延長します" in client_of("admin").get("/admin/company/").text
