"""Numbers out of headers that may hold anything."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.models.facts import MOST_WIDTH, Facts, bounded
from appliance.models.gguf_header import read_header
from tests.unit.models.gguf_files import gguf_bytes


def facts(**entries: Any) -> Facts:
    return Facts(read_header(gguf_bytes({f"llama.{name}": value for name, value in entries.items()})), "llama")


@pytest.mark.parametrize(
    ("value", "number"),
    [(5, 5), (MOST_WIDTH, MOST_WIDTH), (MOST_WIDTH + 1, 0), ("5", 0), (5.0, 0), ([5], 0), (True, 0)],
)
def test_what_is_no_sensible_number_is_none(value: Any, number: int) -> None:
    """Text, lists and absurd sizes count as absent."""
    assert facts(x=value).number("x") == number
    assert facts().number("x") == 0


@pytest.mark.parametrize(
    ("value", "each"),
    [(3, (3, 3, 3)), ([1, 2], (1, 2, 0)), ([1, 2, 3, 4], (1, 2, 3)), ([True, False], (1, 0, 0)), ("x", (0, 0, 0))],
)
def test_a_number_stands_for_all_layers_and_a_list_for_each(value: Any, each: tuple[int, ...]) -> None:
    """Always as many as there are layers."""
    assert facts(x=value).each("x", 3) == each
    assert facts().each("x", 3) is None


@pytest.mark.parametrize(("value", "fraction"), [(4.0, 4.0), (0.0, 0.0), (-1.0, 0.0), (float("nan"), 0.0), (1e30, 0.0)])
def test_fractions_are_bounded_too(value: float, fraction: float) -> None:
    """Also those that are no number at all."""
    assert facts(x=value).fraction("x") == fraction


@pytest.mark.parametrize(("value", "number"), [(-1, 0), (None, 0), (1.5, 0), (7, 7)])
def test_negative_numbers_are_none(value: object, number: int) -> None:
    """There is no less than nothing of anything."""
    assert bounded(value, 10) == number
