"""How a request ended."""

from __future__ import annotations

import pytest

from appliance.activity.types import Outcome
from tests.unit.activity.builders import ended


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ANSWERED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (499, Outcome.CANCELLED),
        (500, Outcome.FAILED),
        (503, Outcome.FAILED),
        (0, Outcome.FAILED),
    ],
)
def test_the_outcome_follows_from_the_status(status: int, outcome: Outcome) -> None:
    """499 is our own word for a client that left; a request that never got a status failed."""
    assert ended(status=status).outcome is outcome
