"""When to ask again for a model that is loading."""

from __future__ import annotations

import pytest

from appliance.routing.table import Route, RouteState
from appliance.routing.waiting import seconds_until_ready

NOW = 1000.0


@pytest.mark.parametrize(
    ("started", "progress", "seconds"),
    [
        (NOW - 30, 0.5, 30),
        (NOW - 10, 0.9, 2),
        (NOW - 10, 0.995, 1),
        (NOW - 10, 1.0, 1),
        (NOW - 60, 0.1, 60),
        (NOW - 60, 0.01, 2),
        (NOW - 60, None, 2),
        (NOW + 7, None, 9),
        (NOW + 300, 0.5, 60),
        (None, 0.5, 2),
        (None, None, 2),
    ],
)
def test_as_long_as_the_rest_takes(started: float | None, progress: float | None, seconds: int) -> None:
    """By what the way so far took; a usual time while that says nothing; never less than a second or more than 60."""
    route = Route("m", RouteState.LOADING, frozenset(), started=started, progress=progress)
    assert seconds_until_ready(route, NOW) == seconds
