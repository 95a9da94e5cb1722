"""What the machine has."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.hardware.types import Gpu, Inventory
from webui.views.words import Meter, memory_meter


@dataclass(frozen=True, slots=True)
class GpuCard:
    name: str
    id: str
    memory: Meter
    facts: tuple[tuple[str, str], ...]
    note: str | None


@dataclass(frozen=True, slots=True)
class HardwareView:
    processor: str
    cores: int
    memory: Meter
    gpus: tuple[GpuCard, ...]
    notes: tuple[str, ...]


def hardware_view(inventory: Inventory | None) -> HardwareView | None:
    if inventory is None:
        return None
    memory = inventory.memory
    return HardwareView(
        processor=inventory.cpu.name,
        cores=inventory.cpu.cores,
        memory=memory_meter("Memory", memory.total, memory.total - memory.available),
        gpus=tuple(_gpu_card(gpu) for gpu in inventory.gpus),
        notes=inventory.notes,
    )


def _gpu_card(gpu: Gpu) -> GpuCard:
    readings = (
        ("Use", gpu.utilisation, "{:.0%}"),
        ("Temperature", gpu.temperature, "{:.0f} °C"),
        ("Power", gpu.power, "{:.0f} W"),
    )
    facts = tuple((label, form.format(value)) for label, value, form in readings if value is not None)
    return GpuCard(gpu.name, gpu.id, memory_meter("Memory", gpu.memory_total, gpu.memory_used), facts, gpu.reason)
