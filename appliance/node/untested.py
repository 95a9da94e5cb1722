"""Which devices shall be tested without anybody having asked: those that are new, while the box has nothing to do."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.hardware.trials import PROCESSOR, SelfTest, hardware_of, in_force
from appliance.hardware.types import Gpu, Inventory
from appliance.node.jobs import ENDED, JobKind
from appliance.node.lying import computes_on
from appliance.node.snapshot import ChildState, Snapshot, TroubleKind
from appliance.placement.pinning import Pins, pin
from appliance.placement.room import MIB

MEMORY_NEEDED = 768 * MIB  # of the machine: the little model, and what a driver takes beside it
GPU_MEMORY_NEEDED = 768 * MIB  # less than the engines leave free there
_TRIALS = frozenset({JobKind.SELFTEST, JobKind.BENCHMARK})
_MOVING = frozenset({ChildState.STARTING, ChildState.STOPPING})


def untested(snapshot: Snapshot) -> tuple[str, ...]:
    """Ids of GPUs, then `PROCESSOR`; none while requests, loads or other trials run, or memory is short."""
    inventory = snapshot.inventory
    if inventory is None or not _wanted(snapshot) or not _idle(snapshot) or not _listed(snapshot, inventory):
        return ()
    if inventory.memory.available < MEMORY_NEEDED:
        return ()
    return tuple(device for device in _devices(snapshot, inventory) if not _tested(device, snapshot))


def proofs(snapshot: Snapshot) -> dict[str, SelfTest]:
    """Devices not tested yet on which the bundled model, being served, has answered right: that is the same test."""
    found = {}
    for child in snapshot.children.values():
        if not child.spec.self_test or child.state is not ChildState.READY or child.answer_ms is None:
            continue
        devices = computes_on(child, snapshot)
        if len(devices) == 1 and not _tested(devices[0], snapshot):
            found[devices[0]] = SelfTest(ok=True, at=child.since, answer_ms=child.answer_ms)
    return found


def _wanted(snapshot: Snapshot) -> bool:
    missing = TroubleKind.ENGINE_MISSING in snapshot.troubles
    return snapshot.settings.hardware.test_new_devices and not snapshot.draining and not missing


def _idle(snapshot: Snapshot) -> bool:
    if snapshot.requests.in_flight or snapshot.requests.queued:
        return False
    if any(child.state in _MOVING for child in snapshot.children.values()):
        return False
    return not any(job.kind in _TRIALS and job.state not in ENDED for job in snapshot.jobs.values())


def _listed(snapshot: Snapshot, inventory: Inventory) -> bool:
    listed = snapshot.engine_devices
    return listed is not None and listed.trouble is None and listed.hardware == hardware_of(inventory)


def _tested(device: str, snapshot: Snapshot) -> bool:
    engine = snapshot.engine_devices.engine if snapshot.engine_devices else None
    trial = in_force(snapshot.trials, snapshot.inventory, engine).get(device)
    return trial is not None and trial.self_test is not None


def _devices(snapshot: Snapshot, inventory: Inventory) -> Iterator[str]:
    """GPUs that the engine can be held to and that were not taken back, then the processor."""
    caps = snapshot.settings.hardware.memory_caps
    for gpu in inventory.gpus:
        held = gpu.pinnable and caps.get(gpu.id) != 0 and _roomy(gpu)
        if held and isinstance(pin((gpu.id,), inventory, snapshot.engine_devices), Pins):
            yield gpu.id
    yield PROCESSOR


def _roomy(gpu: Gpu) -> bool:
    if gpu.unified_memory or gpu.memory_total is None:
        return True  # the machine's own memory was looked at
    return gpu.memory_total - (gpu.memory_used or 0) >= GPU_MEMORY_NEEDED
