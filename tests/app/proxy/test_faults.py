"""What clients are told when an engine fails: never a silent cut, never a guess."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from appliance.routing.table import Endpoint, Route, RouteState
from tests.app.proxy.harness import (
    ENDLESS,
    MODEL,
    QUESTION,
    ROOMY,
    TALKS,
    free_port,
    ready,
    running_api,
    running_engine,
)
from tests.app.proxy.test_answers import events
from tests.fakes.upstream import (
    STREAM_END,
    STREAM_HEAD,
    Script,
    answer,
    chunk,
    fake_upstream,
    hangs_up,
    says_nothing,
    sends,
)

CHAT = "/v1/chat/completions"
GOOD = sends(answer(b'{"choices":[]}'))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (CHAT, ENDLESS),
        ("/v1/responses", {"input": "One", "ignore_eos": True, "max_output_tokens": 100_000, "stream": True}),
    ],
)
async def test_an_engine_killed_in_mid_stream_ends_it_with_an_error(tmp_path: Path, path: str, body: Any) -> None:
    """After kill -9 the stream ends cleanly, with one error event as its last."""
    with running_engine(tmp_path / "engine.log", *ROOMY) as engine:
        async with running_api() as api:
            api.serve(ready(engine.endpoint))
            async with api.session.post(api.url + path, json=body) as response:
                begun = await response.content.readuntil(b"\n\n")
                os.kill(engine.process.pid, signal.SIGKILL)
                rest = await response.content.read()
            last = events(begun + rest)[-1]
            assert (last["error"]["code"], api.meter.totals()) == ("engine_gone", {(MODEL, path, 502): 1})


async def test_the_openai_client_raises_when_a_stream_breaks(tmp_path: Path) -> None:
    """The official client turns the error event into an exception."""
    with running_engine(tmp_path / "engine.log", *ROOMY) as engine:
        async with running_api() as api, openai.AsyncOpenAI(base_url=api.url + "/v1", api_key="none") as client:
            api.serve(ready(engine.endpoint))
            stream = await client.chat.completions.create(
                model=MODEL,
                messages=[{"role": "user", "content": "What is 3 + 4?"}],
                stream=True,
                extra_body={"ignore_eos": True},
            )
            await anext(stream)
            engine.process.kill()
            with pytest.raises(openai.APIError, match="broke off in the middle"):
                [chunk async for chunk in stream]


async def test_the_anthropic_client_raises_when_a_stream_breaks() -> None:
    """The same for Anthropic's client and its kind of stream."""
    event = (
        b'event: message_start\ndata: {"type":"message_start","message":{"id":"1","type":"message","role":"assistant",'
    )
    event += b'"content":[],"model":"m","stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n'
    script = sends(STREAM_HEAD + chunk(event), then_close=True)
    async with (
        fake_upstream(script) as fake,
        running_api() as api,
        anthropic.AsyncAnthropic(base_url=api.url, api_key="none") as client,
    ):
        api.serve(ready(fake.endpoint))
        with pytest.raises(anthropic.APIStatusError, match="broke off in the middle"):
            async for _ in await client.messages.create(
                model=MODEL, messages=[{"role": "user", "content": "x"}], max_tokens=5, stream=True
            ):
                pass


async def test_half_an_event_is_never_sent() -> None:
    """When the engine dies within an event, the client gets the whole events and then the error."""
    script = sends(STREAM_HEAD + chunk(b'data: {"a":1}\n\ndata: {"b'), then_close=True)
    async with fake_upstream(script) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        said = (await api.post(CHAT, {**QUESTION, "stream": True})).body
    events = [event for event in said.split(b"\n\n") if event and not event.startswith(b":")]
    assert (events[0], events[1][:11], len(events)) == (b'data: {"a":1}', b'data: {"err', 2)


async def test_a_stream_passes_byte_for_byte() -> None:
    """However the engine's bytes are cut, the client gets the same bytes."""
    told = b'data: {"a":"\xc3\xa4"}\n\n: ping\n\ndata: x\n\ndata: [DONE]'
    script = sends(STREAM_HEAD, *(chunk(bytes([b])) for b in told), STREAM_END)
    async with fake_upstream(script) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        assert (await api.post(CHAT, {**QUESTION, "stream": True})).body == told


@pytest.mark.parametrize(
    "script",
    [
        hangs_up,
        sends(b"HTTP/1.1 200 OK\r\nContent-Le", then_close=True),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", then_close=True),
        sends(STREAM_HEAD, then_close=True),
        sends(b"garbage\r\n\r\n"),
        sends(b"HTTP/1.1 200 OK\r\n\r\nno end", then_close=True),
        sends(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        sends(b"HTTP/1.1 200 OK\r\n" + b"x-pad: " + b"x" * 200_000),
    ],
    ids=["hangs up", "half a head", "half a body", "no chunk", "garbage", "endless", "two lengths", "endless head"],
)
async def test_a_broken_answer_is_tried_again_and_then_told(script: Script) -> None:
    """Anything unclean before the first byte is tried once more; if that fails too the client gets a 502."""
    async with fake_upstream(script) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        said = await api.post(CHAT, QUESTION)
        assert (said.status, said.code, fake.connections) == (502, "engine_gone", 2)


@pytest.mark.parametrize("script", [hangs_up, sends(b"garbage\r\n\r\n")])
async def test_the_second_try_can_succeed(script: Script) -> None:
    """The client does not notice a failure that a second try mends."""
    async with fake_upstream(script, GOOD) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        said = await api.post(CHAT, QUESTION)
        assert (said.status, said.json, fake.connections) == (200, {"choices": []}, 2)


async def test_a_second_try_goes_where_the_model_is_now() -> None:
    """When the model has moved in between, the second try follows it."""
    async with fake_upstream(GOOD) as after, running_api() as api:

        async def moves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            api.serve(ready(after.endpoint))
            writer.close()

        async with fake_upstream(moves) as before:
            api.serve(ready(before.endpoint))
            assert (await api.post(CHAT, QUESTION)).status == 200


async def test_an_engine_that_is_gone_and_loading_again_says_so() -> None:
    """When the box already knows that the engine starts again, the answer is 503 with Retry-After."""
    async with running_api() as api:

        async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            api.serve(Route(MODEL, RouteState.LOADING, TALKS, progress=0.25))
            writer.close()

        async with fake_upstream(dies) as fake:
            api.serve(ready(fake.endpoint))
            said = await api.post(CHAT, QUESTION)
    assert (said.status, said.code, said.headers["Retry-After"], said.json["error"]["progress"]) == (
        503,
        "model_loading",
        "2",
        0.25,
    )


async def test_an_engine_that_does_not_listen_is_told() -> None:
    """A refused connection gives a 502 with Retry-After."""
    async with running_api() as api:
        api.serve(ready(Endpoint("127.0.0.1", free_port(), "k")))
        said = await api.post(CHAT, QUESTION)
    assert (said.status, said.code, said.headers["Retry-After"]) == (502, "engine_gone", "2")


async def test_connections_are_used_again_only_after_a_clean_end() -> None:
    """One connection carries several clean exchanges; what an engine sends unasked ends it."""
    clean, chatty = sends(answer(b"{}")), sends(answer(b"{}") + b"HTTP/1.1 200 OK\r\n")
    async with fake_upstream(clean, clean, chatty, clean) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        counts = []
        for _ in range(4):
            assert (await api.post(CHAT, QUESTION)).status == 200
            counts.append(fake.connections)
        assert counts == [1, 1, 1, 2]


async def test_a_connection_that_says_close_is_not_used_again() -> None:
    """Connection: close is heeded."""
    closing = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    async with fake_upstream(sends(closing)) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        assert [(await api.post(CHAT, QUESTION)).status for _ in range(2)] == [200, 200]
        assert fake.connections == 2


async def test_a_silent_engine_is_waited_for_until_the_client_leaves() -> None:
    """Silence is the watchdog's matter; the engine's connection is broken the moment the client leaves."""
    async with fake_upstream(says_nothing) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await api.post(CHAT, QUESTION)
        async with asyncio.timeout(1):
            await fake.lost.wait()


async def test_the_engine_gets_its_key_and_no_header_of_the_client() -> None:
    """The client's key, cookies and conversation id stay here; the engine gets its own key."""
    async with fake_upstream(GOOD) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        await api.post(
            CHAT, QUESTION, Authorization="Bearer mine", Cookie="a=b", X_Conversation_Id="c", X_Request_Id="r"
        )
        names = sorted(
            line.split(b":")[0].lower() for line in fake.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        )
    assert names == [b"authorization", b"content-length", b"content-type", b"host", b"x-request-id"]
    assert (b"Bearer fake-key" in fake.requests[0], b"mine" in fake.requests[0]) == (True, False)


async def test_a_long_whole_answer_passes() -> None:
    """An answer that is no stream and too long to wait for is passed on as it comes."""
    body = b'{"data":"' + b"x" * (3 << 20) + b'"}'
    async with fake_upstream(sends(answer(body))) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        assert (await api.post(CHAT, QUESTION)).body == body


async def test_a_long_whole_answer_that_breaks_off_is_visibly_short() -> None:
    """When such an answer breaks off, the client sees that it is not complete."""
    head = answer(b"", content_type="application/json").replace(b"Length: 0", b"Length: 5000000")
    async with fake_upstream(sends(head, b"x" * (3 << 20), then_close=True)) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        with pytest.raises(Exception, match=r"(?i)not enough data|payload"):
            await api.post(CHAT, QUESTION)


async def test_nobody_waits_after_a_failure() -> None:
    """After every kind of end nothing is counted as in flight."""
    async with fake_upstream(hangs_up, GOOD) as fake, running_api() as api:
        api.serve(ready(fake.endpoint))
        await api.post(CHAT, QUESTION)
        await api.post(CHAT, b"{")
        assert (api.meter.load().in_flight, api.meter.in_flight(MODEL)) == (0, 0)
        assert dict(api.meter.totals()) == {(MODEL, CHAT, 200): 1, ("", CHAT, 400): 1}
