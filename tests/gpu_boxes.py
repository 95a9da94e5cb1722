"""Machines with GPUs of several makers, and how the engine lists them: for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.hardware.engine_devices import EngineDevice, EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Cpu, Gpu, Inventory, Memory

GIB = 1 << 30
ENGINE = "test-engine"


def nvidia(bus: int, number: int = 1, **fields: Any) -> Gpu:
    name = fields.pop("name", "NVIDIA GeForce RTX 3090")
    return _gpu(bus, name, "nvidia", uuid=f"GPU-0000000{number}-0000-4000-8000-000000000000", **fields)


def amd(bus: int, unique: str | None = "00a1b2c3d4e5f607", **fields: Any) -> Gpu:
    name = fields.pop("name", "AMD Radeon RX 7900 XTX")
    return _gpu(bus, name, "amd", uuid=f"GPU-{unique}" if unique else None, **fields)


def intel(bus: int, **fields: Any) -> Gpu:
    return _gpu(bus, fields.pop("name", "Intel GPU 8086:56a0"), "intel", **fields)


def mig(whole: Gpu, number: int) -> Gpu:
    uuid = f"MIG-0000000{number}-1111-5222-8333-444444444444"
    return replace(whole, id=f"uuid:{uuid}", name=f"{whole.name} MIG 1g.10gb", uuid=uuid, partition_of=whole.id)


def _gpu(bus: int, name: str, vendor: str, **fields: Any) -> Gpu:
    bus_id = f"0000:{bus:02x}:00.0"
    base = Gpu(f"pci:{bus_id}", name, vendor, 24 * GIB, 0, bus_id=bus_id, driver="1.0")
    return replace(base, **fields)


def machine(*gpus: Gpu, memory: int = 64) -> Inventory:
    return Inventory(Cpu("Processor", 8), Memory(memory * GIB, memory * GIB), gpus)


def listing(inventory: Inventory, *devices: tuple[str, str, Gpu | None], **fields: Any) -> EngineDevices:
    """Devices by name, text, and the GPU whose place on the bus their driver tells."""
    listed = tuple(EngineDevice(name, text, 24_000, gpu.bus_id if gpu else None) for name, text, gpu in devices)
    return EngineDevices(ENGINE, hardware_of(inventory), listed, **fields)
