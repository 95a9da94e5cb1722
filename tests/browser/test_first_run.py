"""The first minutes of a newcomer, in a real browser in front of a real box."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Account, faults
from tests.browser.steps import log_in
from tests.live.box import PASSWORD, SELF_TEST_MODEL, Box

pytestmark = [pytest.mark.browser, pytest.mark.live]


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Box]:
    with Box(tmp_path, claimed=False) as box:
        yield box


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


def fill_setup(page: Page, code: str) -> None:
    page.get_by_label("Code from the log").fill(code)
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Claim this box").click()


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your message").fill(question)
    page.get_by_role("button", name="Send").click()


def test_from_the_claim_to_the_first_answer(fresh: Box, page: Page, account: Account) -> None:
    """The code of the log, a password, a name: then hardware, a model that answered right, and a chat that answers.

    Nothing leaves the box, no rule of the content policy is broken, and the page complains of nothing.
    """
    page.goto(fresh.web_url)
    expect(page).to_have_url(re.compile("/setup$"))
    fill_setup(page, fresh.setup_code)
    page.goto(fresh.web_url)
    expect(page.locator("#hardware")).to_contain_text("Processor")
    card = page.locator("#serving article", has_text=SELF_TEST_MODEL)
    expect(card).to_contain_text("ready", timeout=20_000)
    expect(card).to_contain_text(re.compile(r"answered right in \d+ ms"))
    expect(page.locator("#headline")).to_contain_text("Answering")
    page.get_by_role("link", name="Chat").first.click()
    ask(page, "What is 3 + 4?")
    answer = page.locator(".said.assistant")
    expect(answer.locator(".body")).to_contain_text("7")
    expect(answer.locator(".note")).to_contain_text(re.compile(r"first word after \d+\.\d\d s"))
    assert account.hosts == {fresh.web_url.removeprefix("http://")}
    assert account.complaints == []


def test_a_wrong_code_is_told_beside_its_field(fresh: Box, page: Page) -> None:
    """Nothing that was typed is lost but the passwords; the second try works."""
    page.goto(fresh.web_url)
    fill_setup(page, "XXXX-XXXX")
    field = page.get_by_label("Code from the log")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile("not the code"))
    assert faults(page) == []
    fill_setup(page, fresh.setup_code)
    expect(page).to_have_url(fresh.web_url + "/setup/box")


def test_everything_but_the_chat_works_without_scripts(fresh: Box, browser: Browser) -> None:
    """Claim, every step of the set-up, read, log out, log in."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(fresh.web_url)
    fill_setup(page, fresh.setup_code)
    for _ in range(3):
        page.get_by_role("button", name="Go on").click()
    page.get_by_role("link", name="To the dashboard").click()
    expect(page.locator("#serving")).to_contain_text(SELF_TEST_MODEL)
    page.get_by_role("link", name="Logs").click()
    expect(page.get_by_role("region", name="Log lines")).to_contain_text("the page listens")
    page.get_by_role("button", name="Log out").click()
    log_in(page, fresh)
    context.close()


def test_the_page_follows_the_engine_without_a_reload(box: Box, page: Page) -> None:
    """A killed engine is seen to fall and to come back, on the same page, with the focus where it was."""
    log_in(page, box)
    button = page.locator("button[data-copy=curl]")
    button.focus()
    card = page.locator("#serving article", has_text=SELF_TEST_MODEL)
    expect(card).to_contain_text("ready")
    os.kill(box.entry()["pid"], signal.SIGKILL)
    expect(card).to_contain_text("Restarts", timeout=20_000)
    expect(card.locator(".chip")).to_have_text("ready", timeout=20_000)
    expect(button).to_be_focused()


def test_an_answer_can_be_stopped(box: Box, page: Page) -> None:
    """Stop gives the page back at once, whatever the engine does."""
    log_in(page, box)
    box.wait_ready()
    page.goto(box.web_url + "/chat")
    engine = box.entry()["pid"]
    os.kill(engine, signal.SIGSTOP)
    try:
        ask(page, "What is 3 + 4?")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Send")).to_be_visible()
    finally:
        os.kill(engine, signal.SIGCONT)
    ask(page, "What is 3 + 4?")
    expect(page.locator(".said.assistant .body").last).to_contain_text("7")


def test_a_conversation_is_there_after_a_reload_and_gone_when_asked(box: Box, page: Page) -> None:
    """It is kept in this browser only; what it holds is shown as text."""
    log_in(page, box)
    page.goto(box.web_url + "/chat")
    ask(page, "<img src=x onerror=alert(1)> What is 3 + 4?")
    expect(page.locator(".said.assistant .note")).to_contain_text("first word")
    page.reload()
    expect(page.locator(".said.user")).to_contain_text("<img src=x onerror=alert(1)>")
    assert page.locator(".said img").count() == 0
    page.get_by_role("button", name="New chat").click()
    expect(page.locator(".said")).to_have_count(0)
