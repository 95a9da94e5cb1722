"""Who holds how much of this box's memory: our own engines by what they were let in for, everybody else by the rest.

What an engine holds is not read from the driver: while it loads that would be too little, and the weights that lie in
the machine's memory are called free although they are needed there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from appliance.hardware.types import Inventory
from appliance.node.devices import memory_cap
from appliance.node.failure import GIVEN_UP
from appliance.node.snapshot import Child, ChildState, Snapshot
from appliance.placement.room import PROCESSOR, capped

SETTLED_SECONDS = 5.0  # by then the next look at the hardware has seen what a fresh engine took
HOLDING = frozenset({ChildState.STARTING, ChildState.READY, ChildState.STOPPING})

Bytes = Mapping[str, int]  # by id of the device, `PROCESSOR` for the machine's memory


def held_by(child: Child, inventory: Inventory) -> Bytes:
    """A GPU that works in the machine's memory takes from there."""
    if not (child.state in HOLDING or _is_back_in_a_moment(child)):
        return {}
    shared = {gpu.id for gpu in inventory.gpus if gpu.unified_memory}
    held: dict[str, int] = {PROCESSOR: 0}
    for device, size in child.spec.claims:
        place = PROCESSOR if device in shared else device
        held[place] = held.get(place, 0) + size
    held[PROCESSOR] = max(held[PROCESSOR], child.anonymous)
    return held


def together(parts: Iterable[Bytes]) -> Bytes:
    total: dict[str, int] = {}
    for part in parts:
        for device, size in part.items():
            total[device] = total.get(device, 0) + size
    return total


def without_ours(snapshot: Snapshot, inventory: Inventory, now: float | None = None) -> Inventory:
    """The machine as if none of our engines ran: in use is what others use.

    With a time, what an engine took that loads, or was ready only just now, counts as used by others: what reads the
    hardware may not have seen it yet.
    """
    seen = [child for child in snapshot.children.values() if _seen(child, now)]
    ours = together(held_by(child, inventory) for child in seen)
    watched = {gpu.id for gpu in snapshot.inventory.gpus} if snapshot.inventory else set()
    gpus = tuple(
        replace(gpu, memory_used=max(0, (gpu.memory_used or 0) - ours.get(gpu.id, 0))) if gpu.id in watched else gpu
        for gpu in inventory.gpus  # what only the engine tells of was looked at when none of ours held any of it
    )
    memory = inventory.memory
    free = min(memory.total, memory.available + sum(child.anonymous for child in seen))
    return replace(inventory, gpus=gpus, memory=capped(replace(memory, available=free), memory_cap(snapshot)))


def with_held(inventory: Inventory, held: Bytes) -> Inventory:
    gpus = tuple(replace(gpu, memory_used=(gpu.memory_used or 0) + held.get(gpu.id, 0)) for gpu in inventory.gpus)
    memory = inventory.memory
    free = max(0, memory.available - held.get(PROCESSOR, 0))
    return replace(inventory, gpus=gpus, memory=replace(memory, available=free))


def _is_back_in_a_moment(child: Child) -> bool:
    return child.state is ChildState.FAILED and child.failure is not None and child.failure.code not in GIVEN_UP


def _seen(child: Child, now: float | None) -> bool:
    if now is None:
        return child.state in HOLDING
    return child.state is ChildState.READY and now - child.since >= SETTLED_SECONDS
