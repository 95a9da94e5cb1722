"""Programs for Ollama, in front of the real engine: what they send, and what they read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from appliance.activity.types import Ended
from appliance.keys.keyring import Keyring
from appliance.keys.store import KeyStore
from appliance.keys.types import Grant, Group
from appliance.proxy import early
from appliance.proxy.forward import CLIENT_GONE
from appliance.proxy.gate import KeyGate
from appliance.routing.table import RouteState
from appliance.settings.schema import ApiSettings, Settings
from appliance.storage.database import Database
from appliance.tasks import TaskGroup
from tests.app.proxy.harness import MODEL, Answer, Engine, raw_request, ready, until
from tests.app.proxy.ollama_harness import OllamaApi, running_ollama
from tests.app.proxy.test_load import BUFFERS, MUCH, Flood
from tests.fakes.upstream import STREAM_HEAD, chunk, fake_upstream, says_nothing, sends

CHAT, GENERATE = "/api/chat", "/api/generate"
COLD = {"temperature": 0, "num_predict": 16}
ASKED = [{"role": "user", "content": "What is 3 + 4?"}]
QUESTION: dict[str, Any] = {"model": "mesh-tiny-dense:latest", "messages": ASKED, "options": COLD}
WHOLE = {**QUESTION, "stream": False}
ENDLESS = {**QUESTION, "messages": [{"role": "user", "content": "Tell me about the sea. " * 40}], "options": {}}
HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\nhalf"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "description": "name of the city"}},
            "required": ["city"],
        },
    },
}
PAGE = "https://chat.example.org"


@pytest.fixture
async def ollama(engine: Engine, plane: str) -> AsyncIterator[OllamaApi]:
    async with running_ollama() as api:
        await engine.until_idle()
        api.serve(ready(engine.endpoint))
        yield api


@pytest.mark.parametrize("path", ["/", ""])
async def test_programs_see_that_somebody_is_there(ollama: OllamaApi, path: str) -> None:
    """Many look for these words, others only whether anything answers."""
    said = await ollama.get(path)
    head = await ollama.ask("HEAD", path)
    assert (said.status, said.body[:17], head.status, head.body) == (200, b"Ollama is running", 200, b"")


async def test_a_chat_whole(ollama: OllamaApi) -> None:
    """The right answer, with tokens and times in nanoseconds."""
    said = (await ollama.post(CHAT, WHOLE)).json
    assert (said["message"], said["done"], said["done_reason"]) == ({"role": "assistant", "content": "7"}, True, "stop")
    assert (said["model"], said["prompt_eval_count"], said["eval_count"]) == ("mesh-tiny-dense:latest", 18, 2)
    assert said["total_duration"] >= said["eval_duration"] > 0


async def test_a_chat_in_lines(ollama: OllamaApi) -> None:
    """A stream unless asked otherwise; only the last line is done."""
    lines = await ollama.lines(CHAT, QUESTION)
    assert "".join(line["message"]["content"] for line in lines) == "7"
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert lines[-1]["eval_count"] == 2


async def test_generate(ollama: OllamaApi) -> None:
    """The same for a single prompt, whole and in lines; and raw, as the model goes on by itself."""
    prompt = {"model": MODEL, "prompt": "What is 3 + 4?", "options": COLD}
    whole = (await ollama.post(GENERATE, {**prompt, "stream": False})).json
    lines = await ollama.lines(GENERATE, prompt)
    assert whole["response"] == "".join(line["response"] for line in lines) == "7"
    raw = (await ollama.post(GENERATE, {**prompt, "raw": True, "stream": False, "options": {"num_predict": 2}})).json
    assert (raw["done_reason"], raw["eval_count"]) == ("length", 2)


async def test_an_answer_keeps_to_a_schema(ollama: OllamaApi) -> None:
    """Programs read it by machine."""
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    said = (await ollama.post(CHAT, {**WHOLE, "format": schema, "options": {"num_predict": 64}})).json
    assert list(json.loads(said["message"]["content"])) == ["sum"]


@pytest.mark.parametrize("stream", [True, False])
async def test_a_tool_is_called_and_its_result_read(ollama: OllamaApi, stream: bool) -> None:
    """With its arguments as an object, and without an id for the result."""
    asked = [{"role": "user", "content": "What is the weather in Sofia?"}]
    body = {"model": MODEL, "tools": [WEATHER], "options": {"temperature": 0, "num_predict": 64}}
    if stream:
        called, _ = await ollama.lines(CHAT, {**body, "messages": asked})
    else:
        called = (await ollama.post(CHAT, {**body, "messages": asked, "stream": False})).json
    (call,) = called["message"]["tool_calls"]
    assert (call["function"]["name"], call["function"]["arguments"]) == ("get_weather", {"city": "Sofia"})
    told = [*asked, called["message"], {"role": "tool", "tool_name": "get_weather", "content": "rain"}]
    said = (await ollama.post(CHAT, {**body, "messages": told, "stream": False})).json
    assert said["message"]["content"] == "The weather in Sofia: rain."


async def test_the_model_lists(ollama: OllamaApi) -> None:
    """What there is, what is in memory, and everything about one."""
    tags, loaded = (await ollama.get("/api/tags")).json, (await ollama.get("/api/ps")).json
    assert [entry["name"] for entry in tags["models"]] == [f"{MODEL}:latest", "auto:latest"]
    assert [entry["model"] for entry in loaded["models"]] == [f"{MODEL}:latest"]
    shown = (await ollama.post("/api/show", {"model": "mesh-tiny-dense"})).json
    assert (shown["capabilities"], shown["model_info"]["qwen3.context_length"]) == (["completion"], 1024)
    assert (await ollama.get("/api/version")).json["version"].count(".") == 2


async def test_the_choice_may_be_left_to_the_box(ollama: OllamaApi) -> None:
    """Under the name that the list shows."""
    said = await ollama.post(CHAT, {**WHOLE, "model": "auto:latest"})
    assert (said.status, said.headers["X-Meshbox-Model"]) == (200, MODEL)


async def test_what_means_nothing_here_is_named(ollama: OllamaApi) -> None:
    """In a header: the context is a setting of the box."""
    said = await ollama.post(CHAT, {**WHOLE, "options": {**COLD, "num_ctx": 8192}, "keep_alive": "5m"})
    assert (said.status, said.headers["X-Meshbox-Ignored"]) == (200, "options.num_ctx, keep_alive")


async def test_no_words_load_a_model_that_sleeps(ollama: OllamaApi, engine: Engine) -> None:
    """And the answer comes when it is there."""
    ollama.serve(replace(ready(engine.endpoint), state=RouteState.SLEEPING, endpoint=None))
    tasks = TaskGroup()
    asked = tasks.start("load", ollama.post(GENERATE, {"model": MODEL}))
    await until(lambda: ollama.woken == [MODEL])
    ollama.serve(ready(engine.endpoint))
    (line,) = (json.loads(line) for line in (await asked).body.splitlines())
    assert (line["response"], line["done"], line["done_reason"]) == ("", True, "load")
    await tasks.close()


async def test_nobody_puts_out_a_model_that_others_use(ollama: OllamaApi) -> None:
    """The program hears what it expects; the model stays."""
    said = (await ollama.post(CHAT, {"model": MODEL, "messages": [], "keep_alive": 0, "stream": False})).json
    assert (said["done_reason"], ollama.woken) == ("unload", [])


async def test_one_who_waits_for_a_model_gets_lines_all_the_while(
    ollama: OllamaApi, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the usual kind: a program that reads them one by one takes no harm."""
    monkeypatch.setattr(early, "FIRST_AFTER_SECONDS", 0.0)
    ollama.serve(replace(ready(engine.endpoint), state=RouteState.SLEEPING, endpoint=None))
    async with ollama.session.post(ollama.url + CHAT, json=QUESTION) as response:
        first = json.loads(await response.content.readline())
        ollama.serve(ready(engine.endpoint))
        rest = [json.loads(line) async for line in response.content]
    assert (first["message"], first["done"]) == ({"role": "assistant", "content": ""}, False)
    assert ("".join(line["message"]["content"] for line in rest), rest[-1]["done"]) == ("7", True)


async def test_a_model_that_does_not_come_ends_the_lines_with_an_error(
    ollama: OllamaApi, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the answer has begun there is no status left to tell it with."""
    monkeypatch.setattr(early, "FIRST_AFTER_SECONDS", 0.0)
    ollama.settings = Settings(api=ApiSettings(wait_for_model_s=1))
    ollama.serve(replace(ready(engine.endpoint), state=RouteState.SLEEPING, endpoint=None))
    *_, last = await ollama.lines(CHAT, QUESTION)
    assert "still loading" in last["error"]


@pytest.mark.parametrize("stream", [True, False])
async def test_an_answer_that_breaks_off_is_told(ollama: OllamaApi, stream: bool) -> None:
    """In mid-stream by a last line, before it by a status."""
    half = STREAM_HEAD + chunk(b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n') if stream else HALF
    async with fake_upstream(sends(half, then_close=True)) as fake:
        ollama.serve(ready(fake.endpoint))
        answer = await ollama.post(CHAT, {**QUESTION, "stream": stream})
    last = json.loads(answer.body.splitlines()[-1])
    assert (list(last), answer.status) == (["error"], 200 if stream else 502)


async def test_leaving_in_mid_stream_frees_the_slot(ollama: OllamaApi, engine: Engine) -> None:
    """As on the API's own port."""
    async with raw_request(ollama, CHAT, {**ENDLESS, "options": {"num_predict": 4000}}) as (reader, _):
        await reader.readuntil(b"\n")
        await reader.readuntil(b'"done":false')
    await until(lambda: ollama.meter.load().in_flight == 0)
    await engine.until_idle(8.0)


async def test_leaving_before_the_first_byte_is_noticed(ollama: OllamaApi) -> None:
    """While an engine that says nothing is waited for."""
    async with fake_upstream(says_nothing) as fake:
        ollama.serve(ready(fake.endpoint))
        async with raw_request(ollama, CHAT, WHOLE):
            await until(lambda: ollama.meter.in_flight(MODEL) == 1)
        await until(lambda: (MODEL, "/v1/chat/completions", CLIENT_GONE) in ollama.meter.totals())
        async with asyncio.timeout(5):
            await fake.lost.wait()


async def test_what_a_client_does_not_read_stays_in_the_engine(ollama: OllamaApi) -> None:
    """No answer piles up in the memory of the box, translated or not."""
    flood = Flood(MUCH, b'data: {"choices":[{"delta":{"content":"' + b"x" * 1000 + b'"}}]}\n\n')
    async with fake_upstream(flood.script) as fake:
        ollama.serve(ready(fake.endpoint))
        async with raw_request(ollama, CHAT, QUESTION):
            await flood.until_stuck()
            assert (0 < flood.sent < BUFFERS, ollama.meter.in_flight(MODEL)) == (True, 0)
        async with asyncio.timeout(2):
            await fake.lost.wait()


async def test_a_stream_that_cannot_be_read_is_ended(ollama: OllamaApi) -> None:
    """Nobody is left waiting while an engine goes on with it."""
    flood = Flood(MUCH)
    async with fake_upstream(flood.script) as fake:
        ollama.serve(ready(fake.endpoint))
        (line,) = await ollama.lines(CHAT, QUESTION)
        async with asyncio.timeout(5):
            await fake.lost.wait()
    assert (list(line), flood.sent < MUCH) == (["error"], True)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"messages": []}', 400),
        (b'{"model": "nothing-like-it", "messages": [{"role": "user", "content": "Hi"}]}', 404),
        (b'{"model": "nothing-like-it", "keep_alive": 0}', 404),
        (json.dumps({**QUESTION, "options": {"temperature": "hot"}}).encode(), 400),
        (json.dumps({**QUESTION, "messages": [{**ASKED[0], "images": ["iVBORw0="]}]}).encode(), 400),
    ],
)
async def test_refusals_are_in_ollamas_shape(ollama: OllamaApi, body: bytes, status: int) -> None:
    """One field with a sentence, and a status; each stands in the books."""
    said = await ollama.post(CHAT, body)
    assert (said.status, list(said.json)) == (status, ["error"])
    assert isinstance(said.json["error"], str)
    await until(lambda: sum(ollama.meter.totals().values()) == 1)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/pull"),
        ("POST", "/api/push"),
        ("POST", "/api/create"),
        ("POST", "/api/copy"),
        ("DELETE", "/api/delete"),
        ("POST", "/api/blobs/sha256:00"),
    ],
)
async def test_models_are_managed_on_the_page(ollama: OllamaApi, method: str, path: str) -> None:
    """The refusal says where."""
    said = await ollama.ask(method, path, {"model": "llama3.2"})
    assert said.status == 403
    assert "on its page" in said.json["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/api/me", 404), ("GET", CHAT, 405), ("POST", "/api/tags", 405)]
)
async def test_what_there_is_not(ollama: OllamaApi, method: str, path: str, status: int) -> None:
    """In the same shape."""
    said = await ollama.ask(method, path)
    assert (said.status, list(said.json)) == (status, ["error"])


async def test_the_other_api_is_there_as_well(ollama: OllamaApi) -> None:
    """Programs use both on one port; errors there have the shape of that API."""
    body = {"model": MODEL, "messages": ASKED, "temperature": 0}
    said = await ollama.post("/v1/chat/completions", body)
    assert said.json["choices"][0]["message"]["content"] == "7"
    assert (await ollama.get("/v1/models")).json["data"][0]["id"] == MODEL
    assert (await ollama.post("/v1/chat/completions", b"{")).code == "malformed_json"
    assert (await ollama.get("/healthz")).status == 200


async def test_requests_are_counted(ollama: OllamaApi) -> None:
    """Tokens and all, as if they had come to the API's own port."""
    ended: list[Ended] = []
    ollama.meter._told = ended.extend
    await ollama.lines(CHAT, QUESTION)
    await until(lambda: len(ended) == 1)
    assert (ended[0].model, ended[0].status, ended[0].tokens_in, ended[0].tokens_out) == (MODEL, 200, 18, 2)


async def test_foreign_pages_get_nowhere_and_listed_ones_do(ollama: OllamaApi) -> None:
    """The same rules as on the API's own port."""
    refused = await ollama.post(CHAT, WHOLE, Origin=PAGE)
    assert (refused.status, list(refused.json)) == (403, ["error"])
    ollama.settings = Settings(api=ApiSettings(allowed_origins=(PAGE,)))
    good, bad = await ollama.post(CHAT, WHOLE, Origin=PAGE), await ollama.post(CHAT, b"{", Origin=PAGE)
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    preflight = await ollama.ask("OPTIONS", CHAT, headers=asked)
    allowed = [answer.headers.get("Access-Control-Allow-Origin") for answer in (good, bad, preflight)]
    assert (good.status, bad.status, preflight.status, allowed) == (200, 400, 204, [PAGE] * 3)


async def test_keys_open_what_they_open_on_the_other_port(engine: Engine, tmp_path: Path, plane: str) -> None:
    """Without one a closed box shows no model; a key for embeddings does not chat; its tokens are counted."""
    database = Database(tmp_path / "state.db")
    await database.open()
    keys = Keyring(KeyStore(database))
    await keys.open()
    key, secret = await keys.create(Grant("Laptop"))
    _, other = await keys.create(Grant("Embedder", endpoints=frozenset({Group.EMBEDDINGS})))

    def by(secret: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    async with running_ollama(KeyGate(keys, lambda: True)) as api:
        api.serve(ready(engine.endpoint))
        refused = [await api.get("/api/tags"), await api.post(CHAT, WHOLE), await api.post("/api/show", {"model": "m"})]
        assert [(one.status, list(one.json)) for one in refused] == [(401, ["error"])] * 3
        assert (await api.get("/")).status == (await api.get("/api/version")).status == 200
        assert (await api.ask("POST", CHAT, WHOLE, by(other))).status == 403
        assert (await api.ask("POST", CHAT, WHOLE, by(secret))).json["message"]["content"] == "7"
        assert (await api.ask("GET", "/api/tags", headers=by(secret))).status == 200
        await until(lambda: keys.standing(key).today.tokens_out == 2)
    await database.close()


async def test_too_large_a_request_is_refused(ollama: OllamaApi) -> None:
    """By the same limit."""
    ollama.settings = Settings(api=ApiSettings(max_body_mib=1))
    said: Answer = await ollama.post(CHAT, b" " * (1 << 20) + b" ")
    assert (said.status, list(said.json)) == (413, ["error"])
