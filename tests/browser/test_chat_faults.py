"""The chat page when something is not as it should be: refusals, loading models, lost connections, restarts."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.chat_page import (
    API,
    PATIENCE,
    answer_of,
    answers_with,
    ask,
    asked,
    enter,
    finished,
    long_answer,
    refuses_with,
    said,
    stream,
)
from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = [pytest.mark.browser, pytest.mark.live]

SUM = "What is 3 + 4?"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    settings = json.dumps({"api": {"drain_s": 0}})
    with Box(tmp_path_factory.mktemp("box"), MESHBOX_SETTINGS=settings) as one:
        one.wait_ready()
        yield one


def test_an_error_is_a_sentence_with_a_way_on(box: Box, page: Page) -> None:
    """Retry asks the same again, and the failure goes."""
    enter(page, box)
    refuses_with(page, 500, "The engine <b>made</b> a mistake.")
    ask(page, SUM)
    expect(answer_of(page)).to_contain_text("The engine <b>made</b> a mistake.")
    answer_of(page).get_by_role("button", name="Retry").click()
    expect(answer_of(page).locator(".body")).to_contain_text("7", timeout=PATIENCE)
    expect(page.get_by_text("made a mistake")).to_have_count(0)
    expect(page.locator(".said")).to_have_count(2)


def test_a_question_without_answer_is_not_sent_along_later(box: Box, page: Page) -> None:
    """Models want question and answer in turn."""
    enter(page, box)
    refuses_with(page, 500, "No.")
    ask(page, "first")
    finished(page)
    page.unroute_all()
    questions = answers_with(page, stream(said("Yes.")))
    asked(page, "second", "Yes.")
    assert questions[0]["messages"] == [{"role": "user", "content": "second"}]


def test_a_loading_model_is_waited_for(box: Box, page: Page) -> None:
    """The page counts down in sight, then asks again by itself."""
    enter(page, box)
    refuses_with(page, 503, "The model is still loading (40% done).", wait=2)
    ask(page, SUM)
    expect(answer_of(page)).to_contain_text("is still loading (40% done). Trying again in 2 s.")
    expect(answer_of(page).locator(".body")).to_contain_text("7", timeout=PATIENCE)


def test_waiting_can_be_ended(box: Box, page: Page) -> None:
    """Nothing is asked any more then."""
    enter(page, box)
    refuses_with(page, 503, "The model is still loading.", wait=50)
    ask(page, SUM)
    expect(answer_of(page)).to_contain_text("Trying again in 50 s.")
    page.get_by_role("button", name="Stop").click()
    finished(page)
    expect(answer_of(page).get_by_role("button", name="Try again")).to_be_visible()


def test_a_box_that_cannot_be_reached_is_told_as_that(box: Box, page: Page) -> None:
    """What to look at, and Retry."""
    enter(page, box)
    page.route(API, lambda route: route.abort("connectionrefused"), times=1)
    ask(page, SUM)
    expect(answer_of(page)).to_contain_text("The box cannot be reached.")
    answer_of(page).get_by_role("button", name="Retry").click()
    expect(answer_of(page).locator(".body")).to_contain_text("7", timeout=PATIENCE)


def test_an_answer_without_an_end_is_marked(box: Box, page: Page) -> None:
    """Half an answer never looks like a whole one."""
    enter(page, box)
    answers_with(page, stream(said("Half an ans"), whole=False))
    asked(page, SUM, "Half an ans")
    expect(answer_of(page)).to_contain_text("ended before the model had finished it")
    answers_with(page, stream(said("wer."), model="x"))
    answer_of(page).get_by_role("button", name="Continue").click()
    expect(answer_of(page).locator(".body")).to_have_text("Half an answer.")
    expect(answer_of(page).locator(".trouble")).to_be_hidden()


def test_a_model_that_cannot_be_given_a_beginning_is_told_to_go_on(box: Box, page: Page) -> None:
    """Continue works with such models too."""
    enter(page, box)
    answers_with(page, stream(said("Half an ans"), whole=False))
    asked(page, SUM, "Half an ans")
    questions = answers_with(page, stream(said("wer.")))
    refuses_with(page, 400, "Assistant response prefill is incompatible with enable_thinking.")
    answer_of(page).get_by_role("button", name="Continue").click()
    expect(answer_of(page).locator(".body")).to_have_text("Half an answer.")
    roles = [message["role"] for message in questions[0]["messages"]]
    assert roles == ["user", "assistant", "user"]


def test_an_error_in_mid_stream_keeps_what_came(box: Box, page: Page) -> None:
    """The box's own words say what happened."""
    enter(page, box)
    broken = stream(said("Half"), whole=False) + 'data: {"error": {"message": "The engine broke off."}}\n\n'
    answers_with(page, broken)
    asked(page, SUM, "Half")
    expect(answer_of(page)).to_contain_text("The engine broke off.")


def test_an_answer_survives_the_end_of_its_engine(box: Box, page: Page) -> None:
    """Its successor goes on with it; nobody has to ask again."""
    enter(page, box)
    with long_answer(page, box):
        ask(page, "Tell me a story.")
        expect(answer_of(page).locator(".body")).not_to_be_empty(timeout=PATIENCE)
        os.kill(box.entry()["pid"], signal.SIGKILL)
        finished(page)
    expect(answer_of(page).locator(".trouble")).not_to_contain_text("incomplete")
    assert box.entry()["restarts"] == 1
    answer_of(page).get_by_role("button", name="Continue").click()
    finished(page)


def test_a_box_that_restarts_in_mid_answer_loses_nothing(tmp_path: Path, page: Page) -> None:
    """The part stays, is marked, is there after a reload, and is continued by the new box."""
    with Box(tmp_path, MESHBOX_SETTINGS=json.dumps({"api": {"drain_s": 0}})) as box:
        box.wait_ready()
        enter(page, box)
        with long_answer(page, box):
            ask(page, "Tell me a story.")
            expect(answer_of(page).locator(".body")).not_to_be_empty(timeout=PATIENCE)
            box.stop(signal.SIGKILL)
            finished(page)
        expect(answer_of(page).locator(".trouble")).to_contain_text("incomplete")
        box.start()
        box.wait_ready()
        page.reload()
        expect(answer_of(page).locator(".body")).not_to_be_empty()
        questions = answers_with(page, stream(said(" THE END")))
        answer_of(page).get_by_role("button", name="Continue").click()
        expect(answer_of(page).locator(".body")).to_contain_text("THE END", timeout=PATIENCE)
        assert questions[0]["messages"][-1]["role"] == "assistant"


def test_a_reload_in_mid_answer_keeps_the_part(box: Box, page: Page) -> None:
    """It is marked as cut off."""
    enter(page, box)
    with long_answer(page, box):
        ask(page, "Tell me a story.")
        expect(answer_of(page).locator(".body")).not_to_be_empty(timeout=PATIENCE)
        page.reload()
        expect(answer_of(page).locator(".trouble")).to_have_text("This answer was cut off.")
        expect(answer_of(page).locator(".body")).not_to_be_empty()


def test_the_choice_stays_while_the_model_is_away(box: Box, page: Page) -> None:
    """The list follows the box; the page says what to do and takes the model again when it is back."""
    assert box.manage("PATCH", "/api/settings", {"serving": {"on_demand": False}}).status == 200
    enter(page, box)
    page.get_by_label("Model", exact=True).select_option(SELF_TEST_MODEL)
    assert box.manage("DELETE", f"/api/serving/{SELF_TEST_MODEL}").status < 300
    chosen = page.locator("#model option:checked")
    expect(chosen).to_have_text(f"{SELF_TEST_MODEL} (not served now)", timeout=PATIENCE)
    expect(page.get_by_role("link", name="Go to the models")).to_have_attribute("href", "/models")
    assert box.manage("POST", "/api/serving", {"model": SELF_TEST_MODEL}).status < 300
    expect(chosen).to_have_text(SELF_TEST_MODEL, timeout=PATIENCE)
    expect(page.get_by_role("link", name="Go to the models")).to_have_count(0)
    questions = answers_with(page, stream(said("Yes.")))
    asked(page, SUM)
    assert questions[0]["model"] == SELF_TEST_MODEL
    page.reload()
    expect(chosen).to_have_text(SELF_TEST_MODEL)


def test_an_ended_login_leads_to_the_login_and_back(box: Box, page: Page) -> None:
    """The question is not lost."""
    enter(page, box)
    page.context.clear_cookies()
    ask(page, SUM)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()
    expect(page).to_have_url(box.web_url + "/chat")
    expect(page.locator(".said.user .body")).to_have_text(SUM)
