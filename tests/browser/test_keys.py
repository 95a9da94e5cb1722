"""API keys as people make, change and revoke them, with scripts and without."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Account, faults
from tests.browser.steps import log_in
from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = [pytest.mark.browser, pytest.mark.live]


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


def make(page: Page, name: str) -> str:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Make the key").click()
    secret = page.locator("#secret")
    expect(secret).to_be_in_viewport()
    return str(secret.text_content())


def chat(box: Box, secret: str) -> int:
    body = {"model": SELF_TEST_MODEL, "messages": [{"role": "user", "content": "What is 3 + 4?"}]}
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    return httpx.post(f"{box.api_url}/v1/chat/completions", json=body, headers=headers, timeout=30).status_code


def test_from_an_open_box_to_a_key_and_back(box: Box, page: Page, account: Account) -> None:
    """A key is made, asked for, used while the page looks on, limited, and revoked; every state is clean for axe."""
    log_in(page, box)
    page.goto(box.web_url + "/keys")
    secret = make(page, "Laptop")
    assert re.fullmatch(r"mbx_\w{43}", secret)
    assert faults(page) == []
    assert secret in str(page.locator("#secret-curl").text_content())

    page.get_by_role("button", name="Ask for a key…").click()
    assert faults(page) == []
    page.get_by_role("button", name="Ask for a key", exact=True).click()
    expect(page.locator("[data-notice]")).to_have_text("From now on only programs with a key are answered.")
    expect(page.locator("#secret")).to_have_count(0)
    assert (chat(box, ""), chat(box, secret)) == (401, 200)
    row = page.locator("#keys_list .row", has_text="Laptop")
    expect(row.locator("dl div", has_text="Requests today")).to_contain_text("1")

    row.get_by_role("link", name="Change").click()
    page.get_by_label("Requests a minute").fill("none")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Write a whole number")
    assert faults(page) == []
    page.get_by_label("Requests a minute").fill("1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-notice]")).to_have_text("Saved.")
    assert (chat(box, secret), chat(box, secret)) == (200, 429)

    row.get_by_role("button", name="Revoke…").click()
    page.get_by_role("button", name="Revoke it").click()
    expect(page.locator("#keys_list")).to_contain_text("There is no key yet.")
    assert chat(box, secret) == 401

    page.get_by_role("button", name="Answer without a key…").click()
    page.get_by_role("button", name="Answer everybody").click()
    expect(page.locator("#keys_door")).to_contain_text("everybody")
    assert chat(box, "") == 200
    assert [text for text in account.complaints if "422" not in text] == []


def test_a_key_is_made_without_scripts(box: Box, browser: Browser) -> None:
    """On a phone, with what was typed kept when something is wrong."""
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    log_in(page, box)
    page.goto(box.web_url + "/keys")
    page.get_by_label("Models it may use").fill("mesh-*")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_text("Give it a name of at most 64 letters.")).to_be_visible()
    expect(page.get_by_label("Models it may use")).to_have_value("mesh-*")
    assert chat(box, make(page, "Phone")) == 200
    context.close()
