"""Many streams at once, and clients that read slowly or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.app.proxy.harness import MODEL, QUESTION, Api, raw_request, ready, running_api, running_engine
from tests.fakes.upstream import STREAM_END, STREAM_HEAD, chunk, fake_upstream

CHAT = "/v1/chat/completions"
EVENT = b"data: " + b"x" * 1000 + b"\n\n"
BUFFERS = 32 << 20  # sockets of both connections on loopback, and what the relay may hold
MUCH = 8 * BUFFERS


async def test_many_streams_at_once(tmp_path: Path) -> None:
    """150 streamed chats at once all get their right answer."""
    with running_engine(tmp_path / "engine.log", slots=8) as engine:
        async with running_api() as api:
            api.serve(ready(engine.endpoint))
            answers = await asyncio.gather(*(api.post(CHAT, {**QUESTION, "stream": True}) for _ in range(150)))
            right = [a.status == 200 and b'"content":"7"' in a.body and a.body.endswith(b"[DONE]\n\n") for a in answers]
            assert (right.count(True), api.meter.load().in_flight) == (150, 0)


class Flood:
    """An engine that sends as fast as it is let."""

    def __init__(self, size: int, event: bytes = EVENT) -> None:
        self.size, self.sent, self.event = size, 0, event

    async def script(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        part = chunk(self.event * 60)
        while self.sent < self.size:
            writer.write(part)
            await writer.drain()
            self.sent += len(part)
        writer.write(STREAM_END)

    async def until_stuck(self) -> None:
        async with asyncio.timeout(20):
            before = -1
            while self.sent != before or not before:
                before = self.sent
                await asyncio.sleep(0.3)


async def test_a_client_that_does_not_read_holds_the_engine_back() -> None:
    """What such a client leaves unread stays in the engine, not in our memory, and is not the engine's debt."""
    flood = Flood(MUCH)
    async with fake_upstream(flood.script) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        async with raw_request(api, CHAT, QUESTION):
            await flood.until_stuck()
            assert (0 < flood.sent < BUFFERS, api.meter.in_flight(MODEL), api.meter.load().in_flight) == (True, 0, 1)
        async with asyncio.timeout(2):
            await fake.lost.wait()


async def test_a_client_that_reads_late_gets_everything() -> None:
    """After a pause the stream goes on where it stood, and nothing is lost."""
    flood = Flood(BUFFERS * 2)
    async with fake_upstream(flood.script) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        async with api.session.post(api.url + CHAT, json=QUESTION) as response:
            await flood.until_stuck()
            size = 0
            async for piece in response.content.iter_any():
                size += len(piece)
        assert size == flood.sent // len(chunk(EVENT * 60)) * len(EVENT * 60)


async def test_one_that_does_not_read_does_not_stop_the_others(api: Api) -> None:
    """Others are answered meanwhile."""
    flood = Flood(MUCH)
    async with fake_upstream(flood.script) as fake:
        api.serve(*api.routes.values(), ready(fake.endpoint, "flood"))
        async with raw_request(api, CHAT, {**QUESTION, "model": "flood"}):
            await flood.until_stuck()
            assert (await api.post(CHAT, {**QUESTION, "model": MODEL})).status == 200
