"""More requests than an engine answers side by side wait in a fair line."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from appliance.node.snapshot import RequestLoad
from appliance.proxy import early, lines
from appliance.settings.schema import ApiSettings, Settings
from appliance.tasks import TaskGroup
from tests.app.proxy.harness import (
    ENDLESS,
    MODEL,
    QUESTION,
    Answer,
    Api,
    Engine,
    raw_request,
    ready,
    running_api,
    running_engine,
    until,
)
from tests.fakes.upstream import STREAM_HEAD, chunk, fake_upstream

CHAT = "/v1/chat/completions"
STREAMED = {**QUESTION, "stream": True}


@pytest.fixture
async def tasks() -> AsyncIterator[TaskGroup]:
    group = TaskGroup()
    yield group
    await group.close()


@asynccontextmanager
async def all_places_taken(api: Api, engine: Engine) -> AsyncIterator[None]:
    """One place, and one who holds it until the end of the block."""
    api.serve(ready(engine.endpoint, slots=1))
    async with raw_request(api, CHAT, ENDLESS) as (reader, _):
        await reader.readuntil(b"data: ")
        yield


async def in_line(api: Api, count: int) -> None:
    await until(lambda: api.meter.load() == RequestLoad(in_flight=1, queued=count))


async def test_it_waits_for_a_free_place(api: Api, engine: Engine, tasks: TaskGroup) -> None:
    """The engine never has more than it answers side by side; the answer says where the request stood."""
    async with all_places_taken(api, engine):
        asked = tasks.start("ask", api.post(CHAT, QUESTION))
        await in_line(api, 1)
        assert (await asyncio.to_thread(engine.busy_slots), api.meter.in_flight(MODEL)) == (1, 1)
    answer = await asked
    assert (answer.status, answer.headers["X-Meshbox-Queue"]) == (200, "1")
    assert float(answer.headers["X-Meshbox-Waited"]) > 0


async def test_one_who_need_not_wait_is_told_so(api: Api, engine: Engine) -> None:
    """Position 0."""
    api.serve(ready(engine.endpoint, slots=1))
    assert (await api.post(CHAT, QUESTION)).headers["X-Meshbox-Queue"] == "0"


async def test_a_stream_tells_where_it_stands(
    api: Api, engine: Engine, tasks: TaskGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that reads a stream sees its position, then its answer; no client takes a comment for an event."""
    monkeypatch.setattr(early, "FIRST_AFTER_SECONDS", 0.0)
    async with all_places_taken(api, engine):
        asked = tasks.start("ask", api.post(CHAT, STREAMED))
        await in_line(api, 1)
    answer = await asked
    assert (answer.status, answer.body.startswith(b": queued 1\n\ndata: ")) == (200, True)
    assert answer.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(("path", "kind"), [(CHAT, "rate_limit_error"), ("/v1/messages", "rate_limit_error")])
async def test_a_full_line_tells_when_to_come_again(api: Api, engine: Engine, path: str, kind: str) -> None:
    """429 with Retry-After, in the shape of the route."""
    api.settings = Settings(api=ApiSettings(queue_length=0))
    async with all_places_taken(api, engine):
        said = [await api.post(path, QUESTION) for _ in range(3)]
    assert [(one.status, one.code, one.json["error"]["type"]) for one in said] == [(429, "queue_full", kind)] * 3
    assert all(int(one.headers["Retry-After"]) >= 1 for one in said)


async def test_one_who_leaves_is_out_of_the_line(api: Api, engine: Engine, tasks: TaskGroup) -> None:
    """Those behind move up."""
    async with all_places_taken(api, engine):
        async with raw_request(api, CHAT, ENDLESS):
            await in_line(api, 1)
            asked = tasks.start("ask", api.post(CHAT, QUESTION))
            await in_line(api, 2)
        await in_line(api, 1)
    answer = await asked
    assert (answer.status, answer.headers["X-Meshbox-Queue"]) == (200, "2")


async def test_waiting_has_an_end(api: Api, engine: Engine) -> None:
    """Whoever has waited long enough is told when to come again."""
    api.settings = Settings(api=ApiSettings(queue_wait_s=1))
    async with all_places_taken(api, engine):
        said = await api.post(CHAT, QUESTION)
    assert (said.status, said.code, int(said.headers["Retry-After"]) >= 1) == (429, "queue_timeout", True)


async def test_an_end_of_waiting_within_a_stream_is_an_event(
    api: Api, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the stream has begun, the refusal comes as its last event."""
    monkeypatch.setattr(early, "FIRST_AFTER_SECONDS", 0.0)
    api.settings = Settings(api=ApiSettings(queue_wait_s=1))
    async with all_places_taken(api, engine):
        said = await api.post(CHAT, STREAMED)
    last = said.body.strip().rpartition(b"data: ")[2]
    assert (said.status, json.loads(last)["error"]["code"]) == (200, "queue_timeout")


async def test_a_box_that_stops_lets_nobody_wait(api: Api, engine: Engine, tasks: TaskGroup) -> None:
    """Whoever waits can go elsewhere at once; who is being answered is answered."""
    async with all_places_taken(api, engine):
        asked = tasks.start("ask", api.post(CHAT, QUESTION))
        await in_line(api, 1)
        api.stopping.set()
        said = await asked
        assert api.meter.load().in_flight == 1
    assert (said.status, said.code) == (503, "box_stopping")


async def test_what_needs_no_place_does_not_wait(api: Api, engine: Engine) -> None:
    """Counting tokens is no work for a slot."""
    async with all_places_taken(api, engine):
        said = await api.post("/tokenize", {"content": "blue sky"})
    assert (said.status, "X-Meshbox-Queue" in said.headers) == (200, False)


async def order_of(api: Api, engine: Engine, tasks: TaskGroup, asked: list[tuple[str, Any]]) -> list[str]:
    """The names of requests in the order in which they are answered, which all came while somebody was served."""
    order: list[str] = []

    async def ask(name: str, work: Any) -> None:
        assert (await work).status == 200
        order.append(name)

    async with all_places_taken(api, engine):
        for number, (name, work) in enumerate(asked, 1):
            tasks.start(name, ask(name, work))
            await in_line(api, number)
    await tasks.wait()
    return order


async def test_callers_take_turns(api: Api, engine: Engine, tasks: TaskGroup) -> None:
    """One address with many requests does not hold up another."""

    url = api.url + CHAT

    async def from_elsewhere() -> Answer:
        connector = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0))
        body = io.BytesIO(json.dumps(QUESTION).encode())
        async with aiohttp.ClientSession(connector=connector) as session, session.post(url, data=body) as response:
            return Answer(response.status, response.headers, await response.read())

    many = [("many", api.post(CHAT, QUESTION)) for _ in range(5)]
    order = await order_of(api, engine, tasks, [*many, ("one", from_elsewhere())])
    assert order.index("one") <= 1


async def test_batch_work_comes_last(api: Api, engine: Engine, tasks: TaskGroup) -> None:
    """By header or by service tier; the header decides."""
    flex = {**QUESTION, "service_tier": "flex"}
    asked = [
        ("batch", api.post(CHAT, QUESTION, X_Meshbox_Priority="batch")),
        ("flex", api.post(CHAT, flex)),
        ("usual", api.post(CHAT, QUESTION)),
        ("both", api.post(CHAT, flex, X_Meshbox_Priority="interactive")),
    ]
    assert await order_of(api, engine, tasks, asked) == ["usual", "both", "batch", "flex"]


async def test_an_unknown_priority_is_told(api: Api) -> None:
    """A slip of the pen does not silently make a request an interactive one."""
    said = await api.post(CHAT, QUESTION, X_Meshbox_Priority="bach")
    assert (said.status, said.code) == (400, "invalid_priority")


async def test_failures_give_the_place_back() -> None:
    """An engine that breaks off, and a request that it refuses, hold nothing."""

    async def breaks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with fake_upstream(breaks) as fake, running_api() as api:
        api.serve(ready(fake.endpoint, slots=1))
        said = [await api.post(CHAT, QUESTION) for _ in range(3)]
    assert [one.code for one in said] == ["engine_gone"] * 3


async def test_a_client_that_reads_nothing_loses_its_place(tasks: TaskGroup, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it leaves unread holds up nobody else."""
    monkeypatch.setattr(lines, "LOOK_SECONDS", 0.05)

    async def floods(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM_HEAD)
        while True:
            writer.write(chunk(b"data: " + b"x" * 1000 + b"\n\n"))
            await writer.drain()

    async with fake_upstream(floods) as fake, running_api() as api:
        api.serve(ready(fake.endpoint, slots=1))
        async with raw_request(api, CHAT, STREAMED), raw_request(api, CHAT, STREAMED) as (reader, _):
            async with asyncio.timeout(20):
                await reader.readuntil(b"data: ")


async def ask_until_answered(api: Api, body: Mapping[str, Any]) -> tuple[int, int]:
    """As a client does that comes again when it is told to, if a bit early. How often it was sent away, and its end."""
    for tries in itertools.count():
        answer = await api.post(CHAT, body)
        if answer.status != 429:
            return tries, answer.status
        await asyncio.sleep(min(1, int(answer.headers["Retry-After"])))
    raise AssertionError


@pytest.mark.timeout(300)
async def test_two_hundred_at_once(tmp_path: Any) -> None:
    """All are served or told when to return, none is dropped, and in the end all are served."""
    with running_engine(tmp_path / "engine.log", slots=2) as engine:
        patient = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None), connector=aiohttp.TCPConnector(limit=0)
        )
        async with running_api() as api, patient as api.session:
            api.settings = Settings(api=ApiSettings(queue_length=60))
            api.serve(ready(engine.endpoint, slots=2))
            await api.post(CHAT, QUESTION)  # from now on the box knows how long an answer takes
            bodies = [{**QUESTION, "stream": bool(number % 2)} for number in range(200)]
            results = await asyncio.gather(*(ask_until_answered(api, body) for body in bodies))
            assert [status for _, status in results] == [200] * 200
            assert (max(tries for tries, _ in results) > 0, api.meter.load()) == (True, RequestLoad())
