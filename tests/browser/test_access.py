"""Without a mouse, and on a telephone."""

import pytest
from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.conftest import PHONE

MOST_TABS = 60


def test_a_document_is_opened_with_the_keyboard_alone(person):
    recipient = person("水野 直樹")
    recipient.open()
    keyboard = recipient.page.keyboard
    keyboard.type(recipient.code)
    keyboard.press("Tab")
    keyboard.type(recipient.password)
    keyboard.press("Enter")
    recipient.is_on("トップページ")
    keyboard.press("Tab")
    assert _focused(recipient) == "本文へ移動"
    keyboard.press("Enter")
    keyboard.press("Tab")  # the box of 一括受取確認
    keyboard.press("Tab")
    assert _focused(recipient).startswith("D")
    keyboard.press("Enter")
    recipient.is_on("契約文書照会")
    _tab_to(recipient, "受取確認")
    keyboard.press("Enter")
    recipient.is_on("契約文書受取")
    _tab_to(recipient, "契約締結▼")
    keyboard.press("Enter")
    _tab_to(recipient, "契約文書照会")
    keyboard.press("Escape")
    assert _focused(recipient) == "契約締結▼"
    keyboard.press("Enter")
    _tab_to(recipient, "契約文書照会")
    keyboard.press("Enter")
    recipient.is_on("契約文書検索／一覧")


def _focused(person):
    return person.page.evaluate("document.activeElement.innerText || ''").strip()


def _tab_to(person, name):
    for _ in range(MOST_TABS):
        if _focused(person) == name:
            return
        person.page.keyboard.press("Tab")
    pytest.fail(f"Tab does not reach 「{name}」")


@pytest.mark.requirement("R42")
def test_on_a_telephone_no_page_is_wider_than_the_screen(person):
    def arrive(name):
        return person(name, PHONE)

    too_wide = []
    for name, someone in pages.walk(arrive):
        someone.page.wait_for_load_state()  # a page without its styles yet is wider
        width = someone.page.evaluate("document.fonts.ready.then(() => document.documentElement.scrollWidth)")
        if width > PHONE["width"]:
            too_wide.append(f"{name}: {width} px")
    assert not too_wide


def test_on_a_telephone_the_menu_opens_and_leads_on(person):
    recipient = person("水野 直樹", PHONE)
    recipient.enter()
    menu = recipient.page.get_by_role("button", name="契約締結▼", exact=True)
    expect(menu).to_be_hidden()
    recipient.press("メニュー")
    expect(menu).to_be_visible()
    recipient.choose("長期保管文書", "長期保管文書照会")
    recipient.is_on("長期保管契約文書検索／一覧")
