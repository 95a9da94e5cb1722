"""What is booked of the real engine's answers, in each shape, whole and streamed."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from appliance.activity.engines import running_tasks
from appliance.activity.types import Ended, Outcome
from tests.app.proxy.harness import ENDLESS, MODEL, QUESTION, Api, Engine, raw_request, ready, until
from tests.fakes.upstream import STREAM_END, STREAM_HEAD, chunk, fake_upstream, sends
from tests.unit.proxy.test_usage import CHAT_END

CHAT, MESSAGES, RESPONSES, COMPLETIONS = "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"
ANSWER = {"input": "What is 3 + 4?", "temperature": 0}
TEXT = {"prompt": "One", "max_tokens": 5, "temperature": 0}


@pytest.fixture
async def told(api: Api) -> list[Ended]:
    """The requests that ended."""
    heard: list[Ended] = []
    api.meter._told = heard.extend
    return heard


@pytest.mark.parametrize(
    ("path", "body"), [(CHAT, QUESTION), (MESSAGES, QUESTION), (RESPONSES, ANSWER), (COMPLETIONS, TEXT)]
)
async def test_whole_and_streamed_answers_are_booked_alike(
    api: Api, told: list[Ended], path: str, body: dict[str, Any]
) -> None:
    """The tokens of the streamed answer are those that the engine counts for the whole one, cached or not."""
    whole = await api.post(path, body)
    streamed = await api.post(path, {**body, "stream": True})
    assert (whole.status, streamed.status) == (200, 200)
    counted = whole.json["usage"]
    read = counted.get("prompt_tokens", counted.get("input_tokens")) + counted.get("cache_read_input_tokens", 0)
    made = counted.get("completion_tokens", counted.get("output_tokens"))
    assert [(one.tokens_in, one.tokens_out, one.stream, one.outcome) for one in told] == [
        (read, made, False, Outcome.ANSWERED),
        (read, made, True, Outcome.ANSWERED),
    ]
    first = told[1].first_token
    assert first is not None
    assert 0 < first <= told[1].seconds


async def test_speed_and_first_token_of_a_chat(api: Api, told: list[Ended]) -> None:
    """As the engine measured them."""
    body = {**QUESTION, "ignore_eos": True, "max_tokens": 50}
    whole = await api.post(CHAT, body)
    await api.post(CHAT, {**body, "stream": True})
    assert told[0].speed == pytest.approx(whole.json["timings"]["predicted_per_second"])
    assert all(one.speed and one.first_token and one.generating and one.tokens_out == 50 for one in told)
    assert all(
        one.first_token + one.generating <= one.seconds + 0.1 for one in told if one.first_token and one.generating
    )


async def test_who_asked_is_kept(api: Api, told: list[Ended]) -> None:
    """Model, route, address and the client's own id."""
    await api.post(CHAT, {**QUESTION, "model": "mesh-tiny-dense"}, X_Request_Id="my-id")
    one = told[0]
    assert (one.id, one.model, one.route, one.address, one.endpoint) == ("my-id", MODEL, "solo", "127.0.0.1", CHAT)


async def test_what_makes_no_tokens_books_none(api: Api, told: list[Ended]) -> None:
    """Counting is not reading; a refusal is not an answer."""
    await api.post("/tokenize", {"content": "hello"})
    await api.post("/v1/messages/count_tokens", QUESTION)
    await api.post(CHAT, {**QUESTION, "model": "nothing"})
    await api.post(CHAT, {"messages": 3})
    assert [(one.tokens_in, one.tokens_out, one.outcome) for one in told] == [
        (None, None, Outcome.ANSWERED),
        (None, None, Outcome.ANSWERED),
        (None, None, Outcome.REFUSED),
        (None, None, Outcome.REFUSED),
    ]


async def test_a_client_that_leaves_is_told_apart(api: Api, engine: Engine, told: list[Ended]) -> None:
    """Its tokens are not known, as nobody told them."""
    async with raw_request(api, CHAT, ENDLESS) as (reader, _):
        await reader.readuntil(b"data: ")
    await until(lambda: bool(told))
    assert (told[0].outcome, told[0].tokens_out, told[0].first_token is not None) == (Outcome.CANCELLED, None, True)


async def test_the_tokens_of_a_running_answer_are_seen(api: Api, engine: Engine) -> None:
    """Long before anybody tells them."""
    async with raw_request(api, CHAT, ENDLESS) as (reader, _), aiohttp.ClientSession() as session:
        await reader.readuntil(b"data: ")
        async with asyncio.timeout(10):
            while not (tasks := await running_tasks(session, engine.endpoint)) or not any(tasks.values()):
                pass
    await engine.until_idle()


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
async def test_an_answer_in_pieces_is_read_as_one(api: Api, told: list[Ended], size: int) -> None:
    """However the network cuts it."""
    stream = b'data: {"choices":[{"delta":{"content":"7"}}]}\n\n' * 3 + CHAT_END
    pieces = [chunk(stream[at : at + size]) for at in range(0, len(stream), size)]
    async with fake_upstream(sends(STREAM_HEAD, *pieces, STREAM_END)) as fake:
        api.serve(ready(fake.endpoint))
        await api.post(CHAT, {**QUESTION, "stream": True})
    assert (told[0].tokens_in, told[0].tokens_out, told[0].speed) == (18, 2, 1658.5)


async def test_a_long_whole_answer_is_read_at_its_end(api: Api, told: list[Ended]) -> None:
    """One that is passed on while it still comes."""
    body = b'{"data":[' + b"0," * (1 << 20) + b'0],"usage":{"prompt_tokens":3,"total_tokens":3}}'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with fake_upstream(sends(head, body)) as fake:
        api.serve(ready(fake.endpoint))
        answer = await api.post(CHAT, QUESTION)
    assert (answer.body == body, told[0].tokens_in, told[0].tokens_out) == (True, 3, 0)


async def test_a_stream_that_breaks_off_failed(api: Api, told: list[Ended]) -> None:
    """And tells nothing of its tokens."""
    async with fake_upstream(sends(STREAM_HEAD, chunk(b"data: {}\n\n"), then_close=True)) as fake:
        api.serve(ready(fake.endpoint))
        await api.post(CHAT, {**QUESTION, "stream": True})
    assert (told[0].outcome, told[0].tokens_out) == (Outcome.FAILED, None)
