"""The demo itself: it stops as a whole, starts again where it was, and lets jobs run beside it."""

import pytest


def test_a_job_runs_beside_the_demo(portal):
    assert portal.job("send-mail")["job"] == "send-mail"
    assert portal.job("archive-transfer")["failed"] == 0


@pytest.mark.requirement("R16", "R17", "R21", "R27", "R110")
def test_the_mails_of_the_first_day_have_arrived_by_smtp(portal):
    address = portal.accounts["緑川 花子"]["email"]
    for subject in ("利用者ID発行のお知らせ", "初回ログインパスワード のお知らせ", "PIN のお知らせ"):
        mail = portal.mail(address, subject)
        assert "".join(mail.subject.split()) == f"【CECTRUST-Lightサービス】{''.join(subject.split())}"


def test_ctrl_c_ends_every_process_and_a_second_start_plants_nothing(portal, person):
    accounts, planted = portal.accounts, (portal.data / "accounts.json").read_bytes()
    assert len(portal.processes()) >= 4
    assert portal.stop() == 0
    assert not portal.processes()
    portal.start()
    assert "最初の起動です" not in portal.said()
    assert (portal.data / "accounts.json").read_bytes() == planted
    registrar = person("青木 健一")
    portal.accounts["岡本 翔"]["password"] = accounts["岡本 翔"]["password"]  # chosen since
    registrar.enter()
    registrar.sees("作成中")
