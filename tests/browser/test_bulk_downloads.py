"""［一括ダウンロード］: pressed on the list, watched until it is ready, fetched, told of by mail (L7)."""

import zipfile

import pytest
from playwright.sync_api import expect


@pytest.mark.requirement("L7", "I20", "R94")
def test_a_file_of_the_archive_is_asked_for_and_becomes_ready_before_the_persons_eyes(portal, person):
    viewer = person("大野 由紀")
    viewer.enter()
    viewer.choose("長期保管文書", "長期保管文書照会")
    viewer.press("一括ダウンロード")
    viewer.is_on("一括ダウンロードの状況")
    expect(viewer.page.get_by_text("ファイルの準備ができました").first).to_be_visible(timeout=30_000)  # nobody presses anything
    expect(viewer.page.get_by_text("最新の状況を表示")).to_have_count(0)
    with viewer.page.expect_download() as fetched:
        viewer.page.get_by_role("link", name="ダウンロード", exact=True).click()
    with zipfile.ZipFile(fetched.value.path()) as file:
        assert file.testzip() is None
        assert file.namelist()[-1] == "index.csv" and any("_契約文書_" in name for name in file.namelist())
    viewer.follow(portal.mail(viewer.address, "一括ダウンロード"))
    viewer.is_on("一括ダウンロードの状況")
    viewer.press("削除")
    viewer.press("OK")
    viewer.sees("一括ダウンロードのファイルを削除しました。")
