"""The short way of plain requests: it is taken where it should be, and nobody can tell that it was."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.keys.types import Grant, Group
from appliance.keys.types import Limits as KeyLimits
from appliance.node.snapshot import RequestLoad
from appliance.proxy.gate import KeyGate
from appliance.proxy.wire.desk import Limits
from appliance.proxy.wire.head import HEAD_BYTES
from appliance.routing.table import Route, RouteState
from appliance.storage.database import Database
from tests.app.proxy.harness import MODEL, QUESTION, Api, ready, running_engine, until
from tests.app.wire.both_ways import (
    ASKED,
    CHAT,
    GOOD,
    LARGE,
    WARM,
    WORDS,
    Case,
    Seen,
    chunked,
    client,
    compact,
    play,
    post,
    serving,
)
from tests.fakes.upstream import (
    STREAM_END,
    STREAM_HEAD,
    answer,
    chunk,
    fake_upstream,
    hangs_up,
    says_nothing,
    sends,
)


def loads(api: Api) -> None:
    api.routes[MODEL] = replace(api.routes[MODEL], state=RouteState.LOADING, endpoint=None)


def failed(api: Api) -> None:
    api.routes[MODEL] = replace(api.routes[MODEL], state=RouteState.FAILED, reason="it is broken")


def ends(api: Api) -> None:
    api.stopping.set()


def without_limit(api: Api) -> None:
    api.routes[MODEL] = replace(api.routes[MODEL], slots=None)


def two_models(api: Api) -> None:
    api.routes["other"] = Route(
        "other", RouteState.READY, api.routes[MODEL].abilities, endpoint=api.routes[MODEL].endpoint
    )


def links_are_fetched(api: Api) -> None:
    api.settings = api.settings.model_copy(update={"api": api.settings.api.model_copy(update={"fetch_links": True})})


PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]}]
LINK = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}]
CASES = {
    "plain": Case(direct=1),
    "without a limit": Case(box=without_limit, direct=1),
    "an id of its own": Case((post(b"", b"X-Request-Id: mine-1"),), direct=1),
    "an id that is none": Case((post(b"", b"X-Request-Id: a b"),), direct=1),
    "another route": Case((post(compact(), path="/v1/messages"),), direct=0),
    "the same route with a slash": Case((post(compact(), path=CHAT + "/"),), direct=1),
    "a query": Case((post(compact(), path=CHAT + "?a=b"),), direct=1),
    "with spaces": Case((post(json.dumps(ASKED, indent=1).encode()),), direct=1),
    "not ASCII": Case((post(compact(user="Jürgen 你好")),), direct=1),
    "escaped": Case((post(json.dumps({**ASKED, "user": "Jürgen"}).encode()),), direct=1),
    "several answers": Case((post(compact(n=3)),), direct=1),
    "batch work": Case((post(compact(service_tier="flex")),), direct=1),
    "any case": Case((post(compact(model=MODEL.upper())),), direct=1),
    "two models": Case(box=two_models, direct=1),
    "links are fetched": Case((post(compact(user='"http')),), box=links_are_fetched, direct=1),
    "large": Case((post(compact(user="x" * 100_000)),), direct=1),
    "very large": Case((post(compact(user="x" * 300_000)),)),
    "in two pieces": Case((post()[:-50], post()[-50:]), direct=1),
    "in many pieces": Case([post()[at : at + 20] for at in range(0, len(post()), 20)], direct=1),
    "two at once": Case((post() + post(compact(user="b")),), direct=None, answers=2),
    "three one after the other": Case((post(), post(compact(user="b")), post()), direct=3, answers=3),
    "one line end too many": Case((b"\r\n" + post(),), direct=1),
    "no model": Case((post(b'{"messages":[]}'),)),
    "auto": Case((post(compact(model="auto")),)),
    "an unknown model": Case((post(compact(model="nobody")),)),
    "a model that is none": Case((post(compact(model=5)),)),
    "an empty name": Case((post(compact(model=" ")),)),
    "twice": Case((post(b'{"model":"a",' + compact()[1:]),)),
    "no JSON": Case((post(b"{"),)),
    "not UTF-8": Case((post(b'{"model":"\xff"}'),)),
    "nested": Case((post(b'{"model":' + b"[" * 5000 + b"]" * 5000 + b"}"),)),
    "no body": Case((post(length=0)[: -len(compact())],)),
    "a picture": Case((post(compact(messages=PICTURE)),)),
    "a link": Case((post(compact(messages=LINK)),)),
    "a coding": Case((post(b"", b"Content-Encoding: gzip"),)),
    "another origin": Case((post(b"", b"Origin: http://evil.example"),)),
    "the same origin": Case((post(b"", b"Origin: http://box"),)),
    "a priority": Case((post(b"", b"X-Meshbox-Priority: batch"),)),
    "no priority": Case((post(b"", b"X-Meshbox-Priority: soon"),)),
    "an expectation": Case((post(b"", b"Expect: 100-continue"),), answers=1),
    "chunked": Case((chunked(compact()),)),
    "the last one": Case((post(b"", b"Connection: close"),)),
    "old": Case((post(version=b"1.0"),)),
    "two lengths": Case((post(b"", b"Content-Length: 5"),)),
    "no length": Case((post().replace(b"Content-Length", b"Content_Length"),), answers=1),
    "another method": Case((post().replace(b"POST", b"PUT"),)),
    "a form": Case((post(b"x", path="/v1/audio/transcriptions"),)),
    "tokens": Case((post(compact(content="x"), path="/tokenize"),), direct=0),
    "loading": Case(box=loads),
    "failed": Case(box=failed),
    "ending": Case(box=ends),
    "refused by its engine": Case(engine=(sends(answer(b'{"error":{"message":"no"}}', "400 Bad Request")),)),
    "an engine that cannot": Case(engine=(sends(answer(b"{}", "500 Internal Server Error")),)),
    "an engine that closes": Case(engine=(hangs_up, GOOD)),
    "an engine that closes in between": Case(engine=(sends(answer(WORDS)[:-5], then_close=True), GOOD)),
    "an engine that always closes": Case(engine=(hangs_up,)),
    "an engine that says too much": Case(engine=(sends(answer(WORDS) + b"!"), GOOD)),
    "an engine that makes no sense": Case(engine=(sends(b"what?\r\n\r\n"), GOOD)),
    "an answer in pieces": Case(
        engine=(sends(*[answer(WORDS)[at : at + 30] for at in range(0, 200, 30)]),), direct=None
    ),
    "a body in pieces": Case(engine=(sends(answer(WORDS)[:-40], answer(WORDS)[-40:]),), direct=1),
    "an empty answer": Case(engine=(sends(answer(b"")),), direct=1),
    "a large answer": Case(engine=(sends(answer(LARGE)),)),
    "another type": Case(engine=(sends(answer(WORDS, content_type="text/plain")),)),
    "in chunks": Case(
        engine=(sends(STREAM_HEAD.replace(b"text/event-stream", b"text/x") + chunk(WORDS) + STREAM_END),)
    ),
    "a stream": Case((post(compact(stream=True)),), (sends(STREAM_HEAD, chunk(b"data: 1\n\n"), STREAM_END),)),
    "a broken stream": Case(
        (post(compact(stream=True)),), (sends(STREAM_HEAD, chunk(b"data: 1\n\n"), then_close=True),)
    ),
    "a client that leaves": Case(engine=(says_nothing,), leaves=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_both_ways_lead_to_the_same(case: Case) -> None:
    """Answers, what the engine is asked, the log, the numbers: to the last byte."""
    short, taken = await play(case, direct=True)
    long, none = await play(case, direct=False)
    assert short == long
    wanted = taken if case.direct is None else case.direct
    assert (taken, none, len(short.said)) == (wanted, 0, 0 if case.leaves else case.answers)


FIELDS = st.dictionaries(
    st.sampled_from(["n", "user", "stop", "prompt", "service_tier", "temperature", "input", "tools", "stream"]),
    st.sampled_from([1, 2, "x", "flex", None, False, [], ["a", "b"], {"image": 1}, "ä", '"http', "meshbox://"]),
    max_size=4,
)
HEADERS = st.lists(
    st.sampled_from([b"Accept: */*", b"X-Api-Key: none", b"X-Request-Id: r1", b"Cookie: a=b", b"Sec-Fetch-Site: none"]),
    max_size=3,
    unique=True,
)


@given(FIELDS, HEADERS, st.sampled_from([None, 1]), st.booleans())
@settings(max_examples=30, deadline=None)
def test_any_request_gets_the_same_on_both_ways(
    fields: dict[str, Any], headers: list[bytes], indent: int | None, shuffled: bool
) -> None:
    """Whatever its fields are."""
    whole = {**fields, **ASKED} if shuffled else {**ASKED, **fields}
    body = json.dumps(whole, indent=indent, separators=None if indent else (",", ":")).encode()
    case = Case((post(body, *headers),))

    async def both() -> tuple[Seen, Seen]:
        return (await play(case, direct=True))[0], (await play(case, direct=False))[0]

    short, long = asyncio.run(both())
    assert short == long


async def test_the_real_engine_and_the_official_clients_take_it(tmp_path: Path) -> None:
    """On each route, once a connection is there and it is known how answers begin."""
    with running_engine(tmp_path / "engine.log") as engine:
        async with serving(direct=True) as api, openai.AsyncOpenAI(base_url=api.url + "/v1", api_key="none") as one:
            api.serve(ready(engine.endpoint))
            for _ in range(WARM + 2):
                said = await one.chat.completions.create(model=MODEL, **QUESTION)  # type: ignore[call-overload]
                assert said.choices[0].message.content == "7"
            assert api.meter.direct() == {MODEL: 3}
            async with anthropic.AsyncAnthropic(base_url=api.url, api_key="none") as other:
                for _ in range(3):
                    asked = [{"role": "user", "content": "What is 3 + 4?"}]
                    await other.messages.create(model=MODEL, max_tokens=8, messages=asked)  # type: ignore[arg-type]
            assert api.meter.direct() == {MODEL: 5}


async def test_a_full_line_leads_to_the_line() -> None:
    """Who finds no place free waits like everybody, and is told where it stood."""
    async with fake_upstream(*[GOOD] * WARM, says_nothing) as fake, serving(direct=True) as api:
        api.serve(ready(fake.endpoint, slots=1))
        async with client(api) as first, client(api) as second:
            for _ in range(WARM):
                await first.say(post())
                await first.answer()
            await first.say(post())
            await until(lambda: len(fake.requests) == WARM + 1)
            await second.say(post())
            await until(lambda: api.meter.load() == RequestLoad(in_flight=1, queued=1))
        await until(lambda: api.meter.load() == RequestLoad())
        assert api.meter.totals()[MODEL, CHAT, 499] == 2


async def test_a_body_that_does_not_come_is_waited_for_on_the_long_way() -> None:
    """And its client, when it leaves, is in the books."""
    async with fake_upstream(GOOD) as fake, serving(direct=True) as api:
        api.serve(ready(fake.endpoint))
        async with client(api) as one:
            await one.say(post()[:-10])
            await until(lambda: api.meter.load() == RequestLoad(in_flight=1))
        await until(lambda: api.meter.totals() == {("", CHAT, 499): 1})
        async with client(api) as two:
            await two.say(post()[:-10])
        await until(lambda: api.meter.totals() == {("", CHAT, 499): 2})


async def test_a_head_that_grew_too_long_is_refused() -> None:
    """As any other that is too long, also when all of it but the length is known and its body takes its time."""
    limits = Limits(body_moment=0.05, look_seconds=0.02)
    spare = HEAD_BYTES - (post(b"{}", b"X: ").index(b"\r\n\r\n") + 2)
    async with fake_upstream(GOOD) as fake, serving(direct=True, limits=limits) as api, client(api) as one:
        api.serve(ready(fake.endpoint))
        await one.say(post(b"{}", b"X: " + b"x" * spare))
        assert b" 200 " in await one.answer()
        await one.say(post(b"{", b"X: " + b"x" * spare, length=1000))
        assert b" 431 " in await one.answer()


async def test_an_answer_that_was_whole_leaves_a_sound_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours after it must not break what is somebody else's by then."""
    async with fake_upstream(GOOD) as fake, serving(direct=True) as api, client(api) as one, client(api) as two:
        api.serve(ready(fake.endpoint))
        for _ in range(WARM):
            await one.say(post())
            await one.answer()
        with monkeypatch.context() as broken:
            broken.setattr("appliance.proxy.direct.errand.lines_each_time", None)
            await one.say(post())
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await one.answer()
        await until(lambda: api.meter.load() == RequestLoad())
        before = fake.connections
        await two.say(post())
        assert b" 200 " in await two.answer()
        assert fake.connections == before


async def test_a_connection_is_idle_only_when_nothing_is_asked() -> None:
    """It is kept while it is used, and closed some time after."""
    limits = Limits(idle_seconds=0.2, look_seconds=0.02)
    async with fake_upstream(GOOD) as fake, serving(direct=True, limits=limits) as api, client(api) as one:
        api.serve(ready(fake.endpoint))
        until_then = asyncio.get_running_loop().time() + 0.7
        while asyncio.get_running_loop().time() < until_then:
            await one.say(post()[:30], post()[30:])
            await one.answer()
        assert api.meter.direct()[MODEL] > WARM
        with pytest.raises(asyncio.IncompleteReadError):
            await one.answer()


async def test_a_mistake_of_ours_ends_one_request_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Before the engine is asked the client is told; afterwards its connection breaks. Nothing stays open."""
    async with fake_upstream(GOOD) as fake, serving(direct=True) as api:
        api.serve(ready(fake.endpoint, slots=1))
        for where in ("course_of", "lines_each_time"):
            async with client(api) as one:
                for _ in range(WARM):
                    await one.say(post())
                    await one.answer()
                with monkeypatch.context() as broken:
                    module = "way" if where == "course_of" else "errand"
                    broken.setattr(f"appliance.proxy.direct.{module}.{where}", None)
                    await one.say(post())
                    if where == "course_of":
                        assert b"500" in await one.answer()
                    else:
                        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                            await one.answer()
            await until(lambda: api.meter.load() == RequestLoad())
        assert caplog.text.count("NoneType") == 2


@dataclass
class Guarded:
    keys: Keyring
    secret: str
    key_id: str

    def used(self) -> tuple[object, ...]:
        standing = self.keys.standing(self.keys.get(self.key_id))
        return standing.today, standing.running, standing.refused, standing.total


GRANTS = {
    "any": (Grant("k"), 200),
    "limits": (Grant("k", limits=KeyLimits(100, 10_000, 5)), 200),
    "requests": (Grant("k", limits=KeyLimits(WARM, None, None)), 429),
    "tokens": (Grant("k", limits=KeyLimits(None, 7 * WARM, None)), 429),
    "this model": (Grant("k", models=("mesh-*",)), 200),
    "another model": (Grant("k", models=("other",)), 403),
    "this route": (Grant("k", endpoints=frozenset({Group.CHAT})), 200),
    "another route": (Grant("k", endpoints=frozenset({Group.AUDIO})), 403),
    "expired": (Grant("k", expires_at=1.0), 401),
}


@contextlib.asynccontextmanager
async def guarded(folder: Path, grant: Grant) -> AsyncIterator[Guarded]:
    database = Database(folder / "state.db")
    await database.open()
    keys = Keyring(KeyStore(database))
    await keys.open()
    key, secret = await keys.create(grant)
    yield Guarded(keys, secret, key.id)
    await database.close()


@pytest.mark.parametrize(("grant", "status"), GRANTS.values(), ids=GRANTS)
async def test_a_key_counts_the_same_on_both_ways(tmp_path: Path, grant: Grant, status: int) -> None:
    """What it may do, what is booked on it, and what its client is told about what is left."""
    found = []
    for direct in (True, False):
        folder = tmp_path / str(direct)
        folder.mkdir()
        async with guarded(folder, grant) as one:
            asks = post(b"", b"Authorization: Bearer " + one.secret.encode())
            seen, taken = await play(Case((asks,)), direct=direct, gate=KeyGate(one.keys, lambda: True), warm=asks)
            assert (taken, seen.said[0][9:12]) == (direct and status == 200, b"%d" % status)
            found.append((seen, one.used()))
    assert found[0] == found[1]
