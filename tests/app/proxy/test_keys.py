"""API keys in front of the real engine: what they open, what they count, and that every place comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from appliance.activity.types import Ended
from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.keys.types import Grant, Key, Limits, Standing
from appliance.models.types import Ability
from appliance.proxy.gate import KeyGate
from appliance.storage.database import Database
from tests.app.proxy.harness import (
    ENDLESS,
    MODEL,
    QUESTION,
    TALKS,
    Answer,
    Api,
    Engine,
    ready,
    running_api,
    running_engine,
    until,
)
from tests.fakes.upstream import STREAM_HEAD, answer, chunk, fake_upstream, hangs_up, says_nothing, sends

CHAT, MESSAGES, RESPONSES, COMPLETIONS = "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/completions"
ASKED = {"input": "What is 3 + 4?", "temperature": 0}
TEXT = {"prompt": "One", "max_tokens": 5, "temperature": 0}


@dataclass
class Guarded:
    """The API behind its gate, and one key for it."""

    api: Api
    keys: Keyring
    key: Key
    secret: str
    closed: bool = True

    @property
    def standing(self) -> Standing:
        return self.keys.standing(self.key)

    @property
    def used(self) -> tuple[int, int]:
        return self.standing.today.tokens_in, self.standing.today.tokens_out

    async def allow(self, **changes: Any) -> None:
        self.key = await self.keys.change(self.key.id, lambda grant: replace(grant, **changes))

    async def post(self, path: str, body: dict[str, Any]) -> Answer:
        return await self.api.post(path, body, Authorization=f"Bearer {self.secret}")

    async def until_free(self) -> None:
        await until(lambda: self.standing.running == 0, 10)


@pytest.fixture
async def guarded(engine: Engine, tmp_path: Path) -> AsyncIterator[Guarded]:
    database = Database(tmp_path / "state.db")
    await database.open()
    keys = Keyring(KeyStore(database))
    await keys.open()
    key, secret = await keys.create(Grant("Laptop"))
    async with running_api(gate=KeyGate(keys, lambda: one.closed)) as api:
        one = Guarded(api, keys, key, secret)
        await engine.until_idle()
        api.serve(ready(engine.endpoint))
        yield one
    await database.close()


async def test_a_closed_api_answers_nobody_without_a_key(guarded: Guarded) -> None:
    """In the shape of the route, with nothing asked of the engine; liveness stays open."""
    for path in (CHAT, "/tokenize", RESPONSES):
        refused = await guarded.api.post(path, QUESTION)
        assert (refused.status, refused.code) == (401, "missing_api_key")
        assert refused.json["error"]["type"] == "authentication_error"
    said = await guarded.api.post(MESSAGES, QUESTION, x_api_key="mbx_wrong")
    assert (said.status, said.json["type"], said.json["error"]["type"]) == (401, "error", "authentication_error")
    for path in ("/v1/models", f"/v1/models/{MODEL}"):
        assert (await guarded.api.get(path)).status == 401
    assert (await guarded.api.get("/healthz")).status == 200


async def test_a_large_body_is_refused_politely(guarded: Guarded) -> None:
    """Many clients read the answer only when they have sent everything."""
    refused = await guarded.api.post(CHAT, b"x" * 8_000_000)
    assert refused.status == 401


async def test_an_open_api_needs_none(guarded: Guarded) -> None:
    """And does not mind the keys that programs make up."""
    guarded.closed = False
    assert (await guarded.api.post(CHAT, QUESTION)).status == 200
    assert (await guarded.api.post(CHAT, QUESTION, Authorization="Bearer sk-none")).status == 200
    assert (await guarded.api.post(CHAT, QUESTION, x_api_key="mbx_revoked")).status == 401


async def test_the_official_clients_come_in(guarded: Guarded) -> None:
    """Each sends its key in its own way."""
    async with openai.AsyncOpenAI(base_url=guarded.api.url + "/v1", api_key=guarded.secret) as client:
        said = await client.chat.completions.create(model=MODEL, **QUESTION)  # type: ignore[call-overload]
        assert said.choices[0].message.content == "7"
        assert [model.id for model in (await client.models.list()).data] == [MODEL, "auto"]
    async with anthropic.AsyncAnthropic(base_url=guarded.api.url, api_key=guarded.secret) as other:
        message = await other.messages.create(
            model=MODEL,
            max_tokens=8,
            extra_body={"temperature": 0},
            messages=[{"role": "user", "content": "What is 3 + 4?"}],
        )
        assert "7" in str(message.content)
    async with openai.AsyncOpenAI(base_url=guarded.api.url + "/v1", api_key="wrong") as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()


async def test_limits_reach_the_official_clients(guarded: Guarded) -> None:
    """As their own kinds of errors."""
    await guarded.allow(limits=Limits(requests_per_minute=1), models=("nothing",))
    async with openai.AsyncOpenAI(base_url=guarded.api.url + "/v1", api_key=guarded.secret, max_retries=0) as client:
        with pytest.raises(openai.PermissionDeniedError) as denied:
            await client.chat.completions.create(model=MODEL, **QUESTION)  # type: ignore[call-overload]
        assert denied.value.code == "model_not_allowed"
        with pytest.raises(openai.RateLimitError) as limited:
            await client.chat.completions.create(model=MODEL, **QUESTION)  # type: ignore[call-overload]
        assert limited.value.code == "rate_limit_exceeded"
        assert limited.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    said = await guarded.api.post(MESSAGES, QUESTION, x_api_key=guarded.secret)
    assert (said.status, said.json["error"]["type"]) == (429, "rate_limit_error")


async def test_what_is_left_stands_in_every_answer(guarded: Guarded) -> None:
    """As OpenAI names it."""
    await guarded.allow(limits=Limits(10, 1000, None))
    await guarded.post(CHAT, QUESTION)
    headers = (await guarded.post(CHAT, {**QUESTION, "stream": True})).headers
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("10", "8")
    assert (headers["x-ratelimit-limit-tokens"], headers["x-ratelimit-remaining-tokens"]) == ("1000", "980")
    assert headers["x-ratelimit-reset-requests"]


async def test_anthropic_clients_are_told_in_their_own_words(guarded: Guarded) -> None:
    """In answers, streams and refusals of their routes; other routes say nothing of it."""
    await guarded.allow(limits=Limits(2, 100_000, None))
    question = {**QUESTION, "model": MODEL}
    answers = [await guarded.post(MESSAGES, {**question, "stream": stream}) for stream in (False, True)]
    refused = await guarded.post(MESSAGES, question)
    assert [a.status for a in (*answers, refused)] == [200, 200, 429]
    left = [int(a.headers["anthropic-ratelimit-requests-remaining"]) for a in (*answers, refused)]
    assert left == [1, 0, 0]
    assert {a.headers["anthropic-ratelimit-requests-limit"] for a in answers} == {"2"}
    reset = datetime.fromisoformat(refused.headers["anthropic-ratelimit-tokens-reset"])
    assert reset > datetime.now(UTC)
    assert "anthropic-ratelimit-requests-limit" not in (await guarded.post(CHAT, question)).headers


async def test_a_key_sees_and_uses_only_its_models(guarded: Guarded, engine: Engine) -> None:
    """`auto` included."""
    guarded.api.serve(ready(engine.endpoint), ready(engine.endpoint, "a-secret-one"))
    await guarded.allow(models=("mesh-*",))
    listed = await guarded.api.ask("GET", "/v1/models", headers={"Authorization": f"Bearer {guarded.secret}"})
    assert [one["id"] for one in listed.json["data"]] == [MODEL, "auto"]
    assert "a-secret-one" not in listed.body.decode()
    assert (await guarded.post(CHAT, QUESTION)).headers["x-meshbox-model"] == MODEL
    refused = await guarded.post(CHAT, {**QUESTION, "model": "a-secret-one"})
    assert (refused.status, refused.code) == (403, "model_not_allowed")
    unknown = await guarded.post(CHAT, {**QUESTION, "model": "a-secret-ones"})
    assert (unknown.status, "a-secret-one'" in unknown.body.decode()) == (404, False)
    assert guarded.standing.running == 0


@pytest.mark.parametrize(
    ("path", "body"), [(CHAT, QUESTION), (MESSAGES, QUESTION), (RESPONSES, ASKED), (COMPLETIONS, TEXT)]
)
async def test_streams_are_counted_without_being_asked_to(guarded: Guarded, path: str, body: dict[str, Any]) -> None:
    """As much as the whole answer tells, and the client gets no event that it did not ask for."""
    whole = await guarded.post(path, body)
    used = guarded.used
    usage = whole.json["usage"]
    read = usage.get("prompt_tokens", usage.get("input_tokens")) + usage.get("cache_read_input_tokens", 0)
    assert used == (read, usage.get("completion_tokens", usage.get("output_tokens")))
    streamed = await guarded.post(path, {**body, "stream": True})
    assert guarded.used == (2 * used[0], 2 * used[1])
    if path == CHAT:
        events = [json.loads(line[6:]) for line in streamed.body.decode().splitlines() if line.startswith("data: {")]
        assert all(event["choices"] and "usage" not in event for event in events)


async def test_several_answers_are_all_counted(guarded: Guarded) -> None:
    """Of which the engine tells the tokens of one."""
    body = {"prompt": ["One", "Two"], "n": 2, "max_tokens": 8, "ignore_eos": True}
    await guarded.post(COMPLETIONS, body)
    whole = guarded.used[1]
    await guarded.post(COMPLETIONS, {**body, "stream": True})
    assert whole == 4 * 8
    assert 4 * 8 <= guarded.used[1] - whole <= 4 * 8 + 6


async def test_who_leaves_early_pays_for_what_came(guarded: Guarded, engine: Engine) -> None:
    """Else a stream that is broken off before its end would cost nothing."""
    await _left_after(guarded, 20)
    read, made = guarded.used
    assert read >= 5
    assert made >= 20
    await engine.until_idle()


async def _left_after(guarded: Guarded, events: int) -> None:
    headers = {"Authorization": f"Bearer {guarded.secret}"}
    async with guarded.api.session.post(guarded.api.url + CHAT, json=ENDLESS, headers=headers) as response:
        for _ in range(events):
            await response.content.readuntil(b"\n\n")
        response.close()
    await guarded.until_free()


async def test_the_day_ends_when_its_tokens_are_used(guarded: Guarded) -> None:
    """The answer that goes over is whole; the next request waits for tomorrow."""
    await guarded.allow(limits=Limits(tokens_per_day=1))
    assert (await guarded.post(CHAT, QUESTION)).json["choices"][0]["message"]["content"] == "7"
    refused = await guarded.post(CHAT, QUESTION)
    assert (refused.status, refused.code) == (429, "rate_limit_exceeded")
    assert 0 < int(refused.headers["retry-after"]) <= 86_400


async def test_one_too_many_at_once_is_refused(guarded: Guarded, engine: Engine) -> None:
    """And let in as soon as the other one has left."""
    await guarded.allow(limits=Limits(concurrency=1))
    headers = {"Authorization": f"Bearer {guarded.secret}"}
    async with guarded.api.session.post(guarded.api.url + CHAT, json=ENDLESS, headers=headers) as response:
        await response.content.readuntil(b"\n\n")
        refused = await guarded.post(CHAT, QUESTION)
        response.close()
    assert (refused.status, refused.json["error"]["limit"]) == (429, "concurrency")
    await guarded.until_free()
    assert (await guarded.post(CHAT, QUESTION)).status == 200
    await engine.until_idle()


ENDS = {
    "answered": answer(b'{"choices": []}'),
    "refused by the engine": answer(b'{"error": {"message": "no"}}', "400 Bad Request"),
    "failed in the engine": answer(b"{}", "500 Internal Server Error"),
    "no clean answer": b"nonsense\r\n\r\n",
}


@pytest.mark.parametrize("name", list(ENDS))
async def test_a_place_comes_back_however_an_answer_ends(guarded: Guarded, name: str) -> None:
    """A key with one place could else be used once."""
    await guarded.allow(limits=Limits(concurrency=1))
    async with fake_upstream(sends(ENDS[name], then_close=True)) as fake:
        guarded.api.serve(ready(fake.endpoint))
        for _ in range(2):
            assert (await guarded.post(CHAT, QUESTION)).status != 429
    assert guarded.standing.running == 0


@pytest.mark.parametrize("broken", [b"{", b"[]", b"", b'{"model": 5}', b'{"model": "nothing"}', b"\xff"])
async def test_a_place_comes_back_from_a_request_that_makes_no_sense(guarded: Guarded, broken: bytes) -> None:
    """It ends before any engine is asked."""
    await guarded.allow(limits=Limits(concurrency=1))
    for _ in range(2):
        refused = await guarded.api.post(CHAT, broken, x_api_key=guarded.secret)
        assert refused.status in (400, 404)
    assert guarded.standing.running == 0


async def test_a_place_comes_back_when_the_engine_breaks_off(guarded: Guarded) -> None:
    """Before the first byte, and in the middle of a stream."""
    await guarded.allow(limits=Limits(concurrency=1))
    cut = sends(STREAM_HEAD, chunk(b'data: {"choices": []}\n\n'), then_close=True)
    async with fake_upstream(hangs_up, hangs_up, cut) as fake:
        guarded.api.serve(ready(fake.endpoint))
        assert (await guarded.post(CHAT, QUESTION)).status == 502
        assert b"engine_gone" in (await guarded.post(CHAT, {**QUESTION, "stream": True})).body
    assert (guarded.standing.running, guarded.used) == (0, (0, 1))


async def test_a_place_comes_back_when_the_client_is_gone(guarded: Guarded) -> None:
    """While the engine is silent, and while the body is still being sent."""
    await guarded.allow(limits=Limits(concurrency=1))
    async with fake_upstream(says_nothing) as fake:
        guarded.api.serve(ready(fake.endpoint))
        request = asyncio.ensure_future(guarded.post(CHAT, QUESTION))  # noqa: TID251 - a client that is cut off
        await until(lambda: bool(fake.requests))
        request.cancel()
        await guarded.until_free()
    _, writer = await asyncio.open_connection("127.0.0.1", guarded.api.port)
    head = f"POST {CHAT} HTTP/1.1\r\nHost: a\r\nX-Api-Key: {guarded.secret}\r\nContent-Length: 99\r\n\r\n"
    writer.write(head.encode())
    await until(lambda: guarded.standing.running == 1)
    writer.transport.abort()
    await guarded.until_free()


async def test_a_place_comes_back_from_a_mistake_of_the_box(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong on the way."""
    await guarded.allow(limits=Limits(concurrency=1))

    def broken(_: object, name: str) -> None:
        raise RuntimeError(name)

    monkeypatch.setattr("appliance.routing.table.RoutingTable.find", broken)
    for _ in range(2):
        assert (await guarded.post(CHAT, QUESTION)).status == 500
    assert guarded.standing.running == 0


async def test_a_revoked_key_ends_at_the_next_request(guarded: Guarded, engine: Engine) -> None:
    """The answer under way is not cut."""
    headers = {"Authorization": f"Bearer {guarded.secret}"}
    async with guarded.api.session.post(guarded.api.url + CHAT, json=ENDLESS, headers=headers) as response:
        await response.content.readuntil(b"\n\n")
        await guarded.keys.revoke(guarded.key.id)
        assert (await guarded.post(CHAT, QUESTION)).status == 401
        assert await response.content.readuntil(b"\n\n")
        response.close()
    await engine.until_idle()


async def test_who_used_it_stands_in_the_books(guarded: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    """By the name of the key, never by its secret; also of what was refused."""
    heard: list[Ended] = []
    guarded.api.meter._told = heard.extend
    await guarded.allow(limits=Limits(requests_per_minute=1))
    with caplog.at_level("INFO", "meshbox.access"):
        await guarded.post(CHAT, QUESTION)
        await guarded.post(CHAT, QUESTION)
        await guarded.api.post(CHAT, QUESTION)
    assert [(one.key, one.status) for one in heard] == [("Laptop", 200), ("Laptop", 429), ("", 401)]
    lines = [record.getMessage() for record in caplog.records if record.name == "meshbox.access"]
    assert ["key='Laptop'" in line for line in lines] == [True, True, False]
    assert guarded.secret not in caplog.text


async def test_embeddings_are_counted(guarded: Guarded, tmp_path: Path) -> None:
    """Few and many: the engine tells their tokens before the vectors."""
    with running_engine(tmp_path / "embedder.log", "--embeddings", "--pooling", "mean") as embedder:
        guarded.api.serve(ready(embedder.endpoint, abilities=TALKS | {Ability.EMBEDDING}))
        one = await guarded.post("/v1/embeddings", {"input": "blue sky"})
        assert guarded.used == (one.json["usage"]["prompt_tokens"], 0)
        many = await guarded.post("/v1/embeddings", {"input": ["blue sky"] * 40})
        assert len(many.body) > 50_000
        assert guarded.used[0] == 41 * one.json["usage"]["prompt_tokens"]
