"""How long it takes from a client's leaving until its engine's connection is closed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from pathlib import Path
from typing import cast

from tests.bench.proxy_ways import plane_way
from tests.bench.report import percentile

TIMES = 200
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"9\r\ndata: x\n\n\r\n"


class Engine(asyncio.Protocol):
    """Takes a request; answers it with a first event, or not at all while it reads the prompt."""

    def __init__(self) -> None:
        self.answers = False
        self.asked, self.left = asyncio.Event(), asyncio.Event()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if not self.asked.is_set() and self._transport is not None:
            self.asked.set()
            if self.answers:
                self._transport.write(HEAD + EVENT)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.asked.is_set():
            self.left.set()


async def leaving_ms(plane: str) -> dict[str, float]:
    """p99 while the engine reads the prompt, and while it answers."""
    engine = Engine()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: engine, "127.0.0.1", 0)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        start = plane_way(plane, server.sockets[0].getsockname()[1], Path(folder))
        way = await asyncio.to_thread(stack.enter_context, start)
        taken = {
            answers: [await _once(engine, way.port, answers=answers) for _ in range(TIMES)] for answers in (False, True)
        }
        await asyncio.to_thread(stack.close)
    server.close()
    return {
        "left in prompt p99 ms": percentile(taken[False], 0.99) * 1000,
        "left in answer p99 ms": percentile(taken[True], 0.99) * 1000,
    }


async def _once(engine: Engine, port: int, *, answers: bool) -> float:
    engine.answers = answers
    engine.asked.clear()
    engine.left.clear()
    body = json.dumps({"model": "bench", "messages": [], "stream": True}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: box\r\nContent-Length: %d\r\n\r\n" % len(body)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(head + body)
    async with asyncio.timeout(10):
        await engine.asked.wait()
        if answers:
            await reader.readuntil(b"data: x")
        began = time.perf_counter()
        writer.transport.abort()
        await engine.left.wait()
        return time.perf_counter() - began
