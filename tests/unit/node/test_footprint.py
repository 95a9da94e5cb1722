"""Who holds how much memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.node.failure import Failure
from appliance.node.footprint import held_by, together, with_held, without_ours
from appliance.node.snapshot import Child, ChildState, Snapshot
from appliance.placement.room import GIB, PROCESSOR
from tests.builders import make_child, make_snapshot, with_child
from tests.unit.placement.values import gpu, inventory

BOX = inventory(gpu(0, used=10), available=40)


def holding(snapshot: Snapshot, *claims: tuple[str, int], **fields: Any) -> Child:
    child = make_child(snapshot, **fields)
    sizes = tuple((device, size * GIB) for device, size in claims)
    return replace(child, spec=replace(child.spec, claims=sizes))


def test_an_engine_holds_what_it_was_let_in_for() -> None:
    """From its start to its end, or more when it took more of the machine's memory."""
    snapshot = make_snapshot(inventory=BOX)
    child = holding(snapshot, ("pci:0", 5), (PROCESSOR, 1))
    assert held_by(child, BOX) == {"pci:0": 5 * GIB, PROCESSOR: GIB}
    assert held_by(replace(child, anonymous=2 * GIB), BOX) == {"pci:0": 5 * GIB, PROCESSOR: 2 * GIB}
    for state in (ChildState.STARTING, ChildState.STOPPING):
        assert held_by(replace(child, state=state), BOX)["pci:0"] == 5 * GIB
    assert held_by(replace(child, state=ChildState.STOPPED), BOX) == {}


def test_an_engine_that_fell_is_back_in_a_moment() -> None:
    """Nobody takes its memory meanwhile; unless it was given up."""
    child = replace(holding(make_snapshot(), ("pci:0", 5)), state=ChildState.FAILED)
    held = [held_by(replace(child, failure=Failure(code, "")), BOX) for code in ("crashed", "crash_loop")]
    assert held == [{"pci:0": 5 * GIB, PROCESSOR: 0}, {}]


def test_a_gpu_without_memory_of_its_own_takes_the_machines() -> None:
    """It is there once, not twice."""
    unified = inventory(gpu(0, unified=True))
    child = holding(make_snapshot(), ("pci:0", 5), (PROCESSOR, 1))
    assert held_by(child, unified) == {PROCESSOR: 6 * GIB}


def test_without_ours_only_the_others_use_memory() -> None:
    """On the card and in the machine; weights that are mapped were never taken away from what is available."""
    snapshot = make_snapshot(inventory=BOX)
    child = holding(snapshot, ("pci:0", 7), (PROCESSOR, 9), anonymous=2 * GIB)
    alone = without_ours(with_child(snapshot, child), BOX)
    assert alone.gpus[0].memory_used == 3 * GIB
    assert alone.memory.available == 42 * GIB


def test_an_estimate_above_what_is_in_use_leaves_nothing_to_others() -> None:
    """Never less than nothing, never more than there is."""
    snapshot = make_snapshot(inventory=BOX)
    child = holding(snapshot, ("pci:0", 17), anonymous=60 * GIB)
    alone = without_ours(with_child(snapshot, child), BOX)
    assert (alone.gpus[0].memory_used, alone.memory.available) == (0, BOX.memory.total)


@pytest.mark.parametrize(("age", "others"), [(1.0, 10), (6.0, 3)])
def test_a_fresh_engine_may_not_have_been_seen_yet(age: float, others: int) -> None:
    """The last look at the card may be older than the engine: what is in use is then somebody else's."""
    snapshot = make_snapshot(inventory=BOX)
    child = holding(snapshot, ("pci:0", 7))
    alone = without_ours(with_child(snapshot, child), BOX, now=child.since + age)
    assert alone.gpus[0].memory_used == others * GIB


def test_what_is_held_is_added_up() -> None:
    """Over engines and devices."""
    held = together([{"pci:0": GIB}, {"pci:0": GIB, PROCESSOR: GIB}])
    after = with_held(BOX, held)
    assert (after.gpus[0].memory_used, after.memory.available) == (12 * GIB, 39 * GIB)
