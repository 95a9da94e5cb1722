"""What is left of a key's limits, in headers."""

from __future__ import annotations

import pytest

from appliance.keys.quota import Limit, Room
from appliance.proxy.endpoints import Shape
from appliance.proxy.rates import rate_headers, span

NOW = 1_700_000_000.4
ROOMS = {Limit.REQUESTS: Room(10, 8, 12.2), Limit.TOKENS: Room(1000, 980, 3600.0)}


def test_openai_names() -> None:
    """Three for each limit; on routes of others nothing else."""
    assert dict(rate_headers(ROOMS, Shape.OPENAI, NOW)) == {
        b"x-ratelimit-limit-requests": b"10",
        b"x-ratelimit-remaining-requests": b"8",
        b"x-ratelimit-reset-requests": b"12s",
        b"x-ratelimit-limit-tokens": b"1000",
        b"x-ratelimit-remaining-tokens": b"980",
        b"x-ratelimit-reset-tokens": b"1h0m0s",
    }


def test_anthropic_names() -> None:
    """Beside the others, with the time at which all of it is there again."""
    found = dict(rate_headers(ROOMS, Shape.ANTHROPIC, NOW))
    assert found.items() >= dict(rate_headers(ROOMS, Shape.OPENAI, NOW)).items()
    assert {name: value for name, value in found.items() if name.startswith(b"anthropic-")} == {
        b"anthropic-ratelimit-requests-limit": b"10",
        b"anthropic-ratelimit-requests-remaining": b"8",
        b"anthropic-ratelimit-requests-reset": b"2023-11-14T22:13:33Z",
        b"anthropic-ratelimit-tokens-limit": b"1000",
        b"anthropic-ratelimit-tokens-remaining": b"980",
        b"anthropic-ratelimit-tokens-reset": b"2023-11-14T23:13:21Z",
    }


@pytest.mark.parametrize("shape", list(Shape))
def test_no_limit_no_header(shape: Shape) -> None:
    """A key without limits says nothing of them."""
    assert rate_headers({}, shape, NOW) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (0.12, "120ms"), (0.0001, "1ms"), (1, "1s"), (59.6, "1m0s"), (360, "6m0s"), (86_399, "23h59m59s")],
)
def test_times_are_written_as_openai_does(seconds: float, words: str) -> None:
    """Clients read them."""
    assert span(seconds) == words
