"""企業情報照会, 変更申請 and its decision by the operator, and the company's own switches."""

import pytest

from app.clock import now
from app.errors import OutOfTurn, Refused
from app.extensions import db
from app.models import (
    AccountAction,
    AccountEvent,
    ApplicationState,
    CompanyChange,
    Letter,
    OutboxMessage,
)
from app.services import companies

WANTED = {"name": "株式会社発出建設", "kana": "ハッシュツケンセツ", "corporate_number": "7000012050002", "address": "", "phone": ""}


def actions():
    return [event.action for event in db.session.query(AccountEvent).order_by(AccountEvent.id) if "company" in event.action]


@pytest.fixture
def change(person):
    made = companies.apply_for_change(
        person("admin").company, person("admin"), {"kana": "ハッシュツ", "phone": "03-1234-5678"}, now()
    )
    db.session.commit()
    return made


@pytest.mark.requirement("I1", "I3")
def test_the_page_shows_the_own_companys_facts(client_of, person):
    company = person("admin").company
    page = client_of("admin").get("/admin/company/").text
    for shown in (company.code, company.name, company.plan.name, "利用中", "変更申請"):
        assert shown in page
    assert person("stranger").company.name not in page


@pytest.mark.requirement("I1", "I3")
def test_only_the_changed_fields_are_applied_for_and_a_second_application_waits(client_of, person):
    client = client_of("admin")
    assert client.post("/admin/company/change", WANTED).status_code == 302
    made = db.session.query(CompanyChange).one()
    assert made.wanted == {"kana": "ハッシュツケンセツ", "corporate_number": "7000012050002"}
    assert (made.state, made.applicant) == (ApplicationState.received, person("admin"))
    assert person("admin").company.kana == ""  # nothing yet
    again = client.post("/admin/company/change", WANTED | {"phone": "03-1111-2222"})
    assert again.status_code == 422 and "審査中の変更申請があります" in again.text and "03-1111-2222" in again.text
    assert db.session.query(CompanyChange).count() == 1
    page = client.get("/admin/company/").text
    assert "審査中の変更申請があります" in page and "ハッシュツケンセツ" in page
    assert 'name="phone"' not in client.get("/admin/company/change").text
    assert actions() == [AccountAction.company_change_applied]


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("field, typed, sentence", [
    ("corporate_number", "8000012050002", "法人番号が正しくありません"),
    ("corporate_number", "700001205000", "13桁の数字"),
    ("corporate_number", "700001205000X", "13桁の数字"),
    ("corporate_number", "٧٠٠٠٠١٢٠٥٠٠٠٢", "13桁の数字"),
    ("name", "　", "企業名を入力してください"),
    ("name", "㈱" * 256, "form-error"),
    ("name", "株式会社\u202eドロ", "企業名に目に見えない文字"),
    ("address", "東京都\u200b港区", "目に見えない文字"),
    ("address", "東京都\n港区", "制御文字"),
    ("phone", "03-1234-5678 山田", "数字とハイフン"),
    ("phone", "0" * 33, "form-error"),
])  # fmt: skip
def test_what_is_no_number_or_name_is_refused_with_its_cause_and_kept(client_of, field, typed, sentence):
    reply = client_of("admin").post("/admin/company/change", WANTED | {field: typed})
    assert reply.status_code == 422 and sentence in reply.text
    assert "ハッシュツケンセツ" in reply.text
    assert db.session.query(CompanyChange).count() == 0


@pytest.mark.requirement("I1")
def test_full_width_numbers_are_read_and_names_kept_as_typed(client_of, person):
    typed = {"name": "㈱髙﨑🏗", "corporate_number": "７００００１２０５０００２", "phone": "０３−１２３４−５６７８"}
    assert client_of("admin").post("/admin/company/change", WANTED | typed).status_code == 302
    made = db.session.query(CompanyChange).one()
    assert made.wanted == {
        "name": "㈱髙﨑🏗", "kana": "ハッシュツケンセツ", "corporate_number": "7000012050002", "phone": "03-1234-5678"
    }  # fmt: skip


@pytest.mark.requirement("I1", "S14")
@pytest.mark.parametrize("field", ["name", "kana", "address"])
def test_no_application_keeps_what_nobody_sees(person, field):
    admin = person("admin")
    with pytest.raises(Refused, match="目に見えない文字"):
        companies.apply_for_change(admin.company, admin, {field: "株式会社\u202eドロ"}, now())


@pytest.mark.requirement("I3")
def test_an_application_that_changes_nothing_is_refused(client_of, person):
    company = person("admin").company
    same = {name: getattr(company, name) for name in WANTED}
    reply = client_of("admin").post("/admin/company/change", same)
    assert reply.status_code == 422 and "変更された項目がありません" in reply.text


@pytest.mark.requirement("I1")
@pytest.mark.parametrize("number", ["7000012050002", "8700110005901", "1180301018771"])  # 国税庁, and two published ones
def test_the_check_digit_of_real_numbers(app, number):
    companies.check_corporate_number(number)
    for digit in set("123456789") - {number[0]}:
        with pytest.raises(Refused, match="正しくありません"):
            companies.check_corporate_number(digit + number[1:])


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("name, state, kana, noted", [
    ("approve", ApplicationState.approved, "ハッシュツ", AccountAction.company_changed),
    ("reject", ApplicationState.rejected, "", AccountAction.company_change_rejected),
])  # fmt: skip
def test_the_operator_decides_once_and_the_applicant_is_told(client_of, person, change, post_letters, name, state, kana, noted):
    client, url = client_of("operator"), f"/operator/company-changes/action/{name}/{change.id}"
    page = f"/operator/company-changes/rejection/{change.id}"
    assert "電話番号：03-1234-5678" in client.get("/operator/company-changes/list/").text
    client.get(url)
    assert change.state is ApplicationState.received
    reply = client.post(url)
    if name == "reject":
        assert reply.location.endswith(page) and change.state is ApplicationState.received
        empty = client.post(page, {"reason": " "})
        assert empty.status_code == 422 and "電話番号：03-1234-5678" in empty.text and str(person("admin")) in empty.text
        client.post(page, {"reason": "登記簿と異なります。"})
    client.post(url)  # a second click
    assert client.post(page, {"reason": "もう一度"}).status_code == 409
    db.session.expire_all()
    assert (change.state, change.decided_by) == (state, person("operator"))
    assert change.company.kana == kana
    assert actions() == [AccountAction.company_change_applied, noted]
    assert db.session.query(AccountEvent).filter_by(action=noted).one().company_id == change.company_id
    (mail,) = post_letters()
    assert mail.recipients == ["admin@sender.example"]
    assert ("却下の理由：登記簿と異なります。" in mail.body) is (name == "reject")
    for shown in ("企業情報の変更申請", "承認" if name == "approve" else "却下", "企業名カナ、電話番号"):
        assert shown in mail.body
    with pytest.raises(OutOfTurn, match="審査済み"):
        companies.approve_change(change, person("operator"), now())


@pytest.mark.requirement("I3")
def test_of_a_deleted_applicants_change_the_administrators_are_told(person, change):
    change.applicant = person("colleague")
    person("colleague").active, person("colleague").deleted_at = False, now()
    companies.approve_change(change, person("operator"), now())
    db.session.commit()
    letter = db.session.query(OutboxMessage).filter_by(letter=Letter.application_decided).one()
    assert letter.user is person("admin")


@pytest.mark.requirement("I3", "S7")
@pytest.mark.parametrize("who", ["admin", "registrar", "anonymous"])
def test_nobody_but_the_operator_decides(client_of, change, who):
    client_of(who).post(f"/operator/company-changes/action/approve/{change.id}")
    client_of(who).post("/operator/company-changes/action_post", {"action": "approve", "rowid": str(change.id)})
    db.session.refresh(change)
    assert change.state is ApplicationState.received


@pytest.mark.requirement("I3", "S19")
def test_the_switches_apply_at_once_to_the_own_company(client_of, person):
    client, company = client_of("admin"), person("admin").company
    page = client.get("/admin/company/").text
    assert "認証アプリの6桁のコード" in page and "10分間使える署名用コード" in page
    assert client.post("/admin/company/options", {"signs_by_code": "y", "version": "000"}).status_code == 302
    assert (company.requires_second_factor, company.signs_by_code) == (False, True)
    again = client.post("/admin/company/options", {"signs_by_code": "y", "version": "000"})  # a second click
    assert again.status_code == 409
    events = db.session.query(AccountEvent).filter_by(action=AccountAction.company_options_changed).all()
    assert [event.note for event in events] == ["署名用コードを使う：はい"]
    assert not person("stranger").company.signs_by_code
    client.post("/admin/company/options", {"company_id": str(person("stranger").company_id), "version": "010"})
    assert not company.signs_by_code
