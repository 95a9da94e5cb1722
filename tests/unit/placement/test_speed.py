"""Tokens a second."""

from __future__ import annotations

import pytest

from appliance.placement.packing import Placed
from appliance.placement.room import Device
from appliance.placement.speed import Prediction, predict

FAST, SLOW = Device("pci:0", "Card", 0, bandwidth=1000.0), Device("cpu", "memory", 0, bandwidth=100.0)
UNKNOWN = Device("pci:1", "Card", 0)


def test_every_byte_is_read_once_for_a_token() -> None:
    """Each at the speed of the memory it lies in."""
    assert predict([Placed(FAST, 500, 500), Placed(SLOW, 100, 50)]) == Prediction(tokens_per_s=1.0)


def test_a_device_that_was_not_measured_gives_no_number() -> None:
    """Unless nothing is read there."""
    assert predict([Placed(FAST, 500, 500), Placed(UNKNOWN, 1, 1)]) is None
    assert predict([Placed(FAST, 500, 500), Placed(UNKNOWN, 100, 0)]) == Prediction(tokens_per_s=2.0)


def test_nothing_to_read_gives_no_number() -> None:
    """It would be infinite."""
    assert predict([]) is None


@pytest.mark.parametrize(("stages", "milliseconds"), [(1, 0.0), (2, 30.0), (4, 50.0)])
def test_each_further_box_costs_half_a_round_trip(stages: int, milliseconds: float) -> None:
    """On top of one for the first."""
    found = predict([Placed(FAST, 100, 100)], stages, rtt_ms=20.0)
    assert found is not None
    assert found.tokens_per_s == pytest.approx(1000 / (100 + milliseconds))
