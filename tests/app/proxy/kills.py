"""Engines are killed again and again while clients read: how did every stream end?"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from appliance.routing.table import RouteState
from appliance.tasks import TaskGroup
from tests.app.proxy.harness import MODEL, ROOMY, Api, Engine, ready, running_engine

MESSAGES = [{"role": "user", "content": "Tell me a story."}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES, "max_tokens": 200},
    "/v1/completions": {"prompt": "Once upon a time", "max_tokens": 200},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 200},
    "/v1/responses": {"input": "Tell me a story.", "max_output_tokens": 200},
}
ENDS = (b"data: [DONE]", b'"type":"message_stop"', b'"type":"response.completed"')


@dataclass
class Tally:
    """`ends` counts: well, told (an error event), silent (neither)."""

    ends: Counter[str] = field(default_factory=Counter)
    events: int = 0


class Fleet:
    """Engines that are started before they are needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = contextlib.ExitStack()
        self._count = 0

    async def another(self) -> Engine:
        self._count += 1
        log = self._folder / f"engine{self._count}.log"
        return await asyncio.to_thread(self._stack.enter_context, running_engine(log, *ROOMY))

    async def end(self) -> None:
        await asyncio.to_thread(self._stack.close)


@contextlib.asynccontextmanager
async def running_fleet() -> AsyncIterator[Fleet]:
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder))
        try:
            yield fleet
        finally:
            await fleet.end()


async def kill_under_load(api: Api, kills: int, readers: int, *, replicas: bool, seed: int = 0) -> Tally:
    """With `replicas` another engine is there at once; else the model is gone for good each time."""
    tally, dice, stop, tasks = Tally(), random.Random(seed), asyncio.Event(), TaskGroup()
    async with running_fleet() as fleet:
        serving = await fleet.another()
        api.serve(ready(serving.endpoint))
        reading = [tasks.start(f"reader {n}", _read_on(api, tally, stop, list(BODIES)[n % 4])) for n in range(readers)]
        for _ in range(kills):
            spare = await fleet.another()
            await _until_events(tally, tally.events + dice.randrange(5, 400))
            serving.process.kill()
            if not replicas:
                gone = replace(ready(serving.endpoint), state=RouteState.FAILED, endpoint=None, reason="Gone.")
                api.routes[MODEL] = gone
                await _until_ends(tally, "told", tally.ends["told"] + 1)
            serving = spare
            api.serve(ready(serving.endpoint))
        stop.set()
        async with asyncio.timeout(120):
            for reader in reading:
                await reader
    await tasks.close()
    return tally


async def _read_on(api: Api, tally: Tally, stop: asyncio.Event, path: str) -> None:
    body = {"model": MODEL, "stream": True, "ignore_eos": True, **BODIES[path]}
    while not stop.is_set():
        async with api.session.post(api.url + path, json=body) as response:
            if response.status != 200:  # there was no engine when it came, and it was told
                await response.read()
                await asyncio.sleep(0.01)
                continue
            said = b""
            async for piece in response.content.iter_any():
                tally.events += piece.count(b"\n\n")
                said = (said + piece)[-4096:]
        tally.ends[_how(said)] += 1


def _how(said: bytes) -> str:
    if any(end in said for end in ENDS):
        return "well"
    return "told" if b'"error"' in said else "silent"


async def _until_events(tally: Tally, count: int) -> None:
    async with asyncio.timeout(60):
        while tally.events < count:  # noqa: ASYNC110 - counted where it is too hot for an event
            await asyncio.sleep(0.002)


async def _until_ends(tally: Tally, kind: str, count: int) -> None:
    async with asyncio.timeout(60):
        while tally.ends[kind] < count:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
