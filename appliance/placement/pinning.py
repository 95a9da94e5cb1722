"""From the GPUs that a model is pinned to, to what makes the engine use exactly these.

Fails closed: whatever is not certain is a PinProblem, and nothing runs. Three ways, by what a driver offers:
CUDA and ROCm are shown nothing but the GPUs with these UUIDs; else the engine is told the names of its devices, which
are found by their place on the bus, or, where a driver does not tell it, by vendor and name when only one can be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.hardware.engine_devices import EngineDevice, EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Gpu, Inventory

NONE = "none"  # the engine's word for no accelerator at all
HIDING = {"CUDA": ("CUDA_VISIBLE_DEVICES", "-1"), "ROCm": ("HIP_VISIBLE_DEVICES", "-1")}
_STABLE = ("pci:", "uuid:")
_CUDA, _ROCM = "CUDA", "ROCm"
_SHOWN_BY_UUID = {_CUDA: ("nvidia", "CUDA_VISIBLE_DEVICES"), _ROCM: ("amd", "ROCR_VISIBLE_DEVICES")}
_VENDOR_WORDS = {"nvidia": ("nvidia",), "amd": ("amd", "radeon"), "intel": ("intel",)}
_NOISE = re.compile(r"\((?:r|tm)\)|\([^)]*\)|\b(?:nvidia|amd|intel|graphics)\b", re.IGNORECASE)


class PinCode(StrEnum):
    MISSING = "missing"
    NOT_PINNABLE = "not_pinnable"
    NOTHING_PINNABLE = "nothing_pinnable"
    NO_MATCH = "no_match"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class PinProblem:
    code: PinCode
    detail: str


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


def device_of(gpu: Gpu, inventory: Inventory, devices: Sequence[EngineDevice]) -> EngineDevice | PinProblem:
    """The one device of the engine that is this GPU."""
    if gpu.partition_of is not None:
        return PinProblem(PinCode.NO_MATCH, f"{gpu.id} is a MIG device; only CUDA can run a model on it.")
    placed = [device for device in devices if device.bus_id is not None and device.bus_id == gpu.bus_id]
    if len(placed) == 1:
        return placed[0]
    could_be = [device for device in devices if device.bus_id is None and _same_vendor(gpu, device)]
    if placed or not could_be:
        return _none_or_many(gpu, placed)
    placed_ids = {device.bus_id for device in devices}
    rivals = [g for g in inventory.gpus if g.vendor == gpu.vendor and g.bus_id not in placed_ids]
    if len(could_be) == 1 and len(rivals) == 1:
        return could_be[0]
    named = [device for device in could_be if _same_name(gpu, device)]
    namesakes = [g for g in rivals if any(_same_name(g, device) for device in named)]
    return named[0] if len(named) == 1 and namesakes == [gpu] else _none_or_many(gpu, named or could_be)


def with_totals(inventory: Inventory, listed: EngineDevices | None) -> Inventory:
    """Where a driver does not tell how much memory its GPU has, what the engine counts stands in."""
    if listed is None or all(gpu.memory_total is not None or gpu.unified_memory for gpu in inventory.gpus):
        return inventory
    return replace(inventory, gpus=tuple(_with_total(gpu, inventory, listed) for gpu in inventory.gpus))


def _with_total(gpu: Gpu, inventory: Inventory, listed: EngineDevices) -> Gpu:
    if gpu.memory_total is not None or gpu.unified_memory:
        return gpu
    found = device_of(gpu, inventory, listed.devices)
    return gpu if isinstance(found, PinProblem) else replace(gpu, memory_total=found.total_mib << 20)


def only_listed(inventory: Inventory, listed: EngineDevices | None) -> tuple[Gpu, ...]:
    """Devices of the engine that are no GPU of the inventory, to be shown beside it. Their names hold for no longer
    than the machine runs, so none can be pinned."""
    if listed is None or listed.hardware != hardware_of(inventory):
        return ()
    return tuple(
        Gpu(
            id=device.name,
            name=device.text or device.name,
            vendor=next((vendor for vendor in _VENDOR_WORDS if _made_by(vendor, device)), "unknown"),
            memory_total=device.total_mib << 20,
            pinnable=False,
            reason="Only the engine tells of it, by a name that may mean another device after a restart.",
            bus_id=device.bus_id,
        )
        for device in listed.devices
        if not any(_could_be(gpu, device) for gpu in inventory.gpus)
    )


def _could_be(gpu: Gpu, device: EngineDevice) -> bool:
    if device.bus_id is not None and gpu.bus_id is not None:
        return device.bus_id == gpu.bus_id
    return _same_vendor(gpu, device)


def _none_or_many(gpu: Gpu, devices: Sequence[EngineDevice]) -> PinProblem:
    who = f"{gpu.id} ({gpu.name})"
    if not devices:
        return PinProblem(PinCode.NO_MATCH, f"The engine lists no device for {who}. Its driver may be missing here.")
    listed = ", ".join(f"{device.name} ({device.text})" for device in devices)
    return PinProblem(PinCode.AMBIGUOUS, f"The driver does not tell which of {listed} is {who}.")


def _same_vendor(gpu: Gpu, device: EngineDevice) -> bool:
    return _made_by(gpu.vendor, device)


def _made_by(vendor: str, device: EngineDevice) -> bool:
    """By its name, or by a driver that serves one maker only."""
    by_driver = _SHOWN_BY_UUID.get(device.backend, ("", ""))[0]
    return by_driver == vendor or any(word in device.text.lower() for word in _VENDOR_WORDS.get(vendor, (vendor,)))


def _same_name(gpu: Gpu, device: EngineDevice) -> bool:
    """Without the ornaments of drivers: "Radeon RX 7900 XTX" is also "AMD Radeon RX 7900 XTX (RADV NAVI31)"."""
    return _plain(gpu.name) == _plain(device.text)


def _plain(name: str) -> str:
    return " ".join(_NOISE.sub(" ", name).lower().split())


def _total_mib(gpu: Gpu, devices: Sequence[EngineDevice]) -> int:
    """What the engine counts may be a little less than what the driver tells; the smaller one is the safe one."""
    told = [gpu.memory_total >> 20] if gpu.memory_total else []
    if gpu.partition_of is None:
        told += [device.total_mib for device in devices if _same_name(gpu, device)]
    return min(told, default=max((device.total_mib for device in devices), default=0))


def margins_mib(pins: Pins, caps: Mapping[str, int], least: int) -> tuple[int, ...]:
    """What the engine shall leave free on each of its devices; empty when there is no limit to keep.

    What other programs hold counts as well: so the limit holds at every moment, and for several engines together.
    """
    if not any(gpu in caps for gpu in pins.gpus):
        return ()
    pairs = zip(pins.gpus, pins.totals_mib, strict=True)
    return tuple(max(least, total - caps[gpu]) if gpu in caps else least for gpu, total in pairs)
