"""An engine works only as long as somebody waits for its answer, and memory does not grow for who reads slowly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from appliance.proxy.relay import CLIENT_GONE
from tests.app.proxy.harness import ENDLESS, MODEL, Api, Engine, ready, running_api, running_engine

# The engine looks for a client that went away once in a second while it has nothing to send.
ENGINE_LOOKS_SECONDS = 1.0
CANCEL_SECONDS = 1.0 + ENGINE_LOOKS_SECONDS


@asynccontextmanager
async def raw_request(
    api: Api, path: str, body: Mapping[str, Any]
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection, so that the test decides what is read and when it ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port, limit=4096)
    content = json.dumps(body).encode()
    writer.write(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until_ended(api: Api, status: int, path: str = "/v1/chat/completions") -> None:
    """Waits until the books hold a request that ended so."""
    async with asyncio.timeout(10):
        while api.meter.totals().get((MODEL, path, status), 0) == 0:
            await asyncio.sleep(0.01)


async def test_a_client_that_leaves_in_mid_stream_frees_the_slot(api: Api, engine: Engine) -> None:
    """The engine's slot is free within a second of the client's leaving."""
    async with raw_request(api, "/v1/chat/completions", ENDLESS) as (reader, _):
        await reader.readuntil(b"data: ")
        await engine.until_busy_slots(1)
    assert await engine.until_busy_slots(0) < CANCEL_SECONDS
    await until_ended(api, CLIENT_GONE)


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_before_the_first_byte_frees_the_slot(api: Api, engine: Engine, stream: bool) -> None:
    """The same while the engine has sent nothing yet."""
    async with raw_request(api, "/v1/chat/completions", {**ENDLESS, "stream": False} if not stream else ENDLESS):
        await engine.until_busy_slots(1)
    assert await engine.until_busy_slots(0) < CANCEL_SECONDS
    await until_ended(api, CLIENT_GONE)
