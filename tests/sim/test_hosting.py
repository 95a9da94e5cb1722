"""One host for each split, whatever happens to the network; on a partition one on each side."""

from __future__ import annotations

import pytest

from appliance.mesh.membership.leases import ranked
from tests.sim.hosting import LEASE, PLANS, Hosting
from tests.sim.hosting import candidates as all_of
from tests.sim.meshes import mesh, name_of
from tests.sim.world import World

PLAN = PLANS[0]


def hosted(size: int, seed: int) -> tuple[World, Hosting]:
    world = mesh(size, seed)
    hosting = Hosting(world)
    for box in world.running():
        hosting.begin(box)
    world.run(8)
    return world, hosting


def best(*nodes: str) -> str:
    return ranked(all_of(nodes))[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_best_box_is_host(seed: int) -> None:
    """Soon, and alone."""
    world, hosting = hosted(6, seed)
    assert hosting.of(PLAN) == [best(*world.boxes)]


@pytest.mark.parametrize("seed", range(5))
def test_a_dead_host_is_followed_by_the_next_best(seed: int) -> None:
    """When its lease is over."""
    world, hosting = hosted(6, seed)
    world.crash(best(*world.boxes))
    took = world.run_while(lambda: len(hosting.of(PLAN)) != 1, 60)
    assert took <= 2 * LEASE
    assert hosting.of(PLAN) == [best(*(box.id for box in world.running()))]


@pytest.mark.parametrize("seed", range(5))
def test_each_half_of_a_broken_mesh_has_its_host_and_one_yields(seed: int) -> None:
    """Within a lease after they met again."""
    world, hosting = hosted(8, seed)
    halves = [name_of(n) for n in range(4)], [name_of(n) for n in range(4, 8)]
    world.network.split(*halves)
    world.run(40)
    assert sorted(hosting.of(PLAN)) == sorted(best(*half) for half in halves)
    world.network.heal()
    world.run(30)
    assert len(hosting.of(PLAN)) == 1
    assert hosting.complaints() == []


@pytest.mark.parametrize("seconds", [5.0, 12.0, 60.0])
def test_a_host_that_stood_still_yields(seconds: float) -> None:
    """It wakes, sees that its lease is over, and does not run beside the other one."""
    world, hosting = hosted(5, 3)
    world.freeze(best(*world.boxes), seconds)
    world.run(seconds + 30)
    assert len(hosting.of(PLAN)) == 1
    assert hosting.complaints() == []


def test_a_host_that_leaves_is_followed_at_once() -> None:
    """Its goodbye ends its lease."""
    world, hosting = hosted(5, 4)
    world.leave(best(*world.boxes))
    assert world.run_while(lambda: len(hosting.of(PLAN)) != 1, 30) <= 5
