"""The main pages, one after the other, as their people see them: for the widths and for pictures."""

from urllib.parse import urlsplit

from playwright.sync_api import expect


def walk(arrive):
    """Visit every main page; yields its name and the person who looks at it.

    :param arrive: makes a :class:`~tests.browser.person.Person` in a window, from a name
    """
    yield from _before_login(arrive)
    registrar = arrive("青木 健一")
    registrar.enter()
    yield "top", registrar
    registrar.choose("契約締結", "契約文書登録")
    yield "registration", registrar
    registrar.page.get_by_role("button", name="参照", exact=True).first.click()
    expect(registrar.page.get_by_role("heading", name="検索結果")).to_be_visible()
    yield "selection", registrar
    registrar.open()
    _open(registrar, "作成中")
    registrar.press("発信の確認へ進む")
    registrar.is_on("契約文書登録確認")
    yield "registration-confirmation", registrar
    registrar.page.get_by_role("link", name="署名位置設定", exact=True).click()
    registrar.is_on("署名位置設定")
    yield "positions", registrar
    registrar.open()
    _open(registrar, "差戻")
    yield "remanded", registrar
    registrar.choose("契約締結", "契約文書照会")
    registrar.press("検索")
    registrar.page.wait_for_url("**?*")
    yield "documents", registrar
    registrar.choose("長期保管文書", "長期保管文書照会")
    registrar.press("検索")
    registrar.page.wait_for_url("**?*")
    yield "archive", registrar
    registrar.page.get_by_role("row").nth(1).get_by_role("link").click()
    registrar.is_on("長期保管文書照会")
    yield "archived", registrar
    registrar.choose("管理者業務", "ダッシュボード")
    registrar.is_on("ダッシュボード")
    yield "dashboard", registrar
    registrar.choose("管理者業務", "利用者情報照会")
    yield "users", registrar
    registrar.choose("設定", "パスワード変更")
    yield "password", registrar
    registrar.choose("設定", "アカウント情報")
    yield "account", registrar
    registrar.page.get_by_role("link", name="二段階認証の設定").click()
    registrar.is_on("二段階認証の設定")
    yield "second-factor", registrar
    registrar.open("/documents/999999")
    registrar.was_refused(404)
    yield "not-found", registrar
    yield from _of_the_receiver(arrive)
    yield from _of_signers(arrive)
    operator = arrive("運営 太郎")
    operator.enter()
    yield "operator", operator
    operator.choose("運営者業務", "企業")
    yield "operator-companies", operator


def _before_login(arrive):
    nobody = arrive("青木 健一")
    nobody.open("/guide/")
    nobody.is_on("操作マニュアル")
    yield "guide", nobody
    nobody.page.get_by_role("main").get_by_role("link", name="システム概要書").click()
    nobody.is_on("システム概要書")
    yield "system-description", nobody
    nobody.open("/login/")
    yield "login", nobody
    nobody.page.get_by_role("link", name="パスワードをお忘れの方").click()
    yield "forgotten", nobody
    nobody.page.get_by_role("link", name="電子署名の検証", exact=True).click()
    nobody.is_on("電子署名の検証")
    yield "verification", nobody
    nobody.open("/demo/mail/")
    yield "demo-mails", nobody
    nobody.page.get_by_role("row").nth(1).get_by_role("link").click()
    yield "demo-mail", nobody


def _of_the_receiver(arrive):
    recipient = arrive("水野 直樹")
    recipient.enter()
    yield "top-recipient", recipient
    _open(recipient, "受取待ち")
    yield "document", recipient
    recipient.press("差戻")
    yield "remand", recipient
    recipient.page.get_by_role("dialog").get_by_role("button", name="キャンセル").click()
    recipient.press("受取確認")
    recipient.is_on("契約文書受取")
    yield "receipt", recipient
    recipient.choose("契約締結", "契約文書照会")
    recipient.field("契約件名").fill("（修正版）")
    recipient.press("検索")
    recipient.row("（修正版）").get_by_role("link").click()
    recipient.page.get_by_role("link", name="変更内容の確認").click()
    recipient.is_on("変更内容の確認")
    yield "changes", recipient
    shared = arrive("平井 誠")
    shared.enter()
    _open(shared, "受取待ち")
    shared.press("受取確認")
    shared.press("確認")
    shared.is_on("契約文書受取確認")
    yield "receipt-confirmation", shared
    shared.press("確定")
    yield "fee", shared
    approver = arrive("村上 恵")
    approver.enter()
    _open(approver, "承認待ち")
    approver.press("承認")
    approver.is_on("契約文書承認")
    yield "approval", approver


def _of_signers(arrive):
    signer = arrive("緑川 花子")
    signer.enter()
    _open(signer, "署名待ち")
    yield "document-signer", signer
    signer.press("署名")
    signer.is_on("契約文書署名")
    yield "signature", signer
    signer.open(f"{urlsplit(signer.page.url).path}/position")
    signer.is_on("署名位置確認")
    yield "position", signer
    signer.choose("証明書管理", "証明書有効性確認")
    yield "activation", signer
    signer.open("/bulk/sign")
    signer.is_on("一括署名")
    yield "bulk-signing", signer
    for box in signer.page.locator("[data-bulk-tick]").all():
        box.check()
    signer.press("確認")
    signer.is_on("一括署名の内容確認")
    yield "bulk-signing-confirmation", signer
    unready = arrive("山口 実")
    unready.enter()
    yield "top-unready", unready


def _open(person, status):
    """The first document in マイリスト that waits as `status`."""
    person.row(status).first.get_by_role("link").click()
    expect(person.page.get_by_role("heading", level=1)).to_have_text("契約文書照会")
