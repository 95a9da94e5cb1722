"""Paths of the API."""

from __future__ import annotations

import pytest

from appliance.proxy.endpoints import ENGINE_PATHS, Shape, api_path, shape_of


def test_every_engine_route_of_the_contract_is_there() -> None:
    """What the contract promises for engines, no more and no less."""
    assert set(ENGINE_PATHS) == {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/rerank",
        "/v1/responses",
        "/v1/messages",
        "/v1/messages/count_tokens",
        "/v1/audio/transcriptions",
        "/tokenize",
        "/detokenize",
        "/apply-template",
        "/infill",
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/models", "/v1/models"),
        ("/v1/models/", "/v1/models"),
        ("/api/openai/v1/chat/completions", "/v1/chat/completions"),
        ("/tokenize/", "/tokenize"),
        ("/", "/"),
    ],
)
def test_paths_under_a_mount(path: str, expected: str) -> None:
    """The same path is meant wherever the API is mounted."""
    assert api_path(path) == expected


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/messages", Shape.ANTHROPIC),
        ("/v1/messages/unknown", Shape.ANTHROPIC),
        ("/v1/responses", Shape.RESPONSES),
        ("/unknown", Shape.OPENAI),
    ],
)
def test_shapes_of_errors(path: str, shape: Shape) -> None:
    """Also of routes that are not there."""
    assert shape_of(path) is shape


def test_what_takes_a_place_at_the_engine() -> None:
    """Everything for which it computes; counting and turning tokens into text it does aside."""
    aside = {path for path, target in ENGINE_PATHS.items() if not target.works}
    assert aside == {"/tokenize", "/detokenize", "/apply-template", "/v1/messages/count_tokens"}
