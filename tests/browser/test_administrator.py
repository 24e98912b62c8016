"""A company's administrator who has just received the first mails: people, a certificate, its first signer."""

import re

import pytest
from playwright.sync_api import expect

from app.clock import now
from app.extensions import db, writing
from app.models import PortalUser
from app.plans import PlanKind
from app.queries import role_rows
from app.services import companies

EVIDENCE = {"name": "印鑑証明書.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n%%EOF\n"}
ADMIN, SIGNER = "星野 光", "土田 実"


@pytest.fixture
def newcomer(portal):
    """A company that the operator has just taken in, with its first 利用者ID, which is an administrator's."""
    with portal.app.app_context(), writing():
        company = companies.found_company("ほしぞら土木株式会社", PlanKind.both_sides, now())
        user = PortalUser(company=company, full_name=ADMIN, mail_address="hoshino@hoshizora.example")
        with db.session.no_autoflush:
            companies.enrol(user, now(), roles=role_rows("Member", "CompanyAdmin"))
        db.session.commit()
        account(portal, user)
    return ADMIN


def account(portal, user, password=None):
    portal.accounts[user.full_name] = {
        "name": user.full_name, "user_code": user.user_code, "email": user.mail_address, "password": password,
        "company_name": user.company.name, "company_code": user.company.code,
    }  # fmt: skip


def first_log_in(one, portal, password):
    """With what the second mail says, then a password of the own choice."""
    mail = portal.mail(one.address, "初回ログインパスワード のお知らせ")
    one.open()
    one.log_in(mail.secret("初回ログインパスワード"))
    one.is_on("パスワード変更")
    one.fill(現在のパスワード=mail.secret("初回ログインパスワード"), 新しいパスワード=password)
    one.field("新しいパスワード(確認)").fill(password)
    one.press("確定")
    one.is_on("トップページ")
    one.password = portal.accounts[one.name]["password"] = password


def confirm(one, button):
    """Press a button that asks first, and agree."""
    one.press(button)
    one.page.get_by_role("dialog").get_by_role("button", name="OK", exact=True).click()


@pytest.mark.requirement("R8", "R15", "R16", "R17", "R18", "R19", "R21", "R26", "R27", "R33", "R36", "R39", "I2", "I3", "I16")
def test_an_administrator_sets_up_the_company_after_the_first_mails(newcomer, person, portal):
    admin = person(ADMIN)
    first_log_in(admin, portal, "Hoshi-2026")

    admin.choose("管理者業務", "利用者情報照会")
    admin.is_on("利用者情報照会")
    admin.page.get_by_role("link", name="利用者登録", exact=True).click()
    admin.is_on("利用者登録")
    admin.fill(氏名=SIGNER, 部署="役員室", 役職="代表取締役", メールアドレス="tsuchida@hoshizora.example")
    admin.press("確定")
    admin.sees("登録しました")
    issued = portal.mail("tsuchida@hoshizora.example", "利用者ID発行のお知らせ")
    with portal.app.app_context():
        code = re.search(r"U\d{8}", issued.body).group()
        account(portal, db.session.query(PortalUser).filter_by(username=code).one())

    admin.choose("管理者業務", "自社電子証明書照会")
    admin.page.get_by_role("link", name="追加発行申請").click()
    admin.is_on("電子証明書 追加発行申請")
    admin.fill(部署="役員室", 役職="代表取締役", PIN送付先メールアドレス="hoshino@hoshizora.example")
    admin.pick("署名用ID", SIGNER)
    admin.field("印鑑証明書(PDF)").set_input_files(EVIDENCE)
    confirm(admin, "確定")
    admin.is_on("自社電子証明書照会")

    operator = person("運営 太郎")
    operator.enter()
    operator.open("/operator/applications/list/")
    row = operator.row("ほしぞら土木株式会社")
    row.get_by_role("link").first.click()
    operator.page.get_by_role("link", name="承認して発行").click()
    operator.page.get_by_role("link", name="OK").or_(operator.page.get_by_role("button", name="OK")).last.click()
    operator.sees("発行")

    signer = person(SIGNER)
    first_log_in(signer, portal, "Tsuchi-2026")
    signer.sees("証明書有効性確認が未完了です")
    signer.choose("証明書管理", "証明書有効性確認")
    pin = portal.mail("hoshino@hoshizora.example", "PIN のお知らせ").secret("PIN")
    signer.fill(PIN=f"  {pin[:4]} {pin[4:]} ", パスワード=signer.password)
    signer.press("確定")
    signer.sees("証明書の有効性を確認しました")
    assert signer.fact("企業名・部署・役職") == "ほしぞら土木株式会社 役員室 代表取締役"

    admin.choose("管理者業務", "自社電子証明書照会")
    expect(admin.row("（確認済）")).to_contain_text(SIGNER)
