"""自社電子証明書照会 and what an administrator does from there; the operator's side of it."""

import datetime as dt
import re
from io import BytesIO

import pytest

from app import queries
from app.clock import now
from app.extensions import db
from app.models import (
    ApplicationKind,
    ApplicationState,
    Certificate,
    CertificateActivation,
    CertificateApplication,
    Letter,
    OutboxMessage,
)
from app.services import certificates
from tests.conftest import PASSWORD

URL = "/admin/certificates/"
PDF = b"%PDF-1.7\n%%EOF\n"
TOKEN = re.compile(r'name="token"[^>]*value="([^"]+)"')


@pytest.fixture
def own(person):
    """The certificate of the sender's signer."""
    return queries.activations_of(person("signer"), now())[0].certificate


@pytest.fixture
def foreign(person):
    return queries.activations_of(person("receiver_signer"), now())[0].certificate


def form(client, url, **changes):
    """The fields of an application as the page gives them, with what a person would type."""
    page = client.get(url).text
    return {"token": TOKEN.search(page).group(1), "department": "経理部", "title": "", **changes}


def evidence(pdf=PDF):
    return (BytesIO(pdf), "印鑑証明書.pdf")


@pytest.mark.requirement("I3", "I16", "R36")
def test_the_list_shows_the_own_certificates_with_state_period_and_people(client_of, own, foreign, person):
    link = own.activations[0]
    db.session.add(CertificateActivation(user=person("viewer"), certificate=own))
    db.session.commit()
    client = client_of("admin")
    page = client.get(URL).text
    assert own.number in page and foreign.number not in page and "status--done" in page and ">有効<" in page
    assert f"{own.not_after + dt.timedelta(hours=9):%Y/%m/%d}" in page
    assert f"{link.user.full_name}（確認済）" in page and "参照 四郎（未完了）" in page
    assert 'href="/admin/certificates/"' in client.get("/").text  # the menu
    assert 'href="/admin/certificates/"' not in client_of("signer").get("/").text
    assert own.number in client.get(URL, query_string={"number": f" {own.number.lower()} "}).text
    assert "該当する電子証明書はありません" in client.get(f"{URL}?number=JC-99").text
    assert "該当する電子証明書はありません" in client.get(f"{URL}?number=%25").text


@pytest.mark.requirement("I16")
@pytest.mark.parametrize("change, word", [
    ({"revoked_at": 0}, "失効"), ({"not_after": -1}, "有効期限切れ"), ({"not_before": 1}, "開始前"),
])  # fmt: skip
def test_the_state_is_said_in_words(client_of, own, change, word):
    for name, days in change.items():
        setattr(own, name, now() + dt.timedelta(days=days))
    db.session.commit()
    client = client_of("admin")
    assert f">{word}</span>" in client.get(URL).text
    page = client.get(f"{URL}{own.id}").text
    assert f">{word}</span>" in page and "/people" not in page


@pytest.mark.requirement("I3", "S7", "I18")
@pytest.mark.parametrize("page", ["", "/people", "/renewal", "/pin_reissue", "/revocation"])
def test_another_companys_certificate_is_not_found_and_stays_as_it_is(client_of, foreign, page):
    client = client_of("admin")
    assert client.get(f"{URL}{foreign.id}{page}").status_code == 404
    assert client.get(f"{URL}99999999999{page}").status_code == 404
    if page:
        data = {"password": PASSWORD, "users": "", "confirmed": "1"}
        assert client.post(f"{URL}{foreign.id}{page}", data).status_code == 404
    db.session.refresh(foreign)
    assert foreign.revoked_at is None and len(foreign.activations) == 1


# -- 紐付け更新 ---------------------------------------------------------------------


@pytest.mark.requirement("R36", "I3", "R68")
def test_people_are_chosen_confirmed_and_linked(client_of, own, person):
    client, url = client_of("admin"), f"{URL}{own.id}/people"
    signer, viewer = person("signer"), person("viewer")
    page = client.get(url).text
    assert f'value="{signer.user_code}"' in page and "data-picker-multiple" in page and ">参照</button>" in page
    typed = f"{viewer.user_code.lower()}、{viewer.user_code}"
    page = client.post(url, {"users": typed}).text
    assert ">確定</button>" in page and "追加する方" in page and "参照 四郎" in page and "署名できなくなります" in page
    assert own.people == [signer]  # not yet
    chosen = re.search(r'name="users" value="([^"]*)"', page).group(1)
    assert chosen == viewer.user_code
    for _ in range(2):  # a double click
        confirmed = {"users": chosen, "confirmed": "1", "drawn": signer.user_code}
        assert client.post(url, confirmed).status_code == 302
    db.session.expire_all()
    assert own.people == [viewer]
    assert "未完了" in client.get(f"{URL}{own.id}").text
    assert queries.activations_of(signer, now()) == []


@pytest.mark.requirement("R36", "Q4")
def test_a_confirmation_from_before_a_change_unlinks_nobody(client_of, own, person):
    client, url = client_of("admin"), f"{URL}{own.id}/people"
    page = client.post(url, {"users": person("signer").user_code + " " + person("viewer").user_code}).text
    carried = {name: re.search(rf'name="{name}" value="([^"]*)"', page).group(1) for name in ("users", "confirmed", "drawn")}
    certificates.link_people(own, [person("signer"), person("approver")], now(), person("admin"))
    db.session.commit()
    reply = client.post(url, carried)
    assert reply.status_code == 409 and "紐付けが変わりました" in reply.text
    db.session.expire_all()
    assert own.people == sorted([person("signer"), person("approver")], key=lambda one: one.user_code)


@pytest.mark.requirement("R36", "S7")
@pytest.mark.parametrize("who", ["receiver_signer", "nobody", "deleted"])
@pytest.mark.parametrize("confirmed", ["", "1"])
def test_a_wrong_person_is_named_what_was_typed_stays_and_nobody_is_linked(client_of, own, person, who, confirmed):
    person("viewer").deleted_at = now()
    code = {"nobody": "U1", "deleted": person("viewer").user_code}.get(who) or person(who).user_code
    typed = f"{person('signer').user_code} {code}"
    reply = client_of("admin").post(f"{URL}{own.id}/people", {"users": typed, "confirmed": confirmed})
    assert reply.status_code == 422 and f"利用者ID {code} は" in reply.text and f'value="{typed}"' in reply.text
    db.session.expire_all()
    assert own.people == [person("signer")]


# -- 申請 ---------------------------------------------------------------------------


@pytest.mark.requirement("I3", "R21", "R39", "L3", "Q3")
def test_an_additional_certificate_from_the_form_to_the_signers_pull_down(client_of, person):
    admin, operator, count = client_of("admin"), client_of("operator"), db.session.query(Certificate).count()
    url, viewer = f"{URL}application", person("viewer")
    given = form(admin, url, users=viewer.user_code, pin_mail_address="pin@sender.example")
    assert admin.post(url, given | {"evidence": evidence()}).status_code == 302
    assert admin.post(url, given | {"evidence": evidence()}).status_code == 409
    application = db.session.query(CertificateApplication).one()
    assert "受付" in admin.get(URL).text
    shown = operator.get(f"/operator/applications/show/{application.id}").text
    for word in ("経理部", "pin@sender.example", viewer.user_code, "印鑑証明書.pdf", "印鑑証明書を保存"):
        assert word in shown
    file = operator.get(f"/operator/applications/evidence/{application.id}")
    assert file.data == PDF and file.headers["Content-Disposition"].startswith("attachment;")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    for _ in range(2):
        assert operator.post(f"/operator/applications/action/approve/{application.id}").status_code == 302
    operator.post(f"/operator/applications/action/reject/{application.id}")
    db.session.expire_all()
    assert application.state is ApplicationState.approved
    assert db.session.query(Certificate).count() == count + 1
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_pin).one().to_address == "pin@sender.example"
    assert application.issued.number in client_of("viewer").get("/certificates/activation").text
    assert application.issued.number in admin.get(URL).text


@pytest.mark.requirement("I3")
@pytest.mark.parametrize("change, sentence", [
    ({"users": ""}, "署名用IDとする利用者IDを1つ以上"),
    ({"users": "U99999999"}, "利用者ID U99999999 は"),
    ({"title": "課\u200b長"}, "役職に目に見えない文字"),
    ({"title": "課\u202e長"}, "役職に目に見えない文字"),
    ({"pin_mail_address": ""}, "PIN送付先メールアドレスを入力"),
    ({"pin_mail_address": "nobody"}, "メールアドレスの形式"),
    ({"evidence": (BytesIO(b""), "")}, "印鑑証明書（PDF）を選択"),
    ({"evidence": (BytesIO(b"MZ"), "x.pdf")}, "PDFではありません"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_a_bad_application_says_what_is_wrong_and_keeps_what_was_typed(client_of, person, change, sentence):
    client, url = client_of("admin"), f"{URL}application"
    given = form(client, url, users=person("signer").user_code, pin_mail_address="pin@sender.example", evidence=evidence())
    reply = client.post(url, given | change)
    assert reply.status_code == 422 and sentence in reply.text and 'value="経理部"' in reply.text
    assert "もう一度選択してください" in reply.text
    assert db.session.query(CertificateApplication).count() == 0


@pytest.mark.requirement("I16", "I3")
def test_a_renewal_is_prefilled_and_refused_before_its_time(client_of, own, person):
    client, url = client_of("admin"), f"{URL}{own.id}/renewal"
    page = client.get(url).text
    assert "（有効期限の1か月前）から申請できます" in page and "<form action=\"/admin" not in page
    assert f"{own.id}/renewal" not in client.get(f"{URL}{own.id}").text
    own.not_after = now() + dt.timedelta(days=20)
    db.session.commit()
    assert f"{own.id}/renewal" in client.get(f"{URL}{own.id}").text
    page = client.get(url).text
    assert f'value="{person("signer").user_code}"' in page and f'value="{own.pin_mail_address}"' in page
    given = form(client, url, users=person("signer").user_code, pin_mail_address="a@b.example")
    assert client.post(url, given).status_code == 302  # without a new 印鑑証明書
    again = client.post(url, given | {"token": "another"})
    assert again.status_code == 422 and "すでに申請中です" in again.text
    application = db.session.query(CertificateApplication).one()
    assert (application.kind, application.replaced) == (ApplicationKind.renewal, own)


@pytest.mark.requirement("I16")
def test_a_new_pin_is_applied_for_and_replaces_the_certificate(client_of, own, person):
    client, url = client_of("admin"), f"{URL}{own.id}/pin_reissue"
    given = form(client, url, users=person("signer").user_code, pin_mail_address="a@b.example")
    assert client.post(url, given).status_code == 302
    application = db.session.query(CertificateApplication).one()
    assert client_of("operator").get(f"/operator/applications/evidence/{application.id}").status_code == 404
    client_of("operator").post(f"/operator/applications/action/approve/{application.id}")
    db.session.expire_all()
    assert own.revoked_at is not None and application.issued.people == [person("signer")]


@pytest.mark.requirement("S7", "L3")
@pytest.mark.parametrize("who", ["admin", "stranger", "signer", "anonymous"])
def test_nobody_but_the_operator_decides_or_reads_evidence(client_of, person, who):
    admin, url = client_of("admin"), f"{URL}application"
    given = form(admin, url, users=person("signer").user_code, pin_mail_address="a@b.example", evidence=evidence())
    admin.post(url, given)
    application, count = db.session.query(CertificateApplication).one(), db.session.query(Certificate).count()
    client = client_of(who)
    for name in ("approve", "reject"):
        client.post(f"/operator/applications/action/{name}/{application.id}")
        client.post("/operator/applications/action_post", {"action": name, "rowid": str(application.id)})
        client_of("operator").get(f"/operator/applications/action/{name}/{application.id}")
    client.post(f"/operator/applications/rejection/{application.id}", {"reason": "いいえ"})
    client.post(f"/operator/certificates/action/revoke/{queries.activations_of(person('signer'), now())[0].certificate_id}")
    db.session.expire_all()
    assert application.state is ApplicationState.received and db.session.query(Certificate).count() == count
    assert db.session.query(Certificate).filter(Certificate.revoked_at.is_not(None)).count() == 0
    for row in (f"applications/evidence/{application.id}", f"certificates/evidence/{application.id}"):
        assert client.get(f"/operator/{row}").status_code in (302, 403)


@pytest.mark.requirement("I3", "I9")
def test_a_rejection_needs_a_reason_which_the_applicant_reads(client_of, person):
    admin, operator, url = client_of("admin"), client_of("operator"), f"{URL}application"
    admin.post(url, form(admin, url, users=person("signer").user_code, pin_mail_address="a@b.example", evidence=evidence()))
    application = db.session.query(CertificateApplication).one()
    page = f"/operator/applications/rejection/{application.id}"
    assert operator.post(f"/operator/applications/action/reject/{application.id}").location.endswith(page)
    refused = operator.post(page, {"reason": ""})
    assert refused.status_code == 422 and "却下の理由を入力してください。" in refused.text
    assert operator.post(page, {"reason": "印影が<b>不鮮明</b>です。"}).status_code == 302
    again = operator.post(page, {"reason": "もう一度"})
    assert again.status_code == 409 or "すでに審査済み" in again.text
    assert "理由：印影が&lt;b&gt;不鮮明&lt;/b&gt;です。" in admin.get(URL).text


# -- 失効 ---------------------------------------------------------------------------


@pytest.mark.requirement("I3", "I16", "R109")
def test_an_administrator_revokes_at_once_with_the_password(client_of, own):
    client, url = client_of("admin"), f"{URL}{own.id}/revocation"
    page = client.get(url).text
    assert "失効は取り消せません" in page and ">パスワード</label>" in page and "初回ログインパスワード" in page
    for wrong in ("", "Wrong-1234"):
        reply = client.post(url, {"password": wrong})
        assert reply.status_code == 422 and "パスワード" in reply.text and "Wrong-1234" not in reply.text
    db.session.refresh(own)
    assert own.revoked_at is None
    for _ in range(2):
        assert client.post(url, {"password": PASSWORD}).status_code == 302
    db.session.refresh(own)
    assert own.revoked_at is not None and own.sealed_key is None
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_revoked).count() == 2
    assert "すでに失効しています" in client.get(url).text
    assert own.number not in client_of("signer").get("/certificates/activation").text


@pytest.mark.requirement("I16")
def test_an_operator_revokes_once(client_of, own):
    client = client_of("operator")
    for _ in range(2):
        client.post(f"/operator/certificates/action/revoke/{own.id}")
    db.session.refresh(own)
    assert own.revoked_at is not None
    assert db.session.query(OutboxMessage).filter_by(letter=Letter.certificate_revoked).count() == 2


@pytest.mark.requirement("L4")
def test_no_page_calls_the_own_authority_accredited(client_of, own):
    client = client_of("admin")
    for page in ("", "application", str(own.id), f"{own.id}/people", f"{own.id}/revocation"):
        assert "認定" not in client.get(f"{URL}{page}").text


def test_removing_everybody_is_shown_before_it_is_done(client_of, own, person):
    client, url = client_of("admin"), f"{URL}{own.id}/people"
    page = client.post(url, {"users": ""}).text
    assert "解除する方" in page and person("signer").full_name in page
    client.post(url, {"users": "", "confirmed": "1", "drawn": person("signer").user_code})
    db.session.expire_all()
    assert own.activations == []
    assert "紐付けられた利用者はいません" in client.get(f"{URL}{own.id}").text
    assert certificates.link_people(own, [person("signer")], now(), person("admin"))
