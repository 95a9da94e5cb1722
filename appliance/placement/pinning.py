"""From the GPUs that a model is pinned to, to what makes the engine use exactly these.

Fails closed: whatever is not certain is a PinProblem, and nothing runs. Three ways, by what a driver offers:
CUDA and ROCm are shown nothing but the GPUs with these UUIDs; else the engine is told the names of its devices, which
are found by their place on the bus, or, where a driver does not tell it, by vendor and name when only one can be meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from appliance.hardware.engine_devices import EngineDevice, EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Gpu, Inventory
from appliance.placement.matching import PinCode, PinProblem, device_of, same_name

NONE = "none"  # the engine's word for no accelerator at all
HIDING = {"CUDA": ("CUDA_VISIBLE_DEVICES", "-1"), "ROCm": ("HIP_VISIBLE_DEVICES", "-1")}
_STABLE = ("pci:", "uuid:")
_CUDA, _ROCM = "CUDA", "ROCm"
_SHOWN_BY_UUID = {_CUDA: ("nvidia", "CUDA_VISIBLE_DEVICES"), _ROCM: ("amd", "ROCR_VISIBLE_DEVICES")}


@dataclass(frozen=True, slots=True)
class Pins:
    """What an engine is given: names of its devices in this order, and what of the machine it may see at all."""

    gpus: tuple[str, ...] = ()  # ids in the inventory
    devices: tuple[str, ...] = ()
    visible: tuple[tuple[str, str], ...] = ()  # environment variables
    totals_mib: tuple[int, ...] = ()  # the memory of each device, as the engine counts it


def pin(wanted: Iterable[str], inventory: Inventory, listed: EngineDevices | None) -> Pins | PinProblem | None:
    """None as long as the engine was not asked about the hardware there is now."""
    gpus: dict[str, Gpu] = {}
    for gpu_id in wanted:
        found = _find(gpu_id, inventory)
        if isinstance(found, PinProblem):
            return found
        gpus[found.id] = found
    if listed is None or listed.hardware != hardware_of(inventory):
        return None
    if listed.trouble is not None:
        return PinProblem(PinCode.NO_MATCH, f"The engine could not be asked which GPUs it can use: {listed.trouble}")
    return _by_uuid(tuple(gpus.values()), listed.devices) or _by_name(tuple(gpus.values()), inventory, listed.devices)


def meant(wanted: Iterable[str], inventory: Inventory) -> tuple[Gpu, ...]:
    """The GPUs of these ids, as far as they are here."""
    ids = set(wanted)
    return tuple(gpu for gpu in inventory.gpus if gpu.id in ids or (gpu.uuid and f"uuid:{gpu.uuid}" in ids))


def only_processor(listed: EngineDevices | None) -> Pins:
    """No accelerator, and where the driver allows it none is even looked at."""
    backends = {device.backend for device in listed.devices} if listed else set()
    return Pins(devices=(NONE,), visible=tuple(HIDING[backend] for backend in sorted(backends & HIDING.keys())))


def _find(wanted: str, inventory: Inventory) -> Gpu | PinProblem:
    for gpu in meant((wanted,), inventory):
        return gpu if gpu.pinnable else PinProblem(PinCode.NOT_PINNABLE, _not_pinnable(gpu))
    if not wanted.startswith(_STABLE):
        why = "it is no lasting name: after a restart another GPU may have it."
        return PinProblem(PinCode.NOT_PINNABLE, f"{wanted} cannot be pinned: {why}")
    parts = [g.id for g in inventory.gpus if g.partition_of == wanted]
    if parts:
        split = f"{wanted} is split by MIG now, and nothing can run on the whole. Its parts: {', '.join(parts)}."
        return PinProblem(PinCode.MISSING, split)
    if not any(g.pinnable for g in inventory.gpus):
        return PinProblem(PinCode.NOTHING_PINNABLE, f"This box has no GPU now that could be pinned; {wanted} is gone.")
    here = ", ".join(f"{g.id} ({g.name})" for g in inventory.gpus if g.pinnable)
    return PinProblem(PinCode.MISSING, f"There is no GPU {wanted} now. There are: {here}.")


def _not_pinnable(gpu: Gpu) -> str:
    return f"{gpu.id} ({gpu.name}) cannot be pinned now. {gpu.reason or 'Nothing tells it from another one.'}"


def _by_uuid(gpus: Sequence[Gpu], devices: Sequence[EngineDevice]) -> Pins | PinProblem | None:
    """None when the driver does not take UUIDs for all of them."""
    for backend, (vendor, variable) in _SHOWN_BY_UUID.items():
        own = [device for device in devices if device.backend == backend]
        if not own or any(gpu.vendor != vendor or gpu.uuid is None for gpu in gpus):
            continue
        if len(gpus) > 1 and any(gpu.partition_of for gpu in gpus):
            return PinProblem(PinCode.NO_MATCH, "CUDA runs a model on one MIG device only. Pin it to one of them.")
        if len(own) < len(gpus) and not gpus[0].partition_of:
            return PinProblem(PinCode.NO_MATCH, f"The engine can use {len(own)} of these {len(gpus)} GPUs.")
        return Pins(
            gpus=tuple(gpu.id for gpu in gpus),
            devices=tuple(f"{backend}{number}" for number in range(len(gpus))),
            visible=((variable, ",".join(str(gpu.uuid) for gpu in gpus)),),
            totals_mib=tuple(_total_mib(gpu, own) for gpu in gpus),
        )
    return None


def _by_name(gpus: Sequence[Gpu], inventory: Inventory, devices: Sequence[EngineDevice]) -> Pins | PinProblem:
    chosen: list[EngineDevice] = []
    for gpu in gpus:
        found = device_of(gpu, inventory, devices)
        if isinstance(found, PinProblem):
            return found
        chosen.append(found)
    if len(set(chosen)) < len(chosen):
        return PinProblem(PinCode.AMBIGUOUS, "The engine has one device for several of these GPUs.")
    return Pins(
        gpus=tuple(gpu.id for gpu in gpus),
        devices=tuple(device.name for device in chosen),
        totals_mib=tuple(device.total_mib for device in chosen),
    )


def _total_mib(gpu: Gpu, devices: Sequence[EngineDevice]) -> int:
    """What the engine counts may be a little less than what the driver tells; the smaller one is the safe one."""
    told = [gpu.memory_total >> 20] if gpu.memory_total else []
    if gpu.partition_of is None:
        told += [device.total_mib for device in devices if same_name(gpu, device)]
    return min(told, default=max((device.total_mib for device in devices), default=0))


def margins_mib(pins: Pins, caps: Mapping[str, int], least: int) -> tuple[int, ...]:
    """What the engine shall leave free on each of its devices; empty when there is no limit to keep.

    What other programs hold counts as well: so the limit holds at every moment, and for several engines together.
    """
    if not any(gpu in caps for gpu in pins.gpus):
        return ()
    pairs = zip(pins.gpus, pins.totals_mib, strict=True)
    return tuple(max(least, total - caps[gpu]) if gpu in caps else least for gpu, total in pairs)
