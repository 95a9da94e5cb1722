"""What holds for every page: both themes, phone to desk, zoomed, by keyboard alone. Pictures go to build/pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Account, faults
from tests.browser.steps import log_in
from tests.live.box import PASSWORD, SELF_TEST_MODEL, Box
from webui.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.live]

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "pictures"
FIXTURES = ROOT / "tests" / "fixtures" / "models"
PATHS = (
    *(page.NAV.path for page in PAGES if page.NAV is not None),
    f"/models/{SELF_TEST_MODEL}",
    *(f"/setup/{step}" for step in ("box", "hardware", "model", "done")),
    "/hub",
    "/no-such-page",
)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    """One with something to show: two models, a broken file, a trouble."""
    folder = tmp_path_factory.mktemp("box")
    (folder / "models").mkdir()
    shutil.copy(FIXTURES / "mesh-tiny-second-Q8_0.gguf", folder / "models")
    (folder / "models" / "cut-short.gguf").write_bytes(b"GGUF\x03")
    with Box(folder) as one:
        one.wait_ready()
        one.chat("What is 3 + 4?")
        yield one


def choose_theme(page: Page, theme: str) -> None:
    page.get_by_label("Colours").select_option(theme)
    expect(page.locator("html")).to_have_attribute("data-theme", theme)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 820, 1440])
def test_no_page_has_a_fault_that_axe_finds(box: Box, page: Page, account: Account, theme: str, width: int) -> None:
    """And nothing sticks out sideways, no rule of the content policy is broken, no script complains."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(box.web_url + "/login")
    choose_theme(page, theme)
    assert faults(page) == []
    log_in(page, box)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for path in PATHS:
        page.goto(box.web_url + path)
        name = path.strip("/").replace("/", "-") or "dashboard"
        page.screenshot(path=PICTURES / f"{name}-{width}-{theme}.png", full_page=True)
        assert (path, faults(page)) == (path, [])
        assert (path, page.evaluate("document.documentElement.scrollWidth")) <= (path, width)
    complaints = [text for text in account.complaints if "404" not in text]  # of the page that is not there
    assert complaints == []


@pytest.mark.timeout(120)
def test_every_page_can_be_read_at_twice_the_size(box: Box, page: Page) -> None:
    """Zoomed to 200 % on a small desk, and to 400 %: everything flows, nothing is cut off."""
    log_in(page, box)
    for width in (640, 320):
        page.set_viewport_size({"width": width, "height": 512})
        for path in PATHS:
            page.goto(box.web_url + path)
            assert (path, page.evaluate("document.documentElement.scrollWidth")) <= (path, width)


def test_the_keyboard_alone_is_enough(box: Box, page: Page) -> None:
    """Past the navigation with the first key, through it with the next ones."""
    log_in(page, box)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Models")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Models", level=1)).to_be_visible()
    expect(link).to_have_attribute("aria-current", "page")


def test_the_menu_of_a_phone_opens_and_closes_with_the_keyboard(box: Box, page: Page) -> None:
    """Without a script of ours: the browser gives the focus back."""
    page.set_viewport_size({"width": 390, "height": 800})
    log_in(page, box)
    menu = page.get_by_role("button", name="Menu")
    models = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Models")
    expect(models).to_be_hidden()
    menu.focus()
    page.keyboard.press("Enter")
    expect(models).to_be_visible()
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(models).to_be_hidden()
    expect(menu).to_be_focused()


def test_an_open_page_leads_to_the_login_when_its_login_ends(box: Box, page: Page) -> None:
    """Nobody goes on looking at a page that no longer belongs to him."""
    log_in(page, box)
    answer = page.request.post(f"{box.web_url}/api/logout", headers={"Origin": box.web_url})
    assert answer.ok
    expect(page.get_by_role("heading", name="Log in")).to_be_visible(timeout=40_000)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#headline")).to_be_visible()


def test_a_stream_that_is_refused_at_first_is_asked_for_again(box: Box, page: Page) -> None:
    """The page says that it hears nothing, and goes on as soon as it does."""
    log_in(page, box)
    answers = iter([503])
    page.route("**/events/ui?**", lambda route: refused(route, next(answers, None)))
    page.goto(f"{box.web_url}/")
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#offline")).to_be_hidden(timeout=15_000)


def test_a_login_that_ended_before_the_stream_began_leads_to_the_login(box: Box, page: Page) -> None:
    """Between the page and its stream a login may end: the page is asked for again, which shows the login."""
    log_in(page, box)
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    answers = iter([401])
    page.route("**/events/ui?**", lambda route: refused(route, next(answers, None)))
    with page.expect_event("load", lambda _: len(loads) == 2, timeout=15_000):
        page.goto(f"{box.web_url}/")


def refused(route: Route, status: int | None) -> None:
    if status is None:
        route.continue_()
    else:
        route.fulfill(status=status, body="No.")
