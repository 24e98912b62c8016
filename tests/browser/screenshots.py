"""Pictures of the main pages: `python tests/browser/screenshots.py DATA URL OUT`.

DATA and URL are those of a running demo (`run.py demo`); nothing in it is changed.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import json  # noqa: E402

from playwright.sync_api import sync_playwright  # noqa: E402

from tests.browser import pages  # noqa: E402
from tests.browser.conftest import DESK, PHONE, launch  # noqa: E402
from tests.browser.person import Person  # noqa: E402


class RunningPortal:
    """As much of a portal as somebody who only looks needs."""

    def __init__(self, data, url):
        self.url = url.rstrip("/")
        accounts = json.loads((Path(data) / "accounts.json").read_text("utf-8"))
        self.accounts = {account["name"]: account for account in accounts}


def take(portal, out):
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            raise SystemExit("Chromium is not installed (Debian: apt-get install chromium)")
        for size in (DESK, PHONE):
            folder = out / str(size["width"])
            folder.mkdir(parents=True, exist_ok=True)
            for number, (name, person) in enumerate(pages.walk(_door(portal, browser, size)), start=1):
                person.page.screenshot(path=folder / f"{number:02d}-{name}.png", full_page=True)
        browser.close()


def _door(portal, browser, size):
    def arrive(name):
        context = browser.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", viewport=size)
        return Person(portal, portal.accounts[name], context)

    return arrive


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    take(RunningPortal(sys.argv[1], sys.argv[2]), Path(sys.argv[3]))
