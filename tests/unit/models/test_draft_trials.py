"""When a helper pays."""

from __future__ import annotations

import pytest

from appliance.models.draft_trials import DraftTrial, Speed

ALONE = Speed(100.0)


def tried(helped: Speed | None, alone: Speed | None = ALONE) -> DraftTrial:
    return DraftTrial("pair", "machine", alone, helped)


@pytest.mark.parametrize(
    ("helped", "stays", "stays_when_named"),
    [
        (Speed(130.0, 80, 60), True, True),
        (Speed(105.0, 80, 60), True, True),
        (Speed(104.0, 80, 60), False, True),  # within what chance makes of it
        (Speed(40.0, 80, 60), False, True),
        (Speed(130.0, 80, 7), False, False),  # chance: whoever is refused so often cannot help
        (Speed(99.0), False, True),  # was never sure enough to propose anything
        (Speed(0.0), False, True),
    ],
)
def test_it_stays_while_it_is_faster_or_was_named_and_guesses_well(
    helped: Speed, stays: bool, stays_when_named: bool
) -> None:
    """By itself the box keeps only what is measurably faster."""
    assert (tried(helped).pays(named=False), tried(helped).pays(named=True)) == (stays, stays_when_named)


def test_the_gain_needs_both_measures() -> None:
    """An engine that could not be measured is no ground to stand on."""
    assert tried(Speed(150.0)).gain == 1.5
    assert tried(None).gain is None
    assert tried(Speed(1.0), alone=Speed(0.0)).gain is None


def test_the_share_that_is_taken_is_known_when_something_was_proposed() -> None:
    """Nothing of nothing is no share."""
    assert Speed(1.0, 80, 60).share_taken == 0.75
    assert Speed(1.0).share_taken is None
