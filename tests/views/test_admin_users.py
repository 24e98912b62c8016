"""管理者業務: the people of the own company, one by one and from a CSV file; nobody else's."""

import datetime as dt
import io
import re

import pytest
from flask import current_app

from app import queries
from app.clock import now
from app.errors import Refused
from app.extensions import db
from app.models import AccountAction, AccountEvent, Letter, OutboxMessage, PortalUser, UserState
from app.services import credentials, outbox, personal_data, roster
from app.services import people as people_service
from app.services.people import delete
from demo import actors
from tests.conftest import PASSWORD

NEW = {"full_name": "髙﨑 新", "kana": "ﾀｶｻｷ ｱﾗﾀ", "department": "総務部", "title": "主任", "mail_address": "new@sender.example"}
HEADER = "氏名,カナ,部署,役職,メールアドレス,管理者権限"
GOOD = f"{HEADER}\r\n髙﨑 新,タカサキ アラタ,総務部,主任,a@sender.example,1\r\n\"㈱,二郎\",,,,b@sender.example,いいえ\r\n三郎,,,,c@sender.example,\r\n"


def actions():
    events = db.session.query(AccountEvent).order_by(AccountEvent.id)
    return [event.action for event in events if event.action not in (AccountAction.log_in, AccountAction.log_out)]


def letters():
    return [row.letter for row in db.session.query(OutboxMessage).order_by(OutboxMessage.id)]


def people():
    return db.session.query(PortalUser).count()


def token_in(page):
    return re.search(r'name="token"[^>]*value="([^"]+)"', page.text).group(1)


# -- one by one -------------------------------------------------------------------


@pytest.mark.requirement("R8", "R12", "R14", "R15", "R16", "R17", "R18", "R26", "R27", "I2", "I3", "L23")
def test_an_administrator_registers_a_person_who_then_logs_in(client_of, browser, person):
    client = client_of("admin")
    form = client.get("/admin/users/new")
    assert "<h1>利用者登録</h1>" in form.text and "個人データ" in form.text
    reply = client.post("/admin/users/new", NEW | {"token": token_in(form)})
    assert reply.status_code == 302
    made = db.session.query(PortalUser).filter_by(full_name="髙﨑 新").one()
    assert made.company_id == person("admin").company_id and [role.name for role in made.roles] == ["Member"]
    assert letters() == [Letter.user_issued, Letter.initial_password] and actions() == [AccountAction.user_enrolled]
    shown = client.get(reply.location).text
    for fact in (*NEW.values(), made.user_code, "有効"):
        assert fact in shown
    first = outbox.secret_of(db.session.query(OutboxMessage).filter_by(letter=Letter.initial_password).one())
    newcomer = browser()
    assert newcomer.log_in(made.user_code.lower(), first).status_code == 302
    assert "/password/" in newcomer.get("/").location  # the forced change comes first
    found = client.get("/admin/users/?name=髙﨑").text
    assert made.user_code in found and person("registrar").user_code not in found


@pytest.mark.requirement("R27", "I3")
def test_a_second_click_makes_no_second_person(client_of):
    client, before = client_of("admin"), people()
    given = NEW | {"token": token_in(client.get("/admin/users/new"))}
    assert client.post("/admin/users/new", given).status_code == 302
    again = client.post("/admin/users/new", given)
    assert again.status_code == 409 and "すでに登録されています" in again.text
    assert people() == before + 1 and len(letters()) == 2


@pytest.mark.requirement("I2", "R106", "S14")
@pytest.mark.parametrize("field, typed, reason", [
    ("full_name", "", "氏名を入力してください"),
    ("full_name", "山田\r\n太郎", "氏名に改行"),
    ("full_name", "山田\u202e郎太", "氏名に目に見えない文字"),
    ("department", "総務\u200b部", "部署に目に見えない文字"),
    ("title", "あ" * 256, "役職は255文字以内"),
    ("mail_address", "", "メールアドレスを入力してください"),
    ("mail_address", "a@b.example\r\nBcc: x@y.example", "メールアドレスの形式"),
    ("mail_address", "ａ@b.example", "メールアドレスの形式"),
])  # fmt: skip
def test_what_cannot_be_kept_is_refused_and_the_rest_stays_in_the_form(client_of, person, field, typed, reason):
    client, before = client_of("admin"), people()
    target = person("colleague")
    for url in ("/admin/users/new", f"/admin/users/{target.id}/edit"):
        reply = client.post(url, NEW | {field: typed, "version": people_service.version_of(target)})
        assert reply.status_code == 422 and reason in reply.text
        kept = [value for name, value in NEW.items() if name != field]
        assert all(f'value="{value}"' in reply.text for value in kept)
    db.session.refresh(target)
    assert people() == before and target.full_name == "同僚 五郎" and letters() == [] and actions() == []


def edit(client, target, given):
    """Send the form of 利用者情報変更 as it is drawn now."""
    db.session.refresh(target)
    return client.post(f"/admin/users/{target.id}/edit", given | {"version": people_service.version_of(target)})


@pytest.mark.requirement("I2", "I3")
def test_a_change_is_saved_and_noted_and_a_second_one_notes_nothing(client_of, person):
    client, target = client_of("admin"), person("colleague")
    for _ in range(2):
        assert edit(client, target, NEW).status_code == 302
    db.session.refresh(target)
    assert {name: getattr(target, name) for name in NEW} == NEW
    (event,) = db.session.query(AccountEvent).filter_by(action=AccountAction.user_changed)
    assert event.note == "氏名、カナ、部署、役職、メールアドレス" and event.actor_id == person("admin").id


@pytest.mark.requirement("R8", "I2", "S10")
def test_promotion_opens_the_menu_and_ends_the_sessions(client_of, person):
    target = person("colleague")
    theirs = client_of("colleague")
    given = {"full_name": target.full_name, "mail_address": target.mail_address}
    edit(client_of("admin"), target, given | {"is_admin": "y"})
    assert theirs.get("/").status_code == 302
    theirs = client_of("colleague")
    assert "管理者業務" in theirs.get("/").text
    edit(client_of("admin"), target, given)
    assert theirs.get("/admin/users/").status_code == 302
    theirs = client_of("colleague")
    assert "管理者業務" not in theirs.get("/").text and theirs.get("/admin/users/").status_code == 403
    notes = [event.note for event in db.session.query(AccountEvent).filter_by(action=AccountAction.user_changed)]
    assert notes == ["管理者権限の付与", "管理者権限の取消"]


@pytest.mark.requirement("I2")
def test_the_last_administrator_is_not_demoted(client_of, person):
    admin = person("admin")
    reply = edit(client_of("admin"), admin, {"full_name": "新しい名", "mail_address": admin.mail_address})
    assert reply.status_code == 422 and "管理者がいなくなる" in reply.text
    db.session.refresh(admin)
    assert admin.is_company_admin and admin.full_name == "管理 六郎"


@pytest.mark.requirement("I3", "R17", "R18", "S10")
def test_a_password_reset_sends_one_mail_however_often_it_is_pressed(client_of, browser, person):
    client, target, theirs = client_of("admin"), person("colleague"), client_of("colleague")
    url = f"/admin/users/{target.id}"
    given = {"epoch": re.search(r'name="epoch" value="(\d+)"', client.get(url).text).group(1)}
    assert client.post(f"{url}/password", given).status_code == 302
    again = client.post(f"{url}/password", given)
    assert again.status_code == 409 and "変更されています" in again.text
    assert letters() == [Letter.initial_password] and AccountAction.password_reset in actions()
    assert theirs.get("/").status_code == 302 and browser().log_in(target.user_code).status_code == 422


@pytest.mark.requirement("I3", "I17")
def test_a_locked_person_is_shown_and_unlocked(client_of, browser, person):
    code, url = person("colleague").user_code, f"/admin/users/{person('colleague').id}"
    for _ in range(5):
        browser().log_in(code, "Wrong-1234")
    assert browser().log_in(code, PASSWORD).status_code == 422
    client = client_of("admin")
    page = client.get(url).text
    assert "ロックされています" in page and ">ロック解除</button>" in page
    assert "ロック" in client.get(f"/admin/users/?code={code}").text
    assert client.post(f"{url}/unlock").status_code == 302
    assert browser().log_in(code, PASSWORD).status_code == 302
    assert letters()[-1] is Letter.account_unlocked
    assert ">ロック解除</button>" not in client.get(url).text
    assert client.post(f"{url}/unlock").status_code == 422


@pytest.mark.requirement("R19", "R20", "I3")
def test_a_persons_page_shows_the_certificates_and_whether_they_are_activated(client_of, person):
    (link,) = person("signer").activations
    page = client_of("admin").get(f"/admin/users/{person('signer').id}").text
    assert link.certificate.number in page and "署名権限" in page and "未完了" not in page
    link.activated_at = None
    db.session.commit()
    assert "未完了" in client_of("admin").get(f"/admin/users/{person('signer').id}").text


@pytest.mark.requirement("R17", "I3")
def test_a_persons_page_says_which_password_is_in_use(client_of, browser, person):
    target, admin = person("colleague"), client_of("admin")
    url = f"/admin/users/{target.id}"
    assert "変更済み" in admin.get(url).text
    credentials.mail_forgotten_password(target.user_code, target.mail_address, now())
    db.session.commit()
    browser().log_in(target.user_code, actors.secret_mailed(target, Letter.password_forgotten))
    page = admin.get(url).text
    assert "変更待ち（再発行パスワードでログイン）" in page and "まで有効）" not in page
    credentials.reset_password(target, now(), person("admin"))
    db.session.commit()
    assert re.search("初回ログインパスワード（[^）]+まで有効）", admin.get(url).text)


@pytest.mark.requirement("I3", "R26")
def test_the_list_comes_in_pages_and_hides_the_deleted_until_asked(client_of, person):
    gone = person("colleague")
    gone.deleted_at = now()
    for number in range(20):
        db.session.add(PortalUser(
            username=f"U9{number:07d}", email=f"x{number}@users.invalid", first_name="", last_name="", full_name=f"社員{number}",
            company_id=gone.company_id, active=True,
        ))  # fmt: skip
    db.session.commit()
    client = client_of("admin")
    first, second = client.get("/admin/users/").text, client.get("/admin/users/?page=2").text
    assert "26名" in first and first.count('data-label="利用者ID"') == 20
    assert second.count('data-label="利用者ID"') == 6
    assert gone.user_code not in first + second
    shown = client.get(f"/admin/users/?state=deleted&code={gone.user_code}").text
    assert gone.user_code in shown and "削除" in shown
    page = client.get(f"/admin/users/{gone.id}").text
    assert "パスワード初期化" not in page and f"/admin/users/{gone.id}/edit" not in page
    assert client.get("/admin/users/?page=99").status_code == 200


@pytest.mark.requirement("I3", "I2")
def test_the_locked_are_found_as_the_list_calls_them(client_of, person):
    limit = current_app.config["SECRET_TRIES"]
    person("viewer").locked_until = now() + dt.timedelta(minutes=5)
    person("approver").locked_until = now() - dt.timedelta(minutes=5)
    person("colleague").signing_failures = limit
    person("signer").activations[0].pin_failures = limit
    db.session.commit()
    everybody = queries.people_of(person("admin").company_id, page_size=100).rows
    for state in UserState:
        page = client_of("admin").get(f"/admin/users/?state={state}").text
        found = {one.user_code for one in everybody if f">{one.user_code}<" in page}
        assert found == {one.user_code for one in everybody if people_service.state(one, now()) is state}, state
    assert client_of("admin").get("/admin/users/?state=locked").text.count('data-label="利用者ID"') == 3
    assert client_of("admin").get("/admin/users/?state=everything").status_code == 200


# -- nobody of another company ---------------------------------------------------------


@pytest.mark.requirement("S7", "R8", "I3")
@pytest.mark.parametrize("who", ["recipient", "receiver_admin", "operator"])
def test_a_foreign_or_unknown_person_is_not_found_and_not_touched(client_of, person, who):
    target, client = person(who), client_of("admin")
    before = (target.full_name, target.password, target.session_epoch, sorted(r.name for r in target.roles))
    target.signing_failures = 5
    db.session.commit()
    for user_id in (target.id, 999999, 99999999999):
        url = f"/admin/users/{user_id}"
        assert client.get(url).status_code == client.get(f"{url}/edit").status_code == 404
        assert client.post(f"{url}/edit", NEW | {"is_admin": "y"}).status_code == 404
        assert client.post(f"{url}/password", {"epoch": str(target.session_epoch)}).status_code == 404
        assert client.post(f"{url}/unlock").status_code == 404
    db.session.refresh(target)
    after = (target.full_name, target.password, target.session_epoch, sorted(r.name for r in target.roles))
    assert after == before and target.signing_failures == 5 and letters() == []
    assert f">{target.user_code}</a>" not in client.get(f"/admin/users/?code={target.user_code}").text


@pytest.mark.requirement("S7", "R8")
def test_fields_nobody_offers_are_ignored(client_of, person):
    foreign = person("recipient").company_id
    more = {"roles": "Operator", "role": "Operator", "company_id": str(foreign), "company": str(foreign),
            "username": "U99999999", "active": "", "must_change_password": "", "session_epoch": "0",
            "enrolment_token": "x", "is_operator": "y", "password": "Evil-1234"}  # fmt: skip
    client, target = client_of("admin"), person("colleague")
    client.post("/admin/users/new", NEW | more)
    edit(client, target, NEW | more | {"full_name": "同僚 改"})
    db.session.refresh(target)
    made = db.session.query(PortalUser).filter_by(full_name=NEW["full_name"]).one()
    for user in (made, target):
        assert user.company_id == person("admin").company_id and [role.name for role in user.roles] == ["Member"]
        assert user.username != "U99999999" and user.active and not user.is_operator
    assert made.must_change_password and target.full_name == "同僚 改"


# -- 利用者一括登録 -----------------------------------------------------------------------


def upload(client, content, name="people.csv"):
    content = content.encode() if isinstance(content, str) else content
    return client.post("/admin/users/import", {"file": (io.BytesIO(content), name)}, content_type="multipart/form-data")


def confirmed(page):
    rows = re.search(r'name="rows"[^>]*value="([^"]+)"', page.text).group(1)
    for code, sign in (("&#34;", '"'), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        rows = rows.replace(code, sign)
    return {"rows": rows, "token": token_in(page)}


@pytest.mark.requirement("I3", "R26", "R27")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_file_is_previewed_then_registered_as_a_whole_and_once(client_of, person, encoding):
    client, before = client_of("admin"), people()
    preview = upload(client, GOOD.encode(encoding))
    assert preview.status_code == 200 and "登録する利用者（3名）" in preview.text and "㈱,二郎" in preview.text
    assert people() == before and letters() == []
    given = confirmed(preview)
    assert client.post("/admin/users/import/registration", given).status_code == 302
    made = db.session.query(PortalUser).order_by(PortalUser.id.desc()).limit(3).all()[::-1]
    assert [user.full_name for user in made] == ["髙﨑 新", "㈱,二郎", "三郎"]
    assert [user.is_company_admin for user in made] == [True, False, False]
    assert {user.company_id for user in made} == {person("admin").company_id}
    assert len({user.password for user in made}) == 3
    assert letters() == [Letter.user_issued, Letter.initial_password] * 3
    assert actions() == [AccountAction.user_enrolled] * 3 + [AccountAction.users_imported]
    assert client.post("/admin/users/import/registration", given).status_code == 409
    assert people() == before + 3 and len(letters()) == 6
    again = upload(client, GOOD.encode(encoding))
    assert again.status_code == 422 and again.text.count("すでに登録されています") == 3


@pytest.mark.requirement("I3")
def test_bad_lines_are_named_and_nothing_is_registered(client_of):
    client, before = client_of("admin"), people()
    page = upload(client, "\n".join([
        HEADER, "良い,,,,good@a.example,0", "", ",,,,x@a.example,", "山田\u202e,,,,x@a.example,", "鈴木,,,,kein,", "田中,,,,t@a.example,yes",
        "佐藤,s@a.example", "良い,,,,good@a.example,1", '"改\n行",,,,n@a.example,', "高橋,,,,,２",
    ]))  # fmt: skip
    assert page.status_code == 422 and people() == before
    bad = re.findall(r"(\d+)行目</td>.*?data-label=\"誤り\">(.*?)</td>", page.text, re.S)
    expected = {
        4: "氏名を入力してください。", 5: "氏名に目に見えない文字", 6: "メールアドレスの形式", 7: "管理者権限は、1・0", 8: "項目の数が6個では",
        9: "氏名とメールアドレスが2行目と同じ", 10: "氏名に改行", 12: "メールアドレスの形式",
    }  # fmt: skip
    assert [int(number) for number, _ in bad] == list(expected)
    assert all(said.startswith(expected[int(number)]) for number, said in bad)
    assert 'name="rows"' not in page.text


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("content, reason", [
    (b"", "1行目の項目名"),
    (b"\x00\x01\x02", "1行目の項目名"),
    (b"\xff\xfe\x0f\x5c" * 20, "文字コード"),
    ("氏名,メール\n山田,a@b.example", "1行目の項目名"),
    (HEADER, "登録する利用者がありません"),
    (f"{HEADER}\n,,,,,\n", "登録する利用者がありません"),
    (f'{HEADER}\n"山田,,,,a@b.example,', "2行目をCSVとして"),
    (f"{HEADER}\n" + "山田,,,,a@b.example,\n" * 201, "200名まで"),
], ids=range(8))  # fmt: skip
def test_what_is_no_list_of_people_is_refused_with_the_reason(client_of, content, reason):
    before = people()
    page = upload(client_of("admin"), content)
    assert page.status_code == 422 and reason in page.text and people() == before


@pytest.mark.requirement("I3")
def test_a_file_too_large_is_refused(client_of, monkeypatch):
    monkeypatch.setattr(roster, "MOST_BYTES", len(GOOD.encode()) - 1)
    page = upload(client_of("admin"), GOOD)
    assert page.status_code == 422 and "1MB以下" in page.text


@pytest.mark.requirement("I3")
def test_no_file_chosen_is_said(client_of):
    reply = client_of("admin").post("/admin/users/import")
    assert reply.status_code == 422 and "CSVファイルを選択してください" in reply.text


@pytest.mark.requirement("I3", "S7")
@pytest.mark.parametrize("rows", [
    "kein", "[]", "{}", "1", "[1]", '[["x", []]]', "[[1e999, []]]", "null", '[[2, ["山田\\u202e", "", "", "", "a@b.example", ""]]]',
    '[[2, ["山田", "", "", "", "a@b.example", "Operator"]]]', '[[2, ["山田"]]]', "[" * 20000,
], ids=range(12))  # fmt: skip
def test_forged_rows_are_checked_again(client_of, rows):
    before = people()
    reply = client_of("admin").post("/admin/users/import/registration", {"rows": rows, "token": "t"})
    assert reply.status_code == 422 and people() == before and letters() == []


@pytest.mark.requirement("I3")
def test_the_template_is_a_file_that_is_read_back(client_of):
    reply = client_of("admin").get("/admin/users/import/template.csv")
    assert reply.mimetype == "text/csv" and reply.data.startswith(b"\xef\xbb\xbf")
    page = upload(client_of("admin"), reply.data + "山田,,,,a@b.example,1\r\n".encode())
    assert page.status_code == 200 and "登録する利用者（1名）" in page.text


@pytest.mark.requirement("I3")
def test_two_hundred_people_fit(client_of):
    line = ",".join(["あ" * 100] * 4)
    rows = "\n".join(f"{line},x{number}@b.example,0" for number in range(200))
    preview = upload(client_of("admin"), f"{HEADER}\n{rows}".encode())
    assert preview.status_code == 200
    before = people()
    reply = client_of("admin").post(
        "/admin/users/import/registration", confirmed(preview), content_type="multipart/form-data"
    )
    assert reply.status_code == 302 and people() == before + 200


# -- the operator does the same --------------------------------------------------------------


@pytest.mark.requirement("I3", "S14")
def test_the_operators_forms_keep_the_same_rules_and_notes(client_of, person):
    client, target = client_of("operator"), person("colleague")
    company = str(target.company_id)
    before = people()
    for typed in ("山田\u202e郎太", "山田\n太郎", "あ" * 256, " "):
        client.post("/operator/users/add", NEW | {"company": company, "full_name": typed})
        client.post(f"/operator/users/edit/{target.id}", NEW | {"full_name": typed})
    client.post("/operator/users/add", NEW | {"company": company, "mail_address": "a@b.example\nBcc: x@y.example"})
    client.post("/operator/companies/add", {"name": "発出\u202e建設", "plan": "1"})
    db.session.refresh(target)
    assert people() == before and target.full_name == "同僚 五郎" and actions() == []
    client.post("/operator/users/add", NEW | {"company": company})
    client.post(f"/operator/users/edit/{target.id}", NEW)
    client.post(f"/operator/users/action/reset_password/{target.id}")
    db.session.refresh(target)
    target.signing_failures = 5
    db.session.commit()
    client.post(f"/operator/users/action/unlock/{target.id}")
    assert people() == before + 1 and target.full_name == NEW["full_name"]
    assert actions() == [
        AccountAction.user_enrolled, AccountAction.user_changed, AccountAction.password_reset, AccountAction.unlocked,
    ]  # fmt: skip
    assert {event.actor_id for event in db.session.query(AccountEvent)} == {person("operator").id}
    told = [Letter.user_issued, Letter.initial_password, Letter.mail_address_changed]
    assert letters() == [*told, Letter.initial_password, Letter.account_unlocked]


@pytest.mark.requirement("R27", "I3")
def test_two_previews_of_one_file_register_its_people_once(person):
    admin = person("admin")
    previews = [roster.read(GOOD.encode(), admin.company_id) for _ in range(2)]
    initials = credentials.new_initial_passwords(3)
    roster.enrol_all(admin.company, previews[0], admin, now(), token="first", initials=initials)
    db.session.commit()
    before = people()
    with pytest.raises(Refused, match="誤りのある行"):
        roster.enrol_all(admin.company, previews[1], admin, now(), token="second", initials=initials)
    db.session.rollback()
    assert people() == before and len(letters()) == 6


@pytest.mark.requirement("R27")
def test_the_operators_second_click_makes_no_second_person(client_of, person):
    client, before = client_of("operator"), people()
    page = client.get("/operator/users/add").text
    (token,) = re.findall(r'name="enrolment_token"[^>]*value="([^"]+)"', page)
    given = NEW | {"company": str(person("admin").company_id), "enrolment_token": token}
    assert client.post("/operator/users/add", given).status_code == 302
    again = client.post("/operator/users/add", given, follow_redirects=True)
    assert "すでに登録されています" in again.text
    assert people() == before + 1 and len(letters()) == 2


@pytest.mark.requirement("Q4", "I3")
def test_a_page_from_before_a_change_gives_nothing_back(client_of, person):
    client, target = client_of("admin"), person("colleague")
    own = {"full_name": target.full_name, "mail_address": target.mail_address}
    edit(client, target, own | {"is_admin": "y"})
    db.session.refresh(target)
    old = people_service.version_of(target)
    edit(client, target, own)
    stale = client.post(f"/admin/users/{target.id}/edit", own | {"is_admin": "y", "version": old})
    assert stale.status_code == 409 and "画面を開いた後に変更されています" in stale.text
    db.session.refresh(target)
    assert not target.is_company_admin


@pytest.mark.requirement("L2", "S17")
@pytest.mark.parametrize("how", ["another address", "a new password", "no second factor"])
def test_whoever_takes_over_the_mails_of_a_signer_does_not_take_over_the_key(client_of, person, how):
    client, signer = client_of("admin"), person("signer")
    address = signer.mail_address
    if how == "another address":
        edit(client, signer, {"full_name": signer.full_name, "mail_address": "thief@sender.example"})
        warning = db.session.query(OutboxMessage).filter_by(letter=Letter.mail_address_changed).one()
        assert warning.to_address == address
    elif how == "a new password":
        client.post(f"/admin/users/{signer.id}/password", {"epoch": str(signer.session_epoch)})
    else:
        signer.totp_sealed = b"sealed"
        db.session.commit()
        client.post(f"/admin/users/{signer.id}/second_factor")
    db.session.expire_all()
    (link,) = person("signer").activations
    assert link.sealed_key is None and link.activated_at is None


@pytest.mark.requirement("L2")
def test_an_administrator_does_not_get_past_the_own_second_factor(client_of, person):
    client, admin = client_of("admin"), person("admin")
    admin.totp_sealed = b"sealed"
    db.session.commit()
    assert client.post(f"/admin/users/{admin.id}/second_factor").location.endswith("/second-factor/")
    db.session.refresh(admin)
    assert admin.has_second_factor


@pytest.mark.requirement("I2", "L23")
def test_the_operator_does_not_fill_in_a_deleted_or_erased_person_again(client_of, person):
    gone, admin = person("colleague"), person("admin")
    delete(gone, admin, now())
    for erase in (False, True):
        if erase:
            personal_data.erase(gone, admin, now())
        db.session.commit()
        before = (gone.full_name, gone.mail_address, gone.kana)
        client = client_of("operator")
        client.post(f"/operator/users/edit/{gone.id}", NEW)
        assert "削除済みの利用者のため" in client.get("/operator/users/list/").text
        db.session.refresh(gone)
        assert (gone.full_name, gone.mail_address, gone.kana) == before
    assert AccountAction.user_changed not in actions()


@pytest.mark.requirement("R27")
@pytest.mark.parametrize("who, url", [("admin", "/admin/users/new"), ("operator", "/operator/users/add")])
def test_the_first_password_is_hashed_while_the_database_waits_for_nobody(client_of, person, monkeypatch, who, url):
    client, company, held = client_of(who), str(person("admin").company_id), []
    hash_all = credentials.new_initial_passwords

    def hash_and_look(count):
        held.append(db.session().in_transaction())
        return hash_all(count)

    monkeypatch.setattr(credentials, "new_initial_passwords", hash_and_look)
    before = people()
    assert client.post(url, NEW | {"company": company}).status_code == 302
    assert people() == before + 1 and held == [False]


@pytest.mark.requirement("I1", "I3")
def test_what_the_operator_changes_of_a_company_is_noted_once(client_of, person):
    client, company = client_of("operator"), person("admin").company
    facts = {name: getattr(company, name) for name in ("name", "kana", "corporate_number", "address", "phone")}
    typed = facts | {"phone": "03-0000-0000", "status": "suspended", "plan": "3"}  # the last two are no fields of the form
    for _ in range(2):
        assert client.post(f"/operator/companies/edit/{company.id}", typed).status_code == 302
    (event,) = db.session.query(AccountEvent).filter_by(action=AccountAction.company_changed)
    assert (event.company_id, event.actor_id, event.note) == (company.id, person("operator").id, "電話番号")
