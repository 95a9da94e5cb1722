"""The chat page in the hands of a test: an engine that takes its time, and answers that the test writes itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from playwright.sync_api import Locator, Page, Route, expect

from tests.live.box import PASSWORD, Box

API = "**/v1/chat/completions"
PATIENCE = 20_000  # milliseconds
HINDER = "while kill -STOP $1; do sleep 0.25; kill -CONT $1; sleep 0.002; done"


def enter(page: Page, box: Box, path: str = "/chat") -> None:
    """Logged in, on the chat page."""
    answer = page.request.post(box.web_url + "/api/login", data={"password": PASSWORD})
    assert answer.ok
    page.goto(box.web_url + path)
    expect(page.locator("#thread > *").first).to_be_visible(timeout=PATIENCE)


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your message", exact=True).fill(question)
    page.get_by_role("button", name="Send", exact=True).click()


def answer_of(page: Page) -> Locator:
    """The newest answer."""
    return page.locator(".said.assistant").last


def asked(page: Page, question: str, *expected: str) -> None:
    """Asks, and waits until the answer is whole and says what is expected."""
    ask(page, question)
    finished(page)
    for words in expected:
        expect(answer_of(page).locator(".body")).to_contain_text(words, timeout=PATIENCE)


def finished(page: Page) -> None:
    expect(answer_of(page)).to_have_attribute("aria-busy", "false", timeout=PATIENCE)
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_visible()


def pick(page: Page, title: str) -> Locator:
    """The entry of a conversation in the list."""
    return page.locator("#conversations .pick", has_text=title)


def stream(pieces: Iterable[dict[str, str]], *, whole: bool = True, **last: Any) -> str:
    """Server-sent events as an engine would send them."""
    events: list[dict[str, Any]] = [{"choices": [{"delta": piece}]} for piece in pieces]
    if whole:
        events.append({"choices": [{"delta": {}, "finish_reason": "stop"}], **last})
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events) + ("data: [DONE]\n\n" if whole else "")


def said(text: str, step: int = 9) -> list[dict[str, str]]:
    return [{"content": text[at : at + step]} for at in range(0, len(text), step)]


def answers_with(page: Page, body: str, **headers: str) -> list[dict[str, Any]]:
    """From now on every question is answered so; returns the list of what was asked, as it grows."""
    questions: list[dict[str, Any]] = []

    def fulfil(route: Route) -> None:
        questions.append(json.loads(route.request.post_data or "{}"))
        route.fulfill(status=200, headers={"Content-Type": "text/event-stream"} | headers, body=body)

    page.unroute(API)
    page.route(API, fulfil)
    return questions


def refuses_with(page: Page, status: int, message: str, wait: int | None = None) -> None:
    """The next question is refused; those after it reach whoever answered before."""
    body = json.dumps({"error": {"message": message, "code": "x"}})
    headers = {} if wait is None else {"Retry-After": str(wait)}
    page.route(API, lambda route: route.fulfill(status=status, headers=headers, body=body), times=1)


@contextmanager
def long_answer(page: Page, box: Box) -> Iterator[None]:
    """Asked inside of this, the next question reaches the real box, and its answer takes many seconds."""

    def lengthen(route: Route) -> None:
        body = json.loads(route.request.post_data or "{}") | {"ignore_eos": True, "max_tokens": 30_000}
        route.continue_(post_data=json.dumps(body))

    page.route(API, lengthen, times=1)
    with slowed(box.entry()["pid"]):
        yield


@contextmanager
def slowed(pid: int) -> Iterator[None]:
    """The process works a small part of the time only; also on a busy machine, where a thread of ours would come late
    to stop it."""
    with subprocess.Popen(["sh", "-c", HINDER, "hinder", str(pid)], stderr=subprocess.DEVNULL) as hinders:
        with suppress(PermissionError):  # root alone may ask for that
            os.sched_setscheduler(hinders.pid, os.SCHED_FIFO, os.sched_param(1))
        try:
            yield
        finally:
            hinders.kill()
            hinders.wait()
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
