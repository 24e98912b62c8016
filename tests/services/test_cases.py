"""案件管理: what is written, what is linked, what is counted, and what another company never learns."""

import csv
import datetime as dt
import io

import pytest
from sqlalchemy import update

from app import queries
from app.clock import now
from app.errors import NotFound, OutOfTurn, Refused
from app.extensions import db
from app.models import AccountAction, AccountEvent, ContractCase, DocumentKind, DocumentParty, Plan
from app.plans import PlanKind
from app.queries import CaseTerms, SearchTerms
from app.services import case_totals, cases, documents, listing, personal_data
from app.services.cases import Wish
from app.workflow import Side, SignatureMode, Status
from demo import actors

NO_SIGNATURE = SignatureMode.no_signature


@pytest.fixture
def with_options(person):
    """Both companies of a document on 片方課金プラン with both options."""
    plan = db.session.scalars(db.select(Plan).where(Plan.kind == PlanKind.one_side)).one()
    for name in ("registrar", "recipient"):
        company = person(name).company
        company.plan, company.has_case_at_registration, company.has_case_at_receipt = plan, True, True
    db.session.commit()


@pytest.fixture
def make_case(person):
    def make(number="K-001", who="registrar", **more):
        case = cases.save(person(who), now(), Wish(number, more.pop("name", f"案件{number}"), **more))
        db.session.commit()
        return case

    return make


def link(document, actor, number):
    cases.choose(document, actor, number)
    db.session.commit()


def notes(action):
    found = db.select(AccountEvent).where(AccountEvent.action == action).order_by(AccountEvent.id)
    return [(event.company_id, event.note) for event in db.session.scalars(found)]


@pytest.mark.requirement("R96", "R97", "I12")
@pytest.mark.parametrize("plan, at_registration, at_receipt, may", [
    (PlanKind.one_side, True, False, (True, True, False)),
    (PlanKind.one_side, False, True, (True, False, True)),
    (PlanKind.one_side, False, False, (False, False, False)),
    (PlanKind.partner, True, True, (False, False, False)),
    (PlanKind.both_sides, True, True, (False, False, False)),
])  # fmt: skip
def test_only_the_option_on_its_plan_opens_cases(person, plan, at_registration, at_receipt, may):
    company = person("registrar").company
    company.plan = db.session.scalars(db.select(Plan).where(Plan.kind == plan)).one()
    company.has_case_at_registration, company.has_case_at_receipt = at_registration, at_receipt
    sides = [cases.may_choose(company, side) for side in (Side.sender, Side.receiver)]
    assert (cases.may_write(company), *sides) == may
    if not may[0]:
        with pytest.raises(Refused, match="ご利用になっていません"):
            cases.save(person("registrar"), now(), Wish("K-1", "案件"))


@pytest.mark.requirement("I12")
def test_a_case_is_registered_changed_closed_and_reopened(with_options, person, make_case):
    case = make_case(" Ｋ－００１ ", term_from=dt.date(2026, 4, 1), person_code=person("colleague").user_code)
    assert (case.number, case.company_id, case.person) == ("K-001", person("registrar").company_id, person("colleague"))
    cases.save(person("approver"), now(), Wish("k-001", "新しい名前"), case, version=case.version)
    db.session.commit()
    assert (case.number, case.name, case.person) == ("k-001", "新しい名前", None)
    for who in ("registrar", "approver"):
        with pytest.raises(Refused, match="担当の方と管理者"):
            cases.close(case, person(who), now(), version=case.version)
    with pytest.raises(OutOfTurn):
        cases.close(case, person("admin"), now(), version=case.version - 1)
    cases.close(case, person("admin"), now(), version=case.version)
    db.session.commit()
    with pytest.raises(Refused, match="再開"):
        cases.save(person("registrar"), now(), Wish("K-001", "もう一度"), case, version=case.version)
    with pytest.raises(OutOfTurn):
        cases.close(case, person("admin"), now(), version=case.version)
    cases.reopen(case, person("admin"), now(), version=case.version)
    db.session.commit()
    assert not case.is_closed
    told = ["K-001（登録）", "k-001（変更）", "k-001（終了）", "k-001（再開）"]
    assert notes(AccountAction.case_changed) == [(case.company_id, note) for note in told]


@pytest.mark.requirement("I12")
def test_a_number_is_one_cases_alone_in_its_company(with_options, person, make_case):
    case = make_case("K-001", name="先の案件")
    with pytest.raises(Refused, match="案件番号「K-001」は、案件「先の案件」ですでに使われています"):
        cases.save(person("colleague"), now(), Wish("ｋ－００１", "後の案件"))
    for wish, sentence in (
        (Wish("　", "案件"), "案件番号を入力"), (Wish("㍿" * 20, "案件"), "64文字以内"),
        (Wish("K-2", "案件", person_code=person("recipient").user_code), "担当の利用者ID"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=sentence):
            cases.save(person("colleague"), now(), wish)
    db.session.rollback()
    other = make_case("K-001", who="recipient")  # another company's numbers are its own
    assert other.company_id != case.company_id
    with pytest.raises(NotFound):
        queries.case_of(person("registrar"), other.id)
    assert db.session.query(ContractCase).count() == 2
    assert [cases.is_shown(person(who).company) for who in ("registrar", "stranger", "operator")] == [True, False, False]


@pytest.mark.requirement("R96", "R97", "I12")
def test_a_document_is_linked_by_each_company_for_itself(with_options, person, make_case, make_document):
    own, theirs = make_case("K-001", name="発出側の案件"), make_case("J-9", who="recipient", name="受領側の案件")
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    link(document, person("registrar"), "ｋ－００１")
    link(document, person("recipient"), "J-9")
    assert [party.case for party in document.parties] == [own, theirs]
    assert queries.count_in_cases(person("registrar"), [own, theirs]) == {own.id: 1}
    with pytest.raises(Refused, match="案件番号が正しくありません"):
        cases.choose(document, person("registrar"), "J-9")  # the other company's is as unknown as any
    for who, word, foreign in (("registrar", "発出側の案件", "J-9"), ("recipient", "J-9", "K-001")):
        user = person(who)
        (line,) = [listing.cells_of(one, user.company_id) for one in queries.documents_listed(user, [document.id])]
        assert word in str(line) and foreign not in str(line)
        for typed, found in ((word, 1), (foreign, 0)):
            assert queries.search(user, SearchTerms(case=typed), archived=False).total == found
    link(document, person("registrar"), "")
    assert document.sender.case is None and document.receivers[0].case is theirs


@pytest.mark.requirement("I12", "R97")
def test_a_remanded_document_keeps_what_each_company_chose(with_options, person, make_case, make_document, upload):
    own, theirs = make_case("K-001"), make_case("J-9", who="recipient")
    document = make_document(Status.receiver_receipt, NO_SIGNATURE)
    link(document, person("registrar"), "K-001")
    link(document, person("recipient"), "J-9")
    documents.remand(document, person("recipient"), now())
    actors.correct(document, upload("safety-cover-letter"))
    db.session.expire_all()
    assert document.status is Status.receiver_receipt
    assert [party.case for party in document.parties] == [own, theirs]


@pytest.mark.requirement("R96", "Q3")
def test_of_two_who_choose_another_case_at_once_the_second_is_told(with_options, person, make_case, make_document):
    first, second = make_case("K-001"), make_case("K-002")
    document, actor = make_document(Status.sender_approval), person("registrar")
    assert document.sender.case is None  # read before the other's commit
    db.session.execute(
        update(DocumentParty).where(DocumentParty.id == document.sender.id).values(case_id=first.id)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    with pytest.raises(OutOfTurn, match="画面を開いた後に変更"):
        cases.relink(document, actor, now(), second.number, was="")


@pytest.mark.requirement("R96", "R97", "I12")
@pytest.mark.parametrize("who, may", [
    ("registrar", True), ("admin", True), ("viewer", False), ("recipient", True), ("receiver_admin", True),
    ("receiver_viewer", False),
])  # fmt: skip
def test_who_may_choose_another_case_later_even_in_the_archive(with_options, person, make_case, make_document, who, may):
    case = make_case("K-001", who=who)
    document = make_document(Status.completion_wait, NO_SIGNATURE)
    version, actor = document.version, person(who)
    if not may:
        with pytest.raises(OutOfTurn):
            cases.relink(document, actor, now(), "K-001", was="")
        return
    cases.relink(document, actor, now(), "K-001", was="")
    db.session.commit()
    assert document.party_of(actor.company_id).case is case
    assert document.version == version  # nothing changed that the other company could notice
    assert notes(AccountAction.case_linked) == [(actor.company_id, f"{document.number}：（なし） → K-001　案件K-001")]
    with pytest.raises(OutOfTurn, match="画面を開いた後に"):
        cases.relink(document, actor, now(), "", was="")
    with pytest.raises(Refused, match="変更されていません"):
        cases.relink(document, actor, now(), "K-001", was=str(case.id))


@pytest.mark.requirement("I11", "I12", "R96")
@pytest.mark.parametrize("ends", ["plan", "option"])
def test_after_the_option_everything_is_read_and_nothing_written(with_options, person, make_case, make_document, ends):
    case, actor = make_case("K-001"), person("registrar")
    make_case("K-002")
    document = make_document(Status.draft, NO_SIGNATURE)
    link(document, actor, "K-001")
    if ends == "plan":
        actor.company.plan = db.session.scalars(db.select(Plan).where(Plan.kind == PlanKind.both_sides)).one()
    else:
        actor.company.has_case_at_registration = actor.company.has_case_at_receipt = False
    db.session.commit()
    assert cases.is_shown(actor.company) and "終了しているため" in cases.why_not(actor.company)
    for verb in (
        lambda: cases.save(actor, now(), Wish("K-003", "新しい案件")),
        lambda: cases.save(actor, now(), Wish("K-001", "新しい名前"), case, version=case.version),
        lambda: cases.close(case, person("admin"), now(), version=case.version),
        lambda: cases.choose(document, actor, "K-002"),
        lambda: cases.relink(document, actor, now(), "", was=str(case.id)),
    ):
        with pytest.raises((Refused, OutOfTurn)):
            verb()
        db.session.rollback()
    link(document, actor, "")  # a form without the field leaves the link as it is
    assert document.sender.case is case
    assert queries.documents_in_case(actor, queries.case_of(actor, case.id)).total == 1
    assert queries.cases_found(actor, CaseTerms()).total == 2


@pytest.mark.requirement("I12")
def test_a_closed_case_is_chosen_for_nothing_new_and_stays_where_it_is(with_options, person, make_case, make_document):
    case, actor = make_case("K-001"), person("registrar")
    first, second = (make_document(Status.draft, NO_SIGNATURE) for _ in range(2))
    link(first, actor, "K-001")
    cases.close(case, person("admin"), now(), version=case.version)
    db.session.commit()
    assert queries.cases_offered(actor.company_id) == []
    with pytest.raises(Refused, match="終了しています"):
        cases.choose(second, actor, "K-001")
    db.session.rollback()
    link(first, actor, "K-001")
    assert first.sender.case is case
    assert cases.for_amendment(first, actor.company) == ""


@pytest.mark.requirement("I12", "L6")
def test_totals_count_each_document_once_and_those_without_amount_apart(with_options, person, make_case, make_document, make_plan):
    case, registrar, admin = make_case("K-001"), person("registrar"), person("admin")
    at_receipt, concluded, withdrawn = (
        make_document(status, NO_SIGNATURE, amount_yen=amount)
        for status, amount in ((Status.receiver_receipt, 1000), (Status.completion_wait, None), (Status.receiver_receipt, 70))
    )  # fmt: skip
    documents.withdraw(withdrawn, registrar, now())
    received = make_document(
        Status.receiver_receipt, NO_SIGNATURE, amount_yen=500,
        plan=actors.Plan(registrar=person("receiver_admin"), recipient=person("approver")),
    )  # fmt: skip
    unsent = make_document(Status.draft, NO_SIGNATURE, amount_yen=9_999)  # its registrar's alone
    for document in (at_receipt, concluded, withdrawn, received, unsent):
        link(document, registrar, "K-001")
    make_document(Status.receiver_receipt, NO_SIGNATURE, amount_yen=3)  # in no 案件

    def shown(user):
        totals = case_totals.totals_of(user, case)
        return [
            (total.count, total.amount_yen, total.without_amount)
            for total in (*totals.originals.sides.values(), totals.originals.whole)
        ]

    assert shown(registrar) == [(3, 10_999, 1), (0, 0, 0), (3, 10_999, 1)]
    assert shown(person("approver")) == [(0, 0, 0), (1, 500, 0), (1, 500, 0)]
    assert shown(person("colleague")) == [(0, 0, 0)] * 3
    assert shown(admin) == [(2, 1000, 1), (1, 500, 0), (3, 1500, 1)]
    by_status = case_totals.totals_of(admin, case).by_status
    assert list(by_status) == [Status.receiver_receipt, Status.completion_wait, Status.withdrawn]
    assert by_status[Status.receiver_receipt].originals.sides[Side.receiver].amount_yen == 500
    assert by_status[Status.withdrawn].originals.sides[Side.sender].amount_yen == 70
    assert queries.documents_in_case(admin, case).rows == [received, withdrawn, concluded, at_receipt]
    assert queries.ids_in_case(registrar, case, most=2) == [unsent.id, withdrawn.id]
    assert queries.count_in_cases(admin, [case]) == {case.id: 4}


@pytest.mark.requirement("I12", "L6", "L24")
def test_amounts_of_originals_and_of_amendments_are_never_added_up(with_options, person, make_case, make_document, application):
    case, registrar, admin = make_case("K-001"), person("registrar"), person("admin")
    kinds = {"contract": 10_000, "change_contract": 12_000, "memorandum": None, "other": 30}
    made = {
        kind: make_document(Status.completion_wait, NO_SIGNATURE, kind=DocumentKind(kind), amount_yen=amount)
        for kind, amount in kinds.items()
    }  # fmt: skip
    made["other"].original_id = made["contract"].id  # whatever its 文書種別, it amends
    unseen = make_document(Status.draft, NO_SIGNATURE, kind=DocumentKind.change_contract, amount_yen=5)
    for document in (*made.values(), unseen):
        link(document, registrar, "K-001")
    totals = case_totals.totals_of(admin, case)
    assert vars(totals.originals.whole) == {"count": 1, "amount_yen": 10_000, "without_amount": 0}
    assert vars(totals.amendments.whole) == {"count": 3, "amount_yen": 12_030, "without_amount": 1}
    assert totals.amendments.sides[Side.receiver].count == 0 and totals.count_of(Side.sender) == 4
    assert totals.by_status[Status.completion_wait].amendments.whole.amount_yen == 12_030
    ids = queries.ids_in_case(admin, case, most=10)
    lines = list(csv.reader(io.StringIO("".join(case_totals.file_of(application, admin.id, ids, totals)).lstrip("\ufeff"))))
    assert lines[0][-1] == "原契約・変更契約"
    assert {line[0]: line[-1] for line in lines[1:5]} == {
        document.number: "原契約" if kind == "contract" else "変更契約" for kind, document in made.items()
    }  # fmt: skip
    assert lines[5:9] == [
        [], ["集計", "件数", "契約金額(税込)の合計", "うち金額なし"], ["原契約", "1", "10000", "0"], ["変更契約", "3", "12030", "1"]
    ]  # fmt: skip
    assert len(lines) == 10 and "合計していません" in lines[9][0]


@pytest.mark.requirement("I12")
def test_each_condition_finds_its_cases(with_options, person, make_case):
    make_case("K-001", name="青葉台の工事", work_name="新築", place="中央区", term_from=dt.date(2026, 4, 1))
    make_case("K-002", term_from=dt.date(2025, 4, 1), term_to=dt.date(2026, 3, 31), person_code=person("colleague").user_code)
    make_case("X-1")
    make_case("K-009", who="recipient", name="青葉台の工事")
    cases.close(queries.case_numbered(person("admin").company_id, "X-1"), person("admin"), now(), version=1)
    db.session.commit()

    def found(**terms):
        return [case.number for case in queries.cases_found(person("registrar"), CaseTerms(**terms)).rows]

    assert found() == ["K-002", "K-001", "X-1"]
    for terms, numbers in (
        ({"number": "ｋ－"}, ["K-002", "K-001"]), ({"name": "青葉"}, ["K-001"]), ({"work_name": "新"}, ["K-001"]),
        ({"place": "中央"}, ["K-001"]), ({"person": "同僚五郎"}, ["K-002"]), ({"is_closed": True}, ["X-1"]),
        ({"is_closed": False}, ["K-002", "K-001"]), ({"term_from": dt.date(2026, 3, 31)}, ["K-002", "K-001"]),
        ({"term_from": dt.date(2026, 4, 1)}, ["K-001"]), ({"term_to": dt.date(2026, 3, 31)}, ["K-002"]),
        ({"name": "%"}, []),
    ):  # fmt: skip
        assert found(**terms) == numbers, terms


@pytest.mark.requirement("I12")
def test_a_party_of_another_company_never_has_the_case(with_options, person, make_case, make_document):
    case = make_case("K-001")
    link(make_document(Status.receiver_receipt, NO_SIGNATURE), person("registrar"), "K-001")
    linked = db.session.query(DocumentParty).filter(DocumentParty.case_id.is_not(None)).all()
    assert [party.company_id for party in linked] == [case.company_id]


@pytest.mark.requirement("L23", "I12")
def test_a_deleted_persons_part_in_a_case_is_exported_and_erased(with_options, person, make_case):
    colleague = person("colleague")
    case = make_case("K-001", person_code=colleague.user_code)
    assert personal_data.export(colleague, now())["担当の案件"] == ["K-001　案件K-001"]
    assert personal_data.export(person("registrar"), now())["担当の案件"] == []
    colleague.deleted_at = now()
    personal_data.erase(colleague, person("admin"), now())
    db.session.commit()
    db.session.refresh(case)
    assert case.person is None and case.name == "案件K-001"
