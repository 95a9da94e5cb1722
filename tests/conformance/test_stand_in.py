"""What the engine's tests start in place of the engine."""

from __future__ import annotations

import pytest

from appliance.models.types import Ability
from tests.conformance.front import Given, promised
from tests.conformance.stand_in import OURS, TALKER, becomes_router, with_our_model

ASKED = ["--port", "8080", "--host", "127.0.0.1", "--alias", "tiny,b", "--api-key", "secret"]


def test_a_model_of_the_hub_becomes_ours() -> None:
    """And what else was said stays, after ours, so that it counts."""
    line = with_our_model(["--temp", "1", "--hf-repo", "ggml-org/test-model-stories260K", "--offline"])
    assert (line[:2], line[-3:]) == (["--model", str(TALKER)], ["--temp", "1", "--offline"])


def test_a_model_without_one_of_ours_ends_the_engine() -> None:
    """So its test fails on both sides and does not count."""
    with pytest.raises(SystemExit, match="bartowski/big"):
        with_our_model(["--hf-repo", "bartowski/big"])


def test_all_of_our_models_are_there() -> None:
    """As files."""
    assert [model for model, *_ in OURS.values() if not model.endswith(".gguf")] == []


def test_without_a_model_it_is_a_router() -> None:
    """Which stays the engine's own business."""
    assert becomes_router(with_our_model(["--port", "1"]))


def test_the_api_hears_what_the_engine_was_told() -> None:
    """Port, key, abilities, and the first of its names."""
    given = Given.on([*ASKED, "--embedding"])
    assert (given.port, given.key, given.alias) == (8080, "secret", "b")
    assert given.abilities == {Ability.CHAT, Ability.COMPLETION, Ability.EMBEDDING}


@pytest.mark.parametrize(
    ("asked", "ours"),
    [
        ("/v1/messages", "/v1/messages"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/models", "/v1/models"),
        ("/completion", None),
        ("/embeddings", None),
        ("/slots", None),
    ],
)
def test_what_we_promise_goes_through_us(asked: str, ours: str | None) -> None:
    """Under each of its names; what the engine answers in a shape of its own does not."""
    assert promised(asked) == ours
