"""Conversations in the browser: kept, found, renamed, deleted, taken out and in again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.chat_page import answer_of, answers_with, asked, enter, pick, said, stream
from tests.browser.conftest import Account, faults
from tests.live.box import Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

SUM, CAPITAL = "What is 3 + 4?", "What is the capital of France?"
NO_DATABASE = "Object.defineProperty(window, 'indexedDB', { value: undefined })"
NO_STORE = NO_DATABASE + "; Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden') } })"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


def new_chat(page: Page) -> None:
    page.get_by_role("button", name="New chat").first.click()
    expect(page.locator(".welcome")).to_be_visible()


def more(page: Page, title: str) -> None:
    page.get_by_role("button", name=f"More about {title}").click()


def take_in(page: Page, content: str | bytes) -> str:
    """Imports a file; returns what the page said about it."""
    data = content.encode() if isinstance(content, str) else content
    page.set_input_files("#import-file", FilePayload(name="chats.json", mimeType="application/json", buffer=data))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    told = dialog.locator("p").inner_text()
    dialog.get_by_role("button", name="Close").click()
    return told


@pytest.mark.parametrize("store", ["", NO_DATABASE], ids=["database", "fallback"])
def test_conversations_are_there_after_a_reload(box: Box, page: Page, store: str) -> None:
    """The open one comes back open, the others stand in the list; in either store of the browser."""
    page.add_init_script(store)
    enter(page, box)
    asked(page, SUM, "7")
    new_chat(page)
    asked(page, CAPITAL, "Paris")
    page.reload()
    expect(page.locator(".said.user .body")).to_have_text(CAPITAL)
    expect(answer_of(page).locator(".body")).to_contain_text("Paris")
    expect(answer_of(page).locator(".note")).to_contain_text("first word after")
    expect(page.locator(".pick")).to_have_text([CAPITAL, SUM])
    expect(pick(page, CAPITAL)).to_have_attribute("aria-current", "true")
    pick(page, SUM).click()
    expect(answer_of(page).locator(".body")).to_contain_text("7")


def test_a_browser_that_keeps_nothing_still_chats(box: Box, page: Page) -> None:
    """And the page says that nothing is kept."""
    page.add_init_script(NO_STORE)
    enter(page, box)
    asked(page, SUM, "7")
    expect(page.get_by_text("This browser keeps nothing for this page")).to_be_visible()


def test_a_conversation_is_found_by_its_title(box: Box, page: Page) -> None:
    """Capital or small letters; nothing found is told."""
    enter(page, box)
    answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    new_chat(page)
    asked(page, CAPITAL)
    search = page.get_by_label("Search conversations")
    search.fill("FRANCE")
    expect(page.locator(".pick")).to_have_text([CAPITAL])
    search.fill("nowhere")
    expect(page.get_by_text("No title fits.")).to_be_visible()


def test_a_conversation_can_be_renamed(box: Box, page: Page) -> None:
    """The title is text, whatever it holds, and it stays."""
    enter(page, box)
    answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    more(page, SUM)
    assert faults(page) == []
    page.get_by_label("Title").fill("  <b>Sums</b>  of mine ")
    page.get_by_role("button", name="Save title").click()
    expect(page.locator(".pick")).to_have_text(["<b>Sums</b> of mine"])
    page.reload()
    expect(page.locator(".pick")).to_have_text(["<b>Sums</b> of mine"])
    asked(page, CAPITAL)
    expect(page.locator(".pick")).to_have_text(["<b>Sums</b> of mine"])


def test_deleting_asks_first(box: Box, page: Page) -> None:
    """Cancel keeps it; Delete removes it for good and shows a new chat."""
    enter(page, box)
    answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    more(page, SUM)
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete this conversation?")
    expect(dialog).to_contain_text(SUM)
    assert faults(page) == []
    dialog.get_by_role("button", name="Cancel").click()
    expect(pick(page, SUM)).to_be_visible()
    more(page, SUM)
    page.get_by_role("button", name="Delete…").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator(".pick")).to_have_count(0)
    expect(page.locator(".welcome")).to_be_visible()
    page.reload()
    expect(page.get_by_text("No conversations yet.")).to_be_visible()


def test_one_conversation_as_markdown(box: Box, page: Page) -> None:
    """Readable without this page."""
    enter(page, box)
    answers_with(page, stream(said("It is **7**.")), **{"X-Meshbox-Model": "some-model"})
    asked(page, SUM)
    more(page, SUM)
    with page.expect_download() as found:
        page.get_by_role("button", name="Export as Markdown").click()
    assert found.value.suggested_filename == "What-is-3-4.md"
    text = Path(found.value.path()).read_text(encoding="utf-8")
    assert text == f"# {SUM}\n\n## You\n\n{SUM}\n\n## some-model\n\nIt is **7**.\n"


def test_what_was_exported_can_be_imported(box: Box, page: Page) -> None:
    """All of it, and only once; a changed one comes beside the one that is here."""
    enter(page, box)
    answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    new_chat(page)
    asked(page, CAPITAL)
    with page.expect_download() as found:
        page.get_by_role("button", name="Export all").click()
    content = Path(found.value.path()).read_text(encoding="utf-8")
    assert take_in(page, content) == "0 conversations were imported. Already here: 2."
    more(page, SUM)
    page.get_by_role("button", name="Delete…").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(".pick")).to_have_count(1)
    assert take_in(page, content) == "1 conversation was imported. Already here: 1."
    pick(page, SUM).click()
    expect(answer_of(page).locator(".body")).to_have_text("Yes.")


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"format": "other", "conversations": []}', b"\xff\xfe\x00"])
def test_a_file_of_another_kind_is_told(box: Box, page: Page, content: str | bytes) -> None:
    """Nothing is imported."""
    enter(page, box)
    assert "is no export of this page" in take_in(page, content)
    expect(page.locator(".pick")).to_have_count(0)


def test_a_hostile_file_does_no_harm(box: Box, page: Page, account: Account) -> None:
    """What is not sound is left out; the rest is text."""
    evil = "<img src=x onerror=alert(1)>"
    files = [
        {"kind": "image", "name": evil, "data": "javascript:alert(1)"},
        {"kind": "image", "name": evil, "data": "data:image/svg+xml;base64,PHN2Zz4="},
        {"kind": "__proto__", "name": evil, "data": "data:x"},
        {"kind": "text", "name": evil, "data": evil},
    ]
    sound = {
        "id": "../../x",
        "title": evil,
        "created": "never",
        "changed": 1e99,
        "model": {"a": 1},
        "options": {"temperature": "hot", "max_tokens": -5, "system": 7, "__proto__": {"x": 1}},
        "messages": [
            {"role": "user", "text": evil, "attachments": files},
            {
                "role": "assistant",
                "text": evil,
                "state": "writing",
                "thinking": 5,
                "problem": {},
                "stats": {"rate": "x"},
            },
        ],
    }
    broken: list[Any] = [None, 7, {"messages": "x"}, {"messages": [{"role": "system", "text": "x"}]}]
    enter(page, box)
    told = take_in(page, json.dumps({"format": "meshbox-chat", "conversations": [sound, *broken]}))
    assert told == "1 conversation was imported. Left out, because they are damaged: 4."
    pick(page, evil).click()
    expect(answer_of(page).locator(".body")).to_have_text(evil)
    expect(page.locator(".said.user .file")).to_have_count(1)
    assert page.locator(".said img").count() == 0
    assert account.complaints == []


def test_the_conversation_of_the_former_page_is_taken_over(box: Box, page: Page) -> None:
    """Once; its old place is empty then."""
    enter(page, box)
    old = json.dumps([{"role": "user", "content": SUM}, {"role": "assistant", "content": "Seven."}])
    page.evaluate("(old) => localStorage.setItem('meshbox-chat', old)", old)
    page.reload()
    pick(page, SUM).click()
    expect(answer_of(page).locator(".body")).to_have_text("Seven.")
    assert page.evaluate("localStorage.getItem('meshbox-chat')") is None


def test_another_tab_sees_what_was_said(box: Box, page: Page) -> None:
    """Its list follows without a reload."""
    enter(page, box)
    other = page.context.new_page()
    other.goto(box.web_url + "/chat")
    expect(other.get_by_text("No conversations yet.")).to_be_visible()
    answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    pick(other, SUM).click()
    expect(answer_of(other).locator(".body")).to_have_text("Yes.")


def test_what_was_not_sent_survives_a_reload(box: Box, page: Page) -> None:
    """The draft is where it was."""
    enter(page, box)
    page.get_by_label("Your message", exact=True).fill("half a thou")
    page.reload()
    expect(page.get_by_label("Your message", exact=True)).to_have_value("half a thou")


def test_on_a_phone_the_list_is_a_drawer(box: Box, page: Page) -> None:
    """It opens over the page, closes when a conversation was picked, and has no fault that axe finds."""
    page.set_viewport_size({"width": 390, "height": 780})
    enter(page, box)
    answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    expect(page.locator("#history")).to_be_hidden()
    page.get_by_role("button", name="Conversations", exact=True).click()
    expect(pick(page, SUM)).to_be_visible()
    assert faults(page) == []
    pick(page, SUM).click()
    expect(page.locator("#history")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_address_may_name_the_model(box: Box, page: Page) -> None:
    """A link of the models page begins a chat with that one; a name that nobody serves is not taken."""
    enter(page, box, "/chat?model=mesh-tiny-dense-Q8_0")
    expect(page.get_by_label("Model", exact=True)).to_have_value("mesh-tiny-dense-Q8_0")
    page.goto(box.web_url + "/chat?model=nobody")
    expect(page.get_by_label("Model", exact=True)).to_have_value("auto")
