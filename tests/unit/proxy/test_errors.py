"""Errors in the shapes of their APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy import errors
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError, from_engine
from appliance.routing.table import Route, RouteState


def engine_says(status: int, message: str, kind: str, **fields: Any) -> ApiError:
    body = json.dumps({"error": {"code": status, "message": message, "type": kind, **fields}}).encode()
    return from_engine(status, body, "m")


def test_openai_shape() -> None:
    """message, type, param and code, and details beside them."""
    assert errors.model_loading("m", 0.5).body(Shape.OPENAI) == {
        "error": {
            "message": "The model m is still loading (50% done). Try again in a moment.",
            "type": "server_error",
            "param": "model",
            "code": "model_loading",
            "model": "m",
            "progress": 0.5,
            "retry_in": 2,
        }
    }


def test_a_model_that_loads_for_long_says_how_long() -> None:
    """In the words, the body and the header alike."""
    error = errors.model_loading("m", 0.5, 30)
    assert error.message == "The model m is still loading (50% done). Try again in 30 seconds."
    assert (error.headers, error.details["retry_in"]) == ([(b"retry-after", b"30")], 30)


def test_anthropic_shape() -> None:
    """type error, and the error's type and message within."""
    assert errors.model_not_found("x", []).body(Shape.ANTHROPIC) == {
        "type": "error",
        "error": {
            "type": "not_found_error",
            "message": "No model called 'x' is served here. GET /v1/models lists what is served.",
            "code": "model_not_found",
            "nearest": [],
        },
    }


@pytest.mark.parametrize(
    ("shape", "names", "kind"), [(Shape.OPENAI, 0, None), (Shape.RESPONSES, 1, "error"), (Shape.ANTHROPIC, 1, "error")]
)
def test_stream_events(shape: Shape, names: int, kind: str | None) -> None:
    """An error within a stream is one whole event of the kind that the API's clients know."""
    event = errors.answer_cut("m", "gone").stream_event(shape)
    *named, data, end, nothing = event.split(b"\n")
    content = json.loads(data.removeprefix(b"data: "))
    assert (named, end, nothing, content.get("type"), "message" in content["error"]) == (
        [b"event: error"] * names,
        b"",
        b"",
        kind,
        True,
    )


def test_retry_after_stands_in_the_headers() -> None:
    """Where coming back helps, the header says when."""
    assert errors.draining().headers == [(b"retry-after", b"5")]


@pytest.mark.parametrize(
    ("status", "message", "kind", "expected"),
    [
        (400, "'messages' is required", "invalid_request_error", (400, "invalid_request")),
        (500, "'messages' is required", "server_error", (400, "invalid_request")),
        (500, "[json.exception.type_error.302] type must be string", "server_error", (400, "invalid_request")),
        (500, "vector::_M_range_check: __n", "server_error", (400, "invalid_request")),
        (500, "input (600 tokens) is too large to process", "server_error", (400, "invalid_request")),
        (500, "image input is not supported - hint", "server_error", (400, "unsupported_endpoint")),
        (501, "This server does not support embeddings.", "not_supported_error", (400, "unsupported_endpoint")),
        (503, "Loading model", "unavailable_error", (503, "model_loading")),
        (500, "[json.exception.type_error.316] invalid UTF-8 byte", "server_error", (500, "engine_error")),
        (500, "got exception: out of memory", "server_error", (500, "engine_error")),
        (401, "Invalid API Key", "authentication_error", (502, "engine_error")),
        (404, "File Not Found", "not_found_error", (502, "engine_error")),
        (413, "", "", (413, "invalid_request")),
    ],
)
def test_an_engine_is_translated(status: int, message: str, kind: str, expected: tuple[int, str]) -> None:
    """Who is at fault is told rightly: the client, the engine, or the box."""
    error = engine_says(status, message, kind)
    assert (error.status, error.code) == expected


def test_a_long_prompt_is_told_with_both_sizes() -> None:
    """The code is OpenAI's, and the sizes are passed on."""
    error = engine_says(400, "too long", "exceed_context_size_error", n_prompt_tokens=9, n_ctx=5)
    assert error.body(Shape.OPENAI)["error"] == {
        "message": "too long",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
        "n_prompt_tokens": 9,
        "n_ctx": 5,
    }


def test_a_long_prompt_is_told_who_could_take_it() -> None:
    """In the words the best of them, in both shapes; the sizes stay."""
    error = engine_says(400, "The request is too long.", "exceed_context_size_error", n_prompt_tokens=9, n_ctx=5)
    large, asleep = (
        Route("large", RouteState.READY, frozenset(), context=10),
        Route("asleep", RouteState.SLEEPING, frozenset()),
    )
    told = errors.with_roomier(error, [(large, 10), (asleep, 20)])
    later = errors.with_roomier(error, [(asleep, 20)])
    assert told.message == "The request is too long. The model large has room for 10 tokens: ask for that one."
    assert later.message.endswith("The model asleep may take up to 20 tokens: ask for that one, and it is loaded.")
    for shape in Shape:
        said = told.body(shape)["error"]
        assert (said["code"], said["n_ctx"]) == ("context_length_exceeded", 5)
        assert said["models"] == [
            {"id": "large", "context_length": 10, "status": "ready"},
            {"id": "asleep", "context_length": 20, "status": "sleeping"},
        ]


@given(st.integers(400, 599), st.binary(max_size=100) | st.just(b'{"error":5}') | st.just(b'{"error":{"message":5}}'))
def test_whatever_an_engine_sends_becomes_an_error(status: int, body: bytes) -> None:
    """No body of an engine breaks the translation, and the client always gets a message."""
    error = from_engine(status, body, "m")
    assert 400 <= error.status < 600
    assert error.message


def test_who_is_sent_away_knows_when_to_come_again() -> None:
    """Whole seconds, at least one, in the header and in the words."""
    full, late = errors.queue_full("m", 7, 0.2), errors.queue_timeout("m", 3, 61.4, 12.3)
    assert [(one.status, one.code, one.headers) for one in (full, late)] == [
        (429, "queue_full", [(b"retry-after", b"1")]),
        (429, "queue_timeout", [(b"retry-after", b"13")]),
    ]
    assert late.message == (
        "This request has waited 61 seconds for m and was number 3 in the line. Try again in 13 seconds."
    )


@pytest.mark.parametrize(
    ("model", "others", "says"),
    [
        ("m", ["a", "b"], "The model m does not take pictures and sound. Ask for a or b, which can."),
        ("m", [], "The model m does not take pictures and sound, and no other of this box does. Add one that does"),
        (None, [], "No model of this box takes pictures and sound. Add one that does"),
    ],
)
def test_what_a_model_cannot_take(model: str | None, others: list[str], says: str) -> None:
    """The refusal names those that can, or what to do when there is none."""
    refusal = errors.cannot_take(model, ["image", "audio"], others, "unsupported_input")
    assert (refusal.status, refusal.message.startswith(says)) == (400, True)
