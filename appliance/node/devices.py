"""On which GPUs a model may run: those it is pinned to, less what was taken back, within the limits that were set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.types import Gpu, Inventory
from appliance.models.types import Model
from appliance.node.failure import Failure
from appliance.node.snapshot import Snapshot
from appliance.node.wish import own_settings, wished
from appliance.placement.fit import Code, Verdict, fit, profile_of
from appliance.placement.matching import PinProblem, only_listed, with_listed, with_totals
from appliance.placement.needs import Wish
from appliance.placement.pinning import Pins, meant, only_processor, pin
from appliance.placement.room import MIB, Known, NodeResources, capped, resources_of
from appliance.placement.words import sentence

ANYWHERE = Pins()  # the engine chooses
PIN_FAILED = "pin_"  # the codes of failures that come of pins begin so
TAKEN_BACK, OVER_LIMIT = "gpu_taken_back", "over_gpu_limit"


def caps_in_bytes(snapshot: Snapshot) -> dict[str, int]:
    return {gpu: mib * MIB for gpu, mib in snapshot.settings.hardware.memory_caps.items()}


def shown_gpus(snapshot: Snapshot) -> tuple[Gpu, ...]:
    """Those of the inventory, and what only the engine tells of."""
    inventory, listed = snapshot.inventory, snapshot.engine_devices
    if inventory is None:
        return ()
    return *with_totals(inventory, listed).gpus, *only_listed(inventory, listed)


def places_of(snapshot: Snapshot) -> Inventory | None:
    """The machine as models find it: with what only the engine tells of. None as long as nothing is known."""
    return None if snapshot.inventory is None else with_listed(snapshot.inventory, snapshot.engine_devices)


def memory_cap(snapshot: Snapshot) -> int | None:
    """Most bytes of the machine's own memory that models may take; None without a limit."""
    return snapshot.settings.hardware.machine_memory_mib * MIB or None


def pins_for(model: Model, snapshot: Snapshot) -> Pins | Failure | None:
    """None as long as it cannot be told."""
    inventory, listed = snapshot.inventory, snapshot.engine_devices
    if inventory is None:
        return None
    wanted = own_settings(model.id, snapshot.settings.serving).gpus
    caps = caps_in_bytes(snapshot)
    if not wanted and not any(gpu.id in caps for gpu in inventory.gpus):
        return ANYWHERE
    pins = _pinned(wanted, inventory, listed, caps) if wanted else _chosen(inventory, listed, caps)
    if pins is None or isinstance(pins, Failure):
        return pins
    return _too_tight(model, pins, snapshot, inventory, caps) or pins


def _pinned(
    wanted: tuple[str, ...], inventory: Inventory, listed: EngineDevices | None, caps: Mapping[str, int]
) -> Pins | Failure | None:
    back = [gpu.id for gpu in meant(wanted, inventory) if caps.get(gpu.id) == 0]
    if back:
        return Failure(TAKEN_BACK, f"It is pinned to {back[0]}, and that GPU was taken back.")
    pins = pin(wanted, inventory, listed)
    return Failure(PIN_FAILED + pins.code.value, pins.detail) if isinstance(pins, PinProblem) else pins


def _chosen(inventory: Inventory, listed: EngineDevices | None, caps: Mapping[str, int]) -> Pins | None:
    """Without a pin, what the engine would choose by itself, less what was taken back; the processor is always left."""
    left = [gpu for gpu in inventory.gpus if caps.get(gpu.id) != 0]
    if not left:
        return only_processor(listed)
    pins = pin((gpu.id for gpu in _usual(left)), inventory, listed)
    return only_processor(listed) if isinstance(pins, PinProblem) else pins


def _usual(gpus: list[Gpu]) -> list[Gpu]:
    """Those with memory of their own before any that shares the machine's; of MIG devices one, as CUDA does."""
    parts = [gpu for gpu in gpus if gpu.partition_of is not None]
    if parts:
        return parts[:1]
    return [gpu for gpu in gpus if not gpu.unified_memory] or gpus[:1]


def _too_tight(
    model: Model, pins: Pins, snapshot: Snapshot, inventory: Inventory, caps: Mapping[str, int]
) -> Failure | None:
    """Whether the limits alone keep it from running: what is in use just now comes and goes, and decides nothing."""
    if pins.gpus and not any(gpu in caps for gpu in pins.gpus):
        return None
    known = with_totals(inventory, snapshot.engine_devices)
    empty = replace(
        inventory,
        gpus=tuple(replace(gpu, memory_used=0) for gpu in known.gpus if gpu.id in pins.gpus),
        memory=capped(replace(inventory.memory, available=inventory.memory.total), memory_cap(snapshot)),
    )
    within = {gpu: cap for gpu, cap in caps.items() if gpu in pins.gpus}
    node = resources_of(empty, snapshot.node.id, "", Known(caps=within))
    verdict = _verdict(model, wished(model.id, snapshot.settings.serving), node)
    if verdict.code is not Code.TOO_BIG:
        return None
    if not pins.gpus:
        return Failure(TAKEN_BACK, f"Its GPU was taken back, and on the processor: {sentence(verdict)}")
    return Failure(OVER_LIMIT, f"With the memory limit of its GPU: {sentence(verdict)}")


@lru_cache(maxsize=256)
def _verdict(model: Model, wish: Wish, node: NodeResources) -> Verdict:
    return fit(profile_of(model), wish, node).verdict
