"""Random stories, each with its seed: after any trouble all boxes agree again, and nothing that was promised broke."""

from __future__ import annotations

import pytest

from tests.sim.scenario import Broken, play


@pytest.mark.parametrize("seed", range(50))
def test_all_is_well_after_any_trouble(seed: int) -> None:
    """Everybody sees who is there and nobody else, counts agree, each split has one host, nobody is doubted."""
    play(seed)


def test_the_same_seed_tells_the_same_story() -> None:
    """So that a failure can be looked at."""
    one, other = play(3), play(3)
    assert one.told == other.told
    assert one.world.changes == other.world.changes
    assert one.world.bytes == other.world.bytes


def test_a_broken_promise_names_its_seed() -> None:
    """And how to see it again."""
    assert "python -m tests.sim --seed 12 --tell" in str(Broken(12, "nobody is there", ["0.0 nothing"]))
