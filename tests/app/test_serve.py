"""The embedded servers: ports that are taken, streams that end, silence that is cut."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from appliance.fault import wait_for_folder
from appliance.serve import Listener, PortTaken
from appliance.settings.bootstrap import Bootstrap
from appliance.storage.folder import DataFolder
from appliance.tasks import TaskGroup
from tests.live.box import free_ports

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Stream:
    """Sends one line and goes on until told to end."""

    def __init__(self) -> None:
        self.end = asyncio.Event()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        await self.end.wait()
        await send({"type": "http.response.body", "body": b"last\n"})


async def test_a_port_that_is_taken_is_named() -> None:
    """The message says which port; nothing is served silently beside another program."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            await Listener("test", Stream(), "127.0.0.1", port).start()


async def test_two_boxes_cannot_share_a_port() -> None:
    """The web server's own sockets share their port: that must not hide a second box."""
    (port,) = free_ports(1)
    stream = Stream()
    first = Listener("first", stream, "127.0.0.1", port)
    await first.start()
    try:
        with pytest.raises(PortTaken):
            await Listener("second", stream, "127.0.0.1", port).start()
    finally:
        await first.stop(1)


async def test_a_stop_lets_an_open_answer_end() -> None:
    """What runs gets its time: the last line still arrives."""
    (port,) = free_ports(1)
    stream, tasks = Stream(), TaskGroup()
    listener = Listener("test", stream, "127.0.0.1", port)
    await listener.start()
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
        assert await response.content.readline() == b"first\n"
        stopping = tasks.start("stop", listener.stop(10))
        stream.end.set()
        assert await response.content.readline() == b"last\n"
    async with asyncio.timeout(5):
        await stopping


async def test_a_stop_does_not_wait_for_ever() -> None:
    """An answer that never ends is cut when patience is over."""
    (port,) = free_ports(1)
    listener = Listener("test", Stream(), "127.0.0.1", port)
    await listener.start()
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as response:
        assert await response.content.readline() == b"first\n"
        async with asyncio.timeout(5):
            await listener.stop(0.2)


async def test_a_folder_in_use_is_shown_on_the_page_until_it_is_free(tmp_path: Path) -> None:
    """The newcomer sees in the browser why the box does not start, and it goes on by itself."""
    holder, ours = DataFolder(tmp_path), DataFolder(tmp_path)
    holder.take()
    (port,) = free_ports(1)
    bootstrap = Bootstrap(data=tmp_path, web_port=port, bind="127.0.0.1")
    tasks = TaskGroup()
    waiting = tasks.start("wait", wait_for_folder(ours, bootstrap, asyncio.Event()))
    url = f"http://127.0.0.1:{port}/"
    async with aiohttp.ClientSession() as session, asyncio.timeout(10):
        page = await _answer(session, url, "text/html")
        assert (page[0], "Another Meshbox already runs" in page[1]) == (503, True)
        program = await _answer(session, url, "*/*")
        assert (program[0], '"code": "data_folder"' in program[1]) == (503, True)
        holder.release()
        assert await waiting is True
    ours.release()


async def _answer(session: aiohttp.ClientSession, url: str, accept: str) -> tuple[int, str]:
    while True:
        try:
            async with session.get(url, headers={"Accept": accept}) as response:
                return response.status, await response.text()
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.02)
