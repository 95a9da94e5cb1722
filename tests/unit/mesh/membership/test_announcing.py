"""When this box says something new of itself."""

from __future__ import annotations

import math

import pytest

from appliance.mesh.membership.announcing import Announcer
from appliance.mesh.membership.facts import Facts, LoadFact
from appliance.mesh.membership.table import Table
from appliance.mesh.membership.types import Stats, Timing
from tests.sim.trust import trust_of
from tests.unit.mesh.membership.pair import record


def announcer(members: int = 0) -> Announcer:
    table = Table("attic", trust_of("attic"), Stats())
    for number in range(members):
        table.offer(record(f"box{number}").blob, 0.0)
    found = Announcer(table, Timing(), 1000, lambda _: ())
    found.describe(Facts(name="attic"), 0.0)
    found.tell(0.0, 0.0)
    return found


def test_the_same_again_is_not_told() -> None:
    """However often the box describes itself."""
    found = announcer()
    found.describe(Facts(name="attic"), 5.0)
    assert found.next_at == math.inf


def test_what_matters_is_told_at_once_and_not_more_often_than_that() -> None:
    """Three times a second at the most."""
    found = announcer()
    found.describe(Facts(name="loft"), 0.1)
    assert found.next_at == pytest.approx(0.3)


def test_load_waits_for_its_turn_longer_in_a_large_mesh() -> None:
    """All boxes together say fifty things a second."""
    small, large = announcer(), announcer(members=500)
    for found in (small, large):
        found.describe(Facts(name="attic", load=LoadFact(running=1)), 0.1)
    assert small.next_at == pytest.approx(2.0)
    assert large.next_at == pytest.approx(10.0)


def test_each_record_has_the_next_version_and_another_life_begins_anew() -> None:
    """Newer than all before."""
    found = announcer()
    assert found.tell(1.0, 1.0).age == (1000, 2)
    found.outdo(5000)
    assert found.tell(2.0, 2.0).age == (5001, 1)


def test_requests_are_told_with_the_next_record() -> None:
    """Ten of them cost no more than one."""
    found = announcer()
    for tenth in range(1, 10):
        found.moved(tenth / 10)
    assert found.next_at == pytest.approx(2.0)
