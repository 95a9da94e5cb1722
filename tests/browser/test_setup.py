"""The first set-up, step by step, as a newcomer goes through it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Account, faults
from tests.browser.test_first_run import ask, fill_setup
from tests.fakes.hub import FakeHub
from tests.live.box import PASSWORD, SELF_TEST_MODEL, Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

DRAFT_REPO, DRAFT = "mesh/tiny-draft-GGUF", "mesh-tiny-draft-Q8_0"


@pytest.fixture
def fresh(tmp_path: Path, hub: FakeHub) -> Iterator[Box]:
    with Box(tmp_path, claimed=False, MESHBOX_HF_ENDPOINT=hub.url) as one:
        yield one


def test_the_whole_way_from_the_code_to_the_first_answer(fresh: Box, page: Page, account: Account) -> None:
    """Claim, name, hardware with a right answer, a model, done: a chat that answers, an address to copy."""
    page.goto(fresh.web_url)
    assert faults(page) == []
    fill_setup(page, fresh.setup_code)

    expect(page).to_have_url(re.compile("/setup/box$"))
    page.get_by_label("Name of this box").fill("den")
    assert faults(page) == []
    page.get_by_role("button", name="Go on").click()

    expect(page.locator("#machine")).to_contain_text("It computes right")
    expect(page.locator("#machine")).to_contain_text(re.compile(r"answered right in \d+ ms"))
    assert faults(page) == []
    page.get_by_role("button", name="Go on").click()

    expect(page.get_by_role("article", name=SELF_TEST_MODEL, exact=True)).to_contain_text("fits")
    page.get_by_label("Another one").fill(DRAFT_REPO)
    page.get_by_role("button", name="Fetch", exact=True).click()
    expect(page).to_have_url(re.compile("/setup/model"))
    row = page.get_by_role("article", name=f"Fetching {DRAFT_REPO}")
    row.get_by_role("button", name="Load it").click()
    expect(page.get_by_role("article", name=DRAFT, exact=True)).to_contain_text("served")
    assert faults(page) == []
    page.get_by_role("button", name="Go on").click()

    expect(page.get_by_role("heading", name="Your box is ready")).to_be_visible()
    expect(page.locator("#base-url")).to_have_text(fresh.web_url.rpartition(":")[0] + f":{fresh.api_port}/v1")
    assert faults(page) == []
    page.get_by_role("link", name="Chat").last.click()
    ask(page, "What is 3 + 4?")
    expect(page.locator(".said.assistant .body")).to_contain_text("7")
    assert account.hosts == {fresh.web_url.removeprefix("http://")}
    assert account.complaints == []


def test_the_setup_goes_on_where_it_was_left(fresh: Box, page: Page, browser: Browser) -> None:
    """The browser is closed, the box ends and starts again: the next login finds the same step."""
    page.goto(fresh.web_url)
    fill_setup(page, fresh.setup_code)
    page.get_by_label("Name of this box").fill("attic")
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile("/setup/hardware$"))
    fresh.stop()
    fresh.start()
    fresh.wait(lambda: fresh.get("/healthz").status == 200, "the page answers")
    context = browser.new_context()
    again = context.new_page()
    again.goto(fresh.web_url)
    again.get_by_label("Password").fill(PASSWORD)
    again.get_by_role("button", name="Log in").click()
    again.get_by_role("link", name="Go on with it").click()
    expect(again).to_have_url(re.compile("/setup/hardware$"))
    expect(again.locator(".brand-name")).to_have_text("attic")
    again.get_by_role("link", name="Name").click()
    expect(again.get_by_label("Name of this box")).to_have_value("attic")
    context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_no_step_sticks_out_sideways(fresh: Box, page: Page, width: int) -> None:
    """On a phone as on a desk."""
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(fresh.web_url)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    fill_setup(page, fresh.setup_code)
    for step in ("box", "hardware", "model", "done"):
        page.goto(f"{fresh.web_url}/setup/{step}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
