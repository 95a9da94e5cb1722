"""Talking to the real box on the chat page: ask, stop, change one's mind, come back."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chat_page import (
    PATIENCE,
    answer_of,
    answers_with,
    ask,
    asked,
    enter,
    finished,
    long_answer,
    said,
    stream,
)
from tests.browser.conftest import Account
from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

SUM, CAPITAL = "What is 3 + 4?", "What is the capital of France?"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


def test_a_question_is_answered_with_figures(box: Box, page: Page, account: Account) -> None:
    """The answer, who gave it and how fast; nothing leaves the box and no rule of the content policy is broken."""
    enter(page, box)
    asked(page, SUM, "7")
    note = answer_of(page).locator(".note")
    expect(note.locator("summary")).to_contain_text(SELF_TEST_MODEL)
    expect(note.locator("summary")).to_contain_text(re.compile(r"\d+ tokens · first word after \d+\.\d\d s · on \S+"))
    note.locator("summary").click()
    expect(note.locator("dl")).to_contain_text("the only model that can answer this")
    asked(page, CAPITAL, "Paris")
    assert account.hosts == {box.web_url.removeprefix("http://")}
    assert account.complaints == []


def test_an_answer_can_be_stopped_and_continued(box: Box, page: Page) -> None:
    """What came stays; the rest comes when asked for, behind it."""
    enter(page, box)
    with long_answer(page, box):
        ask(page, "Tell me a story.")
        body = answer_of(page).locator(".body")
        expect(body).not_to_be_empty(timeout=PATIENCE)
        page.keyboard.press("Escape")
        finished(page)
    expect(answer_of(page)).to_contain_text("You stopped this answer.")
    questions = answers_with(page, stream(said(" THE END")))
    answer_of(page).get_by_role("button", name="Continue").click()
    finished(page)
    begun = questions[0]["messages"][-1]
    assert begun["role"] == "assistant"
    expect(body).to_have_text(re.compile(".+THE END$", re.DOTALL))
    expect(answer_of(page)).not_to_contain_text("You stopped")
    assert begun["content"][:5].strip() in body.inner_text()


def test_stop_gives_the_page_back_at_once(box: Box, page: Page) -> None:
    """Whatever the engine does; the next question is answered."""
    enter(page, box)
    engine = box.entry()["pid"]
    os.kill(engine, signal.SIGSTOP)
    try:
        ask(page, SUM)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
        expect(page.get_by_label("Your message", exact=True)).to_be_focused()
    finally:
        os.kill(engine, signal.SIGCONT)
    asked(page, SUM, "7")


def test_a_question_can_be_changed_and_sent_again(box: Box, page: Page) -> None:
    """The conversation is cut there."""
    enter(page, box)
    asked(page, SUM, "7")
    asked(page, SUM, "7")
    page.locator(".said.user").first.get_by_role("button", name="Edit").click()
    field = page.get_by_label("Your message, changed")
    expect(field).to_be_focused()
    field.fill(CAPITAL)
    field.press("Enter")
    expect(answer_of(page).locator(".body")).to_contain_text("Paris", timeout=PATIENCE)
    expect(page.locator(".said")).to_have_count(2)
    expect(page.locator(".said.user .body")).to_have_text(CAPITAL)


def test_leaving_the_change_of_a_question_leaves_all_as_it_was(box: Box, page: Page) -> None:
    """Escape puts the question and the focus back."""
    enter(page, box)
    asked(page, SUM, "7")
    edit = page.locator(".said.user").get_by_role("button", name="Edit")
    edit.click()
    page.get_by_label("Your message, changed").fill("something else")
    page.keyboard.press("Escape")
    expect(page.locator(".said.user .body")).to_have_text(SUM)
    expect(edit).to_be_focused()


def test_an_answer_can_be_had_again(box: Box, page: Page) -> None:
    """The new one takes the place of the old one, and the question is sent once."""
    enter(page, box)
    answers_with(page, stream(said("First.")))
    asked(page, SUM, "First.")
    questions = answers_with(page, stream(said("Second.")))
    answer_of(page).get_by_role("button", name="Try again").click()
    expect(answer_of(page).locator(".body")).to_have_text("Second.")
    expect(page.locator(".said")).to_have_count(2)
    assert questions[0]["messages"] == [{"role": "user", "content": SUM}]


def test_enter_sends_and_shift_enter_begins_a_new_line(box: Box, page: Page) -> None:
    """The focus stays where one writes."""
    enter(page, box)
    questions = answers_with(page, stream(said("Yes.")))
    field = page.get_by_label("Your message", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    finished(page)
    assert questions[0]["messages"][0]["content"] == "one\ntwo"
    expect(field).to_be_focused()
    expect(field).to_have_value("")


def test_only_whole_answers_are_read_out(box: Box, page: Page) -> None:
    """A screen reader hears the answer once, at its end."""
    enter(page, box)
    with long_answer(page, box):
        ask(page, "Tell me a story.")
        expect(answer_of(page).locator(".body")).not_to_be_empty(timeout=PATIENCE)
        expect(page.locator("#told")).to_be_empty()
        page.keyboard.press("Escape")
    expect(page.locator("#told")).not_to_be_empty()
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")


def test_a_long_answer_is_followed_until_one_reads_elsewhere(box: Box, page: Page) -> None:
    """At the end it follows; scrolled up it stays, and a button leads back."""
    page.set_viewport_size({"width": 390, "height": 480})
    enter(page, box)
    lines = (f"Paragraph number {n} of a long answer." for n in range(80))
    answers_with(page, stream(said("\n\n".join(lines))))
    asked(page, SUM, "number 79")
    talk, to_end = page.locator("#talk"), page.get_by_role("button", name="To the end of the conversation")
    expect(to_end).to_be_hidden()
    assert talk.evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight") < 80
    page.unroute_all()
    with long_answer(page, box):
        page.locator(".said.user").get_by_role("button", name="Edit").click()
        page.get_by_label("Your message, changed").fill("Tell me a story.")
        page.keyboard.press("Enter")
        body = answer_of(page).locator(".body")
        expect(body).to_have_text(re.compile(".{300,}", re.DOTALL), timeout=PATIENCE)
        talk.evaluate("e => { e.scrollTop = 0 }")
        expect(to_end).to_be_visible(timeout=PATIENCE)
        grown = len(body.inner_text())
        expect(body).to_have_text(re.compile(f".{{{grown + 20},}}", re.DOTALL), timeout=PATIENCE)
        assert talk.evaluate("e => e.scrollTop") == 0
        to_end.click()
        expect(to_end).to_be_hidden()
        assert talk.evaluate("e => e.scrollTop") > 0
        page.keyboard.press("Escape")
    finished(page)


def test_the_settings_of_a_conversation_go_with_its_questions(box: Box, page: Page) -> None:
    """Empty ones are left to the model; they are kept."""
    enter(page, box)
    questions = answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    assert "temperature" not in questions[0]
    assert "max_tokens" not in questions[0]
    page.get_by_role("button", name="Settings of this conversation").click()
    page.get_by_label("System prompt").fill("Answer in one word.")
    page.get_by_label("Temperature").fill("0.3")
    page.get_by_label("Longest answer, in tokens").fill("5")
    page.get_by_role("button", name="Save").click()
    asked(page, CAPITAL)
    assert (questions[1]["temperature"], questions[1]["max_tokens"]) == (0.3, 5)
    assert questions[1]["messages"][0] == {"role": "system", "content": "Answer in one word."}
    page.reload()
    page.get_by_role("button", name="Settings of this conversation").click()
    expect(page.get_by_label("System prompt")).to_have_value("Answer in one word.")


def test_an_answer_goes_on_while_another_conversation_is_open(box: Box, page: Page) -> None:
    """Coming back shows it where it is by then."""
    enter(page, box)
    with long_answer(page, box):
        ask(page, "Tell me a story.")
        expect(answer_of(page).locator(".body")).not_to_be_empty(timeout=PATIENCE)
        page.get_by_role("button", name="New chat").first.click()
        expect(page.locator(".welcome")).to_be_visible()
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()
        page.locator("#conversations .pick", has_text="Tell me a story.").click()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        page.keyboard.press("Escape")
        finished(page)
    expect(answer_of(page)).to_contain_text("You stopped this answer.")


def test_without_scripts_the_page_names_the_api(box: Box, browser: Browser) -> None:
    """And shows nothing that would not work."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    answer = page.request.post(box.web_url + "/api/login", data={"password": "correct horse battery"})
    assert answer.ok
    page.goto(box.web_url + "/chat")
    expect(page.get_by_text("needs JavaScript")).to_be_visible()
    expect(page.get_by_text(f"port {box.api_port}")).to_be_visible()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_hidden()
    context.close()
