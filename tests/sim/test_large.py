"""A thousand boxes: what happens to one of them is soon known to all, and costs each of them little."""

from __future__ import annotations

import pytest

from appliance.mesh.membership.facts import Facts, ModelFact
from appliance.mesh.types import PeerState
from tests.sim.meshes import all_see, facts_of, mesh, name_of
from tests.sim.world import World

pytestmark = pytest.mark.timeout(300)  # a thousand boxes are work for a busy machine

SIZE = 1000
CONVERGED = 15.0
QUIET_BYTES = 100  # of one box in a second
QUIET_MESSAGES = 2.1


@pytest.fixture(scope="module")
def world() -> World:
    """One for all tests of this file: each does something to another box of it."""
    return mesh(SIZE, 1)


def until_all_see(world: World, node: str, state: PeerState) -> float:
    return world.run_while(lambda: not all_see(world, node, state), 40, every=0.25)


def test_a_crash_is_known_to_all(world: World) -> None:
    """Found, doubted, confirmed and told to a thousand."""
    world.crash(name_of(0))
    assert until_all_see(world, name_of(0), PeerState.DEAD) <= CONVERGED


def test_a_goodbye_is_known_to_all(world: World) -> None:
    """Though it is said to a few."""
    world.leave(name_of(1))
    assert until_all_see(world, name_of(1), PeerState.LEFT) <= CONVERGED


def test_a_new_box_is_known_to_all_and_knows_all(world: World) -> None:
    """By one contact."""
    there = len(world.running())
    new = world.start("new")
    world.join(new, name_of(2))
    assert until_all_see(world, "new", PeerState.ALIVE) <= CONVERGED
    assert sum(not member.gone for member in new.machine.members.values()) == there


def test_a_changed_record_is_known_to_all(world: World) -> None:
    """Also when every twentieth message is lost."""
    world.network.loss = 0.05
    facts = Facts(name="attic", models=(ModelFact("tiny", "ready"),))
    world.describe(name_of(3), facts)
    others = [box for box in world.running() if box.id != name_of(3)]
    took = world.run_while(lambda: any(facts_of(box, name_of(3)) != facts for box in others), 40, every=0.25)
    world.network.heal()
    assert took <= CONVERGED


def test_a_thousand_quiet_boxes_are_quiet(world: World) -> None:
    """What one costs does not grow with the mesh."""
    world.run(12)
    messages, size, boxes = world.messages, world.bytes, len(world.running())
    world.run(6)
    assert (world.messages - messages) / 6 / boxes <= QUIET_MESSAGES
    assert (world.bytes - size) / 6 / boxes <= QUIET_BYTES
    assert not [change for change in world.changes if change.state is PeerState.DEAD and change.node != name_of(0)]
