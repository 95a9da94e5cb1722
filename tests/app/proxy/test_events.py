"""`GET /events`: models for all, requests only for whose they are."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.keys.types import Grant, Key
from appliance.proxy.gate import KeyGate
from appliance.proxy.news import stream
from appliance.proxy.news.hub import MOST_OF_ONE
from appliance.routing.table import Route, RouteState
from appliance.storage.database import Database
from tests.app.proxy.harness import ENDLESS, MODEL, QUESTION, TALKS, Api, Engine, ready, running_api, until

CHAT, EVENTS = "/v1/chat/completions", "/events"


@dataclass
class Ear:
    """Somebody who listens."""

    lines: Any

    async def event(self) -> dict[str, Any]:
        """The next one, without comments."""
        async with asyncio.timeout(20):
            while True:
                frame = (await self.lines.readuntil(b"\n\n")).decode()
                if frame.startswith("event: "):
                    name, data = frame.strip().split("\n")
                    said: dict[str, Any] = json.loads(data.removeprefix("data: "))
                    assert name in (f"event: {said['type']}", "event: error")
                    return said

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        while True:
            said = await self.event()
            if said["type"] == kind and fields.items() <= said.items():
                return said

    async def rest(self) -> bytes:
        async with asyncio.timeout(10):
            rest: bytes = await self.lines.read()
            return rest


@contextlib.asynccontextmanager
async def listening(api: Api, key: str = "") -> AsyncIterator[Ear]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with api.session.get(api.url + EVENTS, headers=headers) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield Ear(response.content)


async def test_models_as_they_are_and_as_they_change(api: Api, engine: Engine) -> None:
    """Every state once, and the progress while one loads."""
    asleep = replace(ready(engine.endpoint), state=RouteState.SLEEPING, endpoint=None)
    async with listening(api) as ear:
        assert (await ear.event())["type"] == "model.ready"
        api.serve(asleep)
        assert (await ear.event())["type"] == "model.sleeping"
        api.serve(replace(asleep, state=RouteState.LOADING, progress=0.25))
        assert await ear.until("model.loading", progress=0.25)
        api.serve(replace(asleep, state=RouteState.FAILED, reason="The file is cut short."))
        assert (await ear.until("model.failed"))["reason"] == "The file is cut short."
        api.serve(replace(asleep, state=RouteState.AVAILABLE))
        assert await ear.until("model.available", model=MODEL)
        api.serve()
        assert await ear.until("model.gone", model=MODEL)


async def test_an_open_box_tells_nobody_of_requests(api: Api) -> None:
    """Whose they are cannot be known."""
    async with listening(api) as ear:
        await ear.event()
        assert (await api.post(CHAT, QUESTION)).status == 200
        api.stopping.set()
        assert b"request." not in await ear.rest()


@dataclass
class Guarded:
    api: Api
    keys: Keyring
    laptop: Key
    secrets: tuple[str, str]


@pytest.fixture
async def guarded(engine: Engine, tmp_path: Path) -> AsyncIterator[Guarded]:
    database = Database(tmp_path / "state.db")
    await database.open()
    keys = Keyring(KeyStore(database))
    await keys.open()
    laptop, first = await keys.create(Grant("Laptop"))
    _, second = await keys.create(Grant("Phone", models=("other",)))
    async with running_api(gate=KeyGate(keys, lambda: True)) as api:
        await engine.until_idle()
        api.serve(ready(engine.endpoint), Route("other", RouteState.SLEEPING, TALKS))
        yield Guarded(api, keys, laptop, (first, second))
    await database.close()


async def test_the_life_of_a_request(guarded: Guarded) -> None:
    """Started, its first token, its end with what it took; by the id that its client gave it."""
    key = guarded.secrets[0]
    async with listening(guarded.api, key) as ear:
        body = {**QUESTION, "stream": True, "model": MODEL}
        await guarded.api.post(CHAT, body, Authorization=f"Bearer {key}", X_Request_Id="mine-1")
        started = await ear.until("request.started")
        first = await ear.until("request.first_token")
        ended = await ear.until("request.ended")
    assert {one["id"] for one in (started, first, ended)} == {"mine-1"}
    assert (started["endpoint"], first["model"], ended["status"]) == (CHAT, MODEL, 200)
    assert 0 <= first["seconds"] <= ended["seconds"]
    assert min(ended["tokens_in"], ended["tokens_out"]) > 0
    assert "3 + 4" not in str((started, first, ended))


async def test_a_request_in_line(guarded: Guarded, engine: Engine) -> None:
    """Its position, while another one is answered."""
    api, key = guarded.api, guarded.secrets[0]
    api.serve(ready(engine.endpoint, slots=1))
    headers = {"Authorization": f"Bearer {key}"}
    async with listening(api, key) as ear, api.session.post(api.url + CHAT, json=ENDLESS, headers=headers) as busy:
        await busy.content.readuntil(b"\n\n")
        async with api.session.post(
            api.url + CHAT, json=ENDLESS, headers=headers | {"X-Request-Id": "second"}
        ) as waits:
            assert waits.status == 200
            assert (await ear.until("request.queued", id="second"))["position"] == 1
    await until(lambda: api.meter.load().in_flight == 0)


async def test_nobody_hears_of_the_requests_of_others(guarded: Guarded) -> None:
    """Nor of models that are not for him."""
    api, (laptop, phone) = guarded.api, guarded.secrets
    async with listening(api, phone) as ear:
        assert (await ear.event())["model"] == "other"
        assert (await api.post(CHAT, {**QUESTION, "model": MODEL}, Authorization=f"Bearer {laptop}")).status == 200
        api.stopping.set()
        rest = await ear.rest()
    assert (b"request." in rest, MODEL.encode() in rest) == (False, False)


async def test_without_a_key_a_closed_box_tells_nothing(guarded: Guarded) -> None:
    """401, as everywhere."""
    assert (await guarded.api.get(EVENTS)).code == "missing_api_key"


async def test_a_revoked_key_hears_no_more(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stream ends with the reason."""
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)
    async with listening(guarded.api, guarded.secrets[0]) as ear:
        await ear.event()
        await guarded.keys.revoke(guarded.laptop.id)
        rest = await ear.rest()
    assert rest.count(b"event: error") == 1
    assert b"invalid_api_key" in rest


async def test_a_silent_stream_keeps_its_connection(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment now and then."""
    monkeypatch.setattr(stream, "BEAT_SECONDS", 0.05)
    async with listening(api) as ear, asyncio.timeout(10):
        await ear.event()
        assert await ear.lines.readuntil(b"\n\n") == stream.BEAT


async def test_a_box_that_stops_ends_the_streams(api: Api) -> None:
    """Cleanly, and takes no new ones."""
    async with listening(api) as ear:
        await ear.event()
        api.stopping.set()
        await ear.rest()
    assert (await api.get(EVENTS)).code == "box_stopping"


async def test_listeners_are_bounded(api: Api) -> None:
    """One address has so many; who leaves makes room."""
    async with contextlib.AsyncExitStack() as stack:
        ears = [await stack.enter_async_context(listening(api)) for _ in range(MOST_OF_ONE)]
        for ear in ears:
            await ear.event()
        refused = await api.get(EVENTS)
        assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "too_many_listeners", "30")
    await until(lambda: api.meter.listener is None)
    async with listening(api) as ear:
        assert await ear.event()


async def test_nothing_is_worked_out_while_nobody_listens(api: Api) -> None:
    """No task runs and no request is looked at."""

    def names() -> list[str]:
        return [task.get_name() for task in asyncio.all_tasks()]

    assert (api.meter.listener, "look at models for listeners" in names()) == (None, False)
    async with listening(api) as ear:
        await ear.event()
        assert (api.meter.listener is None, "look at models for listeners" in names()) == (False, True)
    await until(lambda: api.meter.listener is None and "look at models for listeners" not in names())


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("POST", 405)])
async def test_other_methods(api: Api, method: str, status: int) -> None:
    """A look at the head does not begin a stream."""
    async with api.session.request(method, api.url + EVENTS) as response:
        assert response.status == status
