"""Which device of the engine is which GPU: by its place on the bus, or, where a driver does not tell it, by vendor and
name when only one can be meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.hardware.engine_devices import EngineDevice, EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Gpu, Inventory

_VENDOR_WORDS = {"nvidia": ("nvidia",), "amd": ("amd", "radeon"), "intel": ("intel",)}
_ONE_MAKER = {"CUDA": "nvidia", "ROCm": "amd"}  # drivers that serve the devices of one only
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
    named = [device for device in could_be if same_name(gpu, device)]
    namesakes = [g for g in rivals if any(same_name(g, device) for device in named)]
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
    return tuple(_as_gpu(device) for device in _further(inventory, listed))


def with_listed(inventory: Inventory, listed: EngineDevices | None) -> Inventory:
    """With the devices that only the engine tells of, as places for models. Of one that nobody tells where its memory
    is it is taken to be the machine's: what is there once is never counted twice."""
    places = tuple(_as_place(device) for device in _further(inventory, listed))
    return replace(inventory, gpus=(*inventory.gpus, *places)) if places else inventory


def _further(inventory: Inventory, listed: EngineDevices | None) -> list[EngineDevice]:
    if listed is None or listed.hardware != hardware_of(inventory):
        return []
    return [device for device in listed.devices if not any(_could_be(gpu, device) for gpu in inventory.gpus)]


def _as_place(device: EngineDevice) -> Gpu:
    """With what was in use when it was listed: too old to be shown, and the best there is to go by."""
    used = 0 if device.free_mib is None else max(0, device.total_mib - device.free_mib) << 20
    return replace(_as_gpu(device), memory_used=used, unified_memory=device.shared is not False)


def _as_gpu(device: EngineDevice) -> Gpu:
    return Gpu(
        id=device.name,
        name=device.text or device.name,
        vendor=next((vendor for vendor in _VENDOR_WORDS if _made_by(vendor, device)), "unknown"),
        memory_total=device.total_mib << 20,
        pinnable=False,
        reason="Only the engine tells of it, by a name that may mean another device after a restart.",
        unified_memory=device.shared is True,
        bus_id=device.bus_id,
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
    by_driver = _ONE_MAKER.get(device.backend) == vendor
    return by_driver or any(word in device.text.lower() for word in _VENDOR_WORDS.get(vendor, (vendor,)))


def same_name(gpu: Gpu, device: EngineDevice) -> bool:
    """Without the ornaments of drivers: "Radeon RX 7900 XTX" is also "AMD Radeon RX 7900 XTX (RADV NAVI31)"."""
    return _plain(gpu.name) == _plain(device.text)


def _plain(name: str) -> str:
    return " ".join(_NOISE.sub(" ", name).lower().split())
