"""The four 署名区分, each from 契約文書登録 to 長期保管, as their people go through them page by page."""

import datetime as dt
import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner
from playwright.sync_api import expect

from app.clock import years_later
from run import cli
from tests.independent import independently_valid

BOTH, SENDER, RECEIVER, NOBODY = "双方署名", "発出側のみ署名有り", "受領側のみ署名有り", "署名なし"
SIGNED_BY = {BOTH: ["発出", "受領"], SENDER: ["発出"], RECEIVER: ["受領"], NOBODY: []}
COMMENT = "単価は先月の見積りどおりです。"
amounts = itertools.count(3_210_001)  # each document is found by its own


@dataclass
class Cast:
    """Who plays a part in one document, by name."""

    registrar: str
    recipient: str
    signer: str
    receiver_signer: str
    approvers: tuple = ()
    viewers: tuple = ()
    receiver_approvers: tuple = ()
    receiver_viewers: tuple = ()


PLAIN = Cast("青木 健一", "水野 直樹", "青葉 一郎", "緑川 花子")
FULL = Cast(
    "青木 健一", "水野 直樹", "青葉 一郎", "緑川 花子",
    approvers=("石川 麻衣", "上田 剛"), viewers=("大野 由紀",),
    receiver_approvers=("村上 恵",), receiver_viewers=("横山 沙織",),
)  # fmt: skip
ONE_ID_RECEIVES = Cast("青木 健一", "髙﨑 一郎", "青葉 一郎", "髙﨑 一郎")
ONE_ID_SENDS = Cast("髙﨑 一郎", "石川 麻衣", "髙﨑 一郎", "青葉 一郎")


MODES = {"both_sides": BOTH, "sender_only": SENDER, "receiver_only": RECEIVER, "no_signature": NOBODY}
CASTS = {"approvers": FULL, "one_id": ONE_ID_RECEIVES}
CASES = [
    *(pytest.param(MODES[m], CASTS[c], id=f"{m}-{c}") for m, c in itertools.product(MODES, CASTS)),
    pytest.param(BOTH, PLAIN, id="both_sides-plain"),  # of the other modes one_id is as plain
    pytest.param(BOTH, ONE_ID_SENDS, id="both_sides-one_id_sends"),
]


@pytest.mark.requirement(
    "R3", "R13", "R20", "R24", "R40", "R41", "R42", "R43", "R44", "R45", "R46", "R47", "R48", "R49", "R51",
    "R52", "R54", "R56", "R58", "R59", "R62", "R63", "R64", "R65", "R66", "R67", "R68", "R69", "R70", "R71",
    "R72", "R76", "R79", "R80", "R81", "R83", "R84", "R85", "R86", "R87", "R90", "R91", "R92", "R93", "R94",
    "R95", "R108", "R109", "R112", "R113", "I6", "I8",
)  # fmt: skip
@pytest.mark.parametrize("mode, cast", CASES)
def test_a_document_goes_from_registration_to_the_archive(mode, cast, person, portal, tmp_path):
    flow = Flow(mode, cast, person, portal)
    flow.register()
    flow.pass_sender()
    flow.pass_receiver()
    flow.conclude()
    flow.archive(tmp_path)


class Flow:
    """One document on its way; each method is a stretch of it."""

    def __init__(self, mode, cast, person, portal):
        self.mode, self.cast, self.person, self.portal = mode, cast, person, portal
        self.labels = SIGNED_BY[mode]
        self.amount = None if mode == NOBODY else next(amounts)
        self.title = f"架空ビル新築工事　{mode}　{next(amounts)}"
        self.day = dt.datetime.now(ZoneInfo("Asia/Tokyo")).date()
        self.windows = {}  # the registrar and the recipient keep theirs open

    # -- the sender -------------------------------------------------------------------

    def register(self):
        cast, registrar = self.cast, self.person(self.cast.registrar)
        self.windows["registrar"] = registrar
        registrar.enter()
        self.number = registrar.register(
            self.mode, cast.recipient, title=self.title, amount=self.amount, day=self.day,
            approvers=cast.approvers, viewers=cast.viewers,
            signer=cast.signer if "発出" in self.labels else None,
        )  # fmt: skip

    def pass_sender(self):
        for name in self.cast.approvers:
            self._approve(name, "発出側承認待ち")
        if "発出" in self.labels:
            self._sign(self.cast.signer, "発出側署名待ち")

    # -- the receiver -----------------------------------------------------------------

    def pass_receiver(self):
        self._receive()
        for name in self.cast.receiver_approvers:
            self._approve(name, "受領側承認待ち")
        if "受領" in self.labels:
            self._sign(self.cast.receiver_signer, "受領側署名待ち")

    def _receive(self):
        cast = self.cast
        recipient = self._arrive(cast.recipient, "受取確認依頼", "受領側受取待ち", "受取待ち")
        self.windows["recipient"] = recipient
        expect(recipient.page.get_by_role("button", name="差戻", exact=True)).to_be_visible()
        signs = "受領" in self.labels
        recipient.receive(
            approvers=cast.receiver_approvers, viewers=cast.receiver_viewers, comment=COMMENT,
            signer=cast.receiver_signer if signs else None,
        )  # fmt: skip

    # -- a turn -----------------------------------------------------------------------

    def _approve(self, name, status):
        approver = self._arrive(name, "承認依頼", status, "承認待ち")
        approver.press("承認")
        approver.is_on("契約文書承認")
        approver.press("承認")
        approver.is_on("トップページ")
        approver.sees("承認しました。")

    def _sign(self, name, status):
        signer = self._arrive(name, "署名依頼", status, "署名待ち")
        for button in ("署名用パスワード再発行", "差戻"):
            expect(signer.page.get_by_role("button", name=button, exact=True)).to_be_visible()
        signer.press("署名")
        signer.is_on("契約文書署名")
        self._look_at_positions(signer)
        signer.sign()
        signer.is_on("トップページ")
        signer.sees(f"契約文書 {self.number} に署名しました。")

    def _look_at_positions(self, signer):
        """［署名位置確認］ shows exactly the labels that will be signed, and ［閉じる］ goes back."""
        with signer.context.expect_page() as opened:
            signer.press("署名位置確認")
        tab = opened.value
        tab.wait_for_load_state()  # before, nobody listens to its button
        expect(tab.get_by_role("heading", level=1)).to_have_text("署名位置確認")
        boxes = tab.get_by_role("img", name="署名位置：")
        expect(boxes).to_have_accessible_name(f"署名位置：{'、'.join(self.labels)}")
        with tab.expect_event("close"):
            tab.get_by_role("button", name="閉じる", exact=True).dispatch_event("click")  # the tab goes at once

    def _arrive(self, name, subject, status, my_turn):
        """Come by the mail's link, not logged in; find the document in マイリスト too, and read it."""
        for window in self.windows.values():
            assert window.status_of(self.number) == status
        holder = self.person(name)
        mail = self.portal.mail(holder.address, f"{subject} のお知らせ", self.number)
        holder.page.goto(mail.link)
        holder.log_in()
        holder.is_on("契約文書照会")
        holder.open()
        assert holder.row(self.number).get_by_role("cell").last.inner_text() == my_turn
        holder.page.get_by_role("link", name=self.number, exact=True).click()
        holder.is_on("契約文書照会")
        assert holder.fact("契約件名") == self.title
        assert holder.fact("署名区分") == self.mode
        assert holder.open_pdf().startswith(b"%PDF-")
        return holder

    # -- the end ----------------------------------------------------------------------

    def conclude(self):
        for window in self.windows.values():
            assert window.status_of(self.number) == "完了待ち"
        for name in self._everybody():
            address = self.portal.accounts[name]["email"]
            mail = self.portal.mail(address, "文書回覧完了 のお知らせ", self.number)
            assert ("受信者が署名を完了し" in mail.body) == ("受領" in self.labels)
        address = self.windows["registrar"].address
        steps = len(self.cast.approvers) + len(self.cast.receiver_approvers) + len(self.labels) + 1
        self.portal.mail(address, "処理状況 のお知らせ", self.number, at_least=steps)
        for name in self.cast.receiver_viewers:
            self._compare_comments(name)

    def _compare_comments(self, name):
        """The receiver's comment: its viewer reads it and cannot write, the sender never sees it."""
        viewer = self.person(name)
        viewer.follow(self.portal.mail(viewer.address, "文書回覧完了 のお知らせ", self.number))
        viewer.sees(COMMENT)
        expect(viewer.page.get_by_role("textbox")).to_have_count(0)
        registrar = self.windows["registrar"]
        registrar.page.get_by_role("link", name=self.number, exact=True).click()
        registrar.is_on("契約文書照会")
        registrar.does_not_see(COMMENT)

    def archive(self, folder):
        self.portal.let_a_day_pass(self.number)
        report = self.portal.job("archive-transfer")
        assert report["done"] >= 1 and not report["failed"]
        files = [self._find_in_archive(window) for window in self.windows.values()]
        assert files[0] == files[1]
        self._judge(files[0], folder)

    def _find_in_archive(self, window):
        window.choose("長期保管文書", "長期保管文書照会")
        window.is_on("長期保管契約文書検索／一覧")
        today = dt.datetime.now(ZoneInfo("Asia/Tokyo")).date()
        self._search(window, self.day, today + dt.timedelta(days=1))
        window.sees("条件に合う文書は見つかりませんでした")
        self._search(window, self.day, today)
        row = window.row(self.number)
        (partner,) = {one.company for one in self.windows.values()} - {window.company}
        expect(row.get_by_role("cell")).to_have_text(
            [self.number, self.title, partner, f"{self.day:%Y/%m/%d}",
             f"{self.amount:,}円" if self.amount else "金額なし", f"{today:%Y/%m/%d}",
             f"{years_later(today, 10):%Y/%m/%d}"]
        )  # fmt: skip
        row.get_by_role("link", name=self.number, exact=True).click()
        window.is_on("長期保管文書照会")
        return window.open_pdf()

    def _search(self, window, concluded, archived):
        for label, first, last in (
            ("契約締結年月日", concluded.isoformat(), concluded.isoformat()),
            ("保管開始日", archived.isoformat(), archived.isoformat()),
            *([("契約金額", str(self.amount), str(self.amount))] if self.amount else []),
        ):
            window.field(f"{label}（から）").fill(first)
            window.field(f"{label}（まで）").fill(last)
        if not self.amount:
            window.field("金額なし").check()
            window.fill(契約件名=self.title)
        window.press("検索")

    def _judge(self, pdf, folder):
        """The archived file before other programs, and before our own command; altered, it fails."""
        independently_valid(pdf, self.portal.root_pem)
        verdict = self._verify(folder, pdf, 0)
        assert len(verdict["signatures"]) == len(self.labels)
        assert len(verdict["time_stamps"]) == 1
        middle = len(pdf) // 3
        self._verify(folder, pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :], 1)
        self._verify(folder, pdf + b"\n% later", 1)

    def _verify(self, folder, pdf, exit_code):
        (folder / "contract.pdf").write_bytes(pdf)
        root = self.portal.data / "pki" / "root.pem"
        command = ["verify", folder / "contract.pdf", "--root", root, "--json"]
        with ThreadPoolExecutor(1) as other:  # in this thread runs the browser's event loop
            result = other.submit(CliRunner().invoke, cli, [str(word) for word in command]).result()
        assert result.exit_code == exit_code, result.output
        return json.loads(result.output)

    # -- people -----------------------------------------------------------------------

    def _everybody(self):
        cast = self.cast
        signers = [cast.signer] * ("発出" in self.labels) + [cast.receiver_signer] * ("受領" in self.labels)
        viewers = cast.viewers + cast.receiver_viewers
        return {cast.registrar, cast.recipient, *cast.approvers, *cast.receiver_approvers, *signers, *viewers}
