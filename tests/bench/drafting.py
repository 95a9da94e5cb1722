"""How fast the bundled model writes with each way of drafting, as a share of its speed alone.

All engines run at once and take turns, so that what else the machine does meets them alike; of each the quickest turn
counts. A model this small is computed in no time, so the ratios are the worst there are: what a large one gains is not
shown by it, but what drafting costs where it does not help is.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import aiohttp

from appliance.jobs.trials import QUESTIONED
from appliance.models.draft_trials import Speed
from appliance.models.types import Ability
from appliance.node.snapshot import EngineSpec
from appliance.routing.table import Endpoint
from appliance.supervisor.child import free_port
from appliance.supervisor.llama_server import command_line, tool_environment
from appliance.supervisor.sample import sample
from tests.bench.engines import ENGINE, PATIENCE_SECONDS, THREADS
from tests.bench.report import Result, Row
from tests.live.box import ROOT

DRAFT = ROOT / "tests" / "fixtures" / "models" / "mesh-tiny-draft-Q8_0.gguf"
TURNS = 4
ALONE = EngineSpec("bench", str(QUESTIONED), frozenset({Ability.CHAT}), context=1024, slots=1, threads=THREADS)
WAYS = {
    "alone": ALONE,
    "draft model": replace(ALONE, drafting="model", draft=str(DRAFT)),
    "repeats": replace(ALONE, drafting="ngram"),
}


async def bench() -> Result:
    found: dict[str, list[Speed]] = {way: [] for way in WAYS}
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        engines = {way: await stack.enter_async_context(_engine(spec, session)) for way, spec in WAYS.items()}
        for _ in range(TURNS):
            for way, endpoint in engines.items():
                speed = await sample(session, endpoint, WAYS[way])
                assert speed is not None, way
                found[way].append(speed)
    alone = max(speed.rate for speed in found["alone"])
    rows = [_row(way, speeds, alone) for way, speeds in found.items()]
    return Result("drafting", "tokens a second of the bundled model, by what drafts for it", rows)


def _row(way: str, speeds: list[Speed], alone: float) -> Row:
    best = max(speeds, key=lambda speed: speed.rate)
    share = best.share_taken
    return {"drafts": way, "tokens/s": best.rate, "x alone": best.rate / alone, "proposals taken": share}


@asynccontextmanager
async def _engine(spec: EngineSpec, session: aiohttp.ClientSession) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint("127.0.0.1", free_port(), "bench")
    command = command_line(str(ENGINE / "llama-server"), spec, endpoint, THREADS)
    environment = tool_environment(os.environ, "bench") | {"LLAMA_API_KEY": endpoint.key}
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log, env=environment)
        try:
            await _ready(session, endpoint)
            yield endpoint
        finally:
            process.terminate()
            await process.wait()


async def _ready(session: aiohttp.ClientSession, endpoint: Endpoint) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                async with session.get(f"http://{endpoint.host}:{endpoint.port}/health") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)
