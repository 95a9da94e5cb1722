"""A model that lost its last server is served again, by one box and not by a herd."""

from __future__ import annotations

import pytest

from tests.sim.meshes import mesh, name_of
from tests.sim.promoting import LOADS, Promoting, shelf
from tests.sim.world import World

SERVED_AGAIN = 15.0


def standbys(world: World, *, beginning: int = 1, **states: str) -> Promoting:
    promoting = Promoting(world)
    for box in world.running()[beginning:]:
        world.describe(box.id, shelf(box.id, **states))
    world.run(5)
    for box in world.running():
        promoting.begin(box)
    return promoting


def asked(world: World, node: str, model: str, requests: int) -> None:
    box = world.boxes[node]
    box.member.wanted(model, world.local(box), requests)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("size", [3, 5, 20])
def test_after_the_last_server_died_one_box_takes_over(size: int, seed: int) -> None:
    """Within fifteen seconds, of which three go into loading; exactly one moves, however many could."""
    world = mesh(size, seed)
    world.describe(name_of(0), shelf("server", tiny="ready"))
    promoting = standbys(world, tiny="available")
    asked(world, name_of(1), "tiny", 3)
    world.run(10)
    assert promoting.moves == []
    world.crash(name_of(0))
    took = world.run_while(lambda: not promoting.serving("tiny"), 40)
    assert took <= SERVED_AGAIN
    world.run(60)
    assert len(promoting.moves) == 1
    assert len(promoting.serving("tiny")) == 1


def test_also_on_a_bad_network_no_herd_moves() -> None:
    """Messages get lost, doubled and late; two may move, not ten."""
    world = mesh(12, 3)
    world.network.loss, world.network.doubled, world.network.straggling = 0.1, 0.2, 0.2
    world.describe(name_of(0), shelf("server", tiny="ready"))
    promoting = standbys(world, tiny="available")
    asked(world, name_of(1), "tiny", 3)
    world.run(5)
    world.crash(name_of(0))
    world.run(60)
    assert 1 <= len(promoting.moves) <= 2


def test_when_the_first_in_order_dies_too_the_next_one_moves() -> None:
    """While it was loading."""
    world = mesh(6, 5)
    promoting = standbys(world, beginning=0, tiny="available")
    asked(world, name_of(1), "tiny", 3)
    world.run_while(lambda: not promoting.moves, 20)
    first = promoting.moves[0][1]
    world.run(LOADS / 2)
    world.crash(first)
    world.run_while(lambda: not promoting.serving("tiny"), 40)
    assert [node for _, node, _ in promoting.moves][:1] == [first]
    assert len(promoting.moves) == 2


def test_a_hot_model_gets_one_more_server_and_not_all() -> None:
    """Then the heat is shared, and it is hot no more."""
    world = mesh(10, 6)
    world.describe(name_of(0), shelf("hot", hot="ready"))
    world.describe(name_of(1), shelf("cold", cold="ready"))
    promoting = standbys(world, beginning=2, hot="available")
    asked(world, name_of(2), "hot", 15)
    asked(world, name_of(2), "cold", 2)
    world.run(200)
    assert len(promoting.moves) == 1
    assert len(promoting.serving("hot")) == 2


def test_what_nobody_wants_stays_where_it_lies() -> None:
    """A file on the disk is no wish."""
    world = mesh(5, 7)
    promoting = standbys(world, tiny="available")
    world.run(60)
    assert promoting.moves == []
