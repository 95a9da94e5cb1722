"""Requests of one box answered by another: real data planes, the real TLS lane, a real engine."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from appliance.mesh.types import PeerState
from appliance.routing.table import RouteState
from tests.app.mesh.boxes import running_box, settled, two_boxes
from tests.app.proxy.harness import (
    ENDLESS,
    MODEL,
    QUESTION,
    ROOMY,
    Engine,
    raw_request,
    ready,
    running_engine,
    until,
)
from tests.fakes.upstream import STREAM_HEAD, answer, chunk, fake_upstream, sends

CHAT = "/v1/chat/completions"
NAMED = {**QUESTION, "model": MODEL}


async def _rest_of(reader: asyncio.StreamReader) -> bytes:
    """Of a stream, up to its clean end."""
    rest = b""
    async with asyncio.timeout(20):
        while not rest.endswith(b"\r\n0\r\n\r\n"):
            rest += await reader.read(4096)
    return rest


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine") / "engine.log", *ROOMY) as engine:
        yield engine


async def test_another_box_answers(engine: Engine) -> None:
    """The answer is the same as there, and tells which box gave it and why it was asked."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        answer = await asker.api.post(CHAT, {**QUESTION, "model": "mesh-tiny-dense"})
        assert answer.status == 200
        assert answer.json["choices"][0]["message"]["content"] == "7"
        assert answer.headers["X-Meshbox-Node"] == server.node
        assert answer.headers["X-Meshbox-Route"].startswith("remote; the only model that the short name fits, not on")
        assert answer.headers["X-Meshbox-Model"] == MODEL


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/responses", "/v1/completions", "/tokenize"])
async def test_every_route_goes_there(engine: Engine, path: str) -> None:
    """Also when the request names no model: the box that is asked is told which one was chosen."""
    body = {**QUESTION, "prompt": "1 + 1 =", "content": "one", "input": "What is 3 + 4?"}
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        answer = await asker.api.post(path, body)
        assert (answer.status, answer.headers["X-Meshbox-Node"]) == (200, server.node)


async def test_a_stream_comes_as_it_is_made(engine: Engine) -> None:
    """Event by event, to a normal end, and booked where it was asked."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        answer = await asker.api.post(CHAT, {**NAMED, "stream": True, "stream_options": {"include_usage": True}})
        events = [line[6:] for line in answer.body.split(b"\n\n") if line.startswith(b"data: ")]
        assert events[-1] == b"[DONE]"
        assert json.loads(events[-2])["usage"]["completion_tokens"] > 0
        assert asker.api.meter.totals()[MODEL, CHAT, 200] == server.api.meter.totals()[MODEL, CHAT, 200] == 1


async def test_who_leaves_frees_the_engine(engine: Engine) -> None:
    """A client that goes away ends the work of the other box's engine at once."""
    async with two_boxes(ready(engine.endpoint)) as (asker, _):
        async with raw_request(asker.api, CHAT, {**ENDLESS, "model": MODEL}) as (reader, _):
            await reader.readuntil(b"data: ")
            await engine.until_busy_slots(1)
        await engine.until_idle(5)


async def test_who_does_not_read_holds_up_the_engine_there() -> None:
    """Nothing piles up on either box, however much the engine has to say."""
    sent = 0

    async def talks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(STREAM_HEAD)
        event = b'data: {"choices": [{"delta": {"content": "' + b"x" * 60_000 + b'"}}]}\n\n'
        while sent < 200 << 20:
            writer.write(chunk(event))
            await writer.drain()
            sent += len(event)

    async with (
        fake_upstream(talks) as fake,
        two_boxes(ready(fake.endpoint)) as (asker, server),
        raw_request(asker.api, CHAT, {**NAMED, "stream": True}) as (reader, _),
    ):
        await reader.readuntil(b"data: ")
        (ticket,) = server.api.meter._tickets
        await until(lambda: not ticket.waiting, 20)
        assert sent < 100 << 20


async def test_errors_pass_through_in_the_shape_of_their_route(engine: Engine) -> None:
    """Words, code and numbers are those of the box that refused."""
    long = {"messages": [{"role": "user", "content": "blue sky " * 20_000}], "max_tokens": 1, "model": MODEL}
    async with two_boxes(ready(engine.endpoint)) as (asker, _):
        openai = await asker.api.post(CHAT, long)
        anthropic = await asker.api.post("/v1/messages", long)
    assert (openai.status, openai.code) == (400, "context_length_exceeded")
    assert openai.json["error"]["n_prompt_tokens"] > openai.json["error"]["n_ctx"] > 0
    assert (anthropic.status, anthropic.json["type"]) == (400, "error")
    assert anthropic.json["error"]["type"] == "invalid_request_error"


async def test_both_boxes_know_a_request_by_the_same_id(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """And the log of the one that answers names the one that asked."""
    caplog.set_level(logging.INFO, "meshbox.access")
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        answer = await asker.api.post(CHAT, NAMED, X_Request_Id="my-own-id")
        await settled(server)
    lines = [record.getMessage() for record in caplog.records if record.name == "meshbox.access"]
    assert answer.headers["X-Request-Id"] == "my-own-id"
    assert [line.split()[0] for line in lines] == ["my-own-id", "my-own-id"]
    assert sorted(f"key='box {asker.node}'" in line for line in lines) == [False, True]


async def test_a_large_body_goes_through() -> None:
    """60 MB, whole and unchanged."""
    async with fake_upstream(sends(answer(b'{"tokens": []}'))) as fake, two_boxes(ready(fake.endpoint)) as (asker, _):
        content = "0123456789abcdef" * (60 << 16)
        said = await asker.api.post("/tokenize", {"content": content, "model": MODEL})
    assert (said.status, said.json) == (200, {"tokens": []})
    assert json.loads(fake.requests[0].partition(b"\r\n\r\n")[2])["content"] == content


async def test_a_connection_is_used_again(engine: Engine) -> None:
    """Ten requests, one after the other, open one connection between the boxes."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        for _ in range(10):
            await asker.api.post("/tokenize", {"content": "a", "model": MODEL})
        assert (asker.relay.pool.idle, server.lane.incoming.count(asker.node)) == (1, 1)


async def test_many_at_once_are_all_answered(engine: Engine) -> None:
    """More than the other box answers side by side, and more than it lets prove themselves at once."""
    async with two_boxes(ready(engine.endpoint, slots=4)) as (asker, server):
        answers = await asyncio.gather(
            *(asker.api.post("/v1/completions", {"prompt": "1", "max_tokens": 1, "model": MODEL}) for _ in range(60))
        )
        assert {answer.status for answer in answers} == {200}
        assert not asker.relay._deps.away
        assert server.api.meter.totals()[MODEL, "/v1/completions", 200] == 60


async def test_a_model_that_is_gone_there(engine: Engine) -> None:
    """The box that was believed to have it says so; a clear word for the client, which may try again."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        server.api.routes.clear()
        answer = await asker.api.post(CHAT, NAMED)
    assert (answer.status, answer.code) == (503, "box_refused")


async def test_another_box_is_asked_when_one_has_it_no_more(engine: Engine) -> None:
    """The client sees no failure that another box could have spared it."""
    async with two_boxes(ready(engine.endpoint)) as (asker, gone), running_box(ready(engine.endpoint)) as other:
        asker.sees(other, MODEL)
        gone.api.routes.clear()
        answers = [await asker.api.post(CHAT, NAMED) for _ in range(2)]
    assert [(a.status, a.headers["X-Meshbox-Node"]) for a in answers] == [(200, other.node)] * 2


async def test_a_connection_over_which_was_refused_is_used_again(engine: Engine) -> None:
    """A box that refuses ten times has one connection for that, also when another one answers instead."""
    async with two_boxes(ready(engine.endpoint)) as (asker, gone), running_box(ready(engine.endpoint)) as other:
        asker.sees(other, MODEL, busy=3)
        gone.api.routes.clear()
        for _ in range(10):
            assert (await asker.api.post("/tokenize", {"content": "a", "model": MODEL})).status == 200
        refused = sum(gone.api.meter.totals().values())
        assert (gone.lane.incoming.count(asker.node), refused > 1) == (1, True)


async def test_a_box_that_cannot_be_reached_is_passed_over(engine: Engine) -> None:
    """As an engine that refuses a connection is; when there is no other box, a clear error says so."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server), running_box(ready(engine.endpoint)) as other:
        await server.lane.listener.close()
        asker.sees(other, MODEL)
        assert (await asker.api.post(CHAT, NAMED)).headers["X-Meshbox-Node"] == other.node
        del asker.peers[other.node]
        alone = await asker.api.post(CHAT, NAMED)
    assert (alone.status, alone.code) == (502, "box_gone")


async def test_no_second_hop(engine: Engine) -> None:
    """A box that is asked by another never asks a third, whatever it knows; so nothing goes in circles."""
    async with two_boxes(ready(engine.endpoint)) as (asker, middle), running_box(ready(engine.endpoint)) as third:
        middle.api.routes.clear()
        middle.sees(third, MODEL)
        middle.sees(asker, MODEL)
        answer = await asker.api.post(CHAT, NAMED)
        assert answer.status == 503
        assert (await middle.api.post(CHAT, NAMED)).headers["X-Meshbox-Node"] == third.node
        assert third.api.meter.totals()[MODEL, CHAT, 200] == 1


async def test_a_box_that_may_not_any_more(engine: Engine) -> None:
    """Its connections end, what it was being told with them, and the engine is free."""
    async with (
        two_boxes(ready(engine.endpoint)) as (asker, server),
        raw_request(asker.api, CHAT, {**ENDLESS, "model": MODEL}) as (reader, _),
    ):
        await reader.readuntil(b"data: ")
        assert server.lane.incoming.end(asker.node) == 1
        del asker.peers[server.node]
        rest = await _rest_of(reader)
        assert rest.count(b'"error"') == 1
        await engine.until_idle()


async def test_a_stream_goes_on_elsewhere(engine: Engine) -> None:
    """The box that was answering is lost; another one with the same model takes over, and the answer has its end."""
    count = {**QUESTION, "model": MODEL, "stream": True, "max_tokens": 80, "ignore_eos": True}
    async with two_boxes(ready(engine.endpoint)) as (asker, server), running_box(ready(engine.endpoint)) as other:
        async with raw_request(asker.api, CHAT, count) as (reader, _):
            await reader.readuntil(b"data: ")
            asker.sees(other, MODEL)
            asker.lose(server)
            rest = await _rest_of(reader)
        assert b'"error"' not in rest
        assert b"[DONE]" in rest
        assert b"another one went on" in rest
        assert asker.api.meter.rescued()[MODEL] == 1


async def test_a_box_that_is_lost_before_the_first_word(engine: Engine) -> None:
    """Its queue was all that had been heard of it: another box takes over as if nothing had been said."""
    served = ready(engine.endpoint, slots=1)
    async with two_boxes(served) as (asker, server), running_box(ready(engine.endpoint)) as other:
        async with (
            raw_request(server.api, CHAT, {**ENDLESS, "model": MODEL}) as (busy, _),
            raw_request(asker.api, CHAT, {**NAMED, "stream": True}) as (reader, _),
        ):
            await busy.readuntil(b"data: ")
            await reader.readuntil(b": queued")
            asker.sees(other, MODEL)
            asker.lose(server)
            rest = await _rest_of(reader)
        assert b'"error"' not in rest
        assert b'"content":"7"' in rest
        assert b"[DONE]" in rest


async def test_api_at_once(engine: Engine) -> None:
    """While the model loads here, a box that has it answers; once it is there this box answers itself."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        asker.api.serve(replace(ready(engine.endpoint), state=RouteState.LOADING, endpoint=None))
        first = await asker.api.post(CHAT, NAMED)
        asker.api.serve(ready(engine.endpoint))
        second = await asker.api.post(CHAT, {**NAMED, "session_id": "another"})
    assert first.headers["X-Meshbox-Node"] == server.node
    assert first.headers["X-Meshbox-Route"] == "remote; asked for by name, loading here"
    assert second.headers["X-Meshbox-Node"] == asker.node


async def test_this_box_first_then_who_has_room(engine: Engine) -> None:
    """A request goes elsewhere only when this box has its hands full."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        asker.api.serve(ready(engine.endpoint, slots=1))
        assert (await asker.api.post(CHAT, NAMED)).headers["X-Meshbox-Node"] == asker.node
        async with raw_request(asker.api, CHAT, {**ENDLESS, "model": MODEL}) as (reader, _):
            await reader.readuntil(b"data: ")
            busy = await asker.api.post(CHAT, NAMED)
        assert busy.headers["X-Meshbox-Node"] == server.node
        assert busy.headers["X-Meshbox-Route"] == "remote; asked for by name, busy here"


async def test_a_conversation_stays_where_it_was(engine: Engine) -> None:
    """Its beginning is still in the memory of the engine there."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server), running_box(ready(engine.endpoint)) as other:
        asker.sees(other, MODEL, busy=3)
        asked = {**NAMED, "session_id": "mine"}
        first = (await asker.api.post(CHAT, asked)).headers["X-Meshbox-Node"]
        asker.sees(server, MODEL, busy=3)
        asker.sees(other, MODEL)
        again = (await asker.api.post(CHAT, asked)).headers["X-Meshbox-Node"]
        fresh = (await asker.api.post(CHAT, {**NAMED, "session_id": "new"})).headers["X-Meshbox-Node"]
    assert (first, again, fresh) == (server.node, server.node, other.node)


async def test_a_silent_box_is_asked_last(engine: Engine) -> None:
    """But it is, when nobody else is there."""
    async with two_boxes() as (asker, suspect), running_box(ready(engine.endpoint)) as other:
        suspect.api.serve(ready(engine.endpoint))
        asker.sees(suspect, MODEL, state=PeerState.SUSPECT)
        alone = await asker.api.post(CHAT, NAMED)
        asker.sees(other, MODEL, busy=50)
        both = await asker.api.post(CHAT, NAMED)
    assert [a.headers["X-Meshbox-Node"] for a in (alone, both)] == [suspect.node, other.node]


async def test_the_model_list_tells_where(engine: Engine) -> None:
    """Models of other boxes stand beside one's own, each with the boxes that serve it."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        listed = (await asker.api.get("/v1/models")).json["data"]
    assert [entry["id"] for entry in listed] == [MODEL, "auto"]
    assert listed[0]["meshbox"]["served_by"] == [server.node]
    assert listed[0]["meshbox"]["nodes"] == [
        {"id": server.node, "name": "box 0", "status": "ready", "context_length": 1024}
    ]


async def test_auto_chooses_among_all(engine: Engine) -> None:
    """A box without any model of its own answers `auto` with what others have."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        answer = await asker.api.post(CHAT, {**QUESTION, "model": "auto"})
    assert (answer.status, answer.headers["X-Meshbox-Node"]) == (200, server.node)


async def test_a_box_that_stops(engine: Engine) -> None:
    """Says so itself, in words that are passed on."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        server.api.stopping.set()
        answer = await asker.api.post(CHAT, NAMED)
        await until(lambda: not asker.api.meter.load().in_flight)
    assert (answer.status, answer.code) == (503, "box_stopping")
    assert "Retry-After" in answer.headers
