"""How soon all know that somebody is gone, and that nobody is accused who is not."""

from __future__ import annotations

import pytest

from appliance.mesh.types import PeerState
from tests.sim.meshes import agree, all_see, mesh, name_of, sees
from tests.sim.world import World

VICTIM = name_of(0)
CRASH_SEEN = 6.0
LEAVE_SEEN = 0.5


def crash_seen(world: World) -> float:
    world.run(world.rng.random() * 5)
    world.crash(VICTIM)
    return world.run_while(lambda: not all_see(world, VICTIM, PeerState.DEAD), 30)


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8])
def test_a_crash_is_seen_by_all_within_six_seconds(size: int) -> None:
    """In a home, whenever it happens."""
    assert max(crash_seen(mesh(size, seed)) for seed in range(60)) <= CRASH_SEEN


def test_a_crash_is_seen_in_time_on_a_bad_network() -> None:
    """Five boxes, one message of twenty lost: a second more at the most."""
    times = []
    for seed in range(40):
        world = mesh(5, seed)
        world.network.loss = 0.05
        times.append(crash_seen(world))
    assert max(times) <= CRASH_SEEN + 1


@pytest.mark.parametrize("size", [2, 5, 50])
def test_a_goodbye_is_heard_at_once(size: int) -> None:
    """By all, within half a second."""
    world = mesh(size, size)
    world.leave(VICTIM)
    assert world.run_while(lambda: not all_see(world, VICTIM, PeerState.LEFT), 5) <= LEAVE_SEEN


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.15])
def test_nobody_is_found_dead_who_is_alive(loss: float) -> None:
    """For ten minutes, though messages are lost."""
    world = mesh(8, 3)
    world.network.loss = loss
    before = len(world.changes)
    world.run(600)
    assert [change for change in world.changes[before:] if change.state is PeerState.DEAD] == []


@pytest.mark.parametrize("seconds", [1.0, 2.5])
def test_a_busy_box_is_not_found_dead(seconds: float) -> None:
    """One that does nothing for a moment, again and again, and another one at the same time."""
    world = mesh(6, 4)
    before = len(world.changes)
    for round_number in range(30):
        world.freeze(name_of(round_number % 6), seconds)
        world.run(7)
    assert [change for change in world.changes[before:] if change.state is PeerState.DEAD] == []


def test_who_slept_accuses_nobody() -> None:
    """What others sent meanwhile lies unread; it is read before anybody is judged."""
    world = mesh(5, 6)
    world.freeze(VICTIM, 3.0)
    before = len(world.changes)
    world.run(20)
    assert [change for change in world.changes[before:] if change.seen_by == VICTIM] == []


def test_who_is_reached_only_through_others_is_alive() -> None:
    """The direct way is closed, both ways."""
    world = mesh(5, 7)
    one, other = name_of(1), name_of(2)
    world.network.closed = {(one, other), (other, one)}
    before = len(world.changes)
    world.run(120)
    assert [change for change in world.changes[before:] if change.state is PeerState.DEAD] == []
    assert sees(world.boxes[one], other) in {PeerState.ALIVE, PeerState.SUSPECT}


def test_the_dead_stay_dead_until_they_come_back_themselves() -> None:
    """Then all see them again within seconds, whatever their clock says."""
    world = mesh(8, 8)
    world.network.doubled, world.network.straggling = 0.3, 0.3
    crash_seen(world)
    before = len(world.changes)
    world.run(60)
    assert [change for change in world.changes[before:] if change.node == VICTIM] == []
    back = world.start(VICTIM, skew=-5000)
    world.join(back, name_of(3))
    assert world.run_while(lambda: not agree(world), 10) < 5


def test_a_partition_heals() -> None:
    """Both halves go on, and find each other again within seconds."""
    world = mesh(10, 9)
    halves = [name_of(n) for n in range(5)], [name_of(n) for n in range(5, 10)]
    world.network.split(*halves)
    world.run(30)
    assert sees(world.boxes[name_of(0)], name_of(9)) is PeerState.DEAD
    assert sees(world.boxes[name_of(0)], name_of(1)) is PeerState.ALIVE
    world.network.heal()
    assert world.run_while(lambda: not agree(world), 30) <= 15


def test_one_word_from_a_broken_lane_makes_it_sooner() -> None:
    """The lane noticed before any probe did."""
    world = mesh(5, 10)
    world.crash(VICTIM)
    for box in world.running():
        world.carry(box, box.member.lost(VICTIM, world.local(box)))
    assert world.run_while(lambda: not all_see(world, VICTIM, PeerState.DEAD), 30) <= 4
