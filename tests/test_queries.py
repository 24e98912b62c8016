"""契約文書検索条件, each alone and together, in both lists."""

import datetime as dt
from itertools import product

import pytest

from app import queries
from app.clock import JAPAN, now
from app.extensions import db
from app.models import AccountAction, DocumentKind, Level
from app.queries import SearchTerms
from app.services import archive, certificates, documents, people
from app.services.signatures import SignedFile
from app.workflow import Side, SignatureMode, Status
from tests.databases import statements_in

DAY = dt.date


@pytest.fixture(scope="module")
def found():
    """Numbers of the documents that a search finds, as last digits."""

    def search(user, archived=False, **terms):
        return [
            int(document.number[1:])
            for document in queries.search(user, SearchTerms(**terms), archived=archived).rows
        ]

    return search


@pytest.fixture
def five(make_document, person):
    """Five documents without signature; 3 is concluded, 4 and 5 are in the archive."""
    mode = SignatureMode.no_signature
    made = [
        make_document(
            Status.receiver_receipt,
            mode=mode,
            title="基礎工事 100%",
            amount_yen=100,
            conclusion_date=DAY(2026, 1, 10),
        ),
        make_document(
            Status.receiver_receipt, mode=SignatureMode.receiver_only, title="足場_工事", amount_yen=None
        ),
        make_document(
            Status.completion_wait,
            mode=mode,
            title="基礎資材",
            amount_yen=300,
            conclusion_date=DAY(2026, 3, 10),
        ),
        make_document(
            Status.completion_wait,
            mode=mode,
            title="基礎資材",
            amount_yen=0,
            conclusion_date=DAY(2026, 4, 10),
        ),
        make_document(
            Status.completion_wait,
            mode=mode,
            title="左官工事",
            amount_yen=None,
            conclusion_date=DAY(2026, 5, 10),
        ),
    ]
    for document, moment in zip(
        made[3:],
        (dt.datetime(2027, 1, 4, 17, tzinfo=dt.UTC), dt.datetime(2027, 2, 4, 17, tzinfo=dt.UTC)),
        strict=True,
    ):
        file = SignedFile(f"{document.id:064d}", document.pdf_sha256, 1, Level.timestamped)
        archive.archive(document, moment, file=file)
    for day, document in enumerate(made, start=1):  # the first moment of 1 January in Japan, the last of the 2nd
        document.created_at = dt.datetime(2026, 1, day, tzinfo=JAPAN) + dt.timedelta(hours=0 if day == 1 else 23)
    db.session.commit()
    return made


@pytest.mark.requirement("R90", "R63", "L5")
@pytest.mark.parametrize("terms, numbers", [
    ({}, [3, 2, 1]),
    ({"number": "d00000002"}, [2]),
    ({"number": "Ｄ０００００００２ "}, [2]),
    ({"number": "0000000"}, [3, 2, 1]),
    ({"title": "工事"}, [2, 1]),
    ({"title": "%"}, [1]),
    ({"title": "_"}, [2]),
    ({"title": "無い"}, []),
    ({"partner": "設備"}, [3, 2, 1]),
    ({"partner": "第三"}, []),
    ({"partner": "発出"}, []),
    ({"statuses": (Status.completion_wait,)}, [3]),
    ({"statuses": (Status.receiver_receipt, Status.completion_wait)}, [3, 2, 1]),
    ({"mode": SignatureMode.receiver_only}, [2]),
    ({"concluded_from": DAY(2026, 1, 10)}, [3, 1]),
    ({"concluded_from": DAY(2026, 1, 11)}, [3]),
    ({"concluded_to": DAY(2026, 1, 10)}, [1]),
    ({"concluded_from": DAY(2026, 1, 10), "concluded_to": DAY(2026, 3, 9)}, [1]),
    ({"amount_from": 100}, [3, 1]),
    ({"amount_to": 100}, [1]),
    ({"amount_from": 0, "amount_to": 10**12}, [3, 1]),
    ({"without_amount": True}, [2]),
    ({"without_amount": True, "amount_from": 0}, []),
    ({"number": "Ｄ０００００００２"}, [2]),
    ({"kind": DocumentKind.order}, [3, 2, 1]),
    ({"kind": DocumentKind.contract}, []),
    ({"side": Side.sender}, [3, 2, 1]),
    ({"side": Side.receiver}, []),
    ({"person": "花子"}, [3, 2, 1]),
    ({"person": "登録花子"}, [3, 2, 1]),
    ({"person": "登録\u3000花子"}, [3, 2, 1]),
    ({"person": "参照"}, [3, 2, 1]),
    ({"person": "同僚"}, []),
    ({"person": "%"}, []),
    ({"person": "受取"}, []),  # somebody of the other company
    ({"registered_from": DAY(2026, 1, 2)}, [3, 2]),
    ({"registered_to": DAY(2026, 1, 2)}, [2, 1]),
    ({"registered_from": DAY(2026, 1, 2), "registered_to": DAY(2026, 1, 2)}, [2]),
    ({"title": "基礎", "amount_from": 200, "concluded_to": DAY(2026, 12, 31)}, [3]),
])  # fmt: skip
def test_each_condition_in_the_list_in_process(five, found, person, terms, numbers):
    assert found(person("registrar"), **terms) == numbers


@pytest.mark.requirement("R94", "R95", "L5", "L6")
@pytest.mark.parametrize("terms, numbers", [
    ({}, [5, 4]),
    ({"title": "左官"}, [5]),
    ({"concluded_from": DAY(2026, 5, 1)}, [5]),
    ({"concluded_to": DAY(2026, 5, 1)}, [4]),
    ({"amount_from": 0}, [4]),
    ({"amount_to": 0}, [4]),
    ({"without_amount": True}, [5]),
    ({"archived_from": DAY(2027, 1, 5)}, [5, 4]),
    ({"archived_from": DAY(2027, 1, 6)}, [5]),
    ({"archived_to": DAY(2027, 1, 5)}, [4]),
    ({"archived_from": DAY(2027, 1, 5), "archived_to": DAY(2027, 1, 31), "amount_to": 0}, [4]),
])  # fmt: skip
def test_each_condition_in_the_archive(five, found, person, terms, numbers):
    assert found(person("registrar"), archived=True, **terms) == numbers


@pytest.mark.requirement("L5", "L6", "R90", "R94", "R95", "I20")
def test_date_amount_and_partner_alone_in_twos_and_together_find_exactly_the_right_documents(
    make_document, found, person
):
    """Every range, open at either end or closed, 金額なし, and every combination; first in process, then in the archive."""
    facts = [
        (DAY(2026, 1, 10), 100, "receiver"), (DAY(2026, 1, 10), None, "stranger"), (DAY(2026, 2, 10), 200, "stranger"),
        (DAY(2026, 3, 10), 100, "receiver"), (DAY(2026, 3, 10), 0, "stranger"), (DAY(2026, 2, 10), None, "receiver"),
    ]  # fmt: skip
    made = []
    for day, amount, partner in facts:
        made.append(make_document(Status.completion_wait, mode=SignatureMode.no_signature, amount_yen=amount, conclusion_date=day))
        made[-1].receivers[0].company = person({"receiver": "recipient"}.get(partner, partner)).company
    db.session.commit()
    registrar, number_of = person("registrar"), {document.id: number for number, document in enumerate(made, start=1)}
    first, middle = DAY(2026, 1, 10), DAY(2026, 2, 10)
    days = [(None, None), (middle, None), (None, middle), (first, middle), (DAY(2026, 2, 11), DAY(2026, 3, 9))]
    amounts = [(None, None), (100, None), (None, 100), (101, 200), (0, 0), "none"]
    for archived in (False, True):
        for (day_from, day_to), amount, partner in product(days, amounts, ("", "設備", "C00000003")):
            terms = {"concluded_from": day_from, "concluded_to": day_to, "partner": partner}
            terms |= {"without_amount": True} if amount == "none" else {"amount_from": amount[0], "amount_to": amount[1]}
            right = [
                number for number, (day, yen, company) in enumerate(facts, start=1)
                if (day_from or day) <= day <= (day_to or day) and _is_amount(yen, amount)
                and (not partner or (partner == "設備") is (company == "receiver"))
            ]  # fmt: skip
            ids = queries.found_ids(registrar, SearchTerms(**terms), archived=archived, most=9)
            assert [number_of[document_id] for document_id in ids] == right[::-1], (archived, terms)
        assert found(person("registrar"), not archived) == []
        for document in [] if archived else made:
            archive.archive(document, now(), file=SignedFile(f"{document.id:064d}", document.pdf_sha256, 1, Level.timestamped))
        db.session.commit()


def _is_amount(yen, wanted):
    if wanted == "none":
        return yen is None
    first, last = wanted
    if first is last is None:
        return True
    return yen is not None and (first is None or first <= yen) and (last is None or yen <= last)


@pytest.mark.requirement("R89", "R90", "S7")
@pytest.mark.parametrize(
    "who, numbers",
    [
        ("recipient", [3, 2, 1]),
        ("viewer", [3, 2, 1]),
        ("receiver_admin", [3, 2, 1]),
        ("colleague", []),
        ("stranger", []),
        ("operator", []),
    ],
)
def test_everybody_finds_what_they_are_part_of(five, found, person, who, numbers):
    assert found(person(who)) == numbers
    assert queries.search(person(who), SearchTerms(), archived=False).total == len(numbers)


@pytest.mark.requirement("I18", "I20")
@pytest.mark.parametrize("who, word, numbers", [
    ("recipient", "受取 太郎", [3, 2, 1]),
    ("recipient", "太郎", [3, 2, 1]),
    ("recipient", "花子", []),  # the sender's
    ("recipient", "参照 四郎", []),
    ("registrar", "十和", []),  # the receiver's viewer
    ("stranger", "花子", []),
    ("admin", "花子", [3, 2, 1]),
])  # fmt: skip
def test_people_of_the_other_company_are_no_condition(five, found, person, who, word, numbers):
    assert found(person(who), person=word) == numbers


@pytest.mark.requirement("I18", "I20")
def test_a_person_is_found_by_the_own_companys_user_code_alone(five, found, person):
    codes = {name: person(name).user_code for name in ("registrar", "recipient")}
    assert found(person("registrar"), person=codes["registrar"].lower()) == [3, 2, 1]
    assert found(person("registrar"), person=codes["recipient"]) == []
    assert found(person("recipient"), person=codes["recipient"]) == [3, 2, 1]
    assert found(person("recipient"), person=codes["registrar"][:-1]) == []


def test_pages_of_a_search_hold_every_document_once(five, person):
    seen = []
    for page in (1, 2):
        result = queries.search(person("registrar"), SearchTerms(), archived=False, page=page, page_size=2)
        assert (result.total, result.pages) == (3, 2)
        seen += [document.id for document in result.rows]
    assert len(seen) == len(set(seen)) == 3


@pytest.mark.requirement("R90", "R94", "R95", "R108", "R109", "R42")
def test_the_search_pages_ask_for_the_manuals_conditions(five, client_of):
    client = client_of("recipient")
    page = client.get("/documents/").text
    assert "<h1>契約文書検索／一覧</h1>" in page and "契約文書検索条件" in page and ">検索</button>" in page
    assert "検索結果" in page and "<p>3件</p>" in page
    page = client.get("/archive/").text
    assert "<h1>長期保管契約文書検索／一覧</h1>" in page and "長期保管契約文書検索条件" in page
    for condition in ("契約締結年月日", "契約金額", "保管開始日", "金額なし"):
        assert condition in page
    assert "2027/01/05" in page and "2027/02/05" in page and "0円" in page and "金額なし" in page
    assert "契約文書照会" in page and "長期保管文書照会" in page


@pytest.mark.requirement("R90", "R94")
@pytest.mark.parametrize("query, titles", [
    ("title=足場", ["足場_工事"]),
    ("amount_from=２００&amount_to=1,000円", ["基礎資材"]),
    ("concluded_from=2026/01/01&concluded_to=2026-02-01", ["基礎工事 100%"]),
    ("without_amount=y", ["足場_工事"]),
    ("status=completion_wait", ["基礎資材"]),
    ("status=receiver_receipt&mode=no_signature", ["基礎工事 100%"]),
])  # fmt: skip
def test_conditions_are_read_from_the_address(five, client_of, query, titles):
    import re

    page = client_of("recipient").get(f"/documents/?{query}").text
    assert re.findall(r'data-label="契約件名"[^>]*>([^<]+)<', page) == titles


@pytest.mark.parametrize(
    "query", ["concluded_from=yesterday", "amount_from=much", "status=open", "mode=x", "title=" + "あ" * 256]
)
def test_an_unreadable_condition_finds_nothing_and_says_why(five, client_of, query):
    reply = client_of("recipient").get(f"/documents/?{query}")
    assert reply.status_code == 422 and "D0000" not in reply.text.split("検索結果")[1]


@pytest.mark.parametrize("page", ["0", "-1", "x", "999999999999999999999"])
def test_an_odd_page_number_breaks_nothing(five, client_of, page):
    assert client_of("recipient").get(f"/documents/?page={page}").status_code == 200


@pytest.mark.requirement("R40", "P4")
def test_lists_ask_the_database_a_handful_of_questions(five, client_of, person):
    client, asked = client_of("recipient"), []

    with statements_in(asked):
        for url in ("/", "/documents/", "/archive/"):
            asked.clear()
            assert client.get(url).status_code == 200
            assert len([s for s in asked if s.startswith("SELECT")]) <= 8, (url, asked)


@pytest.mark.requirement("R68", "R26", "R36", "T17", "I19")
def test_a_number_typed_in_full_width_is_the_same_number_everywhere(person, client_of, make_document):
    admin, signer = person("admin"), person("signer")
    company_id, certificate = signer.company_id, signer.activations[0].certificate
    wide, wide_number = (
        "".join(chr(ord(one) + 0xFEE0) for one in typed) for typed in (signer.user_code.lower(), certificate.number)
    )
    assert wide != signer.user_code
    assert queries.colleagues(company_id, wide) == queries.people_of(company_id, code=wide).rows == [signer]
    assert queries.certificates_of(admin, wide_number) == [certificate]
    assert certificates.people_named(signer.company, [wide]) == [signer]
    people.reset_password(signer, admin, now())
    db.session.commit()
    history = queries.account_history(company_id, queries.HistoryTerms(user_code=wide))
    assert AccountAction.password_reset in [event.action for event in history.rows]
    document = make_document(Status.receiver_receipt, mode=SignatureMode.no_signature)
    registrar = person("registrar")
    documents.remand(document, document.holder, now())
    db.session.commit()
    reply = client_of("admin").post(
        f"/admin/documents/{document.id}/reassign",
        {"version": str(document.version), "replaced": str(registrar.id), "replacement": wide},
    )
    assert reply.status_code == 302 and document.holder is signer
