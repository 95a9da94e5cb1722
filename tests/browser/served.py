"""The real pages in this process, for browser tests that need a state hard to bring a real box into."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from appliance.node.events import Event
from appliance.node.snapshot import Snapshot
from tests.app.web.harness import PASSWORD, Web, running_web

START_SECONDS = 20


class Served:
    """Pages on a thread of their own, and events posted to them from the test's thread."""

    def __init__(self, web: Web, loop: asyncio.AbstractEventLoop) -> None:
        self._web = web
        self._loop = loop
        self.url = web.url

    def post(self, event: Event) -> None:
        self._loop.call_soon_threadsafe(self._web.post, event)

    def end(self, ended: asyncio.Event) -> None:
        self._loop.call_soon_threadsafe(ended.set)

    def log_in(self, page: Page) -> None:
        page.goto(self.url)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(self.url + "/")


@contextmanager
def serving(folder: Path, snapshot: Snapshot) -> Iterator[Served]:
    """A claimed box in the state of `snapshot`."""
    ready, ended = threading.Event(), asyncio.Event()
    found: list[Served] = []

    async def serve() -> None:
        async with running_web(folder, snapshot) as web:
            await web.claim()
            found.append(Served(web, asyncio.get_running_loop()))
            ready.set()
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="pages")
    thread.start()
    try:
        assert ready.wait(START_SECONDS)
        yield found[0]
    finally:
        if found:
            found[0].end(ended)
        thread.join(START_SECONDS)
