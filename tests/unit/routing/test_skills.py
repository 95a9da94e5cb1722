"""What models are good at, by their names and files."""

from __future__ import annotations

import pytest

from appliance.models.types import Ability, Capability
from appliance.routing.skills import BILLION, codes, size, thinks
from appliance.routing.table import Route, RouteState


def route(model: str, skills: frozenset[Capability] = frozenset(), parameters: int | None = None) -> Route:
    return Route(model, RouteState.READY, frozenset({Ability.CHAT}), skills=skills, parameters=parameters)


@pytest.mark.parametrize(
    "model",
    [
        "Qwen2.5-Coder-7B-Instruct-Q4_K_M",
        "qwen3-coder-30b-a3b",
        "deepseek-coder-v2-lite",
        "CodeLlama-13b",
        "codestral-22b",
        "Devstral-Small-2507",
        "starcoder2-15b",
        "codegemma-7b",
    ],
)
def test_coders(model: str) -> None:
    """Models made for code say so in their names."""
    assert codes(route(model))


@pytest.mark.parametrize("model", ["Qwen3-8B-Q4_K_M", "encoder-7B", "decoded-3B", "gemma-3-12b-it", "barcode-1B"])
def test_no_coders(model: str) -> None:
    """Others do not, whatever letters their names share."""
    assert not codes(route(model))


@pytest.mark.parametrize(
    ("model", "does"),
    [("DeepSeek-R1-Distill-Qwen-7B", True), ("QwQ-32B", True), ("Phi-4-reasoning", True), ("mesh-r10-7B", False)],
)
def test_thinkers(model: str, does: bool) -> None:
    """By name."""
    assert thinks(route(model)) is does


def test_thinkers_by_their_files() -> None:
    """A chat template that knows thinking is a proof."""
    assert thinks(route("Qwen3-8B", frozenset({Capability.REASONING})))


@pytest.mark.parametrize(
    ("model", "billions"),
    [
        ("Qwen2.5-7B-Instruct", 7),
        ("qwen3-0.6b-Q8_0", 0.6),
        ("Mixtral-8x7B-v0.1", 56),
        ("gemma-3-270m-it", 0.27),
        ("mesh-tiny-dense-Q8_0", 0),
    ],
)
def test_sizes(model: str, billions: float) -> None:
    """From the name where the file tells nothing."""
    assert size(route(model)) == pytest.approx(billions * BILLION)


def test_the_file_knows_better() -> None:
    """What was counted goes before what the name says."""
    assert size(route("some-7B", parameters=123)) == 123
