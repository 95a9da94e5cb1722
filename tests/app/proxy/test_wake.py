"""A request for a model that sleeps wakes it, and waits for it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from appliance.proxy import early
from appliance.routing.table import RouteState
from appliance.settings.schema import ApiSettings, Settings
from appliance.tasks import TaskGroup
from tests.app.proxy.harness import MODEL, Api, Engine, raw_request, ready, until

QUESTION = [{"role": "user", "content": "What is 3 + 4?"}]
ASKED: dict[str, Any] = {"model": MODEL, "messages": QUESTION, "max_tokens": 4, "temperature": 0}
CHAT = "/v1/chat/completions"


def asleep(api: Api, engine: Engine) -> None:
    api.serve(replace(ready(engine.endpoint), state=RouteState.SLEEPING, endpoint=None))


async def test_a_request_wakes_the_model_and_is_answered(api: Api, engine: Engine) -> None:
    """The client only notices that it took longer."""
    asleep(api, engine)
    tasks = TaskGroup()
    asked = tasks.start("ask", api.post(CHAT, ASKED))
    await until(lambda: api.woken == [MODEL])
    api.serve(ready(engine.endpoint))
    answer = await asked
    assert answer.status == 200
    assert "7" in answer.json["choices"][0]["message"]["content"]
    await tasks.close()


async def test_a_model_that_takes_too_long_tells_when_to_come_again(api: Api, engine: Engine) -> None:
    """No request hangs for ever: 503 with Retry-After, and the model goes on loading."""
    api.settings = Settings(api=ApiSettings(wait_for_model_s=0))
    asleep(api, engine)
    answer = await api.post(CHAT, ASKED)
    assert (answer.status, answer.code) == (503, "model_loading")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.woken == [MODEL]


async def test_a_client_that_leaves_while_it_waits_is_forgotten(api: Api, engine: Engine) -> None:
    """Waiting holds nothing once nobody waits."""
    asleep(api, engine)
    async with raw_request(api, CHAT, ASKED):
        await until(lambda: api.meter.load().in_flight == 1)
    await until(lambda: api.meter.load().in_flight == 0)


async def test_a_sleeping_model_is_listed(api: Api, engine: Engine) -> None:
    """Programs see it and may ask for it."""
    asleep(api, engine)
    listed = (await api.get("/v1/models")).json["data"]
    assert [(entry["id"], entry["status"]) for entry in listed if entry["id"] == MODEL] == [(MODEL, "sleeping")]


async def test_two_requests_wake_it_once(api: Api, engine: Engine) -> None:
    """The second finds it loading, and is told so or waits like the first."""
    asleep(api, engine)
    first, second = TaskGroup(), TaskGroup()
    one = first.start("one", api.post(CHAT, ASKED))
    await until(lambda: bool(api.woken))
    two = second.start("two", api.post(CHAT, ASKED))
    await asyncio.wait({two}, timeout=0.2)
    api.serve(ready(engine.endpoint))
    assert (await one).status == 200
    assert (await two).status in (200, 503)
    assert api.woken == [MODEL]
    await first.close()
    await second.close()


async def test_a_model_on_the_disk_is_loaded_by_a_request(api: Api, engine: Engine) -> None:
    """As if it had slept."""
    api.serve(replace(ready(engine.endpoint), state=RouteState.AVAILABLE, endpoint=None))
    tasks = TaskGroup()
    asked = tasks.start("ask", api.post(CHAT, ASKED))
    await until(lambda: api.woken == [MODEL])
    api.serve(ready(engine.endpoint))
    assert (await asked).status == 200
    await tasks.close()


async def test_who_finds_it_loading_for_somebody_waits_as_well(api: Api, engine: Engine) -> None:
    """Of two requests for a model that was asked for, the second is not sent away."""
    loading = replace(ready(engine.endpoint), state=RouteState.LOADING, endpoint=None, awaited=True)
    api.serve(loading)
    tasks = TaskGroup()
    asked = tasks.start("ask", api.post(CHAT, ASKED))
    await until(lambda: api.woken == [MODEL])
    api.serve(ready(engine.endpoint))
    assert (await asked).status == 200
    await tasks.close()


async def streamed(api: Api, load: Any) -> tuple[bytes, bytes]:
    """Asks for a stream, has the model loaded once the first words came, and returns what came in both parts."""
    async with raw_request(api, CHAT, {**ASKED, "stream": True}) as (reader, _):
        first = await reader.readuntil(b"\n\n")
        if b"meshbox" not in first:  # the head came alone
            first += await reader.readuntil(b"\n\n")
        load()
        async with asyncio.timeout(20):
            rest = b""
            while piece := await reader.read(65536):
                rest += piece
                if b"0\r\n\r\n" in rest:
                    break
    return first, rest


async def test_a_stream_says_how_far_its_model_is(api: Api, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """In comments, which no client takes for an answer; then the answer comes as always."""
    monkeypatch.setattr(early, "FIRST_AFTER_SECONDS", 0.0)
    api.serve(replace(ready(engine.endpoint), state=RouteState.LOADING, endpoint=None, awaited=True, progress=0.4))
    first, rest = await streamed(api, lambda: api.serve(ready(engine.endpoint)))
    assert b"HTTP/1.1 200" in first
    assert f": meshbox: {MODEL} is loading 40%".encode() in first
    assert b"data: [DONE]" in rest
    assert first.lower().count(b"content-type") == 1
    assert b"HTTP/1.1" not in rest


async def test_a_stream_that_began_ends_with_an_error_when_the_model_fails(
    api: Api, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never silently: one event, as the API promises it."""
    monkeypatch.setattr(early, "FIRST_AFTER_SECONDS", 0.0)
    loading = replace(ready(engine.endpoint), state=RouteState.LOADING, endpoint=None, awaited=True)
    api.serve(loading)
    failed = replace(loading, state=RouteState.FAILED, reason="It is too big.")
    _, rest = await streamed(api, lambda: api.serve(failed))
    line = next(line for line in rest.splitlines() if line.startswith(b"data: "))
    assert json.loads(line.removeprefix(b"data: "))["error"]["code"] == "model_failed"
