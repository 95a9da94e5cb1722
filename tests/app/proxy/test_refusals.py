"""Bad input of every kind is answered by a fitting 4xx in the right shape, and the box goes on."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
from dataclasses import replace
from typing import Any, cast

import pytest

from appliance.proxy.endpoints import ENGINE_PATHS, Shape
from appliance.routing.table import Route, RouteState
from appliance.settings.schema import ApiSettings, Settings
from tests.app.proxy.harness import MODEL, QUESTION, TALKS, Api, Engine, ready, running_api, until

CHAT = "/v1/chat/completions"
JSON_PATHS = [path for path, target in ENGINE_PATHS.items() if not target.multipart]
MALFORMED = {
    "empty": b"",
    "no json": b"What is 3 + 4?",
    "cut": b'{"model": "mesh',
    "array": b"[]",
    "number": b"7",
    "not utf-8": b'{"model": "\xff\xfe"}',
    "not utf-8 below": b'{"a": {"b": "\xc3"}}',
    "nested": b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "twice": b'{"model": "a", "model": "b"}',
    "model a number": b'{"model": 5}',
    "model empty": b'{"model": ""}',
    "nul": b"\x00" * 50,
    "bom": b"\xef\xbb\xbf{}",
    "nan": b'{"temperature": NaN}',
}


def message(said: Any, shape: Shape) -> str:
    """The error's text, with its shape checked."""
    if shape is Shape.ANTHROPIC:
        assert (said["type"], {"type", "message"} <= set(said["error"])) == ("error", True)
    else:
        assert {"message", "type", "param", "code"} <= set(said["error"])
    text = said["error"]["message"]
    assert isinstance(text, str)
    assert text
    return text


@pytest.mark.parametrize("path", JSON_PATHS)
async def test_malformed_bodies(api: Api, path: str) -> None:
    """No malformed body passes any route, and none makes an error of ours."""
    statuses = {}
    for name, body in MALFORMED.items():
        said = await api.post(path, body)
        message(said.json, ENGINE_PATHS[path].shape)
        statuses[name] = said.status
    assert statuses == dict.fromkeys(MALFORMED, 400)


WRONG_FIELDS: list[tuple[str, dict[str, Any]]] = [
    (CHAT, {}),
    (CHAT, {"messages": "x"}),
    (CHAT, {"messages": [5]}),
    (CHAT, {"messages": [{"role": "user", "content": 5}]}),
    (CHAT, {**QUESTION, "temperature": "hot"}),
    (CHAT, {**QUESTION, "stream": "yes"}),
    (CHAT, {**QUESTION, "grammar": "((("}),
    (CHAT, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]}]}),
    ("/v1/completions", {}),
    ("/v1/completions", {"prompt": {"a": 1}}),
    ("/v1/completions", {"prompt": [99999999]}),
    ("/v1/responses", {}),
    ("/v1/responses", {"input": 5}),
    ("/v1/messages", {}),
    ("/v1/messages", {"messages": [{"role": "user", "content": 5}]}),
    ("/v1/messages/count_tokens", {}),
    ("/tokenize", {"content": 5}),
    ("/detokenize", {"tokens": "x"}),
    ("/detokenize", {"tokens": [999999999]}),
    ("/apply-template", {"messages": 1}),
    ("/v1/embeddings", {"input": "blue"}),
    ("/v1/rerank", {"query": "a", "documents": ["b"]}),
    ("/infill", {"input_prefix": "a", "input_suffix": "b"}),
]


@pytest.mark.parametrize(("path", "body"), WRONG_FIELDS)
async def test_wrong_fields_and_missing_abilities(api: Api, path: str, body: dict[str, Any]) -> None:
    """What the engine itself refuses reaches the client as a 400 in the right shape."""
    said = await api.post(path, {**body, "model": MODEL})
    message(said.json, ENGINE_PATHS[path].shape)
    assert said.status == 400


async def test_a_model_that_cannot_embed_says_so(api: Api) -> None:
    """Asking a chat model for embeddings gives unsupported_endpoint."""
    said = await api.post("/v1/embeddings", {"input": "blue", "model": MODEL})
    assert (said.status, said.code, MODEL in said.json["error"]["message"]) == (400, "unsupported_endpoint", True)


async def test_a_prompt_longer_than_the_context_says_so(api: Api) -> None:
    """The error names both sizes."""
    said = await api.post(CHAT, {"messages": [{"role": "user", "content": "blue sky " * 9000}]})
    error = said.json["error"]
    assert (said.status, error["code"], error["n_ctx"] < error["n_prompt_tokens"]) == (
        400,
        "context_length_exceeded",
        True,
    )


@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/messages"])
async def test_who_could_take_a_long_prompt_is_named(api: Api, engine: Engine, path: str) -> None:
    """As advice alone: nobody answers in the place of the model that was asked."""
    roomy = ready(engine.endpoint, "roomy", context=90_000)
    asleep = replace(roomy, model="asleep", state=RouteState.SLEEPING, endpoint=None, context=None, reach=10_000)
    api.serve(ready(engine.endpoint), asleep)
    long = "blue sky " * 9000
    said_as = {"input": long} if path == "/v1/responses" else {"messages": [{"role": "user", "content": long}]}
    question = {"model": MODEL, "max_tokens": 4} | said_as
    alone = (await api.post(path, question)).json["error"]
    api.serve(ready(engine.endpoint), asleep, roomy)
    said = (await api.post(path, question)).json["error"]
    assert "models" not in alone
    assert said["models"] == [{"id": "roomy", "context_length": 90_000, "status": "ready"}]
    assert said["message"].endswith("The model roomy has room for 90000 tokens: ask for that one.")
    assert api.woken == []


async def test_transcription_takes_a_form(api: Api) -> None:
    """A form reaches the engine, which says that this model cannot hear; a broken one is refused before."""
    form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nmesh-tiny-dense\r\n--b\r\n'
    form += b'Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n--b--\r\n'
    kind = "multipart/form-data; boundary=b"
    said = [await api.post("/v1/audio/transcriptions", body, Content_Type=kind) for body in (form, form[:60], b"")]
    said.append(await api.post("/v1/audio/transcriptions", form))
    assert [(a.status, a.code) for a in said] == [
        (400, "unsupported_endpoint"),
        (400, "malformed_form"),
        (400, "malformed_form"),
        (400, "malformed_form"),
    ]


@pytest.mark.parametrize("path", [CHAT, "/v1/messages"])
async def test_an_unknown_model_names_its_neighbours(api: Api, path: str) -> None:
    """A wrong name is a 404 with the nearest names, never another model's answer."""
    said = await api.post(path, {**QUESTION, "model": "mesh-tiny-dens"})
    assert (said.status, said.code, said.json["error"]["nearest"]) == (404, "model_not_found", [MODEL])
    assert MODEL in message(said.json, ENGINE_PATHS[path].shape)


async def test_states_of_a_model_are_told() -> None:
    """Loading, failed, and no model at all: each has its own word, and a time to come back where that helps."""
    async with running_api() as api:
        told = []
        for routes in (
            [Route(MODEL, RouteState.LOADING, TALKS, progress=0.5)],
            [Route(MODEL, RouteState.FAILED, TALKS, reason="The file is cut short.")],
            [],
        ):
            api.serve(*routes)
            said = await api.post(CHAT, {**QUESTION, "model": MODEL})
            told.append((said.status, said.code, said.headers.get("Retry-After")))
    assert told == [(503, "model_loading", "2"), (503, "model_failed", None), (503, "no_model", "5")]


async def test_a_model_that_loads_says_when_to_come_again() -> None:
    """By what is left of its way, in the header and in the body."""
    async with running_api() as api:
        api.serve(Route(MODEL, RouteState.LOADING, TALKS, progress=0.5, started=time.time() - 20))
        said = await api.post(CHAT, {**QUESTION, "model": MODEL})
    assert 20 <= said.json["error"]["retry_in"] <= 40
    assert said.headers["Retry-After"] == str(said.json["error"]["retry_in"])


async def test_no_model_for_an_ability_is_told(api: Api) -> None:
    """`auto` never picks a model that cannot do what is asked."""
    said = await api.post("/v1/embeddings", {"input": "blue"})
    assert (said.status, said.code) == (400, "unsupported_endpoint")


async def test_a_stopping_box_takes_nothing_new(api: Api) -> None:
    """Once the box stops, new requests get 503 with Retry-After, and the health check says so."""
    api.stopping.set()
    said = await api.post(CHAT, QUESTION)
    health = await api.get("/healthz")
    assert (said.status, said.code, said.headers["Retry-After"], health.status) == (503, "box_stopping", "5", 503)


async def test_a_stopping_box_lets_running_answers_end(api: Api, engine: Engine) -> None:
    """A stream that runs when the box is told to stop comes to its normal end."""
    body = {**QUESTION, "ignore_eos": True, "max_tokens": 300, "stream": True}
    async with api.session.post(api.url + CHAT, json=body) as response:
        await response.content.readuntil(b"\n\n")
        api.stopping.set()
        rest = await response.content.read()
    assert rest.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_too_large_is_refused(api: Api, chunked: bool) -> None:
    """Above the limit the answer is 413, whether the size was announced or not, and it is not read into memory."""
    api.settings = Settings(api=ApiSettings(max_body_mib=1))
    body = json.dumps({**QUESTION, "pad": "x" * (3 << 20)}).encode()

    async def pieces() -> Any:
        for at in range(0, len(body), 65536):
            yield body[at : at + 65536]

    async with api.session.post(api.url + CHAT, data=pieces() if chunked else io.BytesIO(body)) as response:
        said = await response.json()
    assert (response.status, said["error"]["code"]) == (413, "request_too_large")


async def test_a_body_just_below_the_limit_passes(api: Api) -> None:
    """A large body that is allowed is answered."""
    api.settings = Settings(api=ApiSettings(max_body_mib=4))
    assert (await api.post(CHAT, {**QUESTION, "pad": "x" * (3 << 20)})).status == 200


async def test_a_compressed_body_is_refused(api: Api) -> None:
    """Content-Encoding is not silently ignored."""
    said = await api.post(CHAT, b"\x1f\x8b", Content_Encoding="gzip")
    assert (said.status, said.code) == (415, "unsupported_encoding")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/nothing", 404),
        ("POST", "/chat/completions", 404),
        ("POST", "/x/v1/chat/completions", 404),
        ("POST", "/v1/messages/nothing", 404),
        ("GET", CHAT, 405),
        ("DELETE", "/v1/models", 405),
        ("PUT", "/healthz", 405),
        ("GET", "/v1/messages", 405),
        ("GET", "/v1/models/nothing", 404),
    ],
)
async def test_unknown_routes_and_methods(api: Api, method: str, path: str, status: int) -> None:
    """They are told in the same JSON shape as everything else."""
    said = await api.ask(method, path)
    message(said.json, Shape.ANTHROPIC if path.startswith("/v1/messages") else Shape.OPENAI)
    assert (said.status, "Allow" in said.headers, "X-Request-Id" in said.headers) == (status, status == 405, True)


async def test_a_missing_prefix_is_pointed_out(api: Api) -> None:
    """The commonest mistake, a base URL without /v1, is named."""
    said = await api.post("/chat/completions", QUESTION)
    assert "Did you mean /v1/chat/completions?" in said.json["error"]["message"]


async def test_a_client_that_stops_sending_is_told(api: Api) -> None:
    """A connection that breaks within its body is not an error of ours."""
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(b"POST " + CHAT.encode() + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    await until(lambda: api.meter.load().in_flight == 1)
    writer.transport.abort()
    await until(lambda: api.meter.load().in_flight == 0)
    assert dict(api.meter.totals()) == {("", CHAT, 499): 1}


async def test_a_failed_model_is_found_by_name_only(engine: Engine) -> None:
    """The list holds what answers or is about to; a failed model's entry says why."""
    async with running_api() as api:
        api.serve(ready(engine.endpoint), Route("broken", RouteState.FAILED, TALKS, reason="cut short"))
        listed = [entry["id"] for entry in (await api.get("/v1/models")).json["data"]]
        entry = (await api.get("/v1/models/broken")).json
    assert (listed, entry["status"], entry["meshbox"]["reason"]) == ([MODEL, "auto"], "failed", "cut short")


async def test_a_mistake_of_ours_ends_one_request_only(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """An unforeseen error is a 500 in the right shape, stands in the log, and the next request is answered."""
    good, api.settings = api.settings, cast("Settings", None)
    failed = await api.post("/v1/messages", QUESTION, X_Request_Id="oops")
    api.settings = good
    assert (failed.status, failed.json["type"], failed.code) == (500, "error", "internal_error")
    assert ("request oops failed" in caplog.text, (await api.post(CHAT, QUESTION)).status) == (True, 200)


@pytest.mark.parametrize(
    "field", ["tools", "response_format", "messages", "chat_template_kwargs", "logit_bias", "unknown"]
)
async def test_deep_nesting_that_is_allowed_does_not_end_the_engine(api: Api, engine: Engine, field: str) -> None:
    """What passes our own limit is survived by the engine."""
    deep = b"[" * 800 + b"]" * 800
    nested = b'{"type":"function","function":{"name":"f","parameters":{"a":%s}}}' % deep if field == "tools" else deep
    body = json.dumps({k: v for k, v in QUESTION.items() if k != field}).encode()[:-1]
    said = await api.post(CHAT, body + b', "%s": [%s]}' % (field.encode(), nested))
    assert (said.status in (200, 400), engine.process.poll()) == (True, None)


async def test_every_request_leaves_one_line_in_the_access_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Id, route, model, status and sizes; never a word of what was said."""
    with caplog.at_level(logging.INFO, "meshbox.access"):
        await api.post(CHAT, QUESTION, X_Request_Id="mine-1")
    (line,) = [record.getMessage() for record in caplog.records if record.name == "meshbox.access"]
    assert line.startswith(f"mine-1 {CHAT} model={MODEL} status=200 stream=False bytes=")
    assert "3 + 4" not in line
