"""An engine that is killed in the middle of an answer costs its client a pause, not the answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientTimeout

from appliance.routing.table import RouteState
from appliance.settings.schema import ApiSettings, Settings
from tests.app.proxy.harness import MODEL, ROOMY, Api, Engine, ready, running_api, running_engine
from tests.app.proxy.kills import kill_under_load

MESSAGES = [{"role": "user", "content": "Tell me a story."}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": MESSAGES, "max_tokens": 300, "stream_options": {"include_usage": True}},
    "/v1/completions": {"prompt": "Once upon a time", "max_tokens": 300},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 300},
    "/v1/responses": {"input": "Tell me a story.", "max_output_tokens": 300},
}
KILLED_AFTER = 40  # events


@pytest.fixture
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("victim") / "engine.log", *ROOMY) as engine:
        yield engine


@pytest.fixture
async def api(victim: Engine) -> AsyncIterator[Api]:
    async with running_api() as api:
        api.serve(ready(victim.endpoint))
        yield api


async def events(api: Api, path: str, **more: Any) -> AsyncIterator[tuple[str, dict[str, Any] | None]]:
    """Comments come with the name `:`, the mark at the end without data."""
    body = {"model": MODEL, "stream": True, "temperature": 0, "ignore_eos": True, **BODIES[path], **more}
    async with asyncio.timeout(50), api.session.post(api.url + path, json=body) as response:
        assert response.status == 200
        async for block in _blocks(response.content):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
            if not lines:
                yield ":", {"text": block}
            else:
                data = lines["data"]
                yield lines.get("event", ""), None if data == "[DONE]" else json.loads(data)


async def _blocks(content: Any) -> AsyncIterator[str]:
    held = b""
    async for piece in content.iter_any():
        *whole, held = (held + piece).split(b"\n\n")
        for block in whole:
            yield block.decode()


def text_of(path: str, heard: list[tuple[str, dict[str, Any] | None]]) -> str:
    found = ""
    for name, data in heard:
        for choice in (data or {}).get("choices", ()):
            found += choice.get("text") or choice.get("delta", {}).get("content") or ""
        if name == "content_block_delta" and data:
            found += data["delta"]["text"]
        if name == "response.output_text.delta" and data:
            found += data["delta"]
    return found


def tokens_of(heard: list[tuple[str, dict[str, Any] | None]]) -> int:
    found = 0
    for _, data in heard:
        usage = (data or {}).get("usage") or (data or {}).get("response", {}).get("usage") or {}
        found = usage.get("completion_tokens") or usage.get("output_tokens") or found
    return found


@pytest.mark.parametrize("path", BODIES)
async def test_another_engine_goes_on(api: Api, victim: Engine, engine: Engine, path: str) -> None:
    """Word for word what one engine would have said, one id, all tokens counted, and the end as it should be."""
    api.serve(ready(engine.endpoint))
    undisturbed = [event async for event in events(api, path)]
    api.serve(ready(victim.endpoint))
    heard = []
    async for event in events(api, path):
        heard.append(event)
        if len(heard) == KILLED_AFTER:
            victim.process.kill()
            api.serve(ready(engine.endpoint))
    told = [event for event in heard if event[0] != ":"]
    assert text_of(path, told) == text_of(path, undisturbed)
    assert tokens_of(told) == tokens_of(undisturbed)
    assert [name for name, _ in told[-3:]] == [name for name, _ in undisturbed[-3:]]
    assert len({data["id"] for _, data in told if data and "id" in data}) <= 1
    assert any("another one went on" in (data or {}).get("text", "") for name, data in heard if name == ":")
    assert api.meter.rescued() == {MODEL: 1}


async def test_without_another_engine_the_client_is_told(api: Api, victim: Engine) -> None:
    """One well-formed error, never a silent end."""
    heard = []
    async for event in events(api, "/v1/chat/completions"):
        heard.append(event)
        if len(heard) == KILLED_AFTER:
            victim.process.kill()
            api.routes[MODEL] = replace(ready(victim.endpoint), state=RouteState.FAILED, endpoint=None, reason="Gone.")
    _, last = [event for event in heard if event[0] != ":"][-1]
    assert last is not None
    assert last["error"]["code"] == "model_failed"


async def test_the_same_model_is_waited_for(api: Api, victim: Engine, engine: Engine) -> None:
    """A box with one engine starts it again; the client hears that there is a pause."""
    heard = []
    async for event in events(api, "/v1/chat/completions"):
        heard.append(event)
        if len(heard) == KILLED_AFTER:
            victim.process.kill()
            api.routes[MODEL] = replace(ready(victim.endpoint), state=RouteState.LOADING, endpoint=None)
        if event[0] == ":" and "waiting for another one" in (event[1] or {})["text"]:
            api.serve(ready(engine.endpoint))
    assert heard[-1][0] == ":"
    assert heard[-2] == ("", None)
    assert api.meter.rescued() == {MODEL: 1}


async def test_it_is_not_waited_for_ever(api: Api, victim: Engine) -> None:
    """The setting that holds for models that wake up holds here too."""
    api.settings = Settings(api=ApiSettings(wait_for_model_s=1))
    heard = []
    async for event in events(api, "/v1/messages"):
        heard.append(event)
        if len(heard) == KILLED_AFTER:
            victim.process.kill()
            api.routes[MODEL] = replace(ready(victim.endpoint), state=RouteState.LOADING, endpoint=None)
    name, last = [event for event in heard if event[0] != ":"][-1]
    assert name == "error"
    assert last is not None
    assert last["error"]["code"] == "engine_gone"


async def test_what_must_have_a_shape_is_not_patched_together(api: Api, victim: Engine, engine: Engine) -> None:
    """What one engine began in a given form another one would begin anew: the client is told."""
    heard = []
    async for event in events(api, "/v1/chat/completions", grammar='root ::= [a-zA-Z .,"]+'):
        heard.append(event)
        if len(heard) == KILLED_AFTER:
            victim.process.kill()
            api.serve(ready(engine.endpoint))
    _, last = [event for event in heard if event[0] != ":"][-1]
    assert last is not None
    assert last["error"]["code"] == "engine_gone"


@pytest.mark.timeout(180)
async def test_kill_after_kill_no_stream_breaks(api: Api) -> None:
    """With a second engine every stream ends as it should, of all kinds and under load."""
    api.session._timeout = ClientTimeout(total=150)
    tally = await kill_under_load(api, kills=6, readers=4, replicas=True)
    assert dict(tally.ends) == {"well": tally.ends["well"]}
    assert api.meter.rescued()[MODEL] >= 6


@pytest.mark.timeout(180)
async def test_kill_after_kill_no_stream_ends_silently(api: Api) -> None:
    """Without a second engine every stream that is cut says so."""
    api.session._timeout = ClientTimeout(total=150)
    tally = await kill_under_load(api, kills=3, readers=4, replicas=False)
    assert tally.ends["silent"] == 0
    assert tally.ends["told"] >= 3
