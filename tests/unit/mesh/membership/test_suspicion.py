"""How long the doubted have."""

from __future__ import annotations

import pytest

from appliance.mesh.membership.suspicion import Doubt, doubt
from appliance.mesh.membership.types import Timing

TIMING = Timing(suspect_for=2.0, suspect_alone=4.0)


def accused(found: Doubt, *nodes: str) -> Doubt:
    for node in nodes:
        found.confirm(node)
    return found


def test_one_accuser_alone_has_to_wait_for_longest() -> None:
    """It may be the one that is cut off."""
    assert accused(doubt(TIMING, 5, 1.0, now=10.0), "attic").deadline == 14.0


def test_agreement_makes_it_short() -> None:
    """Three say the same."""
    assert accused(doubt(TIMING, 5, 1.0, now=10.0), "attic", "den", "lab").deadline == 12.0


def test_the_same_accuser_twice_is_no_agreement() -> None:
    """However often it says so."""
    found = accused(doubt(TIMING, 5, 1.0, now=10.0), "attic")
    assert not found.confirm("attic")
    assert found.deadline == 14.0


def test_where_nobody_else_is_nobody_is_waited_for() -> None:
    """Of two boxes one alone decides."""
    assert accused(doubt(TIMING, 2, 1.0, now=10.0), "attic").deadline == 12.0


def test_a_large_mesh_waits_longer() -> None:
    """News and objections need their time."""
    assert accused(doubt(TIMING, 1000, 1.0, now=0.0), "a", "b", "c").deadline == pytest.approx(6.0)


def test_a_slow_box_waits_longer() -> None:
    """It may well be its own fault."""
    assert accused(doubt(TIMING, 5, 2.0, now=0.0), "a", "b", "c").deadline == pytest.approx(4.0)
