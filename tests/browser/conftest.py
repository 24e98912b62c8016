"""One portal and one Chromium for all browser tests; a browser context for each person of each test."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import databases
from tests.browser.person import Person
from tests.browser.portal import Portal

NAMES_OF_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
WITHOUT_FONTS = "--disable-remote-fonts"  # loading them took a fifth of the time; tests read words
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 375, "height": 740}
ANSWER_MS = 15_000  # two cores may be busy with other tests
WALKED_ON_POSTGRESQL = ("both_sides-approvers]",)
PICTURES = Path("var/browser")  # what was on the screen when a test failed


def pytest_collection_modifyitems(config, items):
    """Mark them; on PostgreSQL the longest way is walked, everything else on SQLite alone."""
    is_postgresql = config.getoption("--database") == "postgresql"
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        if is_postgresql and not item.name.endswith(WALKED_ON_POSTGRESQL):
            item.add_marker(pytest.mark.skip(reason="walked on SQLite; the pages are the same on both databases"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.when == "call":
        item.has_failed = report.failed
    return report


def launch(playwright, *options):
    path = next(filter(None, map(shutil.which, NAMES_OF_CHROMIUM)), None)
    return path and playwright.chromium.launch(executable_path=path, args=[*CHROMIUM_OPTIONS, *options])


@pytest.fixture(scope="package")
def chromium():
    """Ended with the last browser test: its event loop stays in this thread, and signing wants one of its own."""
    expect.set_options(timeout=ANSWER_MS)
    with sync_playwright() as playwright:
        browser = launch(playwright, WITHOUT_FONTS)
        if browser is None:
            pytest.skip("Chromium is not installed (Debian: apt-get install chromium)")
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def portal(request, chromium, tmp_path_factory):
    kind = request.config.getoption("--database")
    database = databases.start(kind, tmp_path_factory) if kind == "postgresql" else None
    made = Portal(tmp_path_factory.mktemp("demo") / "data", database.url if database else None)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        if database is not None:
            database.stop()


@pytest.fixture
def person(request, portal, chromium):
    """`person("青木 健一")`: somebody with a window of their own, not logged in yet.

    At the end of the test no window may have had anything to complain of.
    """
    people = []

    def arrive(name, viewport=DESK):
        context = chromium.new_context(locale="ja-JP", timezone_id="Asia/Tokyo", viewport=viewport)
        context.set_default_timeout(ANSWER_MS)
        people.append(Person(portal, portal.accounts[name], context))
        return people[-1]

    yield arrive
    if getattr(request.node, "has_failed", False):
        _keep_pictures(request.node.name, people)
    complaints = [f"{one.name}: {complaint}" for one in people for complaint in one.complaints]
    for one in people:
        one.context.close()
    assert not complaints, "\n".join(complaints)


def _keep_pictures(test, people):
    PICTURES.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(people):
        for page in one.context.pages:
            page.screenshot(path=PICTURES / f"{test}-{number}-{one.name}.png", full_page=True)
