"""The management routes and their stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from prometheus_client import CONTENT_TYPE_LATEST

from appliance.node.events import ChildReported, SettingsChanged
from appliance.node.failure import Failure
from appliance.node.snapshot import ChildState
from tests.app.web.harness import Web
from tests.builders import MODEL_ID, make_child


async def document(web: Web, path: str) -> Any:
    answer = await web.call("GET", path)
    assert answer.status == 200
    return await answer.json()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/api/status", "serving"),
        ("/api/serving", "serving"),
        ("/api/models", "models"),
        ("/api/gpus", "gpus"),
        ("/api/issues", "issues"),
        ("/api/logs", "lines"),
    ],
)
async def test_lists_stand_under_their_name(web: Web, path: str, key: str) -> None:
    """Programs rely on it."""
    assert isinstance((await document(web, path))[key], list)


async def test_settings_change_with_their_revision(web: Web) -> None:
    """What was read may be sent back; a stale revision is a conflict that says where things stand."""
    before = await document(web, "/api/settings")
    changed = await web.call("PATCH", "/api/settings", json=before | {"node": {"name": "den"}})
    assert (changed.status, (await changed.json())["node"]["name"]) == (200, "den")
    stale = await web.call("PATCH", "/api/settings", json=before | {"node": {"name": "attic"}})
    problem = await stale.json()
    assert (stale.status, problem["code"], problem["revision"]) == (409, "stale_revision", before["revision"] + 1)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", "/api/settings", b"{", 400, "bad_request"),
        ("PATCH", "/api/settings", b"\xff", 400, "bad_request"),
        ("PATCH", "/api/settings", b"[]", 422, "invalid_fields"),
        ("PATCH", "/api/settings", b'{"revision": "x"}', 422, "invalid_fields"),
        ("PATCH", "/api/settings", b'{"serving": {"slots": "many"}}', 422, "invalid_fields"),
        ("PATCH", "/api/settings", b'{"nonsense": 1}', 422, "invalid_fields"),
        ("PATCH", "/api/settings", b"[" * 100_000, 400, "bad_request"),
        ("POST", "/api/login", b"{}", 422, "invalid_fields"),
        ("POST", "/api/login", b'{"password": 1}', 422, "invalid_fields"),
        ("POST", "/api/login", b"", 400, "bad_request"),
        ("GET", "/api/logs?limit=0", None, 422, "invalid_fields"),
        ("GET", "/api/logs?limit=x", None, 422, "invalid_fields"),
        ("GET", "/api/nothing", None, 404, "not_found"),
        ("DELETE", "/api/status", None, 405, "method_not_allowed"),
        ("POST", "/api/issues/nobody/fix", None, 404, "unknown_issue"),
    ],
)
async def test_bad_input_is_named(web: Web, method: str, path: str, body: bytes | None, status: int, code: str) -> None:
    """A problem document with a stable code, never a 500."""
    data = None if body is None else BytesIO(body)
    answer = await web.call(method, path, data=data, headers={"Content-Type": "application/json"})
    problem = await answer.json()
    assert answer.content_type == "application/problem+json"
    assert (answer.status, problem["code"]) == (status, code)


async def test_a_body_that_is_too_large_is_refused_unread(web: Web) -> None:
    """The announced size is enough to say no."""
    reader, writer = await asyncio.open_connection("127.0.0.1", web.loop.outlook.snapshot.node.web_port)
    fields = ("Host: localhost", "Content-Type: application/json", "Content-Length: 9000000")
    head = "\r\n".join(("POST /api/login HTTP/1.1", *fields, "", ""))
    writer.write(head.encode())
    async with asyncio.timeout(10):
        assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_wrong_fields_are_named_with_dots(web: Web) -> None:
    """A form can put each message beside its field."""
    answer = await web.call("PATCH", "/api/settings", json={"serving": {"slots": 0}, "api": {"drain_s": -1}})
    assert set((await answer.json())["fields"]) == {"serving.slots", "api.drain_s"}


async def failing(web: Web) -> None:
    child = make_child(web.loop.outlook.snapshot, state=ChildState.FAILED, failure=Failure("crash_loop", "It crashed."))
    web.post(ChildReported(child))
    async for outlook in web.loop.watch():
        if outlook.decision.issues:
            return


async def test_the_button_of_an_issue_tries_again(web: Web) -> None:
    """By JSON and by form; the run loop hears of it."""
    await failing(web)
    answer = await web.call("POST", f"/api/issues/model_failed:{MODEL_ID}/fix")
    assert answer.status == 202
    async for outlook in web.loop.watch():
        if outlook.snapshot.attempts == {MODEL_ID: 1}:
            break


async def test_readiness_follows_the_models(web: Web) -> None:
    """503 with the reason until a model answers."""
    answer = await web.call("GET", "/readyz")
    assert (answer.status, (await answer.json())["code"]) == (503, "not_ready")
    web.post(ChildReported(make_child(web.loop.outlook.snapshot)))
    async for outlook in web.loop.watch():
        if outlook.snapshot.children:
            break
    assert (await web.call("GET", "/readyz")).status == 200


async def test_numbers_are_in_prometheus_form(web: Web) -> None:
    """Counters and gauges with their labels; a content type that Prometheus takes."""
    answer = await web.call("GET", "/metrics")
    assert answer.headers["Content-Type"] == CONTENT_TYPE_LATEST
    text = await answer.text()
    assert 'meshbox_requests_total{endpoint="/v1/chat/completions",model="m",status="200"} 2.0' in text
    assert f'meshbox_model_state{{model="{MODEL_ID}",state="ready"}} 0.0' in text


async def test_the_schema_names_every_route(web: Web) -> None:
    """Programs can be written from it."""
    paths = (await document(web, "/schema"))["paths"]
    assert {"/api/setup", "/api/login", "/api/status", "/api/settings", "/api/issues/{issue_id}/fix"} <= set(paths)


async def test_the_chat_page_reaches_the_api_with_its_login(web: Web) -> None:
    """The relay sees the path from /v1 on, and nobody else gets there."""
    answer = await web.call("GET", "/api/openai/v1/models")
    assert (await answer.text()).endswith("/v1/models")


@pytest.mark.parametrize("path", ["/", "/chat", "/logs", "/logs?level=grave"])
async def test_every_page_opens(web: Web, path: str) -> None:
    """And is a whole document."""
    text = await (await web.call("GET", path)).text()
    assert text.startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")


async def frames(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, str]]:
    fields: dict[str, str] = {}
    async for raw in response.content:
        line = raw.decode().rstrip("\r\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields
            fields = {}


async def test_the_stream_begins_with_everything_and_goes_on_with_changes(web: Web) -> None:
    """`status` at once, then a typed event for each section that changes."""
    async with asyncio.timeout(10), web.session.get(web.url + "/api/events", headers=web.headers) as response:
        events = frames(response)
        first = await anext(events)
        assert (first["event"], set(json.loads(first["data"])) >= {"node", "serving"}) == ("status", True)
        web.post(ChildReported(make_child(web.loop.outlook.snapshot)))
        seen = {(await anext(events))["event"] for _ in range(3)}
        assert seen == {"node", "serving", "models"}


async def test_a_listener_goes_on_where_he_left_off(web: Web) -> None:
    """Nothing is missed and nothing told twice; an id that means nothing starts anew."""
    async with asyncio.timeout(10):
        async with web.session.get(web.url + "/api/events", headers=web.headers) as response:
            seen = (await anext(frames(response)))["id"]
        settings = web.loop.outlook.snapshot.settings
        renamed = settings.model_copy(update={"node": settings.node.model_copy(update={"name": "den"})})
        web.post(SettingsChanged(renamed))
        again = web.headers | {"Last-Event-ID": seen}
        async with web.session.get(web.url + "/api/events", headers=again) as response:
            event = await anext(frames(response))
            assert (event["event"], json.loads(event["data"])["node"]["name"]) == ("node", "den")
        async with web.session.get(
            web.url + "/api/events", headers=web.headers | {"Last-Event-ID": "other-3"}
        ) as response:
            assert (await anext(frames(response)))["event"] == "status"


@pytest.mark.parametrize("path", ["/api/events", "/events/ui?page=dashboard"])
async def test_streams_end_with_the_box(web: Web, path: str) -> None:
    """An open page does not hold up the end."""
    async with asyncio.timeout(5), web.session.get(web.url + path, headers=web.headers) as response:
        assert await response.content.readline()
        web.stopping.set()
        await response.read()


async def test_a_page_gets_all_its_blocks_at_once_and_then_what_changed(web: Web) -> None:
    """The live stream of the dashboard."""
    async with (
        asyncio.timeout(10),
        web.session.get(web.url + "/events/ui?page=dashboard", headers=web.headers) as response,
    ):
        first = await _event(response)
        assert all(f'hx-target="#{name}"' in first for name in ("headline", "issues", "serving", "hardware"))
        web.post(ChildReported(make_child(web.loop.outlook.snapshot, answer_ms=3.0)))
        second = await _event(response)
        assert 'hx-target="#serving"' in second
        assert 'hx-target="#hardware"' not in second


async def _event(response: aiohttp.ClientResponse) -> str:
    lines = []
    while line := (await response.content.readline()).decode().strip("\r\n"):
        lines.append(line)
    return "\n".join(lines)
