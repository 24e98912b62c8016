"""案件管理 by its pages: the way of a document through them, who sees what, and how much the pages ask."""

import csv
import io
import re

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.models import ContractCase, ListColumn, ListLayout
from app.services import cases, documents
from app.workflow import SignatureMode, Status
from tests.databases import statements_in
from tests.services.test_cases import link, make_case, with_options  # noqa: F401  fixtures
from tests.views.test_attachments import hidden
from tests.views.test_registration import documents_there_are, filled, upload  # noqa: F401  a fixture

NO_SIGNATURE = SignatureMode.no_signature
SECRET = "白鷺計画"  # a word of the sender's 案件 that stands nowhere else


def lines_of(reply):
    assert reply.data.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(reply.data.decode("utf-8-sig"), newline=""), strict=True))


@pytest.mark.requirement("R96", "I4", "I12")
def test_a_case_is_chosen_at_registration_and_shown_to_the_own_company(with_options, client_of, filled, person):  # noqa: F811
    client = client_of("registrar")
    assert ">案件管理</a>" in client.get("/").text
    reply = client.post("/cases/new", {"number": "K-001", "name": SECRET, "term_from": "2026-04-01", "note": "一行目\n二行目"})
    assert reply.status_code == 302 and SECRET in client.get(reply.location).text
    case = db.session.query(ContractCase).one()
    page = client.get("/documents/new").text
    assert f'<option value="K-001">{SECRET}</option>' in page and 'list="cases"' in page

    token = hidden(page, "token")
    client.post("/documents/new/draft", {"token": token, "title": "書きかけ", "case_number": "k-00"})
    assert 'value="k-00"' in client.get("/documents/new?continue=1").text
    reply = upload(client, filled(case_number="K-999"))
    assert reply.status_code == 422 and "案件番号が正しくありません" in reply.text and 'value="K-999"' in reply.text
    assert documents_there_are() == []
    reply = upload(client, filled(case_number="ｋ－００１"))
    assert reply.status_code == 302 and SECRET in client.get(reply.location).text
    (document,) = documents_there_are()
    assert document.sender.case is case
    edit = client.get(f"/documents/{document.id}/edit").text
    assert 'value="K-001"' in edit
    upload(client, filled(None, case_number="", version=str(document.version)), f"/documents/{document.id}/edit")
    assert document.sender.case is None
    upload(client, filled(None, case_number="K-001", version=str(document.version)), f"/documents/{document.id}/edit")
    client.post(f"/documents/{document.id}/send", {"version": str(document.version)})
    page = client.get(f"/documents/{document.id}").text
    assert SECRET in page and "案件を変更" in page
    for url in (f"/documents/{document.id}", f"/documents/{document.id}/receipt"):
        assert SECRET not in client_of("recipient").get(url).text


@pytest.mark.requirement("R96", "R97", "I12", "S7")
def test_every_open_case_is_suggested_for_what_is_typed(with_options, client_of, make_case, monkeypatch):  # noqa: F811
    monkeypatch.setattr(queries.cases, "MOST_OFFERED", 2)
    oldest, ended = make_case("K-001", name="一番古い100%案件"), make_case("K-002")
    ended.closed_at = now()
    for number in ("K-003", "K-004"):
        make_case(number)
    make_case("K-001", who="recipient", name=SECRET)
    client = client_of("registrar")
    page = client.get("/documents/new").text
    assert 'value="K-001"' not in page and 'data-cases="/cases/offered"' in page
    for typed, found in (("ｋ－００", ["K-004", "K-003"]), ("0%案", ["K-001"]), ("k-001", ["K-001"]), ("K-002", [])):
        reply = client.get("/cases/offered", query_string={"typed": typed})
        assert [number for number, _ in reply.get_json()] == found, typed
    assert client.get("/cases/offered?typed=K-001").get_json() == [["K-001", oldest.name]]


@pytest.mark.requirement("R97", "I12")
def test_a_case_is_chosen_at_receipt(with_options, client_of, person, make_case, make_document):  # noqa: F811
    case = make_case("J-9", who="recipient", name=SECRET)
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    client, url = client_of("recipient"), f"/documents/{document.id}"
    assert f'<option value="J-9">{SECRET}</option>' in client.get(f"{url}/receipt").text
    data = {"version": str(document.version), "case_number": "J-8", "fee_ack": "true"}
    for step in ("receipt/confirmation", "confirm_receipt"):
        reply = client.post(f"{url}/{step}", data)
        assert reply.status_code == 422 and "案件番号が正しくありません" in reply.text
    assert document.status is Status.receiver_receipt
    page = client.post(f"{url}/receipt/confirmation", data | {"case_number": "j-9"}).text
    assert SECRET in page and re.search(r'name="case_number" value="j-9"', page)
    assert 'value="j-9"' in client.post(f"{url}/receipt", data | {"case_number": "j-9"}).text  # ［戻る］
    assert client.post(f"{url}/confirm_receipt", data | {"case_number": "j-9"}).status_code == 302
    assert document.receivers[0].case is case and document.sender.case is None
    assert SECRET in client.get(url).text
    for who in ("registrar", "admin", "viewer"):
        assert SECRET not in client_of(who).get(url).text


@pytest.mark.requirement("I12", "I18")
def test_nothing_of_a_case_leaves_its_company(with_options, client_of, person, make_case, make_document, post_letters):  # noqa: F811
    case = make_case("K-001", name=SECRET)
    document = make_document(Status.completion_wait, NO_SIGNATURE)
    link(document, person("registrar"), "K-001")
    own = client_of("registrar")
    assert SECRET in own.get(f"/documents/{document.id}").text and SECRET in own.get("/documents/export.csv").data.decode()
    for who in ("recipient", "receiver_admin"):
        client = client_of(who)
        urls = ["/", "/documents/", "/documents/?case=K-001", "/documents/export.csv", "/cases/", f"/documents/{document.id}",
                f"/documents/{document.id}/pdf", f"/documents/{document.id}/conclusion_certificate", "/admin/history/", "/account/data"]  # fmt: skip
        for url in urls:
            reply = client.get(url)
            assert SECRET.encode() not in reply.data and b"K-001" not in reply.data.replace(b"?case=K-001", b"").replace(b'value="K-001"', b""), url
        assert lines_of(client.get("/documents/export.csv"))[1][-1] == ""
        for url in (f"/cases/{case.id}", f"/cases/{case.id}/export.csv", f"/cases/{case.id}/edit"):
            assert client.get(url).status_code == 404
        for verb in ("edit", "close", "reopen"):
            assert client.post(f"/cases/{case.id}/{verb}", {"version": "1", "number": "X", "name": "X"}).status_code == 404
    assert not [letter for letter in post_letters() if SECRET in letter.body or SECRET in letter.subject]
    db.session.refresh(case)
    assert case.version == 1


@pytest.mark.requirement("I12", "L7", "S14")
def test_the_page_of_a_case_and_its_file_hold_what_the_person_may_see(with_options, client_of, person, make_case, make_document):  # noqa: F811
    case = make_case("K-001", name=SECRET)
    seen, unseen = (
        make_document(Status.receiver_receipt, NO_SIGNATURE, title=title, amount_yen=amount)
        for title, amount in (("=SUM(A1)", None), ("見えない文書", 1000))
    )  # fmt: skip
    for document in (seen, unseen):
        link(document, person("registrar"), "K-001")
    step = next(step for step in unseen.sender.steps if step.user_id == person("viewer").id)
    unseen.route.remove(step)
    db.session.commit()
    page = client_of("viewer").get(f"/cases/{case.id}").text
    assert seen.number in page and unseen.number not in page and "見えない文書" not in page and "1,000円" not in page
    assert "1件" in client_of("viewer").get("/cases/").text
    lines = lines_of(client_of("viewer").get(f"/cases/{case.id}/export.csv"))
    assert [line[:2] for line in lines[1:3]] == [[seen.number, "'=SUM(A1)"], []] and lines[1][-2:] == [f"K-001　{SECRET}", "原契約"]
    assert lines[4:6] == [["原契約", "1", "0", "1"], ["変更契約", "0", "0", "0"]]
    page = client_of("admin").get(f"/cases/{case.id}").text
    assert unseen.number in page and "1,000円" in page
    totals = page.partition("契約文書の集計</caption>")[2].partition("</table>")[0]
    words = re.findall(r'data-label="(?:区分|契約金額\(税込\)の合計)"[^>]*>([^<]+)<', totals)
    assert dict(zip(words[::2], words[1::2], strict=True)) == {
        "原契約（自社が発出）": "1,000円", "原契約（自社が受領）": "0円", "原契約の合計": "1,000円",
        "変更契約（自社が発出）": "0円", "変更契約（自社が受領）": "0円", "変更契約の合計": "0円",
    }  # fmt: skip
    assert "原契約と変更契約の契約金額は合計していません" in page
    page = client_of("colleague").get(f"/cases/{case.id}").text
    assert SECRET in page and "閲覧できる契約文書はありません" in page and seen.number not in page


@pytest.mark.requirement("I12")
def test_a_form_from_before_is_refused_and_a_taken_number_named(with_options, client_of, person, make_case):  # noqa: F811
    case, other = make_case("K-001"), make_case("K-002", name="先の案件", person_code=person("colleague").user_code)
    client, url = client_of("registrar"), f"/cases/{case.id}"
    typed = {"version": "1", "number": "K-002", "name": "後の案件", "term_from": "2026-05-01", "term_to": "2026-04-01"}
    reply = client.post(f"{url}/edit", typed)
    assert reply.status_code == 422 and "期間の終わりは" in reply.text
    reply = client.post(f"{url}/edit", typed | {"term_to": ""})
    assert reply.status_code == 422 and "「先の案件」ですでに使われています" in reply.text and 'value="後の案件"' in reply.text
    assert client.post(f"{url}/edit", typed | {"number": "K-003", "term_to": ""}).status_code == 302
    assert client.post(f"{url}/edit", typed | {"number": "K-004", "term_to": ""}).status_code == 409
    db.session.refresh(case)
    assert case.number == "K-003"
    assert "終了します" not in client.get(url).text and client.post(f"{url}/close", {"version": str(case.version)}).status_code == 422
    colleague = client_of("colleague")
    assert colleague.post(f"/cases/{other.id}/close", {"version": "1"}).status_code == 302
    assert "終了" in colleague.get(f"/cases/{other.id}").text and colleague.get(f"/cases/{other.id}/edit").status_code == 200
    assert colleague.post(f"/cases/{other.id}/reopen", {"version": "2"}).status_code == 302
    for query in ("term_from=x", "term_from=2026-05-01&term_to=2026-04-01", "state=odd"):
        assert client.get(f"/cases/?{query}").status_code == 422
    assert client.get("/cases/99999999999").status_code == 404


@pytest.mark.requirement("R96", "R97", "I12")
def test_the_case_of_a_document_is_changed_on_its_page(with_options, client_of, person, make_case, make_document):  # noqa: F811
    first, second = make_case("K-001"), make_case("K-002")
    document = make_document(Status.completion_wait, NO_SIGNATURE)
    client, url = client_of("registrar"), f"/documents/{document.id}/case"
    assert "案件を設定" in client.get(f"/documents/{document.id}").text
    assert client.post(url, {"was": "", "case_number": "K-001"}).status_code == 302
    assert f'name="was" value="{first.id}"' in client.get(url).text
    assert client.post(url, {"was": "", "case_number": "K-002"}).status_code == 409
    reply = client.post(url, {"was": str(first.id), "case_number": "K-009"})
    assert reply.status_code == 422 and "案件番号が正しくありません" in reply.text and f'value="{first.id}"' in reply.text
    assert client_of("viewer").get(url).status_code == 409 and client_of("colleague").get(url).status_code == 404
    assert "案件を変更" not in client_of("viewer").get(f"/documents/{document.id}").text
    assert client_of("admin").post(url, {"was": str(first.id), "case_number": "K-002"}).status_code == 302
    assert document.sender.case is second
    assert f'value="{second.number}"' in client.get(f"/documents/new?original={document.id}").text  # 変更契約書
    assert "契約文書の案件の変更" in client_of("admin").get("/admin/history/").text


@pytest.mark.requirement("I11", "I12")
def test_once_the_option_has_ended_the_pages_are_read_only(with_options, client_of, person, make_case, make_document, filled):  # noqa: F811
    case, company = make_case("K-001", name=SECRET), person("registrar").company
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    link(document, person("registrar"), "K-001")
    documents.remand(document, person("recipient"), now())
    company.has_case_at_registration = company.has_case_at_receipt = False
    db.session.commit()
    client = client_of("registrar")
    assert ">案件管理</a>" in client.get("/").text
    for url in ("/cases/", f"/cases/{case.id}"):
        page = client.get(url).text
        assert SECRET in page and "終了しているため" in page and "案件を登録" not in page and ">変更</a>" not in page
    for url in ("/cases/new", f"/cases/{case.id}/edit"):
        for reply in (client.get(url), client.post(url, {"number": "K-002", "name": "新しい案件", "version": "1"})):
            assert reply.status_code == 422 and "終了しているため" in reply.text
    page = client.get(f"/documents/{document.id}").text
    assert SECRET in page and "案件を変更" not in page and client.get(f"/documents/{document.id}/case").status_code == 409
    assert 'name="case_number"' not in client.get("/documents/new").text
    assert upload(client, filled(case_number="K-001")).status_code == 422
    reply = upload(client, filled(None, version=str(document.version)), f"/documents/{document.id}/edit")
    assert reply.status_code == 302 and document.sender.case is case


@pytest.mark.requirement("I20", "I12")
def test_case_is_a_condition_a_column_and_part_of_a_saved_search(with_options, client_of, person, make_case, make_document):  # noqa: F811
    make_case("K-001", name=SECRET)
    found, other = (make_document(Status.receiver_receipt, NO_SIGNATURE) for _ in range(2))
    link(found, person("registrar"), "K-001")
    client = client_of("registrar")
    for typed in ("ｋ－００１", SECRET[:2]):
        page = client.get(f"/documents/?case={typed}").text
        assert found.number in page and other.number not in page
    assert client.post("/documents/searches?case=K-001", {"save-name": "青葉"}).status_code == 302
    assert 'href="/documents/?case=K-001"' in client.get("/documents/").text
    client.post("/documents/columns", {"columns": ["title", "case"]})
    page = client.get("/documents/?sort=case").text
    assert f">K-001　{SECRET}</td>" in page and page.index(found.number) < page.index(other.number)
    for url in ("/archive/?case=K-001", "/archive/?sort=-case"):
        assert client.get(url).status_code == 200
    stranger = client_of("stranger")  # whose company has nothing to do with 案件
    page = stranger.get("/documents/?case=K-001").text
    assert "案件" not in page and stranger.get("/documents/?sort=case").status_code == 422
    db.session.add(ListLayout(user_id=person("stranger").id, in_archive=False, columns=[ListColumn.number.value, "case"]))
    db.session.commit()
    assert "案件" not in stranger.get("/documents/").text and stranger.get("/cases/").status_code == 200


@pytest.mark.requirement("P4", "I12")
def test_the_pages_ask_a_handful_of_questions(with_options, client_of, person, make_case, make_document):  # noqa: F811
    case, client, asked = make_case("K-001"), client_of("registrar"), []

    def statements(url):
        asked.clear()
        assert client.get(url).status_code == 200
        return len(asked)

    def more(numbers):
        for number in numbers:
            make_case(number, person_code=person("colleague").user_code)
            document = make_document(Status.receiver_receipt, NO_SIGNATURE)
            link(document, person("registrar"), "K-001")

    more(["K-002"])
    urls = ("/cases/", f"/cases/{case.id}", "/documents/?case=K-001&sort=case", f"/cases/{case.id}/export.csv", "/documents/new")
    client.post("/documents/columns", {"columns": ["title", "case"]})
    with statements_in(asked):
        first = []
        for url in urls:
            first.append(statements(url))
            assert first[-1] <= (12 if url.endswith("csv") else 8), (url, asked)
        more(["K-003", "K-004", "K-005"])
        assert [statements(url) for url in urls] == first


@pytest.mark.requirement("I12", "S14")
def test_a_hostile_name_is_only_a_text(with_options, client_of, person, make_case, make_document):  # noqa: F811
    case = make_case('"><i>1', name='"><script>alert(1)</script>')
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    cases.choose(document, person("registrar"), case.number)
    db.session.commit()
    client = client_of("registrar")
    for url in ("/cases/", f"/cases/{case.id}", f"/cases/{case.id}/edit", f"/documents/{document.id}", "/documents/new", f"/documents/{document.id}/case"):
        page = client.get(url).text
        assert "<script>alert" not in page and "<i>1" not in page and "&lt;script&gt;alert(1)" in page, url
