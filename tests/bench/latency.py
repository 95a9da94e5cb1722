"""How long it takes from an event in the box until an open page has it, beside the barest stream there can be."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
from litestar import Litestar, get
from sse_starlette import EventSourceResponse

from appliance.node.events import HardwareProbed
from appliance.serve import Listener
from tests.app.web.harness import Web, running_web
from tests.bench.report import Result, median, percentile
from tests.bench.world import fill, inventory, large_snapshot
from tests.live.box import free_ports

ROUNDS = 40
TABS = 20
BAR_MS = 1000.0
STREAMS = ("/events/ui?page=dashboard", "/events/ui?page=gpus", "/api/events")


async def bench() -> Result:
    bare = await _bare()
    rows: list[dict[str, Any]] = [_row("a bare stream", bare, bare)]
    with tempfile.TemporaryDirectory() as folder:
        async with running_web(Path(folder), large_snapshot()) as web:
            await web.claim()
            fill(web)
            rows += [_row(stream, await _page(web, stream), bare) for stream in STREAMS]
    met = all(row["p95 ms"] <= BAR_MS for row in rows)
    title = f"from an event to the frame of a page, {TABS} tabs open, large box"
    return Result("latency", title, rows, f"p95 <= {BAR_MS:.0f} ms", met)


def _row(name: str, times: list[float], bare: list[float]) -> dict[str, Any]:
    return {
        "stream": name,
        "p50 ms": median(times) * 1000,
        "p95 ms": percentile(times, 0.95) * 1000,
        "x bare": median(times) / median(bare),
    }


async def _page(web: Web, stream: str) -> list[float]:
    async with _tabs(web.url + stream, web.headers) as tabs:
        await asyncio.sleep(0.5)
        return [await _until_seen(web, tabs[-1], number) for number in range(ROUNDS)]


async def _until_seen(web: Web, tab: aiohttp.StreamReader, number: int) -> float:
    """A reading that no other look has: the name of the processor."""
    name = f"processor number {number} of the bench"
    seen = inventory(number)
    await asyncio.sleep(0.3)  # a page that was just sent waits before it is sent again
    began = time.perf_counter()
    web.post(HardwareProbed(replace(seen, cpu=replace(seen.cpu, name=name), notes=(name,))))
    while name.encode() not in await _read_until(tab, b"\n\n"):
        pass  # what was there before
    return time.perf_counter() - began


async def _bare() -> list[float]:
    """One queue, one line: what the server and the way to the listener take."""
    queues: list[asyncio.Queue[bytes]] = []

    async def lines() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        queues.append(queue)
        yield b"data: begin\n\n"
        while True:
            yield await queue.get()

    @get("/")
    async def stream() -> EventSourceResponse:
        return EventSourceResponse(lines())

    (port,) = free_ports(1)
    listener = Listener("bare", Litestar([stream], openapi_config=None, logging_config=None), "127.0.0.1", port)
    await listener.start()
    times = []
    async with _tabs(f"http://127.0.0.1:{port}/", {}) as tabs:
        for number in range(ROUNDS):
            began = time.perf_counter()
            for queue in queues:
                queue.put_nowait(b"data: %d\n\n" % number)
            await _read_until(tabs[-1], b"\n\n")
            times.append(time.perf_counter() - began)
    await listener.stop(1)
    return times


@asynccontextmanager
async def _tabs(address: str, headers: dict[str, str]) -> AsyncIterator[list[aiohttp.StreamReader]]:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, read_bufsize=1 << 20, headers=headers) as session:
        answers = [await session.get(address) for _ in range(TABS)]
        for answer in answers:
            await _read_until(answer.content, b"\n\n")
        yield [answer.content for answer in answers]
        for answer in answers:
            answer.close()


async def _read_until(reader: aiohttp.StreamReader, end: bytes) -> bytes:
    return await reader.readuntil(end)
