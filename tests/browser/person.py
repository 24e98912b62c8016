"""Somebody in front of a browser window, who finds everything by the words on the page."""

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect

CONTRACT = Path(__file__).parents[2] / "demo" / "contracts" / "purchase-order.pdf"
NOT_THE_NET = ("data", "blob", "about", "chrome", "chrome-extension")  # the last two draw PDFs


class Person:
    """One person in a browser context of their own.

    `complaints` gathers what no page may cause: errors on the console, uncaught exceptions, and
    requests that leave the portal.
    """

    def __init__(self, portal, account, context):
        self.portal, self.context = portal, context
        self.name, self.code, self.address = account["name"], account["user_code"], account["email"]
        self.company, self.company_code = account["company_name"], account["company_code"]
        self.password = account["password"]
        self.complaints = []
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.on("request", self._watch)
        self.page = context.new_page()

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _watch(self, request):
        is_own = request.url.startswith(f"{self.portal.url}/")
        if not is_own and urlsplit(request.url).scheme not in NOT_THE_NET:
            self.complaints.append(f"request to {request.url}")

    def was_refused(self, status):
        """Chromium writes a refusal's status on the console; take back the one that was wanted."""
        for _ in range(50):
            refusals = [text for text in self.complaints if f"status of {status}" in text]
            if refusals:
                return self.complaints.remove(refusals[0])
            self.page.wait_for_timeout(100)
        raise AssertionError(f"no answer {status}; complaints: {self.complaints}")

    # -- looking ---------------------------------------------------------------------

    def is_on(self, title):
        """The page called `title` is shown: its one main heading, and the name of its tab.

        Waiting for the heading notices the new page at once; an expectation alone looks ever more rarely.
        """
        self.page.get_by_role("heading", level=1, name=title, exact=True).wait_for()
        self._its_scripts_listen()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        expect(self.page).to_have_title(re.compile(f"^{re.escape(title)}｜"))

    def sees(self, text):
        expect(self.page.get_by_text(text).first).to_be_visible()

    def does_not_see(self, text):
        expect(self.page.get_by_text(text)).to_have_count(0)

    def fact(self, name):
        """What stands beside `name` in a list of facts."""
        term = self.page.get_by_role("term").get_by_text(name, exact=True)
        row = self.page.locator("dl > div").filter(has=term)
        return row.get_by_role("definition").first.inner_text()

    def row(self, text):
        """The row of a table that holds `text`."""
        return self.page.get_by_role("row").filter(has_text=text)

    # -- acting ------------------------------------------------------------------------

    def open(self, path="/"):
        self.page.goto(self.portal.url + path)

    def _its_scripts_listen(self):
        """The heading is seen before the scripts at the foot of the page have come; then no key and no button answers."""
        self.page.wait_for_load_state("domcontentloaded")

    def press(self, name):
        self._its_scripts_listen()
        self.page.get_by_role("button", name=name, exact=True).click()

    def choose(self, menu, item):
        """［menu▼］⇒［item］."""
        self.open_menu()
        self.press(f"{menu}▼")
        navigation = self.page.get_by_role("navigation", name="メインメニュー")
        navigation.get_by_role("link", name=item, exact=True).click()

    def open_menu(self):
        """Press ［メニュー］, which stands in for the menu on a small screen."""
        self.page.wait_for_load_state()  # before its styles come, the button is seen on every screen
        toggle = self.page.get_by_role("button", name="メニュー", exact=True)
        if toggle.is_visible() and toggle.get_attribute("aria-expanded") == "false":
            toggle.click()

    def field(self, label):
        return self.page.get_by_label(label, exact=True)

    def fill(self, **fields):
        for label, value in fields.items():
            self.field(label).fill(value)

    def log_in(self, password=None):
        """Fill in ［ログイン］, which is shown already."""
        self.is_on("ログイン")
        self.fill(利用者ID=self.code, パスワード=password or self.password)
        self.press("ログイン")

    def enter(self):
        """Come in by the front door."""
        self.open()
        self.log_in()
        self.is_on("トップページ" if self.company else "ダッシュボード")  # the operator has no company

    def follow(self, mail):
        """Click on the address in a mail, and log in where the portal asks for it."""
        self.page.goto(mail.link)
        if self.page.get_by_role("button", name="ログイン", exact=True).count():
            self.log_in()

    def pick(self, label, *names):
        """［参照］ → ［利用者選択］ → ［検索］ → ［選択］; one by 利用者ID, several from the whole list."""
        codes = [self.portal.accounts[name]["user_code"] for name in names]
        field = self.field(label)
        browse = self.page.get_by_role("button", name="参照", exact=True)
        self.page.locator("div").filter(has=field).filter(has=browse).last.get_by_role("button").click()
        dialog = self.page.get_by_role("dialog", name="利用者選択")
        expect(dialog.get_by_role("heading", name="検索結果")).to_be_visible()
        if len(codes) == 1:
            dialog.get_by_label("利用者ID", exact=True).fill(codes[0])
        with self.page.expect_response("**/users/selection*"):
            dialog.get_by_role("button", name="検索", exact=True).click()
        expect(dialog.locator("[aria-busy]")).to_have_count(0)
        for name in names:
            dialog.get_by_label(name, exact=True).check()
        dialog.get_by_role("button", name="選択", exact=True).click()
        expect(dialog).to_have_count(0)
        expect(field).to_have_value(" ".join(codes))

    def open_pdf(self):
        """The contract's bytes, from the link that carries its name (R43)."""
        link = self.page.get_by_role("link", name=re.compile(r"\.pdf"))
        reply = self.page.request.get(self.portal.url + link.get_attribute("href"))
        assert reply.status == 200 and reply.headers["content-type"] == "application/pdf"
        return reply.body()

    def register(
        self, mode, recipient, *, further=(), title="", amount=None, day=None, approvers=(), signer=None, viewers=(),
        pdf=CONTRACT,
    ):  # fmt: skip
        """契約文書登録 → 契約文書登録確認 → 確定; the new 文書管理番号.

        :param recipient, approvers, signer, viewers: names
        :param further: names of the recipients of a 3社以上契約 after the first
        """
        self.choose("契約締結", "契約文書登録")
        self.is_on("契約文書登録")
        self.fill(契約件名=title or f"資材注文書（{mode}）")
        self.field("文書種別").select_option("注文書")
        self.field(mode).check()
        expect(self.field("署名者")).to_be_visible(visible=bool(signer))
        self.field("契約文書(PDF)").set_input_files(pdf)
        account = self.portal.accounts[recipient]
        self.fill(企業ID=account["company_code"], 利用者ID=account["user_code"])
        for place, name in enumerate(further, start=2):
            self.press("受信者を追加")
            row, account = self.page.get_by_role("group", name=f"受信者{place}"), self.portal.accounts[name]
            expect(row.get_by_label("企業ID", exact=True)).to_be_focused()
            row.get_by_label("企業ID", exact=True).fill(account["company_code"])
            row.get_by_label("利用者ID", exact=True).fill(account["user_code"])
        if day:
            self.fill(契約締結年月日=day.isoformat())
        if amount:
            self.field("契約金額(税込)").fill(f"{amount:,}")
        self._pick_route(approvers, signer, viewers)
        self.press("確認")
        self.is_on("契約文書登録確認")
        self._sees_route(approvers, signer, viewers)
        number = self.fact("文書管理番号")
        self.press("確定")
        self.is_on("トップページ")
        self.sees(f"契約文書 {number} を発信しました。")
        return number

    def receive(self, *, approvers=(), signer=None, viewers=(), comment=""):
        """［受取確認］ → 契約文書受取 → 契約文書受取確認 → 確定, from 契約文書照会."""
        self.press("受取確認")
        self.is_on("契約文書受取")
        self._pick_route(approvers, signer, viewers)
        self.field("自社内コメント記入欄").fill(comment)
        self.press("確認")
        self.is_on("契約文書受取確認")
        self._sees_route(approvers, signer, viewers)
        self.press("確定")
        self.is_on("トップページ")
        self.sees("の受取確認が完了しました。")

    def _pick_route(self, approvers, signer, viewers):
        signers = [signer] if signer else []
        for label, names in (("承認者", approvers), ("署名者", signers), ("参照者", viewers)):
            if names:
                self.pick(label, *names)

    def _sees_route(self, approvers, signer, viewers):
        assert self.fact("承認者") == ("　→　".join(approvers) or "設定なし")
        if signer:
            assert self.fact("署名者") == signer
        assert self.fact("参照者") == ("、".join(viewers) or "設定なし")

    def sign(self, subject="署名用パスワード 発行のお知らせ"):
        """Fill in ［契約文書署名］ with the password from the mail, and ［確定］."""
        mail = self.portal.mail(self.address, subject)
        assert "http" not in mail.body  # it leads nowhere (R112)
        self.field("証明書").select_option(index=0)
        self.fill(署名用パスワード=mail.secret("署名用パスワード"))
        self.press("確定")

    def status_of(self, number):
        """ステータス in ［契約文書検索／一覧］, as this person's side sees it (R90)."""
        self.choose("契約締結", "契約文書照会")
        self.is_on("契約文書検索／一覧")
        self.fill(文書管理番号=number)
        self.press("検索")
        return self.row(number).get_by_role("cell").last.inner_text()
