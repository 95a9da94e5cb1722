"""Memory that a model may take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.placement.room import GIB, GPU_MARGIN, MIB, Device, Known, capped, memory_margin, resources_of
from tests.unit.placement.values import box, gpu, inventory


def test_a_gpu_gives_what_is_free_less_a_margin() -> None:
    """What other programs use is not counted, and the engine's own margin is kept."""
    assert box(gpu(total=24, used=3)).gpus == (Device("pci:0", "Card 0", 20 * GIB),)


def test_the_machine_gives_what_is_available_less_a_margin() -> None:
    """Also beside a GPU: the two are never added up as one."""
    node = box(gpu(), total=32, available=20)
    assert (node.memory.room, node.gpu_room) == (18 * GIB, 23 * GIB)


@pytest.mark.parametrize(("total", "margin"), [(2, 256 * MIB), (16, GIB), (32, 2 * GIB), (1024, 2 * GIB)])
def test_the_margin_grows_with_the_machine(total: int, margin: int) -> None:
    """A small box keeps little, a large one no more than it needs."""
    assert memory_margin(total * GIB) == margin


def test_unified_memory_is_there_once() -> None:
    """The GPU works in the machine's memory: its room is that of the machine."""
    node = box(gpu(total=None, unified=True), total=128, available=100)
    assert node.unified
    assert node.gpus[0].room == node.memory.room == 98 * GIB


def test_a_gpu_may_use_only_a_part_of_unified_memory() -> None:
    """Where the driver says how much."""
    assert box(gpu(total=32, unified=True), total=128, available=100).gpu_room == 32 * GIB


def test_a_gpu_beside_one_of_its_own_memory_adds_nothing() -> None:
    """The graphics unit of the processor is left alone when there is a real card."""
    node = box(gpu(0, total=None, unified=True), gpu(1, total=8))
    assert [(device.id, device.room) for device in node.gpus] == [("pci:1", 7 * GIB)]


def test_a_gpu_of_unknown_memory_takes_nothing() -> None:
    """And says why."""
    (device,) = box(gpu(total=None)).gpus
    assert (device.room, device.reason) == (0, "How much memory it has is not known.")


def test_a_full_gpu_has_no_room() -> None:
    """Never less than none."""
    assert box(gpu(total=4, used=4)).gpu_room == 0
    assert 4 * GIB - GPU_MARGIN > 0


def test_small_changes_do_not_show() -> None:
    """Free memory moves all the time; a verdict must not flicker with it."""
    seen = inventory(gpu())
    moved = replace(seen, memory=replace(seen.memory, available=seen.memory.available + 63 * MIB))
    assert resources_of(moved, "box", "Box").memory == box(gpu()).memory


def test_a_limit_counts_all_that_is_in_use() -> None:
    """As the engine keeps it; a limit beyond what may be taken anyway changes nothing."""
    limits = {"pci:0": 8 * GIB}
    assert box(gpu(total=24), known=Known(caps=limits)).gpu_room == 8 * GIB
    assert box(gpu(total=24, used=6), known=Known(caps=limits)).gpu_room == 2 * GIB
    assert box(gpu(total=24, used=10), known=Known(caps=limits)).gpu_room == 0
    assert box(gpu(total=24), known=Known(caps={"pci:0": 24 * GIB})).gpu_room == box(gpu(total=24)).gpu_room


def test_a_gpu_taken_back_has_no_room_and_says_why() -> None:
    """One that shares the machine's memory is as good as not there."""
    (device,) = box(gpu(total=24), known=Known(caps={"pci:0": 0})).gpus
    assert (device.room, device.reason is None) == (0, False)
    shared = box(gpu(unified=True), known=Known(caps={"pci:0": 0}))
    assert (shared.unified, shared.gpus) == (False, ())
    assert box(gpu(unified=True), known=Known(caps={"pci:0": 4 * GIB})).gpu_room == 4 * GIB


def test_models_take_no_more_of_the_machine_than_they_may() -> None:
    """However much more is free; where less is free the limit changes nothing."""
    limited = inventory(total=64, available=60)
    limited = replace(limited, memory=capped(limited.memory, 12 * GIB))
    assert resources_of(limited, "box", "Box").memory.room == 12 * GIB
    little = inventory(total=64, available=8).memory
    assert capped(little, 12 * GIB) == capped(little, None) == little


def test_a_gpu_that_works_in_the_machines_memory_keeps_its_limit() -> None:
    """It is the same memory."""
    shared = inventory(gpu(total=None, unified=True), total=128, available=100)
    shared = replace(shared, memory=capped(shared.memory, 24 * GIB))
    assert resources_of(shared, "box", "Box").gpu_room == 24 * GIB
