"""Which tokens a request costs its key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.proxy.spent import UNKNOWN_CONTEXT, Course, Spent, tokens_spent
from appliance.proxy.usage import NOTHING_TOLD, Usage

CHAT = Course("/v1/chat/completions", 200, asked=True, size=400, answers=1, events=0, stream=False, context=1024)
LEFT = replace(CHAT, status=499, stream=True, events=12)
TOLD = Usage(18, 2)


def test_what_the_engine_told_is_what_counts() -> None:
    """Whole or streamed."""
    assert tokens_spent(CHAT, TOLD) == Spent(18, 2)
    assert tokens_spent(replace(CHAT, stream=True, events=5), TOLD) == Spent(18, 2)


def test_leaving_early_is_not_free() -> None:
    """What came is counted, and the question by its length."""
    assert tokens_spent(LEFT, NOTHING_TOLD) == Spent(100, 12)
    assert tokens_spent(LEFT, Usage(tokens_in=18)) == Spent(18, 12)


@pytest.mark.parametrize(("context", "most"), [(1024, 1024), (None, UNKNOWN_CONTEXT)])
def test_an_estimate_is_never_more_than_the_model_takes(context: int | None, most: int) -> None:
    """A picture in the question is long as text."""
    assert tokens_spent(replace(LEFT, size=10**7, context=context), NOTHING_TOLD).tokens_in == most


@pytest.mark.parametrize("path", ["/tokenize", "/detokenize", "/apply-template", "/v1/messages/count_tokens"])
def test_what_asks_no_model_costs_no_tokens(path: str) -> None:
    """Counting is not reading."""
    assert tokens_spent(replace(CHAT, path=path), NOTHING_TOLD) == Spent()


def test_a_refusal_costs_no_tokens() -> None:
    """By us or by the engine."""
    assert tokens_spent(replace(CHAT, status=429, asked=False), NOTHING_TOLD) == Spent()
    assert tokens_spent(replace(CHAT, status=400), NOTHING_TOLD) == Spent()


def test_a_fault_of_the_box_costs_what_came() -> None:
    """And not the question."""
    assert tokens_spent(replace(LEFT, status=502), NOTHING_TOLD) == Spent(0, 12)


def test_several_answers_are_counted_all() -> None:
    """The engine tells the tokens of one; the events of a stream are those of all."""
    assert tokens_spent(replace(CHAT, answers=4), TOLD) == Spent(100, 8)
    assert tokens_spent(replace(CHAT, answers=4, stream=True, events=11), TOLD) == Spent(100, 11)
