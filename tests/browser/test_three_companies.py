"""3社以上契約 page by page: a remand at the last signer, a second round, and the archive."""

import pytest

from tests.browser.test_flows import BOTH, PLAIN, Flow

LAST_RECIPIENT, LAST_SIGNER = "津田 文子", "寺島 淳"
REASON = "納入場所の記載をご確認ください。"


@pytest.mark.requirement("R2", "I7", "I18", "T10", "T11", "R50", "R79", "I5")
def test_three_companies_start_over_after_a_remand_at_the_last_signer(person, portal, tmp_path):
    flow = FlowOfThree(BOTH, PLAIN, person, portal)
    flow.register()
    flow.walk_to_the_last_signer()
    flow.remand()
    flow.send_again()
    flow.walk_to_the_last_signer()
    flow.sign_last()
    flow.archive(tmp_path)


class FlowOfThree(Flow):
    def register(self):
        cast, registrar = self.cast, self.person(self.cast.registrar)
        self.windows["registrar"] = registrar
        registrar.enter()
        self.number = registrar.register(
            BOTH, cast.recipient, further=[LAST_RECIPIENT], title=self.title, amount=self.amount, day=self.day, signer=cast.signer
        )  # fmt: skip
        self.mode = "双方署名（全社署名）"
        names = (cast.registrar, cast.recipient, LAST_RECIPIENT)
        self.labels = [self.portal.accounts[name]["company_name"] for name in names]

    def walk_to_the_last_signer(self):
        cast, (_, first, second) = self.cast, self.labels
        self._sign(cast.signer, "発出側署名待ち")
        recipient = self._arrive(cast.recipient, "受取確認依頼", f"受領側受取待ち（{first}）", "受取待ち")
        recipient.receive(signer=cast.receiver_signer)
        self._sign(cast.receiver_signer, f"受領側署名待ち（{first}）")
        recipient = self._arrive(LAST_RECIPIENT, "受取確認依頼", f"受領側受取待ち（{second}）", "受取待ち")
        recipient.receive(signer=LAST_SIGNER)

    def remand(self):
        signer = self._arrive(LAST_SIGNER, "署名依頼", f"受領側署名待ち（{self.labels[2]}）", "署名待ち")
        signer.press("差戻")
        dialog = signer.page.get_by_role("dialog")
        dialog.get_by_label("差戻の理由", exact=True).fill(REASON)
        dialog.get_by_role("button", name="差し戻す", exact=True).click()
        signer.is_on("トップページ")
        signer.does_not_see(self.number)
        mail = self.portal.mail(self.portal.accounts[self.cast.receiver_signer]["email"], "差戻 のお知らせ", self.number)
        assert "無効となり" in mail.body and REASON not in mail.body
        self.first_mail = self.portal.mail(self.portal.accounts[self.cast.recipient]["email"], "受取確認依頼", self.number)

    def send_again(self):
        registrar = self.windows["registrar"]
        assert registrar.status_of(self.number) == "差戻"
        registrar.page.get_by_role("link", name=self.number, exact=True).click()
        registrar.sees(f"差戻の理由：{REASON}")
        registrar.press("修正")
        registrar.is_on("契約文書修正")
        second = registrar.page.get_by_role("group", name="受信者2").get_by_label("企業ID", exact=True)
        assert second.input_value() == self.portal.accounts[LAST_RECIPIENT]["company_code"]
        registrar.press("確認")
        registrar.is_on("契約文書登録確認")
        assert registrar.fact("文書管理番号") == self.number
        registrar.press("確定")
        registrar.is_on("トップページ")
        early = self.person(self.cast.recipient)  # not its turn yet: the old mail leads to nothing
        early.follow(self.first_mail)
        early.is_on("ページが見つかりません")
        early.was_refused(404)

    def sign_last(self):
        self._sign(LAST_SIGNER, f"受領側署名待ち（{self.labels[2]}）")
        mail = self.portal.mail(self.portal.accounts[LAST_RECIPIENT]["email"], "文書回覧完了 のお知らせ", self.number)
        assert "すべての企業が署名を完了し" in mail.body

    def archive(self, folder):
        self.portal.let_a_day_pass(self.number)
        self.portal.job("archive-transfer")
        registrar = self.windows["registrar"]
        registrar.choose("長期保管文書", "長期保管文書照会")
        registrar.fill(文書管理番号=self.number)
        registrar.press("検索")
        row = registrar.row(self.number)
        assert "、".join(self.labels[1:]) in row.inner_text()
        row.get_by_role("link", name=self.number, exact=True).click()
        registrar.is_on("長期保管文書照会")
        self._judge(registrar.open_pdf(), folder)  # valid, with exactly three signatures

    def _look_at_positions(self, signer):
        if signer.name == LAST_SIGNER:
            super()._look_at_positions(signer)
