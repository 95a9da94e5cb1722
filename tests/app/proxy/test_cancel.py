"""An engine works only as long as somebody waits for its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from appliance.proxy.forward import CLIENT_GONE
from tests.app.proxy.harness import ENDLESS, LONG_PROMPT, MODEL, Api, Engine, raw_request, until

PATHS = {
    "/v1/chat/completions": ENDLESS,
    "/v1/completions": {"prompt": "One", "ignore_eos": True, "max_tokens": 100_000, "stream": True},
    "/v1/responses": {"input": "One", "ignore_eos": True, "max_output_tokens": 100_000, "stream": True},
}
FREED_SECONDS = 8.0  # far below the work given


async def until_ended(api: Api, status: int, path: str) -> None:
    """Waits until the books hold a request that ended so: the engine's connection is broken by then."""
    await until(lambda: (MODEL, path, status) in api.meter.totals(), seconds=1)


@pytest.mark.parametrize("path", PATHS)
async def test_leaving_in_mid_stream_frees_the_slot(api: Api, engine: Engine, path: str) -> None:
    """A client that leaves while its answer streams is noticed within a second, and the slot becomes free."""
    async with raw_request(api, path, PATHS[path]) as (reader, _):
        await reader.readuntil(b"data: ")
        await engine.until_busy_slots(1)
    await until_ended(api, CLIENT_GONE, path)
    await engine.until_idle(FREED_SECONDS)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", LONG_PROMPT),
        ("/v1/chat/completions", {**LONG_PROMPT, "stream": False}),
        ("/v1/chat/completions", {**ENDLESS, "stream": False}),
        ("/v1/messages", LONG_PROMPT),
    ],
    ids=["prompt, streamed", "prompt, whole", "answer, whole", "messages"],
)
async def test_leaving_before_the_first_byte_frees_the_slot(
    api: Api, engine: Engine, path: str, body: Mapping[str, Any]
) -> None:
    """The same while the engine still reads the prompt, or collects an answer that is no stream."""
    async with raw_request(api, path, body):
        await engine.until_busy_slots(1)
    await until_ended(api, CLIENT_GONE, path)
    await engine.until_idle(FREED_SECONDS)


async def test_leaving_is_noticed_while_others_are_served(api: Api, engine: Engine) -> None:
    """Answers for other clients do not hide from the engine that one has gone (the patch of ours sees to that)."""
    path = "/v1/chat/completions"
    async with raw_request(api, path, ENDLESS) as (reader, _):
        await reader.readuntil(b"data: ")
        async with raw_request(api, path, {**ENDLESS, "stream": False}):
            await engine.until_busy_slots(2)
        await engine.until_busy_slots(1, FREED_SECONDS)
        assert api.meter.load().in_flight == 1  # it is not the one that stayed whose slot is free
    await engine.until_idle(FREED_SECONDS)


async def test_leaving_while_queued_leaves_the_queue(api: Api, engine: Engine) -> None:
    """A client that leaves while all slots are busy is not waited for either."""
    path = "/v1/chat/completions"
    held = [raw_request(api, path, ENDLESS) for _ in range(4)]
    try:
        for connection in held:
            await connection.__aenter__()
        await engine.until_busy_slots(4)
        async with raw_request(api, path, ENDLESS):
            await until(lambda: api.meter.in_flight(MODEL) == 5)
        await until_ended(api, CLIENT_GONE, path)
    finally:
        for connection in held:
            await connection.__aexit__(None, None, None)
    await engine.until_idle(FREED_SECONDS)


async def test_a_half_closed_connection_counts_as_gone(api: Api, engine: Engine) -> None:
    """A client that only closes its sending side is not waited for."""
    path = "/v1/chat/completions"
    async with raw_request(api, path, ENDLESS) as (reader, writer):
        await reader.readuntil(b"data: ")
        writer.write_eof()
        await until_ended(api, CLIENT_GONE, path)
    await engine.until_idle(FREED_SECONDS)
